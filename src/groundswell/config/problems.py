"""What is wrong in a configuration: collected while it is read, told all at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import groupby
from re import fullmatch
from typing import Any, Final

from groundswell.errors import ConfigError, Problem

TomlPath = tuple[str | int, ...]
"""Where something stands in a file: keys, and places in lists counted from 0."""

_SHOWN_MAX: Final = 60
_LISTED_MAX: Final = 16


@dataclass(slots=True)
class Findings:
    """Problems and warnings met so far. A problem keeps the daemon from starting, a warning does not."""

    warnings: list[str] = field(default_factory=list)
    _problems: dict[tuple[str, TomlPath, str], None] = field(default_factory=dict)

    def problem(self, file: str, path: TomlPath, message: str) -> None:
        self._problems[file, path, message] = None

    def warning(self, file: str, path: TomlPath, message: str) -> None:
        found = f"{file}: {path_text(path)} {message}"
        if found not in self.warnings:
            self.warnings.append(found)

    @property
    def has_problems(self) -> bool:
        return bool(self._problems)

    def problems(self, files: Mapping[str, Mapping[str, Any]]) -> list[Problem]:
        """The problems in the order of the files (their tables, by name), from the top of each to its end."""
        order = list(files)

        def place(found: tuple[str, TomlPath, str]) -> tuple[int, list[int]]:
            file, path, _ = found
            return (order.index(file), _places(path, files[file])) if file in files else (-1, [])

        return [Problem(file, path_text(path), message) for file, path, message in sorted(self._problems, key=place)]


def _places(path: TomlPath, values: Any) -> list[int]:
    """How far down each part of a path stands in its table; what is not there comes last."""
    places = []
    for part in path:
        keys = (
            list(values)
            if isinstance(values, Mapping)
            else list(range(len(values)))
            if isinstance(values, list)
            else []
        )
        places.append(keys.index(part) if part in keys else len(keys))
        values = values[part] if part in keys else None
    return places


def rendered(error: ConfigError) -> str:
    """The problems as a person reads them, grouped by file, one a line."""
    lines = []
    for file, found in by_file(error.problems):
        lines.append(f"{file}: {counted(len(found), 'problem')}")
        width = max(len(problem.path) for problem in found)
        lines += [f"  {problem.path:<{width}}{'   ' if width else ''}{problem.message}" for problem in found]
    return "".join(f"{line}\n" for line in lines)


def by_file(problems: Iterable[Problem]) -> list[tuple[str, list[Problem]]]:
    """Problems of one file together, files and problems in the order they came."""
    problems = list(problems)
    first = {problem.file: place for place, problem in reversed(list(enumerate(problems)))}
    in_order = sorted(problems, key=lambda problem: first[problem.file])
    return [(file, list(found)) for file, found in groupby(in_order, key=lambda problem: problem.file)]


def path_text(path: TomlPath) -> str:
    """A path as it is written in TOML: `sinks.crm.fields."custom.Shirt size"`, with `[0]` for the first of a list."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = fullmatch(r"[A-Za-z0-9_-]{1,60}", part)
            text += ("." if text else "") + (part if bare else quoted(part))
    return text


def quoted(text: str, letters_max: int = _SHOWN_MAX) -> str:
    """Text in quotes, short, and without anything that could upset a terminal."""
    if len(text) > letters_max:
        text = text[: letters_max - 3] + "..."
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in escaped) + '"'


def meant(word: str, known: Iterable[str]) -> str:
    """What somebody who wrote `word` may have meant: "did you mean ...?", and what there is."""
    names = list(known)
    close = closest(word, names)
    if not names:
        return "there is none"
    if close is None:
        return f"there is {listing(names)}"
    return f"did you mean {quoted(close)}?" + (f" ({listing(names)})" if len(names) > 1 else "")


def closest(word: str, known: Sequence[str]) -> str | None:
    """The one of `known` most like `word`, if any is."""
    begun = [name for name in known if len(word) > 1 and (name.startswith(word) or word.startswith(name))]
    return next(iter(begun or get_close_matches(word[:_SHOWN_MAX], known, n=1)), None)


def listing(names: Sequence[str]) -> str:
    return ", ".join(names[:_LISTED_MAX]) + (", ..." if len(names) > _LISTED_MAX else "")


def able(names: Sequence[str], what: str) -> str:
    """ "crm and archive can be paused", for "be paused"; "nothing here can be paused"."""
    return f"{_all_of(names) or 'nothing here'} can {what}"


def _all_of(names: Sequence[str]) -> str:
    if len(names) < 2 or len(names) > _LISTED_MAX:
        return listing(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def counted(number: int, noun: str) -> str:
    """ "1 problem", "2,000 problems"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
