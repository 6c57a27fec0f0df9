"""Values in what operators ask and are told."""

from datetime import UTC, datetime
from typing import Annotated, Final

from msgspec import Meta

Moment = Annotated[datetime, Meta(tz=True)]
KEY_NAME: Final = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
MUST_BE: Final = {KEY_NAME: "must be letters, digits and . _ -, begin with one of the first two, and have at most 64"}
"""Every pattern of a request, in words."""

KeyName = Annotated[str, Meta(pattern=KEY_NAME)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]


def moment(milliseconds: float) -> datetime:
    """A time of the state file."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
