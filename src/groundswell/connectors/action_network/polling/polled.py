"""What is read from the API, as arrivals and records.

Three shapes. What happens once (a signature, a gift) is kept as a webhook would have brought it, under the id it has
there, so that whoever sees it first delivers it. What has states (people, pages, groups) has an id for each of them.
Who is in a group is a pair: the group and a person.
"""

import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import UnsetType

from groundswell.component import Arrival
from groundswell.connectors.action_network.collections import Collection
from groundswell.connectors.action_network.hal import OWN, Resource, id_of
from groundswell.connectors.action_network.mapping import (
    EVENT_TYPES,
    PAGE_TYPES,
    Event,
    content_hash,
    own_number,
    record_of,
    stamp_of,
)
from groundswell.connectors.action_network.people import person_of
from groundswell.connectors.action_network.polling.members import MEMBERS, member_number, read_member
from groundswell.connectors.action_network.polling.pages import GROUP_TYPES, named, read_group, read_page, word_in
from groundswell.connectors.action_network.usual import usual_record
from groundswell.connectors.action_network.usual_people import usual_person_record
from groundswell.connectors.common.objects import parse_object
from groundswell.errors import RecordError
from groundswell.record import Record

HASH_DIGITS: Final = 12
"""Hexadecimal, of a state's content. They only have to tell states with one stamp apart, but a state that is taken for
a known one is lost, and it may be an unsubscribe. Ten thousand messages with a thousand numbers of openings each are
5e9 pairs: with 12 digits the odds that any two look alike are 1 in 50,000, with 4 it would be certain."""

_STAMP: Final = re.compile(r"[0-9TZ:.+-]{10,35}", re.ASCII)
_EVENTS: Final = {each.collection: name for name, each in EVENT_TYPES.items() if each.collection is not None}
_STATES: Final = {"people": "person", **PAGE_TYPES, **GROUP_TYPES}
_encode: Final = msgspec.json.Encoder().encode
_in_order: Final = msgspec.json.Encoder(order="deterministic").encode


def arrival_of(
    collection: Collection, resource: Resource, *, parent: Resource | None = None, person: Resource | None = None
) -> Arrival:
    """The arrival of one resource. Whatever it holds, it gets one; what cannot be read is found out by `read_polled`.

    Args:
        parent: What it was found under, or as much of it as is known: gives titles and the sponsor.
        person: Who did it, or is in the group, as the API has them; None: nobody knows more than the number.
    """
    if collection.path in _EVENTS:
        return _event(_EVENTS[collection.path], resource, parent, person)
    if collection.path in MEMBERS:
        return _member(collection.path, resource, parent, person)
    return _state(_STATES[collection.path], resource)


def read_polled(arrival: Arrival, source: str, mobile_unsubscribed: bool | UnsetType) -> Record:
    """The record of one arrival.

    Args:
        mobile_unsubscribed: What the phone status "unsubscribed" says about texting: False, or UNSET.

    Raises:
        RecordError: it cannot be read; reasons as in `mapping.record_of` and `members.read_member`.
    """
    read = _READERS.get(word_in(arrival.id))
    if read is None:
        raise RecordError("action_network: its id is none that polling gives; kept here", reason="unknown_type")
    return read(arrival, source, mobile_unsubscribed)


# ---- what has states ----


def person_arrival(resource: Resource) -> Arrival:
    """A person as they are now."""
    return _state("person", resource)


