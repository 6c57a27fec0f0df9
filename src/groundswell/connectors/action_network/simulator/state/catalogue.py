"""Which collections there are, what their parts are called, and what can be done with them.

The names follow actionnetwork.org/docs/v2 (as of 2026-08-05), its irregularities included: surveys, campaigns, event
campaigns and unique id lists are `action_network:`, not `osdi:`; an event links to its attendances in the singular.
"""

from typing import Final

from msgspec import Struct

from groundswell.connectors.action_network.simulator.state.filters import (
    EVENT_FIELDS,
    PAGE_FIELDS,
    RECORD_FIELDS,
    Fields,
)


class RecordKind(Struct, frozen=True):
    """What people do on a page: a signature, an attendance, ..."""

    name: str
    page: str
    """The collection of the pages it is done on."""
    key: str
    """In `_embedded` and `_links` of lists of them."""
    event: str
    """As webhooks call it."""
    page_link: str
    page_id: str
    is_once: bool = True
    """One per person and page; a second one overwrites the first."""
    needs_api_page: bool = False
    """Can only be made over the API on pages made over the API (D)."""
    takes_changes: bool = False
    """Whether a PUT changes anything (seen live: only three of them do, whatever the documentation says)."""


class PageKind(Struct, frozen=True):
    """What people act on, and other collections of our own making."""

    name: str
    key: str
    fields: Fields
    """What it can be filtered by."""
    record: str | None = None
    records_link: str | None = None
    """In the page's `_links`."""
    helpers: tuple[str, ...] = ()
    total: str | None = None
    sponsor: str | None = "url"
    """What the address of the sponsor is called; None: there is no sponsor."""
    has_creator: bool = True
    is_action: bool = True
    """Has embed codes, and can be hidden."""
    writable: tuple[str, ...] | None = None
    """What POST and PUT take; None: it is read only."""
    fixed: tuple[str, ...] = ()
    """What PUT does not change, without saying so."""


RECORDS: Final[dict[str, RecordKind]] = {
    kind.name: kind
    for kind in (
        RecordKind(
            "signatures",
            "petitions",
            "osdi:signatures",
            "osdi:signature",
            "osdi:petition",
            "action_network:petition_id",
            takes_changes=True,
        ),
        RecordKind(
            "attendances", "events", "osdi:attendances", "osdi:attendance", "osdi:event", "action_network:event_id"
        ),
        RecordKind(
            "submissions", "forms", "osdi:submissions", "osdi:submission", "osdi:form", "action_network:form_id"
        ),
        RecordKind(
            "donations",
            "fundraising_pages",
            "osdi:donations",
            "osdi:donation",
            "osdi:fundraising_page",
            "action_network:fundraising_page_id",
            is_once=False,
            needs_api_page=True,
            takes_changes=True,
        ),
        RecordKind(
            "outreaches",
            "advocacy_campaigns",
            "osdi:outreaches",
            "osdi:outreach",
            "osdi:advocacy_campaign",
            "action_network:advocacy_campaign_id",
            is_once=False,
            needs_api_page=True,
            takes_changes=True,
        ),
        RecordKind(
            "responses",
            "surveys",
            "action_network:responses",
            "action_network:response",
            "action_network:survey",
            "action_network:survey_id",
        ),
    )
}

_TEXTS: Final = ("origin_system", "name", "title", "description", "featured_image_url")

