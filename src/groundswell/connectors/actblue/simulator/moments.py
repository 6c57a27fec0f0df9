"""Moments on ActBlue's wall clock, which is that of US Eastern time."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

EASTERN: Final = ZoneInfo("America/New_York")
_SECOND: Final = timedelta(seconds=1)


def with_offset(moment: datetime) -> str:
    """As webhooks have it: "2026-08-03T09:14:07-04:00"."""
    return moment.astimezone(EASTERN).isoformat()


def wall_time(moment: datetime) -> str:
    """As the CSVs have it, where nothing tells one 01:30 of a November night from the other: "2026-08-03 09:14:07"."""
    return moment.astimezone(EASTERN).strftime("%Y-%m-%d %H:%M:%S")


def wall_day(moment: datetime | None) -> str:
    return moment.astimezone(EASTERN).strftime("%Y-%m-%d") if moment is not None else ""


def months_later(moment: datetime, months: int) -> datetime:
    """The same time of the same day so many months on, or of the last day if the month is too short."""
    here = moment.astimezone(EASTERN)
    years, month = divmod(here.month - 1 + months, 12)
    year = here.year + years
    day = min(here.day, monthrange(year, month + 1)[1])
    return here.replace(year=year, month=month + 1, day=day).astimezone(UTC)


def weeks_later(moment: datetime, weeks: int) -> datetime:
    """The same time of the same weekday so many weeks on."""
    return (moment.astimezone(EASTERN) + timedelta(weeks=weeks)).astimezone(UTC)


def edges(since: datetime, until: datetime) -> list[datetime]:
    """Moments at which readers go wrong: around the first of each month here and in UTC, around changes of the clocks.

    At a change: the seconds beside it, and in autumn both moments that the clocks call 01:30.
    """
    found: list[datetime] = []
    for change in _changes(since, until):
        found += [change - _SECOND, change]
        if change.astimezone(EASTERN).utcoffset() == timedelta(hours=-5):
            found += [change - timedelta(minutes=30), change + timedelta(minutes=30)]
    for year, month in _months(since, until):
        for first in (datetime(year, month, 1, tzinfo=EASTERN).astimezone(UTC), datetime(year, month, 1, tzinfo=UTC)):
            found += [first - _SECOND, first]
    return [moment for moment in found if since <= moment < until]


def _months(since: datetime, until: datetime) -> Iterator[tuple[int, int]]:
    year, month = since.year, since.month
    while (year, month) <= (until.year, until.month):
        yield year, month
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _changes(since: datetime, until: datetime) -> Iterator[datetime]:
    """The first second after each change of the clocks; they change on full hours."""
    hour = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    before = hour.astimezone(EASTERN).utcoffset()
    while hour < until:
        hour += timedelta(hours=1)
        now = hour.astimezone(EASTERN).utcoffset()
        if now != before:
            yield hour
        before = now
