"""A polling source against a simulated Action Network, round by round, with what it handed over kept as an inbox would.

async with polling(server, collections=["people"]) as poller:
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
from groundswell.connectors.action_network.account import ActionNetworkAccount, ActionNetworkAccountSettings
from groundswell.connectors.action_network.poll import ActionNetworkPoll, ActionNetworkPollSettings
from groundswell.connectors.action_network.simulator.server import Server
from groundswell.errors import RemoteError
from groundswell.http.client import Client, new_session

TODAY = 1_777_719_609.0
"""2026-05-02T11:00:09Z: the day after the last of what the simulator begins with."""
_REST_S = 30.0


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

    def set_calendar(self, seconds: float) -> None:
        """Move the calendar (back, if negative) without time having passed."""
        self._now += seconds


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
        """Those whose id begins with action_network:word/."""
        return [arrival for id_, arrival in self.arrivals.items() if id_.startswith(f"action_network:{word}/")]

    def handed_over(self) -> int:
        """Arrivals of all batches, repeats too."""
        return sum(len(batch.arrivals) for batch in self.batches)


class Poller:
    """The source as the runtime would run it."""

    def __init__(self, server: Server, http: Client, clock: PollClock, settings: dict[str, Any]) -> None:
        self.inbox = Inbox()
        self.clock = clock
        self.failures: list[RemoteError] = []
        self.http = http
        self._context = _context(http, clock)
        account = ActionNetworkAccountSettings(
            type="action_network", token=server.key, base_url=server.base_url, rate="100000/s"
        )
        self._context = dataclasses.replace(self._context, account=ActionNetworkAccount(account, self._context))
        self.settings = settings
        self.source = self._build()

    def restart(self, **settings: Any) -> None:
        """Another process: only the cursor is left. Some settings may be others now."""
        self.settings = {**self.settings, **settings}
        self.source = self._build()

    async def round(self, *, tries: int = 1) -> None:
        """One round, tried again where a call failed, and in another process where it was killed."""
        await self._until_over(lambda: self.source.run(self.inbox.cursor, self.inbox.emit), tries)

    async def backfill(self, collections: list[str], since: float, until: float, *, tries: int = 1) -> None:
        async def work() -> None:
            await self.source.backfill(History(collections, since, until), self.inbox.cursor, self.inbox.emit)
            raise RoundOver

        await self._until_over(work, tries)

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

    def _build(self) -> ActionNetworkPoll:
        settings = {"type": "action_network.poll", "account": "network", **self.settings}
        return ActionNetworkPoll(ActionNetworkPollSettings(**settings), self._context)


@asynccontextmanager
async def polling(server: Server, **settings: Any) -> AsyncIterator[Poller]:
    """A poller of this simulator, which must have a `PollClock`."""
    clock = cast("PollClock", server.world.clock)
    async with new_session() as session:
        yield Poller(server, Client(session, clock), clock, settings)


def _context(http: Client, clock: PollClock) -> Context:
    return Context("network", clock, Random(1), http, cast("Keys", None), Path())


def seen(arrival: Arrival) -> Any:
    """What came, parsed."""
    return msgspec.json.decode(arrival.raw)


async def _nothing(_: Batch) -> None:
    pass
