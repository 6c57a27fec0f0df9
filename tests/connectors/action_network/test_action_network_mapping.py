"""What one event of Action Network's becomes: all eight types, with every hole they have."""

from typing import Any

import pytest
from msgspec import UNSET

from groundswell.connectors.action_network.mapping import arrival_id, record_of, stamp_of
from groundswell.errors import RecordError
from groundswell.record import Action, Page, Person, Record

API = "https://actionnetwork.org/api/v2"
NUMBER = "c2f0a1d2-4b7e-4c11-9f5e-0a1b2c3d4e5f"
PAGE = "77ab12cd-0f3e-4d52-8a9b-1c2d3e4f5a6b"
PERSON = "5a1f0c9e-3b7d-4e55-9a10-6c2f8e7b1d43"
KEY = "8f14e45fceea167a5a36dedd4bea2543"


def event(name: str, collection: str = "", link: str = "", records: str = "", **more: Any) -> dict[str, Any]:
    """An event with all the parts that nearly all of them have; without `collection`, one that has no number."""
    links: dict[str, Any] = {"osdi:person": {"href": f"{API}/people/{PERSON}"}}
    body: dict[str, Any] = {
        "created_date": "2026-05-02T11:00:09Z",
        "modified_date": "2026-05-02T11:00:10Z",
        "person": {"given_name": "Rosa", "email_addresses": [{"primary": True, "address": "rosa@example.org"}]},
        "action_network:referrer_data": {},
        "add_tags": [],
        "_links": links,
    }
    if collection:
        body["identifiers"] = [f"action_network:{NUMBER}"]
        links["self"] = {"href": f"{API}/{collection}/{PAGE}/{records}/{NUMBER}"}
        links[link] = {"href": f"{API}/{collection}/{PAGE}"}
    return {
        name: body | more,
        "action_network:sponsor": {"title": "Riverside Action", "url": "https://example.org/riverside"},
        "idempotency_key": KEY,
    }


def signature(**more: Any) -> dict[str, Any]:
    return event("osdi:signature", "petitions", "osdi:petition", "signatures", **more)


def donation(**more: Any) -> dict[str, Any]:
    return event("osdi:donation", "fundraising_pages", "osdi:fundraising_page", "donations", **more)


def outreach(**more: Any) -> dict[str, Any]:
    return event("osdi:outreach", "advocacy_campaigns", "osdi:advocacy_campaign", "outreaches", **more)


def read(one: dict[str, Any]) -> Record:
    return record_of(one, arrival_id(one), "signups", False)


def action_in(record: Record) -> Action:
    assert isinstance(record.action, Action)
    return record.action


def test_a_signature_becomes_an_action_with_its_comment_tags_and_source() -> None:
    one = signature(
        comments="Fix the crossing",
        add_tags=["volunteer", "member"],
        **{
            "action_network:referrer_data": {
                "source": "may-email",
                "website": "https://example.org/act",
                "referrer": "",
            }
        },
    )
    record = read(one)
    assert record.id == f"action_network:signature/{NUMBER}"
    assert (record.kind, record.source, record.occurred_at) == ("action", "signups", "2026-05-02T11:00:09Z")
    assert record.person == Person(first_name="Rosa", email="rosa@example.org", ids={"action_network": PERSON})
    assert record.action == Action(
        type="signature",
        page=Page(id=PAGE, type="petition", url=f"{API}/petitions/{PAGE}"),
        fields={"comments": "Fix the crossing"},
        tags=["volunteer", "member"],
        source_code="may-email",
        referrer={"website": "https://example.org/act"},
        sponsor={"title": "Riverside Action", "url": "https://example.org/riverside"},
    )
    assert record.donation is UNSET
    assert record.raw is one


@pytest.mark.parametrize(
    ("name", "collection", "link", "records", "id_word", "action_type", "page_type"),
    [
        ("osdi:attendance", "events", "osdi:event", "attendances", "attendance", "rsvp", "event"),
        ("osdi:submission", "forms", "osdi:form", "submissions", "submission", "submission", "form"),
        (
            "action_network:response",
            "surveys",
            "action_network:survey",
            "responses",
            "response",
            "survey_response",
            "survey",
        ),
    ],
)
def test_an_rsvp_a_submission_and_a_survey_response_are_told_apart(
    name: str, collection: str, link: str, records: str, id_word: str, action_type: str, page_type: str
) -> None:
    record = read(event(name, collection, link, records))
    assert record.id == f"action_network:{id_word}/{NUMBER}"
    assert record.kind == "action"
    assert action_in(record).type == action_type
    assert action_in(record).page == Page(id=PAGE, type=page_type, url=f"{API}/{collection}/{PAGE}")


