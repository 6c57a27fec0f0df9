"""Dates in bodies."""

from datetime import UTC, datetime
from typing import Any


def read_moment(sent: Any) -> int | None:
    """Seconds since 1970 of an ISO 8601 moment, UTC where it does not say; None when it is none."""
    try:
        moment = datetime.fromisoformat(sent)
    except (TypeError, ValueError):
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def local_time(sent: Any) -> str | None:
    """The time of an event as they keep it: what the clock on its wall shows, with a Z that is not true (seen live).

    An offset that was sent is dropped, not reckoned with.
    """
    try:
        moment = datetime.fromisoformat(sent)
    except (TypeError, ValueError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
