"""Reading a whole collection: several windows at once, and how far all of it is done.

A call may take a second and four a second are allowed, so some windows are read side by side. What was read is handed
over at once; the position moves only over windows that are finished, and all before them.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import anyio
from msgspec import Struct

from groundswell.component import Arrival
from groundswell.connectors.action_network.client import TOP, Place
from groundswell.connectors.action_network.hal import Resource
from groundswell.connectors.action_network.polling.reading import Reading
from groundswell.connectors.action_network.polling.windows import Plan, Task
from groundswell.connectors.common.abreast import abreast

PARALLEL: Final = 4
"""Windows that are read at once."""
TRACKS_AHEAD_MAX: Final = 64
"""Parents that may be done behind one that is not."""
HAND_OVER_AT: Final = 250
"""Arrivals of one window that are handed over together, so that memory stays flat."""


class Track(Struct, eq=False):
    """One list to be read: that of a collection, or of one parent's part of it."""

    plan: Plan
    place: Place = TOP
    """What it is under."""
    key: str = ""
    """The parent's number; tracks are in this order."""
    parent: Resource | None = None


class Position(Struct, frozen=True):
    """Everything before is done. A position without a key and an `inside` of None is the end."""

    key: str
    inside: int | None
    """Seconds since 1970: so far in the track with this key."""
    records: int
    """Taken in all so far."""


class Collector(Protocol):
    """What a sweep needs from its surroundings."""

    def reading(self, track: Track, task: Task) -> Reading:
        """How one window of a track is to be read."""
        ...

    async def page(self, track: Track, task: Task, number: int) -> Sequence[Resource]:
        """One page of it."""
        ...

    async def arrivals(self, track: Track, resources: Sequence[Resource]) -> list[Arrival]:
        """What these become."""
        ...

    async def hand_over(self, arrivals: Sequence[Arrival], position: Position | None) -> None:
        """They are to be on disk when this returns, with the position, if there is one."""
        ...


class Sweep:
    """Reads tracks in order, and keeps what it knows when a call fails: `run` again goes on where it was."""

    def __init__(self, tracks: Iterable[Track], collector: Collector, finished: Callable[[Track], None]) -> None:
        """`finished` is told of each track that is read to its end."""
        self._collector = collector
        self._finished = finished
        self._tracks = deque(track for track in tracks if not track.plan.is_done)
        self._readings: dict[int, _Started] = {}
        """By the identity of their task."""
        self._records = 0
        self._lock = anyio.Lock()
        """Positions must reach the disk in their order."""
        self._changed = anyio.Event()

    @property
    def is_done(self) -> bool:
        return not self._tracks

    async def run(self) -> None:
        """Return when everything is handed over.

        Raises:
            Exception: the first that was raised in any of the windows. The others were stopped.
        """
        await abreast(lambda _: self._work(), range(PARALLEL), PARALLEL)

    async def _work(self) -> None:
        while not self.is_done:
            changed = self._changed
            taken = self._take()
            if taken is None:
                await changed.wait()
                continue
            track, task = taken
            try:
                await self._read(track, task)
            finally:
                if task.state == "taken":
                    track.plan.give_back(task)
                self._changed.set()
                self._changed = anyio.Event()

    def _take(self) -> tuple[Track, Task] | None:
        for number, track in enumerate(self._tracks):
            if number > TRACKS_AHEAD_MAX:
                return None
            task = track.plan.take()
            if task is not None:
                return track, task
        return None

    async def _read(self, track: Track, task: Task) -> None:
        """Read one window to its end, or find that it must be split."""
        started = self._readings.get(id(task))
        if started is None:
            started = self._readings[id(task)] = _Started(self._collector.reading(track, task), task)
        reading = started.reading

        async def ask(number: int) -> Sequence[Resource]:
            return await self._collector.page(track, task, number)

        while (resources := await reading.read(ask)) is not None:
            arrivals = await self._collector.arrivals(track, resources)
            reading.took()
            started.arrivals += arrivals
            if len(started.arrivals) >= HAND_OVER_AT:
                await self._hand_over(started, None)
        if reading.verdict == "complete":
            await self._finish(track, started)
        else:
            await self._hand_over(started, None)
            track.plan.split(task, reading.pages if reading.verdict == "disturbed" else None)
        del self._readings[id(task)]

    async def _finish(self, track: Track, started: "_Started") -> None:
        async with self._lock:
            task = started.task
            await self._hand_over(started, self._position_after(track, task, started.reading.records))
            track.plan.finish(task, started.reading.records)
            self._records += started.reading.records
            if track.plan.is_done:
                self._finished(track)
            while self._tracks and self._tracks[0].plan.is_done:
                self._tracks.popleft()

    async def _hand_over(self, started: "_Started", position: Position | None) -> None:
        if started.arrivals or position is not None:
            await self._collector.hand_over(started.arrivals, position)
        started.arrivals = []

    def _position_after(self, track: Track, task: Task, records: int) -> Position | None:
        """Where everything stands when this task is finished; None when that moves nothing."""
        if track is not self._tracks[0]:
            return None
        end = track.plan.end_after(task)
        if end is None:
            return None
        records += self._records
        if end < track.plan.span.end:
            return Position(track.key, end, records)
        for other in list(self._tracks)[1:]:
            if not other.plan.is_done:
                return Position(other.key, other.plan.done_to, records)
        return Position("", None, records)


class _Started(Struct, eq=False):
    """A window that is being read, also while nobody does because a call failed."""

    reading: Reading
    task: Task
    arrivals: list[Arrival] = []
    """Not handed over yet."""
