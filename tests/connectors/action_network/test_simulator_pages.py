"""Every collection, with the keys it has there; and the envelope around a page."""

from typing import Any

import pytest

from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from tests.connectors.action_network.simulated import Desk, uuid_of

COLLECTIONS = {
    "people": "osdi:people",
    "petitions": "osdi:petitions",
    "events": "osdi:events",
    "forms": "osdi:forms",
    "fundraising_pages": "osdi:fundraising_pages",
    "donations": "osdi:donations",
    "advocacy_campaigns": "osdi:advocacy_campaigns",
    "surveys": "action_network:surveys",
    "event_campaigns": "action_network:event_campaigns",
    "campaigns": "action_network:campaigns",
    "unique_id_lists": "action_network:unique_id_lists",
    "tags": "osdi:tags",
    "lists": "osdi:lists",
    "queries": "osdi:queries",
    "messages": "osdi:messages",
    "wrappers": "osdi:wrappers",
}
RECORDS = {
    ("petitions", "signatures"): "osdi:signatures",
    ("events", "attendances"): "osdi:attendances",
    ("forms", "submissions"): "osdi:submissions",
    ("fundraising_pages", "donations"): "osdi:donations",
    ("advocacy_campaigns", "outreaches"): "osdi:outreaches",
    ("surveys", "responses"): "action_network:responses",
}


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk(100, records=60)


def path_of(thing: dict[str, Any], desk: Desk) -> str:
    href = str(thing["_links"]["self"]["href"])
    assert href.startswith(desk.world.api)
    return href.removeprefix(desk.world.api + "/")


@pytest.mark.parametrize("path", COLLECTIONS)
def test_a_collection_has_its_key_first_and_each_thing_in_it_can_be_had_by_its_link(desk: Desk, path: str) -> None:
    body = desk.get(path)
    assert list(body["_embedded"]) == [COLLECTIONS[path]]
    things = body["_embedded"][COLLECTIONS[path]]
    assert things
    assert [link["href"] for link in body["_links"][COLLECTIONS[path]]] == [
        one["_links"]["self"]["href"] for one in things
    ]
    for thing in things:
        assert desk.get(path_of(thing, desk)) == thing
        assert {"created_date", "modified_date"} <= thing.keys()


@pytest.mark.parametrize(("page", "records"), RECORDS)
def test_records_are_under_their_page_and_under_their_person(desk: Desk, page: str, records: str) -> None:
    key = RECORDS[page, records]
    for one in desk.listed(page):
        found = desk.listed(f"{page}/{uuid_of(one)}/{records}")
        assert len(found) >= 60
        record = found[0]
        assert desk.get(path_of(record, desk)) == record
        assert key in desk.get(f"{page}/{uuid_of(one)}/{records}")["_embedded"]
        person = found[-1]["_links"]["osdi:person"]["href"].rpartition("/")[2]
        mine = desk.listed(f"people/{person}/{records}")
        assert all(one["_links"]["osdi:person"]["href"].endswith(person) for one in mine)
        assert desk.get(f"people/{person}/{records}/{uuid_of(mine[0])}") == mine[0]


def test_an_event_links_to_its_attendances_in_the_singular(desk: Desk) -> None:
    event = desk.get("events")["_embedded"]["osdi:events"][0]
    assert "osdi:attendance" in event["_links"]
    attendances = desk.get(f"events/{uuid_of(event)}/attendances")
    assert "osdi:attendance" in attendances["_links"]
    assert "osdi:attendances" in attendances["_embedded"]


def test_people_and_items_tell_no_totals_and_the_others_do(desk: Desk) -> None:
    for path in COLLECTIONS:
        assert ("total_records" in desk.get(path)) is (path != "people"), path
    (full, *_) = [one for one in desk.listed("lists") if one["name"] == "Active volunteers"]
    items = desk.get(f"lists/{uuid_of(full)}/items")
    assert "total_records" not in items
    assert "total_pages" not in items
    body = desk.get("petitions", per_page=2)
    assert (body["total_pages"], body["per_page"], body["page"], body["total_records"]) == (2, 2, 1, 3)


def test_by_default_a_filtered_page_tells_no_totals_and_a_switch_takes_all_of_them_away() -> None:
    desk = Desk(behaviour=Behaviour(index_lag_s=(0, 0)))
    assert "total_records" in desk.get("petitions")
    assert "total_records" not in desk.get("petitions", filter="title eq 'x'")
    desk.control.behave(totals=False)
    assert "total_records" not in desk.get("petitions")


def test_no_more_than_25_come_at_a_time_and_nonsense_is_the_default(desk: Desk) -> None:
    assert len(desk.get("people", per_page=100)["_embedded"]["osdi:people"]) == 25
    assert len(desk.get("people", per_page=10)["_embedded"]["osdi:people"]) == 10
    assert desk.get("people", per_page="many", page="first") == desk.get("people")
    assert desk.get("people", perPage=3, limit=3) == desk.get("people"), "unknown parameters do nothing"


def test_there_is_a_next_page_after_the_last_one_and_it_is_empty_and_has_none(desk: Desk) -> None:
    last = desk.get("people", page=4)
    assert len(last["_embedded"]["osdi:people"]) == 25
    assert last["_links"]["next"]["href"].startswith(f"{desk.world.api}/people?page=5")
    empty = desk.get("people", page=5)
    assert empty["_embedded"] == {"osdi:people": []}
    assert "next" not in empty["_links"]


def test_by_switch_the_last_page_has_no_next() -> None:
    desk = Desk(30, next_on_last_page=False)
    assert "next" in desk.get("people")["_links"]
    assert "next" not in desk.get("people", page=2)["_links"]
    assert "next" in desk.get("petitions", per_page=2)["_links"]
    assert "next" not in desk.get("petitions", per_page=2, page=2)["_links"]


