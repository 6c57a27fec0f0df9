"""The state of one simulated Action Network: people and things, what time it is there, and how it behaves."""

import uuid
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from groundswell.clock import Clock
from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from groundswell.connectors.action_network.simulator.state.counts import Counts
from groundswell.connectors.action_network.simulator.state.people import People
from groundswell.connectors.action_network.simulator.state.person import Json, Person
from groundswell.connectors.action_network.simulator.state.population import Population
from groundswell.connectors.action_network.simulator.state.shelves import Shelves
from groundswell.connectors.action_network.simulator.state.thing import Thing

THEIRS: Final = "https://actionnetwork.org/api/v2"
SPONSOR: Final = "Riverside Action"
SPONSOR_URL: Final = "https://actionnetwork.org/groups/riverside-action"


class Happening(Struct, frozen=True):
    """Something Action Network sends webhooks about."""

    event: str
    """Its type in webhooks, such as "osdi:signature"."""
    person: Person
    """As they are afterwards."""
    typed: Json
    """What was sent about the person."""
    tags: tuple[str, ...] = ()
    """Names of the tags that were to be added."""
    record: Thing | None = None
    """None for uploads and actions, which have no number."""


class World:
    """Everything but HTTP."""

    def __init__(self, *, people: int, seed: int, clock: Clock, behaviour: Behaviour | None = None) -> None:
        self.behaviour = behaviour or Behaviour()
        self.seed = seed
        self.clock = clock
        self.random = Random(f"world {seed}")
        self.population = Population(seed, people)
        self.people = People(self.population, clock, Random(f"places {seed}"))
        self.shelves = Shelves(clock, Random(f"lags {seed}"))
        self.members: dict[str, Sequence[int]] = {}
        """Of each list by UUID, the numbers of the people on it when it was last run."""
        self.custom_fields: dict[str, int] = {}
        """Names of custom fields, with when each was made."""
        self.counts = Counts()
        self.api = THEIRS
        """What its links begin with; the server says where it really is."""
        self.listeners: list[Callable[[list[Happening]], None]] = []
        """Told of what happens; several at once go into one message."""
        self.last_message_at = -1e9

    def now(self) -> int:
        """Whole seconds since 1970."""
        return int(self.clock.now())

    def new_uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def save(self, person: Person) -> Person:
        self.people.save(person, self.behaviour)
        return person

    def put(self, thing: Thing) -> Thing:
        self.shelves.put(thing, self.behaviour)
        return thing

    def remove(self, thing: Thing) -> None:
        self.shelves.remove(thing, self.behaviour)

    def acted(self, person: Person) -> Person:
        """The person took an action: their `modified_date` moves (D)."""
        return self.save(replace(person, modified=self.now()))

    def happened(self, *happenings: Happening) -> None:
        for listener in self.listeners:
            listener(list(happenings))

    def behave(self, **changes: object) -> None:
        """Change switches of the behaviour from now on. Raises msgspec.ValidationError for what is no switch."""
        now = msgspec.structs.asdict(self.behaviour) | changes
        self.behaviour = msgspec.convert(now, Behaviour)

    def person_at(self, href: object) -> Person | None:
        """Whom a link leads to. It must be a whole address, of theirs or of this simulator."""
        if not isinstance(href, str):
            return None
        for api in (THEIRS, self.api):
            found = href.removeprefix(f"{api}/people/")
            if found != href:
                return self.people.now.by_uuid(found.rstrip("/"))
        return None

    def tag_named(self, name: str) -> Thing | None:
        """By exactly this name."""
        return next((tag for tag in self.shelves.all("tags") if tag.fields["name"] == name), None)
