"""What cannot succeed as it is, kept whole with the reason until a person retries or drops it."""

import sqlite3
from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct, structs

from groundswell.errors import NotFoundError, RequestError
from groundswell.members.book import Changes
from groundswell.members.member import CREATING, WRITES, Link, counterpart_in, is_marker
from groundswell.record import UNREADABLE, Person, fault_in, from_json, to_json
from groundswell.store import listing, members

Stage = Literal["accept", "process", "deliver"]

UNREADABLE_KEPT_MAX: Final = 1_000
"""Bodies nobody could read were refused, so the sender still has them: of each source the newest so many are kept."""


class DeadLetter(Struct, frozen=True):
    """A dead letter, before it has a number. `message` holds no personal data; the bodies may."""

    stage: Stage
    component: str
    reason: str
    message: str
    record_id: str
    created_at: int
    inbox_seq: int | None = None
    kind: str | None = None
    lane: str | None = None
    body: bytes | None = None
    attempts: int = 0


_SAME: Final = "DELETE FROM dead_letters WHERE inbox_seq = ? AND component = ? AND record_id = ? AND stage = 'deliver'"


def bury(connection: sqlite3.Connection, letters: Sequence[DeadLetter]) -> list[None]:
    """Keep these. What is refused again, after a resend or a replay, takes the place of its letter of before."""
    for letter in letters:
        if letter.stage == "accept":
            _make_room(connection, letter)
        if letter.stage == "deliver" and letter.inbox_seq is not None:
            connection.execute(_SAME, (letter.inbox_seq, letter.component, letter.record_id))
        connection.execute(
            "INSERT INTO dead_letters (stage, component, reason, message, inbox_seq, record_id, kind, lane, body, "
            "attempts, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                letter.stage,
                letter.component,
                letter.reason,
                letter.message,
                letter.inbox_seq,
                letter.record_id,
                letter.kind,
                letter.lane,
                letter.body,
                letter.attempts,
                letter.created_at,
            ),
        )
    return [None] * len(letters)


def _make_room(connection: sqlite3.Connection, letter: DeadLetter) -> None:
    """The same body again replaces the earlier one; beyond the bound the oldest goes."""
    connection.execute(
        "DELETE FROM dead_letters WHERE stage = 'accept' AND component = ? AND record_id = ?",
        (letter.component, letter.record_id),
    )
    connection.execute(
        "DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE stage = 'accept' AND component = ? "
        "ORDER BY id DESC LIMIT -1 OFFSET ?)",
        (letter.component, UNREADABLE_KEPT_MAX - 1),
    )


class Selection(Struct, frozen=True):
    """Which dead letters: by number, or by component and reason, or all; and only up to some number."""

    ids: list[int] | None = None
    component: str | None = None
    reason: str | None = None
    up_to: int | None = None


_SELECTED: Final = (
    "SELECT id FROM dead_letters WHERE (?1 IS NULL OR id IN (SELECT value FROM json_each(?1))) "
    "AND (?2 IS NULL OR component = ?2) AND (?3 IS NULL OR reason = ?3) AND (?4 IS NULL OR id <= ?4)"
)


def selected(selection: Selection) -> tuple[str | int | None, ...]:
    """The four arguments of the selecting statement."""
    ids = None if selection.ids is None else msgspec.json.encode(selection.ids).decode()
    return ids, selection.component, selection.reason, selection.up_to


def drop(connection: sqlite3.Connection, selections: Sequence[Selection]) -> list[int]:
    """Forget these for good. Returns how many."""
    dropped = []
    for selection in selections:
        _expect_all(connection, selection)
        done = connection.execute(f"DELETE FROM dead_letters WHERE id IN ({_SELECTED})", selected(selection))
        dropped.append(done.rowcount)
    return dropped


class Retried(Struct, frozen=True):
    """What a retry set going again."""

    process: int
    deliver: dict[str, int]
    """Deliveries by sink."""


def retry(connection: sqlite3.Connection, selections: Sequence[tuple[Selection, int]]) -> list[Retried]:
    """Try these again, as if new: through the whole pipeline (process) or at their sink only (deliver).

    Each selection comes with the present time. Bodies nobody could read cannot be tried again as they are.
    """
    return [_retry(connection, selection, at) for selection, at in selections]


