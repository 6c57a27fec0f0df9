"""What an operator may ask about people, and what they are told. Nearly all of it is personal data.

So whom it is about never stands in a URL: these requests are bodies, also where they only look.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from groundswell.members.member import Consent, LinkState
from groundswell.ops.messages import Moment, Name, Number, Position
from groundswell.store.listing import Sort

LINKS_MAX: Final = 1_000
"""Links in one answer."""
HOUSEHOLDS_MAX: Final = 200
"""Shared phones in one answer."""
LINES_MAX: Final = 1_000
"""Lines of the ledger in one answer."""

Phone = Annotated[str, Meta(min_length=1, max_length=60)]
"""As it is usually written."""
Email = Annotated[str, Meta(min_length=1, max_length=320)]
Decision = Literal["changed", "same", "unknown", "older", "first_contact", "forgotten"]
"""What was made of something that was said."""
Token = Annotated[str, Meta(min_length=1, max_length=2_000)]


class NamePerson(Struct, frozen=True):
    """Who: by one of these."""

    phone: Phone | None = None
    """Without the code of its country it is of the region of the syncs."""
    email: Email | None = None


class FindPerson(Struct, frozen=True):
    """Who: by a phone, by an email, by the number of the member, or by an account and their number there."""

    phone: Phone | None = None
    """Without the code of its country it is of the region of the syncs."""
    email: Email | None = None
    member: Number | None = None
    account: Name | None = None
    remote_id: Annotated[str, Meta(min_length=1, max_length=600)] | None = None


# ---- one person ----


class FieldShown(Struct, frozen=True):
    """What is known of one field."""

    value: str | None
    """null: known to be empty."""
    source: str
    """Who told us: a sync, or a source."""
    at: Moment
    """When it was edited, as they say."""


class SideShown(Struct, frozen=True):
    """How one field stands between the member and one account. Holds personal data."""

    account: str
    remote_id: str
    mode: str | None
    """How it is kept in step; null: it is not, or (`sms_opt_in`) has rules of its own."""
    remote: str | None
    """What the field is called there."""
    state: str
    """not_kept, unread, alike, under_way, failed, turned, differs, due_there or due_here."""
    seen: str | None
    """What was seen there last; null: nothing, or it was never read."""
    agreed: str | None
    """In normal form, what both had when they last agreed; null: nothing, or they never did."""
    pending: list[str | None]
    """What is being written there, the oldest first."""
    why: str
    """The same as a sentence."""


class FieldExplained(Struct, frozen=True):
    """Why a member has this value in a field, or none. Holds personal data."""

    name: str
    value: str | None
    source: str | None
    """Who told us: a sync, or a source; null: nobody."""
    at: Moment | None
    """When it was edited or said, as they say."""
    why: str
    sides: list[SideShown]
    """Of every account the member is linked in."""


class MemberShown(Struct, frozen=True):
    """A member. Holds personal data."""

    id: int
    phone: str
    consent: Consent
    """Whether they may be texted, as far as anybody knows."""
    consent_at: Moment | None
    """When that was said."""
    created_at: Moment
    changed_at: Moment
    fields: dict[str, FieldShown]


class LinkShown(Struct, frozen=True):
    """One person of an account. Holds personal data."""

    account: str
    remote_id: str
    state: LinkState
    reason: str
    """A word for why it is not synced; empty when it is."""
    why: str | None
    """The same as a sentence, with what to do."""
    member: int | None
    """Whom they are linked to, or will be once they are made there."""
    duplicate_of: int | None
    """The member whose phone they have too."""
    phone: str | None
    email: str | None
    remote_at: Moment | None
    """When what was seen there last was modified, as they say."""
    seen: dict[str, str | None]
    """What was seen there last, by field."""
    pending: dict[str, str | None]
    """What the newest write under way will make of it, by field."""


class ConsentLine(Struct, frozen=True):
    """One line of the ledger: what somebody said about being texted, and what was made of it. Holds personal data."""

    phone: str
    """`forgotten:` and a hash, for somebody who was forgotten."""
    old: Consent
    new: Consent
    said: Consent
    """What the words mean."""
    words: str
    """As they came."""
    decision: str
    """"changed", or why nothing was."""
    source: str
    record_id: str
    said_at: Moment
    learnt_at: Moment


class DeliveryShown(Struct, frozen=True):
    """What a sink was sent, or is to be."""

    sink: str
    outcome: str
    """delivered, skipped, coalesced, dead; or waiting."""
    note: str | None
    attempts: int
    at: Moment | None
    """When that was; of one that waits, when it is tried next (null: as soon as it is its turn)."""


class HappenedShown(Struct, frozen=True):
    """A record about a person, and what became of it; `groundswell record` has it whole."""

    record_id: str
    source: str
    received_at: Moment
    is_processed: bool
    sent: list[DeliveryShown]
    dead_letters: list[int]


class PersonShown(Struct, frozen=True):
    """Everything that is known of one person. Holds personal data."""

    member: MemberShown | None
    """null: known in an account, and no member."""
    links: list[LinkShown]
    """Also those of others with the same phone."""
    consents: list[ConsentLine]
    """Oldest first."""
    groups: dict[str, Moment]
    """By name, since when."""
    lately: list[HappenedShown]
    """Records about them, newest first."""
    looked_at: int
    """The newest records that were looked through for that."""
    looked_back_to: Moment | None
    """When the oldest of them came; null when that was all there is."""
    explained: list[FieldExplained] = []
    """Of a member: every field that they or an account have, and why it is as it is."""


class PersonsShown(Struct, frozen=True):
    """Who has that phone or email; several may have one email. Holds personal data."""

    persons: list[PersonShown]
    total: int
    """How many there are; `persons` has the first of them."""


# ---- members ----


class ListMembers(Struct, frozen=True):
    """Which links to list: of one account, or account by account."""

    account: Name | None = None
    status: LinkState | None = None
    search: Annotated[str, Meta(max_length=200)] = ""
    """A part of the number there, a phone, an email or a name, theirs there or the member's; capitals mean nothing."""
    sort: Sort = "remote_id"
    limit: Annotated[int, Meta(ge=1, le=LINKS_MAX)] = 50
    after: Token | None = None
    """`next_after` of the answer before; asked with the same account, status, search and sort."""


