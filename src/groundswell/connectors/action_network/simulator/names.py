"""What made-up people are called, and what is made of their names."""

import unicodedata
from typing import Final

GIVEN: Final = (
    "Rosa", "Amir", "Nkechi", "Tomás", "Wei", "Fatima", "Jonas", "Aaliyah", "Priya", "Desmond", "Ingrid",
    "Mateo", "Hannah", "Kwame", "Yuki", "Leila", "Carlos", "Siobhan", "Dmitri", "Zainab", "Elena", "Marcus",
    "Thandiwe", "José", "Anneliese", "Ravi", "Beatriz", "Malik", "Freya", "Omar", "Luisa", "Tyrone", "Mei",
    "Abena", "Nadia", "Kofi", "Chiara", "Andre", "Sunita", "Pablo", "Maeve", "Ibrahim", "Noémie", "Jamal",
    "Olga", "Hiroshi", "Dolores", "Ezra",
)  # fmt: skip
FAMILY: Final = (
    "Okafor", "Lindqvist", "Nguyen", "Alvarez", "O'Brien", "Haddad", "Mbeki", "Castellanos", "Park", "Novak",
    "Washington", "Desai", "Sørensen", "Abebe", "Moreau", "Kowalski", "Ibarra", "Tanaka", "Fitzgerald", "Osei",
    "Peña", "Whitfield", "Banerjee", "Dubois", "Achterberg", "Freeman", "Kaplan", "Núñez", "Oyelaran", "Petrov",
    "Rahman", "Sato", "Torres", "Usman", "Vargas", "Weiss", "Ximenes", "Yilmaz", "Zhang", "Delacroix",
    "McAllister", "Hargrove", "Ellison", "Brightwater",
)  # fmt: skip
SHIRTS: Final = ("S", "M", "L", "XL", "2XL")


def plain(name: str) -> str:
    """The name as it stands in an email address: small letters, none with a mark on it."""
    without_marks = unicodedata.normalize("NFKD", name).replace("ø", "o")
    return "".join(
        letter for letter in without_marks.lower() if letter.isascii() and (letter.isalnum() or letter == ".")
    )
