"""A record as whoever debugs may see it: which fields are there, empty or absent, and of what kind; nobody's data.

What is shown as it is, is named here (`_SHOWN`); all else is described. So is a field that nobody thought of.
"""

import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final

import msgspec

from groundswell.logs import mask
from groundswell.members.words import consent_in
from groundswell.record import Record, to_json

ID_MAX: Final = 200
NAME_MAX: Final = 64
ENTRIES_MAX: Final = 50
"""Of a list or an object; of the rest it is said how many there are."""
DEPTH_MAX: Final = 8
"""Of what vendors and staff made up; what is deeper is only called nested."""

Json = dict[str, Any]


def masked(record: Record) -> Json:
    """The record as JSON values, described. Its ids, kind, time, opt-ins and amounts stay."""
    whole: Json = msgspec.json.decode(to_json(record))
    return {name: _masked(value, _SHOWN.get(name)) for name, value in whole.items()}


def described(value: Any, depth: int = 0) -> Any:
    """A value's kind and size: "text(5)", "email(16)", "E.164(12)", "digits(5)"; empty is empty, and yes is yes."""
    match value:
        case None | bool():
            return value
        case str():
            return f"{_kind_of(value)}({len(value)})"
        case int() | float():
            return "number"
        case _ if depth == DEPTH_MAX:
            return "nested"
        case Mapping():
            found = {_name(name): described(one, depth + 1) for name, one in islice(value.items(), ENTRIES_MAX)}
            return found if len(value) <= ENTRIES_MAX else {**found, "...": _more(value)}
    ones = [described(one, depth + 1) for one in value[:ENTRIES_MAX]]
    return ones if len(value) <= ENTRIES_MAX else [*ones, _more(value)]


def _kind_of(text: str) -> str:
    if text.isascii() and text.isdigit():
        return "digits"
    if _E164.fullmatch(text):
        return "E.164"
    return "email" if _EMAIL.fullmatch(text) else "text"


def _more(value: Any) -> str:
    return f"{len(value) - ENTRIES_MAX} more"


def _name(name: str) -> str:
    """What a field is called: by staff as a rule, by whoever sends to a webhook at worst."""
    is_plain = len(name) <= NAME_MAX and name.isprintable() and mask(name) == name
    return name if is_plain else str(described(name))


# ---- what is shown as it is ----


def _is_id(value: Any) -> bool:
    """A number somebody's system gave, with nothing in it that is known to be about a person."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None and mask(value) == value


def _is_opt_in(value: Any) -> bool:
    """Yes, no, or a word that is known to mean one of them; any other may be anything."""
    return isinstance(value, bool) or (isinstance(value, str) and consent_in(value) != "unknown")


def _fits(pattern: str) -> Callable[[Any], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_ID: Final = re.compile(rf"[\w:/@.~#|=+,-]{{1,{ID_MAX}}}", re.ASCII)
_is_code: Final = _fits(r"[A-Za-z][A-Za-z_]{0,31}")
_is_moment: Final = _fits(r"\d{4}-\d\d-\d\dT[\d:.]{5,15}(?:Z|[+-]\d\d:\d\d)")
_is_amount: Final = _fits(r"-?\d{1,12}(?:\.\d{1,4})?")

Shown = Callable[[Any], bool] | Mapping[str, Any]
"""Whether a value is shown, or the same for the fields in it; "*" is every field."""

_SHOWN: Final[Mapping[str, Shown]] = {
    "id": _is_id,
    "kind": _is_code,
    "source": lambda _: True,  # the name of a component of ours
    "occurred_at": _is_moment,
    "person": {"sms_opt_in": _is_opt_in, "email_opt_in": _is_opt_in, "ids": {"*": _is_id}},
    "action": {"type": _is_code, "page": {"id": _is_id, "type": _is_code}},
    "donation": {
        "amount": _is_amount,
        "currency": _is_code,
        "period": _is_code,
        "order_id": _is_id,
        "lineitem_id": _is_id,
    },
    "group": {"id": _is_id, "type": _is_code},
}


def _masked(value: Any, shown: Shown | None) -> Any:
    if callable(shown):
        return value if value is None or shown(value) else described(value)
    if shown is not None and isinstance(value, Mapping):
        return {_name(name): _masked(part, shown.get(name, shown.get("*"))) for name, part in value.items()}
    return described(value)
