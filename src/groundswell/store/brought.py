"""What backfills brought, from the batch that brings it to its place in the outbox, and what is counted of it.

A backfill either sends to each sink what it has not been sent (unsent), or everything again (resend). What it brings
that is new to the inbox goes the ordinary way, with a mark. What the inbox had already is processed once more, as it
came this time and by the graph of the source that brought it, if a sink may lack it.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from groundswell.component import Arrival, Delivery
from groundswell.store import rows, sent
from groundswell.store.sent import MONEY, Held
from groundswell.store.stones import salt_of

FORGET_STEP_ROWS: Final = 1_000
_LIST: Final = "SELECT value FROM json_each(?)"
_INSERT: Final = "INSERT OR IGNORE INTO brought (seq, backfill, resends, source, is_of_young, raw)"
_HAS: Final = "(outcome IN ('delivered', 'coalesced') OR outcome = 'skipped' AND note LIKE 'already%')"
"""Lines of the log that say that the sink has it."""


class Bringing(Struct, frozen=True):
    """The backfill that brings a batch."""

    number: int
    resends: bool = False
    sinks: Sequence[str] = ()
    """Those that get the records of its source themselves."""


class Again(Struct, frozen=True):
    """An arrival to process once more, as a backfill brought it."""

    number: int
    seq: int
    """Of the inbox, which had it before."""
    source: str
    received_at: int
    arrival: Arrival
    is_of_young: bool
    """Whether a sink that is younger than the arrival wants it, whatever its kind."""


class AgainBatch(Struct, frozen=True):
    """Some of what one backfill brought."""

    backfill: int
    resends: bool
    entries: Sequence[Again]

    @property
    def seqs(self) -> list[int]:
        return [entry.seq for entry in self.entries]


class Counts(Struct):
    """What became of records a backfill brought. One that went to some sinks may lie in the dead letters of another."""

    sent: int = 0
    known: int = 0
    dead: int = 0


# ---- in the transaction that accepts ----


def take(
    connection: sqlite3.Connection,
    bringing: Bringing,
    source: str,
    fresh: Sequence[tuple[int, str]],
    again: Sequence[tuple[int, Arrival]],
) -> None:
    """Note what was brought: `fresh` is new to the inbox, as (number, id); `again` has the number it has there."""
    counts = Counts()
    if not bringing.resends:
        resending: Collection[str] = ()
        again = _lacking(connection, bringing.sinks, _kept(connection, again), counts)
    else:
        resending = _first_time(connection, bringing.number, [record_id for _, record_id in fresh])
        of_known = _first_time(connection, bringing.number, [arrival.id for _, arrival in again])
        again = _kept(connection, [(seq, arrival) for seq, arrival in again if arrival.id in of_known])
    young_to = max(sent.since(connection, bringing.sinks).values(), default=0)
    marks = [(seq, bringing.number, record_id in resending, source, False, None) for seq, record_id in fresh]
    more = [(seq, bringing.number, bringing.resends, source, seq <= young_to, arrival.raw) for seq, arrival in again]
    rows.insert(connection, _INSERT, marks + more)
    _count(connection, {bringing.number: counts})


def _first_time(connection: sqlite3.Connection, backfill: int, record_ids: Sequence[str]) -> set[str]:
    """Those which this backfill brings for the first time."""
    salt = salt_of(connection)
    return {
        record_id
        for record_id in dict.fromkeys(record_ids)
        if connection.execute(
            "INSERT OR IGNORE INTO resent (backfill, key) VALUES (?, ?)", (backfill, sent.key_of(record_id, salt))
        ).rowcount
    }


def _kept(connection: sqlite3.Connection, again: Sequence[tuple[int, Arrival]]) -> list[tuple[int, Arrival]]:
    """Without what is about somebody who was forgotten: of that the inbox has the number and the id alone."""
    found = connection.execute(
        f"SELECT seq FROM inbox WHERE length(raw) > 0 AND seq IN ({_LIST})", (_json(seq for seq, _ in again),)
    )
    kept = {seq for (seq,) in found}
    return [(seq, arrival) for seq, arrival in again if seq in kept]


def _lacking(
    connection: sqlite3.Connection, sinks: Sequence[str], again: Sequence[tuple[int, Arrival]], counts: Counts
) -> list[tuple[int, Arrival]]:
    """Without what every sink is known to have, and what could not be processed, which waits for a person."""
    listed = _json(seq for seq, _ in again)
    dead = {
        seq
        for (seq,) in connection.execute(
            f"SELECT inbox_seq FROM dead_letters WHERE stage = 'process' AND inbox_seq IN ({_LIST})", (listed,)
        )
    }
    in_log = _sinks_by_log(connection, listed)
    in_ledger = sent.sinks_with(connection, [arrival.id for _, arrival in again])
    lacking = []
    for seq, arrival in again:
        if seq in dead:
            counts.dead += 1
        elif in_log.get(seq, set()) | in_ledger.get(arrival.id, set()) >= set(sinks):
            counts.known += 1
        else:
            lacking.append((seq, arrival))
    return lacking


def _sinks_by_log(connection: sqlite3.Connection, seqs: str) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for seq, sink in connection.execute(
        f"SELECT inbox_seq, sink FROM deliveries WHERE {_HAS} AND inbox_seq IN ({_LIST})", (seqs,)
    ):
        found.setdefault(seq, set()).add(sink)
    return found


# ---- in the transaction that processes ----

Addressed = tuple[str, int, Delivery]
"""(sink, number in the inbox, delivery)."""


class Outgoing(Struct):
    """What of a batch's deliveries is made, and what is held back."""

    made: Sequence[Addressed] = ()
    held: Sequence[tuple[str, int, Held]] = ()
    """(sink, number in the inbox, why)."""


