"""The webhook port: checks a request, hands its body to the source whose path it is, answers once it is on disk.

This is the path that election night goes through: no log line per request, counters say what was answered.
"""

import asyncio
import os
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol, cast

import anyio
import structlog
from anyio.abc import TaskGroup
from msgspec import Struct

from groundswell.clock import Clock
from groundswell.component import Arrival, WebhookRequest, WebhookSource
from groundswell.errors import GroundswellError, RefusedError, StoreError, UnreadableError
from groundswell.http.certificate import LiveCertificate
from groundswell.http.connection import Connection
from groundswell.http.message import Request, refusal_written, written
from groundswell.http.tls_server import TlsServer
from groundswell.logs import without_text
from groundswell.settings import Listen

KEEPALIVE_S: Final = 75.0
"""How long a connection may be idle."""
SWEEP_EVERY_S: Final = 1.0
SHUTDOWN_S: Final = 2.0
SMALL_BODY_BYTES: Final = 2**16
BODIES_RETRY_AFTER_S: Final = 5

Answered = Callable[[str, int, float | None], None]
"""Told of every answer of a source: its name, the status, and the seconds from the whole body to the answer."""

Routes = Mapping[str, tuple[str, WebhookSource]]
"""Path -> (source name, source)."""

log = structlog.get_logger()


class Bounds(Struct, frozen=True):
    """What the port allows."""

    body_max: int
    bodies_max: int
    """Bytes of all bodies in memory together; small ones are taken until it is twice that."""
    body_timeout_s: float
    """From the first byte of a request to its last."""
    connections_max: int


class Inlet(Protocol):
    """Where bodies go."""

    async def accept(self, source: str, arrivals: Sequence[Arrival]) -> int:
        """Commit; how many were new. Raises NotNowError."""
        ...

    async def unreadable(self, source: str, body: bytes, message: str) -> None:
        """Keep a body of a known sender that could not be read."""
        ...


