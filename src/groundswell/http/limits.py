"""How many calls one account may make: never more than its rate in any window, as the other side counts them.

The other side counts a call when it arrives, and when that was nobody tells us: after it was sent, before its answer
came. So a permit is anchored on the answer. The call that takes it next arrives at least one window after the call
before it did, whatever the network does to either; and N such chains are never more than N calls in any window. What of
the round trip is known to be way, not waiting, is given back: see `_back_at` and docs/decisions/0006-the-limiter.md.
"""

import heapq
import itertools
from collections import deque
from enum import IntEnum
from math import inf, sqrt
from typing import Final

import anyio

from groundswell.clock import Clock
from groundswell.settings import Rate

SHORT_WINDOW_S: Final = 10.0
"""Longer windows are paced evenly, so that a restart need not wait for a whole one."""
HOLD_S_MAX: Final = 5.0
"""When they want us to wait and do not say how long: a window, but no longer than this, as long windows are paced."""
MARGIN_S: Final = 0.002
"""Timers and event loops are not exact."""
TRIPS: Final = 1024
"""So many round trips are remembered. The smallest is nearly what a round trip takes at least."""
TRUSTED: Final = 0.9
TRUSTED_FROM_S: Final = 0.01
"""Shorter round trips are mostly noise; nothing of them is given back."""
TRIPS_MIN: Final = 32
"""Fewer say too little."""
DOUBT: Final = 4.0
"""The fewer trips were seen and the more they differ, the further the smallest one is from the smallest possible."""
UNDER_WAY_S: Final = 0.5
"""What a process that died had just sent may arrive this much later."""
CONNECTING_MAX: Final = 8
"""Of each priority, so many may hold a connection while they wait: one that is open when the permit comes."""


class Priority(IntEnum):
    """Who goes first where calls of one account wait for their turn."""

    LIVE = 0
    """Deliveries of what just happened."""
    POLL = 1
    BACKFILL = 2


