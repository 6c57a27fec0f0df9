"""Values in what operators ask and are told."""

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta

Moment = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]


def deliveries_wait(count: int) -> str:
    """So many, as the beginning of a sentence."""
    return "1 delivery waits" if count == 1 else f"{count:,} deliveries wait"


def moment(milliseconds: float) -> datetime:
    """A time of the state file."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
