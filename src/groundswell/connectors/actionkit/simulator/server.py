"""A simulated ActionKit over HTTP: the API under `/rest/v1/`, its controls under `/_simulator/`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import formatdate
from random import Random
from typing import Any, Final

import aiohttp
import anyio
import msgspec
from aiohttp import web
from yarl import URL

from groundswell.clock import Clock, SystemClock
from groundswell.connectors.actionkit.simulator.calls.actblue import PATH as ACTBLUE_PATH
from groundswell.connectors.actionkit.simulator.calls.answers import Answer
from groundswell.connectors.actionkit.simulator.calls.bodies import to_xml
from groundswell.connectors.actionkit.simulator.control import Control
from groundswell.connectors.actionkit.simulator.control_routes import add_control
from groundswell.connectors.actionkit.simulator.faults import FaultRates, Faults
from groundswell.connectors.actionkit.simulator.instance import PASSWORD, USER, Arrived, Instance, Outcome
from groundswell.connectors.actionkit.simulator.push.messages import AMAZON, LOCAL_PATH
from groundswell.connectors.actionkit.simulator.push.sender import Ledger, PushSender, PushTarget
from groundswell.connectors.actionkit.simulator.push.signing import signing_key
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from groundswell.connectors.actionkit.simulator.state.counts import Counts
from groundswell.connectors.actionkit.simulator.state.world import API, SECRET, World

_SETTLE_EVERY_S: Final = 0.05
_FORMATS: Final = {"application/xml": "xml", "text/xml": "xml", "text/csv": "csv", "text/html": "html"}
BODY_BYTES_MAX: Final = 128 * 2**20
"""What an upload may be (C)."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running simulator."""

    root: str
    """Such as "http://127.0.0.1:8098"."""
    instance: Instance
    control: Control
    user: str
    password: str
    pusher: PushSender | None
    """What sends its pushes, if they go anywhere."""

    @property
    def base_url(self) -> str:
        """Of the API, with a slash at its end."""
        return f"{self.root}{API}/"

    @property
    def credentials(self) -> tuple[str, str]:
        return self.user, self.password

    @property
    def actblue_url(self) -> str:
        """Of its receiver of ActBlue's webhooks."""
        return f"{self.root}{ACTBLUE_PATH}"

    @property
    def ledger(self) -> Ledger | None:
        """What became of its pushes."""
        return self.pusher.ledger if self.pusher is not None else None

    def sns_url(self, url: str) -> str:
        """Where an address of Amazon's in a message is to be had here: for a receiver that is handed a resolver."""
        return url.replace(AMAZON, f"{self.root}{LOCAL_PATH}", 1) if url.startswith(f"{AMAZON}/") else url

    async def sns_fetch(self, url: str) -> tuple[int, bytes]:
        """What a GET of such an address is answered: for a receiver that is handed a fetcher."""
        return _sns_answer(self.instance, self.pusher, URL(self.sns_url(url)))

    @property
    def world(self) -> World:
        return self.instance.world

    @property
    def faults(self) -> Faults:
        return self.instance.faults

    @property
    def counts(self) -> Counts:
        return self.instance.world.counts