PAGES: Final[dict[str, PageKind]] = {
    kind.name: kind
    for kind in (
        PageKind(
            "petitions",
            "osdi:petitions",
            PAGE_FIELDS,
            "signatures",
            "osdi:signatures",
            ("osdi:record_signature_helper",),
            "total_signatures",
            writable=(*_TEXTS, "petition_text", "target"),
        ),
        PageKind(
            "events",
            "osdi:events",
            EVENT_FIELDS,
            "attendances",
            "osdi:attendance",
            ("osdi:record_attendance_helper", "record_attendance_helper"),
            "total_accepted",
            sponsor="browser_url",
            has_creator=False,
            writable=(
                *(text for text in _TEXTS if text != "featured_image_url"),
                "instructions", "status", "start_date", "end_date", "transparence", "visibility",
                "guests_can_invite_others", "capacity", "reminders", "location",
            ),
            fixed=("capacity", "visibility", "status"),
        ),
        PageKind(
            "forms",
            "osdi:forms",
            PAGE_FIELDS,
            "submissions",
            "osdi:submissions",
            ("osdi:record_submission_helper",),
            "total_submissions",
            writable=(*_TEXTS, "call_to_action"),
        ),
        PageKind(
            "fundraising_pages",
            "osdi:fundraising_pages",
            PAGE_FIELDS,
            "donations",
            "osdi:donations",
            ("osdi:record_donation_helper",),
            "total_donations",
            writable=(*_TEXTS, "currency"),
        ),
        PageKind(
            "advocacy_campaigns",
            "osdi:advocacy_campaigns",
            PAGE_FIELDS,
            "outreaches",
            "osdi:outreaches",
            ("osdi:record_outreach_helper",),
            "total_outreaches",
            writable=(*_TEXTS, "type", "targets"),
            fixed=("type",),
        ),
        PageKind(
            "surveys",
            "action_network:surveys",
            PAGE_FIELDS,
            "responses",
            "action_network:responses",
            ("action_network:record_response_helper",),
            "total_responses",
            writable=(*_TEXTS, "call_to_action"),
        ),
        PageKind(
            "event_campaigns",
            "action_network:event_campaigns",
            PAGE_FIELDS,
            "events",
            "osdi:events",
            total="total_events",
            writable=(*_TEXTS, "host_pitch", "host_instructions"),
        ),
        PageKind(
            "campaigns",
            "action_network:campaigns",
            PAGE_FIELDS,
            sponsor="browser_url",
            has_creator=False,
            is_action=False,
        ),
    )
}  # fmt: skip

ACTIONS: Final = tuple(name for name, kind in PAGES.items() if kind.record in RECORDS)


class PlainKind(Struct, frozen=True):
    """A collection that is no page: it cannot be filtered."""

    name: str
    key: str


PLAIN: Final[dict[str, PlainKind]] = {
    kind.name: kind
    for kind in (
        PlainKind("tags", "osdi:tags"),
        PlainKind("lists", "osdi:lists"),
        PlainKind("queries", "osdi:queries"),
        PlainKind("messages", "osdi:messages"),
        PlainKind("wrappers", "osdi:wrappers"),
        PlainKind("unique_id_lists", "action_network:unique_id_lists"),
    )
}

SINGULAR: Final = {
    "people": "person",
    "fundraising_pages": "fundraising page",
    "advocacy_campaigns": "advocacy campaign",
    "event_campaigns": "event campaign",
    "queries": "query",
    "outreaches": "outreach",
    "unique_id_lists": "unique id list",
}
"""Where taking off the "s" is not enough."""


def embedded_key(kind: str) -> str:
    """What lists of this kind are called in `_embedded` and `_links`."""
    match kind:
        case "people" | "taggings" | "items":
            return f"osdi:{kind}"
        case _:
            found: RecordKind | PageKind | PlainKind | None = RECORDS.get(kind) or PAGES.get(kind) or PLAIN.get(kind)
            assert found is not None, kind
            return found.key


def link_key(kind: str) -> str:
    """What the links of a list are called: as in `_embedded`, but for attendances (D sample)."""
    return "osdi:attendance" if kind == "attendances" else embedded_key(kind)


def fields_of(kind: str) -> Fields | None:
    """What a collection can be filtered by; None: by nothing."""
    if kind in RECORDS:
        return RECORD_FIELDS
    return PAGES[kind].fields if kind in PAGES else None


def singular(kind: str) -> str:
    """One of them, as error messages say it."""
    return SINGULAR.get(kind, kind.removesuffix("s"))
