"""`?filter=`: what can be asked, and whether something fits.

`field eq|gt|lt 'value'`, several joined by `and`. `gt` and `lt` are strict, and dates have whole seconds. Dates are
`YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SSZ`; anything else has been refused since 2024 (seen live). Which fields a collection
takes: actionnetwork.org/docs/v2, as of 2026-08-05. `and` is not documented, but works (seen live).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal

from msgspec import Struct

from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour

Operator = Literal["eq", "gt", "lt"]
FieldKind = Literal["text", "date", "email"]
Fields = Mapping[str, FieldKind]

RECORD_FIELDS: Final[Fields] = {"identifier": "text", "created_date": "date", "modified_date": "date"}
PAGE_FIELDS: Final[Fields] = {**RECORD_FIELDS, "origin_system": "text", "title": "text"}
EVENT_FIELDS: Final[Fields] = {**PAGE_FIELDS, "start_date": "date", "end_date": "date"}
PEOPLE_FIELDS: Final[Fields] = {
    **RECORD_FIELDS,
    "family_name": "text",
    "given_name": "text",
    "email_address": "email",
    "phone_number": "text",
    "region": "text",
    "postal_code": "text",
}

_WORDS: Final = re.compile(
    r"\s*(?P<field>[A-Za-z_]+)\s+(?P<operator>eq|gt|lt)\s+(?P<value>'(?:[^'\\]|''|\\.)*'|[^'\s]+)\s*(?P<rest>and\s|$)"
)
_RAW_APOSTROPHE: Final = re.compile(
    r"\s*(?P<field>[A-Za-z_]+)\s+(?P<operator>eq|gt|lt)\s+(?P<value>'.*?')\s*(?P<rest>and\s|$)"
)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT: Final = re.compile(_DAY.pattern + r"T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class FilterError(Exception):
    """It is no filter for this collection; the message says why, without the value."""


class Condition(Struct, frozen=True):
    """One comparison. `value` is seconds for a date, a text otherwise; an email is in lower case."""

    field: str
    operator: Operator
    value: str | int

    def fits(self, value: str | int | None) -> bool:
        if value is None or type(value) is not type(self.value):
            return False
        match self.operator:
            case "eq":
                return value == self.value
            case "gt":
                return value > self.value  # type: ignore[operator]
            case "lt":
                return value < self.value  # type: ignore[operator]


def read_filter(text: str, fields: Fields, behaviour: Behaviour) -> tuple[Condition, ...]:
    """The conditions of a filter, all of which must hold.

    Raises:
        FilterError: it cannot be understood.
    """
    words = _RAW_APOSTROPHE if "raw" in behaviour.apostrophes else _WORDS
    conditions = []
    position = 0
    while True:
        match = words.match(text, position)
        if match is None:
            raise FilterError("it is not written as field eq|gt|lt 'value'")
        kind = fields.get(match["field"])
        if kind is None:
            raise FilterError(f"{match['field']} cannot be filtered by here")
        conditions.append(Condition(match["field"], match["operator"], _value(match["value"], kind, behaviour)))  # type: ignore[arg-type]
        position = match.end()
        if not match["rest"]:
            return tuple(conditions)


def _value(written: str, kind: FieldKind, behaviour: Behaviour) -> str | int:
    if not written.startswith("'"):
        if kind == "date" and behaviour.takes_unquoted_dates:
            return _date(written)
        raise FilterError("the value is not in single quotes")
    if kind == "date":
        return _date(written[1:-1])
    value = _unescaped(written[1:-1], behaviour)
    return value.lower() if kind == "email" else value


def _unescaped(value: str, behaviour: Behaviour) -> str:
    if "doubled" in behaviour.apostrophes:
        value = value.replace("''", "\0")
    if "backslash" in behaviour.apostrophes:
        value = value.replace("\\'", "\0")
    if "'" in value and "raw" not in behaviour.apostrophes:
        raise FilterError("there is an apostrophe in the value")
    return value.replace("\0", "'")


def _date(value: str) -> int:
    form = "%Y-%m-%d" if _DAY.fullmatch(value) else "%Y-%m-%dT%H:%M:%SZ"
    if form != "%Y-%m-%d" and not _MOMENT.fullmatch(value):
        raise FilterError("a date is written 2024-03-25 or 2024-03-25T15:26:45Z")
    try:
        return int(datetime.strptime(value, form).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise FilterError("there is no such date") from None
