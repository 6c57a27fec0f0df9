"""Records that are only under a parent: which parents have to be asked for news.

Signatures are under each petition, and nowhere together [D]. Asking every petition each time would be dear, so a round
asks those whose total has moved. A total says nothing about records that changed, or about one that went while
another came; so all parents are asked once in a while, for everything since all were asked last.

A total that is seen to move counts what happened up to now, while a window ends a minute before. So a parent is asked
again, until a window has ended after its total was first seen as it is.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

from msgspec import Struct

from groundswell.connectors.action_network.client import TOP, Place
from groundswell.connectors.action_network.collections import COLLECTIONS, Collection
from groundswell.connectors.action_network.hal import Resource, id_of
from groundswell.connectors.action_network.polling.reading import Ask
from groundswell.connectors.action_network.polling.whole import Pass

_TEXT_MAX = 400


class Parent(Struct, frozen=True):
    """One parent, as its list shows it."""

    key: str
    """Its number."""
    place: Place
    """Where its records are."""
    resource: Resource
    """Without its texts and its creator."""
    total: int | None
    """How many records it has, if it says so."""


class _Asked(Struct, frozen=True):
    """When a parent was last asked."""

    total: int | None
    """Then; None: not known."""
    seen_at: int
    """When this total was first seen. Seconds since 1970."""
    to: int
    """The end of the window it was asked for."""


class AskedParents:
    """What this process knows of the parents of one collection. Nothing, at first: then all of them are asked."""

    def __init__(self) -> None:
        self._asked: dict[str, _Asked] = {}

    @property
    def knows_any(self) -> bool:
        return bool(self._asked)

    def knows(self, key: str) -> bool:
        return key in self._asked

    def due(self, parents: Iterable[Parent], since: int) -> list[tuple[Parent, int]]:
        """Those that have to be asked, with the moment up to which they were. New ones: since `since`."""
        found = []
        for parent in parents:
            asked = self._asked.get(parent.key)
            if asked is None:
                found.append((parent, since))
            elif parent.total is None or parent.total != asked.total or asked.to < asked.seen_at:
                found.append((parent, asked.to))
        return found

    def note(self, parent: Parent, listed_at: int, to: int) -> None:
        """It was asked for all until `to`; it was listed at `listed_at`, with its total."""
        before = self._asked.get(parent.key)
        is_same = before is not None and before.total == parent.total
        seen_at = before.seen_at if before is not None and is_same else listed_at
        self._asked[parent.key] = _Asked(parent.total, seen_at, to)

    def note_unknown(self, key: str, to: int) -> None:
        """It was asked by an earlier process, which took what it knew with it."""
        self._asked[key] = _Asked(None, 0, to)

    def keep(self, parents: Iterable[Parent]) -> None:
        """Forget those that are not listed any more."""
        listed = {parent.key for parent in parents}
        self._asked = {key: asked for key, asked in self._asked.items() if key in listed}


class Listing:
    """A list that is read whole, into memory. Goes on where it was when a call fails."""

    def __init__(self, what: str) -> None:
        self._pass = Pass(what)
        self._found: dict[str, Resource] = {}

    async def run(self, ask: Ask) -> list[Resource]:
        """All there are, by number."""
        while (resources := await self._pass.read(ask)) is not None:
            self._found |= {key: slim(resource) for resource in resources if (key := id_of(resource)) is not None}
            self._pass.took()
        return [self._found[key] for key in sorted(self._found)]


def parent_of(resource: Resource, place: Place, collection: Collection) -> Parent:
    """As a parent of this collection; `place` is where parents of its kind are, ("petitions",)."""
    key = id_of(resource)
    assert key is not None  # a Listing has no others
    total = resource.get(collection.total) if collection.total else None
    return Parent(key, (*place, key), resource, total if type(total) is int else None)


_KEPT: Final = ("identifiers", "action_network:sponsor")


def slim(resource: Resource) -> Resource:
    """What identifies it and what is short: no descriptions, and not its creator, who is somebody's personal data."""
    links = resource.get("_links")
    own = {"_links": {"self": links["self"]}} if isinstance(links, dict) and "self" in links else {}
    return {name: value for name, value in resource.items() if name in _KEPT or _is_short(value)} | own


def _is_short(value: Any) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, str) and len(value) <= _TEXT_MAX)


ReadList = Callable[[Collection, Place], Awaitable[Sequence[Resource]]]
"""All of a collection at a place."""


async def parents_of(collection: Collection, read: ReadList, *, with_campaigns: bool) -> list[Parent]:
    """The parents of a collection, in the order of their numbers.

    Args:
        with_campaigns: For what is under events, also the events under our event campaigns: those that others host are
            nowhere else [L].
    """
    assert collection.parent is not None
    kind = COLLECTIONS[collection.parent]
    found = {one.key: one for one in _parents(await read(kind, TOP), (kind.path,), collection)}
    if with_campaigns and kind.name == "events":
        campaigns, events = COLLECTIONS["event_campaigns"], COLLECTIONS["campaign_events"]
        for campaign in _parents(await read(campaigns, TOP), (campaigns.path,), events):
            place = (*campaign.place, events.path)
            for one in _parents(await read(events, campaign.place), place, collection):
                found.setdefault(one.key, one)
    return [found[key] for key in sorted(found)]


def _parents(resources: Sequence[Resource], place: Place, collection: Collection) -> list[Parent]:
    return [parent_of(resource, place, collection) for resource in resources]
