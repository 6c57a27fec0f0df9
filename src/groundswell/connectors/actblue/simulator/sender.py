"""Posts notifications as ActBlue does, with HTTP Basic authentication, and notes every answer.

How often and when ActBlue tries again is not known; nor is how long it waits for an answer, nor whether it tries again
after a 4xx. Those are parameters, and their defaults are made up.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

import aiohttp
import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from yarl import URL

from groundswell.clock import Clock
from groundswell.connectors.actblue.simulator.answers import Answers, Entry
from groundswell.connectors.actblue.simulator.faults import Faults
from groundswell.connectors.actblue.simulator.gifts import Kind
from groundswell.connectors.actblue.simulator.messages import Message
from groundswell.errors import RequestError

_IDLE_S: Final = 0.02
"""How long at most until it looks whether a retry is due."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where each type of webhook goes, with the login in the address; None: it is not set up."""

    contributions: str | None = None
    refunds: str | None = None
    cancellations: str | None = None

    @classmethod
    def all_at(cls, url: str) -> "Target":
        """All three at one address."""
        return cls(url, url, url)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast, how patient and how stubborn. Nothing of it is known of ActBlue."""

    rate_per_s: float | None = None
    """Messages a second, in real time; None: as fast as they are answered."""
    burst: int = 1
    """So many at once, and then none for as long as the rate asks for."""
    retry_after_s: tuple[float, ...] = (2.0, 8.0, 30.0)
    """How long it waits before each further try; after the last it gives up."""
    never_again: frozenset[int] = frozenset()
    """Statuses after which it does not try again."""
    timeout_s: float = 10.0
    """For one answer, in real time."""
    speed: float = 1.0
    """How much faster than real time the waits before further tries, and lateness, pass."""
    concurrency: int = 32
    """Requests at once, at most."""

    def check(self) -> None:
        """Raises RequestError for what makes no sense."""
        for name, value in (
            ("rate", self.rate_per_s),
            ("burst", self.burst),
            ("timeout", self.timeout_s),
            ("speed", self.speed),
            ("concurrency", self.concurrency),
        ):
            if value is not None and not value > 0:
                raise RequestError(f"simulate: {name} is {value:g}; it must be more than 0")
        if any(wait < 0 for wait in self.retry_after_s):
            raise RequestError("simulate: a wait before a further try is negative; write seconds, such as 2,8,30")


@dataclass(frozen=True, slots=True)
class _Address:
    url: URL
    headers: dict[str, str]


@dataclass(slots=True, order=True)
class _Queued:
    due: float
    number: int
    entry: Entry = field(compare=False)
    address: _Address = field(compare=False)
    tries: int = field(default=0, compare=False)
    is_repeat: bool = field(default=False, compare=False)
    """It was acknowledged before."""


class Sender:
    """Sends messages, and again where they are refused; `answers` says what became of each.

    Args:
        session: Must allow `pace.concurrency` connections at once.

    Raises:
        RequestError: an address is none, or the pace makes no sense.
    """

    def __init__(
        self,
        target: Target,
        session: aiohttp.ClientSession,
        clock: Clock,
        random: Random,
        faults: Faults,
        pace: Pace | None = None,
    ) -> None:
        self.answers = Answers()
        self._pace = pace or Pace()
        self._pace.check()
        addresses: dict[Kind, str | None] = {
            "contribution": target.contributions,
            "refund": target.refunds,
            "cancellation": target.cancellations,
        }
        self._addresses = {kind: _address(url) for kind, url in addresses.items() if url is not None}
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=self._pace.timeout_s)
        self._clock = clock
        self._random = random
        self._faults = faults
        self._queue: list[_Queued] = []
        self._number = 0
        self._under_way = 0

    async def send(self, messages: Sequence[Message]) -> None:
        """Send these, in this order but for what goes wrong; return once each is acknowledged or given up."""
        sent = [entry for message in self._in_disorder(messages) if (entry := self._entered(message)) is not None]
        again = [entry for entry in sent if self._faults.happens(self._faults.rates.webhook_again)]
        start = self._clock.monotonic()
        for position, entry in enumerate(sent):
            self._queue_up(entry, start + self._slot(position) + self._lateness())
        await self._run()
        await self.replay(again)

    async def replay(self, entries: Sequence[Entry]) -> None:
        """Send what was sent before once more, as a backfill does, at the same pace; nothing is late or lost."""
        start = self._clock.monotonic()
        for position, entry in enumerate(entries):
            self._queue_up(entry, start + self._slot(position), is_repeat=entry.outcome == "acknowledged")
        await self._run()

    def _entered(self, message: Message) -> Entry | None:
        """None if nothing is to be sent of it."""
        if message.kind not in self._addresses:
            self.answers.unaddressed += 1
            return None
        entry = Entry(message)
        self.answers.entries.append(entry)
        if self._faults.happens(self._faults.rates.webhook_lost):
            self.answers.settle(entry, "lost")
            return None
        return entry

    def _in_disorder(self, messages: Sequence[Message]) -> Iterator[Message]:
        """Refunds and cancellations that come too early stand before all else about their order."""
        early: dict[str, list[Message]] = defaultdict(list)
        rest: list[Message] = []
        for message in messages:
            is_early = message.kind != "contribution" and self._faults.happens(self._faults.rates.webhook_ahead)
            (early[message.order_number] if is_early else rest).append(message)
        for message in rest:
            yield from early.pop(message.order_number, ())
            yield message
        for left in early.values():
            yield from left

    def _slot(self, position: int) -> float:
        """When, from the start on, the pace lets the message at this place go."""
        rate = self._pace.rate_per_s
        return position // self._pace.burst * self._pace.burst / rate if rate is not None else 0.0

    def _lateness(self) -> float:
        rates = self._faults.rates
        if not self._faults.happens(rates.webhook_late):
            return 0.0
        return self._random.uniform(0, rates.webhook_late_s) / self._pace.speed

    def _queue_up(self, entry: Entry, due: float, *, tries: int = 0, is_repeat: bool = False) -> None:
        self._number += 1
        address = self._addresses[entry.message.kind]
        heapq.heappush(self._queue, _Queued(due, self._number, entry, address, tries, is_repeat))

    async def _run(self) -> None:
        """Until nothing is left to be sent."""
        outgoing, taken = anyio.create_memory_object_stream[_Queued](0)
        async with anyio.create_task_group() as tasks, outgoing:
            for _ in range(self._pace.concurrency):
                tasks.start_soon(self._work, taken.clone())
            taken.close()
            while self._queue or self._under_way:
                wait = self._queue[0].due - self._clock.monotonic() if self._queue else _IDLE_S
                if wait > 0:
                    await self._clock.sleep(min(wait, _IDLE_S))
                    continue
                self._under_way += 1
                await outgoing.send(heapq.heappop(self._queue))

    async def _work(self, taken: MemoryObjectReceiveStream[_Queued]) -> None:
        async with taken:
            async for queued in taken:
                said = await self._post(queued)
                self._judge(queued, said)
                self._under_way -= 1

    async def _post(self, queued: _Queued) -> int | str:
        address, body = queued.address, queued.entry.message.body
        began = self._clock.monotonic()
        took: float | None = None
        said: int | str
        try:
            async with self._session.post(
                address.url, data=body, headers=address.headers, timeout=self._timeout, allow_redirects=False
            ) as answer:
                await answer.read()
                said, took = answer.status, self._clock.monotonic() - began
        except TimeoutError:
            said = "timeout"
        except (aiohttp.ClientError, OSError):
            said = "unreachable"
        self.answers.note(queued.entry, said, took)
        return said

    def _judge(self, queued: _Queued, said: int | str) -> None:
        entry = queued.entry
        if queued.is_repeat:
            entry.repeats += 1
        elif isinstance(said, int) and 200 <= said < 300:
            self.answers.settle(entry, "acknowledged")
            if self._faults.happens(self._faults.rates.webhook_twice):
                self._queue_up(entry, self._clock.monotonic(), is_repeat=True)
        elif said in self._pace.never_again or queued.tries >= len(self._pace.retry_after_s):
            self.answers.settle(entry, "given_up")
        else:
            wait = self._pace.retry_after_s[queued.tries] / self._pace.speed
            self._queue_up(entry, self._clock.monotonic() + wait, tries=queued.tries + 1)


def _address(text: str) -> _Address:
    try:
        url = URL(text)
        is_good = url.scheme in ("http", "https") and bool(url.host)
    except ValueError:
        is_good = False
    if not is_good:
        raise RequestError(
            "simulate: an address to send to is none; write it with the login that the receiver wants, such as "
            "http://USER:SECRET@127.0.0.1:8080/webhooks/actblue"
        )
    headers = {"Content-Type": "application/json", "User-Agent": "groundswell-simulator"}
    if url.user is not None:
        headers["Authorization"] = aiohttp.encode_basic_auth(url.user, url.password or "")
    return _Address(url.with_user(None), headers)