def _state(word: str, resource: Resource) -> Arrival:
    """`action_network:person/UUID@STAMP.HASH`: so A -> B -> A is three records, and what is read again is none.

    The hash is of everything but links and embedded resources, whatever the order of keys: what changes without
    `modified_date` moving (statistics, totals, perhaps a status) is a new state. If it changes back under the same
    stamp, it is a state that is known, and not taken again.
    """
    content = _without(resource, "_embedded", "_links")
    identifiers = content.get("identifiers")
    if type(identifiers) is list and len(identifiers) > 1 and all(type(one) is str for one in identifiers):
        content["identifiers"] = sorted(identifiers)  # no order is promised
    raw = _in_order(content)
    number = id_of(resource)
    if number is None:
        return Arrival(f"{OWN}{word}/{content_hash(word, content)}", raw)
    stamp = resource.get("modified_date")
    stamp = f"{stamp}." if type(stamp) is str and _STAMP.fullmatch(stamp) else ""
    state = blake2b(raw, digest_size=HASH_DIGITS // 2).hexdigest()
    # People come by the million, and their links only repeat their number.
    if word != "person" and "_links" in resource:
        raw = _encode(content | {"_links": resource["_links"]})
    return Arrival(f"{OWN}{word}/{number}@{stamp}{state}", raw)


def _number_in(arrival_id: str) -> str | None:
    """The number of what has states; None where its id was made from its content."""
    numbered, at, _ = arrival_id.partition("@")
    return numbered.rpartition("/")[2] if at else None


def _read_person(arrival: Arrival, source: str, mobile_unsubscribed: bool | UnsetType) -> Record:
    number = _number_in(arrival.id)
    usual = usual_person_record(arrival.raw, arrival.id, number, source, mobile_unsubscribed)
    if usual is not None:
        return usual
    resource = _parsed(arrival)
    return Record(
        id=arrival.id,
        kind="person",
        source=source,
        occurred_at=stamp_of(resource.get("modified_date")),
        person=person_of(resource, number, mobile_unsubscribed),
        raw=resource,
    )


def _read_page(arrival: Arrival, source: str, _: bool | UnsetType) -> Record:
    return read_page(_parsed(arrival), arrival.id, _number_in(arrival.id), source)


def _read_group(arrival: Arrival, source: str, _: bool | UnsetType) -> Record:
    return read_group(_parsed(arrival), arrival.id, _number_in(arrival.id), source)


# ---- what happens once ----


def _event(name: str, resource: Resource, parent: Resource | None, person: Resource | None) -> Arrival:
    """As a webhook has it, with the page it was found on beside it.

    What they send later about the same thing (an edited comment, a charge of a recurring donation) has the same id, and
    is not taken.
    """
    event_type = EVENT_TYPES[name]
    number = own_number(resource, event_type.collection)
    if number is None:
        number = content_hash(name, resource)
    body = _without(resource, "_embedded")
    if person is not None:
        body["person"] = _without(person, "_embedded", "_links")
    event: Event = {name: body}
    if parent is not None:
        sponsor = parent.get("action_network:sponsor")
        if type(sponsor) is dict:
            event["action_network:sponsor"] = sponsor
        event["page"] = named(parent)
    return Arrival(f"{OWN}{event_type.word}/{number}", _encode(event))


def _read_event(arrival: Arrival, source: str, mobile_unsubscribed: bool | UnsetType) -> Record:
    record = usual_record(arrival.raw, arrival.id, source, mobile_unsubscribed)
    if record is None:
        record = record_of(_parsed(arrival), arrival.id, source, mobile_unsubscribed)
    return record


# ---- who is in a group ----


def _member(path: str, resource: Resource, parent: Resource | None, person: Resource | None) -> Arrival:
    member = MEMBERS[path]
    pair: Resource = {member.key: _without(resource, "_embedded")}
    if parent is not None:
        pair["group"] = named(parent)
    if person is not None:
        pair["person"] = _without(person, "_embedded", "_links")
    number = member_number(member, resource, parent)
    if number is None:
        number = content_hash(member.key, [resource, parent and id_of(parent)])
    return Arrival(f"{OWN}{member.word}/{number}", _encode(pair))


def _read_member(arrival: Arrival, source: str, mobile_unsubscribed: bool | UnsetType) -> Record:
    return read_member(_parsed(arrival), arrival.id, source, mobile_unsubscribed)


def _without(resource: Resource, *names: str) -> Resource:
    return {key: value for key, value in resource.items() if key not in names}


def _parsed(arrival: Arrival) -> Resource:
    return parse_object(arrival.raw) if arrival.seen is None else arrival.seen


_READERS: Final[Mapping[str, Callable[[Arrival, str, bool | UnsetType], Record]]] = (
    {"person": _read_person}
    | {EVENT_TYPES[name].word: _read_event for name in _EVENTS.values()}
    | dict.fromkeys(PAGE_TYPES.values(), _read_page)
    | dict.fromkeys(GROUP_TYPES.values(), _read_group)
    | dict.fromkeys((member.word for member in MEMBERS.values()), _read_member)
)
"""By the word in the id."""
