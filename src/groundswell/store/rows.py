"""Many rows as few statements: SQLite then works through them without the interpreter's lock."""

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


def last_within(sizes: str, size: str) -> str:
    """The `seq` of the row with which the rows of `sizes` (seq, size) reach `size` bytes; of the last, if they do not.

    A row's length is in its first page, so what is too large is not read to find that out.
    """
    return (
        f"SELECT max(seq) FROM (SELECT seq, sum(size) OVER (ORDER BY seq) - size AS before FROM ({sizes})) "
        f"WHERE before < {size}"
    )


@cache
def _statement(into: str, columns: int, rows: int) -> str:
    row = "(" + ",".join("?" * columns) + ")"
    return f"{into} VALUES {','.join([row] * rows)}"
