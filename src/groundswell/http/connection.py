"""One sender's connection to the webhook port: requests parsed by httptools, answered in order, all of it bounded.

The bytes are read as uvicorn reads them, with llhttp; what is left out is everything between a parsed request and its
answer that a webhook does not need. Why: docs/decisions/0004-the-webhook-port.md.
"""

import asyncio
import contextlib
from collections import deque
from functools import lru_cache
from typing import Final, Protocol, cast
from urllib.parse import unquote

import httptools
import structlog

from groundswell.errors import RefusedError
from groundswell.http.message import Headers, Request
from groundswell.logs import without_text

HEAD_BYTES_MAX: Final = 16 * 1024
HEADERS_MAX: Final = 100
WAITING_MAX: Final = 8
"""Requests a sender may send before the first is answered; then its connection is not read for a while."""
PASSED_OVER_MAX: Final = 2**16
"""Bytes of a refused request's body that are read to keep its connection; after more it is closed."""
LINGER_S: Final = 1.0
"""How long a sender that still sends may go on after the last answer, so that it reads the answer."""
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

log = structlog.get_logger()


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
        self._unread: bytes | memoryview = b""
        """Received and not parsed yet: too many requests wait already, and reading is paused."""
        self._waiting: deque[Request] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._request: Request | None = None
        self._target = b""
        self._headers = Headers()
        self._body = bytearray()
        self._head_size = 0
        self._headers_seen = 0
        self._passed_over = 0
        self._unfinished = 0
        """Bytes received since a head began or a piece of body came: the parser keeps some of them."""
        self._asks_first = False
        """The sender waits to be told to send the body."""
        self._is_tls = False
        self._is_open = False
        self._is_paused = False
        self._can_write = True
        self._is_lingering = False
        """Everything is answered; when the sender has nothing more to send, it has read all there is."""
        self.is_ending = False
        """Nothing more is read; what was read is answered, then the connection is closed."""
        self.is_busy = False
        self.is_receiving = False
        """In the middle of a request."""
        self.since = loop.time()
        """When it began to wait for a request, or for the rest of one."""

    # ---- bytes in ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._is_tls = transport.get_extra_info("ssl_object") is not None
        self._is_open = True
        self._port.opened(self)

    def data_received(self, data: bytes) -> None:
        if self._unread:  # it came although reading is paused
            data = bytes(self._unread) + data
        self._unread = data if len(data) <= HEAD_BYTES_MAX else memoryview(data)
        self._parse()

    def _parse(self) -> None:
        """Parse what came, a slice at a time, until so many requests wait that the rest of it must wait too."""
        while self._unread and not self.is_ending and len(self._waiting) < WAITING_MAX:
            part, self._unread = self._unread[:HEAD_BYTES_MAX], self._unread[HEAD_BYTES_MAX:]
            self._feed(part)
            self._unfinished += len(part)
            if self.is_receiving and self._unfinished > 2 * HEAD_BYTES_MAX:  # it may have begun anywhere in a slice
                self._refuse(_too_long())
        if self.is_ending:
            self._unread = b""
        elif len(self._waiting) >= WAITING_MAX and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def _feed(self, part: bytes | memoryview) -> None:
        while part:
            try:
                self._parser.feed_data(part)
                part = b""
            except httptools.HttpParserUpgrade as offer:
                part = b"" if self.is_ending else self._without_offer() + bytes(part[offer.args[0] :])
            except httptools.HttpParserError:
                self._refuse(RefusedError(400, "this is not HTTP as it should be"))
                part = b""

    def _without_offer(self) -> bytes:
        """A head again, without the offer to go on in another protocol (Java's client makes one).

        We do not take it up; but llhttp takes it that we do, and that what follows the head is not HTTP.
        """
        first = f"{self._parser.get_method().decode()} {self._target.decode()} HTTP/{self._parser.get_http_version()}"
        lines = [f"{name}: {value}" for name, value in self._headers.items() if name != "upgrade"]
        self._parser = httptools.HttpRequestParser(self)
        return "\r\n".join((first, *lines, "", "")).encode("latin-1")

    def on_message_begin(self) -> None:
        self._target, self._headers = b"", Headers()
        self._head_size = self._headers_seen = self._passed_over = self._unfinished = 0
        self._request = None
        self._asks_first = False
        self.is_receiving = True
        self.since = self._loop.time()

    def on_url(self, target: bytes) -> None:
        self._target += target
        self._head_size += len(target)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._request is not None:  # a trailer, after the body: nobody checked it, nobody needs it
            return
        self._headers_seen += 1
        self._head_size += len(name) + len(value)
        self._headers.setdefault(_name_of(name), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        parser, method = self._parser, self._parser.get_method().decode("ascii")
        if self.is_ending or (parser.should_upgrade() and method != "CONNECT"):
            return
        self._unfinished = 0
        # HTTP/1.0 keeps a connection only if told so in the answer, and its chunks are not to be trusted.
        is_current = parser.get_http_version() == "1.1"
        keeps_alive = is_current and parser.should_keep_alive()
        request = self._request = Request(method, _path_of(self._target), self._headers, keeps_alive)
        if self._headers_seen > HEADERS_MAX or self._head_size > HEAD_BYTES_MAX:
            self._refuse(_too_long())
            return
        if method == "CONNECT":
            self._refuse(RefusedError(405, "this is not a proxy", {"Allow": "POST"}))
            return
        request.refusal = self._port.refusal_of(request)
        asks_first = is_current and (self._headers.known("expect") or "").lower() == "100-continue"
        if request.refusal is None:
            self._asks_first = asks_first
            if asks_first:
                self._rouse()
        elif asks_first or _closes(request.refusal):
            self._refuse(request.refusal)

    def on_body(self, part: bytes) -> None:
        request = self._request
        if request is None or self.is_ending:
            return
        self._unfinished = 0
        self._asks_first = False
        if request.refusal is None:
            request.refusal = self._port.hold(len(self._body), len(part))
        if request.refusal is None:
            self._body += part
            return
        self._passed_over += len(part)
        if self._passed_over > PASSED_OVER_MAX or _closes(request.refusal):
            self._refuse(request.refusal)

    def on_message_complete(self) -> None:
        request = self._request
        if request is None or self.is_ending:
            return
        request.body = bytes(self._body)  # released once the request is answered
        self._body.clear()
        self._request = None
        self._asks_first = self.is_receiving = False
        self.is_ending = not request.keeps_alive
        self._enqueue(request)

    def time_out(self) -> None:
        """The rest of a request did not come in time."""
        self._refuse(RefusedError(408, "the request did not arrive in time"))

    def _refuse(self, refusal: RefusedError) -> None:
        """Answer the request that is coming in with a refusal, after those before it, and read nothing more."""
        if self.is_ending:
            return
        request = self._request or Request("", "", self._headers, keeps_alive=False)
        request.refusal = refusal
        request.keeps_alive = False
        self.is_ending = True
        self._forget_body()
        self._enqueue(request)

    def _forget_body(self) -> None:
        self._port.release(len(self._body))
        self._body.clear()

    def _enqueue(self, request: Request) -> None:
        self._waiting.append(request)
        self.since = self._loop.time()
        self._rouse()

    def eof_received(self) -> bool:
        """The sender will send no more, and may still read: it gets the answers that are due. TLS knows no half."""
        self.is_ending = True
        self.is_receiving = False
        self._rouse()
        return not self._is_lingering and not self._is_tls

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_open = False
        self.is_ending = True
        self._rouse()
        self._forget_body()
        self._port.closed(self)

    def pause_writing(self) -> None:
        self._can_write = False

    def resume_writing(self) -> None:
        self._can_write = True
        self._rouse()

    # ---- answers out ----

    async def run(self) -> None:
        """Answer requests until the connection ends."""
        try:
            while self._is_open:
                if self._waiting and self._can_write:
                    request = self._waiting.popleft()
                    if self._is_paused and not self._waiting:
                        self._read_on()
                    await self._answer(request)
                    if not request.keeps_alive:
                        return
                elif self.is_ending and not self._waiting:
                    return
                else:
                    if self._asks_first and self._can_write:
                        self._asks_first = False
                        self._write(CONTINUE)
                    await self._rest()
        except Exception as exc:
            log.error("connection_defect", exception=without_text(exc), then="closed")
        finally:
            self._close()

    async def _answer(self, request: Request) -> None:
        self.is_busy = True
        try:
            answer = await self._port.answer(request)
        finally:
            self.is_busy = False
            self._port.release(len(request.body))
        self._write(answer)
        self.since = self._loop.time()

    def _write(self, content: bytes) -> None:
        if self._is_open:
            self._transport.write(content)

    def _read_on(self) -> None:
        self._parse()
        if len(self._waiting) < WAITING_MAX and self._is_open:
            self._is_paused = False
            self._transport.resume_reading()

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
        self.is_ending = True
        self._rouse()

    def abort(self) -> None:
        """Close now."""
        if self._is_open:
            self._is_open = False
            self._rouse()
            self._transport.abort()

    def _close(self) -> None:
        """Close so that the answer is read: what the sender still sends is let pass for a moment, not refused."""
        self.is_ending = True
        while self._waiting:
            self._port.release(len(self._waiting.popleft().body))
        if not self._is_open:
            return
        if self.is_receiving or self._is_paused:
            if not self._is_tls:
                with contextlib.suppress(OSError):  # it has hung up, and we have not heard of it yet
                    self._transport.write_eof()
            self._transport.resume_reading()
            self._is_lingering = True
            self._loop.call_later(LINGER_S, self.abort)
        else:
            self._transport.close()


def _closes(refusal: RefusedError) -> bool:
    return refusal.headers.get("Connection") == "close"


def _too_long() -> RefusedError:
    return RefusedError(431, f"the headers and the path may be {HEADERS_MAX} and {HEAD_BYTES_MAX} bytes together")


@lru_cache(maxsize=256)
def _name_of(name: bytes) -> str:
    """The name of a header, in lower case. Senders use the same few again and again."""
    return name.decode("latin-1").lower()


@lru_cache(maxsize=256)
def _path_of(target: bytes) -> str:
    """The path of a request, without its query; some proxies send the whole address."""
    path = target.partition(b"?")[0].decode("latin-1")
    if not path.startswith("/"):
        path = "/" + path.partition("://")[2].partition("/")[2]
    return unquote(path) if "%" in path else path
