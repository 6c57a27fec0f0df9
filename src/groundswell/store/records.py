"""The newest records, and how far each has come."""

import sqlite3
from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

from groundswell.store import inbox

RecordState = Literal["waiting", "dead", "dropped", "delivered", "nowhere"]
"""waiting: to be processed, or for a sink. dead: a dead letter of it is there. dropped: an operator dropped that.
delivered: settled at each of its sinks. nowhere: processed, and no sink was to get it."""
LOOKED_AT_MAX: Final = 1_000
"""Arrivals that are looked at in one look, which takes some milliseconds."""
ROWS_PER_READ: Final = 500


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
    looked_at: int = 0
    """Arrivals that were held against the query."""
    times: tuple[int, int] | None = None
    """When the oldest and the newest of them were accepted; None: none of them is kept."""


def page(connection: sqlite3.Connection, query: RecordQuery) -> RecordPage:
    """One look."""
    position: int = connection.execute("SELECT seq FROM progress WHERE name = 'processor'").fetchone()[0]
    numbers = _numbers(connection, query, position)
    rows: list[RecordRow] = []
    looked_at = 0
    while looked_at < min(len(numbers), LOOKED_AT_MAX) and len(rows) < query.limit:
        count = min(ROWS_PER_READ if looked_at else query.limit, LOOKED_AT_MAX - looked_at)
        part = numbers[looked_at : looked_at + count]
        found = _rows(connection, query, part, position)[: query.limit - len(rows)]
        rows += found
        looked_at += len(part) if len(rows) < query.limit else part.index(found[-1].number) + 1
    if not looked_at:
        return RecordPage(rows, None)
    last = numbers[looked_at - 1]
    oldest, newest = connection.execute(_TIMES, (numbers[0], last)).fetchone()
    times = None if oldest is None else (oldest, newest)
    return RecordPage(rows, last if looked_at < len(numbers) else None, looked_at, times)


def _numbers(connection: sqlite3.Connection, query: RecordQuery, position: int) -> list[int]:
    """Arrivals that may be meant, newest first. What waits or is dead is found without a look at all the rest."""
    statement = _OF_STATE.get(query.state or "", _NEWEST)
    arguments = {"before": query.before, "sink": query.sink, "position": position, "count": LOOKED_AT_MAX + 1}
    return [number for (number,) in connection.execute(statement, arguments)]


def _rows(connection: sqlite3.Connection, query: RecordQuery, numbers: Sequence[int], position: int) -> list[RecordRow]:
    """Those of these arrivals that are asked for, newest first. `position`: how far the processor is."""
    which = {"source": query.source, "sink": query.sink, "seqs": msgspec.json.encode(numbers).decode()}
    arrivals = connection.execute(_ARRIVALS, which).fetchall()
    which["seqs"] = msgspec.json.encode([arrival[0] for arrival in arrivals]).decode()
    dead = dict(connection.execute(_DEAD, which).fetchall())
    waiting = dict(connection.execute(_WAITING, which).fetchall())
    replayed = {number for (number,) in connection.execute(_REPLAYED, which)}
    outcomes: dict[int, dict[str, str]] = {}
    for number, sink, outcome in connection.execute(_SETTLED, which):
        outcomes.setdefault(number, {})[sink] = outcome  # the last of each sink counts
    rows = []
    for number, record_id, source, received_at in arrivals:
        is_to_be_processed = query.sink is None and (number > position or number in replayed)
        became = outcomes.get(number, {}).values()
        state: RecordState
        if number in dead:
            state = "dead"
        elif number in waiting or is_to_be_processed:
            state = "waiting"
        elif became:
            state = "dropped" if "dead" in became else "delivered"
        elif query.sink is None:
            state = "nowhere"
        else:
            continue
        if query.state in (None, state):
            kind = dead.get(number) or waiting.get(number)
            rows.append(RecordRow(number, record_id, source, received_at, kind, state))
    return rows


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
_LIST: Final = "(SELECT value FROM json_each(:seqs))"
_ARRIVALS: Final = (
    f"SELECT seq, id, source, received_at FROM inbox WHERE seq IN {_LIST} AND {inbox.IS_KEPT} "
    "AND (:source IS NULL OR source = :source) ORDER BY seq DESC"
)
_DEAD: Final = f"SELECT inbox_seq, kind FROM dead_letters WHERE inbox_seq IN {_LIST} AND {_OF_SINK.format('component')}"
_WAITING: Final = f"SELECT inbox_seq, kind FROM outbox WHERE inbox_seq IN {_LIST} AND {_OF_SINK.format('sink')}"
_SETTLED: Final = (
    "SELECT inbox_seq, sink, outcome FROM deliveries "
    f"WHERE inbox_seq IN {_LIST} AND {_OF_SINK.format('sink')} ORDER BY seq"
)
_REPLAYED: Final = f"SELECT seq FROM replays WHERE seq IN {_LIST}"
_TIMES: Final = "SELECT min(received_at), max(received_at) FROM inbox WHERE seq IN (?, ?)"
