"""A polling source against a simulated ActionKit, round by round, with what it handed over kept as an inbox would.

async with simulator(clock=PollClock()) as server, polling(server, collections=["users"]) as poller:
    await poller.round()
    assert poller.inbox.ids
"""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, cast

import anyio
import anyio.lowlevel
import msgspec

from groundswell.component import Arrival, Batch, Context, History, Keys
from groundswell.connectors.actionkit.account import ActionKitAccount, ActionKitAccountSettings
from groundswell.connectors.actionkit.poll import ActionKitPoll, ActionKitPollSettings
from groundswell.connectors.actionkit.simulator.faults import FaultRates
from groundswell.connectors.actionkit.simulator.server import Server
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from groundswell.errors import RemoteError
from groundswell.http.client import Client, new_session
from groundswell.record import Record

TODAY = 1_777_719_609.0
"""2026-05-02T11:00:09Z: after all that the simulator begins with."""
_REST_S = 30.0

STRICT = Behaviour()
"""Nothing can be filtered by time or number: only reports tell what has changed."""
FILTERED = Behaviour(id_filters=True, updated_at_filters=True, created_at_filters=True)
"""Everything can, and still nothing beside a user moves its date."""


class RoundOver(Exception):  # noqa: N818 # nothing is wrong
    """The source rests until its next round."""


class Killed(Exception):  # noqa: N818 # that is what it is
    """The process died here."""


class PollClock:
    """Real time, that can be moved on, and leaps when somebody waits. Whoever wants to sleep long has done a round."""

    def __init__(self, now: float = TODAY) -> None:
        self._offset = 0.0
        self._now = now
        self._began = anyio.current_time()

    def now(self) -> float:
        return self._now + self.monotonic()

    def monotonic(self) -> float:
        return anyio.current_time() - self._began + self._offset

    async def sleep(self, seconds: float) -> None:
        if seconds >= _REST_S:
            raise RoundOver
        self._offset += max(0.0, seconds)
        await anyio.lowlevel.checkpoint()

    def pass_by(self, seconds: float) -> None:
        self._offset += seconds


class Inbox:
    """What was handed over: by id, as an inbox refuses what it has. `before` and `after` a commit, tests may act."""

    def __init__(self) -> None:
        self.arrivals: dict[str, Arrival] = {}
        self.cursor: str | None = None
        self.batches: list[Batch] = []
        self.before: Callable[[Batch], Awaitable[None]] = _nothing
        self.after: Callable[[Batch], Awaitable[None]] = _nothing

    async def emit(self, batch: Batch) -> None:
        await self.before(batch)
        for arrival in batch.arrivals:
            self.arrivals.setdefault(arrival.id, arrival)
        self.cursor = batch.cursor or self.cursor
        self.batches.append(batch)
        await self.after(batch)

    @property
    def ids(self) -> list[str]:
        return list(self.arrivals)

    def of(self, word: str) -> list[Arrival]:
        """Those whose id begins with actionkit:word/, in the order they came."""
        return [arrival for id_, arrival in self.arrivals.items() if id_.startswith(f"actionkit:{word}/")]

    def numbers(self, word: str) -> list[int]:
        """Theirs, of those; one that has several states is there several times."""
        return [int(one.id.partition("@")[0].rpartition("/")[2]) for one in self.of(word)]

    def last(self, word: str, number: int) -> dict[str, Any]:
        """The newest state of one, parsed."""
        fits = [one for one in self.of(word) if one.id.partition("@")[0].endswith(f"/{number}")]
        found: dict[str, Any] = msgspec.json.decode(fits[-1].raw)
        return found

    def handed_over(self) -> int:
        """Arrivals of all batches, repeats too."""
        return sum(len(batch.arrivals) for batch in self.batches)


class Poller:
    """The source as the runtime would run it."""

    def __init__(self, server: Server, http: Client, clock: PollClock, settings: dict[str, Any]) -> None:
        self.server = server
        self.inbox = Inbox()
        self.clock = clock
        self.failures: list[RemoteError] = []
        self._http = http
        self.settings = settings
        self.source = self._build()

    def restart(self, **settings: Any) -> None:
        """Another process: only the cursor is left. Some settings may be others now."""
        self.settings = {**self.settings, **settings}
        self.source = self._build()

    async def round(self, *, tries: int = 1) -> int:
        """One round, tried again where a call failed, and in another process where it was killed; its calls."""
        before = self.server.counts.calls
        await self._until_over(lambda: self.source.run(self.inbox.cursor, self.inbox.emit), tries)
        return self.server.counts.calls - before

    async def backfill(self, collections: list[str], since: float, until: float, *, tries: int = 1) -> None:
        async def work() -> None:
            await self.source.backfill(History(collections, since, until), self.inbox.cursor, self.inbox.emit)
            raise RoundOver

        await self._until_over(work, tries)

    def records(self, word: str) -> list[Record]:
        return [self.source.read(arrival) for arrival in self.inbox.of(word)]

    async def _until_over(self, work: Callable[[], Awaitable[None]], tries: int) -> None:
        for left in reversed(range(tries)):
            try:
                await work()
            except RoundOver:
                return
            except Killed:
                self.restart()
            except RemoteError as exc:
                self.failures.append(exc)
                if not left:
                    raise
        raise AssertionError(f"not done after {tries} tries")

    def _build(self) -> ActionKitPoll:
        context = Context("crm", self.clock, Random(1), self._http, cast("Keys", None), Path())
        account = ActionKitAccountSettings(
            type="actionkit",
            host=self.server.root,
            username=self.server.user,
            password=self.server.password,
            rate="100000/s",
        )
        context = dataclasses.replace(context, account=ActionKitAccount(account, context))
        settings = {"type": "actionkit.poll", "account": "crm", **self.settings}
        return ActionKitPoll(ActionKitPollSettings(**settings), context)


@asynccontextmanager
async def polling(server: Server, clock: PollClock | None = None, **settings: Any) -> AsyncIterator[Poller]:
    """A poller of this simulator, with its `PollClock` unless there is another."""
    clock = clock or cast("PollClock", server.world.clock)
    async with new_session() as session:
        yield Poller(server, Client(session, clock), clock, settings)


def shaky(share: float) -> FaultRates:
    """A network and a server as bad as that."""
    part = share / 4
    return FaultRates(too_many=part, server_error=part, unavailable=part, dropped=part)


async def _nothing(_: Batch) -> None:
    pass
