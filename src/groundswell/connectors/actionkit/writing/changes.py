"""What would have to be written so that a user there is as wanted: pure, from how they show a user."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from groundswell.connectors.actionkit.client import Resource
from groundswell.connectors.actionkit.times import seconds_of
from groundswell.connectors.actionkit.writing.address import ADDRESS, placed
from groundswell.connectors.actionkit.writing.paths import Texts
from groundswell.places.countries import country_code

FIELDS: Final = "fields"
_NAMES: Final = ("first_name", "last_name")
_PLACE: Final = ("address1", "address2", "city", "state", "region", "zip", "postal", "plus4", "country")
_STAMP_LENGTH: Final = 19


class Wanted(Struct, frozen=True):
    """How somebody is to be, as far as a record says."""

    known: Mapping[str, str]
    """Name and address, by canonical name; "" empties."""
    fields: Mapping[str, Texts]
    """Custom fields by their names there; "" empties."""


class Changes(Struct, frozen=True):
    """What differs."""

    values: dict[str, str]
    """Of the user itself. An address is sent as a whole: city and state follow the ZIP code there, if alone (D)."""
    fields: dict[str, Texts]
    differing: dict[str, Texts]
    """Of both, custom fields as "fields.NAME", what is not there as it is wanted: the rest of an address may be."""
    left_out: dict[str, str]
    """Canonical names of what cannot be said there, and why."""

    def __bool__(self) -> bool:
        return bool(self.values or self.fields)


def changes_of(
    user: Resource, wanted: Wanted, otherwise: str, is_given_up: Callable[[str, Texts], bool] = lambda *_: False
) -> Changes:
    """What to write, over a user as they show them; {} for somebody new.

    Args:
        otherwise: The code of the country of an address, where neither the record nor the user says.
        is_given_up: Whether a value, by its name there, was written before and not kept.
    """
    address, left_out = _address(user, wanted, otherwise)
    names = {name: wanted.known[name] for name in _NAMES if name in wanted.known}
    there = user.get(FIELDS)
    fields = there if isinstance(there, dict) else {}
    differing: dict[str, Texts] = {
        name: value
        for name, value in (names | address).items()
        if not is_same(name, value, user.get(name)) and not is_given_up(name, value)
    }
    custom = {
        name: texts
        for name, texts in wanted.fields.items()
        if not is_same_field(texts, fields.get(name)) and not is_given_up(f"{FIELDS}.{name}", texts)
    }
    has_moved = any(name in address for name in differing)
    values = {name: value for name, value in names.items() if name in differing} | (address if has_moved else {})
    return Changes(values, custom, differing | {f"{FIELDS}.{name}": texts for name, texts in custom.items()}, left_out)


def body_of(user: Resource, changes: Changes) -> dict[str, Any]:
    """What PATCH is sent. `fields` go with all that are there: those left out might be taken away (C)."""
    body: dict[str, Any] = dict(changes.values)
    if changes.fields:
        there = user.get(FIELDS)
        body[FIELDS] = (there if isinstance(there, dict) else {}) | changes.fields
    return body


def is_same(name: str, wanted: str, there: Any) -> bool:
    """Whether what is there is as good as what is wanted. Nothing is only as good as nothing."""
    wanted, found = " ".join(wanted.split()), " ".join(there.split()) if isinstance(there, str) else ""
    if not wanted or not found:
        return wanted == found
    if name == "country":
        wanted, found = country_code(wanted) or wanted, country_code(found) or found
    return wanted == found if name in _NAMES else wanted.casefold() == found.casefold()


def is_same_field(wanted: Texts, there: Any) -> bool:
    """Texts, in their order; times by the second, as they drop zones and fractions (W)."""
    ours, theirs = _texts(wanted), _texts(there)
    return len(ours) == len(theirs) and all(a == b or _is_same_time(a, b) for a, b in zip(ours, theirs, strict=True))


def _address(user: Resource, wanted: Wanted, otherwise: str) -> tuple[dict[str, str], dict[str, str]]:
    known = {name: wanted.known[name] for name in ADDRESS if name in wanted.known}
    there = user.get("country")
    # Everybody has a country there, asked for or not: it says something only beside an address.
    is_located = any(user.get(name) for name in _PLACE if name != "country")
    code = country_code(there) if isinstance(there, str) and there and is_located else None
    address = placed(known, code or otherwise)
    values = dict(address.values)
    # Who moved abroad has no ZIP code and no state any more.
    if values.get("postal"):
        values |= {"zip": "", "plus4": ""}
    if values.get("region"):
        values |= {"state": ""}
    return values, address.left_out


def _texts(value: Any) -> list[str]:
    many = value if isinstance(value, list) else [] if value is None else [value]
    return [text for one in many if (text := str(one).strip())]


def _is_same_time(wanted: str, there: str) -> bool:
    if min(len(wanted), len(there)) < _STAMP_LENGTH:
        return False
    seconds = seconds_of(wanted)
    return seconds is not None and seconds == seconds_of(there)