def of_new(connection: sqlite3.Connection, deliveries: Sequence[Addressed], position: int) -> Outgoing:
    """Of arrivals up to this one, processed for the first time."""
    marks = connection.execute(
        "SELECT id, seq, backfill, resends FROM brought WHERE raw IS NULL AND seq <= ?", (position,)
    ).fetchall()
    resending = {seq for _, seq, _, resends in marks if resends}
    outgoing = _checked(connection, deliveries, lambda seq: seq not in resending)
    if marks:
        counts: dict[int, Counts] = {}
        made, held = _by_seq(outgoing)
        for _, seq, backfill, _ in marks:
            if made[seq] or held[seq]:
                _enter(counts.setdefault(backfill, Counts()), made[seq], held[seq])
        _count(connection, counts)
        _drop(connection, [number for number, *_ in marks])
    return outgoing


def of_replays(connection: sqlite3.Connection, deliveries: Sequence[Addressed], seqs: Sequence[int]) -> Outgoing:
    """A replay delivers whatever the sinks have, but for what comes from the dead letters."""
    found = connection.execute(f"SELECT seq FROM replays WHERE is_retry AND seq IN ({_LIST})", (_json(seqs),))
    retries = {seq for (seq,) in found}
    return _checked(connection, deliveries, lambda seq: seq in retries) if retries else Outgoing(deliveries)


def of_again(
    connection: sqlite3.Connection, deliveries: Sequence[Addressed], again: AgainBatch, failed: Collection[int]
) -> Outgoing:
    """Of what the inbox had already when a backfill brought it. `failed` are those that became dead letters now."""
    outgoing = Outgoing(deliveries) if again.resends else _unsent(connection, deliveries, again)
    counts = Counts()
    made, held = _by_seq(outgoing)
    for seq in again.seqs:
        if seq not in failed:
            _enter(counts, made[seq], held[seq])
    _count(connection, {again.backfill: counts})
    _drop(connection, [entry.number for entry in again.entries])
    return outgoing


def _unsent(connection: sqlite3.Connection, deliveries: Sequence[Addressed], again: AgainBatch) -> Outgoing:
    """What sinks lack: of money whatever is nowhere on its way; of all else what came before the sink was there."""
    listed = _json(again.seqs)
    in_log = _sinks_by_log(connection, listed)
    checked = _checked(connection, deliveries, lambda _: True)
    sinks = {sink for sink, _, _ in deliveries}
    since = sent.since(connection, sinks)
    near = _near(connection, sinks, listed) if any(one.kind not in MONEY for _, _, one in checked.made) else set()
    made: list[Addressed] = []
    held = list(checked.held)
    for sink, seq, delivery in checked.made:
        lacks = sink not in in_log.get(seq, ())
        if delivery.kind not in MONEY:
            lacks = lacks and seq <= since.get(sink, 0) and (sink, seq) not in near
        if lacks:
            made.append((sink, seq, delivery))
        else:
            held.append((sink, seq, "already_sent"))
    return Outgoing(made, held)


