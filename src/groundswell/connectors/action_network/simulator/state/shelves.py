"""Where things stand: each of them by id at once, and in the lists it belongs to some seconds later."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Final

from groundswell.clock import Clock
from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from groundswell.connectors.action_network.simulator.state.catalogue import RECORDS
from groundswell.connectors.action_network.simulator.state.filters import Condition
from groundswell.connectors.action_network.simulator.state.thing import Thing, has_identifier, value_of

Place = tuple[str, ...]
"""A list, as in its address: ("petitions",), ("petitions", UUID, "signatures"), ("people", UUID, "signatures")."""
_EVENT_DATES: Final = ("start_date", "end_date")


class Shelf:
    """One list: newest first, as its samples show (not promised)."""

    def __init__(self) -> None:
        self._seen: dict[str, Thing] = {}
        self._order: list[str] = []
        """Oldest first."""
        self._waiting: list[tuple[float, int, str, Thing | None]] = []
        self._version = 0
        self._found: tuple[int, Sequence[Condition], list[Thing]] | None = None

    def show_later(self, uuid: str, thing: Thing | None, due: float, order: int) -> None:
        """None: take it off."""
        heapq.heappush(self._waiting, (due, order, uuid, thing))

    def page(self, conditions: Sequence[Condition], start: int, count: int, now: float) -> tuple[list[Thing], int]:
        """`count` of those that fit, from `start` on, and how many fit in all."""
        self._catch_up(now)
        if conditions:
            found = self._fitting(conditions)
            return found[start : start + count], len(found)
        last = len(self._order) - start
        uuids = self._order[max(0, last - count) : max(0, last)]
        return [self._seen[uuid] for uuid in reversed(uuids)], len(self._order)

    def _fitting(self, conditions: Sequence[Condition]) -> list[Thing]:
        """Looked for once per change: walking many pages of a long list is not slower than one."""
        if self._found is None or self._found[:2] != (self._version, conditions):
            fitting = [self._seen[uuid] for uuid in reversed(self._order) if _fits(self._seen[uuid], conditions)]
            self._found = (self._version, conditions, fitting)
        return self._found[2]

    def _catch_up(self, now: float) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            _, _, uuid, thing = heapq.heappop(self._waiting)
            self._version += 1
            if thing is not None:
                if uuid not in self._seen:
                    self._order.append(uuid)
                self._seen[uuid] = thing
            elif uuid in self._seen:
                del self._seen[uuid]
                self._order.remove(uuid)


class Shelves:
    """All things."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._things: dict[tuple[str, str], Thing] = {}
        self._identifiers: dict[tuple[str, str], str] = {}
        """By kind and foreign identifier, the UUID."""
        self._shelves: dict[Place, Shelf] = {}
        self._members: dict[Place, dict[str, None]] = {}
        """Who stands where now: of each list, the UUIDs."""
        self._due: dict[str, float] = {}
        """By UUID, when the latest change shows: none of one thing overtakes another."""
        self._happened = 0

    def get(self, kind: str, uuid: str) -> Thing | None:
        return self._things.get((kind, uuid))

    def by_identifier(self, kind: str, identifier: str) -> Thing | None:
        """By a foreign one."""
        uuid = self._identifiers.get((kind, identifier))
        return None if uuid is None else self.get(kind, uuid)

    def all(self, *place: str) -> Iterator[Thing]:
        """What stands there now, oldest first."""
        kind = place[-1]
        return (self._things[kind, uuid] for uuid in tuple(self._members.get(place, ())))

    def places(self) -> list[Place]:
        """Wherever anything ever stood."""
        return list(self._members)

    def stands_at(self, thing: Thing, place: Place) -> bool:
        return thing.uuid in self._members.get(place, ())

    def count(self, *place: str) -> int:
        """How many stand there now."""
        return len(self._members.get(place, ()))

    def put(self, thing: Thing, behaviour: Behaviour) -> None:
        """This is how the thing is from now on."""
        before = self._things.get((thing.kind, thing.uuid))
        old = places_of(before) if before else ()
        new = places_of(thing)
        self._things[thing.kind, thing.uuid] = thing
        for identifier in thing.identifiers:
            self._identifiers[thing.kind, identifier] = thing.uuid
        for place in old:
            if place not in new:
                self._members[place].pop(thing.uuid, None)
        for place in new:
            self._members.setdefault(place, {})[thing.uuid] = None
        self._show(thing.uuid, thing, new, behaviour)
        self._show(thing.uuid, None, (place for place in old if place not in new), behaviour)

    def remove(self, thing: Thing, behaviour: Behaviour) -> None:
        """There is no such thing any more: its id is answered 404."""
        del self._things[thing.kind, thing.uuid]
        for identifier in thing.identifiers:
            self._identifiers.pop((thing.kind, identifier), None)
        for place in places_of(thing):
            self._members[place].pop(thing.uuid, None)
        self._show(thing.uuid, None, places_of(thing), behaviour)

    def page(self, place: Place, conditions: Sequence[Condition], start: int, count: int) -> tuple[list[Thing], int]:
        """As `Shelf.page`."""
        shelf = self._shelves.get(place)
        return shelf.page(conditions, start, count, self._clock.monotonic()) if shelf else ([], 0)

    def _show(self, uuid: str, thing: Thing | None, places: Iterable[Place], behaviour: Behaviour) -> None:
        due = self._clock.monotonic() + self._random.uniform(*behaviour.index_lag_s)
        due = self._due[uuid] = max(due, self._due.get(uuid, due))
        self._happened += 1
        for place in places:
            self._shelves.setdefault(place, Shelf()).show_later(uuid, thing, due, self._happened)


def places_of(thing: Thing) -> tuple[Place, ...]:
    """The lists a thing belongs to."""
    if thing.kind in RECORDS or thing.kind == "taggings":
        page = RECORDS[thing.kind].page if thing.kind in RECORDS else "tags"
        own = (page, thing.parent, thing.kind), ("people", thing.person, thing.kind)
        return (*own, ("donations",)) if thing.kind == "donations" else own
    if thing.kind == "events" and thing.parent:
        campaign = ("event_campaigns", thing.parent, "events")
        return (campaign,) if thing.is_elsewhere else (("events",), campaign)
    return ((thing.kind,),)


def _fits(thing: Thing, conditions: Sequence[Condition]) -> bool:
    return all(_holds(thing, one) for one in conditions)


def _holds(thing: Thing, one: Condition) -> bool:
    if one.field == "identifier":
        return has_identifier(thing, str(one.value))
    value = value_of(thing, one.field)
    if one.field in _EVENT_DATES and isinstance(value, str):
        value = int(datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp())
    return one.fits(value)
