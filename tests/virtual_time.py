"""Time that passes only when a test says so."""

import heapq
import itertools
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel

NOON: float = 1_777_719_609.0
"""2026-05-02T11:00:09Z."""


class VirtualClock:
    """A `Clock` for tests. `advance` lets time pass in one leap, as for a machine that was asleep meanwhile."""

    def __init__(self, now: float = NOON, settle: Callable[[], Awaitable[None]] | None = None) -> None:
        """`settle` returns once everything that could happen at the present moment has happened."""
        self._now = now
        self._monotonic = 1_000.0
        self._sleepers: list[tuple[float, int, anyio.Event]] = []
        self._numbers = itertools.count()
        self.settle = settle or a_few_turns
        self.sleeps = 0
        """How often somebody began to wait."""

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await anyio.lowlevel.checkpoint()
            return
        self.sleeps += 1
        woken = anyio.Event()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._numbers), woken))
        await woken.wait()

    async def advance(self, seconds: float) -> None:
        """Let time pass and wake whoever waited for less, in order; return when all is quiet again."""
        self._now += seconds
        self._monotonic += seconds
        while self._sleepers and self._sleepers[0][0] <= self._monotonic:
            heapq.heappop(self._sleepers)[2].set()
        await self.settle()

    def set_calendar(self, seconds: float) -> None:
        """Move the calendar (back, if negative) without time having passed."""
        self._now += seconds


async def a_few_turns() -> None:
    """Let every task that is ready go on until it waits again."""
    for _ in range(20):
        await anyio.lowlevel.checkpoint()
