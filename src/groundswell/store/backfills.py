"""Backfills as they are kept: of each source the last ones that were asked for, each with its own cursor."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from groundswell.component import Cursor
from groundswell.errors import RequestError

End = Literal["finished", "cancelled", "failed"]
State = Literal["running", "finished", "cancelled", "failed"]

KEPT_MAX: Final = 20
"""Of each source, to show what of the past was sent, and when."""
_COLUMNS: Final = (
    "source, collections, since, until, asked_at, resends, subscribes, id, is_paused, cursor, records, accepted, sent, "
    "known, dead, state, ended_at, error"
)
LAST_OF_EACH: Final = (
    f"SELECT {_COLUMNS} FROM backfills WHERE id IN (SELECT max(id) FROM backfills GROUP BY source) ORDER BY source"
)
NEWEST_FIRST: Final = (
    f"SELECT {_COLUMNS} FROM backfills WHERE ?1 IS NULL OR source = ?1 ORDER BY source, id DESC LIMIT ?2"
)


class NewBackfill(Struct, frozen=True):
    """What was asked for; times in milliseconds since 1970, `until` not included."""

    source: str
    collections: Sequence[str]
    since: int
    until: int
    asked_at: int
    resends: bool = False
    """Everything to every sink again; otherwise to each what it has not been sent."""
    subscribes: bool = False
    """Whether a gift of the past counts as a yes to email."""


class Backfill(Struct, frozen=True):
    """A backfill, and how far it has come. Times in milliseconds since 1970."""

    asked: NewBackfill
    id: int
    is_paused: bool
    """By itself; its source may be, too."""
    cursor: Cursor | None
    """Where it goes on from; the source's own is another."""
    records: int
    """What it brought; what a crash made it bring once more is counted once more."""
    accepted: int
    """Of them, those that were new to the inbox."""
    sent: int
    """Records that went on their way to a sink at least."""
    known: int
    """Records that every sink had, or was to have, already."""
    dead: int
    """Records that lie in dead letters, and were left there."""
    state: State
    ended_at: int | None
    error: str | None
    """Why it failed."""


class BackfillEnded(Struct, frozen=True):
    """How a backfill ended, and when (milliseconds since 1970)."""

    id: int
    state: End
    at: int
    error: str | None = None


def begin(connection: sqlite3.Connection, asked: Sequence[NewBackfill]) -> list[int]:
    """Keep new ones; their numbers. The oldest of the source go.

    Raises:
        RequestError: the one before is still running.
    """
    return [_begin(connection, one) for one in asked]


def _begin(connection: sqlite3.Connection, asked: NewBackfill) -> int:
    if connection.execute("SELECT 1 FROM backfills WHERE source = ? AND state = 'running'", (asked.source,)).fetchone():
        raise RequestError(
            f"a backfill of {asked.source} is under way already; wait for it, or stop it with `groundswell backfill "
            f"{asked.source} --cancel`"
        )
    connection.execute(
        "DELETE FROM backfills WHERE source = ?1 AND id NOT IN "
        "(SELECT id FROM backfills WHERE source = ?1 ORDER BY id DESC LIMIT ?2)",
        (asked.source, KEPT_MAX - 1),
    )
    collections = msgspec.json.encode(asked.collections).decode()
    row = connection.execute(
        "INSERT INTO backfills (source, collections, since, until, asked_at, resends, subscribes) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (asked.source, collections, asked.since, asked.until, asked.asked_at, asked.resends, asked.subscribes),
    ).fetchone()
    number: int = row[0]
    return number


def moved(connection: sqlite3.Connection, number: int, cursor: Cursor | None, records: int, accepted: int) -> None:
    """Note what a batch brought, and where the backfill goes on from, in the transaction that accepts the batch."""
    connection.execute(
        "UPDATE backfills SET cursor = coalesce(?, cursor), records = records + ?, accepted = accepted + ? "
        "WHERE id = ?",
        (cursor, records, accepted, number),
    )


def end(connection: sqlite3.Connection, ended: Sequence[BackfillEnded]) -> list[bool]:
    """Note how these ended. False for one that was not running any more."""
    return [
        connection.execute(
            "UPDATE backfills SET state = ?, ended_at = ?, error = ? WHERE id = ? AND state = 'running'",
            (one.state, one.at, one.error, one.id),
        ).rowcount
        > 0
        for one in ended
    ]


def pause(connection: sqlite3.Connection, asked: Sequence[tuple[int, bool]]) -> list[bool]:
    """Note that these (number, whether it is to rest) are paused or go on. False for one that is not running."""
    return [
        connection.execute(
            "UPDATE backfills SET is_paused = ? WHERE id = ? AND state = 'running'", (is_paused, number)
        ).rowcount
        > 0
        for number, is_paused in asked
    ]


def backfill_of(row: tuple[Any, ...]) -> Backfill:
    source, collections, since, until, asked_at, resends, subscribes, number, is_paused, *rest = row
    asked = NewBackfill(
        source, msgspec.json.decode(collections), since, until, asked_at, bool(resends), bool(subscribes)
    )
    return Backfill(asked, number, bool(is_paused), *rest)
