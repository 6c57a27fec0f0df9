"""Days as operators say them: from the beginning of one to the end of another, where they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from groundswell.config.problems import quoted
from groundswell.errors import RequestError
from groundswell.ops.requests import first_in

HERE: Final = "UTC"
ZONES: Final = (
    "UTC",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/Puerto_Rico",
)
"""Some to choose from. Any other is taken as well."""


@dataclass(frozen=True, slots=True)
class Days:
    """Some days. What is left open is None."""

    first: date | None
    last: date | None
    """Included."""
    zone: str
    since: datetime | None
    """Their first moment."""
    until: datetime | None
    """The first moment after them."""

    @property
    def words(self) -> str:
        """ "from 2026-11-01 to the end of 2026-11-07, days of America/New_York"."""
        first = "from the beginning" if self.first is None else f"from {self.first}"
        last = "until now" if self.last is None else f"to the end of {self.last}"
        where = "" if self.first is None and self.last is None else f", days of {self.zone}"
        return f"{first} {last}{where}"


def days_of(given: Mapping[str, Sequence[str]]) -> Days:
    """The days that the fields `first`, `last` and `zone` name. Raises RequestError."""
    first, last = _day(given, "first"), _day(given, "last")
    zone = first_in(given, "zone").strip() or HERE
    where = _zone(zone)
    if first is not None and last is not None and first > last:
        raise RequestError(f"the first day, {first}, is after the last, {last}; exchange them")
    try:
        since = None if first is None else _beginning(first, where)
        until = None if last is None else _beginning(last + timedelta(days=1), where)
    except OverflowError:
        raise RequestError("there is no such day; write one like 2026-11-07") from None
    return Days(first, last, zone, since, until)


def _beginning(day: date, where: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), where).astimezone(UTC)


def _day(given: Mapping[str, Sequence[str]], field: str) -> date | None:
    text = first_in(given, field).strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise RequestError(f"{quoted(text)} is not a day; write one like 2026-11-07") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # also what is a directory there, or no name of a file at all
        raise RequestError(
            f"{quoted(name)} is not a time zone known here; write one like America/New_York, or UTC"
        ) from None
