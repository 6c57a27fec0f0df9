"""What who taps asks and is told: lines of JSON, for as long as they look."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from groundswell.ops.messages import NUMBER_MAX, Moment, Name
from groundswell.record import Kind
from groundswell.runtime.taps import Fate

MEDIA_TYPE: Final = "application/x-ndjson"
TAP_S_MAX: Final = 12 * 3600


class AskTap(Struct, frozen=True):
    """What to look at: all components or one, all kinds or one; until so many were shown, or for so long."""

    component: Name | None = None
    kind: Kind | None = None
    count: Annotated[int, Meta(ge=1, le=NUMBER_MAX)] | None = None
    seconds: Annotated[int, Meta(ge=1, le=TAP_S_MAX)] | None = None
    reveal: bool = False
    """Show people's data, too. It is written down who asked for it."""


class TapRecord(Struct, frozen=True, tag="record"):
    """One record at one component. Holds personal data if `reveal` was asked for."""

    at: Moment
    component: str
    fate: Fate
    """passed, filtered or failed at a source or a transform; delivered, coalesced, skipped, retried or rejected at a
    sink."""
    why: str | None
    """A short code, where there is a reason."""
    record: dict[str, Any]
    """As sinks get it, with descriptions for values ("text(5)") unless `reveal` was asked for."""


class TapDropped(Struct, frozen=True, tag="dropped"):
    """More came than was taken in time: so many are not shown."""

    records: int


class TapWaiting(Struct, frozen=True, tag="waiting"):
    """Nothing came for a while; and the first line of all."""


class TapEnded(Struct, frozen=True, tag="ended"):
    """The last line."""

    why: str


TapLine = TapRecord | TapDropped | TapWaiting | TapEnded
