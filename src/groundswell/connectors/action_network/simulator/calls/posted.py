"""What a caller sent about a person, read as leniently as theirs is: what cannot be used is passed over in silence."""

import re
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from groundswell.connectors.action_network.simulator.state.person import WRITABLE_STATUSES, Json

_EMAIL: Final = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[A-Za-z]{2,}")
_LANGUAGES: Final = frozenset(
    ("ar", "de", "en", "es", "fr", "he", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "so", "sv", "tl", "vi", "zh")
)
_DIGITS_MIN: Final = 8
_DIGITS_MAX: Final = 15

Sent = str | None | UnsetType
"""None: null was sent, to empty the field. UNSET: it was not sent."""


class Posted(Struct, frozen=True):
    given_name: Sent = UNSET
    family_name: Sent = UNSET
    email: str | UnsetType = UNSET
    has_bad_email: bool = False
    """An address was sent that is none."""
    email_status: str | UnsetType = UNSET
    """Also without an address."""
    phone: str | UnsetType = UNSET
    """Digits with the country code."""
    phone_status: str | UnsetType = UNSET
    address: dict[str, Any] | UnsetType = UNSET
    language: str | UnsetType = UNSET
    custom: dict[str, str | None] = {}
    identifiers: tuple[str, ...] = ()


def read_person(body: Any) -> Posted:
    """The fields of a person, as in `{"person": THIS}` or in the body of a PUT."""
    if not isinstance(body, dict):
        return Posted()
    email, phone = _entry(body, "email_addresses"), _entry(body, "phone_numbers")
    address = email.get("address")
    is_email = isinstance(address, str) and _EMAIL.fullmatch(address.strip()) is not None
    places = body.get("postal_addresses")
    custom = body.get("custom_fields")
    return Posted(
        given_name=_text(body, "given_name"),
        family_name=_text(body, "family_name"),
        email=str(address).strip() if is_email else UNSET,
        has_bad_email=bool(address) and not is_email,
        email_status=_status(email),
        phone=_digits(phone.get("number")),
        phone_status=_status(phone),
        address=_entry(body, "postal_addresses") if isinstance(places, list) and places else UNSET,
        language=_language(body.get("languages_spoken")),
        custom={name: _custom_value(value) for name, value in custom.items()} if isinstance(custom, dict) else {},
        identifiers=read_identifiers(body),
    )


def read_identifiers(body: Json) -> tuple[str, ...]:
    """Foreign ones; their own cannot be set."""
    sent = body.get("identifiers")
    if not isinstance(sent, list):
        return ()
    return tuple(one for one in sent if isinstance(one, str) and ":" in one and not one.startswith("action_network:"))


def _entry(body: Json, key: str) -> dict[str, Any]:
    """The primary entry, else the first: they keep one of each."""
    entries = body.get(key)
    found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return next((entry for entry in found if entry.get("primary") is True), found[0] if found else {})


def _text(body: Json, key: str) -> Sent:
    if key not in body:
        return UNSET
    value = body[key]
    return value.strip() or None if isinstance(value, str) else None


def _status(entry: dict[str, Any]) -> str | UnsetType:
    status = entry.get("status")
    return status if status in WRITABLE_STATUSES else UNSET


def _digits(number: Any) -> str | UnsetType:
    """Ten digits are taken for a number of North America (I). What is no number is dropped."""
    digits = re.sub(r"[^0-9]", "", str(number)) if isinstance(number, str | int) else ""
    if len(digits) == 10:
        digits = f"1{digits}"
    return digits if _DIGITS_MIN <= len(digits) <= _DIGITS_MAX else UNSET


def _language(languages: Any) -> str | UnsetType:
    """The first they know."""
    known = languages if isinstance(languages, list) else ()
    return next((one for one in known if isinstance(one, str) and one in _LANGUAGES), UNSET)


def _custom_value(value: Any) -> str | None:
    """Values are texts; a ticked box is "1"."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return None if value is None else str(value)
