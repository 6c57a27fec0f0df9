"""What Action Network keeps, as a table: where each collection is, under which key its resources stand, its filters.

From the vendor's documentation, except where a mark says otherwise; the marks are explained in README.md.
"""

from typing import Final

from msgspec import Struct


class Collection(Struct, frozen=True):
    """One collection. `name` is what configurations call it."""

    name: str
    path: str
    """Below the entry point; under a parent: the last part of the address."""
    key: str
    """Under `_embedded`."""
    fields: frozenset[str] = frozenset()
    """What a filter may name; empty: it takes no filter."""
    parent: str | None = None
    """The collection under whose resources it is; None at the top."""
    total: str | None = None
    """The field of a parent that counts these."""


_DATED: Final = frozenset(("identifier", "created_date", "modified_date"))
_ACTION: Final = _DATED | {"origin_system", "title"}
_PERSON: Final = _DATED | {"family_name", "given_name", "email_address", "phone_number", "region", "postal_code"}

COLLECTIONS: Final[dict[str, Collection]] = {
    collection.name: collection
    for collection in (
        Collection("people", "people", "osdi:people", _PERSON),
        Collection("petitions", "petitions", "osdi:petitions", _ACTION),
        Collection("signatures", "signatures", "osdi:signatures", _DATED, "petitions", "total_signatures"),
        Collection("events", "events", "osdi:events", _ACTION | {"start_date", "end_date"}),
        # Their links call it `osdi:attendance`; what is embedded has the plural.
        Collection("attendances", "attendances", "osdi:attendances", _DATED, "events", "total_accepted"),
        Collection("event_campaigns", "event_campaigns", "action_network:event_campaigns", _ACTION),
        # Events that others host under a campaign of ours are only here.
        Collection(
            "campaign_events", "events", "osdi:events", _ACTION | {"start_date", "end_date"}, "event_campaigns",
            "total_events",
        ),
        Collection("forms", "forms", "osdi:forms", _ACTION),
        Collection("submissions", "submissions", "osdi:submissions", _DATED, "forms", "total_submissions"),
        Collection("fundraising_pages", "fundraising_pages", "osdi:fundraising_pages", _ACTION),
        Collection("donations", "donations", "osdi:donations", _DATED),
        Collection(
            "page_donations", "donations", "osdi:donations", _DATED, "fundraising_pages", "total_donations"
        ),
        # Letters, and calls since 2021.
        Collection("advocacy_campaigns", "advocacy_campaigns", "osdi:advocacy_campaigns", _ACTION),
        Collection("outreaches", "outreaches", "osdi:outreaches", _DATED, "advocacy_campaigns", "total_outreaches"),
        Collection("surveys", "surveys", "action_network:surveys", _ACTION),
        Collection("responses", "responses", "action_network:responses", _DATED, "surveys", "total_responses"),
        Collection("campaigns", "campaigns", "action_network:campaigns", _ACTION),
        Collection("tags", "tags", "osdi:tags"),
        Collection("taggings", "taggings", "osdi:taggings", parent="tags"),
        Collection("lists", "lists", "osdi:lists"),
        Collection("items", "items", "osdi:items", parent="lists"),
        Collection("queries", "queries", "osdi:queries"),
        Collection("messages", "messages", "osdi:messages"),
        Collection("wrappers", "wrappers", "osdi:wrappers"),
        Collection("unique_id_lists", "unique_id_lists", "action_network:unique_id_lists"),
    )
}  # fmt: skip
"""By name. Those of one person (`people/{id}/signatures`, ...) are the same collections with the person as parent."""

OF_A_PERSON: Final = frozenset(
    ("signatures", "attendances", "submissions", "donations", "outreaches", "responses", "taggings")
)
"""Collections that are also under a person."""

RECORDS: Final = frozenset(("signatures", "attendances", "submissions", "page_donations", "outreaches", "responses"))
"""What a `record_*_helper` makes: POSTed to the parent's own collection."""

EMBEDS: Final = frozenset(
    ("petitions", "events", "forms", "fundraising_pages", "advocacy_campaigns", "surveys", "event_campaigns")
)
"""Actions that have snippets to put on a page."""
