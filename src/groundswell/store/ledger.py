"""The ledger of consents: lines are added; only those of somebody who is forgotten ever go."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from groundswell.members.member import Statement
from groundswell.store import rows
from groundswell.store.stones import salt_of, stone_of

_COLUMNS: Final = "phone, before, after, said, words, decision, source, record_id, said_at, learnt_at"
_AFTER: Final = f"SELECT id, {_COLUMNS} FROM consents WHERE id > ?1 ORDER BY id LIMIT ?2"
_OF_PHONE_AFTER: Final = f"SELECT id, {_COLUMNS} FROM consents WHERE phone = ?3 AND id > ?1 ORDER BY id LIMIT ?2"
_OF_PHONE: Final = f"SELECT id, {_COLUMNS} FROM consents WHERE phone = ? ORDER BY id"
FORGOTTEN: Final = "forgotten"
"""What the one line decides that stays of a forgotten person; in place of the phone it has `forgotten:` and a hash."""


def append(connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    """Add these lines, in order."""
    rows.insert(connection, f"INSERT INTO consents ({_COLUMNS})", [_line_of(said) for said in statements])


def after(connection: sqlite3.Connection, number: int, count: int, phone: str | None) -> tuple[list[Statement], int]:
    """The next lines after this number, of all or of one phone, as they were learnt, and the number of the last."""
    statement, *others = (_AFTER,) if phone is None else (_OF_PHONE_AFTER, phone)
    found = connection.execute(statement, (number, count, *others)).fetchall()
    return [_statement_of(row) for row in found], found[-1][0] if found else number


def of_phone(connection: sqlite3.Connection, phone: str) -> list[Statement]:
    return [_statement_of(row) for row in connection.execute(_OF_PHONE, (phone,))]


def forget(connection: sqlite3.Connection, phone: str, at: int) -> int:
    """Erase the lines of a phone and add the one that says so. Returns how many were erased."""
    known = of_phone(connection, phone)
    connection.execute("DELETE FROM consents WHERE phone = ?", (phone,))
    name = f"{FORGOTTEN}:{stone_of(phone, salt_of(connection)).hex()}"
    before = known[-1].new if known else "unknown"
    append(connection, [Statement(name, before, "unknown", "unknown", "", FORGOTTEN, "", "", at / 1000, at / 1000)])
    return len(known)


def _line_of(said: Statement) -> tuple[Any, ...]:
    return (
        said.phone,
        said.old,
        said.new,
        said.said,
        said.words,
        said.decision,
        said.source,
        said.record_id,
        _ms(said.said_at),
        _ms(said.learnt_at),
    )


def _statement_of(row: tuple[Any, ...]) -> Statement:
    _, phone, old, new, said, words, decision, source, record_id, said_at, learnt_at = row
    return Statement(phone, old, new, said, words, decision, source, record_id, said_at / 1000, learnt_at / 1000)


def _ms(at: float) -> int:
    return round(at * 1000)
