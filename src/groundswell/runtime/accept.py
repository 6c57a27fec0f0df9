"""The first step: what came is on disk before anybody is told so. Bounded by records and bytes."""

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

import anyio

from groundswell.clock import Clock, milliseconds
from groundswell.component import Arrival, Batch, Cursor, Emit
from groundswell.errors import NotNowError, StoreFullError
from groundswell.metrics import Metrics
from groundswell.runtime.tail import Tail
from groundswell.store.brought import Bringing
from groundswell.store.dead_letters import DeadLetter
from groundswell.store.inbox import Accept as AcceptBatch
from groundswell.store.inbox import InboxEntry
from groundswell.store.store import Store

FULL_RETRY_AFTER_S: Final = 5
NO_ROOM_RETRY_AFTER_S: Final = 60
DRAINING_RETRY_AFTER_S: Final = 10
NO_ROOM_WAIT_S: Final = 5.0


class Accept:
    """Takes batches from sources; gives what is new to the processor's queue."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        inbox: Tail[InboxEntry],
        *,
        records_max: int,
        bytes_max: int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._inbox = inbox
        self._records_max = records_max
        self._bytes_max = bytes_max
        self._went_down = anyio.Event()
        self.records = 0
        """Records waiting to be committed."""
        self.bytes = 0
        self.no_room: str | None = None
        """Why nothing new is taken (disk or state file nearly full), as the supervisor last saw it."""
        self.is_draining = False
        store.on_accepted(self._accepted)

    def _accepted(self, batches: Sequence[AcceptBatch], results: Sequence[list[InboxEntry]]) -> None:
        came: dict[str, int] = {}
        arrived: list[InboxEntry] = []
        for batch, entries in zip(batches, results, strict=True):
            came[batch.source] = came.get(batch.source, 0) + len(batch.arrivals)
            arrived += entries
        if arrived:
            self._inbox.offer(arrived)
        fresh = Counter([entry.source for entry in arrived])
        for source, count in came.items():
            self._metrics.accepted(source, fresh[source], count - fresh[source])

    async def accept(self, source: str, arrivals: Sequence[Arrival]) -> int:
        """Commit what a webhook brought, or refuse at once. Returns how many were new.

        Raises:
            NotNowError: the queue is full, there is no room on disk, or the daemon is stopping.
        """
        if self.no_room is not None:
            raise NotNowError(f"not now: {self.no_room}", NO_ROOM_RETRY_AFTER_S)
        if self.is_draining:
            raise NotNowError("not now: stopping", DRAINING_RETRY_AFTER_S)
        size = sum([len(arrival.raw) for arrival in arrivals])
        if not self._fits(len(arrivals), size):
            raise NotNowError("not now: the queue is full", FULL_RETRY_AFTER_S)
        try:
            return await self._commit(source, arrivals, None, size)
        except StoreFullError as exc:
            self.no_room = str(exc)
            raise NotNowError(f"not now: {exc}", NO_ROOM_RETRY_AFTER_S) from exc

    async def unreadable(self, source: str, body: bytes, message: str) -> None:
        """Keep a body nobody could read, from a sender we know. It was refused; this is for whoever looks into it."""
        if self.no_room is not None:
            return  # the room that is left is for what was accepted
        letter = DeadLetter(
            stage="accept",
            component=source,
            reason="unreadable",
            message=message,
            record_id=f"{source}:sha256-{sha256(body).hexdigest()[:32]}",
            body=body,
            created_at=milliseconds(self._clock.now()),
        )
        with contextlib.suppress(StoreFullError):
            await self._store.bury(letter)
            self._metrics.buried(source, "unreadable")

    def emitter(self, source: str, backfill: Callable[[], Bringing] | None = None) -> Emit:
        """What a running source calls with each batch, or its backfill; waits for its turn instead of refusing.

        `backfill` says of each batch which backfill brings it, and how.
        """

        async def emit(batch: Batch) -> None:
            if not batch.arrivals and batch.cursor is None:
                return  # it only tells how the source is doing
            size = sum(len(arrival.raw) for arrival in batch.arrivals)
            while True:
                if self.no_room is not None:
                    await self._clock.sleep(NO_ROOM_WAIT_S)
                elif not self._fits(len(batch.arrivals), size):
                    if self._went_down.is_set():  # others may wait for this one
                        self._went_down = anyio.Event()
                    await self._went_down.wait()
                else:
                    try:
                        bringing = None if backfill is None else backfill()
                        await self._commit(source, batch.arrivals, batch.cursor, size, bringing)
                    except StoreFullError as exc:
                        self.no_room = str(exc)
                    else:
                        return

        return emit

    def _fits(self, records: int, size: int) -> bool:
        """One batch always fits into an empty queue, however large, so that none waits for ever."""
        if self.records == 0:
            return True
        return self.records + records <= self._records_max and self.bytes + size <= self._bytes_max

    async def _commit(
        self,
        source: str,
        arrivals: Sequence[Arrival],
        cursor: Cursor | None,
        size: int,
        backfill: Bringing | None = None,
    ) -> int:
        count = len(arrivals)
        self.records += count
        self.bytes += size
        try:
            received_at = milliseconds(self._clock.now())
            return len(await self._store.accept(AcceptBatch(source, received_at, arrivals, cursor, backfill)))
        finally:
            self.records -= count
            self.bytes -= size
            self._went_down.set()
