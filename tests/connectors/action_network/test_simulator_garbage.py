"""Whatever is sent, it is answered as theirs would: no call breaks the simulator."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.connectors.action_network.simulated import Desk

KEYS = (
    "person", "given_name", "email_addresses", "phone_numbers", "postal_addresses", "languages_spoken",
    "custom_fields", "identifiers", "address", "number", "status", "primary", "address_lines", "locality",
    "postal_code", "country", "region", "add_tags", "remove_tags", "_links", "osdi:person", "osdi:wrapper", "href",
    "recipients", "amount", "display_name", "currency", "action_network:recurrence", "recurring", "period",
    "action_network:referrer_data", "source", "triggers", "autoresponse", "enabled", "created_date", "title", "name",
    "target", "location", "start_date", "type", "subject", "body", "from", "reply_to", "targets", "unique_ids",
    "scheduled_start_date", "comments",
)  # fmt: skip
VALUES = (
    "rosa@example.org", "15035550144", "subscribed", "97201", "volunteer", "25.00", "1e400", "NaN", "en", "USD",
    "2026-06-06T10:00:00Z", "https://actionnetwork.org/api/v2/people/x", "ours:1", "", "\x00",
)  # fmt: skip
PATHS = (
    "people", "people/{person}", "tags", "tags/{tags}/taggings", "petitions", "petitions/{petitions}",
    "petitions/{petitions}/signatures", "events", "events/{events}", "events/{events}/attendances",
    "forms/{forms}/submissions", "fundraising_pages", "fundraising_pages/{fundraising_pages}/donations",
    "advocacy_campaigns/{advocacy_campaigns}/outreaches", "surveys/{surveys}/responses", "event_campaigns",
    "event_campaigns/{event_campaigns}/events", "messages", "messages/{messages}", "messages/{messages}/send",
    "messages/{messages}/schedule", "unique_id_lists", "unique_id_lists/{unique_id_lists}", "lists/{lists}/items",
)  # fmt: skip
KINDS = (
    "tags", "petitions", "events", "forms", "fundraising_pages", "advocacy_campaigns", "surveys", "event_campaigns",
    "messages", "unique_id_lists", "lists",
)  # fmt: skip

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(VALUES))
bodies = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)


@given(
    calls=st.lists(st.tuples(st.sampled_from(("POST", "PUT", "DELETE")), st.sampled_from(PATHS), bodies), max_size=8),
    is_strict=st.booleans(),
    newest=st.booleans(),
)
@settings(max_examples=150)
def test_a_body_of_anything_is_answered(calls: list[tuple[str, str, Any]], is_strict: bool, newest: bool) -> None:
    desk = Desk(10, records=2, helper_failure="empty" if is_strict else "error", null_clears=not is_strict)
    for method, path, body in calls:
        ids = {kind: list(desk.world.shelves.all(kind))[-1 if newest else 0].uuid for kind in KINDS}
        answer = desk.answer(method, path.format(person=desk.control.uuids(1)[0], **ids), _encodable(body))
        assert answer.status in (200, 400, 404), answer
        msgspec.json.encode(answer.body)
    for path in ("people", "petitions", "donations", "events", "messages", "tags", "unique_id_lists"):
        for thing in desk.listed(path):
            assert thing["identifiers"]


@given(path=st.text(alphabet="abc/?*_-.:", max_size=20), filter_=st.text(max_size=40), page=st.text(max_size=5))
def test_a_get_of_anything_is_answered(path: str, filter_: str, page: str) -> None:
    desk = Desk(5)
    assert desk.answer("GET", path).status in (200, 404)
    for collection in ("people", "petitions", "tags"):
        assert desk.answer("GET", collection, filter=filter_, page=page).status in (200, 400)


def _encodable(body: Any) -> Any:
    """JSON knows no NaN, and msgspec writes null for it; a lone surrogate cannot be sent."""
    try:
        return msgspec.json.decode(msgspec.json.encode(body))
    except (UnicodeEncodeError, msgspec.DecodeError):
        return None
