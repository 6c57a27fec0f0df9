"""The `actionkit.poll` source: asks what is new and what has changed, in any of their collections.

Pushes tell of actions only, and are lost after some tries; this finds the rest: edits, unsubscribes, bounces, charges.
Actions have the ids that the push source gives them, so what both see is taken once.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal

import structlog
from pydantic import AfterValidator, Field, StringConstraints

from groundswell.component import NOTHING_NEW, Arrival, Context, Cursor, Emit, History
from groundswell.connectors.actionkit.account import ActionKitAccount
from groundswell.connectors.actionkit.mapping import read_arrival, state
from groundswell.connectors.actionkit.polling.feeds import COLLECTIONS
from groundswell.connectors.actionkit.polling.marks import Marks, read_marks
from groundswell.connectors.actionkit.polling.rounds import Rounds, Scope
from groundswell.connectors.actionkit.polling.things import Things
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.common.moments import Moment, check_once
from groundswell.connectors.common.rest import Rest
from groundswell.errors import RequestError
from groundswell.http.limits import Priority
from groundswell.record import Record
from groundswell.settings import Duration, SourceSettings

CollectionName = Literal[
    "users", "actions", "pages", "lists", "subscriptions", "usergroups", "donations", "events", "signups",
    "user_fields",
]  # fmt: skip

log = structlog.get_logger()


PageName = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_.-]+$", max_length=255)]


class ActionKitPollSettings(SourceSettings):
    """Asks an ActionKit instance what is new and what has changed."""

    account: str = Field(description="Name of the `actionkit` account.")
    collections: Annotated[list[CollectionName], AfterValidator(check_once)] = Field(
        ["users"], min_length=1, description="What to ask for."
    )
    every: Duration = Field(
        timedelta(minutes=10), gt=timedelta(0), description="From the end of one round to the start of the next."
    )
    full_every: Duration = Field(
        timedelta(days=1),
        gt=timedelta(0),
        description="How often to read users whole, because deleted phones and emptied user fields leave no other "
        "trace, and whatever this ActionKit neither filters by time nor reports by SQL.",
    )
    since: Moment | None = Field(
        None, description="The first run takes what was made or changed since then. Without it: everything."
    )
    overlap: Duration = Field(
        timedelta(minutes=2),
        description="How far back each round looks again, for what shows late.",
    )
    reports: bool = Field(
        True,
        description="Ask by SQL report what has changed where the API has no filter for it. Without: read it whole "
        "every `full_every`. The staff account needs the right to run reports.",
    )

    pages: list[PageName] = Field(
        [],
        description="Actions only of these pages, by number or short name; without it, of all. A page that is added "
        "later brings what is done from then on; a backfill brings the rest.",
    )

    @property
    def has_gifts(self) -> bool:
        return "donations" in self.collections

    def warnings(self) -> list[tuple[str, str]]:
        found = []
        if self.every < timedelta(minutes=1):
            found.append(("every", 'asks all the time and takes calls from deliveries; "10m" is plenty'))
        if self.full_every < timedelta(hours=1):
            found.append(("full_every", 'reads everything over and over; "1d" is plenty'))
        if self.overlap < timedelta(minutes=1):
            found.append(("overlap", 'may miss what shows late; write "2m"'))
        return found


class ActionKitPoll:
    """Rounds, one after another. What a round has in memory outlasts a call that fails, but not the process."""

    def __init__(self, settings: ActionKitPollSettings, context: Context) -> None:
        account: ActionKitAccount = context.account
        self.collections: Sequence[str] = tuple(settings.collections)
        self.counts: Counter[str] = Counter()
        """What was met, for `status`."""
        self._name = context.name
        self._clock = context.clock
        self._rest = Rest(context.clock)
        self._client = account.client
        self._every_s = settings.every.total_seconds()
        self._scope = Scope(
            since=None if settings.since is None else int(settings.since.timestamp()),
            overlap_s=int(settings.overlap.total_seconds()),
            every_s=int(self._every_s),
            full_every_s=int(settings.full_every.total_seconds()),
            reports=settings.reports,
            pages=tuple(settings.pages),
        )
        self._rounds: Rounds | None = None
        self._backfill: tuple[tuple[tuple[int, int], frozenset[str]], Rounds] | None = None

    async def run(self, cursor: Cursor | None, emit: Emit) -> None:
        if self._rounds is None or self._rounds.cursor != cursor:
            self._rounds = self._from(cursor, self.collections, self._scope, Priority.POLL)
        while True:
            await self._rounds.once(emit)
            await emit(NOTHING_NEW)  # where nothing was due, the round was a good one all the same
            await self._rest.take(self._every_s)

    def look_now(self) -> bool:
        return self._rest.end()

    async def once(self, cursor: Cursor | None, emit: Emit) -> None:
        """One round, from this cursor on."""
        await self._from(cursor, self.collections, self._scope, Priority.POLL).once(emit)

    async def people_now(self, numbers: Sequence[str]) -> list[Arrival]:
        """These users as they are now; those who are gone are left out."""
        things = Things(self._client, Caller(self._name, Priority.BACKFILL))
        users = await things.with_phones(await things.get("user", numbers))
        return [state("user", user) for user in users]

    async def backfill(self, asked: History, cursor: Cursor | None, emit: Emit) -> None:
        """Emit what was last changed in this time: somebody who changed again later is not in it.

        Raises:
            RequestError: one of the collections is none.
        """
        for name in asked.collections:
            if name not in COLLECTIONS:
                raise RequestError(f"{self._name}: ActionKit has no {name} to fetch; there is {', '.join(COLLECTIONS)}")
        span = (int(asked.since), -int(-asked.until // 1))
        key = (span, frozenset(asked.collections))
        if self._backfill is None or self._backfill[0] != key or self._backfill[1].cursor != cursor:
            scope = Scope(since=span[0], until=span[1], reports=self._scope.reports, pages=self._scope.pages)
            self._backfill = (key, self._from(cursor, asked.collections, scope, Priority.BACKFILL))
        await self._backfill[1].once(emit)
        self._backfill = None

    def read(self, arrival: Arrival) -> Record:
        return read_arrival(arrival, self._name)

    def _from(self, cursor: Cursor | None, collections: Sequence[str], scope: Scope, priority: Priority) -> Rounds:
        span = None if scope.since is None or scope.until is None else (scope.since, scope.until)
        marks = read_marks(cursor, span)
        if marks is None:
            log.warning(
                "cursor_not_understood",
                component=self._name,
                then="everything is read again; what was taken before is known by its id",
            )
            marks = Marks(span=span)
        caller = Caller(self._name, priority)
        return Rounds(self._client, caller, self._clock, collections, scope, marks, cursor, self.counts)