def _retry(connection: sqlite3.Connection, selection: Selection, at: int) -> Retried:
    _expect_all(connection, selection)
    arguments = selected(selection)
    came_so = connection.execute(
        f"SELECT count(*) FROM dead_letters WHERE stage = 'accept' AND id IN ({_SELECTED})",
        arguments,
    ).fetchone()[0]
    if came_so and selection.ids is not None:
        raise RequestError(
            f"{came_so} of these dead letters hold a body that could not be read when it came; the sender was told "
            "so (400). They cannot be retried as they are: look with `groundswell dead show`, then drop them"
        )
    unreadable = _take_back_opt_ins(connection, arguments)
    if unreadable and selection.ids is not None:
        raise does_not_read(connection, *unreadable[0])
    processed = connection.execute(
        "INSERT OR IGNORE INTO replays (seq, is_retry) SELECT inbox_seq, 1 FROM dead_letters "
        f"WHERE stage = 'process' AND id IN ({_SELECTED})",
        arguments,
    ).rowcount
    going = (*arguments, msgspec.json.encode([number for number, _ in unreadable]).decode())
    _await_writes(connection, going, at)
    delivered = dict(
        connection.execute(
            f"SELECT component, count(*) FROM dead_letters WHERE {_GOING} GROUP BY component", going
        ).fetchall()
    )
    connection.execute(
        "INSERT INTO outbox (seq, sink, inbox_seq, record_id, kind, lane, created_at, attempts, next_attempt_at, body) "
        "SELECT (SELECT seq FROM newest_delivery) + row_number() OVER (ORDER BY id), "
        f"component, inbox_seq, record_id, kind, lane, {at:d}, 0, 0, body FROM dead_letters WHERE {_GOING}",
        going,
    )
    connection.execute(f"DELETE FROM dead_letters WHERE stage = 'process' AND id IN ({_SELECTED})", arguments)
    connection.execute(f"DELETE FROM dead_letters WHERE {_GOING}", going)
    return Retried(processed, delivered)


_GOING: Final = f"stage = 'deliver' AND id IN ({_SELECTED}) AND id NOT IN (SELECT value FROM json_each(?5))"


def _take_back_opt_ins(
    connection: sqlite3.Connection, arguments: tuple[str | int | None, ...]
) -> list[tuple[int, Exception]]:
    """Who has said no to texts since their yes became a dead letter is not told of as if they had not.

    Returns:
        (number, why) of those that do not read as records: nobody can tell what they say, so they stay.
    """
    unreadable: list[tuple[int, Exception]] = []
    taken_back: list[tuple[bytes, int]] = []
    for number, body in connection.execute(
        f"SELECT id, body FROM dead_letters WHERE stage = 'deliver' AND id IN ({_SELECTED})", arguments
    ):
        try:
            record = from_json(body)
        except UNREADABLE as exc:
            unreadable.append((number, exc))
            continue
        person = record.person
        if isinstance(person, Person) and person.sms_opt_in is True and members.consent_of(connection, person) == "no":
            kept = structs.replace(record, person=structs.replace(person, sms_opt_in=False))
            taken_back.append((to_json(kept), number))
    connection.executemany("UPDATE dead_letters SET body = ? WHERE id = ?", taken_back)
    return unreadable


def _await_writes(connection: sqlite3.Connection, going: tuple[str | int | None, ...], at: int) -> None:
    """What syncs want written is under way again: the links say so, not any more that it failed."""
    links: dict[tuple[str, str], Link | None] = {}
    for (record_id,) in connection.execute(
        f"SELECT record_id FROM dead_letters WHERE {_GOING} AND record_id GLOB '{WRITES}*'", going
    ):
        counterpart = counterpart_in(record_id)
        link = None if counterpart is None else listing.link(connection, *counterpart)
        if link is not None and link.state == "error":
            reason = CREATING if is_marker(link.remote_id) else ""
            links[link.account, link.remote_id] = structs.replace(link, state="pending", reason=reason)
    members.write(connection, Changes(links=links), at)


def does_not_read(connection: sqlite3.Connection, number: int, why: Exception) -> RequestError:
    """What to say of a dead letter of a delivery whose body is no record (any more)."""
    arrival = connection.execute(
        "SELECT source, inbox.id FROM dead_letters JOIN inbox ON inbox.seq = inbox_seq WHERE dead_letters.id = ?",
        (number,),
    ).fetchone()
    anew = (
        "what it was made of is not kept any more, so drop it"
        if arrival is None
        else f"have its record made anew (`groundswell replay {arrival[0]} --id {arrival[1]}`), then drop it"
    )
    return RequestError(
        f"what dead letter {number} holds does not read as a record: {fault_in(why)}. Another version of groundswell "
        f"wrote it, or the state file was changed. It can be neither edited nor retried; {anew}"
    )


def _expect_all(connection: sqlite3.Connection, selection: Selection) -> None:
    for number in selection.ids or ():
        if connection.execute("SELECT 1 FROM dead_letters WHERE id = ?", (number,)).fetchone() is None:
            raise NotFoundError(f"there is no dead letter {number}; `groundswell dead list` shows what there is")
