"""How far a source has looked, so that what it did not bring is told from what it could not have brought yet."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct, field

Verdict = Literal["missing", "too_new", "unread"]
IN_TIME_MS: Final = 86_400_000
"""What is pushed so soon after it happened was pushed because it happened, and not as a piece of history."""


class Span(Struct, frozen=True):
    """From `since` (included) to `until` (not). Milliseconds since 1970, like all times here."""

    since: int
    until: int

    def holds(self, at: int) -> bool:
        return self.since <= at < self.until


class Extent(Struct):
    """What one source has brought, as far as it tells what the source has looked at."""

    is_told: bool
    """Others push to it as things happen. Else it goes and looks, and what is newer than the newest it brought it has
    not seen yet."""
    told_by: int
    """What happened until then should have come."""
    read: Span | None = None
    """A backfill of all it looks for that was finished."""
    unread: Span | None = None
    """A backfill that was not."""
    first_at: int | None = None
    """When the first thing it brought came."""
    told_since: int | None = None
    oldest: dict[str, int] = field(default_factory=dict)
    """By kind: when the oldest thing it brought happened."""
    newest: dict[str, int] = field(default_factory=dict)

    def brought(self, kind: str, happened_at: int, came_at: int) -> None:
        """Take note of one thing."""
        self.first_at = _lower(self.first_at, came_at)
        if came_at - happened_at <= IN_TIME_MS:
            self.told_since = _lower(self.told_since, happened_at)
        self.oldest[kind] = _lower(self.oldest.get(kind), happened_at)
        seen_at = min(happened_at, came_at)  # a date in the future is somebody's mistake, and nothing was read up to it
        self.newest[kind] = max(self.newest.get(kind, seen_at), seen_at)

    def verdict(self, kind: str, happened_at: int) -> Verdict:
        """Of something that it did not bring."""
        if happened_at > self.told_by:
            return "too_new"
        if self.is_told:
            since = self.first_at if self.told_since is None else self.told_since
            return "missing" if since is not None and happened_at >= since else "unread"
        if self.unread is not None and self.unread.holds(happened_at):
            return "unread"
        if self.read is not None and self.read.holds(happened_at):
            return "missing"
        if kind not in self.newest or happened_at < self.oldest[kind]:
            return "unread"
        return "too_new" if happened_at > self.newest[kind] else "missing"


def newest_of(extent: Extent, kinds: Mapping[str, object]) -> int | None:
    """When the newest of these kinds happened that it brought."""
    return max((at for kind, at in extent.newest.items() if kind in kinds), default=None)


def _lower(known: int | None, at: int) -> int:
    return at if known is None else min(known, at)
