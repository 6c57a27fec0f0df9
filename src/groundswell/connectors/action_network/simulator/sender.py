"""Sends webhooks as Action Network does, and keeps a ledger of what became of each.

Each message leaves some minutes after the event, so they arrive out of order. Only exactly 200 within half a second
counts; a 200 that comes later is a failure, and so the receiver gets that message again. Three tries over an hour, the
same bytes each time, then it is dropped for good. Nothing proves who is sending.

Source: actionnetwork.org/docs/webhooks, as of 2026-08-05. It leaves open whether the first try is one of three; here
it is, the stricter reading.
"""

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal

import aiohttp
import anyio
import msgspec
from anyio.abc import TaskGroup
from yarl import URL

from groundswell.clock import Clock
from groundswell.connectors.action_network.simulator.events import Message, ids_of

DELAY_S: Final = 300.0
DELAY_SPREAD: Final = 0.2
"""The delay of one message is this share longer or shorter at most."""
RETRY_AFTER_S: Final = (1200.0, 2400.0)
"""Before the second and the third try: an hour in all."""
TRIES_MAX: Final = len(RETRY_AFTER_S) + 1
DEADLINE_S: Final = 0.5
HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "groundswell-simulator"}

_TICK_S: Final = 0.005
_IDLE_S: Final = 0.05
"""How long at most until it looks whether something else has happened."""
_WAITING_MAX: Final = 20_000
"""Messages not sent yet. Beyond that no new ones are made for a while: a dead receiver costs no memory."""
_TIMES_MAX: Final = 10_000

Fate = Literal["waiting", "answered", "dropped"]


@dataclass(slots=True)
class Entry:
    """What became of one message."""

    ids: tuple[str, ...]
    """Of the records the receiver makes of it."""
    tries: int = 0
    fate: Fate = "waiting"
    """In Action Network's eyes."""
    was_answered_200: bool = False
    """Whether the receiver said 200 in time, even if that answer then got lost: then it must have the message."""


@dataclass(slots=True)
class Ledger:
    """Every message and what became of it, in the order in which they were made."""

    entries: list[Entry] = field(default_factory=list)
    messages: int = 0
    events: int = 0
    posts: int = 0
    answered: int = 0
    dropped: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    """Tries that failed, by how: "late", "unreachable", "lost", or the status, such as "503"."""
    answer_times_s: deque[float] = field(default_factory=lambda: deque(maxlen=_TIMES_MAX))
    """How long the latest answers took, whatever they said."""

    @property
    def waiting(self) -> int:
        return self.messages - self.answered - self.dropped

    def ids_taken(self) -> set[str]:
        """Of all that the receiver said 200 to: none of these may be lost."""
        return {one for entry in self.entries if entry.was_answered_200 for one in entry.ids}


@dataclass(slots=True, order=True)
class _Queued:
    due: float
    number: int
    body: bytes = field(compare=False)
    entry: Entry = field(compare=False)
    lost: frozenset[int] = field(compare=False)
    """The tries of which the answer gets lost on its way back."""


