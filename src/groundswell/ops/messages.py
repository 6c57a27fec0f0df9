"""What an operator may ask and what they are told: the requests and answers of the API, and so of the command line.

The field names are the stable keys of every `--json`. Times are UTC. Only `LetterShown` and `RecordTrace` hold what
people wrote.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Raw, Struct

from groundswell.ops.account_messages import AccountStatus
from groundswell.ops.values import KeyName as KeyName
from groundswell.ops.values import Moment as Moment
from groundswell.ops.values import Name as Name
from groundswell.ops.values import moment as moment

LETTERS_MAX: Final = 1_000
"""Dead letters in one answer."""
RECORD_ID_MAX: Final = 600
"""Letters. Written out in a URL it still fits into one line of HTTP."""
NUMBER_MAX: Final = 2**53 - 1
"""The largest number that every reader of JSON keeps exact."""

RecordId = Annotated[str, Meta(min_length=1, max_length=RECORD_ID_MAX)]
Number = Annotated[int, Meta(ge=1, le=NUMBER_MAX)]
Position = Annotated[int, Meta(ge=0, le=NUMBER_MAX)]
Limit = Annotated[int, Meta(ge=1, le=LETTERS_MAX)]


class Nothing(Struct, frozen=True):
    """A request that needs no more than its address."""


# ---- status ----

Role = Literal["source", "transform", "sink"]


class SourceProgress(Struct, frozen=True):
    """How far something long has come: a source's first look at everything, a backfill."""

    what: str
    done: int
    """Records so far."""
    total: int | None
    """About how many there are; null when nobody knows."""
    began_at: Moment | None
    left_s: float | None
    """About how many seconds it still takes, at the pace since it began; null when that cannot be said."""


class ComponentStatus(Struct, frozen=True):
    """How one component is doing. Counts are since the daemon started; null while none runs, or where none applies."""

    name: str
    role: Role | None
    """null: the configuration no longer has it."""
    type: str | None
    state: str
    accepted: int | None = None
    duplicates: int | None = None
    processed: int | None = None
    filtered: int | None = None
    delivered: int | None = None
    skipped: int | None = None
    coalesced: int | None = None
    retried: int | None = None
    refused_requests: int | None = None
    """Webhook requests answered 4xx or 5xx."""
    waiting: int | None = None
    """Deliveries not settled yet, in memory and on disk."""
    oldest_waiting_at: Moment | None = None
    dead_letters: int = 0
    """Waiting for a person now, whenever they were made."""
    notes: dict[str, int] = {}
    """What a transform or a source met, and how often."""
    progress: SourceProgress | None = None
    """While a source is at something long."""
    last_error: str | None = None
    attention: str | None = None
    """Why this needs a person, and what to do; null when it does not."""
    can_pause: bool = False
    """Whether an operator may hold it."""
    can_poll: bool = False
    """Whether it can be told to look now."""
    per_second: dict[str, float] = {}
    """What happens: records a second over the last five seconds, by the same words as the counts."""
    state_since: Moment | None = None
    """When it was first seen in this state, within five seconds; null while no daemon runs."""
    inputs: list[str] = []
    """What it takes records from; empty for a source, and while no daemon runs."""
    place: str | None = None
    """Where its settings stand, such as "[sinks.crm]"."""


Sends = Literal["unsent", "resend"]
"""What a backfill sends: to each sink what it has not been sent yet, or everything to all of them again."""


class BackfillStatus(Struct, frozen=True):
    """A backfill: a time that a source was asked to fetch again."""

    source: str
    state: str
    """As of components while it is under way (stopped: no daemon runs); then finished, cancelled or failed."""
    collections: list[str]
    since: Moment
    until: Moment
    """Not included."""
    asked_at: Moment
    records: int
    """What it brought so far."""
    accepted: int
    """Of them, those that were new here; the others were known by their ids."""
    sends: Sends = "unsent"
    subscribes: bool = False
    """Whether a gift of that time counts as a yes to email."""
    sent: int = 0
    """Records that went on their way to one sink or more."""
    known: int = 0
    """Records that every sink had been sent before."""
    dead: int = 0
    """Records that lie in the dead letters of a sink, and were left there for `groundswell dead retry`."""
    sinks: list[str] = []
    """Those that its records may reach; empty while no daemon runs."""
    is_paused: bool = False
    """By itself, whether or not its source is paused too."""
    waits_for: str | None = None
    """Whose queue it waits for at this moment, since what is live goes first; null while it waits for none."""
    ended_at: Moment | None = None
    progress: SourceProgress | None = None
    last_error: str | None = None


class LastReload(Struct, frozen=True):
    """How the configuration was read last."""

    at: Moment
    error: str | None
    """Why it was refused; then the one before is in force."""


