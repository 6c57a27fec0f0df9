"""All people: as they are (by id, at once), and as lists and filters show them (some seconds later)."""

import heapq
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from groundswell.clock import Clock
from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from groundswell.connectors.action_network.simulator.state.directory import Directory
from groundswell.connectors.action_network.simulator.state.filters import Condition
from groundswell.connectors.action_network.simulator.state.listing import Listing, Window
from groundswell.connectors.action_network.simulator.state.person import Person
from groundswell.connectors.action_network.simulator.state.population import Population

SCAN_MAX: Final = 50_000
"""How many people a filter may have to look at one by one (by name, region, postal code)."""
_KEYS: Final = ("email_address", "phone_number", "identifier")
_DATES: Final = ("modified_date", "created_date")

_VALUES: Final[dict[str, Callable[[Person], str | int | None]]] = {
    "modified_date": lambda person: person.modified,
    "created_date": lambda person: person.created,
    "given_name": lambda person: person.given_name,
    "family_name": lambda person: person.family_name,
    "email_address": lambda person: person.email.lower() if person.email else None,
    "phone_number": lambda person: person.phone,
    "region": lambda person: person.address.region if person.address else None,
    "postal_code": lambda person: person.address.postal_code if person.address else None,
}


class TooSlowError(Exception):
    """A filter would have to look at too many people one by one; the real one would run into a time-out."""


class People:
    """`save` and `remove` change them; `page` is what `GET people` lists."""

    def __init__(self, population: Population, clock: Clock, random: Random) -> None:
        self.now = Directory(population)
        """As they are."""
        self._listing = Listing(population, random)
        self._population = population
        self._clock = clock
        self._random = random
        self._next = population.size
        self._waiting: list[tuple[float, int, int, Person | None]] = []
        """What the listing does not show yet: when it will, in which order it happened, whom it is about."""
        self._happened = 0
        self._due: dict[int, float] = {}
        self._found: tuple[int, Sequence[Condition], list[Person]] | None = None
        self.count = population.size

    def new(self, moment: int) -> Person:
        """A record for somebody new, not saved yet."""
        number = self._next
        self._next += 1
        return Person(number=number, uuid=self._population.uuid_of(number), created=moment, modified=moment)

    def save(self, person: Person, behaviour: Behaviour) -> None:
        """This is how the person is from now on."""
        self.count += self.now.get(person.number) is None
        self.now.put(person)
        self._show_later(person.number, person, behaviour)

    def remove(self, person: Person, behaviour: Behaviour) -> None:
        """There is no such record any more: its id is answered 404."""
        self.count -= 1
        self.now.remove(person.number)
        self._show_later(person.number, None, behaviour)

    def someone(self) -> Person | None:
        """Somebody who is there, by chance; None when there is nobody."""
        for _ in range(100 if self.count else 0):
            person = self.now.get(self._random.randrange(self._next))
            if person is not None:
                return person
        return None

    def reorder(self, count: int) -> None:
        """Let so many people change places in the listing without anything else about them changing."""
        self._catch_up()
        for number in (self._random.randrange(self._next) for _ in range(count if self._next else 0)):
            person = self._listing.seen.get(number)
            if person is not None:
                self._listing.show(person)

    def page(self, conditions: Sequence[Condition], start: int, count: int) -> list[Person]:
        """`count` of the people who fit, from `start` on, as the listing has them.

        Raises:
            TooSlowError: there is no quick way to find out.
        """
        self._catch_up()
        if any(one.field in _KEYS and one.operator == "eq" for one in conditions):
            return self._by_key(conditions)[start : start + count]
        window = Window()
        for one in conditions:
            if one.field in _DATES and isinstance(one.value, int):
                window = window.narrowed(one.field, one.operator, one.value)
        rest = tuple(one for one in conditions if one.field not in _DATES)
        if rest:
            return self._scan(window, conditions, rest)[start : start + count]
        return self._people(self._listing.view(window).numbers(start, count))

    def _by_key(self, conditions: Sequence[Condition]) -> list[Person]:
        seen = self._listing.seen
        key = next(one for one in conditions if one.field in _KEYS and one.operator == "eq")
        find = {"email_address": seen.by_email, "phone_number": seen.by_phone, "identifier": seen.by_identifier}
        person = find[key.field](str(key.value))
        return [person] if person is not None and _fits(person, conditions) else []

    def _scan(self, window: Window, conditions: Sequence[Condition], rest: Sequence[Condition]) -> list[Person]:
        version = self._listing.version
        if self._found is not None and self._found[:2] == (version, conditions):
            return self._found[2]
        view = self._listing.view(window)
        if len(view) > SCAN_MAX:
            raise TooSlowError
        found = [person for person in self._people(view.numbers(0, len(view))) if _fits(person, rest)]
        self._found = (version, conditions, found)
        return found

    def _people(self, numbers: list[int]) -> list[Person]:
        return [person for person in map(self._listing.seen.get, numbers) if person is not None]

    def _show_later(self, number: int, person: Person | None, behaviour: Behaviour) -> None:
        """Changes of one person never overtake each other; those of two people may."""
        due = self._clock.monotonic() + self._random.uniform(*behaviour.index_lag_s)
        due = self._due[number] = max(due, self._due.get(number, due))
        self._happened += 1
        heapq.heappush(self._waiting, (due, self._happened, number, person))

    def _catch_up(self) -> None:
        now = self._clock.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            due, _, number, person = heapq.heappop(self._waiting)
            if self._due.get(number) == due:
                del self._due[number]
            if person is None:
                self._listing.hide(number)
            else:
                self._listing.show(person)


def _fits(person: Person, conditions: Sequence[Condition]) -> bool:
    return all(
        _has(person, str(one.value)) if one.field == "identifier" else one.fits(_VALUES[one.field](person))
        for one in conditions
    )


def _has(person: Person, identifier: str) -> bool:
    return identifier in person.identifiers or identifier == f"action_network:{person.uuid}"