class Limiter:
    """The calls of one account to one host, of all its sources and sinks together.

    `permit` waits for one. What is done with it decides when it comes back: one window after the answer, one window
    after we gave up waiting for it, or at once when the call never started. Not guaranteed: that a call we gave up on
    does not arrive later still.

    A new limiter takes the window before it for used up: a daemon that died may have made its calls until a moment ago.
    """

    def __init__(self, rate: Rate, clock: Clock, at_once_max: int | None = None) -> None:
        """`at_once_max` bounds the calls that are under way at a time, where the other side counts those as well."""
        self.rate: Final = rate
        self._at_once_max = at_once_max or rate.calls
        self._under_way = 0
        self._clock = clock
        self._window_s = rate.per_s + MARGIN_S
        now = clock.monotonic()
        self._gap_s = rate.per_s / rate.calls if rate.per_s > SHORT_WINDOW_S else 0.0
        begins = now + UNDER_WAY_S + (self._gap_s or self._window_s)
        self._not_before = begins
        self._unused = rate.calls
        """Permits that nobody had yet."""
        self._free: list[float] = []
        """A heap: from when on each permit that was used can be used again."""
        at_once = min(self._at_once_max, rate.calls, CONNECTING_MAX)
        self.anterooms: Final = {priority: anyio.Semaphore(at_once) for priority in Priority}
        """Where those wait who will soon be next. Each priority has its own: nobody waits behind a lower one."""
        self._waiting: list[tuple[Priority, int, _Waiter]] = []
        """A heap: who is next."""
        self._numbers = itertools.count()
        self._smallest: deque[tuple[int, float]] = deque()
        """Of the trips: those that are smaller than all after them, with their numbers."""
        self._trip_number = 0
        self._mean_s = 0.0

    async def permit(self, priority: Priority) -> "Permit":
        """Wait for a permit: by priority, then in order of coming. Cancelling the wait costs nobody anything."""
        waiter = _Waiter()
        heapq.heappush(self._waiting, (priority, next(self._numbers), waiter))
        try:
            while not self._is_due(waiter):
                await self._wait(waiter)
        finally:
            waiter.is_gone = True
            self._forget_gone()
            self._wake_next()
        if self._unused:
            self._unused -= 1
        else:
            heapq.heappop(self._free)
        self._under_way += 1
        self._not_before = max(self._not_before, self._clock.monotonic() + self._gap_s)
        return Permit(self, self._clock)

    def hold(self, seconds: float) -> None:
        """Let nobody start for so long: the other side said that it is too much. So what trips told may be wrong.

        0: it did not say for how long.
        """
        seconds = seconds or min(self.rate.per_s, HOLD_S_MAX)
        self._not_before = max(self._not_before, self._clock.monotonic() + seconds)
        self._smallest.clear()
        self._trip_number, self._mean_s = 0, 0.0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(not waiter.is_gone for _, _, waiter in self._waiting)

    def _is_due(self, waiter: "_Waiter") -> bool:
        return self._waiting[0][2] is waiter and self._due_at() <= self._clock.monotonic()

    def _due_at(self) -> float:
        """When the next call may start; infinite while all permits are out."""
        if self._under_way >= self._at_once_max:
            return inf
        if self._unused:
            return self._not_before
        return max(self._free[0], self._not_before) if self._free else inf

    async def _wait(self, waiter: "_Waiter") -> None:
        """Until something may have changed. Only who is next looks at the clock."""
        with anyio.CancelScope() as waiter.scope:
            due_at = self._due_at()
            if self._waiting[0][2] is waiter and due_at < inf:
                await self._clock.sleep(max(0.0, due_at - self._clock.monotonic()))  # it may be due by now
            else:
                await anyio.sleep_forever()
        waiter.scope = None

    def _forget_gone(self) -> None:
        while self._waiting and self._waiting[0][2].is_gone:
            heapq.heappop(self._waiting)

    def _wake_next(self) -> None:
        if self._waiting and self._waiting[0][2].scope is not None:
            self._waiting[0][2].scope.cancel()

    def _come_back(self, at: float) -> None:
        self._under_way -= 1
        heapq.heappush(self._free, at)
        self._wake_next()

    def _back_at(self, answered_at: float, trip_s: float) -> float:
        """When a permit can be used again.

        The call arrived before its answer left, and the next one takes its way before it arrives: both ways together
        take what a round trip takes at least, so that much is given back.
        """
        self._remember(trip_s)
        return answered_at + self._window_s - min(self._least_trip_s(), self.rate.per_s / 2)

    def _least_trip_s(self) -> float:
        """What a round trip takes at least, estimated with care: from how much they differ, and how many there were."""
        smallest_s = self._smallest[0][1]
        if smallest_s <= TRUSTED_FROM_S or self._trip_number < TRIPS_MIN:
            return 0.0
        doubt_s = DOUBT * (self._mean_s - smallest_s) / sqrt(min(self._trip_number, TRIPS))
        return max(0.0, min(TRUSTED * smallest_s, smallest_s - doubt_s))

    def _remember(self, trip_s: float) -> None:
        while self._smallest and self._smallest[-1][1] >= trip_s:
            self._smallest.pop()
        self._smallest.append((self._trip_number, trip_s))
        if self._smallest[0][0] <= self._trip_number - TRIPS:
            self._smallest.popleft()
        self._trip_number += 1
        self._mean_s += (trip_s - self._mean_s) / min(self._trip_number, TRIPS)


class Permit:
    """The right to one call. Say `start` when it is sent, and exactly one of the others when it is over."""

    def __init__(self, limiter: Limiter, clock: Clock) -> None:
        self._limiter = limiter
        self._clock = clock
        self._started_at: float | None = None
        self._is_over = False

    def start(self) -> None:
        """The connection is there, the call goes out now."""
        self._started_at = self._clock.monotonic()

    @property
    def is_started(self) -> bool:
        return self._started_at is not None

    def answered(self) -> None:
        """The first of the answer is here."""
        if self._started_at is None or self._is_over:
            return
        self._is_over = True
        now = self._clock.monotonic()
        self._limiter._come_back(self._limiter._back_at(now, now - self._started_at))

    def over(self) -> None:
        """No answer will come. Without effect after `answered`; at once free if the call never started."""
        if self._is_over:
            return
        self._is_over = True
        now = self._clock.monotonic()
        self._limiter._come_back(now if self._started_at is None else now + self._limiter._window_s)


class _Waiter:
    """Somebody in the queue. `scope` is there while they sleep; cancelling it wakes them."""

    __slots__ = ("is_gone", "scope")

    def __init__(self) -> None:
        self.scope: anyio.CancelScope | None = None
        self.is_gone = False
