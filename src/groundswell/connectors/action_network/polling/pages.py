"""Pages and groups of theirs (petitions, events, messages, tags, lists, ...), as the API has them, to records.

Who made a page comes embedded in it, a whole person. That is not kept.
"""

import re
from typing import Any, Final

from msgspec import UNSET

from groundswell.connectors.action_network.hal import Resource, id_of, link_of
from groundswell.connectors.action_network.mapping import sponsor_of, stamp_of
from groundswell.connectors.action_network.people import text_or_unset, without_gaps
from groundswell.record import Action, Group, Page, Record, Text

GROUP_TYPES: Final = {"tags": "tag", "lists": "list", "queries": "query", "unique_id_lists": "unique_id_list"}
"""What one of a collection is called: in ids, and as `group.type`."""

_MAPPED: Final = frozenset(("identifiers", "modified_date", "title", "action_network:sponsor", "_links", "_embedded"))
"""What goes elsewhere in the record; the rest is kept under `fields`."""
_TITLES: Final = ("title", "subject", "name")
"""`title` is what people see, of a message its subject; `name` is the organisers' word for it."""
_LOCAL: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?)(\.\d+)?(Z|\+00:?00)", re.ASCII)


def read_page(resource: Resource, record_id: str, number: str | None, source: str) -> Record:
    """The record of a page; its type is in its id."""
    page_type = word_in(record_id)
    fields = without_gaps(resource, _MAPPED | {"browser_url"})
    if page_type == "event":
        for name in ("start_date", "end_date"):
            if name in fields:
                fields[name] = local_time(fields[name])
    sponsor = resource.get("action_network:sponsor")
    return Record(
        id=record_id,
        kind="page",
        source=source,
        occurred_at=stamp_of(resource.get("modified_date")),
        action=Action(
            page=Page(
                id=number or UNSET,
                title=title_of(resource),
                type=page_type,
                url=text_or_unset(resource.get("browser_url") or link_of(resource, "self")),
            ),
            fields=fields,
            sponsor=sponsor_of(sponsor) if type(sponsor) is dict else {},
        ),
        raw=resource,
    )


def read_group(resource: Resource, record_id: str, number: str | None, source: str) -> Record:
    """The record of a group; its type is in its id."""
    return Record(
        id=record_id,
        kind="group",
        source=source,
        occurred_at=stamp_of(resource.get("modified_date")),
        group=Group(
            id=number or UNSET,
            title=title_of(resource),
            type=word_in(record_id),
            fields=without_gaps(resource, _MAPPED),
        ),
        raw=resource,
    )


def word_in(record_id: str) -> str:
    """What it is: "petition" in `action_network:petition/UUID@...`."""
    return record_id.partition("/")[0].rpartition(":")[2]


def title_of(resource: Resource) -> Text:
    """What it is called."""
    for name in _TITLES:
        title = text_or_unset(resource.get(name))
        if title is not UNSET:
            return title
    return UNSET


def named(resource: Resource) -> dict[str, str]:
    """Of a page or group what its records and members carry: {"id", "title"}, as far as they are known."""
    number, title = id_of(resource), title_of(resource)
    return ({"id": number} if number else {}) | ({"title": title} if isinstance(title, str) else {})


def local_time(stamp: Any) -> Any:
    """Times of events are what the clock at the venue shows, and their `Z` is not true [L]: without it.

    A time with another offset says where it is, and stays.
    """
    match = _LOCAL.fullmatch(stamp) if type(stamp) is str else None
    return match[1] if match else stamp
