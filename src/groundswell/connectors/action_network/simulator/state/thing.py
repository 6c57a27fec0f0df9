"""Everything that is not a person: pages, records, tags, lists, messages. One version each."""

from typing import Any, Final

from msgspec import Struct

Json = dict[str, Any]


class Thing(Struct, frozen=True):
    """A change makes a new version; what lists still show is an old one."""

    kind: str
    """Its collection: "petitions", "signatures", "tags", ..."""
    uuid: str
    created: int
    modified: int
    fields: Json
    """As they are shown, without identifiers, dates, links and totals."""
    parent: str = ""
    """UUID of the page or tag it belongs to; of an event, its event campaign; of a message, its wrapper."""
    person: str = ""
    """UUID of the person it is about."""
    related: str = ""
    """Of a message, UUID of the list of those it went to."""
    identifiers: tuple[str, ...] = ()
    """Foreign ones."""
    is_api_made: bool = False
    is_elsewhere: bool = False
    """An event of another sponsor, which shows only in our event campaign."""


DATES: Final = ("created_date", "modified_date")


def value_of(thing: Thing, field: str) -> str | int | None:
    """What a filter compares. Dates of events are text in `fields`: their Z is not true, but it compares."""
    match field:
        case "created_date":
            return thing.created
        case "modified_date":
            return thing.modified
        case _:
            return thing.fields.get(field)


def has_identifier(thing: Thing, identifier: str) -> bool:
    return identifier in thing.identifiers or identifier == f"action_network:{thing.uuid}"