class SyncStatus(Struct, frozen=True):
    """How far one sync has come."""

    name: str | None
    """null: the configuration has no sync for this account any more."""
    account: str
    state: Literal["on", "off", "removed"]
    synced: int
    total: int
    """People seen there, those that are gone left out."""
    states: dict[str, int]
    """How many are in each state, all six of them."""


class Status(Struct, frozen=True):
    """How everything is doing. Components that need a person come first."""

    running: bool
    version: str
    now: Moment
    state_file: str
    state_file_bytes: int
    components: list[ComponentStatus]
    inbox_waiting: int
    """Accepted and not processed yet."""
    inbox_oldest_at: Moment | None
    not_ready: list[str]
    """Why nothing is accepted now; empty when all is well."""
    attention: list[str]
    """What needs a person, first things first."""
    started_at: Moment | None = None
    config: str | None = None
    """The hash of the configuration in force, as `groundswell check` shows it."""
    config_read_at: Moment | None = None
    last_reload: LastReload | None = None
    accounts: list[AccountStatus] = []
    backfills: list[BackfillStatus] = []
    """The last of each source, under way or ended within a week."""
    syncs: list[SyncStatus] = []


# ---- dead letters ----


class ListLetters(Struct, frozen=True):
    """Which dead letters to list: all, of a component, for a reason; in order of their numbers."""

    component: Name | None = None
    reason: Name | None = None
    after: Position = 0
    """Go on after this number."""
    limit: Limit = 100


class LetterGroup(Struct, frozen=True):
    """How many dead letters a component has for a reason."""

    component: str
    reason: str
    count: int


class Letter(Struct, frozen=True):
    """A dead letter without what people wrote."""

    id: int
    stage: Literal["accept", "process", "deliver"]
    component: str
    reason: str
    message: str
    record_id: str
    kind: str | None
    source: str | None
    attempts: int
    created_at: Moment
    received_at: Moment | None


class Letters(Struct, frozen=True):
    """Dead letters: how many for which reason, and the first of them."""

    total: int
    groups: list[LetterGroup]
    letters: list[Letter]
    next_after: int | None
    """Ask again with this as `after` for the rest; null when this is all."""
    newest: int = 0
    """The highest number of all that are counted; 0 where there are none. As `up_to` it says that these are meant."""


class ShowLetter(Struct, frozen=True):
    """Which dead letter to show."""

    id: Number


class LetterShown(Struct, frozen=True):
    """A dead letter whole. Holds personal data."""

    letter: Letter
    body: Raw
    """The record as it would be delivered, or what came, if it is JSON; else null."""
    unreadable: bytes | None
    """What came to the byte, in base64, where it is not JSON."""


class PickLetters(Struct, frozen=True):
    """Which dead letters are meant: by their numbers; or by component, by reason, or both; or all.

    `up_to` is for who counted before: what has died since has a higher number, and is not meant.
    """

    ids: Annotated[list[Number], Meta(min_length=1, max_length=LETTERS_MAX)] | None = None
    component: Name | None = None
    reason: Name | None = None
    all: bool = False
    up_to: Position | None = None


class LettersRetried(Struct, frozen=True):
    """What goes again. Bodies nobody could read stay where they are."""

    process: int
    """Records that go through the whole pipeline."""
    deliver: dict[str, int]
    """Deliveries that go to their sink, by sink."""
    sinks_gone: list[str]
    """Sinks of these that the configuration no longer has; their deliveries wait."""


class LettersDropped(Struct, frozen=True):
    """How many are gone for good."""

    dropped: int


# ---- replay, backfill, records ----


class AskReplay(Struct, frozen=True):
    """Which accepted records to process once more: of one source, by time of acceptance, by id, or both."""

    source: Name
    since: Moment | None = None
    until: Moment | None = None
    ids: Annotated[list[RecordId], Meta(min_length=1, max_length=1_000)] | None = None


class Replayed(Struct, frozen=True):
    """How many records are processed once more."""

    records: int


class AskBackfill(Struct, frozen=True):
    """Which time a source is to fetch again; or what is to become of the backfill that is under way."""

    source: Name
    since: Moment | None = None
    """Made or changed at or after. Either this or `all`, unless one under way is meant."""
    until: Moment | None = None
    """Made or changed before; null: now."""
    collections: Annotated[list[Name], Meta(min_length=1, max_length=100)] | None = None
    """Only these of what the source looks for; null: all."""
    cancel: bool = False
    """Stop the one under way for good."""
    pause: bool = False
    """Hold the one under way; the source's own running goes on."""
    resume: bool = False
    """Let it go on."""
    all: bool = False
    """From the beginning until now."""
    sends: Sends = "unsent"
    subscribe: bool = False
    """A gift of that time counts as a yes to email. Only for sources that know what to do with it."""


