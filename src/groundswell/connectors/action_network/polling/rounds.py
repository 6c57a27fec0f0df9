"""One look after another at the collections of an account: what is due, and from when to when.

Three kinds of collections are read in three ways. What can be filtered by date at the top is read in windows; what is
under parents, in windows under each parent that may have news (`parents.py`); what takes no filter is read whole, once
in a while.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from groundswell.clock import Clock
from groundswell.component import Arrival, Batch, Cursor, Emit, Progress
from groundswell.connectors.action_network.client import PER_PAGE_MAX, ActionNetwork, Place
from groundswell.connectors.action_network.collections import COLLECTIONS, Collection
from groundswell.connectors.action_network.hal import Resource
from groundswell.connectors.action_network.polling.estimate import about_how_many
from groundswell.connectors.action_network.polling.marks import Mark, Marks
from groundswell.connectors.action_network.polling.parents import AskedParents, Listing, Parent, parents_of
from groundswell.connectors.action_network.polling.persons import Persons
from groundswell.connectors.action_network.polling.sweep import Track
from groundswell.connectors.action_network.polling.under_way import ACTIONS, Around, UnderWay
from groundswell.connectors.action_network.polling.windows import Plan, Window
from groundswell.connectors.action_network.transport import Caller

SETTLED_S: Final = 60
"""A window ends so long before now: their lists and filters lag by a few seconds [L]."""
BEGINNING: Final = 1_262_304_000
"""2010-01-01: before there was an Action Network."""
_ONCE: Final = Window(0, 1)
"""The one window of what has none."""


class Scope(Struct, frozen=True):
    """Which time is looked at. Seconds, and seconds since 1970."""

    since: int = BEGINNING
    """Nothing changed before is taken."""
    until: int | None = None
    """Nothing changed then or later is taken; None: everything new is."""
    overlap_s: int = 0
    """How far back each round looks again."""
    every_s: int = 0
    """From one round to the next."""
    full_every_s: int = 0
    """From one whole pass, or one round over all parents, to the next."""


class Rounds:
    """`once` is one round. When it raises, `once` again goes on where it was."""

    def __init__(
        self,
        client: ActionNetwork,
        caller: Caller,
        clock: Clock,
        collections: Sequence[str],
        scope: Scope,
        marks: Marks,
        cursor: Cursor | None,
    ) -> None:
        """`cursor` is where the marks were read from."""
        self.cursor = cursor
        """What was handed over last: whoever has another one must begin anew from it."""
        self._clock = clock
        self._scope = scope
        self._marks = marks
        self._collections = [one for one in COLLECTIONS.values() if one.name in collections]
        """In the order of the table: people come before what they did."""
        self._names = frozenset(collections)
        persons = Persons(client, caller) if self._names & ACTIONS else None
        self._around = Around(client, caller, clock, persons)
        self._asked = {one.name: AskedParents() for one in self._collections if one.parent is not None}
        self._left: list[Collection] = []
        """Of this round."""
        self._goal = 0
        """The end of this round's windows."""
        self._under_way: UnderWay | None = None
        self._listings: dict[tuple[str, Place], Listing] = {}

    async def once(self, emit: Emit) -> None:
        """Hand over everything that is due, of all collections."""
        if not self._left:
            self._left = list(self._collections)
            self._goal = self._settled()
            if self._around.persons is not None:
                self._around.persons.forget()
        while self._left:
            name = self._left[0].name
            if self._under_way is None:
                self._under_way = await self._begin(self._left[0])
                self._listings.clear()
            if self._under_way is not None:
                await self._under_way.run(partial(self._save, emit, name))
                self._under_way = None
            self._left.pop(0)

    async def _save(
        self, emit: Emit, name: str, arrivals: Sequence[Arrival], mark: Mark | None, progress: Progress | None
    ) -> None:
        if mark is None:
            await emit(Batch(arrivals, None, progress))
            return
        marks = self._marks.with_mark(name, mark)
        cursor = marks.cursor
        await emit(Batch(arrivals, cursor, progress))
        self._marks, self.cursor = marks, cursor

    def _settled(self) -> int:
        """Everything changed before this moment is in their lists by now."""
        now = int(self._clock.now()) - SETTLED_S
        return now if self._scope.until is None else min(now, self._scope.until)

    # ---- what is due ----

    async def _begin(self, collection: Collection) -> UnderWay | None:
        """What is to be read now; None if nothing is."""
        mark = self._marks.mark(collection.name)
        if self._scope.until is not None and not mark.is_first:
            return None
        if not collection.fields:
            return await self._whole(collection, mark)
        if collection.parent is not None:
            return await self._under_parents(collection, mark)
        return await self._windows(collection, mark)

    async def _windows(self, collection: Collection, mark: Mark) -> UnderWay:
        pages = None
        if mark.to is None:
            mark = replace(mark, total=await self._total(collection))
            pages = _pages(mark.total)
        plan = Plan(Window(self._start(mark), self._goal), pages)
        return UnderWay(self._around, collection, [Track(plan)], replace(mark, goal=self._goal), moves="to")

    async def _under_parents(self, collection: Collection, mark: Mark) -> UnderWay:
        listed_at = int(self._clock.now())
        parents = await parents_of(collection, self._read_list, with_campaigns="campaign_events" in self._names)
        asked = self._asked[collection.name]
        asked.keep(parents)
        by_key = {parent.key: parent for parent in parents}
        is_full = mark.goal is not None or not asked.knows_any or self._is_full_due(mark)
        goal = mark.goal if mark.goal is not None else self._goal

        def finished(track: Track) -> None:
            asked.note(by_key[track.key], listed_at, goal)

        if not is_full:
            due = asked.due(parents, self._scope.since)
            tracks = [_track(parent, Window(self._back(to), goal)) for parent, to in due]
            return UnderWay(self._around, collection, tracks, mark, moves="nothing", finished=finished)
        tracks = []
        start = self._start(mark)
        for parent in parents:
            if parent.key < mark.at:
                asked.note_unknown(parent.key, goal)
                continue
            inside = mark.inside if parent.key == mark.at else None
            is_new = asked.knows_any and not asked.knows(parent.key)
            pages = _pages(parent.total) if mark.to is None else None
            tracks.append(_track(parent, Window(inside or (self._scope.since if is_new else start), goal), pages))
        if mark.is_first and mark.total is None:
            mark = replace(mark, total=_sum([parent.total for parent in parents]))
        mark = replace(mark, goal=goal)
        return UnderWay(self._around, collection, tracks, mark, moves="at", finished=finished)

    async def _whole(self, collection: Collection, mark: Mark) -> UnderWay | None:
        if mark.goal is None and not self._is_full_due(mark):
            return None
        if mark.goal is None:
            mark = replace(mark, goal=int(self._clock.now()))
        tracks = [Track(Plan(_ONCE))]
        if collection.parent is not None:
            parents = await parents_of(collection, self._read_list, with_campaigns=False)
            tracks = [_track(parent, _ONCE) for parent in parents if parent.key >= mark.at]
        return UnderWay(self._around, collection, tracks, mark, moves="at")

    def _is_full_due(self, mark: Mark) -> bool:
        """Whether it is time for all of it; also when the last time lies ahead, as the clock was wrong then."""
        return mark.to is None or not mark.to <= self._clock.now() < mark.to + self._scope.full_every_s

    def _start(self, mark: Mark) -> int:
        """Where to look from.

        A mark that lies ahead was made while our clock was wrong: what has come since then is looked for again, as far
        as one can tell.
        """
        if mark.to is None:
            return self._scope.since
        if mark.to > self._goal:
            return self._back(self._goal - self._scope.every_s)
        return self._back(mark.to)

    def _back(self, to: int) -> int:
        return max(self._scope.since, to - self._scope.overlap_s)

    async def _total(self, collection: Collection) -> int | None:
        """About how many there are to be taken."""
        scope = self._scope
        is_part = scope.since > BEGINNING or scope.until is not None
        where = Window(scope.since, self._goal).where if is_part else ()
        return await about_how_many(self._around.client, self._around.caller, collection, where)

    async def _read_list(self, collection: Collection, place: Place) -> list[Resource]:
        """All of a collection, unfiltered. What was read before a call failed is not read again."""
        around = self._around
        what = f"{around.caller.component}: reading {collection.name}"
        listing = self._listings.setdefault((collection.name, place), Listing(what))

        async def ask(number: int) -> Sequence[Resource]:
            return (await around.client.page(around.caller, collection, number, under=place)).resources

        return await listing.run(ask)


def _track(parent: Parent, window: Window, pages: int | None = None) -> Track:
    return Track(Plan(window, pages), parent.place, parent.key, parent.resource)


def _sum(totals: Sequence[int | None]) -> int | None:
    known = [total for total in totals if total is not None]
    return sum(known) if len(known) == len(totals) else None


def _pages(records: int | None) -> int | None:
    return None if records is None else -(-records // PER_PAGE_MAX)
