"""Reading a long stretch of time: several windows at once, and where to go on after a crash."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import anyio
from anyio.abc import TaskGroup
from msgspec import Struct

from groundswell.component import Arrival
from groundswell.connectors.action_network.hal import Resource
from groundswell.connectors.action_network.walk import TooMuch, Walk
from groundswell.connectors.action_network.windows import Window, Windows

AT_ONCE: Final = 8
"""Windows. Each is read page after page, so a call that takes a second does not leave the rate unused."""
BATCH: Final = 500

Keep = Callable[[Sequence[Resource]], Awaitable[Sequence[Arrival]]]
"""Makes arrivals of what was read."""
Commit = Callable[[Sequence[Arrival], int | None], Awaitable[None]]
"""Puts arrivals on disk; with a time: everything before it is there now."""


class _Guess(Struct, eq=False):
    """How many things a window may hold: as many as the last of its kind did."""

    number: int


class _Open(Struct, eq=False):
    window: Window
    guess: _Guess
    """Shared by the parts of what was cut."""
    is_read: bool = False


class Sweep:
    """Reads a span from its beginning to its end."""

    def __init__(self, walk: Walk, span: Window, keep: Keep, commit: Commit) -> None:
        self._walk = walk
        self._windows = Windows(span)
        self._keep = keep
        self._commit = commit
        self._open: deque[_Open] = deque()
        """What is being read or will be, in order of time; the first is not read yet."""
        self._cut: deque[_Open] = deque()
        """Of these, parts of what was too much, which nobody reads yet."""
        self._readers = 0
        self._failures: list[Exception] = []
        self._committing = anyio.Lock()

    async def run(self) -> None:
        """Read all of it. Raises RemoteError when a call failed: what was committed stays, and says where to go on."""
        async with anyio.create_task_group() as tasks:
            self._start_readers(tasks)
        if self._failures:
            raise self._failures[0]

    def _start_readers(self, tasks: TaskGroup) -> None:
        while self._readers < AT_ONCE:
            self._readers += 1
            tasks.start_soon(self._read_on, tasks)

    async def _read_on(self, tasks: TaskGroup) -> None:
        try:
            while not self._failures and (entry := self._next()) is not None:
                if await self._read(entry):
                    self._start_readers(tasks)
        except Exception as exc:
            self._failures.append(exc)
        finally:
            self._readers -= 1

    def _next(self) -> _Open | None:
        if self._cut:
            return self._cut.popleft()
        window = self._windows.take()
        if window is None:
            return None
        entry = _Open(window, _Guess(self._windows.expected_in(window)))
        self._open.append(entry)
        return entry

    async def _read(self, entry: _Open) -> bool:
        """Read one window. Returns whether it was cut, so that there is more to read than before."""
        arrivals: list[Arrival] = []

        async def take(resources: Sequence[Resource]) -> None:
            arrivals.extend(await self._keep(resources))
            if len(arrivals) >= BATCH:
                batch = arrivals.copy()
                arrivals.clear()
                await self._commit(batch, None)

        found = await self._walk.read(entry.window, entry.guess.number, take)
        entry.guess.number = found.number
        self._windows.found(entry.window, found.number)
        if isinstance(found, TooMuch):
            self._put_in_parts(entry, found)
            return True
        if self._open[0] is not entry:
            await self._commit(arrivals, None)
            arrivals = []
        entry.is_read = True
        if self._open[0] is entry:
            async with self._committing:
                await self._commit(arrivals, self._done_to())
        return False

    def _put_in_parts(self, entry: _Open, found: TooMuch) -> None:
        windows = entry.window.parts(found.parts)
        guess = _Guess(found.number // len(windows))
        parts = [_Open(window, guess) for window in windows]
        place = self._open.index(entry)
        self._open.remove(entry)
        for number, part in enumerate(parts):
            self._open.insert(place + number, part)
        self._cut.extendleft(reversed(parts))

    def _done_to(self) -> int:
        """Until where everything has been read, without a gap."""
        done_to = 0
        while self._open and self._open[0].is_read:
            done_to = self._open.popleft().window.end
        return done_to
