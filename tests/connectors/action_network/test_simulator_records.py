"""Actions and what is done on them, written over the API."""

from typing import Any

import pytest

from groundswell.connectors.action_network.simulator.state.world import THEIRS
from tests.connectors.action_network.simulated import Desk, email_of, linked, person_of, uuid_of

ROSA = "rosa@example.org"
GIFT = {
    "recipients": [{"display_name": "Riverside Action", "amount": "20.00"}, {"display_name": "Bail Fund", "amount": 5}]
}
KINDS = {
    "petitions": "signatures",
    "events": "attendances",
    "forms": "submissions",
    "fundraising_pages": "donations",
    "advocacy_campaigns": "outreaches",
    "surveys": "responses",
}


def page_in(desk: Desk, kind: str) -> str:
    return uuid_of(desk.post(kind, {"title": "Imported", "origin_system": "ours"}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_record_needs_only_a_link_to_the_person(kind: str) -> None:
    desk = Desk()
    person = desk.sign_up(email=ROSA)
    page = page_in(desk, kind)
    record = desk.post(f"{kind}/{page}/{KINDS[kind]}", linked(uuid_of(person)) | GIFT)
    assert record["_links"]["osdi:person"]["href"] == f"{desk.world.api}/people/{uuid_of(person)}"
    assert desk.listed(f"{kind}/{page}/{KINDS[kind]}") == [record]
    total = next(name for name in desk.get(f"{kind}/{page}") if name.startswith("total_") and name != "total_amount")
    assert desk.get(f"{kind}/{page}")[total] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_helper_finds_or_makes_the_person_tags_them_and_answers_with_the_record(kind: str) -> None:
    desk = Desk()
    desk.control.add_tag("prospect")
    tags = desk.listed("tags")
    before = desk.sign_up(email=ROSA, tags=("prospect",))
    page = page_in(desk, kind)
    body = {"person": person_of(email=ROSA, given_name="Rosa"), "add_tags": ["volunteer", "nobody made this"], **GIFT}
    record = desk.post(f"{kind}/{page}/{KINDS[kind]}", body | {"remove_tags": ["prospect"]})
    assert uuid_of(record) != uuid_of(before)
    person = desk.get(f"people/{uuid_of(before)}")
    assert person["given_name"] == "Rosa"
    (tagging,) = desk.listed(f"people/{uuid_of(before)}/taggings")
    tag = desk.get(tagging["_links"]["osdi:tag"]["href"].removeprefix(desk.world.api + "/"))
    assert tag["name"] == "volunteer"
    assert desk.listed("tags") == tags, "no tag was made"


async def test_an_action_moves_the_date_of_the_person_and_by_switch_of_the_page() -> None:
    desk = Desk(parent_bumps=False)
    person = desk.sign_up(email=ROSA)
    petition = desk.post("petitions", {"title": "Fix it"})
    await desk.clock.advance(5)
    desk.post(f"petitions/{uuid_of(petition)}/signatures", linked(uuid_of(person)))
    assert desk.get(f"people/{uuid_of(person)}")["modified_date"] > person["modified_date"]
    assert desk.get(f"petitions/{uuid_of(petition)}")["modified_date"] == petition["modified_date"]
    desk.control.behave(parent_bumps=True)
    desk.post(f"petitions/{uuid_of(petition)}/signatures", linked(uuid_of(person)))
    assert desk.get(f"petitions/{uuid_of(petition)}")["modified_date"] > petition["modified_date"]


@pytest.mark.parametrize("kind", ["petitions", "events", "forms"])
@pytest.mark.parametrize("keeps", [True, False])
def test_a_second_record_of_the_same_person_overwrites_the_first(kind: str, keeps: bool) -> None:
    desk = Desk(repeat_keeps_uuid=keeps)
    person = linked(uuid_of(desk.sign_up(email=ROSA)))
    path = f"{kind}/{page_in(desk, kind)}/{KINDS[kind]}"
    first = desk.post(path, person | {"comments": "first"})
    second = desk.post(path, person | {"comments": "second"})
    assert (uuid_of(first) == uuid_of(second)) is keeps
    assert [uuid_of(one) for one in desk.listed(path)] == [uuid_of(second)]
    assert desk.answer("GET", f"{path}/{uuid_of(first)}").status == (200 if keeps else 404)


@pytest.mark.parametrize("kind", ["fundraising_pages", "advocacy_campaigns", "surveys"])
def test_donations_letters_and_by_default_responses_are_not_deduplicated(kind: str) -> None:
    desk = Desk()
    path = f"{kind}/{page_in(desk, kind)}/{KINDS[kind]}"
    body = linked(uuid_of(desk.sign_up(email=ROSA))) | GIFT
    assert uuid_of(desk.post(path, body)) != uuid_of(desk.post(path, body))
    assert len(desk.listed(path)) == 2


def test_by_switch_a_second_response_overwrites_the_first() -> None:
    desk = Desk(responses_repeat=False)
    path = f"surveys/{page_in(desk, 'surveys')}/responses"
    body = linked(uuid_of(desk.sign_up(email=ROSA)))
    assert uuid_of(desk.post(path, body)) == uuid_of(desk.post(path, body))


# What cannot be made


@pytest.mark.parametrize("body", [{}, linked("nobody"), {"person": {}}, {"_links": "x"}, None, ["x"]])
def test_a_record_that_cannot_be_made_is_answered_200_and_nothing(body: Any) -> None:
    desk = Desk(helper_failure="empty")
    path = f"petitions/{page_in(desk, 'petitions')}/signatures"
    assert desk.post(path, body) == {}
    assert desk.listed(path) == []
    assert desk.control.counts.silent_failures.total() == 1
    desk.control.behave(helper_failure="error")
    assert desk.answer("POST", path, body).status == 400


def test_the_link_to_a_person_must_be_a_whole_address_of_theirs() -> None:
    desk = Desk()
    uuid = uuid_of(desk.sign_up(email=ROSA))
    path = f"petitions/{page_in(desk, 'petitions')}/signatures"
    for href, status in (
        (f"{THEIRS}/people/{uuid}", 200),
        (f"{desk.world.api}/people/{uuid}", 200),
        (f"/people/{uuid}", 400),
        (uuid, 400),
        (f"https://example.org/people/{uuid}", 400),
    ):
        assert desk.answer("POST", path, {"_links": {"osdi:person": {"href": href}}}).status == status, href


@pytest.mark.parametrize("kind", ["fundraising_pages", "advocacy_campaigns"])
def test_donations_and_letters_are_refused_on_pages_made_in_the_ui_and_nobody_is_made_for_them(kind: str) -> None:
    desk = Desk(helper_failure="empty")
    body = {"person": person_of(email=ROSA), **GIFT}
    assert desk.post(f"{kind}/{desk.page_of(kind)}/{KINDS[kind]}", body) == {}
    assert desk.listed("people") == []
    assert desk.post(f"{kind}/{desk.page_of(kind, is_api_made=True)}/{KINDS[kind]}", body) != {}


@pytest.mark.parametrize("body", [{}, {"recipients": []}, {"recipients": [{"amount": "free"}]}, {"amount": "25.00"}])
def test_a_donation_without_recipients_and_amounts_cannot_be_made(body: dict[str, Any]) -> None:
    desk = Desk(helper_failure="error")
    path = f"fundraising_pages/{page_in(desk, 'fundraising_pages')}/donations"
    assert desk.answer("POST", path, {"person": person_of(email=ROSA)} | body).status == 400
    assert desk.listed("people") == []


# Donations


def test_a_donation_is_the_sum_of_its_recipients_and_its_payment_is_theirs() -> None:
    desk = Desk()
    path = f"fundraising_pages/{page_in(desk, 'fundraising_pages')}/donations"
    body = {
        **linked(uuid_of(desk.sign_up(email=ROSA))),
        **GIFT,
        "currency": "USD",
        "created_date": "2020-05-04T03:02:01Z",
        "payment": {"method": "Cheque", "reference_number": "4711", "authorization_stored": True},
        "action_network:recurrence": {"recurring": True, "period": "Weekly"},
    }
    gift = desk.post(path, body)
    assert gift["amount"] == "25.00"
    assert [one["amount"] for one in gift["recipients"]] == ["20.00", "5.00"]
    assert gift["currency"] == "usd"
    assert gift["created_date"] == "2020-05-04T03:02:01Z"
    assert gift["payment"] == {
        "method": "Credit Card",
        "reference_number": uuid_of(gift),
        "authorization_stored": False,
    }
    assert gift["action_network:recurrence"] == {"recurring": True, "period": "Weekly"}
    assert desk.get("donations")["_embedded"]["osdi:donations"] == [gift]
    page = desk.get(path.removesuffix("/donations"))
    assert (page["total_donations"], page["total_amount"]) == (1, 25.0)
    added = desk.put(f"{path}/{uuid_of(gift)}", {"recipients": [{"display_name": "Legal aid", "amount": "1"}]})
    assert (added["amount"], len(added["recipients"])) == ("26.00", 3)


@pytest.mark.parametrize(
    ("switch", "identifiers", "total"),
    [("left out", 0, 2), ("moved", 1, 2), ("returns first", 1, 1), ("refused", None, 1)],
)
def test_what_becomes_of_an_identifier_that_is_taken_is_a_switch(
    switch: str, identifiers: int | None, total: int
) -> None:
    desk = Desk(identifier_taken=switch, helper_failure="error")
    path = f"fundraising_pages/{page_in(desk, 'fundraising_pages')}/donations"
    body = {**linked(uuid_of(desk.sign_up(email=ROSA))), **GIFT, "identifiers": ["ours:1"]}
    first = desk.post(path, body)
    assert [uuid_of(one) for one in desk.listed(path, filter="identifier eq 'ours:1'")] == [uuid_of(first)]
    second = desk.answer("POST", path, body)
    assert second.status == (400 if identifiers is None else 200)
    if identifiers is not None:
        assert second.body["identifiers"].count("ours:1") == identifiers
        assert (second.body["identifiers"] == first["identifiers"]) is (switch == "returns first")
    assert len(desk.listed(path)) == total
    assert len(desk.listed(path, filter="identifier eq 'ours:1'")) == 1


# PUT of records


def test_only_signatures_donations_and_letters_change_over_put() -> None:
    desk = Desk()
    person = linked(uuid_of(desk.sign_up(email=ROSA)))
    for kind, change, field in (
        ("petitions", {"comments": "better"}, "comments"),
        ("advocacy_campaigns", {"subject": "better"}, "subject"),
        ("events", {"status": "declined"}, None),
        ("forms", {"identifiers": ["ours:9"]}, None),
        ("surveys", {"identifiers": ["ours:9"]}, None),
    ):
        path = f"{kind}/{page_in(desk, kind)}/{KINDS[kind]}"
        record = desk.post(path, person)
        changed = desk.put(f"{path}/{uuid_of(record)}", change)
        if field is None:
            assert changed == record
        else:
            assert changed[field] == "better"


def test_an_identifier_can_be_put_on_a_signature_later() -> None:
    desk = Desk()
    path = f"petitions/{page_in(desk, 'petitions')}/signatures"
    record = desk.post(path, linked(uuid_of(desk.sign_up(email=ROSA))))
    desk.put(f"{path}/{uuid_of(record)}", {"identifiers": ["ours:2"]})
    assert [uuid_of(one) for one in desk.listed(path, filter="identifier eq 'ours:2'")] == [uuid_of(record)]


# What else helpers take


def test_where_somebody_came_from_is_kept_but_the_referrer_is_theirs() -> None:
    desk = Desk()
    path = f"forms/{page_in(desk, 'forms')}/submissions"
    sent = {"source": "may-email", "website": "not a url", "referrer": "mine", "nonsense": "x"}
    record = desk.post(path, linked(uuid_of(desk.sign_up(email=ROSA))) | {"action_network:referrer_data": sent})
    kept = record["action_network:referrer_data"]
    assert (kept["source"], kept["website"]) == ("may-email", "not a url")
    assert kept["referrer"] != "mine"
    assert "nonsense" not in kept


def test_autoresponses_go_out_for_pages_made_in_the_ui_only() -> None:
    desk = Desk()
    trigger = {"triggers": {"autoresponse": {"enabled": True}}, "person": person_of(email=ROSA)}
    desk.post(f"forms/{page_in(desk, 'forms')}/submissions", trigger)
    assert desk.control.counts.autoresponses == 0
    desk.post(f"forms/{desk.page_of('forms')}/submissions", trigger)
    assert desk.control.counts.autoresponses == 1


def test_a_submission_misspells_its_person_and_has_no_answers() -> None:
    desk = Desk()
    path = f"forms/{page_in(desk, 'forms')}/submissions"
    record = desk.post(path, {"person": person_of(email=ROSA, custom_fields={"age": "31"})})
    assert "action:person_id" in record
    assert "action_network:person_id" not in record
    assert "31" not in str(record)
    (person,) = desk.listed("people")
    assert person["custom_fields"] == {"age": "31"}


# Pages


def test_a_page_made_over_the_api_can_be_changed() -> None:
    desk = Desk()
    petition = desk.post(
        "petitions", {"title": "Fix it", "origin_system": "ours", "target": "The mayor", "nonsense": 1}
    )
    assert petition["target"] == [{"name": "The mayor"}]
    assert "browser_url" not in petition
    assert "nonsense" not in petition
    after = desk.put(f"petitions/{uuid_of(petition)}", {"title": "Fix it now", "identifiers": ["ours:1"]})
    assert after["title"] == "Fix it now"
    assert "ours:1" in after["identifiers"]
    assert desk.answer("PUT", f"petitions/{uuid_of(petition)}", raw=b"title=x").body == after


def test_a_page_needs_a_title_and_by_switch_an_origin_system() -> None:
    desk = Desk()
    assert desk.answer("POST", "forms", {"origin_system": "ours"}).status == 400
    assert desk.answer("POST", "forms", {"title": "Volunteer"}).status == 200
    desk.control.behave(requires_origin_system=True)
    assert desk.answer("POST", "forms", {"title": "Volunteer"}).status == 400


def test_what_is_fixed_about_an_event_does_not_change_and_nobody_is_told() -> None:
    desk = Desk()
    event = desk.post(
        "events", {"title": "Canvass", "capacity": 10, "location": {"venue": "Library", "postal_code": "97201"}}
    )
    assert event["location"]["locality"] == "Portland"
    after = desk.put(f"events/{uuid_of(event)}", {"capacity": 99, "status": "cancelled", "title": "Canvass!"})
    assert (after["capacity"], after["status"], after["title"]) == (10, "confirmed", "Canvass!")


def test_an_event_can_be_made_in_an_event_campaign() -> None:
    desk = Desk()
    campaign = desk.post("event_campaigns", {"title": "Door to door"})
    event = desk.post(f"event_campaigns/{uuid_of(campaign)}/events", {"title": "Downtown"})
    assert event["action_network:event_campaign_id"] == uuid_of(campaign)
    assert desk.listed(f"event_campaigns/{uuid_of(campaign)}/events") == [event]
    assert event in desk.listed("events")
    path = f"event_campaigns/{uuid_of(campaign)}/events/{uuid_of(event)}/attendances"
    desk.post(path, {"person": person_of(email=ROSA)})
    assert desk.get(f"event_campaigns/{uuid_of(campaign)}")["total_rsvps"] == 1


def test_fields_in_the_query_of_a_post_count_only_by_switch() -> None:
    desk = Desk(takes_query_parameters=False)
    assert desk.answer("POST", "forms", title="Volunteer").status == 400
    desk.control.behave(takes_query_parameters=True)
    assert desk.post("forms", None, title="Volunteer")["title"] == "Volunteer"


def test_a_creator_can_be_named() -> None:
    desk = Desk()
    person = desk.sign_up(email=ROSA)
    href = f"{THEIRS}/people/{uuid_of(person)}"
    survey = desk.post("surveys", {"title": "What next?", "_links": {"osdi:creator": {"href": href}}})
    assert email_of(survey["_embedded"]["osdi:creator"])[0] == ROSA