class WebhookServer:
    """Listens, and answers for every webhook source. `routes` and `bounds` may be replaced while it runs."""

    def __init__(
        self,
        listen: Listen,
        bounds: Bounds,
        inlet: Inlet,
        clock: Clock,
        answered: Answered,
        certificate: LiveCertificate | None = None,
    ) -> None:
        self._listen = listen
        self.certificate: Final = certificate
        """What it serves HTTPS with; None: it is plain HTTP."""
        self._inlet = inlet
        self._clock = clock
        self._answered = answered
        self._server: asyncio.Server | TlsServer | None = None
        self._is_stopped = False
        self._tasks: TaskGroup
        self._sweeping = anyio.CancelScope()
        self._connections: set[Connection] = set()
        self._one_closed = anyio.Event()
        self._held = 0
        self.bounds = bounds
        self.routes: Routes = {}
        self.port: int | None = None
        """The port really listened on, once started."""

    async def start(self, tasks: TaskGroup) -> None:
        """Listen; connections run in `tasks`. Raises OSError when the address is taken or not ours."""
        self._tasks = tasks
        self._is_stopped = False
        try:
            self._server = await self._new_server(tasks)
        except OSError as exc:
            why = f"cannot listen on {self._listen} ([webhooks] listen): {os.strerror(exc.errno or 0)}"
            raise OSError(exc.errno, why) from exc
        self.port = self._server.sockets[0].getsockname()[1]
        self._sweeping = anyio.CancelScope()
        tasks.start_soon(self._sweep)

    async def _new_server(self, tasks: TaskGroup) -> asyncio.Server | TlsServer:
        loop = asyncio.get_running_loop()
        if self.certificate is None:
            return await loop.create_server(
                lambda: self._connect(loop), self._listen.host, self._listen.port, backlog=1024, reuse_address=True
            )
        server = TlsServer(self.certificate, lambda: self._connect(loop), self._has_room, tasks)
        await server.start(self._listen)
        return server

    async def stop(self) -> None:
        """Stop listening, let requests under way finish."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        self._is_stopped = True
        for connection in set(self._connections):
            connection.end()
        with anyio.move_on_after(SHUTDOWN_S):
            while self._connections:
                self._one_closed = anyio.Event()
                await self._one_closed.wait()
        for connection in set(self._connections):
            connection.abort()
        self._sweeping.cancel()

    def url(self, path: str = "") -> str:
        """Where a path is, or the port itself, as far as the address it listens on says."""
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://{Listen(host=self._listen.host, port=self.port or 0)}{path}"

    def _connect(self, loop: asyncio.AbstractEventLoop) -> asyncio.Protocol:
        return Connection(self, loop) if self._has_room() else _TurnedAway()

    def _has_room(self, on_the_way: int = 0) -> bool:
        return len(self._connections) + on_the_way < self.bounds.connections_max

    def opened(self, connection: Connection) -> None:
        if self._is_stopped:  # it was on its way in when the port was closed
            connection.abort()
            return
        self._connections.add(connection)
        self._tasks.start_soon(connection.run)

    def closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._one_closed.set()

    async def _sweep(self) -> None:
        """End connections that are idle for too long, or send too slowly."""
        loop = asyncio.get_running_loop()
        with self._sweeping:
            while True:
                await anyio.sleep(min(SWEEP_EVERY_S, self.bounds.body_timeout_s / 2, KEEPALIVE_S / 2))
                now = loop.time()
                for connection in set(self._connections):
                    if not connection.is_busy:
                        self._end_if_late(connection, now - connection.since)

    def _end_if_late(self, connection: Connection, waited_s: float) -> None:
        is_too_slow = connection.is_receiving and waited_s > self.bounds.body_timeout_s
        if not is_too_slow and waited_s <= KEEPALIVE_S:
            return
        if connection.is_ending:  # it does not read its answers
            connection.abort()
        elif is_too_slow:
            connection.time_out()
        else:
            connection.end()

    # ---- one request ----

    def refusal_of(self, request: Request) -> RefusedError | None:
        route = self.routes.get(request.path)
        if route is None:
            return RefusedError(404, "nothing listens on this path")
        if request.method != "POST":
            return RefusedError(405, "only POST is taken here", {"Allow": "POST"})
        content_types = route[1].content_types
        if content_types is not None and not _is_among(request.headers.known("content-type") or "", content_types):
            return RefusedError(415, f"send {' or '.join(content_types)}")
        length = request.headers.known("content-length")
        if length is not None and len(length) < 20 and int(length) > self.bounds.body_max:
            return self._too_large()
        return None

    def hold(self, size: int, more: int) -> RefusedError | None:
        """Slow senders of large bodies must not fill the memory together."""
        if size + more > self.bounds.body_max:
            return self._too_large()
        bodies_max = self.bounds.bodies_max if size + more > SMALL_BODY_BYTES else 2 * self.bounds.bodies_max
        if self._held + more > bodies_max:
            headers = {"Retry-After": str(BODIES_RETRY_AFTER_S), "Connection": "close"}
            return RefusedError(503, "not now: too much is being sent at once", headers)
        self._held += more
        return None

    def release(self, size: int) -> None:
        self._held -= size

    async def answer(self, request: Request) -> bytes:
        name, source = self.routes.get(request.path, ("", None))
        try:
            if request.refusal is not None:
                raise request.refusal
            if source is None:  # gone since its head was read
                raise RefusedError(404, "nothing listens on this path")
            began = self._clock.monotonic()
            answer = await self._take(name, source, request)
        except RefusedError as exc:
            return self._refused(name, exc, request)
        except GroundswellError as exc:
            log.error("webhook_not_accepted", component=name, error=str(exc), then="answered 503")
            return self._refused(name, RefusedError(503, "not now", {"Retry-After": "60"}), request)
        except Exception as exc:
            log.error("webhook_defect", component=name, exception=without_text(exc), then="answered 500")
            return self._refused(name, _defect(), request)
        self._answered(name, 200, self._clock.monotonic() - began)
        if request.keeps_alive:
            return _OK % (len(answer), answer)
        return written(200, answer, {}, keeps_alive=False)

    def _refused(self, name: str, refusal: RefusedError, request: Request) -> bytes:
        if name:
            self._answered(name, refusal.status, None)
        if refusal.headers.get("Connection") == "close":
            request.keeps_alive = False
        return refusal_written(refusal, request)

    async def _take(self, name: str, source: WebhookSource, request: Request) -> bytes:
        encoding = request.headers.known("content-encoding")
        body = request.body if encoding is None else self._decompressed(request.body, encoding)
        webhook = WebhookRequest(request.path, request.headers, body, self._clock.now())
        await source.authenticate(webhook)
        try:
            came = source.arrivals(webhook)
            arrivals = await came if isinstance(came, Awaitable) else came
        except UnreadableError as exc:
            await self._inlet.unreadable(name, body, str(exc))
            raise
        except (RefusedError, StoreError):
            raise
        except Exception as exc:
            log.error("webhook_defect", component=name, exception=without_text(exc), then="answered 500")
            message = f"{name} failed with {type(exc).__name__}; this is a defect, please report it"
            await self._inlet.unreadable(name, body, message)
            raise _defect() from exc
        fresh = await self._inlet.accept(name, arrivals) if arrivals else 0
        return b'{"accepted":%d,"duplicates":%d}' % (fresh, len(arrivals) - fresh)

    def _decompressed(self, body: bytes, encoding: str) -> bytes:
        """gzip and deflate, never more than the bound: a few kilobytes can unpack to gigabytes."""
        wbits = {"gzip": 31, "deflate": 15, "identity": 0}.get(encoding.strip().lower())
        if wbits is None:
            raise RefusedError(415, "send the body plain, or as gzip or deflate")
        if wbits == 0:
            return body
        unpacker = zlib.decompressobj(wbits)
        try:
            plain = unpacker.decompress(body, self.bounds.body_max + 1)
        except zlib.error:
            raise RefusedError(400, f"the body is not {encoding}") from None
        if len(plain) > self.bounds.body_max:
            raise self._too_large()
        if not unpacker.eof:
            raise RefusedError(400, f"the {encoding} body is cut off")
        if unpacker.unused_data:
            raise RefusedError(400, f"something follows the end of the {encoding} body; send one, with all in it")
        return plain

    def _too_large(self) -> RefusedError:
        return RefusedError(413, f"the body is larger than {self.bounds.body_max} bytes", {"Connection": "close"})


_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


class _TurnedAway(asyncio.Protocol):
    """There are too many connections already."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).abort()


def _defect() -> RefusedError:
    return RefusedError(500, "this failed on our side; it is a defect, please report it")


def _is_among(content_type: str, media_types: Sequence[str]) -> bool:
    """Whether a Content-Type, parameters aside, is one of these."""
    return content_type in media_types or content_type.partition(";")[0].strip().lower() in media_types
