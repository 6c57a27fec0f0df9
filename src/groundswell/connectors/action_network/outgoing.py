"""A canonical person as Action Network takes it, and what of it they do not have yet. Pure functions.

Unknown fields are never sent, so nothing of theirs is overwritten by not knowing. They rewrite addresses: they geocode,
fill in what was missing and lose what they cannot place [L]. So what is compared is only what we would send, and case,
spaces and the two ways of writing a region or a language make no difference.
"""

from collections.abc import Collection as Names
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from groundswell.connectors.action_network.hal import Resource
from groundswell.connectors.action_network.regions import region_code
from groundswell.record import PERSON_FIELDS, Person

CUSTOM: Final = "custom."
NAMES: Final = {"first_name": "given_name", "last_name": "family_name"}
ADDRESS: Final = {"city": "locality", "state": "region", "zip": "postal_code", "country": "country"}
ADDRESS_FIELDS: Final = ("address1", *ADDRESS)
"""They keep one line of a street address [C], so `address2` has nowhere to go."""
FIELDS: Final = (*NAMES, "email", "phone", *ADDRESS_FIELDS, "language")
OURS_ALONE: Final = frozenset(("email_status", "phone_status"))
"""Custom fields that `people.py` makes of statuses: they are not theirs."""


def owned(person: Person, fields: Names[str] | None) -> Person:
    """The part of a person that is ours to write: all of it, or these fields ("city", "custom.Shirt size")."""
    custom = {name: value for name, value in person.custom.items() if name not in OURS_ALONE}
    if fields is None:
        return replace(person, custom=custom, address2=UNSET)
    kept = {name: getattr(person, name) for name in PERSON_FIELDS if name in fields or name.endswith("_opt_in")}
    custom = {name: value for name, value in custom.items() if CUSTOM + name in fields}
    return Person(**kept, custom=custom, ids=person.ids)


def differing(wanted: Person, theirs: Person, *, clears: bool) -> set[str]:
    """Names of fields in which they do not have what we want. What is known to be empty counts only with `clears`."""
    fields = set()
    for name in FIELDS:
        if name == "country":
            continue  # goes with the address: they make one up where there is none
        value = getattr(wanted, name)
        if value is UNSET or (value is None and not clears):
            continue
        if comparable(name, value) != comparable(name, getattr(theirs, name)):
            fields.add(name)
    for name, value in wanted.custom.items():
        if value is None and not clears:
            continue
        if written_custom(value) != written_custom(theirs.custom.get(name)):
            fields.add(CUSTOM + name)
    country = wanted.country
    is_countable = isinstance(country, str) and theirs.country is not UNSET and _has_address(wanted)
    if is_countable and comparable("country", country) != comparable("country", theirs.country):
        fields.add("country")
    return fields


def person_json(wanted: Person, fields: Names[str], theirs: Person | None, default_country: str) -> Resource:
    """These fields as they take them, without statuses. Of an address all we know is sent, always with a country:
    without one they make it the US [C]."""
    body: Resource = {}
    for name, their_name in NAMES.items():
        if name in fields:
            body[their_name] = _text(getattr(wanted, name))
    if "email" in fields and isinstance(wanted.email, str):
        body["email_addresses"] = [{"primary": True, "address": wanted.email}]
    if "phone" in fields and isinstance(wanted.phone, str):
        body["phone_numbers"] = [{"primary": True, "number": digits(wanted.phone)}]
    if any(name in fields for name in ADDRESS_FIELDS):
        body["postal_addresses"] = [_address(wanted, fields, theirs, default_country)]
    if "language" in fields and isinstance(wanted.language, str):
        body["languages_spoken"] = [wanted.language]
    custom = {name: written_custom(value) for name, value in wanted.custom.items() if CUSTOM + name in fields}
    if custom:
        body["custom_fields"] = custom
    return body


def known_fields(wanted: Person, *, clears: bool) -> set[str]:
    """Names of all fields we have something to say about."""
    return differing(wanted, Person(), clears=clears) | (
        {"country"} if isinstance(wanted.country, str) and _has_address(wanted) else set()
    )


def comparable(name: str, value: Any) -> str:
    """A value as far as it matters whether it is the same."""
    if not isinstance(value, str):
        return ""
    text = " ".join(value.split())
    match name:
        case "phone":
            return digits(text)
        case "state":
            return region_code(text).casefold()
        case "zip":
            return text.replace(" ", "").partition("-")[0].casefold()
        case "first_name" | "last_name":
            return text
        case _:
            return text.casefold()


def written_custom(value: Any) -> str:
    """Their custom fields are texts; a ticked box is "1" [D]. A list becomes one text, as they have no lists."""
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case str():
            return value
        case list():
            return ", ".join(written_custom(entry) for entry in value)
        case _:
            return str(value)


def digits(phone: str) -> str:
    """A number as they write it: with the country code, without a "+"."""
    return "".join(letter for letter in phone if letter.isascii() and letter.isdigit())


def _address(wanted: Person, fields: Names[str], theirs: Person | None, default_country: str) -> Resource:
    address: Resource = {"primary": True}
    if isinstance(wanted.address1, str):
        address["address_lines"] = [wanted.address1]
    for name, their_name in ADDRESS.items():
        value = getattr(wanted, name)
        if isinstance(value, str):
            address[their_name] = value
        elif value is None and name in fields:
            address[their_name] = None
    if "country" not in address:
        known = theirs.country if theirs is not None else UNSET
        address["country"] = known if isinstance(known, str) else default_country
    return address


def _has_address(person: Person) -> bool:
    return any(isinstance(getattr(person, name), str) for name in ADDRESS_FIELDS if name != "country")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
