"""ActBlue's values, one at a time: texts, amounts, moments, flags.

A key that is not there is unknown (UNSET), null and "" are known to be empty (None). Numbers with a point come here as
`Decimal`, never as floats.
"""

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from msgspec import UNSET, UnsetType

from groundswell.connectors.actblue.eastern import EASTERN
from groundswell.errors import RecordError
from groundswell.record import Text, utc_stamp

AMOUNT_BELOW: Final = Decimal(100_000_000)
"""Dollars. Nobody gives so much in one payment: such a number is a mistake."""
PLACES_MAX: Final = 6
_AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{0,12})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE
)
_FRACTION: Final = re.compile(r"\.\d+")
_WHOLE: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_NUMBER: Final = re.compile(r"0*([1-9][0-9]{0,17})", re.ASCII)
_FLAGS: Final = {"true": True, "false": False}


def exact(number: str) -> Any:
    """A JSON number with a point or an exponent, as it is written. What no `Decimal` can hold stays text."""
    try:
        return Decimal(number)
    except InvalidOperation:
        return number


def text_of(value: Any) -> Text:
    """A text without the spaces around it; a number as text; lists, objects and flags are unknown."""
    if type(value) is str:
        return value.strip() or None
    if value is None:
        return None
    return str(value) if type(value) is int or type(value) is Decimal else UNSET


def amount_of(value: Any) -> Text:
    """Dollars as records carry them: "5.0", 5, "5.00" and 0.5e1 are all "5.00".

    Raises:
        RecordError: reason `bad_amount`; it is not a number, or below zero, or no amount anybody gives.
    """
    if value is UNSET or value is None:
        return value
    if value == "":
        return None
    amount = _decimal_of(value)
    if amount is None:
        raise RecordError(
            f'its amount is not a number of dollars such as "25.00", from nothing to below {AMOUNT_BELOW}, with at '
            f"most {PLACES_MAX} decimal places; nothing was guessed",
            reason="bad_amount",
        )
    return amount


def side_amount_of(value: Any) -> Any:
    """An amount that is only kept: written like the others where it is one, else as it came."""
    text = _decimal_of(value)
    return plain(value) if text is None else text


def moment_of(value: Any) -> Text:
    """A moment as records carry it; without an offset it is US Eastern time.

    Of the hour that comes twice in November the first is taken.

    Raises:
        RecordError: reason `bad_time`; it is no moment.
    """
    if value is UNSET or value is None:
        return value
    if value == "":
        return None
    if not isinstance(value, str) or not _MOMENT.fullmatch(value.strip()):
        raise _no_moment()
    try:
        moment = datetime.fromisoformat(_FRACTION.sub("", value.strip().upper()))
        return utc_stamp(moment if moment.tzinfo else moment.replace(tzinfo=EASTERN))
    except (ValueError, OverflowError):
        raise _no_moment() from None


def side_moment_of(value: Any) -> Any:
    """A moment that is only kept: written like the others where it is one, else as it came."""
    try:
        return moment_of(value)
    except RecordError:
        return plain(value)


def flag_of(value: Any) -> bool | UnsetType | None:
    """true, false, or either as text; None where it is empty, UNSET where it says nothing."""
    if isinstance(value, bool) or value is None:
        return value
    return _FLAGS.get(value.strip().lower(), UNSET) if isinstance(value, str) else UNSET


def side_flag_of(value: Any) -> Any:
    """A flag that is only kept: true or false where it is one, else as it came."""
    flag = flag_of(value)
    return plain(value) if flag is UNSET else flag


def side_number_of(value: Any) -> Any:
    """A number that is only kept: a whole one where it is one, else as it came ("infinite")."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    return plain(value)


def side_text_of(value: Any) -> Any:
    """A text, or a number as text, that is only kept."""
    text = text_of(value)
    return plain(value) if text is UNSET else text


def plain(value: Any) -> Any:
    """The value with None for "" and text for decimals, also inside lists and objects."""
    match value:
        case "":
            return None
        case Decimal():
            return str(value)
        case list():
            return [plain(each) for each in value]
        case dict():
            return {name: plain(each) for name, each in value.items()}
        case _:
            return value


def _decimal_of(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    text = str(value).strip()
    # Looked at as text first: 1e999999999 is a number, and written out it would fill the memory.
    if not _AMOUNT.fullmatch(text):
        return None
    amount = Decimal(text)
    if amount >= AMOUNT_BELOW:
        return None
    exponent = amount.normalize().as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else PLACES_MAX + 1
    if places > PLACES_MAX:
        return None
    return f"{amount:.{max(places, 2)}f}"


def number_of(value: Any) -> str | None:
    """One of their numbers as it stands in an id. Digits only: "null" or "n/a" would make many gifts one."""
    if type(value) is int:
        value = str(value)
    match = _NUMBER.fullmatch(value.strip()) if type(value) is str else None
    return match[1] if match else None


def _no_moment() -> RecordError:
    return RecordError("its time is not one such as 2026-08-03T09:14:11-04:00; nothing was guessed", reason="bad_time")
