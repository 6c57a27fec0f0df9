"""Who may only look: the connection SQL reports run on, with the functions of MySQL that people use most."""

import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from groundswell.connectors.actionkit.simulator.state.moments import kept, moment_at, parse_moment

_ALLOWED: Final = (
    sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE,
)  # fmt: skip
_CHECK_EVERY: Final = 100_000
_CHECKS_MAX: Final = 3_000
"""Steps of SQLite's machine, in hundred thousands: some seconds of work. Nobody's query stops the simulator."""
_ISO_LITERAL: Final = re.compile(r"'(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)Z?'")
_INTERVAL: Final = re.compile(
    r"(?i)\bdate_(add|sub)\s*\(((?:[^()]|\([^()]*\))*?),\s*interval\s+(\S+?)\s+(second|minute|hour|day|month|year)\s*\)"
)

_PLUS_INTERVAL: Final = re.compile(
    r"(?i)(\w+\([^()]*\)|:\w+|'[^']*'|[\w.]+)\s*([-+])\s*interval\s+(\S+?)\s+(second|minute|hour|day|month|year)\b"
)
_QUOTED: Final = re.compile(r"('(?:[^']|'')*')")
_KEYWORDS: Final = re.compile(r"(?i)\b(if|left|right)\s*\(")
"""Functions of MySQL whose names are words of the grammar in SQLite."""


class ReportError(Exception):
    """A query that cannot be run; the message says why."""


class Reader:
    """Runs SELECTs, and nothing else."""

    def __init__(self, path: str, now: Callable[[], float]) -> None:
        self._connection = sqlite3.connect(path, uri=True, isolation_level=None)
        self._now = now
        self._checks = 0
        for name, arguments, function in self._functions():
            self._connection.create_function(name, arguments, function)
        self._connection.execute("PRAGMA query_only = 1")
        self._connection.set_authorizer(_authorise)
        self._connection.set_progress_handler(self._check, _CHECK_EVERY)

    def close(self) -> None:
        self._connection.close()

    def run(self, sql: str, values: dict[str, Any], rows_max: int) -> tuple[list[str], list[list[Any]]]:
        """Column names and rows, so many at most.

        Raises:
            ReportError: it is no SELECT, or a wrong one, or it takes too long.
        """
        self._checks = 0
        try:
            cursor = self._connection.execute(_as_sqlite(sql), values)
            if cursor.description is None:
                raise ReportError("Only SELECT is allowed.")
            rows = cursor.fetchmany(rows_max)
            cursor.close()
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as exc:
            raise ReportError(str(exc)) from None
        return [column[0] for column in cursor.description or ()], [list(row) for row in rows]

    def _check(self) -> int:
        self._checks += 1
        return int(self._checks > _CHECKS_MAX)

    def _functions(self) -> list[tuple[str, int, Callable[..., Any]]]:
        def now() -> str:
            return kept(moment_at(self._now()))

        return [
            ("now", 0, now),
            ("utc_timestamp", 0, now),
            ("curdate", 0, lambda: now()[:10]),
            ("utc_date", 0, lambda: now()[:10]),
            ("concat", -1, _concat),
            ("concat_ws", -1, lambda by, *parts: str(by).join(str(part) for part in parts if part is not None)),
            ("my_if", 3, lambda condition, yes, no: yes if condition else no),
            ("my_left", 2, lambda text, size: None if text is None else str(text)[: int(size)]),
            ("my_right", 2, lambda text, size: None if text is None else str(text)[-int(size) :] if size else ""),
            ("unix_timestamp", 1, _to_unix),
            ("from_unixtime", 1, lambda seconds: None if seconds is None else kept(moment_at(float(seconds)))),
        ]


def bound(value: Any) -> Any:
    """A value of a call as SQLite takes it: an ISO time as the tables have it."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and len(value) > 10 and value[10:11] == "T":
        moment = parse_moment(value)
        return kept(moment, micros=moment.microsecond > 0) if moment else value
    return value


def _as_sqlite(sql: str) -> str:
    """Intervals, times and functions written the way MySQL takes them."""
    sql = _ISO_LITERAL.sub(r"'\1 \2'", sql)
    while (match := _INTERVAL.search(sql)) is not None:
        sign = "-" if match[1].lower() == "sub" else "+"
        sql = sql[: match.start()] + _shifted(match[2], sign, match[3], match[4]) + sql[match.end() :]
    sql = _PLUS_INTERVAL.sub(lambda match: _shifted(match[1], match[2], match[3], match[4]), sql)
    parts = _QUOTED.split(sql)
    parts[::2] = [_KEYWORDS.sub(r"my_\1(", part) for part in parts[::2]]
    return "".join(parts)


def _shifted(moment: str, sign: str, amount: str, unit: str) -> str:
    return f"datetime({moment}, '{sign}' || ({amount}) || ' {unit.lower()}s')"


def _authorise(action: int, first: str | None, *_: str | None) -> int:
    if action == sqlite3.SQLITE_READ and (first or "").startswith("simulator_"):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _concat(*parts: Any) -> str | None:
    return None if None in parts else "".join(str(part) for part in parts)


def _to_unix(text: Any) -> int | None:
    moment: datetime | None = parse_moment(str(text)) if text is not None else None
    return int(moment.replace(tzinfo=UTC).timestamp()) if moment else None
