"""Action Network's JSON to canonical records, pure functions.

One webhook event is an object such as
`{"osdi:signature": {...}, "action_network:sponsor": {...}, "idempotency_key": "..."}`.
Its person holds only what was typed in for this event: a gap is unknown (UNSET), never empty. Empty strings and nulls
are gaps too. Where a fact comes from and how sure it is: README.md of this folder.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from groundswell.connectors.action_network.hal import id_at, link_of, number_in, own_identifier, person_id_of
from groundswell.connectors.action_network.people import (
    person_of,
    plain_word,
    text_or_unset,
    without_gaps,
)
from groundswell.errors import RecordError
from groundswell.record import Action, Donation, Kind, Page, Record, Text, utc_stamp

Event = dict[str, Any]
"""One element of the array a webhook brings, or the same made of what the API lists, with the page as "page"."""


class EventType(Struct, frozen=True):
    """What one of their types becomes."""

    word: str
    """In the record's id: `action_network:<word>/<number>`."""
    kind: Kind
    action: Text = UNSET
    collection: str | None = None
    """Where it stands in their addresses; None for uploads and actions, which have no number of their own."""
    page: str | None = None
    """Link name of the page it happened on."""
    page_type: Text = UNSET


EVENT_TYPES: Final[dict[str, EventType]] = {
    "osdi:signature": EventType("signature", "action", "signature", "signatures", "osdi:petition", "petition"),
    "osdi:attendance": EventType("attendance", "action", "rsvp", "attendances", "osdi:event", "event"),
    "osdi:submission": EventType("submission", "action", "submission", "submissions", "osdi:form", "form"),
    "osdi:donation": EventType(
        "donation", "donation", "donation", "donations", "osdi:fundraising_page", "fundraising_page"
    ),
    # A call says so in its `type`.
    "osdi:outreach": EventType(
        "outreach", "action", "letter", "outreaches", "osdi:advocacy_campaign", "advocacy_campaign"
    ),
    "action_network:response": EventType(
        "response", "action", "survey_response", "responses", "action_network:survey", "survey"
    ),
    "action_network:upload": EventType("upload", "person"),
    "action_network:action": EventType("action", "action", "signup"),
}
_UNKNOWN: Final = EventType("unknown", "action", collection="unknown")

_ENVELOPE: Final = frozenset(("action_network:sponsor", "idempotency_key", "page"))
_MAPPED: Final = frozenset(
    (
        "identifiers", "created_date", "modified_date", "person", "add_tags", "action_network:referrer_data", "_links",
        "action_network:person_id", "action:person_id", "action_network:petition_id", "action_network:event_id",
        "action_network:form_id", "action_network:fundraising_page_id", "action_network:advocacy_campaign_id",
        "action_network:survey_id",
    )
)  # fmt: skip
"""What of an event goes elsewhere in the record; the rest is kept under `action.fields`."""
_MAPPED_DONATION: Final = _MAPPED | {"currency", "amount", "recipients", "payment", "action_network:recurrence"}

PAGE_TYPES: Final = {
    "petitions": "petition",
    "events": "event",
    "forms": "form",
    "fundraising_pages": "fundraising_page",
    "advocacy_campaigns": "advocacy_campaign",
    "surveys": "survey",
    "event_campaigns": "event_campaign",
    "campaigns": "campaign",
    "messages": "message",
    "wrappers": "wrapper",
}
"""What one of a collection is called: in ids, and as `page.type`."""
_AMOUNT: Final = re.compile(r"-?\d{1,15}(\.\d{1,6})?", re.ASCII)
_NONE: Final[dict[str, Any]] = {}
SOURCE: Final = ("source",)

TEST_KEY: Final = "1679091c5a880faf6fb5e6087eb1b2dc"
TEST_SIGNATURE: Final = "d6bdf50e-c3a4-4981-a948-3d8c086066d7"
TEST_PETITION: Final = "9f837109-710d-442f-8a99-857a21f36d25"
TEST_PERSON: Final = "699da712-929f-11e3-a2e9-12313d316c29"
"""The numbers in the example their "Send Test" button sends, always the same."""


