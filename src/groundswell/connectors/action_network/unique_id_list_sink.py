"""The `action_network.unique_id_list` sink: a list of people to write to ("ID Targets" in their UI).

A list can be made and changed, and only its name and count can be read [D]. Whether changing it replaces the people on
it or adds to them is documented nowhere, so it is never sent less than everybody it should hold: both come to the same.
What it holds cannot be read back after a restart. So every run of the daemon has a list of its own, named after the
moment it began, and the promise is: everybody who was delivered is on at least one list whose name begins with `name`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import anyio
import structlog
from pydantic import Field

from groundswell.clock import Clock
from groundswell.component import Context, Delivered, Delivery, Outcome, Rejected, Skipped
from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.collections import COLLECTIONS
from groundswell.connectors.action_network.hal import UUID, Resource, id_of
from groundswell.connectors.action_network.transport import Caller, MissingError
from groundswell.connectors.action_network.writing.finding import found_number
from groundswell.connectors.action_network.writing.lookup import VENDOR, PeopleLookup
from groundswell.connectors.common.outcome import outcome_of
from groundswell.connectors.common.unsettled import Unsettled
from groundswell.errors import RecordError, RemoteError, UnavailableError
from groundswell.record import Person, Record, from_json
from groundswell.settings import BatchSettings, SinkSettings

PEOPLE_MAX: Final = 50_000
"""On one list: it is sent whole each time, two megabytes. The next ones go on another."""
SETTLE_S: Final = 15.0
"""Lists show what was made some seconds later [L]."""
LISTS: Final = COLLECTIONS["unique_id_lists"]

log = structlog.get_logger()


class ActionNetworkUniqueIdListSettings(SinkSettings):
    """Collects people on lists to write to. Each run of the daemon has a list of its own."""

    account: str = Field(description="The account to write with, of type action_network.")
    name: str = Field(
        min_length=1, max_length=200, description="What the names of the lists begin with; when the run began follows."
    )
    look_up: bool = Field(
        True,
        description="Whether people without a number at Action Network are looked for by email and phone, at two calls "
        "each. Otherwise they are dead letters.",
    )
    batch: BatchSettings = Field(
        BatchSettings(records=1_000, wait=timedelta(seconds=10)),
        description="How many deliveries travel together. Each batch sends the whole list.",
    )


class ActionNetworkUniqueIdList:
    """Writes a batch with one call, besides looking people up."""

    def __init__(self, settings: ActionNetworkUniqueIdListSettings, context: Context) -> None:
        client: ActionNetwork = context.account.client
        caller = Caller(context.name)
        self._settings = settings
        self._name = context.name
        self._caller = caller
        self._lookup = PeopleLookup(client, context.clock)
        began = datetime.fromtimestamp(context.clock.now(), UTC).strftime("%Y-%m-%d %H:%M:%S")
        self._lists = Lists(client, caller, context.clock, f"{settings.name} {began}")

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        found = [await self._find(from_json(delivery.body)) for delivery in deliveries]
        numbers = [one for one in found if isinstance(one, str)]
        written = await self._write(numbers) if numbers else {}
        return [written[one] if isinstance(one, str) else one for one in found]

    async def aclose(self) -> None:
        """Nothing to let go of: the list stays as it is."""

    async def _write(self, numbers: Sequence[str]) -> dict[str, Outcome]:
        known = [number for number in numbers if self._lists.holds(number)]
        outcome: Outcome = Delivered()
        try:
            await self._lists.add(numbers)
        except RemoteError as error:
            outcome = outcome_of(error, self._name)
        return dict.fromkeys(numbers, outcome) | dict.fromkeys(known, Skipped("already_there"))

    async def _find(self, record: Record) -> str | Outcome:
        """Their number of the person, or what becomes of the delivery."""
        person = record.person
        number = person.ids.get(VENDOR) if isinstance(person, Person) else None
        if number is not None and UUID.fullmatch(number):
            return number
        try:
            if self._settings.look_up:
                number = await found_number(self._lookup, self._caller, record)
        except (RecordError, RemoteError) as error:
            return outcome_of(error, self._name)
        return number or Rejected("unknown_person", f"{self._name}: the person has no number at Action Network")


class Lists:
    """The lists of one run: one, and another whenever one is full or does not take more."""

    def __init__(self, client: ActionNetwork, caller: Caller, clock: Clock, name: str) -> None:
        self._client = client
        self._caller = caller
        self._clock = clock
        self._name = name
        self._part = 1
        self._held: dict[str, None] = {}
        """Everybody on any list of this run, in order of coming; only this run knows."""
        self._now: dict[str, None] = {}
        """Everybody on the list that is being filled."""
        self._number: str | None = None
        self._count: int | None = None
        """How many people of theirs it had, as they said."""
        self._tried: Unsettled | None = None
        """When it was tried to make the list, if the answer was lost."""
        self._writing = anyio.Lock()

    def holds(self, number: str) -> bool:
        return number in self._held

    async def add(self, numbers: Sequence[str]) -> None:
        """Put people on a list.

        Raises:
            NotYetError: whether the list was made cannot be told yet.
            RemoteError: as the client says.
        """
        async with self._writing:
            new = [number for number in dict.fromkeys(numbers) if number not in self._held]
            if not new:
                return
            if len(self._now) + len(new) > PEOPLE_MAX:
                self._begin_another()
            whole = self._now | dict.fromkeys(new)
            had = self._count
            answer = await self._send(list(whole))
            count = answer.get("count")
            if had is not None and isinstance(count, int) and count <= had:
                # Changing it had no effect that can be seen: those who came go on a list of their own.
                self._begin_another()
                whole = dict.fromkeys(new)
                answer = await self._send(list(whole))
                count = answer.get("count")
            self._now = whole
            self._held |= whole
            self._note(count)

    async def _send(self, numbers: list[str]) -> Resource:
        body: Resource = {"name": self._called, "unique_ids": numbers}
        if self._number is None:
            self._number = await self._made_before()
        if self._number is not None:
            try:
                return await self._client.put(self._caller, (LISTS.path, self._number), body)
            except MissingError:
                self._number = None  # somebody deleted it
                self._tried = None
        self._tried = Unsettled(self._clock, self._caller.component, SETTLE_S)
        with self._tried.trying(self._called):
            answer = await self._client.post(self._caller, (LISTS.path,), body)
        self._number = id_of(answer)
        if self._number is None:
            raise UnavailableError(
                f"{self._caller.component}: making a list: the answer has no number; looked for, then tried again"
            )
        return answer

    async def _made_before(self) -> str | None:
        """The list, if a try whose answer was lost made it: nothing else has its name."""
        if self._tried is None:
            return None
        self._tried.check(self._called, "making a list")
        async for page in self._client.pages(self._caller, LISTS):
            for found in page.resources:
                if found.get("name") == self._called:
                    return id_of(found)
        return None

    @property
    def _called(self) -> str:
        return self._name if self._part == 1 else f"{self._name} ({self._part})"

    def _begin_another(self) -> None:
        self._part += 1
        self._now = {}
        self._number = self._count = self._tried = None

    def _note(self, count: object) -> None:
        self._count = count if isinstance(count, int) else None
        if self._count is not None and self._count < len(self._now):
            log.warning(
                "list_is_short",
                component=self._caller.component,
                list=self._called,
                sent=len(self._now),
                counted=self._count,
                why="Action Network does not know the others, or this key may not see them",
            )
