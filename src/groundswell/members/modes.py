"""The six ways a field can be kept in step, as a table."""

from typing import Final, Literal, get_args

from msgspec import Struct

ModeName = Literal["to_remote", "to_member", "populate", "populate_to_remote", "populate_to_member", "two_way"]


class Mode(Struct, frozen=True):
    """What either side may do to the other's value. Only a change overwrites: a difference by itself does nothing."""

    name: ModeName
    fills_member: bool
    """Their value goes where the member has none."""
    overwrites_member: bool
    """Their change goes over the member's value."""
    fills_remote: bool
    overwrites_remote: bool


MODES: Final[dict[str, Mode]] = {
    mode.name: mode
    for mode in (
        #                          fills member, overwrites member, fills remote, overwrites remote
        Mode("to_remote",          False,        False,             True,         True),
        Mode("to_member",          True,         True,              False,        False),
        Mode("populate",           True,         False,             True,         False),
        Mode("populate_to_remote", True,         False,             True,         True),
        Mode("populate_to_member", True,         True,              True,         False),
        Mode("two_way",            True,         True,              True,         True),
    )
}  # fmt: skip

EMAIL_MODES: Final = frozenset(("populate", "to_member"))
"""An email is who somebody is at a vendor: it is never overwritten there."""

assert tuple(MODES) == get_args(ModeName)
