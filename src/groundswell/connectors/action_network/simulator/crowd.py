"""The people of the simulator: made up, seeded, and as untidy as real ones.

They come back, move, marry, change numbers, share a phone with the family, sign up twice with two addresses. Every
address ends in example.org and every number is one of those set aside for stories (555-0100 to 555-0199).
"""

import uuid
from dataclasses import dataclass
from random import Random
from typing import Final

from groundswell.connectors.action_network.simulator.names import FAMILY, GIVEN, SHIRTS, plain
from groundswell.connectors.action_network.simulator.places import PLACES, STREETS, Place

_KNOWN_MAX: Final = 5_000
"""How many people are remembered to come back; older ones drop out."""


@dataclass(slots=True)
class Supporter:
    """One record of a person, as Action Network has it. `phone` is digits with the country code."""

    uuid: str
    given_name: str
    family_name: str
    email: str | None
    phone: str | None
    street: str
    zip: str
    place: Place
    language: str
    shirt: str
    is_texting: bool | None
    """Said yes or no to texts, or was never asked."""


class Crowd:
    """Who acts next."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._known: list[Supporter] = []
        self._made = 0
        self._numbers: set[str] = set()

    def someone(self) -> Supporter:
        """Somebody new, somebody known as they were, or somebody known with something changed."""
        random = self._random
        if not self._known or random.random() < 0.6:
            return self._remember(self._newcomer())
        known = random.choice(self._known)
        if random.random() < 0.15:
            self._change(known)
        return known

    def _newcomer(self) -> Supporter:
        random = self._random
        person = Supporter(
            uuid=random_uuid(random),
            given_name=random.choice(GIVEN),
            family_name=random.choice(FAMILY),
            email=None,
            phone=None,
            street="",
            zip="",
            place=PLACES[0],
            language=random.choices(("en", "es", "fr"), (88, 10, 2))[0],
            shirt=random.choice(SHIRTS),
            is_texting=random.choices((True, False, None), (5, 1, 4))[0],
        )
        self._move(person)
        person.phone = self._number(person.place) if random.random() < 0.75 else None
        if self._known and random.random() < 0.1:
            self._relate(person, random.choice(self._known))
        # A record without an address has a number: Action Network wants one of the two.
        if person.phone is None or random.random() < 0.97:
            person.email = self._address(person)
        return person

    def _relate(self, person: Supporter, other: Supporter) -> None:
        """Same household, or the same human with a second email address."""
        person.family_name, person.phone = other.family_name, other.phone
        person.street, person.zip, person.place = other.street, other.zip, other.place
        if self._random.random() < 0.3:
            person.given_name = other.given_name

    def _change(self, person: Supporter) -> None:
        match self._random.randrange(5):
            case 0:
                self._move(person)
            case 1:
                person.phone = self._number(person.place)
            case 2:
                person.family_name = self._random.choice(FAMILY)
            case 3:
                person.is_texting = not person.is_texting
            case _:
                person.shirt = self._random.choice(SHIRTS)

    def _move(self, person: Supporter) -> None:
        random = self._random
        person.place = random.choice(PLACES)
        person.zip = random.choice(person.place.zips)
        person.street = f"{random.randrange(1, 4000)} {random.choice(STREETS)}"

    def _number(self, place: Place) -> str:
        """A free number of this place; when few are left, one that somebody has already."""
        for _ in range(8):
            number = f"1{self._random.choice(place.area_codes)}5550{self._random.randrange(100, 200)}"
            if number not in self._numbers:
                break
        self._numbers.add(number)
        return number

    def _address(self, person: Supporter) -> str:
        self._made += 1
        return f"{plain(f'{person.given_name}.{person.family_name}')}{self._made}@example.org"

    def _remember(self, person: Supporter) -> Supporter:
        if len(self._known) < _KNOWN_MAX:
            self._known.append(person)
        else:
            self._known[self._random.randrange(_KNOWN_MAX)] = person
        return person


def random_uuid(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
