"""Made-up donors: real cities, postal codes and area codes, made-up streets; addresses of example.org, exchange 555."""

from random import Random
from typing import Final, NamedTuple

from groundswell.connectors.actblue.simulator.gifts import Donor

_GIVEN: Final = (
    "Rosalind", "Tomás", "Priya", "Wendell", "Aiko", "Bernadette", "Chidi", "Delphine", "Ezra", "Fatou", "Gareth",
    "Henrike", "Ignacio", "Jocasta", "Kofi", "Lúcia", "Marguerite", "Nikhil", "Odalys", "Parvin", "Rafael", "Siobhán",
    "Tariq", "Ursula", "Viggo", "Ximena", "Yara", "Zdeněk",
)  # fmt: skip
_FAMILY: Final = (
    "Okafor", "Vandermeer", "Castellanos", "Whitfield", "O'Rourke", "Abernathy", "Nguyen", "St. Clair", "Petrović",
    "Haddad", "Lindqvist", "Moreau", "Tanaka", "Ferreira", "McAllister", "Brandt", "Oyelaran", "Kowalczyk", "Desai",
    "Montoya", "Achterberg", "Zamora", "Smith-Jones", "de la Torre",
)  # fmt: skip
_STREETS: Final = ("Larkspur Lane", "Granary Row", "Elder Ct", "Mill Race Rd", "Foxglove Way", "Quarry St", "Pier Ave")
_EMPLOYERS: Final = (
    ("Not employed", "Not employed"), ("Retired", "Retired"), ("Self", "Carpenter"),
    ("Harlow, Finch & Daughters", "Attorney"), ('The "Good Bread" Bakery', "Baker"), ("County Schools", "Teacher"),
)  # fmt: skip


class _Place(NamedTuple):
    city: str
    state: str
    zips: tuple[str, ...]
    area: str
    country: str = "United States"


_PLACES: Final = (
    _Place("Duluth", "MN", ("55802", "55805-1234"), "218"),
    _Place("Portland", "OR", ("97201", "97211"), "503"),
    _Place("Oakland", "CA", ("94601", "94607-2210"), "510"),
    _Place("Holyoke", "MA", ("01040", "01041"), "413"),
    _Place("Tucson", "AZ", ("85701", "85713"), "520"),
    _Place("Savannah", "GA", ("31401", "31404"), "912"),
    _Place("New York", "NY", ("10002", "10458"), "212"),
    _Place("San Juan", "PR", ("00901",), "787"),
)
_ABROAD: Final = (
    _Place("Toronto", "ON", ("M4B 1B3",), "416", "Canada"),
    _Place("Lyon", "", ("69001",), "", "France"),
    _Place("Oxford", "", ("OX1 2JD",), "", "United Kingdom"),
)


def new_donor(random: Random, number: int, *, abroad: float, uppercase: float) -> Donor:
    """The donor with this number; `abroad` and `uppercase` are shares, 0 to 1."""
    place = random.choice(_ABROAD if random.random() < abroad else _PLACES)
    first, last = random.choice(_GIVEN), random.choice(_FAMILY)
    address = f"{random.randint(1, 999)} {random.choice(_STREETS)}"
    if random.random() < 0.1:
        address += random.choice((", Apt 4", "\nUnit B", ' "Rear"'))
    employer, occupation = random.choice(_EMPLOYERS) if random.random() < 0.7 else (None, None)
    is_employed = occupation not in (None, "Retired", "Not employed") and random.random() < 0.5
    if random.random() < uppercase:
        first, last, address = first.upper(), last.upper(), address.upper()
    return Donor(
        id=30_000_000 + number,
        first_name=first,
        last_name=last,
        address=address,
        city=place.city,
        state=place.state,
        zip=random.choice(place.zips),
        country=place.country,
        email=f"donor.{number}@example.org",
        phone=_phone(random, place.area, number),
        employer=employer,
        occupation=occupation,
        employer_address="1 Market Sq, Floor 2" if is_employed else None,
        employer_city=place.city if is_employed else None,
        employer_state=place.state if is_employed else None,
        employer_zip=place.zips[0] if is_employed else None,
        employer_country=place.country if is_employed else None,
        is_express=random.random() < 0.6,
    )


def _phone(random: Random, area: str, number: int) -> str | None:
    """Free text, as people type it; some give none."""
    if not area:
        return random.choice(("+33 4 72 00 00 00", None))
    line = number % 10_000
    drawn = random.random()
    if drawn < 0.15:
        return None
    if drawn < 0.65:
        return f"{area}555{line:04d}"
    if drawn < 0.75:
        return f"({area}) 555-{line:04d} x{random.randint(10, 9999)}"
    return random.choice((f"({area}) 555-{line:04d}", f"{area}.555.{line:04d}", f"+1 {area}-555-{line:04d}"))
