"""The usual person, understood without parsing all of it: of a webhook's event, and of the API's people.

A first look at a million people makes a million records; this makes them in a fraction of the time. Whatever is the
least unusual is left to the slow way in people.py, which decides alone; property tests hold the two to the same answer.
"""

from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from groundswell.connectors.action_network.mapping import stamp_of
from groundswell.connectors.action_network.people import (
    EMAIL_OPT_IN,
    PLAIN,
    phone_of,
    placed,
    sms_opt_in,
    without_gaps,
)
from groundswell.record import Person, Record, Unparsed

Scalar = str | int | float | bool | None


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


class UsualPerson(Struct):
    """Of a person what a record holds."""

    given_name: str | None = None
    family_name: str | None = None
    email_addresses: list[_Email] = []
    phone_numbers: list[_Phone] = []
    postal_addresses: list[_Address] = []
    languages_spoken: list[str] = []
    custom_fields: dict[str, Scalar] = {}


class _Whole(UsualPerson):
    modified_date: str | None = None


_decode: Final = msgspec.json.Decoder(_Whole).decode


def usual_person_record(
    raw: bytes, record_id: str, number: str | None, source: str, mobile_unsubscribed: bool | UnsetType
) -> Record | None:
    """The record of this person of the API, `number` being theirs, or None when it takes a closer look."""
    try:
        whole = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    person = usual_person(whole, number, mobile_unsubscribed)
    if person is None:
        return None
    return Record(
        id=record_id,
        kind="person",
        source=source,
        occurred_at=stamp_of(whole.modified_date),
        person=person,
        raw=Unparsed(raw),
    )


def usual_person(person: UsualPerson, number: str | None, mobile_unsubscribed: bool | UnsetType) -> Person | None:
    """As `people.person_of` makes it, or None when it takes a closer look."""
    email: str | UnsetType = UNSET
    phone: str | UnsetType = UNSET
    email_status = phone_status = None
    # Who has none still has one entry, without it [D].
    if person.email_addresses and (person.email_addresses[0].address or len(person.email_addresses) > 1):
        first = person.email_addresses[0]
        email, email_status = first.address.strip(), first.status
        if not email or not first.primary:
            return None
    if person.phone_numbers and (person.phone_numbers[0].number or len(person.phone_numbers) > 1):
        second = person.phone_numbers[0]
        phone, phone_status = second.number.strip(), second.status
        if not phone or not second.primary:
            return None
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
