"""Asking a running daemon, over its ops port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import aiohttp
import msgspec
from msgspec import Struct

from groundswell.errors import GroundswellError
from groundswell.http.client import new_session
from groundswell.ops.caller import USER_HEADER, os_user
from groundswell.ops.messages import Refused
from groundswell.ops.operations import Operation
from groundswell.ops.token_file import TokenFile

CONNECT_TIMEOUT_S: Final = 5.0
ANSWER_TIMEOUT_S: Final = 120.0
"""A reload waits for what is under way at every sink it exchanges."""
ANSWER_BYTES_MAX: Final = 64 * 2**20
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)


class OpsError(GroundswellError):
    """The daemon did not do what was asked."""

    def __init__(self, message: str, *, status: int | None = None, was_asked: bool = True) -> None:
        self.status = status
        """Of its answer; None when there was none, or it was not the daemon's."""
        self.was_asked = was_asked
        """False when the question certainly did not reach the daemon, so that it may be asked again."""
        super().__init__(message)


async def ask_daemon(reach: TokenFile, operation: Operation[Q, A], request: Q) -> A:
    """Ask the daemon that wrote this token file.

    Raises:
        OpsError: it refused, cannot be reached, or is no groundswell.
    """
    timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)
    query, body = _query(operation, request), _body(operation, request)
    async with asking(reach, operation.method, operation.path, params=query, data=body, timeout=timeout) as response:
        return _answer(reach, operation, response.status, await _read(response.content))


@asynccontextmanager
async def asking(reach: TokenFile, method: str, path: str, **sent: Any) -> AsyncIterator[aiohttp.ClientResponse]:
    """One request to the daemon that wrote this token file. Raises OpsError: it cannot be reached, or broke off."""
    try:
        async with (
            new_session() as session,
            session.request(
                method,
                f"{'http' if reach.fingerprint is None else 'https'}://{reach.address}{path}",
                headers=_headers(reach),
                # The certificate is known by itself: it need not be for an address of this machine, nor be signed.
                ssl=True if reach.fingerprint is None else aiohttp.Fingerprint(bytes.fromhex(reach.fingerprint)),
                allow_redirects=False,
                **sent,
            ) as response,
        ):
            yield response
    except aiohttp.ServerFingerprintMismatch as exc:  # just renewed, and the file not read again since
        raise OpsError(
            f"what answers at {reach.address} has another certificate than the daemon, process {reach.pid}, says; try "
            "again, then see what process listens there",
            was_asked=False,
        ) from exc
    except aiohttp.ClientConnectorError as exc:
        raise OpsError(
            f"nothing answers at {reach.address} ({exc.strerror or exc}), where the daemon, process {reach.pid}, "
            "listened. It may be starting or stopping: try again, then look at its log, and restart it",
            was_asked=False,
        ) from exc
    except (aiohttp.ClientError, OSError) as exc:
        raise OpsError(
            f"{reach.address} broke off ({type(exc).__name__}); whether it did what was asked is not known, look with "
            "`groundswell status`"
        ) from exc


def _headers(reach: TokenFile) -> dict[str, str]:
    user = os_user()
    named = {} if user is None else {USER_HEADER: user}
    return {"Authorization": f"Bearer {reach.token}", "Content-Type": "application/json", **named}


def _query(operation: Operation[Q, A], request: Q) -> dict[str, str] | None:
    if operation.method != "GET":
        return None
    return {name: str(value) for name, value in msgspec.to_builtins(request).items() if value is not None}


def _body(operation: Operation[Q, A], request: Q) -> bytes | None:
    return None if operation.method == "GET" else msgspec.json.encode(request)


async def _read(content: aiohttp.StreamReader) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in content.iter_any():
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            raise OpsError(f"the answer is larger than {ANSWER_BYTES_MAX // 2**20} MiB; ask for less")
        parts.append(part)
    return b"".join(parts)


def _answer(reach: TokenFile, operation: Operation[Q, A], status: int, body: bytes) -> A:
    if status != 200:
        raise refusal_in(reach, status, body)
    try:
        return msgspec.json.decode(body, type=operation.answer)
    except _UNREADABLE as exc:
        raise _foreign(reach, status) from exc


def refusal_in(reach: TokenFile, status: int, body: bytes) -> OpsError:
    """What an answer that is no 200 says."""
    try:
        refused = msgspec.json.decode(body, type=Refused)
    except _UNREADABLE as exc:
        error = _foreign(reach, status)
        error.__cause__ = exc
        return error
    if status == 401:
        return OpsError(
            f"the daemon at {reach.address} does not take the token in the file beside the state file. Another daemon "
            "may have that address: look at the log of the one you mean, and restart it",
            status=status,
            was_asked=False,
        )
    return OpsError(refused.error, status=status)


def _foreign(reach: TokenFile, status: int) -> OpsError:
    return OpsError(
        f"what answers at {reach.address} ({status}) does not speak as this groundswell does. After an upgrade, "
        "restart the daemon; else see what process listens there"
    )
