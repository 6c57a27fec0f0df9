"""What the poller can ask for: which collections of theirs, in which tables, and what changes behind their backs."""

from typing import Final

from msgspec import Struct


class Side(Struct, frozen=True):
    """What belongs to a thing, and changes without `updated_at` of the thing moving (I)."""

    resource: str
    link: str
    """The field that leads to the thing."""
    table: str
    column: str
    """The same in the table."""
    stamp: str = "updated_at"
    is_change: bool = True
    """False: it may have changed the thing, and mostly has not; then the state is the one that is known already."""


class Feed(Struct, frozen=True):
    """One collection of theirs."""

    resource: str
    """As in the address, and in the cursor."""
    table: str = ""
    """In SQL reports (C); "" where its name is not known."""
    sides: tuple[Side, ...] = ()
    stamp: str = "updated_at"
    """What says when one has changed."""
    key: str = "id"
    """What orders it and numbers it."""
    is_small: bool = False
    """A page or a few: read whole in every round."""
    is_read_again: bool = False
    """Read whole from time to time: what was deleted beside it (a phone, a user field) leaves no other trace."""


_USER_SIDES: Final = (
    Side("userfield", "user", "core_userfield", "parent_id"),
    Side("phone", "user", "core_phone", "user_id"),
    Side("subscriptionhistory", "user", "core_subscriptionhistory", "user_id", "created_at"),
    # Whoever bounced and then unsubscribes leaves no list, so their status changes and history says nothing of it (I).
    Side("action", "user", "core_action", "user_id", is_change=False),
)

COLLECTIONS: Final[dict[str, tuple[Feed, ...]]] = {
    "user_fields": (Feed("alloweduserfield", key="name", is_small=True),),
    "lists": (Feed("list", is_small=True),),
    "usergroups": (Feed("usergroup", is_small=True),),
    "pages": (Feed("page", "core_page"),),
    "users": (Feed("user", "core_user", _USER_SIDES, is_read_again=True),),
    "actions": (Feed("action", "core_action"),),
    "subscriptions": (Feed("subscriptionhistory", "core_subscriptionhistory", stamp="created_at"),),
    "events": (Feed("event", "events_event"),),
    "signups": (Feed("eventsignup", "events_eventsignup"),),
    "donations": (Feed("transaction", "core_transaction"), Feed("orderrecurring", "core_orderrecurring")),
}
"""By the name in the settings, in the order of a round: people come before what they did."""
