"""Mending a dead letter by hand: another body in the place of the one a sink refused, and off it goes again."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, structs

from groundswell.errors import NotFoundError, RequestError
from groundswell.members.member import counterpart_in, is_marker
from groundswell.record import UNREADABLE, Person, Record, Text, from_json, lane_of, to_json
from groundswell.store.dead_letters import Selection, does_not_read, retry

NAMED_MAX: Final = 20
"""Fields that a note names."""
DIGITS_MIN: Final = 7
"""Of a phone, to be known again by its end."""


class Edit(Struct, frozen=True):
    """What is to stand in a dead letter, and the present time (milliseconds since 1970)."""

    id: int
    record: Record
    at: int


class Edited(Struct, frozen=True):
    """A delivery that goes again, mended."""

    sink: str
    changed: list[str]
    """Which fields are not as they were, such as person.zip."""


def edit(connection: sqlite3.Connection, edits: Sequence[Edit]) -> list[Edited]:
    """Put each record in its letter's place and retry it. The log of deliveries keeps what was changed, not to what.

    Raises:
        NotFoundError: there is no such letter.
        RequestError: it is none that can be edited, or not to this.
    """
    return [_edit(connection, one) for one in edits]


def _edit(connection: sqlite3.Connection, asked: Edit) -> Edited:
    row = connection.execute(_LETTER, (asked.id,)).fetchone()
    if row is None:
        raise NotFoundError(f"there is no dead letter {asked.id}; `groundswell dead list` shows what there is")
    stage, sink, inbox_seq, body, attempts, created_at = row
    if stage != "deliver":
        raise RequestError(
            f"dead letter {asked.id} was never on its way to a sink, and what came stays as it came: mend the "
            "configuration and retry it, or drop it"
        )
    try:
        before = from_json(body)
    except UNREADABLE as exc:
        raise does_not_read(connection, asked.id, exc) from None
    _check(before, asked.record)
    _check_write(before, asked.record, sink)
    changed = list(_changed(msgspec.to_builtins(before), msgspec.to_builtins(asked.record), ""))
    connection.execute(
        "UPDATE dead_letters SET body = ?, lane = ? WHERE id = ?",
        (to_json(asked.record), lane_of(asked.record), asked.id),
    )
    connection.execute(
        "INSERT INTO deliveries (seq, sink, inbox_seq, outcome, note, attempts, created_at, settled_at) "
        "SELECT seq + 1, ?, ?, 'edited', ?, ?, ?, ? FROM newest_delivery",
        (sink, inbox_seq, _note(asked.id, changed), attempts, created_at, asked.at),
    )
    retry(connection, [(Selection(ids=[asked.id]), asked.at)])
    return Edited(sink, changed)


_LETTER: Final = "SELECT stage, component, inbox_seq, body, attempts, created_at FROM dead_letters WHERE id = ?"


def _check(before: Record, after: Record) -> None:
    """What the record is must stay, and nobody says yes for somebody else. Raises RequestError."""
    for name in ("id", "kind", "source"):
        if getattr(before, name) != getattr(after, name):
            raise RequestError(f"its {name} is not that of the dead letter; {name} has to stay as it is")
    if after.raw is not UNSET:
        raise RequestError('"raw" is never delivered; leave it out')
    old = before.person if isinstance(before.person, Person) else Person()
    new = after.person if isinstance(after.person, Person) else Person()
    for name in ("sms_opt_in", "email_opt_in"):
        if getattr(new, name) not in (getattr(old, name), False, None, UNSET):
            raise RequestError(f"person.{name} was not so, and only the person can say yes; leave it, or write false")
    if new.sms_opt_in not in (False, None, UNSET) and not _is_same_phone(old.phone, new.phone):
        raise RequestError(
            "a yes to texts is for the phone it was said for; with another person.phone, leave out person.sms_opt_in"
        )


def why_not_edited(record_id: str, sink: str) -> str | None:
    """What to do instead, where a letter says what a sync wants written about somebody who is there.

    What is under way is what the sync takes to stand there soon. Another value would come back as somebody's edit, and
    be written over again where the member's side may. Of somebody who is to be made it knows nothing yet but the phone.
    """
    counterpart = counterpart_in(record_id)
    if counterpart is None or is_marker(counterpart[1]):
        return None
    account, number = counterpart
    return (
        f"{sink} is to write what the members say of person {number} in {account}, and would write the same again over "
        "what is edited here. Correct the person where the value came from "
        f"(`groundswell person --account {account} --number {number} --explain` says where), or in {account} itself: "
        "the sync brings that by itself, and this letter can be dropped. Retry it as it is where what was in the way "
        "is gone"
    )


def _check_write(before: Record, after: Record, sink: str) -> None:
    """A sync finds whom it made by their phone, and their words come from the ledger. Raises RequestError."""
    why_not = why_not_edited(before.id, sink)
    if why_not is not None:
        raise RequestError(why_not)
    if counterpart_in(before.id) is not None and _without_values(before) != _without_values(after):
        raise RequestError(
            f"{sink} is to make somebody of a member: name, email, address and custom fields can be edited. "
            "Leave person.phone, person.ids and person.sms_opt_in, and all that is not in person, as they were"
        )


def _without_values(record: Record) -> Record:
    """Of the person only who they are, and what they said."""
    person = record.person if isinstance(record.person, Person) else Person()
    kept = Person(phone=person.phone, ids=person.ids, sms_opt_in=person.sms_opt_in, email_opt_in=person.email_opt_in)
    return structs.replace(record, person=kept)


def _is_same_phone(one: Text, other: Text) -> bool:
    """Whether they differ in no more than the code of the country, and how they are written."""
    if not isinstance(one, str) or not isinstance(other, str):
        return one == other
    digits = sorted(("".join(filter(str.isdecimal, phone)) for phone in (one, other)), key=len)
    return len(digits[0]) >= DIGITS_MIN and digits[1].endswith(digits[0])


def _changed(before: Any, after: Any, path: str) -> Iterator[str]:
    """The paths at which two values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            inner = f"{path}.{name}" if path else name
            yield from _changed(_part(before, after, name), _part(after, before, name), inner)
    elif before != after:
        yield path


def _part(of: dict[str, Any], other: dict[str, Any], name: str) -> Any:
    """What stands there; where the other has more under it and this has nothing, each of that is a change."""
    return of.get(name, {} if isinstance(other.get(name), dict) else UNSET)


def _note(number: int, changed: Sequence[str]) -> str:
    more = f" and {len(changed) - NAMED_MAX} more" if len(changed) > NAMED_MAX else ""
    what = ", ".join(name[:80] for name in changed[:NAMED_MAX]) or "nothing"
    return f"dead letter {number}, by hand: {what}{more}"
