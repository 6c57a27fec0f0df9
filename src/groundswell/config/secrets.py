"""Secrets kept outside the configuration: in files, or with systemd."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from groundswell.config.problems import quoted

SECRET_BYTES_MAX: Final = 64 * 2**10


class SecretFiles:
    """Reads `{ file = "..." }` and `{ credential = "..." }` for the settings of one configuration file."""

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        self._directory = directory
        self._environ = environ
        self._read: dict[Path, str] = {}
        self.warnings: list[str] = []

    def __call__(self, where: Mapping[str, Any]) -> str:
        """The secret, without the line end that editors add. Raises ValueError that says what is wrong."""
        match dict(where):
            case {"file": str(name), **others} if name and not others:
                path = self._directory / name
            case {"credential": str(name), **others} if name and not others:
                path = self._credential(name)
            case _:
                raise ValueError('is not a secret; write "${NAME}", { file = "/path" } or { credential = "name" }')
        if path not in self._read:
            self._read[path] = self._content(path)
        return self._read[path]

    def _credential(self, name: str) -> Path:
        directory = self._environ.get("CREDENTIALS_DIRECTORY")
        if not directory:
            raise ValueError(
                f"credential {quoted(name)} is not there: $CREDENTIALS_DIRECTORY is not set. systemd sets it for units "
                f"with LoadCredential={name}:...; elsewhere write {{ file = ... }}"
            )
        if "/" in name or name in (".", ".."):
            raise ValueError(
                f"credential {quoted(name)} is not a name; it is what stands before the colon in LoadCredential="
            )
        return Path(directory) / name

    def _content(self, path: Path) -> str:
        shown = quoted(str(path), letters_max=1_000)
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read(SECRET_BYTES_MAX + 1)
        except OSError as exc:
            raise ValueError(f"the secret file {shown} cannot be read: {exc.strerror}") from None
        except ValueError:
            raise ValueError(f"{shown} is not the name of a file") from None
        if len(content) > SECRET_BYTES_MAX:
            raise ValueError(f"the secret file {shown} is larger than {SECRET_BYTES_MAX // 2**10} KiB")
        try:
            text = content.removesuffix(b"\n").removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise ValueError(f"the secret file {shown} is not UTF-8 text") from None
        if not text:
            raise ValueError(f"the secret file {shown} is empty")
        if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
            self.warnings.append(f"the secret file {path} can be read by other users; chmod 600 it")
        return text
