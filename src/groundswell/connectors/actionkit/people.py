"""A user of theirs as a canonical person."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import UNSET, UnsetType

from groundswell.connectors.actionkit.uris import id_at
from groundswell.places.countries import country_code
from groundswell.record import Person, Text

User = Mapping[str, Any]

PHONE_TYPES: Final = ("mobile", "home", "work", "emergency")
"""Numbers one can call, in the order in which one of them becomes the person's `phone`; the others are faxes (D)."""
EMAIL_OPT_IN: Final[dict[Any, bool]] = {"subscribed": True, "unsubscribed": False}
"""`bounced`, `never` and `blocked` are nothing the person said (D); they are kept under `custom`."""
_BESIDES: Final = ("prefix", "middle_name", "suffix", "source")
"""What records have no field for; kept under `custom` unless a user field has that name."""


def person_of(user: Any, number: str | None = None) -> Person:
    """Who it is. A key that is not there is unknown, as a push may leave it out; one that is empty is known to be so.

    Phones are known where they stand in the user as objects: `GET user` has only their addresses (W), and `poll.py`
    puts them in. Words of custom fields stay as they are, opt-ins too: `normalise_opt_in` reads them.

    Args:
        number: Theirs for this user, where the object does not say.
    """
    if not isinstance(user, dict):
        return Person(ids={"actionkit": number} if number else {})
    number = user_number(user) or number
    phones = user.get("phones")
    return Person(
        first_name=text_of(user, "first_name"),
        last_name=text_of(user, "last_name"),
        email=text_of(user, "email"),
        phone=_phone_of(phones),
        address1=text_of(user, "address1"),
        address2=text_of(user, "address2"),
        city=text_of(user, "city"),
        state=either_of(user, "state", "region"),
        zip=either_of(user, "zip", "postal"),
        country=country_of(user),
        email_opt_in=EMAIL_OPT_IN.get(text_of(user, "subscription_status"), UNSET),
        custom=_custom_of(user, phones),
        ids={"actionkit": number} if number else {},
    )


def user_number(user: User) -> str | None:
    """Their number of a user."""
    number = user.get("id")
    return str(number) if isinstance(number, int | str) and number else id_at(user.get("resource_uri"))


def text_of(thing: Mapping[str, Any], name: str) -> Text:
    """A text of theirs: UNSET where the key is missing, None where it is empty."""
    value = thing.get(name, UNSET)
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None if value is None else UNSET


def either_of(thing: Mapping[str, Any], name: str, other: str) -> Text:
    """US addresses have `state` and `zip`, others `region` and `postal`; some rows have both (W)."""
    first = text_of(thing, name)
    return first or text_of(thing, other) or first


def country_of(thing: Mapping[str, Any]) -> Text:
    """They write English names (C); a code where it is sure, else what they wrote."""
    country = text_of(thing, "country")
    return country_code(country) or country if isinstance(country, str) else country


def _phone_of(phones: Any) -> Text:
    """The best number, as it was typed: which country it is from, they do not say, and `normalise_phone` decides."""
    if not isinstance(phones, list):
        return UNSET
    if any(not isinstance(phone, dict) for phone in phones):
        return UNSET
    known = dict(_phones_by_type(phones))
    return next((known[type_][-1] for type_ in PHONE_TYPES if type_ in known), None)


def _phones_by_type(phones: Any) -> Iterator[tuple[str, list[str]]]:
    """(type, numbers), the newest last. There may be several of a type (W)."""
    found: dict[str, list[str]] = {}
    objects = [phone for phone in phones if isinstance(phone, dict)] if isinstance(phones, list) else []
    for phone in sorted(objects, key=_age):
        number, type_ = text_of(phone, "phone") or text_of(phone, "normalized_phone"), text_of(phone, "type")
        if isinstance(number, str) and isinstance(type_, str):
            found.setdefault(type_.lower(), []).append(number)
    yield from found.items()


def _age(phone: Mapping[str, Any]) -> tuple[str, int]:
    number = phone.get("id")
    return str(phone.get("updated_at") or "")[:19], number if isinstance(number, int) else 0


def _custom_of(user: User, phones: Any) -> dict[str, Any]:
    custom = without_gaps(user.get("fields"))
    besides: dict[str, Any] = {}
    for name in _BESIDES:
        besides[name] = text_of(user, name)
    for type_, numbers in _phones_by_type(phones):
        besides[f"{type_}_phone"] = numbers[0] if len(numbers) == 1 else numbers
    groups = user.get("groups")
    if isinstance(groups, list):
        besides["usergroups"] = [one["name"] for one in groups if isinstance(one, dict) and one.get("name")]
    status = text_of(user, "subscription_status")
    if status not in EMAIL_OPT_IN:
        besides["subscription_status"] = status
    for name, value in besides.items():
        if value is not UNSET and value not in (None, []):
            custom.setdefault(name, value)
    return custom


def without_gaps(fields: Any) -> dict[str, Any]:
    """Custom fields: texts, or lists of texts where a name is there more than once (W). Empty ones are left out."""
    if isinstance(fields, list):  # of events: one entry for each, and names may repeat (W)
        fields = _from_entries(fields)
    if not isinstance(fields, dict):
        return {}
    return {str(name): value for name, value in fields.items() if value not in ("", None, [])}


def _from_entries(entries: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in entries:
        if isinstance(entry, dict) and isinstance(name := entry.get("name"), str):
            value, there = entry.get("value"), found.get(name)
            if there is None:
                found[name] = value
            else:
                found[name] = [*there, value] if isinstance(there, list) else [there, value]
    return found


def flag_of(thing: Mapping[str, Any], name: str) -> bool | UnsetType:
    """True, False, or UNSET where it says neither."""
    value = thing.get(name)
    return value if isinstance(value, bool) else UNSET
