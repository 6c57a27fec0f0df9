"""Backfills as they are kept: of each source the last one that was asked for, with its own cursor."""

import sqlite3
from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

from groundswell.component import Cursor
from groundswell.errors import RequestError

End = Literal["finished", "cancelled", "failed"]
State = Literal["running", "finished", "cancelled", "failed"]

_COLUMNS: Final = "id, source, collections, since, until, asked_at, cursor, records, accepted, state, ended_at, error"
ALL: Final = f"SELECT {_COLUMNS} FROM backfills ORDER BY source"
OF_SOURCE: Final = f"SELECT {_COLUMNS} FROM backfills WHERE source = ?"


class NewBackfill(Struct, frozen=True):
    """What was asked for; times in milliseconds since 1970, `until` not included."""

    source: str
    collections: Sequence[str]
    since: int
    until: int
    asked_at: int


class Backfill(Struct, frozen=True):
    """A backfill, and how far it has come. Times in milliseconds since 1970."""

    id: int
    source: str
    collections: list[str]
    since: int
    until: int
    asked_at: int
    cursor: Cursor | None
    """Where it goes on from; the source's own is another."""
    records: int
    """What it brought; what a crash made it bring once more is counted once more."""
    accepted: int
    """Of them, those that were new."""
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
    """Keep new ones, each in place of the one its source had before; their numbers.

    Raises:
        RequestError: the one before is still running.
    """
    return [_begin(connection, one) for one in asked]


def _begin(connection: sqlite3.Connection, asked: NewBackfill) -> int:
    connection.execute("DELETE FROM backfills WHERE source = ? AND state <> 'running'", (asked.source,))
    if connection.execute("SELECT 1 FROM backfills WHERE source = ?", (asked.source,)).fetchone():
        raise RequestError(
            f"a backfill of {asked.source} is under way already; wait for it, or stop it with `groundswell backfill "
            f"{asked.source} --cancel`"
        )
    collections = msgspec.json.encode(asked.collections).decode()
    row = connection.execute(
        "INSERT INTO backfills (source, collections, since, until, asked_at) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (asked.source, collections, asked.since, asked.until, asked.asked_at),
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


def backfill_of(row: tuple[object, ...]) -> Backfill:
    number, source, collections, *rest = row
    return Backfill(number, source, msgspec.json.decode(str(collections)), *rest)  # type: ignore[arg-type]
