"""A simulated Action Network called without HTTP, for tests of what it does."""

from random import Random
from typing import Any

import msgspec

from groundswell.connectors.action_network.simulator.control import Control
from groundswell.connectors.action_network.simulator.network import KEY, Arrived, Network, Outcome
from groundswell.connectors.action_network.simulator.state.behaviour import FRIENDLIEST, Behaviour
from groundswell.connectors.action_network.simulator.state.world import THEIRS, Happening
from tests.virtual_time import VirtualClock

Json = dict[str, Any]


class Desk:
    """`get`, `post` and so on give the JSON of a 200; `answer` gives whatever came."""

    def __init__(
        self, people: int = 0, *, records: int = 0, behaviour: Behaviour = FRIENDLIEST, **switches: Any
    ) -> None:
        """The friendliest behaviour, but for the switches that are named."""
        self.clock = VirtualClock()
        behaviour = msgspec.structs.replace(behaviour, **switches)
        self.network = Network(people=people, seed=7, clock=self.clock, behaviour=behaviour, records=records)
        self.world = self.network.world
        self.control = Control(self.network, Random(7))
        self.happened: list[Happening] = []
        self.world.listeners.append(self.happened.extend)

    def answer(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = KEY,
        raw: bytes | None = None,
        **query: Any,
    ) -> Outcome:
        content = raw if raw is not None else b"" if body is None else msgspec.json.encode(body)
        words = {name: str(value) for name, value in query.items()}
        is_in_time = self.network.arrive(method, path)
        return self.network.take(Arrived(method, path, words, key, content, is_json=True, is_in_time=is_in_time))

    def get(self, path: str, **query: Any) -> Json:
        return self._whole(self.answer("GET", path, **query))

    def post(self, path: str, body: Any, **query: Any) -> Json:
        return self._whole(self.answer("POST", path, body, **query))

    def put(self, path: str, body: Any, **query: Any) -> Json:
        return self._whole(self.answer("PUT", path, body, **query))

    def delete(self, path: str) -> Json:
        return self._whole(self.answer("DELETE", path))

    def sign_up(self, *, tags: tuple[str, ...] = (), remove: tuple[str, ...] = (), **person: Any) -> Json:
        """Post a person to the signup helper, in the words of `person_of`."""
        return self.post("people", {"person": person_of(**person), "add_tags": list(tags), "remove_tags": list(remove)})

    def listed(self, path: str, **query: Any) -> list[Json]:
        """All of a collection, page by page until an empty one."""
        found: list[Json] = []
        for page in range(1, 10_000):
            body = self.get(path, page=page, **query)
            (things,) = body["_embedded"].values()
            if not things:
                return found
            found += things
        raise AssertionError("there is no last page")

    def page_of(self, kind: str, *, is_api_made: bool = False) -> str:
        """UUID of a page that was there from the start."""
        return next(page.uuid for page in self.world.shelves.all(kind) if page.is_api_made == is_api_made)

    @staticmethod
    def _whole(outcome: Outcome) -> Json:
        assert outcome.status == 200, outcome
        assert outcome.fault is None, outcome
        # What is answered must be what JSON can hold.
        return msgspec.json.decode(msgspec.json.encode(outcome.body))  # type: ignore[no-any-return]


def person_of(
    *,
    email: str | None = None,
    status: str | None = None,
    phone: str | None = None,
    phone_status: str | None = None,
    **fields: Any,
) -> Json:
    """A person as clients post them."""
    person: Json = dict(fields)
    if email is not None or status is not None:
        person["email_addresses"] = [_without_none(address=email, status=status)]
    if phone is not None or phone_status is not None:
        person["phone_numbers"] = [_without_none(number=phone, status=phone_status)]
    return person


def linked(uuid: str) -> Json:
    """The body of a plain record: who did it, and nothing else."""
    return {"_links": {"osdi:person": {"href": f"{THEIRS}/people/{uuid}"}}}


def uuid_of(thing: Json) -> str:
    """Their id of anything."""
    (own,) = [one for one in thing["identifiers"] if one.startswith("action_network:")]
    return str(own.partition(":")[2])


def email_of(person: Json) -> tuple[str | None, str]:
    (entry,) = person["email_addresses"]
    return entry.get("address"), entry["status"]


def phone_of(person: Json) -> tuple[str | None, str]:
    (entry,) = person["phone_numbers"]
    return entry.get("number"), entry["status"]


def _without_none(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
