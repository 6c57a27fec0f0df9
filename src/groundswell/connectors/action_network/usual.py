"""The usual event, one that Action Network has numbered, understood without parsing all of it.

A webhook has to be answered quickly, and for the answer only the id matters: reading no more than that costs a third of
parsing the body. And a record is made in half the time when only what it holds is read. Whatever is the least unusual
is left to the slow way in mapping.py, which decides alone; property tests hold the two to the same answer.
"""

from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import astuple

from groundswell.connectors.action_network.hal import OWN, UUID, id_at, number_in
from groundswell.connectors.action_network.mapping import EVENT_TYPES, SOURCE, is_test, sponsor_of, stamp_of, titled
from groundswell.connectors.action_network.people import text_or_unset, without_gaps
from groundswell.connectors.action_network.usual_people import UsualPerson, usual_person
from groundswell.record import Action, Page, Record, Unparsed


class _Numbered(Struct):
    identifiers: list[str] = []


_EVENT_TYPES: Final = {name: each for name, each in EVENT_TYPES.items() if each.collection is not None}
_PREFIXES: Final = [f"{OWN}{each.word}/" for each in _EVENT_TYPES.values()]
_FIELDS: Final = [
    (each.word, _Numbered | UnsetType, msgspec.field(default=UNSET, name=name)) for name, each in _EVENT_TYPES.items()
]
_Event: Final = msgspec.defstruct("_Event", _FIELDS)
_decode: Final = msgspec.json.Decoder(list[_Event]).decode  # type: ignore[valid-type]


def usual_id(body: bytes) -> str | None:
    """The arrival id of the one event in this body, or None when it takes a closer look."""
    try:
        (event,) = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return None
    numbered = astuple(event)
    if numbered.count(UNSET) != len(numbered) - 1:
        return None
    for place, one in enumerate(numbered):
        if one is not UNSET:
            for identifier in one.identifiers:
                if identifier.startswith(OWN):
                    number = identifier[len(OWN) :]
                    return _PREFIXES[place] + number if UUID.fullmatch(number) else None
    return None


# ---- the record ----


class _Link(Struct):
    href: str


class _Links(Struct):
    person: _Link | None = field(default=None, name="osdi:person")
    petition: _Link | None = field(default=None, name="osdi:petition")
    event: _Link | None = field(default=None, name="osdi:event")
    form: _Link | None = field(default=None, name="osdi:form")


class _Body(Struct, forbid_unknown_fields=True):
    """What is documented of a signature, an attendance and a submission; with anything more it is not usual."""

    links: _Links = field(name="_links")
    person: UsualPerson
    created_date: str
    identifiers: list[str] = []
    modified_date: str | None = None
    add_tags: list[str] = []
    referrer: dict[str, str | None] = field(default_factory=dict, name="action_network:referrer_data")
    comments: str | None = None
    status: str | None = None
    # On the API, beside the links.
    person_id: str | None = field(default=None, name="action_network:person_id")
    misspelt_person_id: str | None = field(default=None, name="action:person_id")
    petition_id: str | None = field(default=None, name="action_network:petition_id")
    event_id: str | None = field(default=None, name="action_network:event_id")
    form_id: str | None = field(default=None, name="action_network:form_id")


class _Whole(Struct):
    signature: _Body | UnsetType = field(default=UNSET, name="osdi:signature")
    attendance: _Body | UnsetType = field(default=UNSET, name="osdi:attendance")
    submission: _Body | UnsetType = field(default=UNSET, name="osdi:submission")
    sponsor: dict[str, str | None] = field(default_factory=dict, name="action_network:sponsor")
    idempotency_key: str | None = None
    page: dict[str, str] = {}
    donation: msgspec.Raw | UnsetType = field(default=UNSET, name="osdi:donation")
    outreach: msgspec.Raw | UnsetType = field(default=UNSET, name="osdi:outreach")
    response: msgspec.Raw | UnsetType = field(default=UNSET, name="action_network:response")
    upload: msgspec.Raw | UnsetType = field(default=UNSET, name="action_network:upload")
    action: msgspec.Raw | UnsetType = field(default=UNSET, name="action_network:action")


_decode_whole: Final = msgspec.json.Decoder(_Whole).decode
_OTHERS: Final = ("donation", "outreach", "response", "upload", "action")


def usual_record(raw: bytes, record_id: str, source: str, mobile_unsubscribed: bool | UnsetType) -> Record | None:
    """The record of this event, as `mapping.record_of` makes it, or None when it takes a closer look."""
    try:
        event = _decode_whole(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if event.signature is not UNSET:
        body, action, page_type, page = event.signature, "signature", "petition", event.signature.links.petition
        is_usual = event.attendance is UNSET is event.submission
    elif event.attendance is not UNSET:
        body, action, page_type, page = event.attendance, "rsvp", "event", event.attendance.links.event
        is_usual = event.submission is UNSET
    elif event.submission is not UNSET:
        body, action, page_type, page = event.submission, "submission", "form", event.submission.links.form
        is_usual = True
    else:
        return None
    link = body.links.person
    if (
        not is_usual
        or page is None
        or not page.href
        or link is None
        or is_test(event.idempotency_key, link.href, record_id)
    ):
        return None
    for other in _OTHERS:
        if getattr(event, other) is not UNSET:
            return None
    person = usual_person(body.person, id_at(link.href), mobile_unsubscribed)
    if person is None:
        return None
    referrer, fields = body.referrer, {}
    if body.comments:
        fields["comments"] = body.comments
    if body.status:
        fields["status"] = body.status
    return Record(
        id=record_id,
        kind="action",
        source=source,
        occurred_at=stamp_of(body.created_date),
        person=person,
        action=Action(
            type=action,
            page=titled(Page(id=number_in(page.href) or UNSET, type=page_type, url=page.href), event.page),
            fields=fields,
            tags=[tag for tag in body.add_tags if tag],
            source_code=text_or_unset(referrer.get("source")),
            referrer=without_gaps(referrer, SOURCE),
            sponsor=sponsor_of(event.sponsor),
        ),
        raw=Unparsed(raw),
    )
