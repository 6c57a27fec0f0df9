"""What each field of a record can hold, and how any JSON value becomes that."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from msgspec import UNSET, UnsetType

from groundswell.record import KINDS, utc_stamp
from groundswell.transforms.paths import Holds

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?")
_MILLISECONDS_FROM: Final = 100_000_000_000
"""Numbers from here on are milliseconds since 1970 (from March 1973), smaller ones seconds (until the year 5138)."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGER_BITS_MAX: Final = 4096
"""Python refuses to write out integers of more than 4,300 digits; nobody means one that long."""


def fit(value: Any, holds: Holds) -> Any:
    """A known value as a field that holds `holds` keeps it. "" is None, known to be empty.

    Raises:
        ValueError: such a field cannot hold this; the message says why and never shows the value.
    """
    return _FITTERS[holds](None if value == "" else value)


def plain_text(value: Any) -> str:
    """One value as text, as a person would write it: 1 is "1", 2.50 is "2.5", true is "true".

    Raises:
        ValueError: it is a list or an object.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() <= _INTEGER_BITS_MAX:
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    raise ValueError(f"is {_described(value)}, not one text")


def number(value: Any) -> Decimal | None:
    """The number a value is or spells ("25.00"), exactly; None when it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    return None


def moment(value: Any) -> datetime | None:
    """The moment a value names; None when it names none. UTC where no zone is given.

    RFC 3339, a date (its first second), or a number: seconds since 1970, or milliseconds when it is that large.
    """
    try:
        if isinstance(value, str) and value[4:5] == "-":  # not 20260502, which may be anything
            read = datetime.fromisoformat(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else value
            read = _EPOCH + timedelta(seconds=seconds)
        else:
            return None
        aware = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return aware if aware.year >= 1000 else None  # earlier years have no RFC 3339 form everywhere


def _described(value: Any) -> str:
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    return "a number too large to write out" if isinstance(value, int | float) else f"a {type(value).__name__}"


def _text(value: Any) -> str | None:
    return None if value is None else plain_text(value)


def _id(value: Any) -> str | UnsetType:
    """There are no empty ids: an empty one is unknown."""
    return UNSET if value is None else plain_text(value)


def _opt_in(value: Any) -> bool | str | None:
    """Words and numbers stay as text until `normalise_opt_in` has read them."""
    return value if value is None or isinstance(value, bool) else plain_text(value)


def _anything(value: Any) -> Any:
    return value


def _kind(value: Any) -> str:
    if value not in KINDS:
        raise ValueError(f"is not a kind of record; there are {', '.join(KINDS)}")
    return str(value)


def _moment(value: Any) -> str | None:
    if value is None:
        return None
    read = moment(value)
    if read is None:
        raise ValueError('is not a moment; give RFC 3339 such as "2026-05-02T11:00:09Z", a date, or seconds since 1970')
    return utc_stamp(read)


def _flag(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "false": False, "0": False}
    word = plain_text(value).strip().lower()
    if word not in words:
        raise ValueError("is neither true nor false")
    return words[word]


def _tags(value: Any) -> list[str]:
    """A list of texts; one text is a list of one, and nothing is an empty list."""
    items = value if isinstance(value, list) else [value]
    return [text for text in (_text(item) for item in items) if text]


_FITTERS: Final[dict[Holds, Callable[[Any], Any]]] = {
    "text": _text,
    "id": _id,
    "opt_in": _opt_in,
    "anything": _anything,
    "tags": _tags,
    "kind": _kind,
    "moment": _moment,
    "flag": _flag,
}
