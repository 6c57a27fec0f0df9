"""The state of a simulated ActionKit: SQLite in memory, under the table names its SQL reports use."""

import itertools
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, Final

Row = dict[str, Any]

ConstraintError = sqlite3.IntegrityError
"""What was to be written is missing, or there already, where it must not be."""
_NUMBERS: Final = itertools.count(1)
"""Names databases apart that live in one process."""


class Database:
    """One connection to change things, and `reader` for whoever may only look."""

    def __init__(self) -> None:
        self.path = f"file:/actionkit-{next(_NUMBERS)}?vfs=memdb"
        self._connection = sqlite3.connect(self.path, uri=True, isolation_level=None, cached_statements=512)
        self._connection.row_factory = _row
        self._afterwards: list[Callable[[], None]] = []
        self._connection.execute("PRAGMA journal_mode = MEMORY")
        self._connection.execute("PRAGMA cache_size = -65536")
        self._connection.executescript(files(__package__).joinpath("tables.sql").read_text())

    def close(self) -> None:
        self._connection.close()

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> Row | None:
        found: Row | None = self._connection.execute(sql, values).fetchone()
        return found

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row; None without one."""
        found = self.row(sql, *values)
        return next(iter(found.values())) if found else None

    def column(self, sql: str, *values: Any) -> list[Any]:
        return [next(iter(row.values())) for row in self._connection.execute(sql, values)]

    def run(self, sql: str, *values: Any) -> int:
        """How many rows it changed."""
        return self._connection.execute(sql, values).rowcount

    def get(self, table: str, id_: int | None) -> Row | None:
        return None if id_ is None else self.row(f"SELECT * FROM {table} WHERE id = ?", id_)

    def insert(self, table: str, **values: Any) -> int:
        """The id of the new row."""
        places = ", ".join("?" * len(values))
        done = self._connection.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", tuple(values.values())
        )
        return int(done.lastrowid or 0)

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        places = ", ".join("?" * len(columns))
        self._connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)

    def update(self, table: str, id_: int, **values: Any) -> None:
        if values:
            changes = ", ".join(f"{column} = ?" for column in values)
            self._connection.execute(f"UPDATE {table} SET {changes} WHERE id = ?", (*values.values(), id_))

    def delete(self, table: str, id_: int) -> bool:
        """Whether it was there."""
        return self.run(f"DELETE FROM {table} WHERE id = ?", id_) > 0

    @contextmanager
    def changing(self) -> Iterator[None]:
        """All of it, or, when it raises, nothing. Inside another one it is part of that."""
        if self._connection.in_transaction:
            with self._part():
                yield
            return
        self._connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            self._afterwards.clear()
            raise
        self._connection.execute("COMMIT")
        afterwards, self._afterwards = self._afterwards, []
        for call in afterwards:
            call()

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call it once what is being changed stands; never, if it is undone."""
        if self._connection.in_transaction:
            self._afterwards.append(call)
        else:
            call()

    @contextmanager
    def _part(self) -> Iterator[None]:
        self._connection.execute("SAVEPOINT part")
        waiting = len(self._afterwards)
        try:
            yield
        except BaseException:
            del self._afterwards[waiting:]
            self._connection.execute("ROLLBACK TO part")
            self._connection.execute("RELEASE part")
            raise
        self._connection.execute("RELEASE part")

    def index_disorder(self, seed: int) -> None:
        """Make the order rows come in when nobody asks for one: none that means anything, the same for a seed."""
        for table in self.column("SELECT name FROM sqlite_master WHERE type = 'table'"):
            if not table.endswith(("_tags", "_groups", "_users")) and table != "simulator_eventaction":
                self._connection.execute(f"CREATE INDEX {table}_disorder ON {table} ({disorder(seed)})")


def disorder(seed: int) -> str:
    """An SQL expression over `id`."""
    return f"((id * 7919 + {seed % 100_003}) % 100003)"


def _row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    return dict(zip([column[0] for column in cursor.description], values, strict=True))
