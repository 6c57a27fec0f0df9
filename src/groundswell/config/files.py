"""The files of a configuration: found, read, and parsed as TOML, each on its own."""

import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from groundswell.config.problems import Findings, TomlPath

FILE_BYTES_MAX: Final = 4 * 2**20
DEPTH_MAX: Final = 64
"""Tables and lists inside each other. Nothing real comes near it; code that walks them may call itself."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """One file that could be read."""

    path: Path
    """As it was named."""
    content: bytes
    tables: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def directory(self) -> Path:
        """Relative paths in the file start here."""
        return self.path.absolute().parent


def read_files(paths: Sequence[Path], findings: Findings) -> list[ConfigFile]:
    """Every file that can be read, in order; a directory stands for its `*.toml`, sorted. The others are problems."""
    if not paths:
        findings.problem("configuration", (), "no file was named")
    files: dict[str, ConfigFile] = {}
    for path in _expanded(paths, findings):
        place = os.path.realpath(path)
        if place in files:
            continue
        content = _read(path, findings)
        tables = None if content is None else _parse(path, content, findings)
        if content is not None and tables is not None:
            files[place] = ConfigFile(path, content, tables)
    return list(files.values())


def _expanded(paths: Sequence[Path], findings: Findings) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(file for file in path.glob("*.toml") if not file.name.startswith("."))
        if not found:
            findings.problem(str(path), (), "this directory holds no .toml file")
        yield from found


def _read(path: Path, findings: Findings) -> bytes | None:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        findings.problem(str(path), (), "there is no such file; name the configuration file, or go to its directory")
    except OSError as exc:
        findings.problem(str(path), (), f"cannot be read: {exc.strerror}")
    else:
        if len(content) <= FILE_BYTES_MAX:
            return content
        findings.problem(str(path), (), f"is larger than {FILE_BYTES_MAX // 2**20} MiB, which no configuration is")
    return None


def _parse(path: Path, content: bytes, findings: Findings) -> dict[str, Any] | None:
    try:
        tables = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        findings.problem(str(path), (), f"line {line} is not UTF-8 text; save the file as UTF-8")
    except RecursionError:
        findings.problem(str(path), (), "has lists or tables nested too deeply")
    except ValueError as exc:  # TOMLDecodeError is one; so is what int() says about a number of 5,000 digits
        where, what = _syntax_error(str(exc))
        findings.problem(str(path), (), f"{where}: {what}; this is not TOML" if where else f"{what}; this is not TOML")
    else:
        deep = _too_deep(tables)
        if deep is None:
            return tables
        findings.problem(str(path), deep, f"has more than {DEPTH_MAX} lists or tables inside each other")
    return None


def _syntax_error(message: str) -> tuple[str, str]:
    """Where and what, of "Expected '=' after a key (at line 3, column 7)"."""
    match = re.fullmatch(r"(.*) \(at (.*)\)", message, re.DOTALL)
    what, where = (match[1], match[2]) if match else (message, "")
    return where, what[:1].lower() + what[1:200]


def _too_deep(tables: dict[str, Any]) -> TomlPath | None:
    """The path, cut short, of something nested deeper than DEPTH_MAX. Not recursive: dotted keys have no limit."""
    waiting: list[tuple[TomlPath, Any]] = [((), tables)]
    while waiting:
        path, value = waiting.pop()
        if len(path) > DEPTH_MAX:
            return path[:3]
        if isinstance(value, dict):
            waiting += [((*path, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, place), inner) for place, inner in enumerate(value)]
    return None
