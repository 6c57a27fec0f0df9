"""What an operator may ask about two sources that bring the same things, and what they are told. No personal data."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from groundswell.ops.messages import Moment, Name

LISTED_MAX: Final = 1_000
"""Records of one source in one answer."""
DAY_S: Final = 86_400
Seconds = Annotated[int, Meta(ge=0, le=366 * DAY_S)]


class AskReconcile(Struct, frozen=True):
    """Which two sources, and what of theirs: by when it happened, and by kind."""

    one: Name
    other: Name
    since: Moment | None = None
    until: Moment | None = None
    """Not included."""
    kind: Name | None = None
    """As ids say it: "contribution" of "actblue:contribution/990011223". It is then judged also where only one of the
    two ever brought any."""
    lag_s: Seconds = DAY_S
    """What happened so short a time ago may still come."""
    limit: Annotated[int, Meta(ge=1, le=LISTED_MAX)] = 20
    """Records to list for each source."""


class BackfillSpan(Struct, frozen=True):
    """The last backfill of a source."""

    since: Moment
    until: Moment
    """Not included."""
    state: str


class Lacking(Struct, frozen=True):
    """Something one source should have brought and did not."""

    id: str
    kind: str
    happened_at: Moment | None
    """null: nobody can say any more; then it is judged by when it was accepted."""
    accepted_at: Moment
    accepted_from: str
    """The source that brought it first."""
    amount: str | None = None
    currency: str | None = None


class SideSeen(Struct, frozen=True):
    """One of the two sources: how far it has looked, and what it should have brought and did not."""

    source: str
    type: str
    is_told: bool
    """Whether others push to it (a webhook); else it goes and looks."""
    first_at: Moment | None
    """When the first thing it brought came, of what is remembered; null: it brought none."""
    newest_at: Moment | None
    """When the newest thing it brought happened."""
    cursor_at: Moment | None
    """When it last saved where it goes on from."""
    backfill: BackfillSpan | None
    lacks: int
    lacking: list[Lacking]
    """The oldest of them, at most `limit`."""


class Lone(Struct):
    """What one source brought and the other did not, counted."""

    records: int = 0
    """The sum of the others."""
    missing: int = 0
    """The other should have brought it by now."""
    too_new: int = 0
    """It may still come there."""
    unread: int = 0
    """The other has not looked that far, or it was not noted then."""


class Money(Struct, frozen=True):
    """Sums in one currency, as decimal numbers: "1204.50"."""

    currency: str
    one: str
    """Of all that the one source brought."""
    other: str
    missing_from_one: str
    missing_from_other: str


class KindCompared(Struct, frozen=True):
    """All of one kind."""

    kind: str
    is_compared: bool
    """false: only one of the two ever brought any, so nothing is said to be missing."""
    both: int
    only_one: Lone
    only_other: Lone
    money: list[Money]
    """Of gifts and refunds, by currency."""


class Reconciled(Struct, frozen=True):
    """What two sources both brought, and what only one of them did."""

    one: SideSeen
    other: SideSeen
    kinds: list[KindCompared]
    unreadable: int
    """Records whose time and amount nobody can read any more; they are compared by id all the same."""

    @property
    def is_agreed(self) -> bool:
        return not self.one.lacks and not self.other.lacks
