"""A receiver for the `http` sink that behaves as badly as it is told to, and remembers what it was given.

Tests ask it what arrived, how often and in which order; the demo and `groundswell simulate http` show it to people.
Faults come from a schedule or from a seeded random source, so a run can be had again.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import cycle
from random import Random
from typing import Any, Final, Literal
from urllib.parse import unquote

import anyio
import msgspec
from aiohttp import web

from groundswell.clock import Clock
from groundswell.connectors.http.sink import KEY_HEADER, RECORD_ID_HEADER
from groundswell.errors import RecordError
from groundswell.record import Record, from_json, lane_of

BODY_BYTES_MAX: Final = 64 * 2**20
REMEMBERED_MAX: Final = 1_000_000
"""Records remembered. A receiver left on for days must not grow for ever; when full it says so, and only counts."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to treat a request, other than taking it and answering 200.

    A request is taken (its records count as received) when its status is 2xx, and when `cut` loses the answer.
    """

    status: int = 200
    retry_after_s: float | None = None
    retry_after_form: Literal["seconds", "date"] = "seconds"
    is_html: bool = False
    """Answer with a page, as proxies and load balancers do."""
    delay_s: float = 0.0
    cut: bool = False
    """Take the request, then close the connection in the middle of the answer."""


NO_FAULT: Final = Fault()
SERVER_ERROR: Final = Fault(status=500)


@dataclass(slots=True)
class Received:
    """What came, as far as it was taken."""

    times: Counter[str] = field(default_factory=Counter)
    """By record id, how often it was taken."""
    order: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By lane (phone, email, ...), the record ids in the order they were taken."""
    bodies: dict[str, bytes] = field(default_factory=dict)
    """By record id, the record as it came last. Only with `keep_bodies`."""
    requests: int = 0
    records: int = 0
    repeated_requests: int = 0
    """Taken before under the same Idempotency-Key: what a receiver that looks at the key would have left alone."""
    key_problems: int = 0
    """No Idempotency-Key, or one key with two different bodies."""
    statuses: Counter[int] = field(default_factory=Counter)
    cuts: int = 0

    @property
    def distinct(self) -> int:
        return len(self.times)

    @property
    def is_full(self) -> bool:
        return self.records >= REMEMBERED_MAX


