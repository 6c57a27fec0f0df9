"""One collection of a round, while it is being read: its pages become arrivals, its position becomes a mark."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from groundswell.clock import Clock
from groundswell.component import Arrival, Progress
from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.collections import Collection
from groundswell.connectors.action_network.filters import stamp
from groundswell.connectors.action_network.hal import Resource
from groundswell.connectors.action_network.polling.marks import Mark
from groundswell.connectors.action_network.polling.persons import Persons
from groundswell.connectors.action_network.polling.polled import arrival_of
from groundswell.connectors.action_network.polling.reading import Reading
from groundswell.connectors.action_network.polling.sweep import Position, Sweep, Track
from groundswell.connectors.action_network.polling.walk import Walk
from groundswell.connectors.action_network.polling.whole import Pass
from groundswell.connectors.action_network.polling.windows import PAGES_MAX, Task, Window
from groundswell.connectors.action_network.transport import Caller
from groundswell.errors import RejectedError

ACTIONS: Final = frozenset(("signatures", "attendances", "submissions", "donations", "outreaches", "responses"))
"""What people did: each has the number of a person."""
CERTAIN_S: Final = 180
"""What was changed longer ago than this and is shown outside its window was not filtered: no index lags so long."""

Save = Callable[[Sequence[Arrival], Mark | None, Progress | None], Awaitable[None]]
"""Returns when these are on disk, with the mark of the collection if there is one."""


class Around(Struct, frozen=True):
    """What all collections of a round have in common."""

    client: ActionNetwork
    caller: Caller
    clock: Clock
    persons: Persons | None
    """Where to find who did something; None where only people are read."""


class UnderWay:
    """`run` reads the tracks to their ends; when it raises, `run` again goes on where it was."""

    def __init__(
        self,
        around: Around,
        collection: Collection,
        tracks: Sequence[Track],
        mark: Mark,
        *,
        moves: Literal["to", "at", "nothing"],
        finished: Callable[[Track], None] = lambda _: None,
    ) -> None:
        """Nothing is asked for yet.

        Args:
            mark: As it is now; its `goal` is what `to` becomes in the end.
            moves: What of the mark follows the windows: `to`, or `at` and `inside`, or nothing, because not all was
                looked at.
        """
        self._around = around
        self._collection = collection
        self._mark = mark
        self._moves = moves
        self._sweep = Sweep(tracks, self, finished)
        self._save: Save | None = None
        self._began_at = around.clock.now()
        self._done = mark.records

    async def run(self, save: Save) -> None:
        """Read everything. The last thing that is saved is the mark that says so."""
        self._save = save
        if self._sweep.is_done:
            await self.hand_over((), Position("", None, 0))
        await self._sweep.run()

    # ---- for the sweep ----

    def reading(self, track: Track, task: Task) -> Reading:
        what = f"{self._around.caller.component}: reading {self._collection.name}"
        if not self._collection.fields:
            return Pass(what)
        pages_max = PAGES_MAX if task.can_be_split else None
        return Walk(what, task.pages, pages_max=pages_max, is_deep_likely=task.is_deep_likely)

    async def page(self, track: Track, task: Task, number: int) -> Sequence[Resource]:
        where = task.window.where if self._collection.fields else ()
        client, caller = self._around.client, self._around.caller
        page = await client.page(caller, self._collection, number, under=track.place, where=where)
        if where and _has_strangers(page.resources, task.window, int(self._around.clock.now()) - CERTAIN_S):
            raise RejectedError(
                f"{caller.component}: reading {self._collection.name}, page {number}: the filter was not applied; "
                "nothing of it was taken"
            )
        return page.resources

    async def arrivals(self, track: Track, resources: Sequence[Resource]) -> list[Arrival]:
        collection, persons = self._collection, self._around.persons
        if collection.name == "people":
            if persons is not None:
                persons.note(resources)
            return [arrival_of(collection, resource) for resource in resources]
        if persons is None or collection.name not in ACTIONS:
            return [arrival_of(collection, resource, parent=track.parent) for resource in resources]
        who = await persons.who_did(resources)
        return [
            arrival_of(collection, resource, parent=track.parent, person=person)
            for resource, person in zip(resources, who, strict=True)
        ]

    async def hand_over(self, arrivals: Sequence[Arrival], position: Position | None) -> None:
        assert self._save is not None
        mark = None if position is None else self._moved(position)
        if arrivals or mark is not None:
            await self._save(arrivals, mark, self._progress(position))

    def _moved(self, position: Position) -> Mark | None:
        """The mark when everything before the position is done."""
        mark = self._mark
        if self._moves == "nothing":
            return None
        if position.inside is None:
            return Mark(to=mark.goal, is_first=False)
        records = mark.records + position.records if mark.is_first else 0
        if self._moves == "to":
            return replace(mark, to=max(position.inside, mark.to or 0), goal=None, records=records)
        return replace(mark, at=position.key, inside=position.inside, records=records)

    def _progress(self, position: Position | None) -> Progress | None:
        mark = self._mark
        if not mark.is_first or (position is not None and position.inside is None):
            return None
        if position is not None:
            self._done = mark.records + position.records
        return Progress(self._collection.name, self._done, mark.total, self._began_at, mark.records)


def _has_strangers(resources: Sequence[Resource], window: Window, certain: int) -> bool:
    """Whether somebody is here who was changed after the window, and not just now.

    Their filters work on an index and what they show is fresher [L], so somebody changed just now is no stranger.
    """
    if certain <= window.end:
        return False
    first, last = stamp(window.end), stamp(certain)
    return any(
        isinstance(changed, str) and first <= changed < last
        for changed in (resource.get("modified_date") for resource in resources)
    )
