"""Who comes first: what happens now, before what happened long ago.

A backfill brings its records in small parts, and each part only when what lies before it is short. So whatever happens
meanwhile waits, at each sink, for QUEUE_MAX deliveries of the past at most.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Final

import anyio

from groundswell.clock import Clock
from groundswell.component import Batch, Emit

QUEUE_MAX: Final = 200
"""Records of the past before a sink, all backfills together. At a vendor that takes a gift a second, a new one waits
three minutes for them; with fewer, a sink that takes batches of a hundred would stand idle between two looks."""
PART_MAX: Final = 50
"""Records that are brought at a time: a page may have a thousand."""
LOOK_S_MIN: Final = 0.02
LOOK_S_MAX: Final = 1.0
INBOX: Final = "the inbox"


class Patience:
    """Lets backfills bring something when it is their turn."""

    def __init__(
        self,
        clock: Clock,
        unprocessed: Callable[[], Awaitable[int]],
        queues: Callable[[str], Mapping[str, int]],
    ) -> None:
        """`unprocessed` counts what is accepted and not in the outbox yet; it must be the last thing that awaits.

        `queues` says what waits at each sink that a source's records may reach.
        """
        self._clock = clock
        self._unprocessed = unprocessed
        self._queues = queues
        self._lock = anyio.Lock()
        """From the look to the commit: two backfills must not take the same place."""
        self.waits_for: dict[str, str] = {}
        """Source -> the sink whose queue its backfill waits for, or INBOX."""

    def emitter(self, source: str, emit: Emit) -> Emit:
        """An `emit` that waits for its turn."""

        async def emit_in_turn(batch: Batch) -> None:
            try:
                for part in parts_of(batch):
                    await self._emit(source, part, emit)
            finally:
                self.waits_for.pop(source, None)

        return emit_in_turn

    async def _emit(self, source: str, part: Batch, emit: Emit) -> None:
        look_s = LOOK_S_MIN
        while True:
            async with self._lock:
                queue = await self._in_the_way(source, len(part.arrivals))
                if queue is None:
                    self.waits_for.pop(source, None)
                    await emit(part)
                    return
            self.waits_for[source] = queue
            await self._clock.sleep(look_s)
            look_s = min(2 * look_s, LOOK_S_MAX)

    async def _in_the_way(self, source: str, count: int) -> str | None:
        """The queue that would be too long with so many more."""
        if not count:
            return None
        coming = await self._unprocessed() + count
        if coming > QUEUE_MAX:
            return INBOX
        queues = self._queues(source)
        longest = max(queues, key=lambda sink: queues[sink], default=None)
        return longest if longest is not None and queues[longest] + coming > QUEUE_MAX else None


def parts_of(batch: Batch) -> Iterator[Batch]:
    """The same in small parts; cursor and progress ride on the last, which is there when all are."""
    last = max(0, (len(batch.arrivals) - 1) // PART_MAX * PART_MAX)
    for start in range(0, last, PART_MAX):
        yield Batch(batch.arrivals[start : start + PART_MAX])
    yield Batch(batch.arrivals[last:], batch.cursor, batch.progress)
