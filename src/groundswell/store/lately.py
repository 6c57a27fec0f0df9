"""What came in about one person lately, and what became of it: the newest arrivals are looked through for them."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from groundswell.store import inbox
from groundswell.store.traces import Traces

LOOKED_AT_MAX: Final = 5_000
"""Arrivals that are looked through, which takes some 50 ms: nothing says whom one is about but what is in it."""
LOOKED_AT_BYTES_MAX: Final = 16 * 2**20
ROWS_PER_LOOK: Final = 1_000


class Happened(Struct, frozen=True):
    """One arrival about a person. Times in milliseconds since 1970."""

    record_id: str
    source: str
    received_at: int
    is_processed: bool
    waiting: list[tuple[str, int, int]]
    """(sink, attempts made, next attempt at)."""
    settled: list[tuple[str, str, str | None, int, int]]
    """(sink, outcome, note, attempts, settled at)."""
    dead: list[int]
    """Numbers of dead letters."""


class Step(Struct, frozen=True):
    """What one look found, newest first."""

    happened: Sequence[Happened]
    looked_at: int
    size: int
    """Bytes of what was looked at."""
    before: int | None
    """Look on below this number; None: there is no more."""
    since: int | None
    """When the oldest that was looked at came."""


class Lately(Struct):
    """What was found of somebody in the newest arrivals, newest first."""

    happened: list[Happened]
    looked_at: int = 0
    since: int | None = None
    """When the oldest that was looked at came; None: nothing was."""
    is_all: bool = False
    """Whether that was all there is."""


def step(connection: sqlite3.Connection, traces: Traces, before: int, count: int) -> Step:
    """One look, for at most so many that are about them, below the number `before`."""
    happened: list[Happened] = []
    last, looked_at, size, since = before, 0, 0, None
    for seq, record_id, source, received_at, raw in connection.execute(_NEWEST, (before, ROWS_PER_LOOK)):
        last, since = seq, received_at
        looked_at, size = looked_at + 1, size + len(raw)
        if traces.are_in(record_id.encode() + _APART + raw):  # one text is looked through quicker than two
            happened.append(_happened(connection, seq, record_id, source, received_at))
        if len(happened) == count or size >= LOOKED_AT_BYTES_MAX:
            return Step(happened, looked_at, size, last, since)
    return Step(happened, looked_at, size, last if looked_at == ROWS_PER_LOOK else None, since)


def _happened(connection: sqlite3.Connection, seq: int, record_id: str, source: str, received_at: int) -> Happened:
    is_processed = connection.execute(_IS_PROCESSED, (seq,)).fetchone()[0]
    dead = connection.execute("SELECT id FROM dead_letters WHERE inbox_seq = ? ORDER BY id", (seq,)).fetchall()
    return Happened(
        record_id,
        source,
        received_at,
        bool(is_processed),
        connection.execute(_WAITING, (seq,)).fetchall(),
        connection.execute(_SETTLED, (seq,)).fetchall(),
        [number for (number,) in dead],
    )


_APART: Final = b"\0" * 4
"""More than may stand between the digits of a phone."""
_NEWEST: Final = (
    f"SELECT seq, id, source, received_at, raw FROM inbox WHERE seq < ? AND {inbox.IS_KEPT} ORDER BY seq DESC LIMIT ?"
)
_IS_PROCESSED: Final = "SELECT ? <= seq FROM progress WHERE name = 'processor'"
_WAITING: Final = "SELECT sink, attempts, next_attempt_at FROM outbox WHERE inbox_seq = ? ORDER BY seq"
_SETTLED: Final = "SELECT sink, outcome, note, attempts, settled_at FROM deliveries WHERE inbox_seq = ? ORDER BY seq"
