"""Who did it: actions come with the number of a person only [D]."""

from collections.abc import Iterable, Sequence
from typing import Final

import anyio
import msgspec

from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.hal import Resource, id_of, person_id_of
from groundswell.connectors.action_network.transport import Caller, MissingError
from groundswell.connectors.common.abreast import abreast

REMEMBERED_MAX: Final = 20_000
"""People of one round; some thirty megabytes."""
AT_ONCE: Final = 4


class Persons:
    """The people of one round: those it has seen, and those that had to be asked for, each of them once.

    An action moves its person's `modified_date` [D], so a round that looks for people first has nearly all of them.
    """

    def __init__(self, client: ActionNetwork, caller: Caller) -> None:
        self._client = client
        self._caller = caller
        self._known: dict[str, bytes | None] = {}
        """As JSON, which takes a fifth of the room; None: there is no such person."""
        self._asked: dict[str, anyio.Event] = {}
        """Those that somebody is asking for right now."""

    def forget(self) -> None:
        """A new round begins: who was seen before may be another by now."""
        self._known.clear()

    def note(self, people: Iterable[Resource]) -> None:
        for person in people:
            uuid = id_of(person)
            if uuid is not None:
                self._remember(uuid, msgspec.json.encode(person))

    async def who_did(self, records: Sequence[Resource]) -> list[Resource | None]:
        """The person of each record. None: it names none, or one who is not there or not ours to see [L]."""
        uuids = [person_id_of(record) for record in records]
        found: dict[str, Resource | None] = {}
        missing = dict.fromkeys(uuid for uuid in uuids if uuid is not None)

        async def look(uuid: str) -> None:
            known = await self._one(uuid)
            found[uuid] = None if known is None else msgspec.json.decode(known)

        await abreast(look, missing, min(AT_ONCE, len(missing)))
        return [None if uuid is None else found[uuid] for uuid in uuids]

    async def _one(self, uuid: str) -> bytes | None:
        while uuid in self._asked:
            await self._asked[uuid].wait()
        if uuid in self._known:
            return self._known[uuid]
        asked = self._asked[uuid] = anyio.Event()
        try:
            person: bytes | None = msgspec.json.encode(await self._client.get(self._caller, ("people", uuid)))
        except MissingError:
            person = None
        finally:
            del self._asked[uuid]
            asked.set()
        self._remember(uuid, person)
        return person

    def _remember(self, uuid: str, person: bytes | None) -> None:
        self._known.pop(uuid, None)
        self._known[uuid] = person
        if len(self._known) > REMEMBERED_MAX:
            del self._known[next(iter(self._known))]
