"""An Action Network client over loopback: to a simulator, or to a server that answers what the test tells it to."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web
from yarl import URL

from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.simulator.server import Server, simulator
from groundswell.connectors.action_network.simulator.state.behaviour import FRIENDLIEST
from groundswell.connectors.action_network.transport import Caller
from groundswell.http.client import Client, new_session
from groundswell.http.limits import Limiter
from groundswell.settings import Rate
from tests.virtual_time import VirtualClock

CALLER = Caller("people")
KEY = "k3y-0f-the-gr0up"


@dataclass(frozen=True)
class Line:
    """A simulator, and a client of it."""

    server: Server
    client: ActionNetwork
    clock: VirtualClock


@asynccontextmanager
async def _client(url: str, key: str, clock: VirtualClock) -> AsyncIterator[ActionNetwork]:
    async with new_session() as session:
        limiter = Limiter(Rate(calls=100_000, per_s=1.0), clock)
        await clock.advance(5)  # whatever a new limiter waits for is over
        yield ActionNetwork(URL(url), key, Client(session, clock), limiter, clock, timeout_s=5.0)


@asynccontextmanager
async def line(people: int = 0, *, records: int = 60, key: str | None = None, **switches: Any) -> AsyncIterator[Line]:
    """The friendliest simulator, but for the switches that are named."""
    clock = VirtualClock()
    behaviour = msgspec.structs.replace(FRIENDLIEST, **switches)
    async with (
        simulator(people=people, clock=clock, behaviour=behaviour, records=records) as server,
        _client(server.base_url, key or server.key, clock) as client,
    ):
        yield Line(server, client, clock)


@dataclass
class Answer:
    """What the server is to answer."""

    status: int = 200
    body: bytes | str | Any = b"{}"
    """Text and bytes as they are, all else as JSON."""
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    """The connection ends in the middle."""

    @property
    def content(self) -> bytes:
        match self.body:
            case bytes():
                return self.body
            case str():
                return self.body.encode()
        return msgspec.json.encode(self.body)


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    """As it was on the wire: with its query, encoded."""
    key: str | None
    body: Any


Answering = Callable[[Asked], Answer]


class Scripted:
    """`answer` says what is answered; `asked` has what came."""

    def __init__(self, client: ActionNetwork, asked: list[Asked]) -> None:
        self.client = client
        self.asked = asked


@asynccontextmanager
async def scripted(answer: Answer | Answering) -> AsyncIterator[Scripted]:
    """A server that gives the same answer to everything, or what it is told to answer."""
    asked: list[Asked] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        content = await request.read()
        body = msgspec.json.decode(content) if content else None
        came = Asked(request.method, request.raw_path, request.headers.get("OSDI-API-Token"), body)
        asked.append(came)
        given = answer if isinstance(answer, Answer) else answer(came)
        headers = {"Content-Type": "application/hal+json", **given.headers}
        if given.is_cut:
            response = web.StreamResponse(headers={**headers, "Content-Length": "1000"})
            await response.prepare(request)
            await response.write(given.content)
            assert request.transport is not None
            request.transport.abort()
            return response
        return web.Response(status=given.status, body=given.content, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/v2/"
        async with _client(url, KEY, VirtualClock()) as client:
            yield Scripted(client, asked)
    finally:
        await runner.cleanup()