def test_whether_next_keeps_the_filter_is_a_switch() -> None:
    desk = Desk(60, next_keeps_query=False)
    asked = {"filter": "modified_date gt '2020-01-01'", "per_page": 10}
    assert desk.get("people", **asked)["_links"]["next"]["href"] == f"{desk.world.api}/people?page=2"
    desk.control.behave(next_keeps_query=True)
    assert desk.get("people", **asked)["_links"]["next"]["href"].endswith(
        "/people?page=2&per_page=10&filter=modified_date+gt+%272020-01-01%27"
    )


def test_by_switch_next_leads_to_the_same_page_for_ever() -> None:
    desk = Desk(60, next_is_stuck=True, next_keeps_query=False)
    assert desk.get("people", page=2)["_links"]["next"]["href"].endswith("?page=2")


def test_every_person_is_on_exactly_one_page(desk: Desk) -> None:
    assert sorted(uuid_of(person) for person in desk.listed("people")) == sorted(desk.control.uuids())


def test_a_page_shifts_when_somebody_before_it_changes() -> None:
    desk = Desk(60)
    window = "modified_date lt '2026-05-02'"
    first, second = (desk.get("people", page=page, filter=window)["_embedded"]["osdi:people"] for page in (1, 2))
    desk.control.edit(uuid_of(first[0]), given_name="Rosa")
    after = desk.get("people", page=2, filter=window)["_embedded"]["osdi:people"]
    assert after[:-1] == second[1:], "a reader who goes on with page 2 never sees its first person"


def test_items_are_the_people_of_a_list_under_their_own_ids(desk: Desk) -> None:
    (full,) = [one for one in desk.listed("lists") if one["name"] == "Active volunteers"]
    items = desk.listed(f"lists/{uuid_of(full)}/items")
    assert len(items) == 10
    assert all(uuid_of(item) == item["action_network:person_id"] for item in items)
    assert desk.get(f"lists/{uuid_of(full)}/items/{uuid_of(items[3])}") == items[3]
    stranger = next(uuid for uuid in desk.control.uuids() if uuid not in {uuid_of(item) for item in items})
    assert desk.answer("GET", f"lists/{uuid_of(full)}/items/{stranger}").status == 404


def test_an_event_of_another_group_shows_in_our_event_campaign_only(desk: Desk) -> None:
    (campaign,) = desk.listed("event_campaigns")
    ours = {uuid_of(event) for event in desk.listed("events")}
    events = desk.listed(f"event_campaigns/{uuid_of(campaign)}/events")
    (theirs,) = [event for event in events if uuid_of(event) not in ours]
    assert desk.answer("GET", f"events/{uuid_of(theirs)}").status == 404
    attendances = desk.listed(f"{path_of(theirs, desk)}/attendances")
    assert len(attendances) == 60
    assert desk.get(path_of(attendances[0], desk)) == attendances[0]


def test_a_donation_may_come_from_somebody_who_is_not_there(desk: Desk) -> None:
    people = [one["action_network:person_id"] for one in desk.listed("donations")]
    gone = [uuid for uuid in people if desk.answer("GET", f"people/{uuid}").status == 404]
    assert len(gone) == 1


def test_the_custom_fields_are_one_array_and_link_to_themselves_in_one(desk: Desk) -> None:
    body = desk.get("metadata/custom_fields")
    assert "_embedded" not in body
    assert {"name", "created_date", "modified_date", "notes", "numeric_id"} <= body["action_network:custom_fields"][
        0
    ].keys()
    assert isinstance(body["_links"]["self"], list)
    assert "action_network:custom_fields" in desk.get("metadata")["_links"]


@pytest.mark.parametrize("page", ["petitions", "events", "forms", "fundraising_pages", "advocacy_campaigns", "surveys"])
def test_a_page_can_be_embedded_in_six_ways(desk: Desk, page: str) -> None:
    snippets = desk.get(f"{page}/{desk.page_of(page)}/embed")
    assert sum(name.startswith("embed_") for name in snippets) == 6


def test_pages_carry_their_creator_and_events_do_not(desk: Desk) -> None:
    assert "osdi:creator" in desk.listed("petitions")[0]["_embedded"]
    assert "_embedded" not in desk.listed("events")[0]


def test_the_sponsor_has_an_address_under_one_name_or_the_other(desk: Desk) -> None:
    assert "url" in desk.listed("petitions")[0]["action_network:sponsor"]
    assert "browser_url" in desk.listed("events")[0]["action_network:sponsor"]
    assert "browser_url" in desk.listed("campaigns")[0]["action_network:sponsor"]


def test_event_times_are_local_although_they_end_in_z(desk: Desk) -> None:
    event = desk.post("events", {"title": "Canvass", "start_date": "2026-06-06T10:00:00-07:00"})
    assert event["start_date"] == "2026-06-06T10:00:00Z"


@pytest.mark.parametrize(
    "path",
    [
        "nonsense",
        "people/5a1f0c9e-3b7d-4e55-9a10-6c2f8e7b1d43",
        "people/x/signatures",
        "petitions/x",
        "petitions/x/signatures",
        "tags/x/taggings",
        "lists/x/items",
        "event_campaigns/x/events",
        "petitions/x/y/z/w",
        "forms/x/signatures",
    ],
)
def test_what_is_not_there_is_404(desk: Desk, path: str) -> None:
    answer = desk.answer("GET", path)
    assert answer.status == 404
    assert list(answer.body) == ["error"]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "lists"), ("POST", "campaigns"), ("DELETE", "people/x"), ("PATCH", "people")]
)
def test_what_cannot_be_done_is_404(desk: Desk, method: str, path: str) -> None:
    assert desk.answer(method, path, {}).status == 404
