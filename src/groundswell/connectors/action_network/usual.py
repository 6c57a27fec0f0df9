"""The usual event, one that Action Network has numbered, understood without parsing all of it.

A webhook has to be answered quickly, and for the answer only the id matters: reading no more than that costs a third of
parsing the body. And a record is made in half the time when only what it holds is read. Whatever is the least unusual
is left to the slow way in mapping.py, which decides alone; property tests hold the two to the same answer.
"""

from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import astuple

from groundswell.connectors.action_network.mapping import EVENT_TYPES, SOURCE, is_test, sponsor_of, stamp_of
from groundswell.connectors.action_network.people import (
    EMAIL_OPT_IN,
    PLAIN,
    WORD,
    number_in,
    phone_of,
    placed,
    sms_opt_in,
    text_or_unset,
    without_gaps,
)
from groundswell.record import Action, Page, Person, Record, Unparsed

Scalar = str | int | float | bool | None

PREFIX: Final = "action_network:"


class _Numbered(Struct):
    identifiers: list[str] = []


_EVENT_TYPES: Final = {name: each for name, each in EVENT_TYPES.items() if each.collection is not None}
_PREFIXES: Final = [f"{PREFIX}{each.word}/" for each in _EVENT_TYPES.values()]
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
                if identifier.startswith(PREFIX):
                    number = identifier[len(PREFIX) :]
                    return _PREFIXES[place] + number if WORD.fullmatch(number) else None
    return None


# ---- the record ----


class _Email(Struct):
    primary: bool = False
    address: str = ""
    status: str | None = None


class _Phone(Struct):
    primary: bool = False
    number: str = ""
    status: str | None = None


class _Address(Struct):
    primary: bool = False
    address_lines: list[str] = []
    locality: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


class _Person(Struct):
    given_name: str | None = None
    family_name: str | None = None
    email_addresses: list[_Email] = []
    phone_numbers: list[_Phone] = []
    postal_addresses: list[_Address] = []
    languages_spoken: list[str] = []
    custom_fields: dict[str, Scalar] = {}


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
    person: _Person
    created_date: str
    identifiers: list[str] = []
    modified_date: str | None = None
    add_tags: list[str] = []
    referrer: dict[str, str | None] = field(default_factory=dict, name="action_network:referrer_data")
    comments: str | None = None
    status: str | None = None


class _Whole(Struct):
    signature: _Body | UnsetType = field(default=UNSET, name="osdi:signature")
    attendance: _Body | UnsetType = field(default=UNSET, name="osdi:attendance")
    submission: _Body | UnsetType = field(default=UNSET, name="osdi:submission")
    sponsor: dict[str, str | None] = field(default_factory=dict, name="action_network:sponsor")
    idempotency_key: str | None = None
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
    person = _person_of(body.person, number_in(link.href), mobile_unsubscribed)
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
            page=Page(id=number_in(page.href) or UNSET, type=page_type, url=page.href),
            fields=fields,
            tags=[tag for tag in body.add_tags if tag],
            source_code=text_or_unset(referrer.get("source")),
            referrer=without_gaps(referrer, SOURCE),
            sponsor=sponsor_of(event.sponsor),
        ),
        raw=Unparsed(raw),
    )


def _person_of(person: _Person, number: str | None, mobile_unsubscribed: bool | UnsetType) -> Person | None:
    email: str | UnsetType = UNSET
    phone: str | UnsetType = UNSET
    email_status = phone_status = None
    if person.email_addresses:
        first = person.email_addresses[0]
        email, email_status = first.address.strip(), first.status
        if not email or not first.primary:
            return None
    if person.phone_numbers:
        second = person.phone_numbers[0]
        if second.number:
            phone, phone_status = second.number.strip(), second.status
            if not phone or not second.primary:
                return None
        elif len(person.phone_numbers) > 1:
            return None  # people without a phone have one entry that says nothing but "unsubscribed"
    if email_status not in EMAIL_OPT_IN or phone_status not in PLAIN or number is None:
        return None
    address = person.postal_addresses[0] if person.postal_addresses else _NOWHERE
    if person.postal_addresses and not address.primary:
        return None
    lines = address.address_lines
    address1, address2, city, state, zip_, country = placed(
        lines[0].strip() or UNSET if lines else UNSET,
        lines[1].strip() or UNSET if len(lines) > 1 else UNSET,
        address.locality.strip() or UNSET if address.locality else UNSET,
        address.region.strip() or UNSET if address.region else UNSET,
        address.postal_code.strip() or UNSET if address.postal_code else UNSET,
        address.country.strip() or UNSET if address.country else UNSET,
    )
    return Person(
        first_name=person.given_name.strip() or UNSET if person.given_name else UNSET,
        last_name=person.family_name.strip() or UNSET if person.family_name else UNSET,
        email=email,
        phone=phone_of(phone),
        address1=address1,
        address2=address2,
        city=city,
        state=state,
        zip=zip_,
        country=country,
        language=person.languages_spoken[0].strip() or UNSET if person.languages_spoken else UNSET,
        sms_opt_in=sms_opt_in(phone_status, mobile_unsubscribed),
        email_opt_in=EMAIL_OPT_IN[email_status],
        custom=without_gaps(person.custom_fields),
        ids={"action_network": number},
    )


_NOWHERE: Final = _Address()


# ---- a person of the API ----


class _Polled(Struct):
    people: _Person


_decode_polled: Final = msgspec.json.Decoder(_Polled).decode


def usual_person(raw: bytes, number: str, mobile_unsubscribed: bool | UnsetType) -> Person | None:
    """The person in what `polled.arrival_of` keeps, as `people.person_of` makes it, or None."""
    try:
        return _person_of(_decode_polled(raw).people, number, mobile_unsubscribed)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
