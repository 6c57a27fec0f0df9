"""A simulated ActBlue over HTTP: the CSV API under `/api/v1/`, its files under `/exports/`, controls apart."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import formatdate
from random import Random
from typing import Final

import aiohttp
import msgspec
from aiohttp import web

from groundswell.clock import Clock, SystemClock
from groundswell.connectors.actblue.simulator.behaviour import Behaviour
from groundswell.connectors.actblue.simulator.control import Control
from groundswell.connectors.actblue.simulator.control_routes import add_control
from groundswell.connectors.actblue.simulator.csv_api import CLIENT, SECRET, Answer, Counts, CsvApi
from groundswell.connectors.actblue.simulator.faults import Fault, FaultRates, Faults
from groundswell.connectors.actblue.simulator.ledger import Ledger
from groundswell.connectors.actblue.simulator.sender import Pace, Sender, Target

API: Final = "/api/v1"
BODY_BYTES_MAX: Final = 64 * 1024
_NONE: Final = Fault("none")


@dataclass(frozen=True, slots=True)
class Server:
    """A running simulator."""

    root: str
    """Such as "http://127.0.0.1:8097"."""
    api: CsvApi
    faults: Faults
    control: Control
    sender: Sender | None
    """What sends its webhooks, if they go anywhere."""

    @property
    def base_url(self) -> str:
        """Of the CSV API, without a slash at its end."""
        return f"{self.root}{API}"

    @property
    def credentials(self) -> tuple[str, str]:
        """The client UUID and the secret."""
        return self.api.client, self.api.secret

    @property
    def ledger(self) -> Ledger:
        return self.api.ledger

    @property
    def counts(self) -> Counts:
        return self.api.counts


@asynccontextmanager
async def simulator(
    ledger: Ledger,
    *,
    clock: Clock | None = None,
    behaviour: Behaviour | None = None,
    rates: FaultRates | None = None,
    client: str = CLIENT,
    secret: str = SECRET,
    webhooks: Target | None = None,
    pace: Pace | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[Server]:
    """Serve a simulated ActBlue. It sends nothing by itself: `server.sender.send(messages(...))` does.

    Args:
        ledger: What was given; its seed also decides ids, faults and the order of columns.
        webhooks: Where its webhooks go; None: nowhere.
        port: 0 takes a free one.

    Raises:
        RequestError: an address of a webhook is none, or the pace makes no sense.
        OSError: the port cannot be had.
    """
    clock = clock or SystemClock()
    api = CsvApi(
        ledger, clock, behaviour or Behaviour(), Random(f"exports {ledger.seed}"), client=client, secret=secret
    )
    faults = Faults(Random(f"faults {ledger.seed}"), rates)
    control = Control(api, faults)
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    add_control(app, control)
    calls = _Calls(api, faults, clock)
    app.router.add_route("*", API + "/csvs", calls.handle)
    app.router.add_route("*", API + "/csvs/{id}", calls.handle)
    app.router.add_route("*", "/exports/{name}", calls.download)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        api.root = f"http://{host}:{runner.addresses[0][1]}"
        async with _sending(webhooks, pace, clock, faults, ledger.seed) as sender:
            control.answers = sender.answers if sender is not None else None
            yield Server(api.root, api, faults, control, sender)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _sending(
    target: Target | None, pace: Pace | None, clock: Clock, faults: Faults, seed: int
) -> AsyncIterator[Sender | None]:
    if target is None:
        yield None
        return
    pace = pace or Pace()
    pace.check()
    connector = aiohttp.TCPConnector(limit=pace.concurrency)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Sender(target, session, clock, Random(f"sender {seed}"), faults, pace)


class _Calls:
    """Checks in this order: who calls, whether it is too often, what goes wrong on purpose, and only then the call."""

    def __init__(self, api: CsvApi, faults: Faults, clock: Clock) -> None:
        self._api = api
        self._faults = faults
        self._clock = clock

    async def handle(self, request: web.Request) -> web.StreamResponse:
        counts = self._api.counts
        counts.calls += 1
        if not self._api.is_known(request.headers.get("Authorization")):
            counts.unauthorized += 1
            return self._response(Answer(401, {"error": "HTTP Basic: Access denied."}))
        if not self._api.is_in_time():
            return self._response(Answer(429, {"error": "rate limit exceeded"}))
        fault = await self._fault(request)
        if fault.is_cut and not fault.is_done:
            return await _hang_up(request)
        if fault.status is not None and not fault.is_done:
            return self._failed(fault)
        answer = await self._answer(request, fault)
        if fault.is_cut:
            return await _hang_up(request, web.StreamResponse(headers={"Content-Length": "1000"}), b'{"id": ')
        return self._response(answer)

    async def download(self, request: web.Request) -> web.StreamResponse:
        fault = await self._fault(request)
        if fault.is_cut and not fault.is_done:
            return await _hang_up(request)
        if fault.status is not None:
            return self._failed(fault)
        if request.method != "GET":
            return self._response(Answer(403, {"Code": "SignatureDoesNotMatch"}), is_storage=True)
        signature = request.query.get("X-Amz-Signature", "")
        pieces = self._api.download(signature, has_login="Authorization" in request.headers)
        if isinstance(pieces, Answer):
            return self._response(pieces, is_storage=True)
        response = web.StreamResponse(headers={"Content-Type": "text/csv"})
        if fault.is_cut:
            return await _hang_up(request, response, _half(pieces))
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        await response.write_eof()
        self._api.counts.statuses[200] += 1
        return response

    async def _answer(self, request: web.Request, fault: Fault) -> Answer:
        export_id = request.match_info.get("id")
        if export_id is None and request.method == "POST":
            return self._api.create(await request.read(), fault)
        if export_id is not None and request.method == "GET":
            return self._api.status(export_id)
        return Answer(404, {"error": "not found"})

    async def _fault(self, request: web.Request) -> Fault:
        """What is to go wrong, after the wait that belongs to it."""
        fault = self._faults.next(request.method, request.path) or _NONE
        if fault is not _NONE:
            self._api.counts.faults[fault.word] += 1
        if fault.delay_s:
            await self._clock.sleep(fault.delay_s)
        return fault

    def _failed(self, fault: Fault) -> web.Response:
        assert fault.status is not None
        if not fault.is_html:
            return self._response(Answer(fault.status, {"error": "something went wrong"}))
        self._api.counts.statuses[fault.status] += 1
        page = f"<html><head><title>{fault.status}</title></head><body><h1>Please try again.</h1></body></html>"
        return web.Response(status=fault.status, text=page, content_type="text/html")

    def _response(self, answer: Answer, *, is_storage: bool = False) -> web.Response:
        self._api.counts.statuses[answer.status] += 1
        headers = {"Date": formatdate(self._clock.now(), usegmt=True)}
        if answer.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="ActBlue"'
        if is_storage:
            inside = "".join(f"<{name}>{text}</{name}>" for name, text in answer.body.items())
            body, kind = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inside}</Error>'.encode(), "application/xml"
        else:
            body, kind = msgspec.json.encode(answer.body), "application/json"
        return web.Response(status=answer.status, body=body, content_type=kind, headers=headers)


def _half(pieces: Iterator[bytes]) -> bytes:
    """A file that ends in the middle of a row."""
    whole = b"".join(pieces)
    return whole[: len(whole) // 2]


async def _hang_up(
    request: web.Request, response: web.StreamResponse | None = None, begun: bytes = b""
) -> web.StreamResponse:
    """Close the connection: at once, or after the beginning of an answer."""
    response = response or web.StreamResponse()
    if begun:
        await response.prepare(request)
        await response.write(begun)
    if request.transport is not None:
        request.transport.abort()
    return response