class Receiver:
    """An HTTP endpoint. `fault` is what every request meets from now on; `schedule` and `fail` choose for each."""

    def __init__(self, clock: Clock, random: Random, *, token: str | None = None, keep_bodies: bool = False) -> None:
        """With a `token`, requests must bring it as a bearer token, and are answered 401 otherwise."""
        self.received = Received()
        self.fault = NO_FAULT
        self._clock = clock
        self._random = random
        self._token = token
        self._keep_bodies = keep_bodies
        self._schedule: Iterator[Fault] | None = None
        self._refused_words: bytes | None = None
        self._chance = 0.0
        self._chance_fault = NO_FAULT
        self._digests: dict[str, bytes] = {}
        """Of the bodies taken, by Idempotency-Key."""

    def schedule(self, faults: Iterable[Fault]) -> None:
        """Treat one request after the other like this, and begin again at the end."""
        self._schedule = cycle(faults)

    def fail(self, chance: float, fault: Fault = SERVER_ERROR) -> None:
        """Treat a share of the requests like this, chosen by the random source."""
        self._chance, self._chance_fault = chance, fault

    def refuse_bodies_with(self, words: bytes) -> None:
        """Answer 422 to every request whose body holds these words, as a receiver does that cannot take one record."""
        self._refused_words = words

    def app(self) -> web.Application:
        """Takes POST, PUT and PATCH on every path; `GET /received` tells what came, in numbers."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_get("/received", self._show)
        for method in ("POST", "PUT", "PATCH"):
            app.router.add_route(method, "/{path:.*}", self._handle)
        return app

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self.summary())

    def summary(self) -> dict[str, Any]:
        """What came, in numbers only: no ids, nothing about people."""
        received = self.received
        return {
            "requests": received.requests,
            "records": received.records,
            "distinct": received.distinct,
            "duplicates": received.records - received.distinct,
            "repeated_requests": received.repeated_requests,
            "key_problems": received.key_problems,
            "cuts": received.cuts,
            "statuses": {str(status): count for status, count in sorted(received.statuses.items())},
            "is_full": received.is_full,
        }

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.received.requests += 1
        fault = self._next_fault()
        if fault.delay_s:
            await self._clock.sleep(fault.delay_s)
        if self._token is not None and request.headers.get("Authorization") != f"Bearer {self._token}":
            return self._answer(Fault(status=401))
        if not 200 <= fault.status < 300:
            return self._answer(fault)
        if self._refused_words is not None and self._refused_words in body:
            return self._answer(Fault(status=422))
        try:
            parts = _records(request.headers, body)
        except (RecordError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._answer(Fault(status=422))
        self._check_key(request.headers.get(KEY_HEADER), body)
        self._take(parts)
        if fault.cut:
            self.received.cuts += 1
            return await _cut_off(request)
        return self._answer(fault)

    def _next_fault(self) -> Fault:
        if self._schedule is not None:
            return next(self._schedule, NO_FAULT)
        if self._chance and self._random.random() < self._chance:
            return self._chance_fault
        return self.fault

    def _take(self, parts: list[tuple[Record, bytes]]) -> None:
        received = self.received
        for record, body in parts:
            is_full = received.is_full
            received.records += 1
            if is_full:
                continue
            received.times[record.id] += 1
            received.order[lane_of(record)].append(record.id)
            if self._keep_bodies:
                received.bodies[record.id] = body

    def _check_key(self, key: str | None, body: bytes) -> None:
        digest = hashlib.blake2b(body, digest_size=16).digest()
        known = self._digests.get(key) if key else None
        if known is not None and known == digest:
            self.received.repeated_requests += 1
        elif key is None or known is not None:
            self.received.key_problems += 1
        elif len(self._digests) < REMEMBERED_MAX:
            self._digests[key] = digest

    def _answer(self, fault: Fault) -> web.Response:
        self.received.statuses[fault.status] += 1
        headers = {}
        if fault.retry_after_s is not None:
            moment = self._clock.now() + fault.retry_after_s
            is_date = fault.retry_after_form == "date"
            headers["Retry-After"] = formatdate(moment, usegmt=True) if is_date else f"{fault.retry_after_s:g}"
        if fault.is_html:
            page = f"<html><body><h1>{fault.status}</h1></body></html>"
            return web.Response(status=fault.status, text=page, content_type="text/html", headers=headers)
        return web.json_response({"status": fault.status}, status=fault.status, headers=headers)


def _records(headers: Mapping[str, str], body: bytes) -> list[tuple[Record, bytes]]:
    """The records of a request, each with its JSON. Groundswell-Record-Id, where it is there, must name the one."""
    if body.startswith(b"["):
        lines = [bytes(entry) for entry in msgspec.json.decode(body, type=list[msgspec.Raw])]
    else:
        lines = body.splitlines()
    parts = [(from_json(line), line) for line in lines]
    if not parts:
        raise RecordError("there is no record in it")
    record_id = headers.get(RECORD_ID_HEADER)
    if record_id is not None and [unquote(record_id)] != [record.id for record, _ in parts]:
        raise RecordError("the header names another record than the body")
    return parts


async def _cut_off(request: web.Request) -> web.StreamResponse:
    """Promise a thousand bytes, send a few, and hang up."""
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"status": ')
    if request.transport is not None:
        request.transport.abort()
    return response


@asynccontextmanager
async def serving(receiver: Receiver, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serve a receiver; gives its URL. Port 0 takes a free one."""
    runner = web.AppRunner(receiver.app(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def simulate_receiver(
    port: int,
    clock: Clock,
    random: Random,
    announce: Callable[[str], None],
    *,
    host: str = "127.0.0.1",
    chance: float = 0.0,
    fault: Fault = SERVER_ERROR,
) -> None:
    """Serve a receiver until cancelled; `chance` is the share of requests that meet `fault`. Says where it is."""
    receiver = Receiver(clock, random)
    receiver.fail(chance, fault)
    async with serving(receiver, port, host) as url:
        announce(url)
        await anyio.sleep_forever()
