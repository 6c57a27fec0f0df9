"""The newest records, and how far each has come."""

import sqlite3
from typing import Final, Literal

from msgspec import Struct

from groundswell.store import inbox

RecordState = Literal["waiting", "dead", "dropped", "delivered", "nowhere"]
"""waiting: to be processed, or for a sink. dead: a dead letter of it is there. dropped: an operator dropped that.
delivered: settled at each of its sinks. nowhere: processed, and no sink was to get it."""
LOOKED_AT_MAX: Final = 2_000
"""Arrivals that are looked at for one page when not all of them belong on it."""


class RecordQuery(Struct, frozen=True):
    """Which records."""

    source: str | None = None
    sink: str | None = None
    """Only those that went there; then `state` is what became of them there."""
    state: RecordState | None = None
    before: int = 2**62
    """Arrivals with numbers below this."""
    limit: int = 50


class RecordRow(Struct, frozen=True):
    """One record in a list. Times in milliseconds since 1970."""

    number: int
    record_id: str
    source: str
    received_at: int
    kind: str | None
    """None: nothing is kept that says it."""
    state: RecordState


class RecordPage(Struct, frozen=True):
    """Some records, newest first; fewer than asked for, even none, does not mean that there are no more."""

    rows: list[RecordRow]
    next_before: int | None
    """Where to look on; None: that was all."""


def page(connection: sqlite3.Connection, query: RecordQuery) -> RecordPage:
    """One look."""
    position: int = connection.execute("SELECT seq FROM progress WHERE name = 'processor'").fetchone()[0]
    rows: list[RecordRow] = []
    numbers = _numbers(connection, query, position)
    for looked_at, number in enumerate(numbers):
        if len(rows) == query.limit or looked_at == LOOKED_AT_MAX:
            return RecordPage(rows, numbers[looked_at - 1])
        row = _row(connection, query, number, is_processed=number <= position)
        if row is not None:
            rows.append(row)
    return RecordPage(rows, None)


def _numbers(connection: sqlite3.Connection, query: RecordQuery, position: int) -> list[int]:
    """Arrivals that may be meant, newest first. What waits or is dead is found without a look at all the rest."""
    statement = _OF_STATE.get(query.state or "", _NEWEST)
    arguments = {"before": query.before, "sink": query.sink, "position": position, "count": LOOKED_AT_MAX + 1}
    return [number for (number,) in connection.execute(statement, arguments)]


def _row(connection: sqlite3.Connection, query: RecordQuery, number: int, *, is_processed: bool) -> RecordRow | None:
    """The record of this arrival, if it is one that is asked for."""
    found = connection.execute(_ARRIVAL, (number,)).fetchone()
    if found is None or query.source not in (None, found[1]):
        return None
    which = {"seq": number, "sink": query.sink}
    dead = connection.execute(_DEAD, which).fetchone()
    waiting = connection.execute(_WAITING, which).fetchone()
    outcomes = dict(connection.execute(_SETTLED, which).fetchall())
    is_to_be_processed = query.sink is None and (not is_processed or connection.execute(_REPLAY, which).fetchone())
    state: RecordState
    if dead is not None:
        state = "dead"
    elif waiting is not None or is_to_be_processed:
        state = "waiting"
    elif "dead" in outcomes.values():
        state = "dropped"
    elif outcomes:
        state = "delivered"
    elif query.sink is None:
        state = "nowhere"
    else:
        return None
    if query.state not in (None, state):
        return None
    kind = (dead or waiting or (None,))[0]
    return RecordRow(number, found[0], found[1], found[2], kind, state)


_NEWEST: Final = "SELECT seq FROM inbox WHERE seq < :before ORDER BY seq DESC LIMIT :count"
_OF_SINK: Final = "(:sink IS NULL OR {} = :sink)"
_OF_STATE: Final[dict[str, str]] = {
    "dead": (
        f"SELECT DISTINCT inbox_seq FROM dead_letters WHERE inbox_seq < :before AND {_OF_SINK.format('component')} "
        "ORDER BY inbox_seq DESC LIMIT :count"
    ),
    "waiting": (
        "SELECT * FROM (SELECT seq FROM inbox WHERE seq < :before AND seq > :position ORDER BY seq DESC LIMIT :count) "
        "UNION SELECT * FROM (SELECT seq FROM replays WHERE seq < :before ORDER BY seq DESC LIMIT :count) "
        "UNION SELECT * FROM (SELECT DISTINCT inbox_seq FROM outbox INDEXED BY outbox_of_arrival "
        f"WHERE inbox_seq < :before AND {_OF_SINK.format('sink')} ORDER BY inbox_seq DESC LIMIT :count) "
        "ORDER BY 1 DESC LIMIT :count"
    ),
}
_ARRIVAL: Final = f"SELECT id, source, received_at FROM inbox WHERE seq = ? AND {inbox.IS_KEPT}"
_DEAD: Final = f"SELECT kind FROM dead_letters WHERE inbox_seq = :seq AND {_OF_SINK.format('component')} LIMIT 1"
_WAITING: Final = f"SELECT kind FROM outbox WHERE inbox_seq = :seq AND {_OF_SINK.format('sink')} LIMIT 1"
_SETTLED: Final = (
    f"SELECT sink, outcome FROM deliveries WHERE inbox_seq = :seq AND {_OF_SINK.format('sink')} ORDER BY seq"
)
"""The last of each sink counts."""
_REPLAY: Final = "SELECT 1 FROM replays WHERE seq = :seq"
