"""The second step: take the inbox in order, make deliveries of it, commit them with the new position."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import anyio
import anyio.to_thread

from groundswell.clock import Clock, milliseconds
from groundswell.members.book import Book, Changes, EmptyShelf
from groundswell.metrics import Metrics
from groundswell.runtime.persist import persist
from groundswell.runtime.plan import Made, Plan
from groundswell.runtime.tail import Tail
from groundswell.runtime.taps import Taps
from groundswell.store.inbox import InboxEntry
from groundswell.store.outbox import Pending, Processed
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

    def look_again(self) -> None:
        """Arrivals in memory may have changed on disk."""
        self._inbox.look_on_disk()

    async def run(self) -> None:
        """Process until cancelled."""
        while True:
            if not self._has_replays:
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

    async def _replay(self) -> None:
        self._has_replays = False  # before the look: what is asked for during it will be looked for again
        entries = await self._store.replays(BATCH_RECORDS_MAX, BATCH_BYTES_MAX)
        if entries:
            self._has_replays = True
            await self._commit(entries, *await self._make(entries), position=None)

    async def _make(self, entries: Sequence[InboxEntry]) -> tuple[Made, Changes]:
        at = milliseconds(self._clock.now())
        process = partial(self.plan.process, is_tapped=self._taps.are_open)
        if not self.plan.knows_members:
            book = Book(EmptyShelf())
            return process(entries, at, book), book.changes
        # Looking members up may have to read the disk, so that is done beside the event loop.
        book = Book(self._store.shelf)
        return await anyio.to_thread.run_sync(process, entries, at, book), book.changes

    async def _commit(self, entries: Sequence[InboxEntry], made: Made, changes: Changes, position: int | None) -> None:
        processed = Processed(
            at=milliseconds(self._clock.now()),
            position=position,
            deliveries=made.deliveries,
            dead=made.dead,
            replayed=[entry.seq for entry in entries] if position is None else (),
            changes=changes,
        )
        pending = await persist(self._clock, lambda: self._store.process(processed))
        self._metrics.processed(made.processed, made.filtered, ((d.component, d.reason) for d in made.dead))
        if made.passed:
            self._taps.show(made.passed)
        self._dispatch(pending)
