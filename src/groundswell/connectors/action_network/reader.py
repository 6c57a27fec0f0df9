"""Reads collections of one account into arrivals, from where it was left: the work of a poll and of a backfill.

Four ways, by what a collection allows:
- it can be filtered by `modified_date`: windows of time (`sweep.py`);
- it is under parents and can be filtered: the parents are listed, and windows read under those whose total moved;
- it cannot be filtered: everything is read, now and then;
- it is under parents and cannot be filtered: everything under each parent is read, now and then.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

import anyio

from groundswell.clock import Clock
from groundswell.component import Arrival, Batch, Emit, Progress
from groundswell.connectors.action_network.client import PER_PAGE_MAX, TOP, ActionNetwork, Place
from groundswell.connectors.action_network.collections import COLLECTIONS, Collection
from groundswell.connectors.action_network.hal import Resource, id_of, person_id_of
from groundswell.connectors.action_network.mapping import seconds_of
from groundswell.connectors.action_network.places import First, Places, Under
from groundswell.connectors.action_network.polled import EVENTS, arrival_of
from groundswell.connectors.action_network.seen import SeenPeople
from groundswell.connectors.action_network.sweep import Sweep
from groundswell.connectors.action_network.transport import Caller
from groundswell.connectors.action_network.walk import Walk
from groundswell.connectors.action_network.windows import Window

PARENTS_MAX: Final = 50_000
GETS_AT_ONCE: Final = 4
DAY_S: Final = 86_400
_ROUND: Final = ""
"""In place of a parent: a whole round was made."""


class Reader:
    """Reads for one component. `totals` outlives it: what parents counted when they were last asked."""

    def __init__(
        self,
        client: ActionNetwork,
        caller: Caller,
        clock: Clock,
        emit: Emit,
        places: Places,
        totals: dict[tuple[str, str], int],
        people: SeenPeople | None,
    ) -> None:
        """`people` is where people are remembered whose actions will be read; None if nobody's will."""
        self._client = client
        self._caller = caller
        self._clock = clock
        self._emit = emit
        self._places = places
        self._totals = totals
        self._people = people
        self._began_at = clock.now()
        self._done_before: dict[str, int] = {name: first.done for name, first in places.first.items()}

    # ---- by time ----

    async def read_changed(self, collection: Collection, span: Window, *, is_first: bool) -> None:
        """Everything that was changed in this time."""
        name = collection.name
        if is_first and name not in self._places.first:
            self._places.first[name] = First(total=await self._count(collection))

        async def commit(arrivals: Sequence[Arrival], done_to: int | None) -> None:
            if is_first:
                self._places.first[name].done += len(arrivals)
            if done_to is not None:
                self._places.done[name] = done_to
            await self._commit(arrivals, None if done_to is None else self._places, name if is_first else None)

        walk = Walk(self._client, self._caller, collection)
        await Sweep(walk, span, self._keeper(collection, None), commit).run()
        if self._places.first.pop(name, None) is not None:
            await self._commit((), self._places, None)

    async def read_changed_under(
        self, collection: Collection, span: Window, parents: Sequence["Parent"], *, all_of_them: bool
    ) -> None:
        """Everything that was changed in this time under these parents: those whose total moved, or all of them.

        The round keeps the end of its time until it is through, also over a crash.
        """
        name = collection.name
        round_ = self._places.under.get(name) or Under(end=span.end)
        self._places.under[name] = round_
        for parent in sorted(parents, key=lambda one: one.number):
            if parent.number < round_.parent:
                continue
            if parent.number > round_.parent:
                round_.parent, round_.at = parent.number, 0
            if not all_of_them and not self._has_moved(name, parent):
                continue
            start = max(round_.at, self._start_under(name, parent, span))
            await self._read_under(collection, Window(start, round_.end), parent, round_)
            self._note_total(name, parent)
        self._totals[name, _ROUND] = 0
        del self._places.under[name]
        self._places.done[name] = round_.end
        await self._commit((), self._places, None)

    async def _read_under(self, collection: Collection, span: Window, parent: "Parent", round_: Under) -> None:
        async def commit(arrivals: Sequence[Arrival], done_to: int | None) -> None:
            if done_to is not None:
                round_.at = done_to
            await self._commit(arrivals, None if done_to is None else self._places, None)

        walk = Walk(self._client, self._caller, collection, parent.place)
        await Sweep(walk, span, self._keeper(collection, parent.resource), commit).run()

    def _start_under(self, name: str, parent: "Parent", span: Window) -> int:
        """Nothing is older than its page. A page that is older than the last round and was not in its list was missed
        then (lists shift when something is deleted), so all of it is read."""
        if parent.created_s is None:
            return span.start
        was_missed = (name, _ROUND) in self._totals and (name, parent.number) not in self._totals
        if was_missed and parent.total is not None:
            return parent.created_s - DAY_S
        return max(span.start, parent.created_s - DAY_S)

    def _has_moved(self, name: str, parent: "Parent") -> bool:
        return parent.total is None or self._totals.get((name, parent.number)) != parent.total

    def _note_total(self, name: str, parent: "Parent") -> None:
        if parent.total is not None:
            self._totals.pop((name, parent.number), None)
            self._totals[name, parent.number] = parent.total
            if len(self._totals) > PARENTS_MAX:
                del self._totals[next(iter(self._totals))]

    # ---- whole ----

    async def read_all(self, collection: Collection, parents: Sequence["Parent"] | None = None) -> None:
        """Everything there is. What comes twice in one reading was moved, so something may have been missed: then the
        list is read once more."""
        for parent in parents if parents is not None else (None,):
            under = TOP if parent is None else parent.place
            if not await self._read_once(collection, under, parent):
                await self._read_once(collection, under, parent)
        self._places.passes[collection.name] = int(self._clock.now())
        await self._commit((), self._places, None)

    async def _read_once(self, collection: Collection, under: Place, parent: "Parent | None") -> bool:
        keep = self._keeper(collection, None if parent is None else parent.resource)
        seen: set[str] = set()
        number = 0
        async for page in self._client.pages(self._caller, collection, under=under):
            await self._commit(await keep(page.resources), None, None)
            seen.update(id_of(resource) or "" for resource in page.resources)
            number += len(page.resources)
        return len(seen) == number

    # ---- parents ----

    async def parents_of(self, collection: Collection) -> list["Parent"]:
        """All pages, tags or lists that this collection is under."""
        assert collection.parent is not None
        of = COLLECTIONS[collection.parent]
        found = [Parent(of, resource, TOP, collection.total) async for resource in self._all(of, TOP)]
        if collection.name == "attendances":
            # Events that others host under a campaign of ours are only there [L].
            known = {parent.number for parent in found}
            async for campaign in self._all(COLLECTIONS["event_campaigns"], TOP):
                place = ("event_campaigns", id_of(campaign) or "")
                async for resource in self._all(COLLECTIONS["campaign_events"], place):
                    event = Parent(COLLECTIONS["events"], resource, place, collection.total)
                    if event.number not in known:
                        known.add(event.number)
                        found.append(event)
        return [parent for parent in found if parent.number]

    async def _all(self, collection: Collection, under: Place) -> AsyncIterator[Resource]:
        seen: set[str] = set()
        async for page in self._client.pages(self._caller, collection, under=under):
            for resource in page.resources:
                number = id_of(resource) or ""
                if number not in seen:
                    seen.add(number)
                    yield resource

    # ---- what was read ----

    def _keeper(
        self, collection: Collection, parent: Resource | None
    ) -> Callable[[Sequence[Resource]], Awaitable[Sequence[Arrival]]]:
        is_event = collection.name in EVENTS
        is_people = collection.name == "people"

        async def keep(resources: Sequence[Resource]) -> Sequence[Arrival]:
            if not is_event:
                if is_people and self._people is not None:
                    for resource in resources:
                        self._people.note(resource)
                return [arrival_of(collection, resource, parent=parent) for resource in resources]
            people = await self._people_of(resources)
            return [
                arrival_of(collection, resource, parent=parent, person=people.get(person_id_of(resource) or ""))
                for resource in resources
            ]

        return keep

    async def _people_of(self, records: Sequence[Resource]) -> dict[str, Resource | None]:
        """Who they are: from those seen in this round, else one call for each."""
        assert self._people is not None
        seen = self._people
        people: dict[str, Resource | None] = {}
        limit = anyio.Semaphore(GETS_AT_ONCE)
        failures: list[Exception] = []

        async def get(number: str) -> None:
            async with limit:
                try:
                    people[number] = await seen.get(self._caller, number)
                except Exception as exc:
                    failures.append(exc)

        async with anyio.create_task_group() as tasks:
            for number in {person_id_of(record) for record in records} - {None}:
                tasks.start_soon(get, str(number))
        if failures:
            raise failures[0]
        return people

    async def _commit(self, arrivals: Sequence[Arrival], places: Places | None, progress_of: str | None) -> None:
        if not arrivals and places is None:
            return
        progress = None
        if progress_of is not None:
            first = self._places.first[progress_of]
            before = self._done_before.get(progress_of, 0)
            progress = Progress(progress_of, first.done, first.total, self._began_at, before)
        await self._emit(Batch(arrivals, None if places is None else places.cursor(), progress))

    async def _count(self, collection: Collection) -> int | None:
        """About how many there are: they say so, or the last page is looked for, twice as far each time and then in
        halves. Some 30 calls for a million people, who come without a total [D]."""
        page = await self._client.page(self._caller, collection)
        if page.records is not None or not page.resources:
            return page.records or 0
        held, empty = 1, 2
        while (await self._client.page(self._caller, collection, empty)).resources:
            held, empty = empty, empty * 2
        while empty - held > max(1, held // 50):
            middle = (held + empty) // 2
            if (await self._client.page(self._caller, collection, middle)).resources:
                held = middle
            else:
                empty = middle
        return held * PER_PAGE_MAX


class Parent:
    """A page, tag or list that others are under."""

    def __init__(self, collection: Collection, resource: Resource, under: Place, total: str | None) -> None:
        self.resource = resource
        self.number = id_of(resource) or ""
        self.place: Place = (*under, collection.path, self.number)
        count = resource.get(total) if total is not None else None
        self.total: int | None = count if type(count) is int else None
        self.created_s: int | None = seconds_of(resource.get("created_date"))
