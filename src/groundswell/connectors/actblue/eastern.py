"""ActBlue's times in CSV files: what a clock in New York showed, without saying so (D, C).

In the night in November that has one hour twice, a time of that hour is taken for the first of the two, the one still
in daylight time. A time that the night in March leaves out, which no clock shows, is taken as if standard time had gone
on.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

EASTERN: Final = ZoneInfo("America/New_York")
_FORMATS: Final = ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%m/%d/%y %H:%M", "%m/%d/%y")
"""As spreadsheets write them when a file was opened and saved there."""


def moment(text: str) -> datetime | None:
    """The moment a cell shows, with its offset; None if it is no time. One that says its offset is believed."""
    found = _read(text.strip())
    return found.replace(tzinfo=EASTERN, fold=0) if found is not None and found.tzinfo is None else found


def seconds(text: str) -> float | None:
    """Seconds since 1970; None if it is no time."""
    found = moment(text)
    return None if found is None else found.timestamp()


def day(at: float) -> date:
    """The day it is in New York at this moment, seconds since 1970."""
    return datetime.fromtimestamp(at, UTC).astimezone(EASTERN).date()


def midnight(of: date) -> float:
    """When a day begins in New York, in seconds since 1970."""
    return datetime(of.year, of.month, of.day, tzinfo=EASTERN).timestamp()


def next_day(of: date, days: int = 1) -> date:
    return of + timedelta(days=days)


def _read(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for form in _FORMATS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 # the zone is given by who calls
        except ValueError:
            continue
    return None
