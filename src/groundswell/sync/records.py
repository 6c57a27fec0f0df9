"""The records a sync makes: a member as they are now, who joined or left a group, and what is to be written where."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec

from groundswell.connectors.common.canonical import CUSTOM
from groundswell.connectors.common.wishes import CREATE, EXPECTED, FORMER
from groundswell.members.linked import Edit
from groundswell.members.member import MEMBER, Link, Member, marker_of, write_id
from groundswell.members.opt_in import OPT_IN, WORDS
from groundswell.record import Action, Group, Person, Record, utc_stamp

OWN: Final = "groundswell:"
UPDATE: Final = "update"


def person_of(values: Mapping[str, str | None], **others: Any) -> Person:
    """Canonical values as a person; custom ones by their names."""
    core: dict[str, Any] = {name: v for name, v in values.items() if not name.startswith(CUSTOM) and name != OPT_IN}
    custom = {name.removeprefix(CUSTOM): value for name, value in values.items() if name.startswith(CUSTOM)}
    return Person(**core, custom=custom, **others)


def member_record(member: Member, links: Mapping[str, str], source: str) -> Record:
    """A member as they are now: for whoever takes from the sync. One id for each state."""
    values = {name: known.value for name, known in member.fields.items()}
    opt_in: dict[str, Any] = {} if member.consent == "unknown" else {"sms_opt_in": member.consent == "yes"}
    person = person_of(values, phone=member.phone, ids={**links, MEMBER: str(member.id)}, **opt_in)
    at = _stamp(member.changed_at)
    return Record(
        id=f"{OWN}member/{member.id}@{at}.{_hash_of(person)}",
        kind="person",
        source=source,
        occurred_at=at,
        person=person,
    )


def group_record(member: Member, group: str, *, is_in: bool, source: str, because: str, at: float) -> Record:
    """Somebody joined a group, or left it. `because`: the id of the record that says so."""
    return Record(
        id=f"{OWN}group_member/{member.id}.{_hash_of([group, is_in, because])}",
        kind="group_member",
        source=source,
        occurred_at=_stamp(at),
        person=_named(member),
        group=Group(id=group, title=group, type="group", fields={"member": is_in}),
    )


def with_member(record: Record, member: Member) -> Record:
    """What somebody did, with whose it is."""
    person = record.person if isinstance(record.person, Person) else Person()
    ids = {**person.ids, MEMBER: str(member.id)}
    return msgspec.structs.replace(record, person=msgspec.structs.replace(person, phone=member.phone, ids=ids))


def write_record(member: Member, link: Link, vendor: str, edits: Sequence[Edit], source: str, at: float) -> Record:
    """What is to be written about one counterpart, and what has to be there for that.

    In `action.fields`, "expected NAME" has every value of a field that may be there; where another one is, somebody was
    there meanwhile, and the field is left alone. "former NAME" is what was seen there last. Each is a name of its own,
    so that two writes that go out as one keep what either expected. The phone keeps the writes about a member in order.
    """
    writes = {edit.field: edit.after for edit in edits}
    former = {f"{FORMER}{edit.field}": edit.before for edit in edits}
    expected = {f"{EXPECTED}{edit.field}": [edit.before, *edit.awaited] for edit in edits}
    opt_in: dict[str, Any] = {OPT_IN: writes[OPT_IN] == WORDS["yes"]} if OPT_IN in writes else {}
    ids = {vendor: link.remote_id, MEMBER: str(member.id)}
    person = person_of(writes, phone=member.phone, ids=ids, **opt_in)
    return Record(
        id=write_id(link.account, link.remote_id, _stamp(at), _hash_of([person, former])),
        kind="person",
        source=source,
        occurred_at=_stamp(at),
        person=person,
        action=Action(type=UPDATE, fields=expected | former),
    )


def create_record(member: Member, account: str, values: Mapping[str, str | None], source: str, at: float) -> Record:
    """Somebody who is to be made there."""
    opt_in: dict[str, Any] = {} if member.consent == "unknown" else {OPT_IN: member.consent == "yes"}
    known = {name: value for name, value in values.items() if value is not None}
    return Record(
        id=write_id(account, marker_of(member.id), _stamp(at), _hash_of(known)),
        kind="person",
        source=source,
        occurred_at=_stamp(at),
        person=person_of(known, phone=member.phone, ids={MEMBER: str(member.id)}, **opt_in),
        action=Action(type=CREATE),
    )


def _named(member: Member) -> Person:
    names = ("first_name", "last_name", "email")
    values: dict[str, str | None] = {name: member.fields[name].value for name in names if name in member.fields}
    return person_of(values, phone=member.phone, ids={MEMBER: str(member.id)})


def _hash_of(value: Any) -> str:
    return blake2b(msgspec.json.encode(value, order="sorted"), digest_size=6).hexdigest()


def _stamp(at: float) -> str:
    return utc_stamp(datetime.fromtimestamp(at, UTC))
