"""What a source, a transform and a sink are: all that connectors and transforms know of the rest.

The way of one signup: a source makes an `Arrival` of what came; the runtime commits it to the inbox and only then
answers; the source's `read` makes a `Record` of it; transforms change the record; a `Delivery` of it goes to each sink,
which says what became of it with an `Outcome`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any, Final, Protocol

from msgspec import Struct

from groundswell.clock import Clock
from groundswell.errors import NotYetError, OvertookError
from groundswell.http.client import Client
from groundswell.record import Record

Cursor = str
"""Where a source goes on from. Text only the source understands; everyone else keeps it and hands it back."""


class Arrival(Struct, frozen=True):
    """One thing as it came, before anybody interpreted it.

    `id` is the id of the record it will become: the inbox refuses an id it already has. `raw` is its JSON, as sent
    where one request holds one thing. `seen` is `raw` parsed, when the source had to parse it anyway; never stored.
    """

    id: str
    raw: bytes
    seen: Any = None


class Progress(Struct, frozen=True):
    """How far something long has come: the first look at everything, a backfill. For people to read."""

    what: str
    """"people"."""
    done: int
    """Records so far."""
    total: int | None = None
    """About how many there are; None when nobody knows."""
    began_at: float = 0.0
    """Seconds since 1970; an estimate of what is left starts here."""
    done_before: int = 0
    """Of `done`, those of an earlier run: they say nothing about how fast this one is."""


class Batch(Struct, frozen=True):
    """Arrivals that travel together, with the cursor that comes after them.

    A batch without arrivals only moves the cursor. `progress` rides along while something long goes on.
    """

    arrivals: Sequence[Arrival]
    cursor: Cursor | None = None
    progress: Progress | None = None


NOTHING_NEW: Final = Batch(())
"""What a source emits that looked, could read all it wanted, and found nothing: so that nobody takes it for failing."""

Emit = Callable[[Batch], Awaitable[None]]


class Source(Protocol):
    """Where records come from. Every source can read what it once accepted, today or in a replay next week."""

    def read(self, arrival: Arrival) -> Record:
        """Make the record of one arrival. Pure: same arrival, same settings, same record.

        Raises:
            RecordError: it cannot be read; it becomes a dead letter with this reason, its neighbours go on.
        """
        ...


class RunningSource(Source, Protocol):
    """A source that goes and looks: a poller, a file.

    The runtime calls `run` once per start, with the cursor saved last (None on the first run). It emits batches until
    cancelled and saves nothing itself: the cursor rides on the batch. `emit` returns once the batch and its cursor are
    on disk together, and waits while the queue is full. So a crash repeats a page at most, the inbox drops the repeats
    by id, and none is skipped. Returning from `run` means the source is finished (a file that was read to its end).

    After an error the source counts as failing until it emits again: so it emits at the end of each look that went
    well, NOTHING_NEW if need be, and before that only what it really read.

    Raises:
        UnavailableError, RateLimitedError: the runtime waits, then calls `run` again with the cursor saved last.
        UnauthorizedError: this source stops and turns red; the daemon stays up.
    """

    async def run(self, cursor: Cursor | None, emit: Emit) -> None: ...


class PollingSource(RunningSource, Protocol):
    """A running source that looks, rests, and looks again."""

    def look_now(self) -> bool:
        """Rest no longer. False: it does not rest now, but looks."""
        ...


class History(Struct, frozen=True):
    """What of the past is asked for: these collections, from `since` (included) to `until` (not)."""

    collections: Sequence[str]
    since: float
    """Seconds since 1970."""
    until: float
    subscribes: bool = False
    """Whether a gift of the past counts as a yes to email. For sources of gifts; others have no use for it."""


class BackfillingSource(RunningSource, Protocol):
    """A source that can also be asked for a time that is past, beside its own running."""

    collections: Sequence[str]
    """What it looks for: what a backfill may be limited to."""

    # A source that knows what to do with `History.subscribes` says so by `can_subscribe = True`; asked of another, the
    # backfill is refused.

    async def backfill(self, asked: History, cursor: Cursor | None, emit: Emit) -> None:
        """Emit everything of this that was made or changed in this time; return when all of it is emitted.

        Like `run`, with a cursor of its own: handed in again after a crash. Calls wait behind those of `run`. Raises as
        `run` does.
        """
        ...


class WebhookRequest(Struct, frozen=True):
    """A POST on a webhook path, whole. `headers` ignores case."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    received_at: float
    """Seconds since 1970."""


