"""HAL+JSON as Action Network writes it: where a resource says who it is and what belongs to it."""

import re
from collections.abc import Mapping
from typing import Any, Final

Resource = dict[str, Any]
"""One resource as it came: a person, a petition, a signature, ..."""

OWN: Final = "action_network:"
UUID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
"""What may stand in an address as a number of theirs."""


def id_of(resource: Resource) -> str | None:
    """Their own number of it, by its identifiers or else its address; lists may lack the one or the other."""
    return own_identifier(resource) or id_at(link_of(resource, "self"))


def own_identifier(resource: Resource) -> str | None:
    """Their own number among its identifiers, which is not always the first [L]."""
    identifiers = resource.get("identifiers")
    if type(identifiers) is list:
        for identifier in identifiers:
            if type(identifier) is str and identifier.startswith(OWN) and UUID.fullmatch(identifier, len(OWN)):
                return identifier[len(OWN) :]
    return None


def identifiers_of(resource: Resource) -> list[str]:
    """All it is called, by any system: "action_network:5a1f...", "memberdb:4471"."""
    identifiers = resource.get("identifiers")
    return [one for one in identifiers if isinstance(one, str)] if isinstance(identifiers, list) else []


def person_id_of(record: Resource) -> str | None:
    """Whose it is: by its link, else by its field, which submissions misspell (documentation's own sample) [D]."""
    found = id_at(link_of(record, "osdi:person"))
    for name in ("action_network:person_id", "action:person_id"):
        if found is None:
            value = record.get(name)
            found = value if isinstance(value, str) and UUID.fullmatch(value) else None
    return found


def link_of(resource: Resource, rel: str) -> str:
    """Where a link leads; "" if there is none. Of several, the first: HAL allows an array where one is usual."""
    links = resource.get("_links")
    link = links.get(rel) if type(links) is dict else None
    if type(link) is dict:
        href = link.get("href")
        return href if type(href) is str else ""
    return next(iter(links_of(resource, rel)), "") if type(link) is list else ""


def links_of(resource: Resource, rel: str) -> list[str]:
    """Where all links of one name lead: one is an object, several are an array."""
    links = resource.get("_links")
    entries = links.get(rel) if isinstance(links, Mapping) else None
    if isinstance(entries, Mapping):
        entries = [entries]
    if not isinstance(entries, list):
        return []
    hrefs = [entry.get("href") for entry in entries if isinstance(entry, Mapping)]
    return [href for href in hrefs if isinstance(href, str) and href]


def id_at(href: str) -> str | None:
    """The number an address ends in; None if it ends in something that is none of theirs."""
    last = number_in(href)
    return last if last is not None and UUID.fullmatch(last) else None


def number_in(href: str) -> str | None:
    """What an address of theirs ends in, such as the UUID of a person."""
    word = href.rpartition("/")[2]
    if not word or "?" in word:
        word = href.partition("?")[0].rstrip("/").rpartition("/")[2]
    return word or None


def embedded_in(page: Resource, key: str) -> list[Resource] | None:
    """The resources of a page; None when it has no such key."""
    embedded = page.get("_embedded")
    resources = embedded.get(key) if isinstance(embedded, Mapping) else None
    if not isinstance(resources, list):
        return None
    return [resource for resource in resources if isinstance(resource, dict)]
