"""The people of the simulator: made up, seeded, and as untidy as real ones.

They come back, move, marry, change numbers, share a phone with the family, sign up twice with two addresses. Every
address ends in example.org and every number is one of those set aside for stories (555-0100 to 555-0199).
"""

import unicodedata
import uuid
from dataclasses import dataclass
from random import Random
from typing import Final

_KNOWN_MAX: Final = 5_000
"""How many people are remembered to come back; older ones drop out."""

_GIVEN: Final = (
    "Rosa", "Amir", "Nkechi", "Tomás", "Wei", "Fatima", "Jonas", "Aaliyah", "Priya", "Desmond", "Ingrid",
    "Mateo", "Hannah", "Kwame", "Yuki", "Leila", "Carlos", "Siobhan", "Dmitri", "Zainab", "Elena", "Marcus",
    "Thandiwe", "José", "Anneliese", "Ravi", "Beatriz", "Malik", "Freya", "Omar", "Luisa", "Tyrone", "Mei",
    "Abena", "Nadia", "Kofi", "Chiara", "Andre", "Sunita", "Pablo", "Maeve", "Ibrahim", "Noémie", "Jamal",
    "Olga", "Hiroshi", "Dolores", "Ezra",
)  # fmt: skip
_FAMILY: Final = (
    "Okafor", "Lindqvist", "Nguyen", "Alvarez", "O'Brien", "Haddad", "Mbeki", "Castellanos", "Park", "Novak",
    "Washington", "Desai", "Sørensen", "Abebe", "Moreau", "Kowalski", "Ibarra", "Tanaka", "Fitzgerald", "Osei",
    "Peña", "Whitfield", "Banerjee", "Dubois", "Achterberg", "Freeman", "Kaplan", "Núñez", "Oyelaran", "Petrov",
    "Rahman", "Sato", "Torres", "Usman", "Vargas", "Weiss", "Ximenes", "Yilmaz", "Zhang", "Delacroix",
    "McAllister", "Hargrove", "Ellison", "Brightwater",
)  # fmt: skip
_STREETS: Final = ("Alder St", "Birch Ave", "Canal Rd", "Depot St", "Elm Ct", "Foundry Ln", "Grove Ave", "Harbor Blvd")
_SHIRTS: Final = ("S", "M", "L", "XL", "2XL")


@dataclass(frozen=True, slots=True)
class Place:
    city: str
    region: str
    country: str
    zips: tuple[str, ...]
    area_codes: tuple[str, ...]


_PLACES: Final = (
    Place("Portland", "Oregon", "US", ("97201", "97211", "97214", "97232"), ("503", "971")),
    Place("Eugene", "Oregon", "US", ("97401", "97405"), ("541", "458")),
    Place("Seattle", "Washington", "US", ("98101", "98118", "98144"), ("206",)),
    Place("Oakland", "California", "US", ("94601", "94607", "94612"), ("510", "341")),
    Place("Fresno", "California", "US", ("93701", "93722"), ("559",)),
    Place("Los Angeles", "California", "US", ("90011", "90026", "90044"), ("213", "323")),
    Place("Phoenix", "Arizona", "US", ("85004", "85033"), ("602", "480")),
    Place("Albuquerque", "New Mexico", "US", ("87102", "87121"), ("505",)),
    Place("Denver", "Colorado", "US", ("80204", "80219"), ("303", "720")),
    Place("Houston", "Texas", "US", ("77004", "77036"), ("713", "832")),
    Place("San Antonio", "Texas", "US", ("78207", "78228"), ("210",)),
    Place("Minneapolis", "Minnesota", "US", ("55404", "55411"), ("612",)),
    Place("Milwaukee", "Wisconsin", "US", ("53204", "53206"), ("414",)),
    Place("Chicago", "Illinois", "US", ("60608", "60623", "60640"), ("312", "773")),
    Place("Detroit", "Michigan", "US", ("48201", "48227"), ("313",)),
    Place("Cleveland", "Ohio", "US", ("44102", "44120"), ("216",)),
    Place("Pittsburgh", "Pennsylvania", "US", ("15206", "15213"), ("412",)),
    Place("Philadelphia", "Pennsylvania", "US", ("19104", "19140"), ("215", "267")),
    Place("Brooklyn", "New York", "US", ("11207", "11221", "11233"), ("718", "347")),
    Place("Boston", "Massachusetts", "US", ("02119", "02124"), ("617", "857")),
    Place("Washington", "District of Columbia", "US", ("20002", "20009", "20011"), ("202",)),
    Place("Atlanta", "Georgia", "US", ("30310", "30314"), ("404", "678")),
    Place("Miami", "Florida", "US", ("33127", "33142"), ("305", "786")),
    Place("New Orleans", "Louisiana", "US", ("70113", "70117"), ("504",)),
    Place("San Juan", "Puerto Rico", "US", ("00901", "00926"), ("787",)),
    Place("Toronto", "Ontario", "CA", ("M4C 1M5", "M6H 2A8"), ("416", "647")),
)


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
            given_name=random.choice(_GIVEN),
            family_name=random.choice(_FAMILY),
            email=None,
            phone=None,
            street="",
            zip="",
            place=_PLACES[0],
            language=random.choices(("en", "es", "fr"), (88, 10, 2))[0],
            shirt=random.choice(_SHIRTS),
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
                person.family_name = self._random.choice(_FAMILY)
            case 3:
                person.is_texting = not person.is_texting
            case _:
                person.shirt = self._random.choice(_SHIRTS)

    def _move(self, person: Supporter) -> None:
        random = self._random
        person.place = random.choice(_PLACES)
        person.zip = random.choice(person.place.zips)
        person.street = f"{random.randrange(1, 4000)} {random.choice(_STREETS)}"

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
        plain = unicodedata.normalize("NFKD", f"{person.given_name}.{person.family_name}").replace("ø", "o")
        name = "".join(letter for letter in plain.lower() if letter.isascii() and (letter.isalnum() or letter == "."))
        return f"{name}{self._made}@example.org"

    def _remember(self, person: Supporter) -> Supporter:
        if len(self._known) < _KNOWN_MAX:
            self._known.append(person)
        else:
            self._known[self._random.randrange(_KNOWN_MAX)] = person
        return person


def random_uuid(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