def record_of(event: Event, record_id: str, source: str, mobile_unsubscribed: bool | UnsetType) -> Record:
    """The record of one event.

    Args:
        mobile_unsubscribed: What the phone status "unsubscribed" says about texting: False, or UNSET.

    Raises:
        RecordError: with reason `unknown_type`, `test_event`, `bad_amount` or `unreadable`.
    """
    name = event_name(event)
    event_type = EVENT_TYPES.get(name)
    if event_type is None:
        raise RecordError(_unknown_type_message(name), reason="unknown_type")
    body = event[name]
    if type(body) is not dict:
        raise RecordError(f"action_network: reading an event: what stands under {name!r} is not an object")
    person_number = person_id_of(body)
    if is_test(event.get("idempotency_key"), person_number, record_id):
        raise RecordError(
            'action_network: this is the example the "Send Test" button sends: the webhook works, nothing to deliver',
            reason="test_event",
        )
    return Record(
        id=record_id,
        kind=event_type.kind,
        source=source,
        occurred_at=stamp_of(body.get("created_date")),
        person=person_of(body.get("person"), person_number, mobile_unsubscribed),
        action=_action_of(event, body, event_type),
        donation=_donation_of(body, record_id) if event_type.kind == "donation" else UNSET,
        raw=event,
    )


def is_test(key: Any, person: str | None, record_id: str) -> bool:
    """Whether this is the example; `person` is their number for the person, or an address that ends in it."""
    return (
        key == TEST_KEY or record_id.endswith(TEST_SIGNATURE) or (person is not None and person.endswith(TEST_PERSON))
    )


def event_name(event: Event) -> str:
    """The key that names the type: a known one, else the first that is not part of the envelope, else ""."""
    for key in event:
        if key in EVENT_TYPES:
            return key
    return next((key for key in event if key not in _ENVELOPE), "")


def arrival_ids(events: Sequence[Event]) -> list[str]:
    """The ids of what one POST brought, in order; different things never share one.

    Uploads and actions have only the idempotency key, and whether the hashes of one POST share it is not documented.
    If they do, each gets the hash of its content besides the key: the same again whenever that POST is repeated.
    """
    ids = [arrival_id(event) for event in events]
    if len(ids) == 1 or len(set(ids)) == len(ids):
        return ids
    times = Counter(ids)
    return [
        arrival_id(event, is_key_shared=True) if times[known] > 1 else known
        for event, known in zip(events, ids, strict=True)
    ]


def arrival_id(event: Event, *, is_key_shared: bool = False) -> str:
    """The id of the record this event becomes: from its own number, else its idempotency key, else its content."""
    name = event_name(event)
    event_type = EVENT_TYPES.get(name, _UNKNOWN)
    body = event.get(name)
    number = own_number(body, event_type.collection) if type(body) is dict else None
    if number is not None:
        return f"action_network:{event_type.word}/{number}"
    key = plain_word(event.get("idempotency_key"))
    if key is None:
        return f"action_network:{event_type.word}/{content_hash(name, body)}"
    if is_key_shared:
        return f"action_network:{event_type.word}/{key}.{content_hash(name, body)}"
    return f"action_network:{event_type.word}/{key}"


def own_number(body: dict[str, Any], collection: str | None) -> str | None:
    """Their number of an event of this collection; uploads and actions have no collection, and no number."""
    if collection is None:
        return None
    number = own_identifier(body)
    if number is None and f"/{collection}/" in (href := link_of(body, "self")):
        number = id_at(href)
    return number


def content_hash(name: str, body: Any) -> str:
    """Of something nobody numbered, whatever the order of its keys."""
    return hashlib.sha256(msgspec.json.encode([name, body], order="deterministic")).hexdigest()[:32]


def _action_of(event: Event, body: dict[str, Any], event_type: EventType) -> Action | UnsetType:
    """What was done, and where. An upload is no action, but its tags and its group are kept here all the same."""
    action = event_type.action
    if event_type.word == "outreach" and body.get("type") == "phone":
        action = "call"
    mapped = _MAPPED_DONATION if event_type.kind == "donation" else _MAPPED
    tags = body.get("add_tags")
    referrer = body.get("action_network:referrer_data")
    if type(referrer) is not dict:
        referrer = _NONE
    sponsor = event.get("action_network:sponsor")
    made = Action(
        type=action,
        page=_page_of(body, event_type, event.get("page")),
        fields=without_gaps(body, mapped),
        tags=[tag for tag in tags if type(tag) is str and tag] if tags and type(tags) is list else [],
        source_code=text_or_unset(referrer.get("source")),
        referrer=without_gaps(referrer, SOURCE),
        sponsor=sponsor_of(sponsor) if type(sponsor) is dict else {},
    )
    return UNSET if action is UNSET and made == Action() else made


