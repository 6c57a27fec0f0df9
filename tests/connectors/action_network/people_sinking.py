"""The people sink against a simulator, one delivery at a time.

async with people_sink(add_tags=["synced"]) as it:
    assert await it.deliver(email="rosa@example.org") == Delivered()
    assert it.person("rosa@example.org")["given_name"] == "Rosa"
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from groundswell.component import Delivery, Outcome
from groundswell.connectors.action_network.people_sink import ActionNetworkPeople, ActionNetworkPeopleSettings
from groundswell.connectors.action_network.simulator.state.person import Json, shown_person
from groundswell.record import Action, Person, Record, lane_of, to_json
from tests.connectors.action_network.calling import CALLER, Line, calling
from tests.connectors.action_network.simulated import person_of

LAG_S = 10.0
"""Longer than any list lags."""


@dataclass
class SinkAtWork:
    line: Line
    sink: ActionNetworkPeople
    settings: ActionNetworkPeopleSettings
    delivered: list[Record] = field(default_factory=list)

    async def deliver(self, *, tags: tuple[str, ...] = (), **person: Any) -> Outcome:
        """Deliver a record of this person, in canonical words."""
        action = Action(type="signature", tags=list(tags)) if tags else None
        return await self.deliver_person(Person(**person), action)

    async def deliver_person(self, person: Person, action: Action | None = None) -> Outcome:
        number = len(self.delivered)
        record = Record(id=f"test:action/{number}", kind="person", source="test", person=person)
        if action is not None:
            record = Record(id=record.id, kind="action", source="test", person=person, action=action)
        return await self.deliver_record(record)

    async def deliver_record(self, record: Record) -> Outcome:
        self.delivered.append(record)
        (outcome,) = await self.sink.deliver([Delivery(record.id, record.kind, lane_of(record), to_json(record))])
        return outcome

    async def there(self, **person: Any) -> str:
        """Somebody who is there already, in the words of `simulated.person_of`, and no longer new; their number."""
        made = await self.line.client.sign_up(CALLER, person_of(**person))
        (own,) = [one for one in made["identifiers"] if one.startswith("action_network:")]
        await self.line.clock.advance(LAG_S)
        self.line.hush()
        return str(own.removeprefix("action_network:"))

    def person(self, whom: str) -> Json:
        """As they are there now: by email, by phone (digits) or by number. Raises KeyError when nobody is."""
        now = self.line.server.world.people.now
        found = now.by_email(whom) or now.by_phone(whom) or now.by_uuid(whom)
        if found is None:
            raise KeyError(whom)
        return shown_person(found, self.line.server.world.api)

    def tags_of(self, whom: str) -> set[str]:
        world = self.line.server.world
        number = world.people.now.by_email(whom)
        assert number is not None
        found = set()
        for tagging in world.shelves.all("people", number.uuid, "taggings"):
            tag = world.shelves.get("tags", tagging.parent)
            assert tag is not None
            found.add(str(tag.fields["name"]))
        return found

    def restart(self) -> None:
        """As after a restart: nothing is remembered."""
        self.sink = ActionNetworkPeople(self.settings, self.line.context)


@asynccontextmanager
async def people_sink(switches: dict[str, Any] | None = None, **settings: Any) -> AsyncIterator[SinkAtWork]:
    """The sink with these settings, at a simulator with these switches, else as hard as it can be."""
    whole = {"type": "action_network.people", "inputs": ["tidy"], "account": "network", **settings}
    model = ActionNetworkPeopleSettings.model_validate(whole)
    async with calling(**(switches or {})) as line:
        yield SinkAtWork(line, ActionNetworkPeople(model, line.context), model)
