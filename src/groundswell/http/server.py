"""The webhook port: checks a request, hands its body to the source whose path it is, answers once it is on disk.

Built on aiohttp's low-level server, without router and middlewares: this is the path that election night goes through
(docs/decisions/0004-aiohttp-low-level-server.md). No log line per request: counters say what was answered.
"""

import asyncio
import logging
import os
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

import anyio
import msgspec
import structlog
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler
from msgspec import Struct

from groundswell.clock import Clock
from groundswell.component import Arrival, WebhookRequest, WebhookSource
from groundswell.errors import GroundswellError, RefusedError, UnreadableError
from groundswell.logs import without_text
from groundswell.settings import Listen

KEEPALIVE_S: Final = 75.0
"""Also how long a sender may take over its headers."""
SHUTDOWN_S: Final = 2.0
SMALL_BODY_BYTES: Final = 2**16
BODIES_RETRY_AFTER_S: Final = 5
_HELD: Final = "held"
_JSON: Final = {"Content-Type": "application/json"}

Answered = Callable[[str, int, float | None], None]
"""Told of every answer of a source: its name, the status, and the seconds from the whole body to the answer."""

Routes = Mapping[str, tuple[str, WebhookSource]]
"""Path -> (source name, source)."""

log = structlog.get_logger()


class Bounds(Struct, frozen=True):
    """What the port allows."""

    body_max: int
    bodies_max: int
    """Bytes of all bodies together that did not come along with their headers, not counting the small ones."""
    body_timeout_s: float
    connections_max: int


class Inlet(Protocol):
    """Where bodies go."""

    async def accept(self, source: str, arrivals: Sequence[Arrival]) -> int:
        """Commit; how many were new. Raises NotNowError."""
        ...

    async def unreadable(self, source: str, body: bytes, message: str) -> None:
        """Keep a body of a known sender that could not be read."""
        ...


def silent_logger() -> logging.Logger:
    """For aiohttp's protocol, which logs what it cannot parse with all that was sent: paths and headers are secrets.

    What handlers raise is logged where they are.
    """
    logger = logging.getLogger("groundswell.http.protocol")
    logger.disabled = True
    return logger


class _Server(web.Server):
    """aiohttp's server with a bound on connections."""

    def __init__(
        self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], connections_max: Callable[[], int]
    ) -> None:
        # Bodies are decompressed by us, within our bound; aiohttp would do it before anybody could object.
        super().__init__(
            handler,
            access_log=None,
            keepalive_timeout=KEEPALIVE_S,
            auto_decompress=False,
            logger=silent_logger(),
        )
        self._connections_max = connections_max
        self._open = 0

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._open += 1
        if self._open > self._connections_max():
            transport.abort()

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._open -= 1