class WebhookSender:
    """Sends messages to one address.

    Args:
        session: Must allow `concurrency` connections at once.
        speed: How much faster than real time delays and waits between tries pass. The half second for an answer
            stays half a second.
        rate_per_s: How many messages happen a second, in real time; None: as fast as they can be sent.
        lost_answers: Share of answers that get lost on their way back: a receiver that did everything right is sent
            the message again.
        concurrency: Requests at once, at most.
        is_keeping_entries: False keeps counts only, to send without end.
    """

    def __init__(
        self,
        url: URL | str,
        session: aiohttp.ClientSession,
        clock: Clock,
        random: Random,
        *,
        speed: float = 1.0,
        rate_per_s: float | None = None,
        lost_answers: float = 0.0,
        concurrency: int = 64,
        is_keeping_entries: bool = True,
    ) -> None:
        self.ledger = Ledger()
        self._url = URL(url)
        self._session = session
        self._clock = clock
        self._random = random
        self._speed = speed
        self._gap_s = 1 / rate_per_s if rate_per_s else 0.0
        self._lost_answers = lost_answers
        self._concurrency = concurrency
        self._is_keeping_entries = is_keeping_entries
        self._queue: list[_Queued] = []
        self._under_way = 0

    def happen_at_once(self, messages: Iterable[Message]) -> None:
        """All of these happen now, as the lines of an uploaded list do; `run` sends them."""
        now = self._clock.monotonic()
        for message in messages:
            self._enqueue(message, now)

    async def run_until_cancelled(self) -> None:
        """Send what is handed to `happen_at_once`, and wait for more."""
        async with anyio.create_task_group() as posts:
            while True:
                now = self._clock.monotonic()
                self._post_what_is_due(posts, now)
                await self._clock.sleep(min(_IDLE_S, self._pause_s(None, now)))

    async def run(self, messages: Iterable[Message]) -> Ledger:
        """Send all of them, and return when each was answered or dropped."""
        upcoming = iter(messages)
        happens_at: float | None = self._clock.monotonic()
        async with anyio.create_task_group() as posts:
            while happens_at is not None or self._queue or self._under_way:
                now = self._clock.monotonic()
                if happens_at is not None:
                    happens_at = self._take_what_happened(upcoming, happens_at, now)
                self._post_what_is_due(posts, now)
                await self._clock.sleep(self._pause_s(happens_at, now))
        return self.ledger

    def _take_what_happened(self, upcoming: Iterator[Message], happens_at: float, now: float) -> float | None:
        """Queue the messages that happened until now; when the next one happens, None when there is none."""
        while happens_at <= now and len(self._queue) < _WAITING_MAX:
            message = next(upcoming, None)
            if message is None:
                return None
            self._enqueue(message, happens_at)
            happens_at += self._gap_s
        return happens_at

    def _enqueue(self, message: Message, happens_at: float) -> None:
        """All that is left to chance is drawn here, in the order of the messages: however they are answered, the same
        seed gives the same delays and losses."""
        random, ledger = self._random, self.ledger
        delay_s = DELAY_S * random.uniform(1 - DELAY_SPREAD, 1 + DELAY_SPREAD) / self._speed
        lost = frozenset(number for number in range(1, TRIES_MAX + 1) if random.random() < self._lost_answers)
        ledger.messages += 1
        ledger.events += len(message)
        entry = Entry(ids_of(message))
        if self._is_keeping_entries:
            ledger.entries.append(entry)
        body = msgspec.json.encode(message)
        heapq.heappush(self._queue, _Queued(happens_at + delay_s, ledger.messages, body, entry, lost))

    def _post_what_is_due(self, posts: TaskGroup, now: float) -> None:
        while self._queue and self._queue[0].due <= now and self._under_way < self._concurrency:
            self._under_way += 1
            posts.start_soon(self._post, heapq.heappop(self._queue))

    def _pause_s(self, happens_at: float | None, now: float) -> float:
        next_at = [queued.due for queued in self._queue[:1]]
        if happens_at is not None:
            next_at.append(happens_at)
        if self._under_way or not next_at:
            next_at.append(now + _TICK_S)
        return max(_TICK_S / 5, min(next_at) - now)

    async def _post(self, queued: _Queued) -> None:
        entry = queued.entry
        entry.tries += 1
        self.ledger.posts += 1
        try:
            failure = await self._try_once(queued)
        finally:
            self._under_way -= 1
        if failure is None:
            entry.fate = "answered"
            self.ledger.answered += 1
            return
        self.ledger.failures[failure] += 1
        if entry.tries == TRIES_MAX:
            entry.fate = "dropped"
            self.ledger.dropped += 1
            return
        queued.due = self._clock.monotonic() + RETRY_AFTER_S[entry.tries - 1] / self._speed
        heapq.heappush(self._queue, queued)

    async def _try_once(self, queued: _Queued) -> str | None:
        """One POST: None if it counts as received, else why it does not."""
        started = self._clock.monotonic()
        status = None
        try:
            with anyio.move_on_after(DEADLINE_S):
                async with self._session.post(
                    self._url, data=queued.body, headers=HEADERS, allow_redirects=False
                ) as answer:
                    await answer.read()
                    status = answer.status
        except (aiohttp.ClientError, OSError):
            return "unreachable"
        took_s = self._clock.monotonic() - started
        if status is None or took_s > DEADLINE_S:
            return "late"
        self.ledger.answer_times_s.append(took_s)
        if status != 200:
            return str(status)
        queued.entry.was_answered_200 = True
        return "lost" if queued.entry.tries in queued.lost else None