class AccountCounts(Struct, frozen=True):
    """How many people of an account are in each state."""

    account: str
    total: int
    states: dict[str, int]
    """All six of them."""


class MemberRow(Struct, frozen=True):
    """One person of an account in a list. Holds personal data."""

    account: str
    remote_id: str
    state: LinkState
    reason: str
    since: Moment
    """In this state since then."""
    member: int | None
    """Whom they are linked to, or whose phone they have too."""
    phone: str | None
    email: str | None
    name: str | None


class Members(Struct, frozen=True):
    """People of the accounts. Holds personal data."""

    accounts: list[AccountCounts]
    """Of all that is asked about, whatever the search."""
    members: list[MemberRow]
    """As many as asked for, or all there are."""
    next_after: str | None
    """Ask again with this as `after` for the rest; null when this is all."""


class ListHouseholds(Struct, frozen=True):
    """Which shared phones."""

    after: Position = 0
    """`next_after` of the answer before."""
    limit: Annotated[int, Meta(ge=1, le=HOUSEHOLDS_MAX)] = 50


class Household(Struct, frozen=True):
    """People of the accounts who share a phone. Holds personal data."""

    phone: str
    member: int
    people: list[MemberRow]
    """Of each account whoever is linked first, then the duplicates."""


class Households(Struct, frozen=True):
    """Shared phones. Holds personal data."""

    households: list[Household]
    next_after: int | None
    """Ask again with this as `after` for the rest; null when this is all."""


# ---- forgetting, exporting ----


class PersonForgotten(Struct, frozen=True):
    """What was erased."""

    rows: dict[str, int]
    """By table of the state file."""
    recalled: int
    """Deliveries that waited and will not be made. Who was being sent one at that instant has it."""
    is_log_empty: bool
    """Whether SQLite's log, which still had what was erased, could be emptied too; if not, it will be written over."""


class ExportConsents(Struct, frozen=True):
    """Which lines of the ledger."""

    after: Position = 0
    """`next_after` of the answer before; asked with the same order, decision and person."""
    limit: Annotated[int, Meta(ge=1, le=LINES_MAX)] = LINES_MAX
    phone: Phone | None = None
    """Only about this one."""
    email: Email | None = None
    """Only about members with this one."""
    decision: Decision | None = None
    """Only where this was made of what was said."""
    order: Literal["oldest", "newest"] = "oldest"
    """Which come first: those that were learnt first, or last."""


class ConsentLines(Struct, frozen=True):
    """Lines of the ledger. Holds personal data."""

    lines: list[ConsentLine]
    """Fewer than asked for, even none, does not mean that there are no more: `next_after` says."""
    next_after: int | None
    """Ask again with this as `after` for the rest; null when this is all."""
