"""People seen a moment ago, so that what they did needs no call to say who they are."""

from collections import OrderedDict
from typing import Final

import msgspec

from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.hal import Resource, id_of
from groundswell.connectors.action_network.transport import Caller, MissingError

PEOPLE_MAX: Final = 5_000
"""About 700 bytes each."""


class SeenPeople:
    """The people read last, as JSON: parsed they would take five times the room."""

    def __init__(self, client: ActionNetwork) -> None:
        self._client = client
        self._people: OrderedDict[str, bytes | None] = OrderedDict()

    def note(self, person: Resource) -> None:
        number = id_of(person)
        if number is not None:
            self._keep(number, msgspec.json.encode(person))

    async def get(self, caller: Caller, number: str) -> Resource | None:
        """Who it is; None if they are gone: a donation may point to somebody who is not there [L]."""
        if number not in self._people:
            try:
                person = await self._client.get(caller, ("people", number))
            except MissingError:
                self._keep(number, None)
            else:
                self._keep(number, msgspec.json.encode(person))
        kept = self._people[number]
        return None if kept is None else msgspec.json.decode(kept)

    def forget(self) -> None:
        """What was read in another round may have changed."""
        self._people.clear()

    def _keep(self, number: str, person: bytes | None) -> None:
        self._people[number] = person
        self._people.move_to_end(number)
        if len(self._people) > PEOPLE_MAX:
            self._people.popitem(last=False)
