"""A state file with a pipeline of nothing but sinks around it: what comes is addressed to all of them, and delivered.

Every step is one that the daemon takes, and it may be cut short between any two of them: `restart` forgets what is not
on disk.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from groundswell.component import Arrival, Delivery
from groundswell.record import Kind, Record, to_json
from groundswell.store.backfills import BackfillEnded, NewBackfill
from groundswell.store.brought import Bringing
from groundswell.store.dead_letters import DeadLetter, Selection
from groundswell.store.inbox import Accept, InboxEntry
from groundswell.store.outbox import Pending, Processed, Settlement
from groundswell.store.retention import Purge
from groundswell.store.sent import MONEY
from groundswell.store.store import Store

START = 1_777_000_000_000
MANY = 2**40


class Sending:
    """Gifts arrive at `hooks`, and a backfill brings them as `history`."""

    def __init__(self, directory: Path, sinks: Sequence[str] = ("crm",), kind: Kind = "donation") -> None:
        self._path = directory / "groundswell.db"
        self.sinks = list(sinks)
        self.kind: Kind = kind
        self.now = START
        self.store: Store
        self.got: Counter[tuple[str, str]] = Counter()
        """(sink, record id) -> how often it was delivered."""
        self.processed: list[tuple[str, bytes]] = []
        """(source, raw) of what was processed once more."""

    async def open(self) -> "Sending":
        self.store = await Store(self._path).open()
        await self.store.meet_sinks(self.sinks)
        return self

    async def restart(self) -> None:
        await self.store.close()
        await self.open()

    async def add_sink(self, name: str) -> None:
        self.sinks.append(name)
        await self.store.meet_sinks(self.sinks)

    # ---- accept ----

    async def arrive(self, *ids: str, raw: bytes = b"{}") -> int:
        """From the webhook; how many were new."""
        self.now += 1
        return len(await self.store.accept(Accept("hooks", self.now, [Arrival(one, raw) for one in ids])))

    async def begin(self, *, resends: bool = False) -> int:
        new = NewBackfill("history", ["gifts"], 0, self.now, self.now, resends)
        return await self.store.begin_backfill(new)

    async def bring(self, number: int, *ids: str, cursor: str | None = None, raw: bytes = b'{"a": 1}') -> None:
        """By the backfill under way."""
        backfill = await self.store.backfill("history")
        assert backfill is not None
        self.now += 1
        bringing = Bringing(number, backfill.asked.resends, list(self.sinks))
        await self.store.accept(Accept("history", self.now, [Arrival(one, raw) for one in ids], cursor, bringing))

    async def end(self, number: int) -> None:
        """As the daemon does: once all it brought is processed."""
        while await self.store.brought_waiting(number):
            await self.process()
        assert await self.store.end_backfill(BackfillEnded(number, "finished", self.now))
        while await self.store.forget_resent():
            pass

    async def backfill(self, *ids: str, resends: bool = False) -> tuple[int, int, int]:
        """From beginning to end, all it makes delivered; how many were sent, known, dead."""
        number = await self.begin(resends=resends)
        await self.bring(number, *ids)
        await self.end(number)
        await self.deliver_all()
        backfill = await self.store.backfill("history")
        assert backfill is not None
        return backfill.sent, backfill.known, backfill.dead

    # ---- process ----

    async def process(self, count: int = 100, failing: Collection[str] = ()) -> bool:
        """One batch, of what comes first; whether there was any. `failing` cannot be processed."""
        self.now += 1
        entries = await self.store.arrivals_after(await self.store.position(), count, MANY)
        if entries:
            made, dead = self._made(entries, failing)
            await self.store.process(Processed(self.now, entries[-1].seq, made, dead))
            return True
        entries = await self.store.replays(count, MANY)
        if entries:
            made, dead = self._made(entries, failing)
            await self.store.process(Processed(self.now, None, made, dead, [entry.seq for entry in entries]))
            return True
        again = await self.store.again(count, MANY)
        if again is None:
            return False
        wanted = [one for one in again.entries if again.resends or self.kind in MONEY or one.is_of_young]
        self.processed += [(one.source, one.arrival.raw) for one in wanted]
        made, dead = self._made(
            [InboxEntry(one.seq, one.source, one.received_at, one.arrival) for one in wanted], failing
        )
        await self.store.process(Processed(self.now, None, made, dead, again=again))
        return True

    def _made(
        self, entries: Sequence[InboxEntry], failing: Collection[str]
    ) -> tuple[list[tuple[str, int, Delivery]], list[DeadLetter]]:
        made, dead = [], []
        for entry in entries:
            record_id = entry.arrival.id
            if record_id in failing:
                dead.append(DeadLetter("process", "tidy", "no", "no", record_id, self.now, entry.seq))
                continue
            delivery = Delivery(record_id, self.kind, "rosa", to_json(Record(record_id, self.kind, "hooks")))
            made += [(sink, entry.seq, delivery) for sink in self.sinks]
        return made, dead

    # ---- deliver ----

    async def deliver(self, sink: str, *outcomes: str) -> int:
        """The next of a sink, one for each outcome: delivered, already_there, not_enabled, retry, dead."""
        self.now += 1
        pending = await self.store.pending_after(sink, 0, len(outcomes), MANY)
        delivered, skipped, retries, dead, sent = [], [], [], [], []
        for one, outcome in zip(pending, outcomes, strict=False):
            if outcome == "retry":
                retries.append((one.seq, one.delivery.attempts + 1, self.now))
            elif outcome == "dead":
                dead.append((one.seq, self._letter(one)))
            elif outcome == "delivered":
                delivered.append(one.seq)
            else:
                skipped.append((one.seq, outcome))
            if outcome in ("delivered", "already_there"):
                self.got[sink, one.delivery.record_id] += 1
                if self.kind in MONEY:
                    sent.append((sink, one.delivery.record_id))
        await self.store.settle(Settlement(self.now, delivered, skipped, (), retries, dead, sent=sent))
        return len(pending)

    def _letter(self, one: Pending) -> DeadLetter:
        made = one.delivery
        return DeadLetter(
            "deliver", one.sink, "no", "no", made.record_id, self.now, one.inbox_seq, made.kind, made.lane, made.body
        )

    async def deliver_all(self) -> None:
        """Process and deliver whatever is there."""
        while await self.process():
            pass
        for sink in self.sinks:
            while await self.deliver(sink, *["delivered"] * 50):
                pass

    async def retry_dead(self) -> None:
        await self.store.retry_dead(Selection(), self.now)

    async def forget(self) -> None:
        """The inbox and the log forget all they may."""
        await asyncio.sleep(0)
        self.now += 1
        step: Purge | None = Purge(self.now)
        while step is not None:
            step = (await self.store.purge(step)).next

    def times(self, *ids: str) -> list[int]:
        """How often each sink got each of these, sinks one after the other."""
        return [self.got[sink, one] for sink in self.sinks for one in ids]
