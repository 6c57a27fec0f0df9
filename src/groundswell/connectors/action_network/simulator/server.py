"""A simulated Action Network over HTTP: the API under `/api/v2/`, its controls under `/_simulator/`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

import aiohttp
import anyio
import msgspec
from aiohttp import web

from groundswell.clock import Clock, SystemClock
from groundswell.connectors.action_network.simulator.control import Control
from groundswell.connectors.action_network.simulator.control_routes import add_control
from groundswell.connectors.action_network.simulator.faults import FaultRates, Faults
from groundswell.connectors.action_network.simulator.hooks import Hooks
from groundswell.connectors.action_network.simulator.network import (
    KEY,
    KEY_HEADER,
    RECORDS_PER_PAGE,
    Arrived,
    Network,
    Outcome,
)
from groundswell.connectors.action_network.simulator.sender import Ledger, WebhookSender
from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from groundswell.connectors.action_network.simulator.state.counts import Counts
from groundswell.connectors.action_network.simulator.state.world import World

API: Final = "/api/v2"
BODY_BYTES_MAX: Final = 4 * 2**20
HEADERS: Final = {"Cache-Control": "max-age=0, private, must-revalidate"}
_SETTLE_EVERY_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Server:
    """A running simulator."""

    root: str
    """Such as "http://127.0.0.1:8099"."""
    network: Network
    control: Control
    key: str
    sender: WebhookSender | None
    """What sends its webhooks, if they go anywhere."""

    @property
    def base_url(self) -> str:
        """Of the API, with a slash at its end."""
        return f"{self.root}{API}/"

    @property
    def ledger(self) -> Ledger | None:
        """What became of its webhooks."""
        return self.sender.ledger if self.sender is not None else None

    @property
    def world(self) -> World:
        return self.network.world

    @property
    def faults(self) -> Faults:
        return self.network.faults

    @property
    def counts(self) -> Counts:
        return self.network.world.counts


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Where its webhooks go."""

    url: str
    speed: float = 1.0
    """How much faster than real time their delay and their retries pass."""
    lost_answers: float = 0.0
    """Share of answers that get lost, so that the message comes again."""
    is_keeping_entries: bool = True
    """False keeps counts only, to run for days."""


@asynccontextmanager
async def simulator(
    *,
    people: int = 0,
    seed: int = 1,
    clock: Clock | None = None,
    behaviour: Behaviour | None = None,
    rates: FaultRates | None = None,
    key: str = KEY,
    records: int = RECORDS_PER_PAGE,
    webhooks: WebhookTarget | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[Server]:
    """Serve a simulated Action Network. Use it in the body of a test: it opens a task group.

    Args:
        people: How many there are; a million are possible.
        seed: The same seed has the same people, pages and faults.
        records: On each page at the start, as far as there are people.
        webhooks: Where it sends what happens; None: nowhere.
        port: 0 takes a free one.

    Raises:
        OSError: the port cannot be had.
    """
    clock = clock or SystemClock()
    network = Network(people=people, seed=seed, clock=clock, behaviour=behaviour, rates=rates, key=key, records=records)
    control = Control(network, Random(f"control {seed}"))
    runner = web.AppRunner(_app(network, control), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        root = f"http://{host}:{runner.addresses[0][1]}"
        network.world.api = f"{root}{API}"
        async with _sending(network, webhooks, clock, Random(f"webhooks {seed}")) as sender:
            yield Server(root, network, control, key, sender)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _sending(
    network: Network, target: WebhookTarget | None, clock: Clock, random: Random
) -> AsyncIterator[WebhookSender | None]:
    """Send webhooks meanwhile, if there is somewhere to send them to."""
    if target is None:
        yield None
        return
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        anyio.create_task_group() as tasks,
    ):
        sender = WebhookSender(
            target.url,
            session,
            clock,
            random,
            speed=target.speed,
            lost_answers=target.lost_answers,
            is_keeping_entries=target.is_keeping_entries,
        )
        Hooks(network.world, network.faults, lambda message: sender.happen_at_once([message]))
        tasks.start_soon(sender.run_until_cancelled)
        tasks.start_soon(_settle, network, clock)
        yield sender
        tasks.cancel_scope.cancel()


async def _settle(network: Network, clock: Clock) -> None:
    """Background requests are done when their time has come, so that their webhooks go out, called or not."""
    while True:
        network.settle()
        await clock.sleep(_SETTLE_EVERY_S)


def _app(network: Network, control: Control) -> web.Application:
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    add_control(app, control)
    app.router.add_route("*", API, _handler(network))
    app.router.add_route("*", API + "/{path:.*}", _handler(network))
    return app


def _handler(network: Network) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        path = request.match_info.get("path", "")
        is_in_time = network.arrive(request.method, path)
        arrived = Arrived(
            method=request.method,
            path=path,
            query=request.query,
            key=request.headers.get(KEY_HEADER),
            body=await request.read(),
            is_json=request.content_type.endswith("json"),
            is_in_time=is_in_time,
        )
        outcome = network.take(arrived)
        if outcome.fault is not None and outcome.fault.delay_s:
            await network.world.clock.sleep(outcome.fault.delay_s)
        if outcome.fault is not None and outcome.fault.is_cut:
            return await _cut_off(request, after_bytes=outcome.fault.is_done)
        return _response(outcome)

    return handle


def _response(outcome: Outcome) -> web.Response:
    headers = dict(HEADERS)
    if outcome.retry_after_s is not None:
        headers["Retry-After"] = f"{outcome.retry_after_s:g}"
    if outcome.fault is not None and outcome.fault.is_html:
        page = f"<html><head><title>{outcome.status}</title></head><body><h1>We're sorry.</h1></body></html>"
        return web.Response(status=outcome.status, text=page, content_type="text/html", headers=headers)
    return web.Response(
        status=outcome.status,
        body=msgspec.json.encode(outcome.body),
        content_type="application/hal+json",
        headers=headers,
    )


async def _cut_off(request: web.Request, *, after_bytes: bool) -> web.StreamResponse:
    """Hang up: at once, or after a few of the thousand bytes that were promised."""
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/hal+json"})
    if after_bytes:
        await response.prepare(request)
        await response.write(b'{"per_page": ')
    if request.transport is not None:
        request.transport.abort()
    return response
