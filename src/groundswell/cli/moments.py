"""Times as operators write them: a moment, a date, or how long ago."""

from datetime import UTC, datetime, timedelta

import typer

from groundswell.clock import SystemClock
from groundswell.settings import parse_duration


def moment_option(text: str | None) -> datetime | None:
    """The callback of an option that takes a time."""
    if text is None:
        return None
    try:
        return parse_moment(text, SystemClock().now())
    except ValueError as exc:
        raise typer.BadParameter(str(exc)) from exc


def parse_moment(text: str, now: float) -> datetime:
    """The moment that is meant, in UTC. A date is its first moment; what says no offset is UTC.

    Raises:
        ValueError: nothing is meant; says what can be written.
    """
    try:
        ago: timedelta = parse_duration(text)
        return datetime.fromtimestamp(now, UTC) - ago
    except (ValueError, OverflowError):
        pass
    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f'{text!r} is not a time; write "2026-05-02T11:00:09Z", "2026-05-02", or how long ago: "2h", "3d"'
        ) from None
