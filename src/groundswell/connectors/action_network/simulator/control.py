"""The strings a test pulls: what organisers, people and time do to a simulated Action Network, without a call."""

from random import Random
from typing import Any

from msgspec import convert
from msgspec.structs import replace

from groundswell.connectors.action_network.simulator.calls.matching import merge, take_phone
from groundswell.connectors.action_network.simulator.calls.tags import make_tag
from groundswell.connectors.action_network.simulator.faults import FaultRates
from groundswell.connectors.action_network.simulator.life import Life
from groundswell.connectors.action_network.simulator.network import Network
from groundswell.connectors.action_network.simulator.state.counts import Counts
from groundswell.connectors.action_network.simulator.state.person import Json, Person, shown_person
from groundswell.errors import NotFoundError, RequestError

_EDITABLE = ("given_name", "family_name", "language", "email_status", "phone_status", "custom")


class Control:
    """Does things to the network that are no calls: nothing is counted, and no webhook fires, but for `happen`."""

    def __init__(self, network: Network, random: Random) -> None:
        self._network = network
        self._world = network.world
        self._random = random
        self._life = Life(network.world, random)

    @property
    def counts(self) -> Counts:
        return self._world.counts

    def reset_counts(self) -> None:
        self._world.counts = Counts()

    @property
    def people(self) -> int:
        """How many there are."""
        return self._world.people.count

    def uuids(self, count: int | None = None) -> list[str]:
        """Of the first so many people of the population, in no order that means anything; by default of all."""
        size = self._world.population.size
        return [self._world.population.uuid_of(number) for number in range(size if count is None else min(count, size))]

    def person(self, uuid: str) -> Json:
        """As `GET people/UUID` would show them."""
        return shown_person(self._found(uuid), self._world.api)

    def add_people(self, count: int) -> list[str]:
        """So many newcomers, added by hand; their UUIDs."""
        now = self._world.now()
        added = []
        for _ in range(count):
            new = self._world.people.new(now)
            made = self._world.population.person(new.number)
            taken = made.phone is not None and self._world.people.now.by_phone(made.phone) is not None
            phone = None if taken else made.phone
            self._world.save(replace(made, uuid=new.uuid, created=now, modified=now, phone=phone))
            added.append(new.uuid)
        return added

    def edit(self, uuid: str, **fields: Any) -> Json:
        """Change a person as an organiser does. Names, language, email, phone, statuses, `custom`.

        Raises:
            RequestError: a field that is none, or an email that is taken.
        """
        person = self._found(uuid)
        unknown = fields.keys() - {*_EDITABLE, "email", "phone"}
        if unknown:
            raise RequestError(
                f"simulator: a person has no {', '.join(sorted(unknown))}; there is {', '.join(_EDITABLE)}"
            )
        if fields.get("phone"):
            person = take_phone(self._world, person, fields.pop("phone"))
        if fields.get("email"):
            other = self._world.people.now.by_email(fields["email"])
            if other is not None and other.number != person.number:
                raise RequestError("simulator: another person has that email")
        if "custom" in fields:
            fields["custom"] = person.custom | fields["custom"]
        return shown_person(self._world.acted(replace(person, **fields)), self._world.api)

    def edit_some(self, count: int) -> None:
        """Edit so many people, whoever they are."""
        for _ in range(count):
            self._life.edit()

    def reorder(self, count: int) -> None:
        """Let so many people change places in lists, and nothing else about them."""
        self._world.people.reorder(count)

    def merge(self, kept: str, lost: str) -> None:
        """Make one record of two, as an organiser does. The second UUID is answered 404 afterwards."""
        merge(self._world, self._found(kept), self._found(lost))

    def happen(self, count: int = 1) -> None:
        """Let so many things happen: actions, uploads, edits, unsubscribing, tags. Webhooks fire for what they do."""
        for _ in range(count):
            self._life.happen()

    def upload(self, count: int) -> None:
        """A list of so many people is uploaded."""
        for _ in range(count):
            self._life.upload()

    def add_tag(self, name: str) -> str:
        """Make a tag; its UUID."""
        return (self._world.tag_named(name) or make_tag(self._world, name)).uuid

    def add_custom_field(self, name: str) -> None:
        self._world.custom_fields.setdefault(name, self._world.now())

    def behave(self, **changes: Any) -> None:
        """Turn switches of `Behaviour`. Raises msgspec.ValidationError for what is none."""
        self._world.behave(**changes)

    def fail(self, **rates: float) -> None:
        """Set shares of `FaultRates`; those not named are 0. Raises msgspec.ValidationError for what is none."""
        self._network.faults.rates = convert(rates, FaultRates)

    def _found(self, uuid: str) -> Person:
        person = self._world.people.now.by_uuid(uuid)
        if person is None:
            raise NotFoundError(f"simulator: nobody has the id {uuid}")
        return person
