"""Who brought what: the arrivals of two sources, and which of the two brought each, the first time or again."""

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct

from groundswell.store import inbox
from groundswell.store.looking import look

ROWS_PER_LOOK: Final = 1_000


class Sighting(Struct, frozen=True):
    """One arrival that the one or the other source brought, or both. Times in milliseconds since 1970."""

    seq: int
    record_id: str
    source: str
    """Who brought it first; it may be a third."""
    accepted_at: int
    raw: bytes
    one_at: int | None
    """When the one source brought it first; None: it did not."""
    other_at: int | None


class Sightings:
    """Reads are made on connections of their own, in threads; nobody waits for them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def noted_after(self) -> int:
        """Of arrivals up to this number it is not known who else brought them: an older version did not note it."""
        return await look(self._path, _noted_after)

    async def walk(
        self, one: str, other: str, through: int, take: Callable[[Sighting], None], *, lone: bool = False
    ) -> None:
        """Hand over the arrivals of the two, up to this number, in order; `take` is called in another thread.

        Args:
            lone: Only those that one of the two brought and the other did not.
        """
        after = 0
        while after < through:
            to = min(after + ROWS_PER_LOOK, through)
            await look(self._path, partial(_step, one=one, other=other, after=after, to=to, lone=lone, take=take))
            after = to

    async def cursor_saved_at(self, source: str) -> int | None:
        """When a source saved where it goes on from; milliseconds since 1970."""
        return await look(self._path, partial(_saved_at, source=source))


_LONE: Final = " AND (one_at IS NULL) <> (other_at IS NULL)"
_BROUGHT: Final = (
    "SELECT i.seq, i.id, i.source, i.received_at, i.raw, "
    "iif(i.source = :one, i.received_at, a.at) AS one_at, iif(i.source = :other, i.received_at, b.at) AS other_at "
    "FROM inbox i LEFT JOIN sightings a ON a.seq = i.seq AND a.source = :one "
    "LEFT JOIN sightings b ON b.seq = i.seq AND b.source = :other "
    f"WHERE i.seq > :after AND i.seq <= :to AND {inbox.IS_KEPT} AND (one_at IS NOT NULL OR other_at IS NOT NULL)"
)


def _step(
    connection: sqlite3.Connection,
    one: str,
    other: str,
    after: int,
    to: int,
    lone: bool,
    take: Callable[[Sighting], None],
) -> None:
    statement = f"{_BROUGHT}{_LONE if lone else ''} ORDER BY i.seq"
    for row in connection.execute(statement, {"one": one, "other": other, "after": after, "to": to}):
        take(Sighting(*row))


def _noted_after(connection: sqlite3.Connection) -> int:
    seq: int = connection.execute("SELECT seq FROM progress WHERE name = 'sightings'").fetchone()[0]
    return seq


def _saved_at(connection: sqlite3.Connection, source: str) -> int | None:
    found = connection.execute("SELECT saved_at FROM cursors WHERE source = ?", (source,)).fetchone()
    return None if found is None else found[0]
