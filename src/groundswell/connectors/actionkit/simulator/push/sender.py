"""Sends messages to one endpoint with the manners of SNS, and keeps a ledger of what became of each."""

import heapq
from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal

import aiohttp
import anyio
from yarl import URL

from groundswell.connectors.actionkit.simulator.faults import Faults
from groundswell.connectors.actionkit.simulator.push.messages import Message, Topic
from groundswell.connectors.actionkit.simulator.state.world import Happening, World

Outcome = Literal["waiting", "answered", "refused", "dropped", "lost"]
CONCURRENCY: Final = 16
_LOOK_EVERY_S: Final = 0.01
_ENTRIES_MAX: Final = 200_000


@dataclass(frozen=True, slots=True)
class PushTarget:
    """An endpoint, as staff make one under "Edit Push API Endpoints"."""

    url: str
    """With the name and the password in it, if there are any."""
    name: str = "Groundswell"
    triggers: tuple[str, ...] | None = None
    """Types of actions that are sent whatever their page says, such as "Survey"; None: all of them."""
    pages: tuple[str, ...] = ()
    """Pages that are sent besides, as are those whose followup says `send_pushes`."""
    rate_per_s: float = 100.0
    retries: int = 10
    speed: float = 1.0
    """How much faster than real time the waits between tries pass."""
    is_keeping_entries: bool = True
    """False keeps counts only, to run for days."""


@dataclass(slots=True)
class Entry:
    """What became of one message."""

    message_id: str
    kind: str
    action_id: int | None
    statuses: list[int | None] = field(default_factory=list)
    """Of each POST; None where there was no answer."""
    outcome: Outcome = "waiting"


@dataclass(slots=True)
class Ledger:
    """All messages, in the order they happened."""

    messages: int = 0
    posts: int = 0
    challenged: int = 0
    """Bare first tries that were answered 401, as they should be."""
    answered: int = 0
    refused: int = 0
    """Answered a 4xx that is final: never sent again."""
    dropped: int = 0
    """Given up after all tries."""
    lost: int = 0
    """Lost on purpose."""
    repeated: int = 0
    """Sent again on purpose though they were answered."""
    not_connected: int = 0
    """Happened before the receiver confirmed: never sent."""
    entries: list[Entry] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        return self.messages - self.answered - self.refused - self.dropped - self.lost

    def answered_actions(self) -> set[int]:
        return {one.action_id for one in self.entries if one.outcome == "answered" and one.action_id is not None}


@dataclass(slots=True, order=True)
class _Queued:
    due: float
    number: int
    message: Message = field(compare=False)
    entry: Entry = field(compare=False)
    tries: int = field(default=0, compare=False)


