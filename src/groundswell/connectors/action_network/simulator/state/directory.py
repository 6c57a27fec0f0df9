"""Who is who: the population as it was made, except for those who changed, came or went since."""

from collections.abc import Callable

from groundswell.connectors.action_network.simulator.state.person import Person
from groundswell.connectors.action_network.simulator.state.population import Population

_OURS = "action_network:"


class Directory:
    """People by number, UUID, email, phone and identifier. Only what differs from the population takes memory."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._changed: dict[int, Person | None] = {}
        """None: gone."""
        self._emails: dict[str, int] = {}
        self._phones: dict[str, int] = {}
        self._identifiers: dict[str, int] = {}

    def get(self, number: int) -> Person | None:
        if number in self._changed:
            return self._changed[number]
        return self._population.person(number) if number < self._population.size else None

    def is_as_made(self, number: int) -> bool:
        """Whether nothing happened to this one since the population was made."""
        return number < self._population.size and number not in self._changed

    def put(self, person: Person) -> None:
        """Have this version of the person from now on."""
        self._forget(person.number)
        self._changed[person.number] = person
        if person.email is not None:
            self._emails[person.email.lower()] = person.number
        if person.phone is not None:
            self._phones[person.phone] = person.number
        for identifier in person.identifiers:
            self._identifiers[identifier] = person.number

    def remove(self, number: int) -> None:
        self._forget(number)
        self._changed[number] = None

    def by_uuid(self, uuid: str) -> Person | None:
        number = self._population.number_of(uuid)
        return None if number is None else self.get(number)

    def by_email(self, email: str) -> Person | None:
        """Whatever the case of its letters."""
        return self._find(email.lower(), self._emails, self._population.number_by_email)

    def by_phone(self, phone: str) -> Person | None:
        """Given in digits with the country code."""
        return self._find(phone, self._phones, self._population.number_by_phone)

    def by_identifier(self, identifier: str) -> Person | None:
        """By "action_network:UUID", or a foreign one."""
        if identifier.startswith(_OURS):
            return self.by_uuid(identifier.removeprefix(_OURS))
        return self._find(identifier, self._identifiers, self._population.number_by_identifier)

    def _find(self, key: str, known: dict[str, int], made: Callable[[str], int | None]) -> Person | None:
        number = known.get(key)
        if number is None:
            number = made(key)
            if number is None or number in self._changed:
                return None
        return self.get(number)

    def _forget(self, number: int) -> None:
        before = self._changed.get(number)
        if before is None:
            return
        if before.email is not None and self._emails.get(before.email.lower()) == number:
            del self._emails[before.email.lower()]
        if before.phone is not None and self._phones.get(before.phone) == number:
            del self._phones[before.phone]
        for identifier in before.identifiers:
            if self._identifiers.get(identifier) == number:
                del self._identifiers[identifier]
