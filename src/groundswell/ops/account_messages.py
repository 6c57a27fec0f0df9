"""What operators ask of accounts, and how these are shown. No answer holds a credential."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from groundswell.config.model import Role
from groundswell.ops.values import Moment, Name

AccountState = Literal["connected", "not_connected", "connection_error"]
Cause = Literal["temporary", "credentials"]


class AccountSetting(Struct, frozen=True):
    """One setting of an account: what a form asks for."""

    name: str
    description: str
    is_secret: bool
    """Not to be shown while it is typed."""
    is_required: bool
    is_given: bool
    """It stands in the configuration, and is not asked for."""


class AccountUse(Struct, frozen=True):
    """A component that uses the account."""

    name: str
    role: Role
    type: str
    collections: list[str] = []
    """What a source looks for, while a daemon runs."""


class AccountChange(Struct, frozen=True):
    """Who connected or disconnected an account last, as far as the audit log reaches back."""

    operation: str
    """connect or disconnect."""
    at: Moment
    way: str
    """How they were let in, as in the audit log."""
    name: str | None
    """Who, as a proxy or the command line says."""


class AccountHistory(Struct, frozen=True):
    """The last time that is past which a source fetched again: one of the account, or one that its sinks take from."""

    source: str
    state: str
    """running, finished, cancelled or failed."""
    since: Moment
    until: Moment
    asked_at: Moment
    records: int
    ended_at: Moment | None


class AccountStatus(Struct, frozen=True):
    """One account, and how its calls go. Times are of the daemon's clock."""

    name: str
    type: str | None
    """null: the configuration no longer has it, and it was connected."""
    host: str | None
    """null while no daemon runs, or it is not connected."""
    state: AccountState
    """As it was last, while no daemon runs."""
    since: Moment | None = None
    cause: Cause | None = None
    """Of a connection error: one that clears itself, or credentials (or a setting) that are refused."""
    last_good_at: Moment | None = None
    """When a call last went well."""
    last_error: str | None = None
    last_error_at: Moment | None = None
    to_do: str | None = None
    """What a person may do; null when nothing is to be done."""
    connected_at: Moment | None = None
    """When an operator connected it last; null where nobody ever had to."""
    can_connect: bool = False
    """Whether its credentials are connected; false where they stand in the configuration."""
    settings: list[AccountSetting] = []
    """What connecting asks for, where it can."""
    uses: list[AccountUse] = []
    """Sources and sinks that use it."""
    sources: list[str] = []
    """The sources of them, and those that its sinks take from."""
    changed: AccountChange | None = None
    """Only in `accounts`, not in `status`."""
    history: list[AccountHistory] = []


class Accounts(Struct, frozen=True):
    """All accounts."""

    accounts: list[AccountStatus]


class NameAccount(Struct, frozen=True):
    """Which account."""

    account: Name


class AskConnect(Struct, frozen=True):
    """Which account to connect, and with what."""

    account: Name
    values: Annotated[dict[Name, Any], Meta(max_length=100)] | None = None
    """Its settings by name, as they would stand in TOML; null: with what is known already."""
    check: bool = True
    """Try them first, and keep nothing that does not work."""
    try_only: bool = False
    """Try them, and leave everything as it is."""

    def __repr__(self) -> str:
        return f"AskConnect(account={self.account!r}, values=***)"


class AccountTold(Struct, frozen=True):
    """What came of connecting, disconnecting or trying an account."""

    account: str
    state: AccountState
    """Now."""
    ok: bool
    """Whether it was done; of a mere try, whether the vendor takes the credentials."""
    message: str
    """What was found, in a few words."""
    waiting: int = 0
    """Deliveries that wait for it."""
