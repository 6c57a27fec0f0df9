"""The durable queue of what was accepted and not yet processed, and the memory of what was accepted before."""

import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct

from groundswell.component import Arrival, Cursor
from groundswell.store import rows

_INSERT: Final = "INSERT OR IGNORE INTO inbox (seq, id, id_key, source, received_at, raw)"
_CURSOR: Final = (
    "INSERT INTO cursors (source, cursor, saved_at) VALUES (?, ?, ?) "
    "ON CONFLICT (source) DO UPDATE SET cursor = excluded.cursor, saved_at = excluded.saved_at"
)
_COLUMNS: Final = "seq, source, received_at, id, raw"


class Accept(Struct, frozen=True):
    """One batch to accept, with the cursor that comes after it."""

    source: str
    received_at: int
    arrivals: Sequence[Arrival]
    cursor: Cursor | None = None


class InboxEntry(Struct, frozen=True):
    """An arrival in the inbox."""

    seq: int
    source: str
    received_at: int
    arrival: Arrival


def accept(connection: sqlite3.Connection, batches: Sequence[Accept]) -> list[list[InboxEntry]]:
    """Insert what is new. Returns for each batch the entries that were not duplicates, in order."""
    seq = first = _last_seq(connection) + 1
    entries: list[list[InboxEntry]] = []
    inserts = []
    for batch in batches:
        numbered = []
        for arrival in batch.arrivals:
            numbered.append(InboxEntry(seq, batch.source, batch.received_at, arrival))
            inserts.append((seq, arrival.id, key_of(arrival.id), batch.source, batch.received_at, arrival.raw))
            seq += 1
        entries.append(numbered)
        if batch.cursor is not None:
            connection.execute(_CURSOR, (batch.source, batch.cursor, batch.received_at))
    if rows.insert(connection, _INSERT, inserts) == len(inserts):
        return entries
    fresh = {row[0] for row in connection.execute("SELECT seq FROM inbox WHERE seq >= ?", (first,))}
    fresh |= {row[0] for row in inserts if row[0] not in fresh and _is_inserted_beside(connection, row)}
    return [[entry for entry in numbered if entry.seq in fresh] for numbered in entries]


KEYS_OF_HASH: Final = 8
"""A hash stands for so many keys, itself and those after it: room for ids that share it."""


def key_of(record_id: str) -> int:
    """The first key of an id: 61 bits of a hash, which different ids share about never, and may all the same."""
    digest = int.from_bytes(blake2b(record_id.encode(), digest_size=8).digest(), "big", signed=True)
    return digest - digest % KEYS_OF_HASH


def _is_inserted_beside(connection: sqlite3.Connection, row: tuple[int, str, int, str, int, bytes]) -> bool:
    """Whether a refused row was no duplicate but another id with the same hash, and now has a key of its own."""
    seq, record_id, key, *rest = row
    taken = dict(connection.execute(f"SELECT id, id_key FROM inbox WHERE {_HAS_HASH}", (key, key)))
    if record_id in taken:
        return False
    free = min(set(range(key, key + KEYS_OF_HASH)) - set(taken.values()))
    rows.insert(connection, _INSERT, [(seq, record_id, free, *rest)])
    return True


_HAS_HASH: Final = f"id_key BETWEEN ? AND ? + {KEYS_OF_HASH - 1}"
WITH_ID: Final = f"{_HAS_HASH} AND id = ?"
"""A condition for one id; its arguments are the id's key, twice, and the id."""


def _last_seq(connection: sqlite3.Connection) -> int:
    """The newest entry is never purged, so the numbers never start again."""
    last: int = connection.execute("SELECT coalesce(max(seq), 0) FROM inbox").fetchone()[0]
    return last


_SIZES_AFTER: Final = "SELECT seq, length(raw) AS size FROM inbox WHERE seq > ?1 ORDER BY seq LIMIT ?2"
_SIZES_OF_REPLAYS: Final = "SELECT seq, length(raw) AS size FROM replays JOIN inbox USING (seq) ORDER BY seq LIMIT ?1"
WAITING_AFTER: Final = (
    f"SELECT {_COLUMNS} FROM inbox WHERE seq > ?1 AND seq <= ({rows.last_within(_SIZES_AFTER, '?3')}) ORDER BY seq"
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


def replay(connection: sqlite3.Connection, requests: Sequence[Replay]) -> list[int]:
    """Ask for arrivals to be processed again. Returns how many each request found."""
    found = []
    for request in requests:
        cursor = connection.execute(
            "INSERT OR IGNORE INTO replays (seq) SELECT inbox.seq FROM inbox, progress "
            "WHERE name = 'processor' AND inbox.seq <= progress.seq AND received_at BETWEEN ? AND ? "
            "AND (?3 IS NULL OR source IN (SELECT value FROM json_each(?3))) "
            "AND (?4 IS NULL OR id_key IN (SELECT value FROM json_each(?5)) "
            "AND id IN (SELECT value FROM json_each(?4)))",
            (request.since, request.until, _json(request.sources), _json(request.ids), _json(_keys(request.ids))),
        )
        found.append(cursor.rowcount)
    return found


def _keys(record_ids: list[str] | None) -> list[int] | None:
    """All keys these ids may have."""
    if record_ids is None:
        return None
    return [key_of(record_id) + further for record_id in record_ids for further in range(KEYS_OF_HASH)]


def _json(values: list[str] | list[int] | None) -> str | None:
    return None if values is None else msgspec.json.encode(values).decode()