def test_an_rsvp_keeps_its_status() -> None:
    record = read(event("osdi:attendance", "events", "osdi:event", "attendances", status="accepted"))
    assert action_in(record).fields == {"status": "accepted"}


def test_a_ticket_purchase_has_tickets_and_no_page() -> None:
    tickets = [{"title": "General admission", "amount": "15.00"}]
    one = event("osdi:attendance", "events", "osdi:event", "attendances", tickets=tickets)
    one["osdi:attendance"]["_links"] = {"osdi:person": {"href": f"{API}/people/{PERSON}"}}
    record = read(one)
    assert record.id == f"action_network:attendance/{NUMBER}"
    assert action_in(record).page is UNSET
    assert action_in(record).fields == {"tickets": tickets}


def test_a_page_without_a_link_of_its_own_is_found_in_the_events_address() -> None:
    one = event("action_network:response", "surveys", "some_day:survey_link", "responses")
    assert action_in(read(one)).page == Page(id=PAGE, type="survey", url=f"{API}/surveys/{PAGE}")


def test_an_address_under_people_is_not_taken_for_a_page() -> None:
    one = signature(_links={"self": {"href": f"{API}/people/{PERSON}/signatures/{NUMBER}"}})
    assert action_in(read(one)).page is UNSET


def test_a_donation_carries_its_amount_as_text_and_its_currency_in_capitals() -> None:
    recipients = [{"display_name": "Riverside Action", "amount": "20.00"}, {"display_name": "Fund", "amount": "5.00"}]
    one = donation(
        currency="usd",
        amount="25.00",
        recipients=recipients,
        payment={"method": "Credit Card", "reference_number": "r-1", "authorization_stored": False, "note": ""},
        **{"action_network:recurrence": {"recurring": True, "period": "Monthly"}},
    )
    record = read(one)
    given = record.donation
    assert record.kind == "donation"
    assert record.id == f"action_network:donation/{NUMBER}"
    assert given is not UNSET
    assert (given.amount, given.currency, given.recurring, given.period) == ("25.00", "USD", True, "Monthly")
    assert given.order_id == NUMBER
    assert given.recipient is UNSET, "with two recipients neither is the recipient"
    assert given.recipients == recipients
    assert given.fields == {
        "payment_method": "Credit Card",
        "payment_reference_number": "r-1",
        "payment_authorization_stored": False,
    }
    assert action_in(record).type == "donation"
    assert action_in(record).fields == {}
    assert action_in(record).page == Page(id=PAGE, type="fundraising_page", url=f"{API}/fundraising_pages/{PAGE}")


def test_a_donation_to_one_recipient_names_them() -> None:
    record = read(donation(amount="5.00", recipients=[{"display_name": "Riverside Action", "amount": "5.00"}]))
    assert record.donation is not UNSET
    assert record.donation.recipient == "Riverside Action"


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(25, "25"), (25.5, "25.50"), (" 25.00 ", "25.00"), ("0", "0"), (None, UNSET), ("", UNSET), (" ", UNSET)],
)
def test_an_amount_is_taken_as_a_number_too_and_left_open_when_missing(amount: Any, expected: Any) -> None:
    record = read(donation(amount=amount))
    assert record.donation is not UNSET
    assert record.donation.amount == expected


@pytest.mark.parametrize("amount", ["$25.00", "1,000.00", "25.00.1", "NaN", "twenty", True, [], {}, "٢٥"])
def test_an_amount_that_is_no_number_is_never_guessed(amount: Any) -> None:
    with pytest.raises(RecordError, match="amount") as raised:
        read(donation(amount=amount))
    assert raised.value.reason == "bad_amount"


def test_a_letter_and_a_call_are_told_apart() -> None:
    targets = [{"title": "Senator", "given_name": "Ada", "family_name": "Quill", "ocdid": "x"}]
    letter = read(outreach(type="email", subject="Hello", message="Please", targets=targets))
    call = read(outreach(type="phone", duration=75, targets=targets))
    assert action_in(letter).type == "letter"
    assert action_in(letter).fields == {"type": "email", "subject": "Hello", "message": "Please", "targets": targets}
    assert action_in(call).type == "call"
    assert action_in(call).fields == {"type": "phone", "duration": 75, "targets": targets}


