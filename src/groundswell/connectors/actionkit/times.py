"""ActionKit's times: UTC without saying so, with 0 to 6 digits of a second.

The same moment has microseconds in the answer to a POST and whole seconds in a GET (W), so moments are compared by the
second, never as they are written.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from groundswell.record import utc_stamp


def seconds_of(stamp: Any) -> int | None:
    """Whole seconds since 1970; None if it is no time. SQL reports write a blank instead of the T (C)."""
    if not isinstance(stamp, str):
        return None
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() // 1)


def seconds_of_date(header: str) -> float | None:
    """What time it is there, by the `Date` of an answer; None if it says none."""
    try:
        moment = parsedate_to_datetime(header)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def stamp_of(stamp: Any) -> str | None:
    """As records carry it: "2026-05-02T11:00:09Z"."""
    seconds = seconds_of(stamp)
    return None if seconds is None else utc_stamp(datetime.fromtimestamp(seconds, UTC))


def written(seconds: float) -> str:
    """As they want it in filters and bodies: naive UTC. Some of their endpoints choke on a zone (C)."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S")


def written_for_sql(seconds: float) -> str:
    """As their database has it."""
    return written(seconds).replace("T", " ")
