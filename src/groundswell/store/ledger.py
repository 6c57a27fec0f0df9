"""The ledger of consents: lines are added; only those of somebody who is forgotten ever go."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from groundswell.members.member import Statement
from groundswell.store import rows
from groundswell.store.stones import salt_of, stone_of

_COLUMNS: Final = "phone, before, after, said, words, decision, source, record_id, said_at, learnt_at"
_OF_PHONE: Final = f"SELECT id, {_COLUMNS} FROM consents WHERE phone = ? ORDER BY id"
LOOKED_AT_MAX: Final = 20_000
"""Lines that are read for one answer when not all of them belong in it."""
FORGOTTEN: Final = "forgotten"
"""What the one line decides that stays of a forgotten person; in place of the phone it has `forgotten:` and a hash."""


def append(connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    """Add these lines, in order."""
    rows.insert(connection, f"INSERT INTO consents ({_COLUMNS})", [_line_of(said) for said in statements])


class LedgerQuery(Struct, frozen=True):
    """Which lines of the ledger, in which order."""

    after: int = 0
    """Go on beyond the line with this number; 0: from the first of that order."""
    count: int = 1_000
    phones: Sequence[str] | None = None
    """Only of these (E.164)."""
    decision: str | None = None
    is_newest_first: bool = False


class LedgerPage(Struct, frozen=True):
    """Some of them; fewer than asked for, even none, does not mean that there are no more."""

    lines: Sequence[Statement]
    next: int | None
    """Where to look on; None: that was all."""


def page(connection: sqlite3.Connection, query: LedgerQuery) -> LedgerPage:
    """One look, over a bounded number of lines."""
    order, beyond = ("DESC", "<") if query.is_newest_first else ("ASC", ">")
    where = ["true"] if not query.after else [f"id {beyond} :after"]
    if query.phones is not None:
        where.append("phone IN (SELECT value FROM json_each(:phones))")
    wanted = "true" if query.decision is None else "decision = :decision"
    looked_at = query.count if query.decision is None else LOOKED_AT_MAX
    arguments = {
        "after": query.after,
        "phones": msgspec.json.encode(query.phones).decode(),
        "decision": query.decision,
        "looked_at": looked_at,
        "count": query.count,
    }
    looked = f"FROM consents WHERE {' AND '.join(where)} ORDER BY id {order} LIMIT :looked_at"
    found = connection.execute(
        f"SELECT id, {_COLUMNS} FROM (SELECT * {looked}) WHERE {wanted} ORDER BY id {order} LIMIT :count", arguments
    ).fetchall()
    lines = [_statement_of(row) for row in found]
    if len(found) == query.count:
        return LedgerPage(lines, found[-1][0])
    last = f"SELECT id FROM (SELECT id {looked}) ORDER BY id {order} LIMIT 1 OFFSET :looked_at - 1"
    more = connection.execute(last, arguments).fetchone()
    return LedgerPage(lines, None if more is None else more[0])


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
