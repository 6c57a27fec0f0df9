"""Inserting many rows as few statements: SQLite then works through them without the interpreter's lock."""

import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

ROWS_PER_STATEMENT_MAX: Final = 128


def insert(connection: sqlite3.Connection, into: str, rows: Sequence[tuple[Any, ...]]) -> int:
    """Insert `rows`; `into` is the statement up to VALUES. Returns how many were really inserted.

    Statements come in sizes of powers of two, so that the connection's statement cache holds every one of them.
    """
    before = connection.total_changes
    start, count = 0, len(rows)
    while start < count:
        size = min(ROWS_PER_STATEMENT_MAX, 1 << ((count - start).bit_length() - 1))
        values: list[Any] = []
        for row in rows[start : start + size]:
            values += row
        connection.execute(_statement(into, len(rows[start]), size), values)
        start += size
    return connection.total_changes - before


@cache
def _statement(into: str, columns: int, rows: int) -> str:
    row = "(" + ",".join("?" * columns) + ")"
    return f"{into} VALUES {','.join([row] * rows)}"
