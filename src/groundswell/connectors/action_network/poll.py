"""The `action_network.poll` source: asks Action Network what is new, again and again, and for any time in the past."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final, Literal

from msgspec import UNSET, UnsetType
from pydantic import AfterValidator, Field

from groundswell.component import Arrival, Context, Cursor, Emit, Span
from groundswell.connectors.action_network.account import ActionNetworkAccount
from groundswell.connectors.action_network.collections import COLLECTIONS, Collection
from groundswell.connectors.action_network.places import Places, places_at
from groundswell.connectors.action_network.polled import EVENTS, read_polled
from groundswell.connectors.action_network.reader import Parent, Reader
from groundswell.connectors.action_network.seen import SeenPeople
from groundswell.connectors.action_network.transport import Caller
from groundswell.connectors.action_network.windows import Window
from groundswell.errors import RequestError
from groundswell.http.limits import Priority
from groundswell.record import Record
from groundswell.settings import Duration, SourceSettings

SETTLED_S: Final = 60
"""What was changed so long ago is in their index [L: it lags by seconds], and nothing that old is added to it."""
BEGINNING: Final = datetime(2010, 1, 1, tzinfo=UTC)
"""Before Action Network was."""

ORDER: Final = tuple(name for name in COLLECTIONS if name != "page_donations")
"""People first: then what they did needs no call to say who they are. Donations have a list of their own."""


def _check_collections(names: list[str]) -> list[str]:
    for name in names:
        if name not in ORDER:
            raise ValueError(f"has {name!r}, which is no collection that can be polled; choose from {', '.join(ORDER)}")
    if len(set(names)) < len(names):
        raise ValueError("names a collection twice")
    return names


class ActionNetworkPollSettings(SourceSettings):
    """Asks Action Network what was added and changed."""

    account: str = Field(description="The account to ask with, of type action_network.")
    collections: Annotated[list[str], AfterValidator(_check_collections)] = Field(
        min_length=1, description=f"What to ask for: any of {', '.join(ORDER)}."
    )
    every: Duration = Field(
        timedelta(minutes=10), gt=timedelta(0), description="From the end of one poll to the start of the next."
    )
    full_every: Duration = Field(
        timedelta(hours=6),
        gt=timedelta(0),
        description="How often to read what can only be read whole (tags, lists, messages and the like), and to look "
        "under every petition, event and form, not only under those whose total moved.",
    )
    overlap: Duration = Field(
        timedelta(minutes=2),
        ge=timedelta(0),
        description="How far back each poll looks again, for what reached their index late. Costs nothing but a call.",
    )
    since: datetime | date | None = Field(
        None, description="Where the first poll begins, such as 2026-01-01. Without it: everything there ever was."
    )
    mobile_unsubscribed: Literal["no", "unknown"] = Field(
        "no",
        description='What the status "unsubscribed" of a phone number says about texting, as for the webhook: "no" or '
        '"unknown".',
    )

    def warnings(self) -> list[tuple[str, str]]:
        found = []
        if self.every < timedelta(minutes=1):
            found.append(("every", "under a minute leaves little of the rate for anything else"))
        if "people" not in self.collections and set(self.collections) & set(EVENTS):
            found.append(
                ("collections", 'without "people" every signature, donation, ... costs a call to say whose it is')
            )
        return found


class ActionNetworkPoll:
    """Polls one account. The cursor says, for each collection, until when everything has been read."""

    def __init__(self, settings: ActionNetworkPollSettings, context: Context) -> None:
        account: ActionNetworkAccount = context.account
        self._client = account.client
        self._clock = context.clock
        self._name = context.name
        self._every_s = settings.every.total_seconds()
        self._full_every_s = settings.full_every.total_seconds()
        self._overlap_s = int(settings.overlap.total_seconds())
        self._since_s = _seconds(settings.since or BEGINNING)
        self._mobile_unsubscribed: bool | UnsetType = False if settings.mobile_unsubscribed == "no" else UNSET
        self.collections: Sequence[str] = [name for name in ORDER if name in settings.collections]
        self._people = SeenPeople(self._client) if set(self.collections) & set(EVENTS) else None
        self._totals: dict[tuple[str, str], int] = {}

    def read(self, arrival: Arrival) -> Record:
        return read_polled(arrival, self._name, self._mobile_unsubscribed)

    async def run(self, cursor: Cursor | None, emit: Emit) -> None:
        places = places_at(cursor)
        while True:
            await self._poll(places, emit)
            await self._clock.sleep(self._every_s)

    async def backfill(self, collections: Sequence[str], span: Span, cursor: Cursor | None, emit: Emit) -> None:
        unfit = [name for name in collections if not COLLECTIONS[name].fields]
        if unfit:
            raise RequestError(
                f"{self._name}: {', '.join(unfit)} cannot be asked for by time; they are read whole every `full_every`"
            )
        places = places_at(cursor)
        reader = self._reader(places, emit, Priority.BACKFILL, {})
        whole = Window(int(span.since), min(int(span.until), int(self._clock.now()) - SETTLED_S))
        for name in collections:
            collection = COLLECTIONS[name]
            left = Window(max(whole.start, places.done.get(name, 0)), whole.end)
            if left.length_s <= 0:
                continue
            if collection.parent is None:
                await reader.read_changed(collection, left, is_first=False)
            else:
                parents = await reader.parents_of(collection)
                await reader.read_changed_under(collection, left, parents, all_of_them=True)

    async def _poll(self, places: Places, emit: Emit) -> None:
        """One round: everything that is due, each collection on its own."""
        if self._people is not None:
            self._people.forget()
        reader = self._reader(places, emit, Priority.POLL, self._totals)
        parents: dict[tuple[str, bool], list[Parent]] = {}
        for name in self.collections:
            collection = COLLECTIONS[name]
            if not collection.fields:
                await self._read_whole(reader, places, collection)
            elif collection.parent is None:
                is_first = name not in places.done or name in places.first
                await reader.read_changed(collection, self._due(places, name), is_first=is_first)
            else:
                key = (collection.parent, name == "attendances")
                if key not in parents:
                    parents[key] = await reader.parents_of(collection)
                await self._read_under(reader, places, collection, parents[key])

    async def _read_whole(self, reader: Reader, places: Places, collection: Collection) -> None:
        if self._is_pass_due(places, collection.name):
            parents = None if collection.parent is None else await reader.parents_of(collection)
            await reader.read_all(collection, parents)

    async def _read_under(self, reader: Reader, places: Places, collection: Collection, parents: list[Parent]) -> None:
        name = collection.name
        all_of_them = self._is_pass_due(places, name) or name in places.under
        await reader.read_changed_under(collection, self._due(places, name), parents, all_of_them=all_of_them)
        if all_of_them:
            places.passes[name] = int(self._clock.now())

    def _due(self, places: Places, name: str) -> Window:
        """The time not read yet, and a little of what was."""
        end = int(self._clock.now()) - SETTLED_S
        done = places.done.get(name)
        if done is None:
            return Window(self._since_s, end)
        start = done if name in places.first else done - self._overlap_s
        return Window(max(self._since_s, start), end)

    def _is_pass_due(self, places: Places, name: str) -> bool:
        return self._clock.now() - places.passes.get(name, 0) >= self._full_every_s

    def _reader(self, places: Places, emit: Emit, priority: Priority, totals: dict[tuple[str, str], int]) -> Reader:
        caller = Caller(self._name, priority)
        return Reader(self._client, caller, self._clock, emit, places, totals, self._people)


def _seconds(moment: datetime | date) -> int:
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