def test_a_letter_nobody_finished_is_a_letter_without_subject_message_and_targets() -> None:
    record = read(outreach())
    assert record.id == f"action_network:outreach/{NUMBER}"
    assert action_in(record).type == "letter"
    assert action_in(record).fields == {}
    assert action_in(record).page == Page(id=PAGE, type="advocacy_campaign", url=f"{API}/advocacy_campaigns/{PAGE}")


def test_an_upload_is_a_person_and_keeps_its_tags() -> None:
    record = read(event("action_network:upload", add_tags=["spring 2026"]))
    assert record.id == f"action_network:upload/{KEY}"
    assert record.kind == "person"
    assert action_in(record).type is UNSET
    assert action_in(record).tags == ["spring 2026"]


def test_an_upload_without_tags_and_sponsor_holds_no_action_at_all() -> None:
    one = event("action_network:upload")
    del one["action_network:sponsor"]
    assert read(one).action is UNSET


def test_an_action_is_a_signup_without_a_page() -> None:
    record = read(event("action_network:action"))
    assert record.id == f"action_network:action/{KEY}"
    assert record.kind == "action"
    assert action_in(record).type == "signup"
    assert action_in(record).page is UNSET


def test_what_they_add_to_an_event_one_day_is_kept_among_the_fields() -> None:
    record = read(signature(**{"action_network:mood": "cheerful", "rank": 0, "gone": None}))
    assert action_in(record).fields == {"action_network:mood": "cheerful", "rank": 0}


def test_what_they_add_to_the_envelope_one_day_does_not_hide_the_event() -> None:
    one = {"action_network:region": "east"} | signature()
    assert read(one).id == f"action_network:signature/{NUMBER}"


def test_a_sponsor_may_name_its_address_differently_or_not_at_all() -> None:
    with_browser_url = signature() | {"action_network:sponsor": {"title": "A", "browser_url": "https://example.org/a"}}
    assert action_in(read(with_browser_url)).sponsor == {"title": "A", "url": "https://example.org/a"}
    assert action_in(read(signature() | {"action_network:sponsor": {"title": "A"}})).sponsor == {"title": "A"}
    assert action_in(read(signature() | {"action_network:sponsor": None})).sponsor == {}


def test_an_unknown_type_is_refused_with_its_name_and_nothing_else() -> None:
    one = event("osdi:pledge")
    with pytest.raises(RecordError, match="osdi:pledge") as raised:
        read(one)
    assert raised.value.reason == "unknown_type"
    assert "rosa" not in str(raised.value).lower()


@pytest.mark.parametrize("name", ["rosa@example.org", "Rosa", "rosa okafor", "osdi:15035550144", "osdi:x\n"])
def test_an_unknown_type_whose_name_could_be_anything_is_not_shown(name: str) -> None:
    with pytest.raises(RecordError) as raised:
        read({name: {}})
    assert raised.value.reason == "unknown_type"
    assert name not in str(raised.value)


def test_an_event_that_names_no_type_says_so() -> None:
    with pytest.raises(RecordError, match="no type") as raised:
        read({"idempotency_key": KEY})
    assert raised.value.reason == "unknown_type"


@pytest.mark.parametrize("body", [None, [], "text", 7])
def test_an_event_whose_body_is_no_object_cannot_be_read(body: Any) -> None:
    with pytest.raises(RecordError) as raised:
        read({"osdi:signature": body, "idempotency_key": KEY})
    assert raised.value.reason == "unreadable"


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2026-05-02T11:00:09Z", "2026-05-02T11:00:09Z"),
        ("2026-05-02T11:00:09.500Z", "2026-05-02T11:00:09Z"),
        ("2026-05-02T07:00:09-04:00", "2026-05-02T11:00:09Z"),
        ("2026-05-02 11:00:09Z", "2026-05-02T11:00:09Z"),
        ("2026-W18-6T11:00:09Z", "2026-05-02T11:00:09Z"),
        ("2026-05-02T110009.1Z", "2026-05-02T11:00:09Z"),
        ("2026-05-02", "2026-05-02T00:00:00Z"),
        ("2026-13-45T99:00:00Z", UNSET),
        ("0001-01-01T00:00:00+14:00", UNSET),
        ("yesterday", UNSET),
        ("", UNSET),
        (None, UNSET),
        (1777719609, UNSET),
    ],
)
def test_a_time_is_utc_in_whole_seconds_or_unknown(stamp: Any, expected: Any) -> None:
    assert stamp_of(stamp) == expected
