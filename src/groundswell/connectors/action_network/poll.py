"""The `action_network.poll` source: asks what is new and what has changed, in any of their collections.

Their webhooks do not tell of everything (no unsubscribes, edits, tags), and are dropped for good after three tries [D];
this finds what they left out. Records have the ids that the webhook source gives them, so what both see is taken once.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Literal

import structlog
from msgspec import UNSET, UnsetType
from pydantic import AfterValidator, Field

from groundswell.component import NOTHING_NEW, Arrival, Context, Cursor, Emit, History
from groundswell.connectors.action_network.account import ActionNetworkAccount
from groundswell.connectors.action_network.collections import COLLECTIONS
from groundswell.connectors.action_network.polling.marks import Marks, read_marks
from groundswell.connectors.action_network.polling.polled import person_arrival, read_polled
from groundswell.connectors.action_network.polling.rounds import BEGINNING, Rounds, Scope
from groundswell.connectors.action_network.polling.under_way import ACTIONS
from groundswell.connectors.action_network.transport import Caller, MissingError
from groundswell.connectors.common.moments import Moment, check_once
from groundswell.connectors.common.rest import Rest
from groundswell.errors import RequestError
from groundswell.http.limits import Priority
from groundswell.record import Record
from groundswell.settings import Duration, SourceSettings

CollectionName = Literal[
    "people", "petitions", "signatures", "events", "attendances", "event_campaigns", "campaign_events", "forms",
    "submissions", "fundraising_pages", "donations", "advocacy_campaigns", "outreaches", "surveys", "responses",
    "campaigns", "tags", "taggings", "lists", "items", "queries", "messages", "wrappers", "unique_id_lists",
]  # fmt: skip
"""All but `page_donations`: the donations of all pages are together in `donations`."""

log = structlog.get_logger()


class ActionNetworkPollSettings(SourceSettings):
    """Asks an Action Network account what is new and what has changed."""

    account: str = Field(description="Name of the `action_network` account.")
    collections: Annotated[list[CollectionName], AfterValidator(check_once)] = Field(
        ["people"], min_length=1, description="What to ask for."
    )
    every: Duration = Field(
        timedelta(minutes=10), gt=timedelta(0), description="From the end of one round to the start of the next."
    )
    full_every: Duration = Field(
        timedelta(hours=6),
        gt=timedelta(0),
        description="How often to read whole what Action Network cannot filter (tags, lists, messages, ...), and to "
        "ask every petition, event, ... for its records, also where the number of them has not moved.",
    )
    since: Moment | None = Field(
        None, description="The first run takes what was made or changed since then. Without it: everything."
    )
    overlap: Duration = Field(
        timedelta(minutes=2),
        description="How far back each round looks again, for what Action Network lists late.",
    )
    mobile_unsubscribed: Literal["no", "unknown"] = Field(
        "no",
        description='What the status "unsubscribed" of a phone number says about texting. "no": they said stop. '
        '"unknown": nothing, because Action Network gives that status to every new number too, asked or not; then a '
        "stop said in Action Network must reach you another way.",
    )

    @property
    def has_gifts(self) -> bool:
        return "donations" in self.collections

    def warnings(self) -> list[tuple[str, str]]:
        found = []
        if self.every < timedelta(minutes=1):
            found.append(("every", 'asks all the time and takes calls from deliveries; "10m" is plenty'))
        if self.full_every < timedelta(minutes=30):
            found.append(("full_every", 'reads everything over and over at four calls a second; "6h" is plenty'))
        if self.overlap < timedelta(minutes=1):
            found.append(("overlap", 'may miss what Action Network lists late; write "2m"'))
        actions = [name for name in self.collections if name in ACTIONS]
        if actions and "people" not in self.collections:
            found.append(("collections", f'{actions[0]} without "people" cost a call for every person; add "people"'))
        return found


class ActionNetworkPoll:
    """Rounds, one after another. What a round has in memory outlasts a call that fails, but not the process."""

    def __init__(self, settings: ActionNetworkPollSettings, context: Context) -> None:
        account: ActionNetworkAccount = context.account
        self._all: Sequence[str] = tuple(settings.collections)
        self.collections: Sequence[str] = tuple(name for name in self._all if COLLECTIONS[name].fields)
        """What can be asked for a time that is past."""
        self._name = context.name
        self._clock = context.clock
        self._rest = Rest(context.clock)
        self._client = account.client
        self._every_s = settings.every.total_seconds()
        self._scope = Scope(
            since=BEGINNING if settings.since is None else int(settings.since.timestamp()),
            overlap_s=int(settings.overlap.total_seconds()),
            every_s=int(self._every_s),
            full_every_s=int(settings.full_every.total_seconds()),
        )
        self._mobile_unsubscribed: bool | UnsetType = False if settings.mobile_unsubscribed == "no" else UNSET
        self._rounds: Rounds | None = None
        self._backfill: tuple[tuple[tuple[int, int], frozenset[str]], Rounds] | None = None

    async def run(self, cursor: Cursor | None, emit: Emit) -> None:
        if self._rounds is None or self._rounds.cursor != cursor:
            self._rounds = self._from(cursor, self._all, self._scope, Priority.POLL)
        while True:
            await self._rounds.once(emit)
            await emit(NOTHING_NEW)  # where nothing was due, the round was a good one all the same
            await self._rest.take(self._every_s)

    def look_now(self) -> bool:
        return self._rest.end()

    async def once(self, cursor: Cursor | None, emit: Emit) -> None:
        """One round, from this cursor on."""
        await self._from(cursor, self._all, self._scope, Priority.POLL).once(emit)

    async def people_now(self, numbers: Sequence[str]) -> list[Arrival]:
        """These people as they are now, a call for each; those who are gone are left out."""
        caller, found = Caller(self._name, Priority.BACKFILL), []
        for number in numbers:
            with suppress(MissingError):
                found.append(person_arrival(await self._client.get(caller, ("people", number))))
        return found

    async def backfill(self, asked: History, cursor: Cursor | None, emit: Emit) -> None:
        """Emit what was last changed in this time: somebody who changed again later is not in it.

        Raises:
            RequestError: one of the collections cannot be asked for a time.
        """
        for name in asked.collections:
            if name not in COLLECTIONS or not COLLECTIONS[name].fields:
                raise RequestError(
                    f"{self._name}: Action Network cannot filter {name} by time; every round over them reads them "
                    "whole, so there is nothing to fetch again"
                )
        span = (int(asked.since), -int(-asked.until // 1))
        key = (span, frozenset(asked.collections))
        if self._backfill is None or self._backfill[0] != key or self._backfill[1].cursor != cursor:
            scope = Scope(since=span[0], until=span[1])
            self._backfill = (key, self._from(cursor, asked.collections, scope, Priority.BACKFILL))
        await self._backfill[1].once(emit)
        self._backfill = None

    def read(self, arrival: Arrival) -> Record:
        return read_polled(arrival, self._name, self._mobile_unsubscribed)

    def _from(self, cursor: Cursor | None, collections: Sequence[str], scope: Scope, priority: Priority) -> Rounds:
        span = None if scope.until is None else (scope.since, scope.until)
        marks = read_marks(cursor, span)
        if marks is None:
            log.warning(
                "cursor_not_understood",
                component=self._name,
                then="everything is read again; what was taken before is known by its id",
            )
            marks = Marks(span=span)
        caller = Caller(self._name, priority)
        return Rounds(self._client, caller, self._clock, collections, scope, marks, cursor)
