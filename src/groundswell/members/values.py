"""When two values of a field say the same: letters, spaces and spellings that mean nothing are put aside."""

from collections.abc import Callable
from typing import Final

from groundswell.places.countries import country_code
from groundswell.places.regions import region_code
from groundswell.places.zips import US_ZIP

_BOOLEANS: Final = {"true", "false"}


def normal(field: str, value: str | None) -> str | None:
    """The value in normal form, to be compared; None where there is nothing. `field`: by canonical name."""
    if value is None:
        return None
    text = " ".join(value.split())
    if not text:
        return None
    make = _FORMS.get(field)
    if make is not None:
        return make(text)
    return text.casefold() if text.casefold() in _BOOLEANS else text


def is_same(field: str, one: str | None, other: str | None) -> bool:
    return one == other or normal(field, one) == normal(field, other)


def _zip(text: str) -> str:
    """ZIP+4 is the same ZIP code; "K1A 0B1" is "k1a0b1"."""
    match = US_ZIP.fullmatch(text)
    return match[1] if match else text.replace(" ", "").casefold()


def _country(text: str) -> str:
    return country_code(text) or text.casefold()


def _state(text: str) -> str:
    return region_code(text).casefold()


_FORMS: Final[dict[str, Callable[[str], str]]] = {
    "email": str.casefold,
    "city": str.casefold,
    "address1": str.casefold,
    "address2": str.casefold,
    "language": str.casefold,
    "zip": _zip,
    "country": _country,
    "state": _state,
}
