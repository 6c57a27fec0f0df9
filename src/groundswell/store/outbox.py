"""The durable queue of deliveries, and the log of what became of them."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct, field

from groundswell.component import Delivery
from groundswell.members.book import Changes
from groundswell.store import brought, members, rows, sent
from groundswell.store.brought import AgainBatch, Outgoing
from groundswell.store.dead_letters import DeadLetter, bury

_INSERT: Final = (
    "INSERT INTO outbox (seq, sink, inbox_seq, record_id, kind, lane, created_at, attempts, next_attempt_at, body)"
)
_LOG: Final = "INSERT INTO deliveries (seq, sink, inbox_seq, outcome, note, attempts, created_at, settled_at)"
_COLUMNS: Final = "seq, sink, inbox_seq, record_id, kind, lane, created_at, attempts, next_attempt_at, body"
_SIZES_AFTER: Final = "SELECT seq, length(body) AS size FROM outbox WHERE sink = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"
_SIZES_AMONG: Final = "SELECT seq, length(body) AS size FROM outbox WHERE seq IN (SELECT value FROM json_each(?1))"
PENDING_AFTER: Final = (
    f"SELECT {_COLUMNS} FROM outbox WHERE sink = ?1 AND seq > ?2 "
    f"AND seq <= ({rows.last_within(_SIZES_AFTER, '?4')}) ORDER BY seq"
)
PENDING_AMONG: Final = (
    f"SELECT {_COLUMNS} FROM outbox WHERE seq IN (SELECT value FROM json_each(?1)) "
    f"AND seq <= ({rows.last_within(_SIZES_AMONG, '?2')}) ORDER BY seq"
)


class Pending(Struct, frozen=True):
    """A delivery in the outbox."""

    seq: int
    sink: str
    inbox_seq: int
    delivery: Delivery
    created_at: int
    next_attempt_at: int = 0


class Processed(Struct, frozen=True):
    """What processing made of some arrivals, and how far the processor has come with it."""

    at: int
    position: int | None
    """The newest inbox entry now processed; None when these were replays."""
    deliveries: Sequence[tuple[str, int, Delivery]] = ()
    """(sink, inbox_seq, delivery), in order."""
    dead: Sequence[DeadLetter] = ()
    replayed: Sequence[int] = ()
    again: AgainBatch | None = None
    """What a backfill brought that the inbox had; then this is what was made of it."""
    changes: Changes = field(default_factory=Changes)
    """Of the members."""


def process(connection: sqlite3.Connection, batches: Sequence[Processed]) -> list[list[Pending]]:
    """Write deliveries and dead letters and move the processor forward. Returns each batch's deliveries, numbered."""
    seq: int = connection.execute("SELECT seq FROM newest_delivery").fetchone()[0]
    results: list[list[Pending]] = []
    for batch in batches:
        numbered = []
        inserts = []
        outgoing = _outgoing(connection, batch)
        for sink, inbox_seq, made in outgoing.made:
            seq += 1
            numbered.append(Pending(seq, sink, inbox_seq, made, batch.at))
            inserts.append(
                (seq, sink, inbox_seq, made.record_id, made.kind, made.lane, batch.at, made.attempts, 0, made.body)
            )
        rows.insert(connection, _INSERT, inserts)
        if batch.again is None and outgoing.held:
            seq = _log_held(connection, outgoing, seq, batch.at)
        if batch.replayed:
            connection.execute(f"DELETE FROM replays WHERE seq IN ({_LIST})", (_numbers(batch.replayed),))
            _forget_earlier_tries(connection, _numbers(batch.replayed))
        if batch.again is not None:
            _forget_earlier_tries(connection, _numbers(batch.again.seqs))
        bury(connection, batch.dead)
        members.write(connection, batch.changes, batch.at)
        if batch.position is not None:
            connection.execute("UPDATE progress SET seq = ? WHERE name = 'processor'", (batch.position,))
        results.append(numbered)
    return results


def _outgoing(connection: sqlite3.Connection, batch: Processed) -> Outgoing:
    """What is to be delivered: what a sink has, and must not have twice, is held back."""
    if batch.again is not None:
        failed = {letter.inbox_seq for letter in batch.dead if letter.inbox_seq is not None}
        return brought.of_again(connection, batch.deliveries, batch.again, failed)
    if batch.position is not None:
        return brought.of_new(connection, batch.deliveries, batch.position)
    return brought.of_replays(connection, batch.deliveries, batch.replayed)


