"""What an operator may ask about how syncs keep fields in step, and what they are told."""

from typing import Literal

from msgspec import Struct

from groundswell.ops.messages import Name, SourceProgress


class AskSyncs(Struct, frozen=True):
    """Which sync; null: all."""

    name: Name | None = None


class SyncField(Struct, frozen=True):
    """How one field is kept in step."""

    name: str
    """Of the member."""
    remote: str
    """What it is called there."""
    mode: str
    fills_member: bool
    """Whether their value goes where the member has none."""
    overwrites_member: bool
    fills_remote: bool
    overwrites_remote: bool
    clear: bool
    """Whether an emptied value empties the other side, where it may overwrite."""
    have: int
    """Of the members that were looked at, how many have a value."""


class SyncShown(Struct, frozen=True):
    """One sync: its fields, its settings, and how far it is."""

    name: str
    account: str
    type: str | None
    """null: of an account that nothing uses, since the sync is off."""
    state: Literal["on", "off"]
    synced: int
    total: int
    """People seen there, those that are gone left out."""
    states: dict[str, int]
    progress: SourceProgress | None
    """While everything there is read for the first time."""
    fields: list[SyncField]
    looked_at: int
    """Members that were looked at for how many have a value in a field."""
    is_all: bool
    """Whether that is all of them."""
    settings: dict[str, str]
    """As the configuration has them, by the words of the file."""
    toml: str
    """The fields as they are written in the file, to be copied and changed there."""


class Syncs(Struct, frozen=True):
    """The syncs of the configuration."""

    syncs: list[SyncShown]