class WebhookSource(Source, Protocol):
    """A source that others push to. The runtime owns the listener and answers 200 once the arrivals are on disk."""

    path: str
    """Where it listens, such as "/webhooks/signups"."""
    content_types: Sequence[str] | None
    """Media types it takes ("application/json"); None takes any. Others are answered 415."""

    async def authenticate(self, request: WebhookRequest) -> None:
        """Return if the sender is who they must be, else raise RefusedError (401, with a challenge)."""
        ...

    def arrivals(self, request: WebhookRequest) -> Sequence[Arrival] | Awaitable[Sequence[Arrival]]:
        """What came, in order. Runs on the event loop for every request: be quick.

        It may be `async` where others have to be asked first. Then it bounds how long that takes: the sender waits.

        Raises:
            UnreadableError: the body cannot be read; 400, and a dead letter with the body.
            RefusedError: any other refusal.
        """
        ...


class Transform(Protocol):
    """Records in, records out; no network, no vendor, no clock."""

    def apply(self, record: Record) -> Record | None:
        """The record changed, the record itself, or None to drop it (counted as filtered).

        Raises:
            RecordError: this record cannot go on; it becomes a dead letter with this reason, its neighbours go on.
        """
        ...


class Delivery(Struct, frozen=True):
    """One record on its way to one sink. `body` is the record as JSON; `record.from_json(body)` gives the parts."""

    record_id: str
    kind: str
    lane: str
    """Whose turn it is: the runtime never has two deliveries of one lane at a sink at a time."""
    body: bytes
    attempts: int = 0
    """Tries made before this one."""

    @property
    def key(self) -> str:
        """The same for every try of this delivery, another for other content: what goes out as Idempotency-Key."""
        return blake2b(self.body, digest_size=16, key=self.record_id.encode()[:64]).hexdigest()


class Delivered(Struct, frozen=True):
    """The sink has it."""


class Skipped(Struct, frozen=True):
    """Nothing had to be written; `reason` is a short code for the log of deliveries.

    A reason that begins with "already" says that the sink has what this is about: money that is there is remembered
    for good, and never delivered to that sink again unless somebody asks for it.
    """

    reason: str


class Retry(Struct, frozen=True):
    """Not now: `error` says why (what RemoteError it would have been)."""

    error: Exception

    @property
    def is_its_own_matter(self) -> bool:
        """Whether this delivery alone has to wait, and the sink is well."""
        return isinstance(self.error, NotYetError)

    @property
    def gives_way(self) -> bool:
        """Whether what stands behind it about the same person may go first."""
        return isinstance(self.error, OvertookError)


class Rejected(Struct, frozen=True):
    """Never: the delivery becomes a dead letter with this reason (short code) and message (no personal data)."""

    reason: str
    message: str


Outcome = Delivered | Skipped | Retry | Rejected


def is_there_already(outcome: Outcome) -> bool:
    """Whether nothing was written because the sink has it."""
    return isinstance(outcome, Skipped) and outcome.reason.startswith("already")


class Sink(Protocol):
    """What writes deliveries to one place."""

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Write these, all of different lanes, and say what became of each, in the same order.

        The runtime hands over at most `settings.batch.records` at a time, and calls up to `settings.concurrency` times
        at once. Connectors never sleep and try again: they say what happened, and the runtime decides.

        Raises:
            UnavailableError, RateLimitedError, UnauthorizedError: nothing of this batch is known to have been taken.
            RejectedError: the batch will not be taken as it is; the runtime then tries the halves to find the culprit.
        """
        ...

    async def aclose(self) -> None:
        """Let go of files and connections. Called once, after the last `deliver`."""
        ...


class Account(Protocol):
    """One login at one vendor, with the rate limit that all its components share. Built from (settings, context)."""

    host: str
    """Where it is, as operators see it."""

    async def check(self) -> str:
        """Try the credentials, changing nothing. Returns what was found, in a few words. Raises RemoteError."""
        ...


class Keys(Protocol):
    """The API keys made with `groundswell keys create`."""

    async def is_valid(self, account_id: str, secret: str) -> bool:
        """Whether this pair is a key that has not been revoked. Cheap for a pair that was valid a moment ago."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a component is handed when it is built, besides its settings. Nothing else is reached for."""

    name: str
    """The component's name in the configuration, such as "signups"."""
    clock: Clock
    random: Random
    http: Client
    """The one way out to other systems."""
    keys: Keys
    directory: Path
    """Relative paths in the settings are relative to this: the directory of the configuration file."""
    account: Any = None
    """The built account its settings name, one object for all that name it; None where none is needed."""
