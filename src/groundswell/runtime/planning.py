"""What the next round of the syncs would do: both sides are read, the rules applied, and nothing is written."""

from collections.abc import Sequence
from functools import partial

from msgspec import Struct

from groundswell.clock import Clock
from groundswell.component import Batch, Cursor, Source
from groundswell.config.model import Config
from groundswell.errors import RecordError
from groundswell.members.book import Book, EmptyShelf
from groundswell.members.linked import Edit
from groundswell.members.member import Member
from groundswell.runtime.build import built
from groundswell.runtime.connecting import completed, vault_of
from groundswell.store.store import Store
from groundswell.sync.stage import SyncStage


class PlannedEdit(Struct, frozen=True):
    """One field that one side would get."""

    sync: str
    member: int
    remote_id: str | None
    """None: somebody who would be made there."""
    to: str
    """"member" or "remote"."""
    field: str
    before: str | None
    after: str | None
    rule: str


class Planned(Struct):
    """What would be done."""

    edits: list[PlannedEdit]
    read: dict[str, int]
    """By sync: records that are new or changed since the last round."""
    notes: dict[str, dict[str, int]]
    """By sync: what else came of them, counted: no_phone, duplicate, ..."""
    unreadable: int
    waiting: int
    """Records that were accepted before and are not processed yet: they come first, and are not in this plan."""


async def plan(config: Config, store: Store | None, names: Sequence[str], clock: Clock) -> Planned:
    """Read what the sources of these syncs would bring now, and apply the rules to it.

    Args:
        store: None: there is no state file yet, so nobody is known.

    Raises:
        RemoteError: an account could not be read.
    """
    if store is not None:
        config, _ = completed(config, await store.connections(), vault_of(config))
    planned = Planned([], {}, {}, 0, 0 if store is None else (await store.inbox_waiting())[0])
    book = Book(EmptyShelf() if store is None else store.shelf)
    async with built(config, [part for name in names for part in (f"{name}_read", name)], clock) as parts:
        for name in names:
            source = parts[f"{name}_read"]
            stage: SyncStage = parts[name]
            stage.watch = partial(_note, planned)
            planned.read[name] = 0
            reading = _Reading(planned, name, source, stage, book, store, set())
            reading.cursor = None if store is None else await store.cursor(f"{name}_read")
            # The first round may only end one that was cut short, up to a moment that is long past.
            for _ in range(2):
                await source.once(reading.cursor, reading.take)
            planned.notes[name] = dict(stage.counts)
    return planned


class _Reading(Struct):
    """What one source brings, taken as accepting and processing do: what was accepted before is left out."""

    planned: Planned
    name: str
    source: Source
    stage: SyncStage
    book: Book
    store: Store | None
    seen: set[str]
    cursor: Cursor | None = None

    async def take(self, batch: Batch) -> None:
        if batch.cursor is not None:
            self.cursor = batch.cursor
        known = set() if self.store is None else await self.store.known([arrival.id for arrival in batch.arrivals])
        for arrival in batch.arrivals:
            if arrival.id in known or arrival.id in self.seen:
                continue
            self.seen.add(arrival.id)
            self.planned.read[self.name] += 1
            try:
                self.stage.apply(self.source.read(arrival), self.book)
            except RecordError:
                self.planned.unreadable += 1
                self.book.undo()
            else:
                self.book.keep()


def _note(planned: Planned, sync: str, member: Member, remote_id: str | None, edits: Sequence[Edit]) -> None:
    planned.edits += [
        PlannedEdit(sync, member.id, remote_id, edit.to, edit.field, edit.before, edit.after, edit.rule)
        for edit in edits
    ]
