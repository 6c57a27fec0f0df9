"""One page of a collection: how it is asked for, and what is around the things on it."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import Struct

from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from groundswell.connectors.action_network.simulator.state.catalogue import embedded_key, link_key

Json = dict[str, Any]
PER_PAGE_MAX: Final = 25

CURIES: Final = [
    {"name": name, "href": "https://actionnetwork.org/docs/v2/{rel}", "templated": True}
    for name in ("osdi", "action_network")
]


class Asked(Struct, frozen=True):
    """Which page was asked for. More than 25 a page is cut down to that; what is no number is the default."""

    page: int
    per_page: int
    filter: str | None

    @property
    def start(self) -> int:
        return (self.page - 1) * self.per_page


def read_asked(query: Mapping[str, str]) -> Asked:
    return Asked(
        page=_number(query.get("page"), 1),
        per_page=min(_number(query.get("per_page"), PER_PAGE_MAX), PER_PAGE_MAX),
        filter=query.get("filter") or None,
    )


def shown_page(
    kind: str, href: str, asked: Asked, things: list[Json], behaviour: Behaviour, *, total: int | None, has_more: bool
) -> Json:
    """The page as it is answered.

    Args:
        href: Of the collection.
        total: Of all that fit; None where they do not say (people, items, perhaps filtered ones).
        has_more: Whether there is anything on a later page.
    """
    body: Json = {"per_page": asked.per_page, "page": asked.page}
    if total is not None:
        body = {"total_pages": -(-total // asked.per_page), **body, "total_records": total}
    links: Json = {"self": {"href": href}}
    # An empty page has no `next`; the last page with anything on it has one (their note of September 2, 2016).
    if things and (has_more or behaviour.next_on_last_page):
        links["next"] = {"href": _next(href, asked, behaviour)}
    links[link_key(kind)] = [{"href": thing["_links"]["self"]["href"]} for thing in things]
    links["curies"] = CURIES
    return body | {"_links": links, "_embedded": {embedded_key(kind): things}}


def _next(href: str, asked: Asked, behaviour: Behaviour) -> str:
    query: dict[str, Any] = {"page": asked.page if behaviour.next_is_stuck else asked.page + 1}
    if behaviour.next_keeps_query:
        query["per_page"] = asked.per_page
        if asked.filter is not None:
            query["filter"] = asked.filter
    return f"{href}?{urlencode(query)}"


def _number(text: str | None, default: int) -> int:
    if text is None or not text.isdecimal() or not text.isascii() or len(text) > 12:
        return default
    return int(text) or default