class ListBackfills(Struct, frozen=True):
    """Whose backfills to list; null: of all sources."""

    source: Name | None = None


class CanBackfill(Struct, frozen=True):
    """A source that can be asked for a time that is past."""

    source: str
    type: str
    account: str | None
    is_connected: bool
    """Whether its account is; else it cannot begin."""
    collections: list[str]
    can_subscribe: bool
    """Whether it knows what to do with `subscribe`."""
    sinks: list[str]
    """Those that its records may reach."""


class Backfills(Struct, frozen=True):
    """Backfills by source, the newest of each first. The last twenty of each are kept."""

    backfills: list[BackfillStatus]
    sources: list[CanBackfill] = []
    """Those that can be asked for one; empty while no daemon runs."""


class AskRecord(Struct, frozen=True):
    """Which record."""

    id: RecordId


class Waiting(Struct, frozen=True):
    """A delivery that is not settled yet."""

    sink: str
    attempts: int
    next_attempt_at: Moment | None
    """null: as soon as it is its turn."""
    made_at: Moment | None = None
    """When the record was processed, or set going again."""


class Settled(Struct, frozen=True):
    """What became of a delivery."""

    sink: str
    outcome: str
    note: str | None
    attempts: int
    at: Moment
    made_at: Moment | None = None
    """When the record was processed, or set going again."""


class Seen(Struct, frozen=True):
    """Another source that brought a record, too."""

    source: str
    at: Moment
    """When it first did."""


class RecordTrace(Struct, frozen=True):
    """The whole way of one record. Holds personal data."""

    id: str
    source: str
    received_at: Moment
    is_processed: bool
    waiting: list[Waiting]
    settled: list[Settled]
    dead_letters: list[Letter]
    body: Raw
    """What came."""
    sightings: list[Seen] = []


# ---- keys ----


class NameKey(Struct, frozen=True):
    """What a new API key is to be called."""

    name: KeyName


class RevokeKey(Struct, frozen=True):
    """Which API key is no longer to be valid: its name or account id."""

    name: KeyName


class KeyCreated(Struct, frozen=True):
    """A new API key. The secret is in no other answer."""

    name: str
    account_id: str
    secret: str
    created_at: Moment


class KeyRevoked(Struct, frozen=True):
    """The key that is no longer valid, as it was named."""

    name: str


class KeyListed(Struct, frozen=True):
    """An API key, without its secret, which nobody has but whom it was given."""

    name: str
    account_id: str
    created_at: Moment
    revoked_at: Moment | None


class Keys(Struct, frozen=True):
    """All API keys, revoked ones too."""

    keys: list[KeyListed]


# ---- components, configuration ----


class NameComponent(Struct, frozen=True):
    """Which component."""

    name: Name


class ComponentState(Struct, frozen=True):
    """The state a component is in now."""

    name: str
    state: str


class ConfigReloaded(Struct, frozen=True):
    """What a reload changed."""

    config: str
    started: list[str]
    stopped: list[str]
    restarted: list[str]
    unchanged: list[str]
    needs_restart: list[str]
    """Settings that only a restart of the daemon applies."""


# ---- who gets in, and what they did ----


class ListAudit(Struct, frozen=True):
    """Which lines of the audit log: newest first."""

    before: Number = NUMBER_MAX
    """Go on below this number."""
    limit: Limit = 100
    operation: Name | None = None
    """Only of this operation, such as "dead retry"."""


class AuditShown(Struct, frozen=True):
    """One thing that somebody changed, or wanted to."""

    id: int
    at: Moment
    way: str
    """How they were let in: token, password, read_password, proxy, code (a one-time link); or the command line."""
    name: str | None
    """Who, as the proxy or the command line says."""
    place: str
    """The address they asked from."""
    operation: str
    arguments: Raw
    """As they were asked for, without what may be about people."""
    outcome: Literal["done", "refused", "failed"] | None
    """null: it is under way, or the daemon ended before it did."""
    note: str | None
    """Why it was not done."""


class AuditLines(Struct, frozen=True):
    """Some of the audit log."""

    lines: list[AuditShown]
    next_before: int | None
    """Ask again with this as `before` for older ones; null when there are none."""


class LoginCode(Struct, frozen=True):
    """What lets a browser in, once, for a minute. A secret."""

    code: str
    url: str
    """The login page with the code in it, behind the #, where no server and no proxy sees it."""
    lasts_s: int


class Refused(Struct, frozen=True):
    """What every answer outside 2xx holds."""

    error: str
