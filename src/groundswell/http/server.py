"""The webhook port: checks a request, hands its body to the source whose path it is, answers once it is on disk.

Built on aiohttp's low-level server, without router and middlewares: this is the path that election night goes through
(docs/decisions/0004-aiohttp-low-level-server.md). No log line per request: counters say what was answered.
"""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

import anyio
import msgspec
import structlog
from aiohttp import StreamReader, web
from aiohttp.web_protocol import RequestHandler
from msgspec import Struct

from groundswell.clock import Clock
from groundswell.component import Arrival, WebhookRequest, WebhookSource
from groundswell.errors import GroundswellError, RefusedError, UnreadableError
from groundswell.settings import Listen

KEEPALIVE_S: Final = 75.0
"""Also how long a sender may take over its headers."""
SHUTDOWN_S: Final = 5.0
_JSON: Final = {"Content-Type": "application/json"}

Answered = Callable[[str, int, float | None], None]
"""Told of every answer of a source: its name, the status, and the seconds from the whole body to the answer."""

log = structlog.get_logger()


class Bounds(Struct, frozen=True):
    """What the port allows."""

    body_max: int
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


class _Server(web.Server):
    """aiohttp's server with a bound on connections."""

    def __init__(
        self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], connections_max: int
    ) -> None:
        # Bodies are decompressed by us, within our bound; aiohttp would do it before anybody could object.
        super().__init__(handler, access_log=None, keepalive_timeout=KEEPALIVE_S, auto_decompress=False)
        self._connections_max = connections_max
        self._open = 0

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._open += 1
        if self._open > self._connections_max:
            transport.abort()

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._open -= 1


class WebhookServer:
    """Listens, and answers for every webhook source. `routes` may be replaced while it runs."""

    def __init__(self, listen: Listen, bounds: Bounds, inlet: Inlet, clock: Clock, answered: Answered) -> None:
        self._listen = listen
        self._bounds = bounds
        self._inlet = inlet
        self._clock = clock
        self._answered = answered
        self._runner: web.ServerRunner | None = None
        self.routes: Mapping[str, tuple[str, WebhookSource]] = {}
        """Path -> (source name, source)."""
        self.port: int | None = None
        """The port really listened on, once started."""

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken or not ours."""
        server = _Server(self._handle, self._bounds.connections_max)
        runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        site = web.TCPSite(runner, self._listen.host, self._listen.port, backlog=1024, reuse_address=True)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
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
        self._answered(name, 200, self._clock.monotonic() - began)
        return web.Response(body=answer, headers=_JSON)

    async def _take(self, name: str, source: WebhookSource, request: WebhookRequest) -> bytes:
        await source.authenticate(request)
        try:
            arrivals = source.arrivals(request)
        except UnreadableError as exc:
            await self._inlet.unreadable(name, request.body, str(exc))
            raise
        fresh = await self._inlet.accept(name, arrivals) if arrivals else 0
        return b'{"accepted":%d,"duplicates":%d}' % (fresh, len(arrivals) - fresh)

    async def _body_of(self, request: web.BaseRequest, source: WebhookSource) -> bytes:
        headers = request.headers
        if request.method != "POST":
            raise RefusedError(405, "only POST is taken here", {"Allow": "POST"})
        if source.content_types is not None:
            media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if media_type not in source.content_types:
                raise RefusedError(415, f"send {' or '.join(source.content_types)}")
        length = request.content_length
        if length is not None and length > self._bounds.body_max:
            raise self._too_large()
        content = request.content
        # Nearly always the whole body came along with the headers.
        body = content.read_nowait() if content.is_eof() else await self._read(content)
        if len(body) > self._bounds.body_max:
            raise self._too_large()
        encoding = headers.get("Content-Encoding")
        return body if encoding is None else self._decompressed(body, encoding)

    async def _read(self, content: StreamReader) -> bytes:
        parts: list[bytes] = []
        size = 0
        with anyio.move_on_after(self._bounds.body_timeout_s):
            while part := await content.readany():
                size += len(part)
                if size > self._bounds.body_max:
                    raise self._too_large()
                parts.append(part)
            return b"".join(parts)
        raise RefusedError(408, "the body did not arrive in time", {"Connection": "close"})

    def _decompressed(self, body: bytes, encoding: str) -> bytes:
        """gzip and deflate, never more than the bound: a few kilobytes can unpack to gigabytes."""
        wbits = {"gzip": 31, "deflate": 15, "identity": 0}.get(encoding.strip().lower())
        if wbits is None:
            raise RefusedError(415, "send the body plain, or as gzip or deflate")
        if wbits == 0:
            return body
        unpacker = zlib.decompressobj(wbits)
        try:
            plain = unpacker.decompress(body, self._bounds.body_max + 1)
        except zlib.error:
            raise RefusedError(400, f"the body is not {encoding}") from None
        if len(plain) > self._bounds.body_max:
            raise self._too_large()
        if not unpacker.eof:
            raise RefusedError(400, f"the {encoding} body is cut off")
        return plain

    def _too_large(self) -> RefusedError:
        return RefusedError(413, f"the body is larger than {self._bounds.body_max} bytes", {"Connection": "close"})


def _refusal(refused: RefusedError) -> web.Response:
    response = web.Response(
        status=refused.status, body=msgspec.json.encode({"error": str(refused)}), headers={**_JSON, **refused.headers}
    )
    if refused.headers.get("Connection") == "close":
        response.force_close()
    return response
