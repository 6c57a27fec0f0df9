"""One sender's connection to the webhook port: requests parsed by httptools, answered in order, all of it bounded.

The bytes are read as uvicorn reads them, with llhttp; what is left out is everything between a parsed request and its
answer that a webhook does not need. Why: docs/decisions/0004-the-webhook-port.md.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, Protocol, cast
from urllib.parse import unquote

import httptools
import msgspec
from msgspec import Struct

from groundswell.errors import RefusedError

HEAD_BYTES_MAX: Final = 16 * 1024
HEADERS_MAX: Final = 100
WAITING_MAX: Final = 8
"""Requests a sender may send before the first is answered; then its connection is not read for a while."""
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Headers(dict[str, str]):
    """Headers of a request, by name in lower case; of one that came twice, the first. `get` ignores case."""

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        return super().get(name.lower(), default)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())


class Request(Struct):
    """A request as far as it has come."""

    method: str
    path: str
    headers: Headers
    keeps_alive: bool
    body: bytes = b""
    refusal: RefusedError | None = None
    """Why it is refused, known before the whole body came."""


class Port(Protocol):
    """What a connection asks of the port it belongs to."""

    def refusal_of(self, request: Request) -> RefusedError | None:
        """Whether the head of a request is enough to refuse it."""
        ...

    def hold(self, size: int, more: int) -> RefusedError | None:
        """Take note that a body of `size` so far grows by `more`; why it must not, if so."""
        ...

    def release(self, size: int) -> None:
        """A body of this size is in memory no longer."""
        ...

    async def answer(self, request: Request) -> bytes:
        """Do what is asked. Returns the whole answer, to be sent as it is."""
        ...

    def opened(self, connection: "Connection") -> None:
        """This connection can be used; have it `run`."""
        ...

    def closed(self, connection: "Connection") -> None:
        """This connection is gone."""
        ...


class Connection(asyncio.Protocol):
    """Collects requests in `data_received`; `run`, one task a connection, answers them one after the other."""

    def __init__(self, port: Port, loop: asyncio.AbstractEventLoop) -> None:
        self._port = port
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._waiting: deque[Request] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._request: Request | None = None
        self._target = b""
        self._headers = Headers()
        self._parts: list[bytes] = []
        self._size = 0
        self._head_size = 0
        self._headers_seen = 0
        self._unfinished = 0
        """Bytes received of a head that is not complete: the parser keeps them until it is."""
        self._is_open = False
        self._is_paused = False
        self._can_write = True
        self._is_ending = False
        """Nothing more is read; what was read is answered, then the connection is closed."""
        self.is_busy = False
        self.is_receiving = False
        """In the middle of a request."""
        self.since = loop.time()
        """When it began to wait for a request, or for the rest of one."""

    # ---- bytes in ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._is_open = True
        self._port.opened(self)

    def data_received(self, data: bytes) -> None:
        if self._is_ending:
            return
        if not self.is_receiving:
            self.is_receiving = True
            self.since = self._loop.time()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(RefusedError(400, "no other protocol is spoken here"))
        except httptools.HttpParserError:
            self._refuse(RefusedError(400, "this is not HTTP as it should be"))
        if self._request is None and self.is_receiving:
            self._unfinished += len(data)
            if self._unfinished > HEAD_BYTES_MAX:
                self._refuse(_too_long())

    def on_message_begin(self) -> None:
        self._target, self._headers, self._parts = b"", Headers(), []
        self._head_size = self._headers_seen = 0
        self._request = None
        self.is_receiving = True

    def on_url(self, target: bytes) -> None:
        self._target += target
        self._head_size += len(target)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers_seen += 1
        self._head_size += len(name) + len(value)
        self._headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        self._unfinished = 0
        parser = self._parser
        request = Request(
            parser.get_method().decode("ascii"), _path_of(self._target), self._headers, parser.should_keep_alive()
        )
        request.refusal = self._port.refusal_of(request)
        self._request = request
        asks_first = (self._headers.get("expect") or "").lower() == "100-continue"
        if self._headers_seen > HEADERS_MAX or self._head_size > HEAD_BYTES_MAX:
            self._refuse(_too_long())
        elif request.refusal is None:
            if asks_first:
                self._transport.write(CONTINUE)
        elif asks_first or request.refusal.headers.get("Connection") == "close":
            self._refuse(request.refusal, request)

    def on_body(self, part: bytes) -> None:
        request = self._request
        if request is None or self._is_ending:
            return
        if request.refusal is None:
            request.refusal = self._port.hold(self._size, len(part))
        if request.refusal is None:
            self._size += len(part)
            self._parts.append(part)
        elif request.refusal.headers.get("Connection") == "close":
            self._refuse(request.refusal, request)

    def on_message_complete(self) -> None:
        request = self._request
        if request is None or self._is_ending:
            return
        request.body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts, self._size = [], 0  # released once the request is answered
        self._request = None
        self.is_receiving = False
        self._enqueue(request)

    def time_out(self) -> None:
        """The rest of a request did not come in time."""
        self._refuse(RefusedError(408, "the request did not arrive in time"))

    def _refuse(self, refusal: RefusedError, request: Request | None = None) -> None:
        """Answer the request that is coming in with a refusal, and read nothing more."""
        if self._is_ending:
            return
        request = request or self._request or Request("", "", self._headers, keeps_alive=False)
        request.refusal = refusal
        request.keeps_alive = False
        self._is_ending = True
        self._port.release(self._size)
        self._parts, self._size = [], 0
        self._enqueue(request)

    def _enqueue(self, request: Request) -> None:
        self._waiting.append(request)
        self.since = self._loop.time()
        self._rouse()
        if len(self._waiting) >= WAITING_MAX and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The sender will send no more, and may still read: it gets the answers that are due."""
        self._is_ending = True
        self._rouse()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_open = False
        self._is_ending = True
        self._can_write = True
        self._rouse()
        self._port.release(self._size)
        self._parts, self._size = [], 0
        self._port.closed(self)

    def pause_writing(self) -> None:
        self._can_write = False

    def resume_writing(self) -> None:
        self._can_write = True
        self._rouse()

    # ---- answers out ----

    async def run(self) -> None:
        """Answer requests until the connection ends."""
        while self._is_open:
            if not self._waiting or not self._can_write:
                if self._is_ending and not self._waiting:
                    break
                await self._rest()
                continue
            request = self._waiting.popleft()
            if self._is_paused and not self._waiting:
                self._is_paused = False
                self._transport.resume_reading()
            self.is_busy = True
            size = len(request.body)
            try:
                answer = await self._port.answer(request)
            finally:
                self.is_busy = False
                self._port.release(size)
            if self._is_open:
                self._transport.write(answer)
            self.since = self._loop.time()
            if not request.keeps_alive:
                break
        self._close()

    async def _rest(self) -> None:
        self._wake = self._loop.create_future()
        try:
            await self._wake
        finally:
            self._wake = None

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def end(self) -> None:
        """Answer what was read, then close."""
        self._is_ending = True
        self._rouse()

    def abort(self) -> None:
        """Close now."""
        if self._is_open:
            self._transport.abort()

    def _close(self) -> None:
        """Close so that the answer is read: what the sender still sends is let pass for a moment, not refused."""
        self._is_ending = True
        if not self._is_open:
            return
        if self.is_receiving and self._transport.can_write_eof():
            self._transport.write_eof()
            self._loop.call_later(LINGER_S, self.abort)
        else:
            self._transport.close()


LINGER_S: Final = 1.0

_JSON_HEAD: Final = "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n"


def written(status: int, body: bytes, headers: Mapping[str, str], *, keeps_alive: bool) -> bytes:
    """An answer as it goes out."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name != "Connection")
    if not keeps_alive:
        lines += "Connection: close\r\n"
    return (_JSON_HEAD % (status, HTTPStatus(status).phrase, len(body), lines)).encode("latin-1") + body


def refusal_written(refusal: RefusedError, request: Request) -> bytes:
    """A refusal as it goes out; without its body to who asked for the head only."""
    body = msgspec.json.encode({"error": str(refusal)})
    answer = written(refusal.status, body, refusal.headers, keeps_alive=request.keeps_alive)
    return answer[: -len(body)] if request.method == "HEAD" else answer


def _too_long() -> RefusedError:
    return RefusedError(431, f"the headers and the path may be {HEADERS_MAX} and {HEAD_BYTES_MAX} bytes together")


def _path_of(target: bytes) -> str:
    """The path of a request, without its query; some proxies send the whole address."""
    path = target.partition(b"?")[0].decode("latin-1")
    if not path.startswith("/"):
        path = "/" + path.partition("://")[2].partition("/")[2]
    return unquote(path) if "%" in path else path
