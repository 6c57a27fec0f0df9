"""Who changed what, from where, and how it ended: one line for each operation that changes something."""

import sqlite3
from asyncio import Future
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Literal

from msgspec import Struct

LINES_MAX: Final = 100_000
"""The oldest go before more are kept."""
LINES_PER_STEP: Final = 1_000
_NEWEST_FIRST: Final = (
    "SELECT id, at, way, name, place, operation, arguments, outcome, note FROM audit WHERE id < ?1 "
    "{}ORDER BY id DESC LIMIT ?2"
)
_OF_OPERATION: Final = "AND operation = ?3 "
_LAST_CONNECTS: Final = (
    "SELECT max(id), at, way, name, place, operation, arguments, outcome, note FROM audit "
    "WHERE operation IN ('connect', 'disconnect') AND outcome = 'done' "
    "AND json_extract(arguments, '$.try_only') IS NULL GROUP BY json_extract(arguments, '$.account')"
)

Outcome = Literal["done", "refused", "failed"]


class Act(Struct, frozen=True):
    """Something that is about to be done. `at` in milliseconds since 1970."""

    at: int
    way: str
    name: str | None
    place: str
    operation: str
    arguments: bytes
    """JSON."""


class ActEnded(Struct, frozen=True):
    """How it ended."""

    id: int
    outcome: Outcome
    note: str | None


class AuditLine(Struct, frozen=True):
    """One line, as it is kept."""

    id: int
    act: Act
    outcome: Outcome | None
    note: str | None


class AuditLog:
    """The lines. Each future is done once it is on disk."""

    def __init__(
        self,
        submit: Callable[[Any, Any], "Future[Any]"],
        rows: Callable[[str, Sequence[Any]], Awaitable[list[Any]]],
    ) -> None:
        """`submit` asks the writer, `rows` reads."""
        self._submit = submit
        self._rows = rows

    def begin(self, act: Act) -> "Future[int]":
        """Note what is about to be done; the number of its line."""
        return self._submit(_begin, act)

    def end(self, ended: ActEnded) -> "Future[None]":
        """Note how it ended."""
        return self._submit(_end, ended)

    def purge(self, before: int) -> "Future[int]":
        """Forget some lines older than this (milliseconds since 1970), or beyond LINES_MAX; how many those were."""
        return self._submit(_purge, before)

    async def newest(self, before: int, count: int, operation: str | None = None) -> list[AuditLine]:
        """Lines with numbers below `before`, newest first; of this operation only, or of all."""
        of_operation = () if operation is None else (operation,)
        statement = _NEWEST_FIRST.format(_OF_OPERATION if of_operation else "")
        return [_line(*row) for row in await self._rows(statement, (before, count, *of_operation))]

    async def last_connects(self) -> list[AuditLine]:
        """For each account, the line about connecting or disconnecting it last; not those of mere tries."""
        return [_line(*row) for row in await self._rows(_LAST_CONNECTS, ())]


def _line(
    number: int,
    at: int,
    way: str,
    name: str | None,
    place: str,
    operation: str,
    arguments: str,
    outcome: Outcome | None,
    note: str | None,
) -> AuditLine:
    return AuditLine(number, Act(at, way, name, place, operation, arguments.encode()), outcome, note)


def _begin(connection: sqlite3.Connection, acts: Sequence[Act]) -> list[int]:
    return [
        connection.execute(
            "INSERT INTO audit (at, way, name, place, operation, arguments) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
            (act.at, act.way, act.name, act.place, act.operation, act.arguments.decode()),
        ).fetchone()[0]
        for act in acts
    ]


def _end(connection: sqlite3.Connection, endings: Sequence[ActEnded]) -> list[None]:
    connection.executemany(
        "UPDATE audit SET outcome = ?, note = ? WHERE id = ?", [(one.outcome, one.note, one.id) for one in endings]
    )
    return [None] * len(endings)


def _purge(connection: sqlite3.Connection, cuts: Sequence[int]) -> list[int]:
    return [
        connection.execute(
            "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? "
            "OR id <= (SELECT max(id) FROM audit) - ? ORDER BY id LIMIT ?)",
            (before, LINES_MAX, LINES_PER_STEP),
        ).rowcount
        for before in cuts
    ]
