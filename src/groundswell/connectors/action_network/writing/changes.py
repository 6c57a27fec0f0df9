"""What differs between a person as Action Network shows them and as we want them.

Only what a record says and we own is compared, and each field as loosely as their rewriting needs: letters of an email
and of an address, ZIP+4, a region's name, a country's name.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from msgspec import UNSET, Struct

from groundswell.connectors.action_network.hal import Resource, id_of
from groundswell.connectors.action_network.people import person_of
from groundswell.connectors.action_network.writing.outgoing import (
    ADDRESS,
    CUSTOM,
    FIELDS,
    Values,
    custom_text,
    digits_of,
)
from groundswell.places.countries import country_code
from groundswell.places.regions import region_code

HARD: Final = ("first_name", "last_name", "email", "phone")
"""What they do not rewrite: if it is not there after a write, the write did not work. The others (an address that is
geocoded [L], a language or a custom field they do not know, null [L]) may stay different, and that is how it is."""
_ZIP_PLUS_4: Final = re.compile(r"([0-9]{5})-?[0-9]{4}")


class Shown(Struct, frozen=True):
    """A person as they show them, in canonical words."""

    id: str
    values: dict[str, str]
    """Of the fields that hold something; country also where it is only their default."""
    email_status: str | None
    """Any of theirs ("bouncing", ...); None without an address."""
    phone_status: str | None
    is_located: bool
    """Whether the address holds more than their default country."""
    is_new: bool
    """Never changed since it was made, as far as the stamps show [C]."""

    @property
    def email(self) -> str | None:
        return self.values.get("email")

    @property
    def phone(self) -> str | None:
        return self.values.get("phone")

    def has_email(self, email: str | None) -> bool:
        return email is not None and is_same("email", email, self.email)

    def has_phone(self, digits: str | None) -> bool:
        return digits is not None and digits == self.phone


def shown_in(resource: Resource) -> Shown | None:
    """The person in an answer of theirs; None when it holds none, such as `{}`."""
    number = id_of(resource)
    if number is None:
        return None
    person = person_of(resource, number, UNSET)
    values = {name: value for name in FIELDS if isinstance(value := getattr(person, name), str)}
    phone = digits_of(person) or re.sub(r"\D", "", values.get("phone", ""))
    values |= {"phone": phone} if phone else {}
    is_located = any(name in values for name in ADDRESS if name != "country")
    country = _primary(resource, "postal_addresses").get("country")
    if isinstance(country, str) and country:
        values["country"] = country.upper()
    custom = resource.get("custom_fields")
    for name, value in custom.items() if isinstance(custom, dict) else ():
        text = custom_text(value)
        if text is not None:
            values[CUSTOM + name] = text
    return Shown(
        id=number,
        values=values,
        email_status=_status(resource, "email_addresses") if "email" in values else None,
        phone_status=_status(resource, "phone_numbers") if "phone" in values else None,
        is_located=is_located,
        is_new=resource.get("created_date") == resource.get("modified_date"),
    )


def differing(wanted: Mapping[str, str | None], shown: Shown) -> set[str]:
    """The names of the fields whose value is another one there."""
    return {name for name, value in wanted.items() if not is_same(name, value, shown.values.get(name))}


def to_send(wanted: Values, names: Collection[str]) -> Values:
    """The values of these fields, and with one part of an address all parts that are wanted.

    A part alone has their geocoder find the others anew, and lose what was there.
    """
    has_address = any(name in ADDRESS for name in names)
    return {name: value for name, value in wanted.items() if name in names or (has_address and name in ADDRESS)}


def is_same(name: str, wanted: str | None, there: str | None) -> bool:
    """Whether what is there is as good as what is wanted. Nothing is only as good as nothing."""
    if not wanted or not there:
        return not wanted and not there
    return wanted == there or _form(name, wanted) == _form(name, there)


def _form(name: str, value: str) -> str:
    """What two values of a field have in common that mean the same."""
    if name in ("first_name", "last_name"):
        return " ".join(value.split())
    if name.startswith(CUSTOM):
        return value.strip()
    value = " ".join(value.casefold().split())
    match name:
        case "zip":
            plus_4 = _ZIP_PLUS_4.fullmatch(value)
            return plus_4[1] if plus_4 else value.replace(" ", "")
        case "state":
            return region_code(value).casefold()
        case "country":
            return country_code(value) or value
        case "language":
            return value.partition("-")[0].partition("_")[0]
        case _:
            return value


def country_for(values: Mapping[str, str | None], shown: Shown | None, otherwise: str) -> str:
    """The country an address goes with when the record does not say: what they have, if they know where it is."""
    there = shown.values.get("country") if shown is not None and shown.is_located else None
    return values.get("country") or there or otherwise


def _status(resource: Resource, key: str) -> str | None:
    status = _primary(resource, key).get("status")
    return status if isinstance(status, str) and status else None


def _primary(resource: Resource, key: str) -> dict[str, Any]:
    """The entry they mean when they say "the" email, phone or address; {} without one."""
    entries = resource.get(key)
    found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return next((entry for entry in found if entry.get("primary") is True), found[0] if found else {})
