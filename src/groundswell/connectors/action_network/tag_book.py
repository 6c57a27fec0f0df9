"""Tags by name: they cannot be asked for by name, so all are read once and remembered [D]."""

from collections import OrderedDict
from typing import Final

from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.collections import COLLECTIONS
from groundswell.connectors.action_network.hal import id_at, id_of, link_of
from groundswell.connectors.action_network.transport import Caller

TAGS_MAX: Final = 50_000
TAGGED_MAX: Final = 50_000


class TagBook:
    """Numbers of tags, and who was given which a moment ago."""

    def __init__(self, client: ActionNetwork, caller: Caller, *, makes: bool) -> None:
        """`makes`: whether a tag that is not there is made."""
        self._client = client
        self._caller = caller
        self._makes = makes
        self._tags: dict[str, str] | None = None
        self._missing: set[str] = set()
        self._tagged: OrderedDict[tuple[str, str], bool] = OrderedDict()
        self.writes = 0
        """Taggings made and removed."""

    async def number_of(self, name: str) -> str | None:
        """The number of a tag; None if there is none and none is to be made."""
        if self._tags is None:
            self._tags = await self._read()
        if name not in self._tags and self._makes:
            made = id_of(await self._client.make_tag(self._caller, name))
            if made is not None:
                self._tags[name] = made
        elif name not in self._tags and name not in self._missing:
            # Somebody may have made it since. Asked once: reading all of them costs a call for every 25.
            self._tags = await self._read()
            self._missing.add(name)
        return self._tags.get(name)

    async def add(self, name: str, person: str) -> bool:
        """Give somebody a tag; whether it exists. Who has it already keeps it [D]."""
        number = await self.number_of(name)
        if number is None:
            return False
        if self._tagged.get((number, person)) is not True:
            await self._client.tag(self._caller, number, person)
            self.writes += 1
            self._note(number, person, has=True)
        return True

    async def remove(self, name: str, person: str) -> None:
        """Take a tag off somebody who may have it."""
        number = await self.number_of(name) if self._tags is None or name in self._tags else self._tags.get(name)
        if number is None or self._tagged.get((number, person)) is False:
            return
        taggings = COLLECTIONS["taggings"]
        async for page in self._client.pages(self._caller, taggings, under=("people", person)):
            for tagging in page.resources:
                own = id_of(tagging)
                if own is not None and id_at(link_of(tagging, "osdi:tag")) == number:
                    await self._client.untag(self._caller, number, own)
                    self.writes += 1
        self._note(number, person, has=False)

    def note_added(self, name: str, person: str) -> None:
        """A tag was given in another way, with a signup."""
        number = (self._tags or {}).get(name)
        if number is not None:
            self._note(number, person, has=True)

    def _note(self, tag: str, person: str, *, has: bool) -> None:
        self._tagged[tag, person] = has
        self._tagged.move_to_end((tag, person))
        if len(self._tagged) > TAGGED_MAX:
            self._tagged.popitem(last=False)

    async def _read(self) -> dict[str, str]:
        tags: dict[str, str] = {}
        async for page in self._client.pages(self._caller, COLLECTIONS["tags"]):
            for tag in page.resources:
                name, number = tag.get("name"), id_of(tag)
                if isinstance(name, str) and number is not None and len(tags) < TAGS_MAX:
                    tags[name] = number
        return tags