class PushSender:
    """One endpoint. `run_until_cancelled` asks the receiver to confirm, and sends what happens from then on."""

    def __init__(
        self, world: World, target: PushTarget, session: aiohttp.ClientSession, faults: Faults, random: Random
    ) -> None:
        self.target = target
        self.ledger = Ledger()
        self.is_connected = False
        self.topic = Topic(world, random, target.name.lower())
        self._world = world
        self._session = session
        self._faults = faults
        url = URL(target.url)
        self._url = url.with_user(None)
        self._authorization = (
            aiohttp.encode_basic_auth(url.user or "", url.password or "") if url.user is not None else None
        )
        self._happened: list[Happening] = []
        self._queue: list[_Queued] = []
        self._number = 0
        self._next_slot = 0.0
        world.listen(self._happened.append)

    def confirm(self) -> None:
        """Ask the receiver to confirm, once more if it did before."""
        self._put(self.topic.confirmation())

    def connect(self, token: str) -> bool:
        """The receiver GETs `SubscribeURL`; whether its token is right."""
        self.is_connected = self.is_connected or token == self.topic.token
        return token == self.topic.token

    def disconnect(self) -> None:
        """The endpoint is taken away; the receiver is told."""
        self.is_connected = False
        self._put(self.topic.confirmation("UnsubscribeConfirmation"))

    async def run_until_cancelled(self) -> None:
        self.confirm()
        clock = self._world.clock
        limit = anyio.CapacityLimiter(CONCURRENCY)
        async with anyio.create_task_group() as tasks:
            while True:
                self._collect()
                while self._queue and self._queue[0].due <= clock.monotonic() and limit.available_tokens:
                    queued = heapq.heappop(self._queue)
                    wait = self._slot()
                    borrower = object()
                    await limit.acquire_on_behalf_of(borrower)
                    tasks.start_soon(self._send, queued, wait, limit, borrower)
                await clock.sleep(_LOOK_EVERY_S)

    def _collect(self) -> None:
        """What happened since the last look, as far as it is to be sent."""
        happened, self._happened[:] = list(self._happened), []
        for one in happened:
            if not self._is_wanted(one):
                continue
            if not self.is_connected:
                self.ledger.not_connected += 1
                continue
            message = self.topic.notification(one.action_id)
            if message is not None:
                self._put(message)

    def _is_wanted(self, happening: Happening) -> bool:
        if self.target.triggers is None or happening.kind in self.target.triggers:
            return True
        db = self._world.db
        if db.value("SELECT name FROM core_page WHERE id = ?", happening.page_id) in self.target.pages:
            return True
        return bool(db.value("SELECT send_pushes FROM core_pagefollowup WHERE page_id = ?", happening.page_id))

    def _put(self, message: Message) -> None:
        self.ledger.messages += 1
        entry = Entry(message.id, message.kind, message.action_id)
        if self.target.is_keeping_entries and len(self.ledger.entries) < _ENTRIES_MAX:
            self.ledger.entries.append(entry)
        rates = self._faults.rates
        is_notice = message.kind == "Notification"
        if is_notice and self._faults.happens(rates.push_lost):
            self.ledger.lost += 1
            entry.outcome = "lost"
            return
        late = is_notice and self._faults.happens(rates.push_late)
        self._queue_up(message, entry, delay_s=rates.push_late_s if late else 0.0)

    def _queue_up(self, message: Message, entry: Entry, *, delay_s: float, tries: int = 0) -> None:
        self._number += 1
        due = self._world.clock.monotonic() + delay_s / self.target.speed
        heapq.heappush(self._queue, _Queued(due, self._number, message, entry, tries))

    def _slot(self) -> float:
        """How long until the rate limit lets the next one go."""
        now = self._world.clock.monotonic()
        at = max(now, self._next_slot)
        self._next_slot = at + 1 / self.target.rate_per_s
        return at - now

    async def _send(self, queued: _Queued, wait_s: float, limit: anyio.CapacityLimiter, borrower: object) -> None:
        try:
            if wait_s > 0:
                await self._world.clock.sleep(wait_s)
            status = await self._try(queued.message, queued.entry)
        finally:
            limit.release_on_behalf_of(borrower)
        self._judge(queued, status)

    def _judge(self, queued: _Queued, status: int | None) -> None:
        """5xx, 429 and no answer come again; any other refusal is final (D by AWS)."""
        entry, ledger = queued.entry, self.ledger
        if status is not None and 200 <= status < 300:
            if entry.outcome != "answered":
                entry.outcome = "answered"
                ledger.answered += 1
                if self._faults.happens(self._faults.rates.push_twice) and queued.message.kind == "Notification":
                    ledger.repeated += 1
                    self._queue_up(queued.message, entry, delay_s=0.0, tries=queued.tries)
        elif entry.outcome == "answered":
            return
        elif status is None or status == 429 or status >= 500:
            if queued.tries >= self.target.retries:
                entry.outcome = "dropped"
                ledger.dropped += 1
            else:
                retry = self._world.behaviour.push_retry_s
                self._queue_up(queued.message, entry, delay_s=retry, tries=queued.tries + 1)
        else:
            entry.outcome = "refused"
            ledger.refused += 1

    async def _try(self, message: Message, entry: Entry) -> int | None:
        """First without a password, and with it once it is asked for."""
        is_bare = self._authorization is not None and self._world.behaviour.pushes_bare_first
        status, challenge = await self._post(message, entry, None if is_bare else self._authorization)
        if status == 401 and is_bare and challenge.lower().startswith("basic"):
            self.ledger.challenged += 1
            status, _ = await self._post(message, entry, self._authorization)
        return status

    async def _post(self, message: Message, entry: Entry, authorization: str | None) -> tuple[int | None, str]:
        headers = dict(message.headers)
        if authorization is not None:
            headers["Authorization"] = authorization
        self.ledger.posts += 1
        timeout = aiohttp.ClientTimeout(total=self._world.behaviour.push_timeout_s)
        try:
            async with self._session.post(
                self._url, data=message.body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                await answer.read()
                entry.statuses.append(answer.status)
                return answer.status, answer.headers.get("WWW-Authenticate", "")
        except (aiohttp.ClientError, TimeoutError, OSError):
            entry.statuses.append(None)
            return None, ""