class WebhookServer:
    """Listens, and answers for every webhook source. `routes` and `bounds` may be replaced while it runs."""

    def __init__(self, listen: Listen, bounds: Bounds, inlet: Inlet, clock: Clock, answered: Answered) -> None:
        self._listen = listen
        self._inlet = inlet
        self._clock = clock
        self._answered = answered
        self._runner: web.ServerRunner | None = None
        self._bodies = 0
        """Bytes in memory of bodies that did not come along with their headers."""
        self.bounds = bounds
        self.routes: Routes = {}
        self.port: int | None = None
        """The port really listened on, once started."""

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken or not ours."""
        server = _Server(self._handle, lambda: self.bounds.connections_max)
        runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        site = web.TCPSite(runner, self._listen.host, self._listen.port, backlog=1024, reuse_address=True)
        try:
            await site.start()
        except OSError as exc:
            await runner.cleanup()
            why = f"cannot listen on {self._listen} ([webhooks] listen): {os.strerror(exc.errno or 0)}"
            raise OSError(exc.errno, why) from exc
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening, let requests under way finish."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        route = self.routes.get(request.path)
        if route is None:
            return _refusal(RefusedError(404, "nothing listens on this path"))
        name, source = route
        try:
            body = await self._body_of(request, source)
            began = self._clock.monotonic()
            answer = await self._take(
                name, source, WebhookRequest(request.path, request.headers, body, self._clock.now())
            )
        except RefusedError as exc:
            self._answered(name, exc.status, None)
            return _refusal(exc)
        except GroundswellError as exc:
            log.error("webhook_not_accepted", component=name, error=str(exc), then="answered 503")
            self._answered(name, 503, None)
            return _refusal(RefusedError(503, "not now", {"Retry-After": "60"}))
        except ConnectionError:
            raise  # the sender is gone: there is nobody to answer
        except Exception as exc:
            log.error("webhook_defect", component=name, exception=without_text(exc), then="answered 500")
            self._answered(name, 500, None)
            return _refusal(_defect())
        finally:
            self._bodies -= request.get(_HELD, 0)
        self._answered(name, 200, self._clock.monotonic() - began)
        return web.Response(body=answer, headers=_JSON)

    async def _take(self, name: str, source: WebhookSource, request: WebhookRequest) -> bytes:
        await source.authenticate(request)
        try:
            arrivals = source.arrivals(request)
        except UnreadableError as exc:
            await self._inlet.unreadable(name, request.body, str(exc))
            raise
        except RefusedError:
            raise
        except Exception as exc:
            log.error("webhook_defect", component=name, exception=without_text(exc), then="answered 500")
            message = f"{name} failed with {type(exc).__name__}; this is a defect, please report it"
            await self._inlet.unreadable(name, request.body, message)
            raise _defect() from exc
        fresh = await self._inlet.accept(name, arrivals) if arrivals else 0
        return b'{"accepted":%d,"duplicates":%d}' % (fresh, len(arrivals) - fresh)

    async def _body_of(self, request: web.BaseRequest, source: WebhookSource) -> bytes:
        headers = request.headers
        if request.method != "POST":
            raise RefusedError(405, "only POST is taken here", {"Allow": "POST"})
        if source.content_types is not None and not _is_among(headers.get(hdrs.CONTENT_TYPE, ""), source.content_types):
            raise RefusedError(415, f"send {' or '.join(source.content_types)}")
        content = request.content
        if content.is_eof():  # nearly always the whole body came along with the headers
            body = content.read_nowait()
        else:
            length = request.content_length
            if length is not None and length > self.bounds.body_max:
                raise self._too_large()
            body = await self._read(request)
        if len(body) > self.bounds.body_max:
            raise self._too_large()
        encoding = headers.get(hdrs.CONTENT_ENCODING)
        return body if encoding is None else self._decompressed(body, encoding)

    async def _read(self, request: web.BaseRequest) -> bytes:
        parts: list[bytes] = []
        try:
            with anyio.move_on_after(self.bounds.body_timeout_s):
                if request.headers.get("Expect", "").lower() == "100-continue":
                    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                while part := await request.content.readany():
                    self._hold(request, len(part))
                    parts.append(part)
                return b"".join(parts)
        except (web.RequestPayloadError, HttpProcessingError):
            raise RefusedError(400, "the body is not sent as HTTP has it", {"Connection": "close"}) from None
        raise RefusedError(408, "the body did not arrive in time", {"Connection": "close"})

    def _hold(self, request: web.BaseRequest, size: int) -> None:
        """Count what is in memory of this body and of all. Slow senders of large bodies must not fill it together."""
        request[_HELD] = held = request.get(_HELD, 0) + size
        self._bodies += size
        if held > self.bounds.body_max:
            raise self._too_large()
        if held > SMALL_BODY_BYTES and self._bodies > self.bounds.bodies_max:
            headers = {"Retry-After": str(BODIES_RETRY_AFTER_S), "Connection": "close"}
            raise RefusedError(503, "not now: too much is being sent at once", headers)

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


def _defect() -> RefusedError:
    return RefusedError(500, "this failed on our side; it is a defect, please report it")


def _is_among(content_type: str, media_types: Sequence[str]) -> bool:
    """Whether a Content-Type, parameters aside, is one of these."""
    return content_type in media_types or content_type.partition(";")[0].strip().lower() in media_types


def _refusal(refused: RefusedError) -> web.Response:
    response = web.Response(
        status=refused.status, body=msgspec.json.encode({"error": str(refused)}), headers={**_JSON, **refused.headers}
    )
    if refused.headers.get("Connection") == "close":
        response.force_close()
    return response
