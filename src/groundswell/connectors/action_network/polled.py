"""What is read from the API to arrivals, and those to records.

What happens once is wrapped as a webhook would bring it, so that both make the same record with the same id:
`{"osdi:signature": {..., "person": {...}}}`. What has states is kept under the name of its collection,
`{"people": {...}}`, and its id holds its version: when it was changed, and a hash of what it says.
"""

from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from groundswell.component import Arrival
from groundswell.connectors.action_network.collections import Collection
from groundswell.connectors.action_network.hal import Resource, id_of, person_id_of
from groundswell.connectors.action_network.mapping import arrival_id, record_of, sponsor_of, stamp_of
from groundswell.connectors.action_network.people import person_of, plain_word, text_or_unset, without_gaps
from groundswell.connectors.action_network.usual import usual_person
from groundswell.errors import RecordError
from groundswell.record import Action, Group, Page, Record, Unparsed

EVENTS: Final = {
    "signatures": "osdi:signature",
    "attendances": "osdi:attendance",
    "submissions": "osdi:submission",
    "donations": "osdi:donation",
    "page_donations": "osdi:donation",
    "outreaches": "osdi:outreach",
    "responses": "action_network:response",
}
"""Collections of what happens once, and what a webhook calls one of it."""


class _State(Struct, frozen=True):
    word: str
    """In ids: `action_network:<word>/UUID@...`."""
    kind: str
    """person, page, group or group_member."""


STATES: Final = {
    "people": _State("person", "person"),
    "petitions": _State("petition", "page"),
    "events": _State("event", "page"),
    "campaign_events": _State("event", "page"),
    "event_campaigns": _State("event_campaign", "page"),
    "forms": _State("form", "page"),
    "fundraising_pages": _State("fundraising_page", "page"),
    "advocacy_campaigns": _State("advocacy_campaign", "page"),
    "surveys": _State("survey", "page"),
    "campaigns": _State("campaign", "page"),
    "messages": _State("message", "page"),
    "wrappers": _State("wrapper", "page"),
    "tags": _State("tag", "group"),
    "lists": _State("list", "group"),
    "queries": _State("query", "group"),
    "unique_id_lists": _State("unique_id_list", "group"),
    "taggings": _State("tagging", "group_member"),
    "items": _State("item", "group_member"),
}
"""Collections of what has states."""

HASH_BYTES: Final = 5
_LOCAL_TIMES: Final = ("start_date", "end_date")
_NOT_KEPT: Final = frozenset(("_links", "_embedded"))
"""Addresses that follow from the number, and the creator of an action: a person nobody asked for."""
_NOT_FIELDS: Final = frozenset(("identifiers", "created_date", "modified_date", "action_network:sponsor"))
_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_STAMP: Final = "modified_date"


def arrival_of(
    collection: Collection, resource: Resource, *, parent: Resource | None = None, person: Resource | None = None
) -> Arrival:
    """Keep one resource.

    Args:
        parent: The page, tag or list it was found under.
        person: Whose it is, where that is known; what is read under a page holds their number only.
    """
    event = EVENTS.get(collection.name)
    if event is not None:
        whole = {event: _as_webhook(resource, person)}
        return Arrival(arrival_id(whole), msgspec.json.encode(whole))
    state = STATES[collection.name]
    # In order of the keys, so that the hash is one of what it says. The same bytes are kept.
    content = _encode({name: value for name, value in resource.items() if name not in _NOT_KEPT})
    number = id_of(resource) or blake2b(content, digest_size=16).hexdigest()
    if state.kind == "group_member":
        return _member(collection, state, resource, parent, number, person)
    stamp = resource.get(_STAMP)
    version = stamp if type(stamp) is str and plain_word(stamp.replace(":", "")) else "unknown"
    digest = blake2b(content, digest_size=HASH_BYTES).hexdigest()
    return Arrival(
        f"action_network:{state.word}/{number}@{version}.{digest}",
        b'{"%b":%b}' % (collection.name.encode(), content),
    )