def _near(connection: sqlite3.Connection, sinks: Iterable[str], seqs: str) -> set[tuple[str, int]]:
    """Which of these wait for which of these sinks, lie in its dead letters, or were settled in any way."""
    names = _json(sinks)
    return {
        *connection.execute(
            f"SELECT sink, inbox_seq FROM outbox WHERE sink IN ({_LIST}) AND inbox_seq IN ({_LIST})", (names, seqs)
        ),
        *connection.execute(
            f"SELECT component, inbox_seq FROM dead_letters WHERE stage = 'deliver' AND inbox_seq IN ({_LIST})", (seqs,)
        ),
        *connection.execute(f"SELECT sink, inbox_seq FROM deliveries WHERE inbox_seq IN ({_LIST})", (seqs,)),
    }


def _checked(
    connection: sqlite3.Connection, deliveries: Sequence[Addressed], is_checked: Callable[[int], bool]
) -> Outgoing:
    """Without the money that a sink has, or that is on its way there."""
    money = [(sink, one.record_id) for sink, seq, one in deliveries if one.kind in MONEY and is_checked(seq)]
    why = sent.held_back(connection, money)
    if not why:
        return Outgoing(deliveries)
    outgoing: tuple[list[Addressed], list[tuple[str, int, Held]]] = ([], [])
    for sink, seq, one in deliveries:
        held = why.get((sink, one.record_id)) if one.kind in MONEY and is_checked(seq) else None
        if held is None:
            outgoing[0].append((sink, seq, one))
        else:
            outgoing[1].append((sink, seq, held))
    return Outgoing(*outgoing)


def _by_seq(outgoing: Outgoing) -> tuple[Counter[int], dict[int, list[Held]]]:
    held: dict[int, list[Held]] = defaultdict(list)
    for _, seq, why in outgoing.held:
        held[seq].append(why)
    return Counter(seq for _, seq, _ in outgoing.made), held


def _enter(counts: Counts, made: int, held: Sequence[Held]) -> None:
    is_dead = "in_dead_letters" in held
    counts.dead += is_dead
    counts.sent += made > 0
    counts.known += not made and not is_dead


def _count(connection: sqlite3.Connection, counts: Mapping[int, Counts]) -> None:
    connection.executemany(
        "UPDATE backfills SET sent = sent + ?, known = known + ?, dead = dead + ? WHERE id = ?",
        [(one.sent, one.known, one.dead, backfill) for backfill, one in counts.items()],
    )


def _drop(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    connection.execute(f"DELETE FROM brought WHERE id IN ({_LIST})", (_json(numbers),))


# ---- looking, and cleaning up ----

_IS_DUE: Final = "raw IS NOT NULL AND seq <= (SELECT seq FROM progress WHERE name = 'processor')"
_NEXT: Final = (
    f"SELECT id, length(raw) AS size FROM brought WHERE {_IS_DUE} "
    f"AND backfill = (SELECT backfill FROM brought WHERE {_IS_DUE} ORDER BY id LIMIT 1) ORDER BY id LIMIT ?1"
)
AGAIN: Final = (
    "SELECT backfill, resends, brought.id, brought.seq, brought.source, received_at, is_of_young, inbox.id, "
    "brought.raw FROM brought JOIN inbox USING (seq) "
    "WHERE brought.id IN (SELECT id FROM (SELECT id, sum(size) OVER (ORDER BY id) - size AS before "
    f"FROM ({_NEXT})) WHERE before < ?2) ORDER BY brought.id"
)
WAITING: Final = "SELECT count(*) FROM brought WHERE raw IS NOT NULL"
OF_BACKFILL: Final = "SELECT count(*) FROM brought WHERE backfill = ?"


def again_of(found: Sequence[tuple[Any, ...]]) -> AgainBatch | None:
    """The next to process once more: rows of AGAIN (count, bytes)."""
    if not found:
        return None
    entries = [
        Again(number, seq, source, at, Arrival(record_id, raw), bool(is_of_young))
        for _, _, number, seq, source, at, is_of_young, record_id, raw in found
    ]
    backfill, resends, *_ = found[0]
    return AgainBatch(backfill, bool(resends), entries)


def forget_resent(connection: sqlite3.Connection, steps: Sequence[None]) -> list[bool]:
    """Forget some of what backfills that ended have resent. Whether there may be more."""
    return [
        connection.execute(
            "DELETE FROM resent WHERE (backfill, key) IN (SELECT backfill, key FROM resent WHERE backfill NOT IN "
            "(SELECT id FROM backfills WHERE state = 'running') LIMIT ?)",
            (FORGET_STEP_ROWS,),
        ).rowcount
        == FORGET_STEP_ROWS
        for _ in steps
    ]


def _json(values: Iterable[int] | Iterable[str]) -> str:
    return msgspec.json.encode(list(values)).decode()