@asynccontextmanager
async def simulator(
    *,
    users: int = 0,
    seed: int = 1,
    clock: Clock | None = None,
    behaviour: Behaviour | None = None,
    rates: FaultRates | None = None,
    user: str = USER,
    password: str = PASSWORD,
    secret: str = SECRET,
    pushes: PushTarget | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[Server]:
    """Serve a simulated ActionKit. Use it in the body of a test: it opens a task group.

    Args:
        users: How many there are; a hundred thousand take some seconds to make.
        seed: The same seed has the same users, pages and faults.
        pushes: Where it sends what happens; None: nowhere.
        secret: What akids are made with.
        port: 0 takes a free one.

    Raises:
        OSError: the port cannot be had.
    """
    clock = clock or SystemClock()
    instance = Instance(
        users=users,
        seed=seed,
        clock=clock,
        behaviour=behaviour,
        rates=rates,
        user=user,
        password=password,
        secret=secret,
    )
    control = Control(instance, Random(f"control {seed}"))
    pushers: list[PushSender] = []
    runner = web.AppRunner(_app(instance, control, pushers), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        root = f"http://{host}:{runner.addresses[0][1]}"
        instance.world.root = root
        async with _pushing(instance, pushes, Random(f"pushes {seed}")) as pusher:
            pushers += [pusher] if pusher is not None else []
            yield Server(root, instance, control, user, password, pusher)
    finally:
        await runner.cleanup()
        instance.world.close()


@asynccontextmanager
async def _pushing(instance: Instance, target: PushTarget | None, random: Random) -> AsyncIterator[PushSender | None]:
    """Send pushes meanwhile, if there is somewhere to send them to."""
    if target is None:
        yield None
        return
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        anyio.create_task_group() as tasks,
    ):
        sender = PushSender(instance.world, target, session, instance.faults, random)
        tasks.start_soon(sender.run_until_cancelled)
        tasks.start_soon(_settle, instance)
        yield sender
        tasks.cancel_scope.cancel()


async def _settle(instance: Instance) -> None:
    """Uploads go on, called or not, so that their pushes go out."""
    while True:
        instance.settle()
        await instance.world.clock.sleep(_SETTLE_EVERY_S)


def _app(instance: Instance, control: Control, pushers: Sequence[PushSender]) -> web.Application:
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    add_control(app, control)

    async def sns(request: web.Request) -> web.Response:
        status, body = _sns_answer(instance, next(iter(pushers), None), request.url)
        return web.Response(status=status, body=body, content_type="text/plain")

    app.router.add_get(LOCAL_PATH + "/{path:.*}", sns)
    api = _Api(instance)
    app.router.add_route("*", API, api.handle)
    app.router.add_route("*", API + "/{path:.*}", api.handle)
    app.router.add_route("*", ACTBLUE_PATH, api.handle)
    return app


def _sns_answer(instance: Instance, pusher: PushSender | None, url: URL) -> tuple[int, bytes]:
    """Amazon's side of it: the certificate, and the address that confirms."""
    if url.path.endswith(".pem"):
        return 200, signing_key(instance.world.seed).certificate().encode()
    if pusher is not None and url.query.get("Action") == "ConfirmSubscription":
        is_right = url.query.get("TopicArn") == pusher.topic.arn and pusher.connect(url.query.get("Token", ""))
        return (200, b"<ConfirmSubscriptionResponse/>") if is_right else (403, b"<ErrorResponse/>")
    return 404, b"<ErrorResponse/>"


class _Api:
    """Takes requests, and counts how many are in progress at once."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._in_progress = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        world = self._instance.world
        self._in_progress += 1
        world.counts.calls += 1
        world.counts.most_at_once = max(world.counts.most_at_once, self._in_progress)
        limit = world.behaviour.simultaneous
        try:
            is_in_time = limit is None or self._in_progress <= limit
            outcome = self._instance.take(await _read(request, is_in_time=is_in_time))
            if is_in_time and world.behaviour.latency_s:
                await world.clock.sleep(world.behaviour.latency_s)
            if outcome.fault is not None and outcome.fault.delay_s:
                await world.clock.sleep(outcome.fault.delay_s)
            if outcome.fault is not None and outcome.fault.is_cut:
                return await _cut_off(request, after_bytes=outcome.fault.is_done)
            return _response(request, world, outcome)
        finally:
            self._in_progress -= 1


async def _read(request: web.Request, *, is_in_time: bool) -> Arrived:
    form: dict[str, Any] | None = None
    upload: bytes | None = None
    body = b""
    if request.content_type.startswith("multipart/"):
        try:
            posted = await request.post()
        except ValueError:
            posted = {}  # type: ignore[assignment]
        form = {name: value for name, value in posted.items() if isinstance(value, str)}
        files = [value for value in posted.values() if isinstance(value, web.FileField)]
        upload = files[0].file.read() if files else None
    else:
        body = await request.read()
    return Arrived(
        method=request.method,
        path=ACTBLUE_PATH[1:] if request.path == ACTBLUE_PATH else request.match_info.get("path", ""),
        query=request.query,
        body=body,
        content_type=request.content_type,
        authorization=request.headers.get("Authorization"),
        ip=request.remote or "127.0.0.1",
        form=form,
        upload=upload,
        wants=_wanted(request),
        is_in_time=is_in_time,
        is_actblue=request.path == ACTBLUE_PATH,
    )


def _response(request: web.Request, world: World, outcome: Outcome) -> web.Response:
    headers = {"Date": formatdate(world.clock.now(), usegmt=True), **outcome.headers}
    answer = outcome.answer
    if outcome.fault is not None and outcome.fault.is_html:
        page = f"<html><head><title>{outcome.status}</title></head><body><h1>Please try again.</h1></body></html>"
        return web.Response(status=outcome.status, text=page, content_type="text/html", headers=headers)
    if answer.location is not None:
        is_relative = answer.location.startswith("/")
        headers["Location"] = world.location(answer.location) if is_relative else answer.location
    if request.method == "GET" and outcome.status == 200:
        headers["Cache-Control"] = "no-cache"
        headers["Vary"] = "Accept,Cookie"
    body, content_type = _encoded(answer, _wanted(request))
    return web.Response(status=outcome.status, body=body, content_type=content_type, charset="utf-8", headers=headers)


def _wanted(request: web.Request) -> str:
    """JSON unless something else is asked for: one client's header has another name, and it lives on JSON (C)."""
    wanted = request.query.get("format", "")
    if wanted in _FORMATS.values():
        return wanted
    accepted = request.headers.get("Accept", "").split(",")[0].partition(";")[0].strip()
    return _FORMATS.get(accepted, "json")


def _encoded(answer: Answer, wanted: str) -> tuple[bytes, str]:
    if answer.text is not None:
        return answer.text, answer.content_type
    if answer.body is None:
        return b"", "text/html"
    if wanted == "xml":
        return to_xml(answer.body, answer.root), "application/xml"
    return msgspec.json.encode(answer.body), "application/json"


async def _cut_off(request: web.Request, *, after_bytes: bool) -> web.StreamResponse:
    """Hang up: at once, or after a few of the thousand bytes that were promised."""
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    if after_bytes:
        await response.prepare(request)
        await response.write(b'{"meta": ')
    if request.transport is not None:
        request.transport.abort()
    return response