def sponsor_of(sponsor: dict[str, Any]) -> dict[str, Any]:
    """{"title", "url"}; the address is under `browser_url` on some of their resources."""
    title, url = sponsor.get("title"), sponsor.get("url") or sponsor.get("browser_url")
    if title and url:
        return {"title": title, "url": url}
    return {"title": title} if title else {"url": url} if url else {}


def _page_of(body: dict[str, Any], event_type: EventType, found_on: Any) -> Page | UnsetType:
    """The page, from its own link, else from the event's: `.../petitions/77ab/signatures/c2f0`.

    Their documentation leaves out the name of a survey's link, so the second way must do where the first finds nothing.
    A ticket purchase has neither. What was read from the API was found on a page: see `titled`.
    """
    if event_type.page is None:
        return UNSET
    if type(found_on) is not dict:
        found_on = _NONE
    href = link_of(body, event_type.page)
    if href:
        return titled(Page(id=number_in(href) or UNSET, type=event_type.page_type, url=href), found_on)
    parts = link_of(body, "self").split("/")
    page_type = PAGE_TYPES.get(parts[-4]) if len(parts) > 4 else None
    if page_type is not None:
        return titled(Page(id=parts[-3] or UNSET, type=page_type, url="/".join(parts[:-2])), found_on)
    number = text_or_unset(found_on.get("id"))
    if number is UNSET:
        return UNSET
    return titled(Page(id=number, type=event_type.page_type), found_on)


def titled(page: Page, found_on: dict[str, Any]) -> Page:
    """The page with its title, if it is the one `found_on` names: {"id", "title"}. Webhooks have no titles."""
    title = text_or_unset(found_on.get("title"))
    return page if title is UNSET or found_on.get("id") != page.id else replace(page, title=title)


def _donation_of(body: dict[str, Any], record_id: str) -> Donation:
    recurrence = body.get("action_network:recurrence")
    if type(recurrence) is not dict:
        recurrence = _NONE
    recurring = recurrence.get("recurring")
    recipients = body.get("recipients")
    recipients = [one for one in recipients if type(one) is dict] if type(recipients) is list else []
    payment = body.get("payment")
    if type(payment) is not dict:
        payment = _NONE
    currency = text_or_unset(body.get("currency"))
    return Donation(
        amount=_amount_of(body.get("amount")),
        # Donations made over the API come back as "usd".
        currency=currency.upper() if type(currency) is str else UNSET,
        recurring=recurring if type(recurring) is bool else UNSET,
        period=text_or_unset(recurrence.get("period")),
        order_id=record_id.rpartition("/")[2],
        recipient=text_or_unset(recipients[0].get("display_name")) if len(recipients) == 1 else UNSET,
        recipients=recipients,
        fields={f"payment_{key}": value for key, value in without_gaps(payment).items()},
    )


def _amount_of(amount: Any) -> Text:
    """Their amounts are strings; a number is taken too, as their fundraising pages write totals that way."""
    if amount is None:
        return UNSET
    if type(amount) is float:
        amount = f"{amount:.2f}"
    if type(amount) is str or type(amount) is int:
        text = text_or_unset(amount)
        if type(text) is not str or _AMOUNT.fullmatch(text):
            return text
    raise RecordError(
        'action_network: reading a donation: its amount is not a decimal number such as "25.00"; nothing was guessed',
        reason="bad_amount",
    )


def stamp_of(stamp: Any) -> Text:
    """A moment of theirs as records carry it. They send it that way already; anything else is converted, or unknown."""
    if type(stamp) is not str:
        return UNSET
    try:
        moment = datetime.fromisoformat(stamp)
        if len(stamp) == 20 and stamp[10] == "T" and stamp[7] == "-" and stamp[13] == ":" and stamp[19] == "Z":
            return stamp
        return utc_stamp(moment)
    except (ValueError, OverflowError):
        return UNSET


def _unknown_type_message(name: str) -> str:
    if not name:
        return "action_network: reading an event: it names no type; kept here, see the raw body"
    shown = name if re.fullmatch(r"[a-z_]{1,30}:[a-z_]{1,30}", name) else "a name that cannot be shown"
    known = ", ".join(EVENT_TYPES)
    return (
        f"action_network: reading an event: no such type is known: {shown} (known: {known}); kept here, to be retried"
        " with a newer groundswell"
    )
