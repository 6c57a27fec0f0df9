"""What an operator may ask about groups of members, and what they are told."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from groundswell.members.member import Consent
from groundswell.ops.messages import Moment, Position

GROUPS_MAX: Final = 500
"""Groups in one answer."""
MEMBERS_MAX: Final = 1_000
"""Members of a group in one answer."""

GroupName = Annotated[str, Meta(min_length=1, max_length=1_000)]
"""Often the title of a page."""
GroupKind = Literal["primary_group", "page", "action_field", "usergroup"]


class ListGroups(Struct, frozen=True):
    """Which groups: in the order of their names."""

    after: Annotated[str, Meta(max_length=1_000)] = ""
    """`next_after` of the answer before."""
    limit: Annotated[int, Meta(ge=1, le=GROUPS_MAX)] = 100


class GroupOrigin(Struct, frozen=True):
    """What a sync makes a group of."""

    sync: str
    kind: GroupKind
    """primary_group: all who are linked. page: who took an action on the page of that name. action_field: who took one
    with a field, perhaps with a value. usergroup: mirrored from ActionKit."""
    detail: str
    """The same in words."""


class GroupShown(Struct, frozen=True):
    """A group of members."""

    name: str
    members: int
    origins: list[GroupOrigin]
    """Where its members come from; empty: no sync names it (any more), or it is of a page that is named by number."""


class PagesSynced(Struct, frozen=True):
    """Pages whose actions make groups of their name."""

    sync: str
    state: Literal["on", "off"]
    pages: list[str]
    """By number or title, as the configuration has them; "*" is all of them."""


class Groups(Struct, frozen=True):
    """Groups, also those of the configuration that nobody is in yet."""

    groups: list[GroupShown]
    pages: list[PagesSynced]
    next_after: str | None
    """Ask again with this as `after` for the rest; null when this is all."""


class ListGroupMembers(Struct, frozen=True):
    """Which members of which group: in the order of their numbers."""

    name: GroupName
    after: Position = 0
    """`next_after` of the answer before."""
    limit: Annotated[int, Meta(ge=1, le=MEMBERS_MAX)] = 50


class GroupMember(Struct, frozen=True):
    """A member of a group. Holds personal data."""

    member: int
    phone: str
    email: str | None
    name: str | None
    consent: Consent
    since: Moment
    """In the group since then."""


class GroupMembers(Struct, frozen=True):
    """Members of a group. Holds personal data."""

    name: str
    total: int
    origins: list[GroupOrigin]
    members: list[GroupMember]
    next_after: int | None
    """Ask again with this as `after` for the rest; null when this is all."""
