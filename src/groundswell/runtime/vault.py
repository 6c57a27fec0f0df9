"""Keeps the credentials of connected accounts: sealed with AES-GCM, by a key that is not in the state file.

The key is `[daemon] key`, or stands in a file beside the state file that is made on first use, for its owner alone.
The name of the account is bound to what is sealed: the credentials of one cannot be passed off as another's.
"""

import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from re import fullmatch
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from groundswell.errors import RequestError
from groundswell.settings import Secret

KEY_BYTES: Final = 32
VERSION: Final = 1
_NONCE_BYTES: Final = 12
_SHORTEST: Final = 1 + _NONCE_BYTES + 16
_FILE_BYTES_MAX: Final = 1024


class VaultError(RequestError):
    """Credentials can be neither kept nor read: the key is not there, not safe, or another one."""


class Vault:
    """Seals and opens. Holds no key: it is read when it is needed."""

    def __init__(self, state: Path, key: Secret | None) -> None:
        """`key`: `[daemon] key`."""
        self._state = state
        self._key = key
        self.key_file: Final = beside(state)

    def seal(self, account: str, values: Mapping[str, Any]) -> bytes:
        """What only `open` with the same name and key makes anything of. Raises VaultError."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(self._secret(makes_one=True)).encrypt(nonce, msgspec.json.encode(values), _bound(account))
        return bytes([VERSION]) + nonce + sealed

    def open(self, account: str, sealed: bytes) -> dict[str, Any]:
        """What was sealed. Raises VaultError."""
        if len(sealed) < _SHORTEST or sealed[0] != VERSION:
            raise VaultError(
                f"the credentials of {account} in the state file are of a kind this version does not know; connect it "
                f"anew with `groundswell connect {account}`"
            )
        key = self._secret(makes_one=False)
        nonce, rest = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            text = AESGCM(key).decrypt(nonce, rest, _bound(account))
        except InvalidTag:
            raise VaultError(
                f"the credentials of {account} in {self._state} do not open with {self._named()}: another key sealed "
                f"them. Put that key back and reload, or connect it anew with `groundswell connect {account}`"
            ) from None
        return msgspec.json.decode(text, type=dict[str, Any])

    def _named(self) -> str:
        return f"the key in {self.key_file}" if self._key is None else "[daemon] key"

    def _secret(self, *, makes_one: bool) -> bytes:
        if self._key is not None:
            return bytes.fromhex(self._key.reveal())
        try:
            return self._read()
        except FileNotFoundError:
            if not makes_one:
                raise VaultError(
                    f"the key file {self.key_file} is not there, and without it no credentials in {self._state} open; "
                    "put it back and reload, or connect each account anew with `groundswell connect`"
                ) from None
        except OSError as exc:
            raise self._failed("cannot be read", exc) from None
        try:
            self._make()
            return self._read()
        except OSError as exc:
            raise self._failed("cannot be made", exc) from None

    def _read(self) -> bytes:
        descriptor = os.open(self.key_file, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_FILE_BYTES_MAX)
        if not stat.S_ISREG(mode) or mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise VaultError(
                f"the key file {self.key_file} can be used by others than its owner, and is not used; chmod 600 it. "
                "Who read it may have read the credentials: change them at the vendors, and connect anew"
            )
        text = content.decode("ascii", errors="replace").strip()
        if not fullmatch(f"[0-9a-fA-F]{{{2 * KEY_BYTES}}}", text):
            raise VaultError(
                f"{self.key_file} holds no key (64 hex digits); put the right file back and reload, or take it away "
                "and connect each account anew"
            )
        return bytes.fromhex(text)

    def _make(self) -> None:
        """Put it there whole and on disk: what it seals must not outlive it."""
        draft = self.key_file.with_name(self.key_file.name + ".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(KEY_BYTES).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
            self._give_to_owner(file.fileno())
        draft.rename(self.key_file)
        directory = os.open(self.key_file.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _give_to_owner(self, descriptor: int) -> None:
        """What root makes here, the daemon has to read."""
        if os.geteuid() == 0:
            with suppress(OSError):
                owner = self._state.stat()
                os.fchown(descriptor, owner.st_uid, owner.st_gid)

    def _failed(self, what: str, exc: OSError) -> VaultError:
        return VaultError(
            f"the key file {self.key_file} {what}: {exc.strerror}; run this as the user groundswell runs as, or as root"
        )


def beside(state: Path) -> Path:
    """Where the key file of a state file is."""
    return state.with_name(state.name + ".key")


def _bound(account: str) -> bytes:
    """What is not sealed and must be the same."""
    return f"groundswell credentials {VERSION} {account}".encode()
