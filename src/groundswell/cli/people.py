"""A person as operators type one: by phone or email. And the columns in which links are counted."""

from typing import Annotated, Final

import typer

from groundswell.ops.member_messages import NamePerson
from groundswell.ops.people_shown import STATES

DIGITS_MIN: Final = 5
PERSON_ARGUMENT: Final = typer.Argument(
    metavar="PHONE|EMAIL",
    help='An email, or a phone as it is usually written, such as "+1 503 555 0144" or "(503) 555-0144".',
    show_default=False,
)
PERSON = Annotated[str, PERSON_ARGUMENT]
COUNT_COLUMNS: Final = (*STATES, "total")


def named(text: str) -> NamePerson:
    """Who is meant. Whether the number is one is found out where the region is known."""
    if "@" in text:
        return NamePerson(email=text.strip())
    if sum(letter.isdigit() for letter in text) < DIGITS_MIN:
        raise typer.BadParameter("write a phone number, or an email address")
    return NamePerson(phone=text.strip())
