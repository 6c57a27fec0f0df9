"""A person as the simulator keeps them, and as the API shows them."""

from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

Json = dict[str, Any]

SUBSCRIBED: Final = "subscribed"
UNSUBSCRIBED: Final = "unsubscribed"
WRITABLE_STATUSES: Final = frozenset((SUBSCRIBED, UNSUBSCRIBED))
"""The others (bouncing, spam complaint, ...) come from what happens to the mail, never from a caller."""

_RECORDS: Final = (
    ("osdi:attendances", "attendances"),
    ("osdi:signatures", "signatures"),
    ("osdi:submissions", "submissions"),
    ("osdi:donations", "donations"),
    ("osdi:outreaches", "outreaches"),
    ("osdi:taggings", "taggings"),
    ("action_network:responses", "responses"),
)


class Address(Struct, frozen=True):
    """The one postal address of a person, or the place of an event. "" where nothing is known."""

    line: str = ""
    locality: str = ""
    region: str = ""
    """ISO 3166-2 without the country, such as "OR"."""
    postal_code: str = ""
    country: str = "US"
    latitude: float | None = None
    longitude: float | None = None
    accuracy: str | None = None
    """"Rooftop" or "Approximate"; None where the geocoder found nothing."""


class Person(Struct, frozen=True):
    """One version of one record. A change makes a new one: what lists still show is an old one."""

    number: int
    """Of the record within the simulator; the API knows only `uuid`."""
    uuid: str
    created: int
    modified: int
    """Both in whole seconds since 1970, as fine as their stamps are."""
    given_name: str = ""
    family_name: str = ""
    email: str | None = None
    """As it was written; compared in lower case."""
    email_status: str = SUBSCRIBED
    phone: str | None = None
    """Digits with the country code."""
    phone_status: str = UNSUBSCRIBED
    address: Address | None = None
    language: str = "en"
    custom: dict[str, str] = {}
    identifiers: tuple[str, ...] = ()
    """Foreign ones, such as "memberdb:4471"."""

    @property
    def is_mobile_only(self) -> bool:
        return self.email is None


def shown_person(person: Person, api: str) -> Json:
    """The person as `GET people/UUID` shows them; empty fields are left out, not null.

    A record without a phone or an address still has one entry for it, and so, here, has a mobile-only record for its
    missing email: clients take the first entry without looking (documentation's samples, as of 2026-08-05; n8n's node).
    """
    own = f"action_network:{person.uuid}"
    foreign = person.identifiers
    # Ours is not always the first (seen in a recorded answer).
    shown: Json = {
        "identifiers": [*foreign, own] if person.number % 2 else [own, *foreign],
        "created_date": stamp(person.created),
        "modified_date": stamp(person.modified),
    }
    if person.given_name:
        shown["given_name"] = person.given_name
    if person.family_name:
        shown["family_name"] = person.family_name
    shown["email_addresses"] = [_email(person)]
    shown["phone_numbers"] = [_phone(person)]
    shown["postal_addresses"] = [{"primary": True, **_address(person)}]
    shown["languages_spoken"] = [person.language]
    if person.custom:
        shown["custom_fields"] = person.custom
    href = f"{api}/people/{person.uuid}"
    shown["_links"] = {"self": {"href": href}} | {name: {"href": f"{href}/{word}"} for name, word in _RECORDS}
    return shown


def shown_address(address: Address) -> Json:
    """An address as people and events carry it."""
    shown: Json = {}
    if address.line:
        shown["address_lines"] = [address.line]
    if address.locality:
        shown["locality"] = address.locality
    shown["region"] = address.region
    if address.postal_code:
        shown["postal_code"] = address.postal_code
    shown["country"] = address.country
    shown["location"] = {
        "latitude": address.latitude,
        "longitude": address.longitude,
        "accuracy": address.accuracy,
    }
    return shown


def stamp(seconds: int) -> str:
    """A moment as they write it: UTC, whole seconds, `Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _email(person: Person) -> Json:
    if person.email is None:
        return {"primary": True, "status": UNSUBSCRIBED}
    return {"primary": True, "address": person.email, "status": person.email_status}


def _phone(person: Person) -> Json:
    shown: Json = {"primary": True}
    if person.phone is not None:
        shown["number"] = person.phone
    shown["number_type"] = "Mobile"
    shown["status"] = person.phone_status if person.phone is not None else UNSUBSCRIBED
    return shown


def _address(person: Person) -> Json:
    if person.address is None:
        return {
            "region": "",
            "country": "US",
            "location": {"latitude": None, "longitude": None, "accuracy": None},
        }
    return shown_address(person.address) | {"language": person.language}
