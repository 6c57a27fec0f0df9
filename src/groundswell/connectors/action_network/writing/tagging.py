"""Puts tags on people and takes them off, by number, and only where that changes something.

The signup helper could do both in one call, but it finds people by email: had the address changed a moment ago, it
would make a person, subscribed. A tagging by number can do no such thing.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import structlog

from groundswell.clock import Clock
from groundswell.connectors.action_network.client import PER_PAGE_MAX, ActionNetwork
from groundswell.connectors.action_network.collections import COLLECTIONS
from groundswell.connectors.action_network.hal import id_at, id_of, link_of
from groundswell.connectors.action_network.transport import Caller, MissingError
from groundswell.connectors.action_network.writing.tags import TagDirectory
from groundswell.connectors.common.recent import Recent
from groundswell.errors import UnavailableError

REMEMBERED_MAX: Final = 100_000
REMEMBERED_S: Final = 3600.0
"""A tag that somebody took off by hand meanwhile is put on again after this, not before."""
PAGES_MAX: Final = 40
"""Of the taggings of one person: a thousand."""

log = structlog.get_logger()


def tidy(names: Iterable[str]) -> list[str]:
    """Each of these tags once, as it is written there."""
    return list(dict.fromkeys(name.strip() for name in names if name.strip()))


class Tagger:
    """The tags of people, as far as this component changes them."""

    def __init__(self, client: ActionNetwork, clock: Clock, *, makes_tags: bool, background: bool) -> None:
        self._client = client
        self._directory = TagDirectory(client, clock)
        self._makes_tags = makes_tags
        self._background = background
        self._known: Recent[tuple[str, str], str] = Recent(clock, most=REMEMBERED_MAX, for_s=REMEMBERED_S)
        """By person and tag, what is on: the number of the tagging, "" where they did not say."""
        self._missing: Recent[str, bool] = Recent(clock, most=1_000, for_s=REMEMBERED_S)
        """Names that were said to be missing."""

    async def existing(self, caller: Caller, names: Iterable[str]) -> list[str]:
        """Those of these names that are tags, made if need be: the signup helper leaves out others silently [D]."""
        return list((await self._numbers(caller, names)).values())

    async def noted(self, caller: Caller, person: str, names: Sequence[str]) -> None:
        """The signup helper put these on."""
        for name in names:
            tag = await self._directory.number_of(caller, name, make=False)
            if tag is not None:
                self._known.put((person, tag), "")

    async def change(self, caller: Caller, person: str, *, add: Iterable[str], remove: Iterable[str]) -> bool:
        """Put these on and take those off; whether anything was changed.

        No call where all that is to be on is known to be, and nothing is to come off. Else one for what is on (25 tags
        a page), and one for each change.
        """
        adding = await self._numbers(caller, add)
        adding = {tag: name for tag, name in adding.items() if self._known.get((person, tag)) is None}
        removing = [tag for name in remove if (tag := await self._directory.number_of(caller, name, make=False))]
        if not adding and not removing:
            return False
        there = await self._taggings(caller, person, removing)
        new = {tag: name for tag, name in adding.items() if tag not in there}
        for tag, name in new.items():
            await self._add(caller, person, tag, name)
        gone = [tag for tag in removing if tag in there]
        for tag in gone:
            await self._remove(caller, person, tag, there[tag])
        return bool(new or gone)

    async def _add(self, caller: Caller, person: str, tag: str, name: str) -> None:
        try:
            tagging = await self._client.tag(caller, tag, person, background=self._background)
        except MissingError as exc:
            self._directory.forget(name)
            raise UnavailableError(
                f"{caller.component}: tagging a person: the tag was deleted meanwhile; it will be looked for again"
            ) from exc
        self._known.put((person, tag), id_of(tagging) or "")

    async def _remove(self, caller: Caller, person: str, tag: str, tagging: str) -> None:
        self._known.forget((person, tag))
        try:
            await self._client.untag(caller, tag, tagging, background=self._background)
        except MissingError:
            return  # the list lags: it is off already

    async def _taggings(self, caller: Caller, person: str, removing: Iterable[str]) -> dict[str, str]:
        """What is on: tag to tagging. What was put on a moment ago may not be listed yet, and is known all the same."""
        there = {tag: tagging for tag in removing if (tagging := self._known.get((person, tag)))}
        for number in range(1, PAGES_MAX + 1):
            page = await self._client.page(caller, COLLECTIONS["taggings"], number, under=("people", person))
            for resource in page.resources:
                on, own = id_at(link_of(resource, "osdi:tag")), id_of(resource)
                if on is not None and own is not None:
                    there[on] = own
                    self._known.put((person, on), own)
            # The end, unless they send half a page in between; then a tag is put on that is on, or one stays.
            if len(page.resources) < PER_PAGE_MAX:
                break
        return there

    async def _numbers(self, caller: Caller, names: Iterable[str]) -> dict[str, str]:
        """Number to name, without the names of tags that are not there and not to be made."""
        numbers = {}
        for name in names:
            number = await self._directory.number_of(caller, name, make=self._makes_tags)
            if number is not None:
                numbers[number] = name
            elif self._missing.get(name) is None:
                self._missing.put(name, True)
                log.warning("no_such_tag", component=caller.component, tag=name, then="left out")
        return numbers