def read_polled(arrival: Arrival, source: str, mobile_unsubscribed: bool | UnsetType) -> Record:
    """The record of one arrival.

    Args:
        mobile_unsubscribed: What the phone status "unsubscribed" says about texting: False, or UNSET.

    Raises:
        RecordError: it cannot be read.
    """
    if arrival.id.startswith("action_network:person/"):
        return _read_person(arrival, source, mobile_unsubscribed)
    try:
        whole = msgspec.json.decode(arrival.raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RecordError("action_network: reading what was polled: it is not JSON any more") from None
    name = next(iter(whole)) if type(whole) is dict and whole else ""
    if name not in STATES:
        return record_of(whole if type(whole) is dict else {}, arrival.id, source, mobile_unsubscribed)
    resource = whole[name]
    if type(resource) is not dict:
        raise RecordError("action_network: reading what was polled: what stands there is not an object")
    state = STATES[name]
    record = Record(id=arrival.id, kind="page", source=source, occurred_at=stamp_of(resource.get(_STAMP)), raw=whole)
    match state.kind:
        case "page":
            return msgspec.structs.replace(record, action=_page_of(resource, state.word, _number_in(arrival.id)))
        case "group":
            group = _group_of(resource, state.word, _number_in(arrival.id))
            return msgspec.structs.replace(record, kind="group", group=group)
        case _:
            return msgspec.structs.replace(
                record,
                kind="group_member",
                group=_group_of(whole.get("under"), _word_of_group(name), None),
                person=person_of(whole.get("person"), plain_word(whole.get("person_id")), mobile_unsubscribed),
            )


def _as_webhook(resource: Resource, person: Resource | None) -> Resource:
    body = {name: value for name, value in resource.items() if name != "_embedded"}
    number = person_id_of(resource)
    if number is not None:
        body["action_network:person_id"] = number
    body.pop("action:person_id", None)
    if person is not None:
        body["person"] = {name: value for name, value in person.items() if name not in _NOT_KEPT}
    return body


def _member(
    collection: Collection,
    state: _State,
    resource: Resource,
    parent: Resource | None,
    number: str,
    person: Resource | None,
) -> Arrival:
    """Who is in a group: it is there or it is not. In the samples an item has the number of its person [D]."""
    group = (id_of(parent) if parent is not None else None) or "unknown"
    who = person_id_of(resource)
    if collection.name == "items":
        number = f"{group}.{who or number}"
    whole: Resource = {
        collection.name: {name: value for name, value in resource.items() if name not in _NOT_KEPT},
        "under": {"id": group, "title": (parent or {}).get("title") or (parent or {}).get("name")},
        "person_id": who,
    }
    if person is not None:
        whole["person"] = {name: value for name, value in person.items() if name not in _NOT_KEPT}
    return Arrival(f"action_network:{state.word}/{number}", msgspec.json.encode(whole))


def _read_person(arrival: Arrival, source: str, mobile_unsubscribed: bool | UnsetType) -> Record:
    number = _number_in(arrival.id)
    found = usual_person(arrival.raw, number, mobile_unsubscribed)
    person = found if found is not None else person_of(_seen_person(arrival.raw), number, mobile_unsubscribed)
    stamp = arrival.id.partition("@")[2].rpartition(".")[0]
    return Record(
        id=arrival.id,
        kind="person",
        source=source,
        occurred_at=stamp_of(stamp),
        person=person,
        raw=Unparsed(arrival.raw),
    )


def _seen_person(raw: bytes) -> Any:
    try:
        whole = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RecordError("action_network: reading a person that was polled: it is not JSON any more") from None
    if type(whole) is not dict or type(whole.get("people")) is not dict:
        raise RecordError("action_network: reading a person that was polled: what stands there is not a person")
    return whole["people"]


def _page_of(resource: Resource, word: str, number: str) -> Action:
    """A page, and everything it says. The times of an event are the venue's, though they end in "Z" [L]."""
    fields = without_gaps(resource, _NOT_FIELDS | {"title"})
    for name in _LOCAL_TIMES:
        value = fields.get(name)
        if word == "event" and type(value) is str:
            fields[name] = value.removesuffix("Z")
    sponsor = resource.get("action_network:sponsor")
    title = text_or_unset(resource.get("title"))
    if title is UNSET:
        title = text_or_unset(resource.get("subject" if word == "message" else "name"))
    url = text_or_unset(resource.get("browser_url"))
    if url is UNSET:
        url = text_or_unset(resource.get("administrative_url"))
    return Action(
        page=Page(id=number, title=title, type=word, url=url),
        fields=fields,
        sponsor=sponsor_of(sponsor) if type(sponsor) is dict else {},
    )


def _group_of(resource: Any, word: str, number: str | None) -> Group:
    if type(resource) is not dict:
        return Group(type=word)
    title = text_or_unset(resource.get("title"))
    if title is UNSET:
        title = text_or_unset(resource.get("name"))
    own = number if number is not None else text_or_unset(resource.get("id"))
    fields = without_gaps(resource, _NOT_FIELDS | {"id", "title", "name"})
    return Group(id=own, title=title, type=word, fields=fields)


def _word_of_group(collection: str) -> str:
    return "tag" if collection == "taggings" else "list"


def _number_in(record_id: str) -> str:
    return record_id.partition("/")[2].partition("@")[0]
