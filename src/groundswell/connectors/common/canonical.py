"""One field of a person by its path: "first_name", "custom.colour"."""

from typing import Final

from msgspec import UNSET

from groundswell.record import Person, Text

CUSTOM: Final = "custom."


def value_at(person: Person, path: str) -> Text:
    """As text. A custom field that is not there is empty: for people who were read whole."""
    if not path.startswith(CUSTOM):
        value = getattr(person, path)
        return value if value is UNSET or value is None else str(value)
    return text_of(person.custom.get(path.removeprefix(CUSTOM)))


def text_of(value: object) -> str | None:
    """A custom value as text; of several, one after the other."""
    match value:
        case None | str():
            return value or None
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(text for one in value if (text := text_of(one))) or None
        case _:
            return str(value)
