"""The newest end of a queue that is on disk, kept in memory as far as the bounds allow."""

from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

import anyio


class Entry(Protocol):
    """Something in a durable queue."""

    @property
    def seq(self) -> int: ...


E = TypeVar("E", bound=Entry)


class Tail(Generic[E]):
    """What a reader takes next: from memory while it keeps up with the writer, from disk when it is behind.

    Whatever is committed is offered here, in order. When it no longer fits, it is left on disk and there is a gap: the
    reader then goes through the disk until it has caught up. So memory is bounded and nothing is read twice.
    """

    def __init__(
        self,
        read: Callable[[int, int, int], Awaitable[Sequence[E]]],
        bytes_of: Callable[[E], int],
        *,
        records_max: int,
        bytes_max: int,
        position: int = 0,
        committed: int = 0,
    ) -> None:
        """`read(after, count, size)` reads the next entries from disk: at most `count`, up to the one with which they
        reach `size` bytes. Something is there when `committed` is above `position`.
        """
        self._read = read
        self._bytes_of = bytes_of
        self._records_max = records_max
        self._bytes_max = bytes_max
        self._entries: deque[E] = deque()
        self._has_gap = committed > position
        self._news = 0
        """Rises whenever something may have been committed."""
        self._arrived = anyio.Event()
        self._is_woken = False
        self.position = position
        """The newest entry taken."""
        self.bytes = 0

    def __len__(self) -> int:
        """Entries in memory."""
        return len(self._entries)

    @property
    def is_behind(self) -> bool:
        """Whether the next entries have to come from disk."""
        return self._has_gap

    def offer(self, entries: Iterable[E]) -> None:
        """Take note of entries just committed, in order."""
        waiting, position = self._entries, self.position
        size_of, room, bytes_now = self._bytes_of, self._records_max - len(waiting), self.bytes
        for entry in () if self._has_gap else entries:
            # A read from disk sees an entry as soon as it is committed, which may be before it is offered.
            if entry.seq <= position:
                continue
            size = size_of(entry)
            if room <= 0 or bytes_now + size > self._bytes_max:
                self._has_gap = True
                break
            waiting.append(entry)
            room -= 1
            bytes_now += size
        self.bytes = bytes_now
        self._news += 1
        self._arrived.set()

    def look_on_disk(self) -> None:
        """Take note that entries were committed which nobody offers. They may stand between those in memory."""
        self._entries.clear()
        self.bytes = 0
        self._has_gap = True
        self._news += 1
        self._arrived.set()

    def drop(self, seqs: Collection[int]) -> int:
        """Take no more of these. Returns how many of them had not been taken, those that are only on disk included."""
        not_taken = sum(seq > self.position for seq in seqs)
        self._entries = deque(entry for entry in self._entries if entry.seq not in seqs)
        self.bytes = sum(map(self._bytes_of, self._entries))
        return not_taken

    async def wait(self) -> None:
        """Return once there is something to take, or somebody calls `wake`."""
        while not (self._entries or self._has_gap or self._is_woken):
            self._arrived = anyio.Event()
            await self._arrived.wait()
        self._is_woken = False

    def wake(self) -> None:
        """Have `wait` return once, though there may be nothing to take."""
        self._is_woken = True
        self._arrived.set()

    async def take(self, count: int, size: int) -> Sequence[E]:
        """The next entries, in order: at most `count`, up to the one with which they reach `size` bytes.

        Empty when there was nothing after all. Memory first: it is older.
        """
        if self._entries:
            return self.take_now(count, size)
        if not self._has_gap:
            return ()
        news = self._news
        found = await self._read(self.position, count, size)
        if found:
            self.position = found[-1].seq
        # A short read saw everything committed before it began; only if nothing came since has the reader caught up.
        is_short = len(found) < count and sum(map(self._bytes_of, found)) < size
        if is_short and news == self._news:
            self._has_gap = False
        return found

    def take_now(self, count: int, size: int) -> Sequence[E]:
        """`take` from memory alone, where there must be something."""
        waiting, size_of = self._entries, self._bytes_of
        taken: list[E] = []
        taken_bytes = 0
        while waiting and count > 0 and taken_bytes < size:
            entry = waiting.popleft()
            taken.append(entry)
            taken_bytes += size_of(entry)
            count -= 1
        self.bytes -= taken_bytes
        self.position = taken[-1].seq
        return taken
