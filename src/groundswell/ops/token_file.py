"""The file beside the state file that says where the running daemon's ops port is, and lets its owner in."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from groundswell.errors import StoreError

TOKEN_BYTES: Final = 32
FILE_BYTES_MAX: Final = 4096


class TokenFile(Struct, frozen=True, omit_defaults=True):
    """What it holds."""

    address: str
    """Host and port that this machine reaches, such as "127.0.0.1:9464" or "[::1]:9464"."""
    token: str
    pid: int
    fingerprint: str | None = None
    """SHA-256 of the certificate it serves HTTPS with, in hex; None: it is plain HTTP."""

    def __repr__(self) -> str:
        return f"TokenFile(address={self.address!r}, token=***, pid={self.pid})"


def beside(state: Path) -> Path:
    """Where it is, for a state file."""
    return state.with_name(state.name + ".token")


def new_token(token_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    return f"gso_{token_bytes(TOKEN_BYTES).hex()}"


def write(path: Path, content: TokenFile) -> None:
    """Put it there whole, readable by its owner only. Raises OSError."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(content))
    draft.replace(path)


def read(path: Path) -> TokenFile | None:
    """What it holds; None when there is none, or only part of one. Raises StoreError when we may not read it."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(FILE_BYTES_MAX), type=TokenFile)
    except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    except OSError as exc:
        raise StoreError(
            f"cannot read {path}: {exc.strerror}; run this as the user groundswell runs as, or as root"
        ) from exc


def remove(path: Path, content: TokenFile) -> None:
    """Take it away, unless another daemon has put its own there."""
    with suppress(OSError, StoreError):
        if read(path) == content:
            path.unlink()
