"""Every operation there is, in one table: the API, the document that describes it and the command line use it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from msgspec import Struct

from groundswell.ops.account_messages import Accounts, AccountTold, AskConnect, NameAccount
from groundswell.ops.config_messages import ConfigShown
from groundswell.ops.desk import Desk
from groundswell.ops.group_messages import GroupMembers, Groups, ListGroupMembers, ListGroups
from groundswell.ops.live_messages import AskRates, MetricsShown, Polled, RatesShown
from groundswell.ops.member_messages import (
    ConsentLines,
    ExportConsents,
    FindPerson,
    Households,
    ListHouseholds,
    ListMembers,
    Members,
    NamePerson,
    PersonForgotten,
    PersonsShown,
)
from groundswell.ops.messages import (
    AskBackfill,
    AskRecord,
    AskReplay,
    AuditLines,
    Backfills,
    BackfillStatus,
    ComponentState,
    ConfigReloaded,
    KeyCreated,
    KeyRevoked,
    Keys,
    Letters,
    LettersDropped,
    LetterShown,
    LettersRetried,
    ListAudit,
    ListBackfills,
    ListLetters,
    LoginCode,
    NameComponent,
    NameKey,
    Nothing,
    PickLetters,
    RecordTrace,
    Replayed,
    RevokeKey,
    ShowLetter,
    Status,
)
from groundswell.ops.reconcile_messages import AskReconcile, Reconciled
from groundswell.ops.record_messages import EditLetter, LetterEdited, ListRecords, Records
from groundswell.ops.sync_messages import AskSyncs, Syncs
from groundswell.ops.tap_messages import AskTap

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)


@dataclass(frozen=True, slots=True)
class Operation(Generic[Q, A]):
    """One thing an operator can ask or do. What only looks is a GET; what changes something is a POST.

    What only looks is a POST all the same where the question itself is about a person, who must not stand in a URL.
    """

    name: str
    """As on the command line: "dead list" is `groundswell dead list` and /api/dead/list."""
    method: Literal["GET", "POST"]
    request: type[Q]
    """Its fields are the query of a GET, the JSON body of a POST."""
    answer: type[A]
    run: Callable[[Desk, Q], Awaitable[A]]
    summary: str
    needs_daemon: bool = False
    """Whether it means nothing while no daemon runs."""
    is_personal: bool = False
    """Whether it only looks, and says whom at."""

    holds_personal: bool = False
    """Whether its answer holds personal data, though the question is not about a person."""
    audited: tuple[str, ...] = ()
    """The fields of the request that the audit log may hold: nothing about people, no secrets."""

    @property
    def shows_people(self) -> bool:
        return self.is_personal or self.holds_personal

    @property
    def only_looks(self) -> bool:
        return self.method == "GET" or self.is_personal

    @property
    def path(self) -> str:
        return "/api/" + self.name.replace(" ", "/")


STATUS: Final = Operation("status", "GET", Nothing, Status, Desk.status, "How every component is doing")
RATES: Final = Operation(
    "rates",
    "GET",
    AskRates,
    RatesShown,
    Desk.rates,
    "How fast a component works, for an hour and a day",
    needs_daemon=True,
)
METRICS: Final = Operation(
    "metrics",
    "GET",
    Nothing,
    MetricsShown,
    Desk.metrics,
    "Every metric, what it means and what it is",
    needs_daemon=True,
)
RECORDS: Final = Operation(
    "records",
    "GET",
    ListRecords,
    Records,
    lambda desk, asked: desk.records.list_records(asked),
    "The newest records, and how far each has come",
)
RECORD: Final = Operation(
    "record",
    "GET",
    AskRecord,
    RecordTrace,
    lambda desk, asked: desk.records.record(asked),
    "The whole way of one record",
    holds_personal=True,
)
RECONCILE: Final = Operation(
    "reconcile",
    "GET",
    AskReconcile,
    Reconciled,
    lambda desk, asked: desk.sources.reconcile(asked),
    "What two sources both brought, and what only one did",
)
PERSON: Final = Operation(
    "person",
    "POST",
    FindPerson,
    PersonsShown,
    lambda desk, asked: desk.people.person(asked),
    "Everything that is known of one person",
    is_personal=True,
)
MEMBERS_LIST: Final = Operation(
    "members list",
    "POST",
    ListMembers,
    Members,
    lambda desk, asked: desk.people.members(asked),
    "Who is synced, and who is not and why",
    is_personal=True,
)
MEMBERS_HOUSEHOLDS: Final = Operation(
    "members households",
    "POST",
    ListHouseholds,
    Households,
    lambda desk, asked: desk.people.households(asked),
    "Phones that several people of an account share, with all of them",
    is_personal=True,
)
GROUPS_LIST: Final = Operation(
    "groups list",
    "GET",
    ListGroups,
    Groups,
    lambda desk, asked: desk.groups.groups(asked),
    "Groups of members, how many are in each, and where they come from",
)
GROUPS_MEMBERS: Final = Operation(
    "groups members",
    "POST",
    ListGroupMembers,
    GroupMembers,
    lambda desk, asked: desk.groups.members(asked),
    "Who is in a group",
    is_personal=True,
)
SYNCS: Final = Operation(
    "syncs",
    "GET",
    AskSyncs,
    Syncs,
    lambda desk, asked: desk.syncs.syncs(asked),
    "How each sync keeps fields in step, and how far it is",
)
CONSENTS_EXPORT: Final = Operation(
    "consents export",
    "POST",
    ExportConsents,
    ConsentLines,
    lambda desk, asked: desk.people.consents(asked),
    "What people said about being texted, line by line",
    is_personal=True,
)
FORGET: Final = Operation(
    "forget",
    "POST",
    NamePerson,
    PersonForgotten,
    lambda desk, asked: desk.people.forget(asked),
    "Erase one person",
)
DEAD_LIST: Final = Operation(
    "dead list",
    "GET",
    ListLetters,
    Letters,
    lambda desk, asked: desk.letters.list_letters(asked),
    "What could not succeed, and why",
)
DEAD_SHOW: Final = Operation(
    "dead show",
    "GET",
    ShowLetter,
    LetterShown,
    lambda desk, asked: desk.letters.show(asked),
    "One dead letter, whole",
    holds_personal=True,
)
_PICKED: Final = ("ids", "component", "reason", "all", "up_to")
DEAD_RETRY: Final = Operation(
    "dead retry",
    "POST",
    PickLetters,
    LettersRetried,
    lambda desk, asked: desk.letters.retry(asked),
    "Try them again",
    audited=_PICKED,
)
DEAD_EDIT: Final = Operation(
    "dead edit",
    "POST",
    EditLetter,
    LetterEdited,
    lambda desk, asked: desk.letters.edit(asked),
    "Mend what a sink refused, and try it again",
    audited=("id",),
)
DEAD_DROP: Final = Operation(
    "dead drop",
    "POST",
    PickLetters,
    LettersDropped,
    lambda desk, asked: desk.letters.drop(asked),
    "Forget them for good",
    audited=_PICKED,
)
REPLAY: Final = Operation(
    "replay",
    "POST",
    AskReplay,
    Replayed,
    Desk.replay,
    "Process accepted records once more",
    audited=("source", "since", "until"),
)
BACKFILL: Final = Operation(
    "backfill",
    "POST",
    AskBackfill,
    BackfillStatus,
    Desk.backfill,
    "Have a source fetch a time again",
    needs_daemon=True,
    audited=("source", "since", "until", "collections", "all", "sends", "subscribe", "pause", "resume", "cancel"),
)
PAUSE: Final = Operation(
    "pause", "POST", NameComponent, ComponentState, Desk.pause, "Hold a sink or a running source", audited=("name",)
)
RESUME: Final = Operation(
    "resume", "POST", NameComponent, ComponentState, Desk.resume, "Let it go on, now", audited=("name",)
)
POLL: Final = Operation(
    "poll", "POST", NameComponent, Polled, Desk.poll, "Have a source look now", needs_daemon=True, audited=("name",)
)
BACKFILLS: Final = Operation(
    "backfills", "GET", ListBackfills, Backfills, Desk.backfills, "What of the past was fetched again, and when"
)
RELOAD: Final = Operation(
    "reload", "POST", Nothing, ConfigReloaded, Desk.reload, "Read the configuration again", needs_daemon=True
)
CONFIG: Final = Operation(
    "config",
    "GET",
    Nothing,
    ConfigShown,
    Desk.config,
    "The configuration in force, without secrets",
    needs_daemon=True,
)
ACCOUNTS: Final = Operation(
    "accounts",
    "GET",
    Nothing,
    Accounts,
    lambda desk, asked: desk.accounts.accounts(asked),
    "Every account: whether it is connected, and what connecting it asks for",
)
CONNECT: Final = Operation(
    "connect",
    "POST",
    AskConnect,
    AccountTold,
    lambda desk, asked: desk.accounts.connect(asked),
    "Try credentials, and connect an account with them",
    audited=("account", "try_only"),
)
DISCONNECT: Final = Operation(
    "disconnect",
    "POST",
    NameAccount,
    AccountTold,
    lambda desk, asked: desk.accounts.disconnect(asked),
    "Forget the credentials of an account; what is for it waits",
    audited=("account",),
)
KEYS_LIST: Final = Operation("keys list", "GET", Nothing, Keys, Desk.keys_list, "All API keys, without their secrets")
KEYS_CREATE: Final = Operation(
    "keys create", "POST", NameKey, KeyCreated, Desk.keys_create, "Make an API key", audited=("name",)
)
KEYS_REVOKE: Final = Operation(
    "keys revoke", "POST", RevokeKey, KeyRevoked, Desk.keys_revoke, "Revoke it, at once", audited=("name",)
)
AUDIT: Final = Operation("audit", "GET", ListAudit, AuditLines, Desk.audit, "Who changed what")
DASHBOARD: Final = Operation(
    "dashboard", "POST", Nothing, LoginCode, Desk.dashboard, "A link that logs a browser in, once", needs_daemon=True
)

OPERATIONS: Final[tuple[Operation[Any, Any], ...]] = (
    STATUS,
    RATES,
    METRICS,
    RECORDS,
    RECORD,
    RECONCILE,
    PERSON,
    MEMBERS_LIST,
    MEMBERS_HOUSEHOLDS,
    GROUPS_LIST,
    GROUPS_MEMBERS,
    SYNCS,
    CONSENTS_EXPORT,
    FORGET,
    DEAD_LIST,
    DEAD_SHOW,
    DEAD_RETRY,
    DEAD_EDIT,
    DEAD_DROP,
    REPLAY,
    BACKFILL,
    BACKFILLS,
    PAUSE,
    RESUME,
    POLL,
    RELOAD,
    CONFIG,
    ACCOUNTS,
    CONNECT,
    DISCONNECT,
    KEYS_LIST,
    KEYS_CREATE,
    KEYS_REVOKE,
    AUDIT,
    DASHBOARD,
)


@dataclass(frozen=True, slots=True)
class Stream:
    """Something an operator can look at for as long as they like: a GET, answered line by line."""

    name: str
    request: type[AskTap]
    summary: str
    audited: tuple[str, ...]
    """The fields of the request that the audit log may hold, where personal data is asked for."""
    method: Literal["GET"] = "GET"

    @property
    def path(self) -> str:
        return f"/api/{self.name}"


TAP: Final = Stream("tap", AskTap, "What comes out of the components, as it does", ("component", "kind", "reveal"))
STREAMS: Final = (TAP,)
