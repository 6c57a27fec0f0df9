"""A member, and a member's counterparts: what is kept of each. Times are seconds since 1970.

They are kept as arrays: fields may be appended, with a default; never moved, never taken out.
"""

from typing import Final, Literal

from msgspec import Struct

Consent = Literal["yes", "no", "unknown"]
"""What somebody said about being texted."""

MEMBER: Final = "groundswell"
"""A member's number, in `Person.ids`."""

LinkState = Literal["synced", "pending", "ineligible", "duplicate", "error", "gone"]


class Value(Struct, frozen=True, array_like=True):
    """What is known of one field. `value` None: known to be empty."""

    value: str | None
    at: float
    """When it was edited, as the one who told us says."""
    source: str
    """Who told us: the name of a sync or of a source."""


class Member(Struct, frozen=True, array_like=True):
    """The one person behind a phone number."""

    id: int
    phone: str
    """E.164; it never changes."""
    fields: dict[str, Value] = {}
    """By canonical name: "first_name", "custom.shirt_size". Never `phone`, never `sms_opt_in`."""
    consent: Consent = "unknown"
    consent_at: float = 0.0
    """When that was said: a no at the latest it can have been, a yes at the earliest. 0: nobody knows."""
    created_at: float = 0.0
    changed_at: float = 0.0


class Sent(Struct, frozen=True, array_like=True):
    """A value on its way to an account."""

    value: str | None
    seq: int
    """The entry of the inbox that sent it."""


class Link(Struct, frozen=True, array_like=True):
    """A member's counterpart in one account."""

    account: str
    remote_id: str
    member: int | None
    """None: not a member (ineligible), or another user is linked to the member (duplicate: then `of` names it)."""
    state: LinkState
    reason: str = ""
    """Why it is not synced: no_phone, bad_phone, no_opt_in, duplicate, gone, or the reason of a dead letter."""
    of: int | None = None
    """The member whose phone this user has too, for a duplicate."""
    phone: str | None = None
    """The phone by which it was linked, or would be; E.164."""
    email: str | None = None
    """As it was last seen there, to find people by."""
    remote_at: float = 0.0
    """When the newest state that was seen was modified, as they say."""
    seen: dict[str, str | None] = {}
    """By canonical field name (and "sms_opt_in": their word), what their system last was seen to have."""
    base: dict[str, str | None] = {}
    """In normal form, what both sides had when they last agreed. Absent: they never did."""
    pending: dict[str, tuple[Sent, ...]] = {}
    """What writes under way will make of it, the oldest first."""
    groups: tuple[str, ...] = ()
    """What they did and are in there: the groups a member joins once they are linked."""
    turned: dict[str, int] = {}
    """How often in a row what was written there came back as something else."""
    lost: tuple[Sent, ...] = ()
    """Words for the opt-in that were under way when another one was read there. They may stand there yet."""


class Statement(Struct, frozen=True):
    """One line of the ledger of consents: what was said, and what was made of it."""

    phone: str
    old: Consent
    new: Consent
    said: Consent
    """What the words mean."""
    words: str
    """As they came."""
    decision: str
    """"changed", "same", or why nothing was changed: "older", "first_contact", "unknown"."""
    source: str
    record_id: str
    said_at: float
    learnt_at: float


WRITES: Final = "groundswell:write/"
"""How the ids of records begin that say what is to be written about a counterpart."""
CREATING: Final = "creating"
"""The reason of a link to somebody who is being made."""
_MAKING: Final = "new:"


def marker_of(member: int) -> str:
    """Stands for somebody who is being made in an account, until they are seen there."""
    return f"{_MAKING}{member}"


def is_marker(remote_id: str) -> bool:
    """Whether this stands for somebody who is being made."""
    return remote_id.startswith(_MAKING)


def write_id(account: str, remote_id: str, stamp: str, content: str) -> str:
    """The id of a record that says what is to be written about this counterpart."""
    return f"{WRITES}{account}.{remote_id}@{stamp}.{content}"


def counterpart_in(record_id: str) -> tuple[str, str] | None:
    """The other way round: (account, remote id); None for other records."""
    if not record_id.startswith(WRITES):
        return None
    account, _, remote_id = record_id.removeprefix(WRITES).rpartition("@")[0].partition(".")
    return account, remote_id
