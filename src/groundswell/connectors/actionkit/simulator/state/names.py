"""What made-up people are called and where they live: real cities, postal codes and area codes, made-up streets."""

import unicodedata
from typing import Final, NamedTuple

GIVEN: Final = (
    "Ada", "Bashir", "Consuelo", "Dalia", "Emeka", "Farah", "Giorgos", "Hana", "Imani", "Joaquín", "Keiko", "Lars",
    "Mireille", "Nuru", "Ottavia", "Pilar", "Quincy", "Renée", "Sipho", "Tamar", "Ulrich", "Violeta", "Wanjiru",
    "Xiomara", "Yusuf", "Zofia",
)  # fmt: skip
FAMILY: Final = (
    "Quill", "Adeyemi", "Bergström", "Camara", "De la Cruz", "Eriksen", "Fonseca", "Gupta", "Hoang", "Ivanova",
    "Johnson", "Kimura", "Larsson", "Mwangi", "Nakamura", "O'Connor", "Papadopoulos", "Quispe", "Reyes", "Singh",
    "Takahashi", "Underwood", "Villanueva", "Williams", "Yoder", "Zielinski",
)  # fmt: skip
STREETS: Final = ("Almond St", "Bridge Rd", "Chestnut Ave", "Dune Ct", "Ferry Ln", "Garden Way", "Hillcrest Dr")
COLOURS: Final = ("red", "green", "blue", "orange", "violet")


class Place(NamedTuple):
    city: str
    state: str
    country: str
    zips: tuple[str, ...]
    area: str
    latitude: float
    longitude: float


PLACES: Final = (
    Place("Dayton", "OH", "United States", ("45402", "45405", "45417"), "937", 39.76, -84.19),
    Place("Portland", "OR", "United States", ("97201", "97211"), "503", 45.52, -122.68),
    Place("New York", "NY", "United States", ("10002", "10027", "10458"), "212", 40.71, -74.01),
    Place("Oakland", "CA", "United States", ("94601", "94607"), "510", 37.8, -122.27),
    Place("Duluth", "MN", "United States", ("55802", "55805"), "218", 46.79, -92.1),
    Place("El Paso", "TX", "United States", ("79901", "79912"), "915", 31.76, -106.49),
    Place("Savannah", "GA", "United States", ("31401", "31404"), "912", 32.08, -81.09),
    Place("Tucson", "AZ", "United States", ("85701", "85713"), "520", 32.22, -110.97),
    Place("Burlington", "VT", "United States", ("05401", "05408"), "802", 44.48, -73.21),
    Place("Mobile", "AL", "United States", ("36602", "36608"), "251", 30.69, -88.04),
    Place("Halifax", "Nova Scotia", "Canada", ("B3H 1A1", "B3K 2B2"), "902", 44.65, -63.58),
    Place("Lyon", "", "France", ("69001", "69007"), "", 45.76, 4.84),
)
PLACE_OF_ZIP: Final = {zip_: place for place in PLACES for zip_ in place.zips if place.country == "United States"}


def plain(name: str) -> str:
    """The name as it stands in an email address: small letters, none with a mark on it."""
    letters = unicodedata.normalize("NFKD", name.lower())
    return "".join(letter for letter in letters if letter.isascii() and (letter.isalnum() or letter == "."))