def _log_held(connection: sqlite3.Connection, outgoing: Outgoing, last: int, at: int) -> int:
    """A line in the log for each, so that whoever looks for the record finds why. Returns the last number."""
    lines = [
        (last + place, sink, inbox_seq, "skipped", why, 0, at, at)
        for place, (sink, inbox_seq, why) in enumerate(outgoing.held, 1)
    ]
    rows.insert(connection, _LOG, lines)
    return last + len(lines)


def _forget_earlier_tries(connection: sqlite3.Connection, inbox_seqs: str) -> None:
    """A dead letter of an arrival now processed again would, if it were retried too, deliver the record once more."""
    connection.execute(f"DELETE FROM replays WHERE is_retry AND seq IN ({_LIST})", (inbox_seqs,))
    connection.execute(f"DELETE FROM dead_letters WHERE stage = 'process' AND inbox_seq IN ({_LIST})", (inbox_seqs,))


class Settlement(Struct, frozen=True):
    """What became of some deliveries."""

    at: int
    delivered: Sequence[int] = ()
    skipped: Sequence[tuple[int, str]] = ()
    """(seq, why)."""
    coalesced: Sequence[int] = ()
    """Taken along by a later delivery of the same person."""
    retries: Sequence[tuple[int, int, int]] = ()
    """(seq, attempts made, when to try again)."""
    dead: Sequence[tuple[int, DeadLetter]] = field(default_factory=tuple)
    forgotten: Sequence[int] = ()
    """About somebody who is to be forgotten."""
    sent: Sequence[tuple[str, str]] = ()
    """(sink, record id) of money that the sink has now."""


_LIST: Final = "SELECT value FROM json_each(?)"


def settle(connection: sqlite3.Connection, settlements: Sequence[Settlement]) -> list[None]:
    """Write outcomes: what is settled moves from the outbox to the log, what is not gets its next time."""
    at = settlements[-1].at
    _log(connection, "delivered", [seq for s in settlements for seq in s.delivered], at)
    _log(connection, "coalesced", [seq for s in settlements for seq in s.coalesced], at)
    _log(connection, "forgotten", [seq for s in settlements for seq in s.forgotten], at)
    sent.note(connection, [one for s in settlements for one in s.sent])
    for settlement in settlements:
        for seq, note in settlement.skipped:
            _log(connection, "skipped", [seq], at, note)
        for seq, letter in settlement.dead:
            bury(connection, [letter])
            members.note_failed(connection, letter.record_id, letter.reason)
            _log(connection, "dead", [seq], at, letter.reason)
        for seq, attempts, next_attempt_at in settlement.retries:
            connection.execute(
                "UPDATE outbox SET attempts = ?, next_attempt_at = ? WHERE seq = ?", (attempts, next_attempt_at, seq)
            )
    return [None] * len(settlements)


def _log(connection: sqlite3.Connection, outcome: str, seqs: list[int], at: int, note: str | None = None) -> None:
    if not seqs:
        return
    listed = _numbers(seqs)
    connection.execute(
        "INSERT INTO deliveries (seq, sink, inbox_seq, outcome, note, attempts, created_at, settled_at) "
        "SELECT seq, sink, inbox_seq, ?, ?, attempts + (? = 'delivered'), created_at, ? "
        f"FROM outbox WHERE seq IN ({_LIST})",
        (outcome, note, outcome, at, listed),
    )
    connection.execute(f"DELETE FROM outbox WHERE seq IN ({_LIST})", (listed,))


def _numbers(seqs: Iterable[int]) -> str:
    return msgspec.json.encode(list(seqs)).decode()


def pending_of(row: tuple[int, str, int, str, str, str, int, int, int, bytes]) -> Pending:
    seq, sink, inbox_seq, record_id, kind, lane, created_at, attempts, next_attempt_at, body = row
    return Pending(seq, sink, inbox_seq, Delivery(record_id, kind, lane, body, attempts), created_at, next_attempt_at)
