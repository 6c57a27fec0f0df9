"""A canonical person to a person of theirs: which fields, in which form, and what cannot be said in their words.

Facts about the vendor: README.md of this folder, where the marks D, L, C and I are explained too.
"""

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Struct
from pydantic import AfterValidator

from groundswell.connectors.action_network.hal import Resource
from groundswell.places.countries import country_code
from groundswell.places.regions import CANADA, REGION_COUNTRIES, region_code
from groundswell.record import Person

ADDRESS: Final = ("address1", "city", "state", "zip", "country")
FIELDS: Final = ("first_name", "last_name", "email", "phone", *ADDRESS, "language")
"""What of a person can be written there, besides custom fields and the statuses."""
CUSTOM: Final = "custom."
CLEARABLE: Final = frozenset(("first_name", "last_name", "address1", "city", "zip"))
"""What null is sent for, and custom fields. Region and country stay whatever is sent [L]; an email, a phone or a
language is replaced, never taken away."""

Status = Literal["subscribed", "unsubscribed"]
Values = dict[str, str | None]
"""Canonical name (or "custom.NAME") to the value as they take it; None: to be emptied."""

_NAMES: Final = (("first_name", "given_name"), ("last_name", "family_name"))
_PARTS: Final = (("city", "locality"), ("state", "region"), ("zip", "postal_code"))
_EMAIL: Final = re.compile(r"[^@\s,;<>]{1,64}@[^@\s,;<>]+\.[^@\s,;<>.]{2,}")
_E164: Final = re.compile(r"\+[1-9][0-9]{7,14}")
_LANGUAGE: Final = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]+)*")
_CANADIAN_CODE: Final = re.compile(r"[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]")


class Outgoing(Struct, frozen=True):
    """What a person says, as they take it."""

    values: Values
    left_out: dict[str, str]
    """Fields that cannot be written there, and why, in words without the value."""


def _check_fields(fields: list[str]) -> list[str]:
    for name in fields:
        if name in ("email_opt_in", "sms_opt_in"):
            raise ValueError(f'names {name}; statuses are not fields, see "newcomers" and "resubscribe"')
        if name == "address2":
            raise ValueError("names address2; Action Network keeps one line, address1")
        is_custom = name.startswith(CUSTOM) and len(name) > len(CUSTOM)
        if name not in FIELDS and not is_custom:
            raise ValueError(f'names "{name}"; there is {", ".join(FIELDS)} and "custom.NAME"')
    return fields


OwnedFields = Annotated[list[str], AfterValidator(_check_fields)]
"""In settings: the canonical names of the fields that are ours to write."""


def outgoing(person: Person, fields: Collection[str] = FIELDS) -> Outgoing:
    """What of these fields the person says. What it does not know (UNSET) is not there."""
    values: Values = {}
    left_out: dict[str, str] = {}
    for name in fields:
        value = person.custom.get(name[len(CUSTOM) :], UNSET) if name.startswith(CUSTOM) else getattr(person, name)
        if value is UNSET:
            continue
        if value is None or value == "":
            if name in CLEARABLE or name.startswith(CUSTOM):
                values[name] = None
            continue
        text, why_not = _written(name, value)
        if text is not None:
            values[name] = text
        else:
            left_out[name] = why_not
    if "country" in left_out:
        # Their geocoder would look for the rest of it in another country.
        for name in ADDRESS:
            if values.pop(name, None) is not None:
                left_out[name] = left_out["country"]
    state = values.get("state")
    if state is not None and values.get("country", "US") in REGION_COUNTRIES:
        values["state"] = region_code(state)
    return Outgoing(values, left_out)


def person_body(
    values: Mapping[str, str | None],
    *,
    country: str = "US",
    email_status: Status | None = None,
    phone_status: Status | None = None,
) -> Resource:
    """These values as a person of theirs: what PUT takes bare, and POST as `person`.

    Args:
        country: Of an address that does not say; without one they make it the US [C].
        email_status: Without a value for `email` it is about the address they have [L].
        phone_status: As `email_status` [I].
    """
    body: Resource = {theirs: values[ours] for ours, theirs in _NAMES if ours in values}
    if email := _entry("address", values.get("email"), email_status):
        body["email_addresses"] = [email]
    if phone := _entry("number", values.get("phone"), phone_status):
        body["phone_numbers"] = [phone]
    if any(name in values for name in ADDRESS):
        body["postal_addresses"] = [_address(values, country)]
    if language := values.get("language"):
        body["languages_spoken"] = [language]
    custom = {name[len(CUSTOM) :]: value for name, value in values.items() if name.startswith(CUSTOM)}
    if custom:
        body["custom_fields"] = custom
    return body


def likely_country(values: Mapping[str, str | None], otherwise: str) -> str:
    """The country of an address: what it says, else `otherwise`, but not the US for what only Canada has."""
    country = values.get("country") or otherwise
    code = (values.get("zip") or "").upper()
    is_canadian = values.get("state") in CANADA or _CANADIAN_CODE.fullmatch(code)
    return "CA" if country == "US" and not values.get("country") and is_canadian else country


def email_of(person: Person) -> str | None:
    """The email as they take it; None for what is no address."""
    email = person.email.strip() if isinstance(person.email, str) else ""
    return email if len(email) <= 254 and _EMAIL.fullmatch(email) else None


def digits_of(person: Person) -> str | None:
    """The phone as they write it, digits with the country code; None for what is not E.164."""
    phone = person.phone.strip() if isinstance(person.phone, str) else ""
    return phone[1:] if _E164.fullmatch(phone) else None


def custom_text(value: Any) -> str | None:
    """A custom field's value as they keep it, always a text; a ticked box is "1" [D]. None for lists and objects."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float):
        return str(value)
    return value.strip() or None if isinstance(value, str) else None


def _written(name: str, value: Any) -> tuple[str | None, str]:
    """The value as they take it, or why they do not."""
    if name.startswith(CUSTOM):
        return custom_text(value), "it is no text, number or box"
    match name:
        case "email":
            return email_of(Person(email=value)), "it is no email address"
        case "phone":
            return digits_of(Person(phone=value)), "it is no number with a plus and a country code"
        case "country":
            return country_code(value), "the country is none with an ISO code"
        case "language":
            code = _LANGUAGE.fullmatch(value.strip())
            return code and code[1].lower(), "it is no language code such as en"
        case _:
            return " ".join(value.split()) or None, "it is blank"


def _entry(key: str, value: str | None, status: Status | None) -> Resource:
    """The one email or phone, primary as they have it; {} when there is nothing to say."""
    entry: Resource = {key: value} if value else {}
    if status is not None:
        entry["status"] = status
    return {"primary": True, **entry} if entry else {}


def _address(values: Mapping[str, str | None], country: str) -> Resource:
    address: Resource = {theirs: values[ours] for ours, theirs in _PARTS if ours in values}
    if "address1" in values:
        line = values["address1"]
        address["address_lines"] = None if line is None else [line]
    return {"primary": True, **address, "country": values.get("country") or country}
