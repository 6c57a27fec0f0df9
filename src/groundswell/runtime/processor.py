"""The second step: take the inbox in order, make deliveries of it, commit them with the new position."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import anyio
import anyio.to_thread

from groundswell.clock import Clock, milliseconds
from groundswell.members.book import Book, Changes, EmptyShelf
from groundswell.metrics import Metrics
from groundswell.runtime.persist import persist
from groundswell.runtime.plan import Made, Plan, Wanted
from groundswell.runtime.tail import Tail
from groundswell.runtime.taps import Taps
from groundswell.store.brought import AgainBatch
from groundswell.store.inbox import InboxEntry
from groundswell.store.outbox import Pending, Processed
from groundswell.store.sent import MONEY
from groundswell.store.store import Store

BATCH_RECORDS_MAX: Final = 200
"""So that the event loop is never held for more than a few milliseconds."""
BATCH_BYTES_MAX: Final = 2**20
"""Likewise; the record with which a batch reaches this is its last."""


class Processor:
    """The one processor. `plan` may be replaced at any time; the next batch goes by the new one."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        inbox: Tail[InboxEntry],
        plan: Plan,
        dispatch: Callable[[Sequence[Pending]], None],
        taps: Taps,
    ) -> None:
        """`dispatch` is called with the deliveries of each batch, once they are on disk."""
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._inbox = inbox
        self._dispatch = dispatch
        self._taps = taps
        self._has_replays = True  # asked for, perhaps, and not done yet when the daemon stopped
        self._has_again = True
        self.lock = anyio.Lock()
        """Held around each batch; whoever holds it may change `plan` and where deliveries go."""
        self.plan = plan
        self.beats = 0
        """Rises with every batch and every idle wake-up."""
        self.in_hand = 0
        """Records taken from the inbox and not committed yet."""

    def look_for_replays(self) -> None:
        """Somebody asked for arrivals to be processed again."""
        self._has_replays = True
        self._inbox.look_on_disk()

    def look_for_what_was_brought(self) -> None:
        """A backfill brought something, which the inbox may have had already."""
        self._has_again = True
        self._inbox.wake()

    def look_again(self) -> None:
        """Arrivals in memory may have changed on disk."""
        self._inbox.look_on_disk()

    async def run(self) -> None:
        """Process until cancelled."""
        while True:
            if not (self._has_replays or self._has_again):
                await self._inbox.wait()
            async with self.lock:
                await self._step()
            self.beats += 1

    async def _step(self) -> None:
        entries = await self._inbox.take(BATCH_RECORDS_MAX, BATCH_BYTES_MAX)
        if entries:
            self.in_hand = len(entries)
            await self._commit(entries, *await self._make(entries), position=entries[-1].seq)
            self.in_hand = 0
        elif self._has_replays:
            await self._replay()
        elif self._has_again:
            await self._process_again()

    async def _replay(self) -> None:
        self._has_replays = False  # before the look: what is asked for during it will be looked for again
        entries = await self._store.replays(BATCH_RECORDS_MAX, BATCH_BYTES_MAX)
        if entries:
            self._has_replays = True
            await self._commit(entries, *await self._make(entries), position=None)

    async def _process_again(self) -> None:
        """What a backfill brought that the inbox had: for the sinks that lack it, or for all."""
        self._has_again = False
        again = await self._store.again(BATCH_RECORDS_MAX, BATCH_BYTES_MAX)
        # What is not due yet is in the inbox still, and about to be offered.
        if again is not None or await self._store.again_waiting():
            self._has_again = True
        if again is None:
            return
        for_all = {entry.seq for entry in again.entries if again.resends or entry.is_of_young}
        entries = [InboxEntry(one.seq, one.source, one.received_at, one.arrival) for one in again.entries]
        self.in_hand = len(entries)
        made, changes = await self._make(entries, lambda entry, record: record.kind in MONEY or entry.seq in for_all)
        await self._commit(entries, made, changes, position=None, again=again)
        self.in_hand = 0

    async def _make(self, entries: Sequence[InboxEntry], wanted: Wanted | None = None) -> tuple[Made, Changes]:
        at = milliseconds(self._clock.now())
        process = partial(self.plan.process, is_tapped=self._taps.are_open)
        if not self.plan.knows_members:
            book = Book(EmptyShelf())
            return process(entries, at, book, wanted), book.changes
        # Looking members up may have to read the disk, so that is done beside the event loop.
        book = Book(self._store.shelf)
        return await anyio.to_thread.run_sync(process, entries, at, book, wanted), book.changes

    async def _commit(
        self,
        entries: Sequence[InboxEntry],
        made: Made,
        changes: Changes,
        position: int | None,
        again: AgainBatch | None = None,
    ) -> None:
        processed = Processed(
            at=milliseconds(self._clock.now()),
            position=position,
            deliveries=made.deliveries,
            dead=made.dead,
            replayed=[entry.seq for entry in entries] if position is None and again is None else (),
            again=again,
            changes=changes,
        )
        pending = await persist(self._clock, lambda: self._store.process(processed))
        self._metrics.processed(made.processed, made.filtered, ((d.component, d.reason) for d in made.dead))
        if again is None and len(pending) < len(made.deliveries):
            self._count_held(made, pending)
        if made.passed:
            self._taps.show(made.passed)
        self._dispatch(pending)

    def _count_held(self, made: Made, pending: Sequence[Pending]) -> None:
        """What the store did not make deliveries of: the sinks have it, or are to have it."""
        held = Counter(sink for sink, _, _ in made.deliveries) - Counter(entry.sink for entry in pending)
        for sink, count in held.items():
            self._metrics.held_back(sink, count)
