"""The durable queue of what was accepted and not yet processed, and the memory of what was accepted before."""

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from groundswell.component import Arrival, Cursor
from groundswell.store import backfills, brought, ids, rows
from groundswell.store.brought import Bringing
from groundswell.store.ids import Ids

_INSERT: Final = "INSERT INTO inbox (seq, id, source, received_at, raw)"
_CURSOR: Final = (
    "INSERT INTO cursors (source, cursor, saved_at) VALUES (?, ?, ?) "
    "ON CONFLICT (source) DO UPDATE SET cursor = excluded.cursor, saved_at = excluded.saved_at"
)
IS_KEPT: Final = "length(raw) > 0"
"""Of somebody who was forgotten only the number and the id are left, so that the record is not taken once more."""
_SIGHT: Final = (
    "INSERT OR IGNORE INTO sightings (seq, source, at) SELECT seq, ?1, ?2 FROM inbox "
    f"WHERE seq IN (SELECT value FROM json_each(?3)) AND source <> ?1 AND {IS_KEPT}"
)
"""A source brought what another had brought before: it saw that too."""
_COLUMNS: Final = "seq, source, received_at, id, raw"


class Accept(Struct, frozen=True):
    """One batch to accept, with the cursor that comes after it."""

    source: str
    received_at: int
    arrivals: Sequence[Arrival]
    cursor: Cursor | None = None
    backfill: Bringing | None = None
    """The backfill that brings it, and whose cursor it is; None: the source's own running."""


class InboxEntry(Struct, frozen=True):
    """An arrival in the inbox."""

    seq: int
    source: str
    received_at: int
    arrival: Arrival


class Inbox:
    """Used by the writer's thread."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def accept(self, connection: sqlite3.Connection, batches: Sequence[Accept]) -> list[list[InboxEntry]]:
        """Insert what is new. Returns for each batch the entries that were not duplicates, in order."""
        record_ids = [arrival.id for batch in batches for arrival in batch.arrivals]
        numbers = iter(self._ids.number(connection, record_ids, _last_seq(connection)))
        entries: list[list[InboxEntry]] = []
        inserts = []
        seen: dict[str, tuple[int, list[int]]] = {}
        backfilled: list[tuple[Bringing, str, list[tuple[int, str]], list[tuple[int, Arrival]]]] = []
        for batch in batches:
            source, received_at = batch.source, batch.received_at
            fresh, again = [], []
            for arrival, seq in zip(batch.arrivals, numbers):  # noqa: B905 - each batch takes its part of the numbers
                if seq > 0:
                    fresh.append(InboxEntry(seq, source, received_at, arrival))
                    inserts.append((seq, arrival.id, source, received_at, arrival.raw))
                else:
                    seen.setdefault(source, (received_at, []))[1].append(-seq)
                    again.append((-seq, arrival))
            entries.append(fresh)
            if batch.backfill is not None:
                backfilled.append((batch.backfill, source, [(one.seq, one.arrival.id) for one in fresh], again))
                backfills.moved(connection, batch.backfill.number, batch.cursor, len(batch.arrivals), len(fresh))
            elif batch.cursor is not None:
                connection.execute(_CURSOR, (source, batch.cursor, received_at))
        rows.insert(connection, _INSERT, inserts)
        for source, (at, seqs) in seen.items():
            connection.execute(_SIGHT, (source, at, msgspec.json.encode(seqs).decode()))
        for one in backfilled:
            brought.take(connection, *one)
        return entries


def _last_seq(connection: sqlite3.Connection) -> int:
    """The newest entry is never purged, so the numbers never start again."""
    last: int = connection.execute("SELECT coalesce(max(seq), 0) FROM inbox").fetchone()[0]
    return last


_SIZES_AFTER: Final = f"SELECT seq, length(raw) AS size FROM inbox WHERE seq > ?1 AND {IS_KEPT} ORDER BY seq LIMIT ?2"
_SIZES_OF_REPLAYS: Final = "SELECT seq, length(raw) AS size FROM replays JOIN inbox USING (seq) ORDER BY seq LIMIT ?1"
WAITING_AFTER: Final = (
    f"SELECT {_COLUMNS} FROM inbox WHERE seq > ?1 AND seq <= ({rows.last_within(_SIZES_AFTER, '?3')}) "
    f"AND {IS_KEPT} ORDER BY seq"
)
REPLAYS: Final = (
    f"SELECT {_COLUMNS} FROM inbox WHERE seq IN (SELECT seq FROM replays) "
    f"AND seq <= ({rows.last_within(_SIZES_OF_REPLAYS, '?2')}) ORDER BY seq"
)


def entry_of(row: tuple[int, str, int, str, bytes]) -> InboxEntry:
    seq, source, received_at, record_id, raw = row
    return InboxEntry(seq, source, received_at, Arrival(record_id, raw))


class Replay(Struct, frozen=True):
    """Which arrivals to process once more; times in milliseconds, both ends included."""

    sources: list[str] | None = None
    since: int = 0
    until: int = 2**62
    ids: list[str] | None = None


class ReplayStep(Struct, frozen=True):
    """A small part of a replay: the entries after `after`."""

    asked: Replay
    after: int = 0


class Replayed(Struct, frozen=True):
    """How many entries one step found, and the step that comes next, or None."""

    found: int
    next: ReplayStep | None


def replay(connection: sqlite3.Connection, steps: Sequence[ReplayStep]) -> list[Replayed]:
    """Ask for arrivals to be processed again. Nobody who waits for the writer has to wait for a walk through all."""
    return [_replay(connection, step) for step in steps]


def _replay(connection: sqlite3.Connection, step: ReplayStep) -> Replayed:
    asked = step.asked
    if asked.ids is None:
        window = "inbox.seq > ?4 AND inbox.seq <= ?5"
        last = min(step.after + REPLAY_STEP_ROWS, _last_seq(connection))
        arguments: tuple[int | str, ...] = (step.after, last)
        following = ReplayStep(asked, last) if last == step.after + REPLAY_STEP_ROWS else None
    else:
        window = ids.WITH_ID.format(keys=4, ids=5)
        arguments = ids.arguments(asked.ids)
        following = None
    cursor = connection.execute(
        "INSERT OR IGNORE INTO replays (seq) SELECT inbox.seq FROM inbox, progress "
        "WHERE name = 'processor' AND inbox.seq <= progress.seq AND received_at BETWEEN ?1 AND ?2 "
        f"AND (?3 IS NULL OR source IN (SELECT value FROM json_each(?3))) AND {IS_KEPT} AND {window}",
        (asked.since, asked.until, _json(asked.sources), *arguments),
    )
    return Replayed(cursor.rowcount, following)


REPLAY_STEP_ROWS: Final = 10_000


def _json(values: list[str] | None) -> str | None:
    return None if values is None else msgspec.json.encode(values).decode()
