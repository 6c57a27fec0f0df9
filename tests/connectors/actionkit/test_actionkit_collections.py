"""Collections: pages, order, look-ups by allow-list, schema documents."""

from typing import Any

import pytest

from groundswell.connectors.actionkit.simulator.state.catalogue import RESOURCES
from tests.connectors.actionkit.simulated import Desk, id_of


def test_a_page_has_five_keys_of_meta_and_next_has_no_host() -> None:
    desk = Desk(users=45)
    page = desk.get("user/")
    assert set(page["meta"]) == {"limit", "next", "offset", "previous", "total_count"}
    assert (page["meta"]["limit"], page["meta"]["total_count"], len(page["objects"])) == (20, 45, 20)
    assert page["meta"]["next"].startswith("/rest/v1/user/?")
    assert "_offset=20" in page["meta"]["next"]
    assert page["meta"]["previous"] is None
    last = desk.get("user/", _limit=40, _offset=40)
    assert (last["meta"]["next"], len(last["objects"])) == (None, 5)
    assert "_offset=0" in last["meta"]["previous"]


@pytest.mark.parametrize(("asked", "got"), [(500, 100), (0, 100), (7, 7)])
def test_no_page_is_longer_than_a_hundred(asked: int, got: int) -> None:
    assert len(Desk(users=120).objects("user/", _limit=asked)) == got


def test_next_carries_filters_and_order_on() -> None:
    meta = Desk(users=60).get("user/", country="United States", order_by="-id", _limit=5)["meta"]
    assert {"country=United+States", "order_by=-id", "_limit=5", "_offset=5"} <= set(
        meta["next"].split("?")[1].split("&")
    )


def test_nothing_found_is_an_empty_page() -> None:
    page = Desk(users=5).get("action/", user=999_999)
    assert (page["objects"], page["meta"]["total_count"], page["meta"]["next"]) == ([], 0, None)


def test_without_an_order_there_is_none_and_pages_still_hold_everybody_once() -> None:
    desk = Desk(users=250)
    ids = [user["id"] for offset in (0, 100, 200) for user in desk.objects("user/", _limit=100, _offset=offset)]
    assert sorted(ids) == list(range(1, 251))
    assert ids != sorted(ids)
    assert ids[:5] == [user["id"] for user in Desk(users=250).objects("user/", _limit=5)], "the same for a seed"
    ordered = [user["id"] for user in desk.objects("user/", _limit=100, order_by="-id")]
    assert ordered == sorted(ordered, reverse=True)


def test_an_order_that_is_not_allowed_is_refused() -> None:
    desk = Desk(updated_at_ordering=False)
    assert desk.refused("GET", "user/", order_by="updated_at")[0] == 400
    assert desk.refused("GET", "user/", order_by="shoe_size")[0] == 400
    desk.control.behave(updated_at_ordering=True)
    assert desk.get("user/", order_by="updated_at")
    assert desk.refused("GET", "event/", order_by="updated_at")[0] == 400


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"email__startswith": "a"}, "'startswith' is not an allowed filter on the 'email' field."),
        ({"updated_at__gte": "2024-01-01"}, "The 'updated_at' field does not allow filtering."),
        ({"address1": "x"}, "The 'address1' field does not allow filtering."),
        ({"email__user__id": "1"}, "Lookups are not allowed more than one level deep on 'email'."),
    ],
)
def test_a_filter_that_is_not_allowed_says_so(query: dict[str, str], words: str) -> None:
    assert Desk().refused("GET", "user/", **query) == (400, {"error": words})


def test_trans_id_is_no_filter_and_order_user_is() -> None:
    desk = Desk(users=200)
    assert desk.refused("GET", "transaction/", trans_id="x")[0] == 400
    order = desk.objects("order/", _limit=1)[0]
    found = desk.objects("transaction/", order__user=id_of(order["user"]))
    assert {one["order"] for one in found} == {order["resource_uri"]}


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ({"state__in": "OH,NY"}, "state IN ('OH', 'NY')"),
        ({"last_name__icontains": "QUI"}, "last_name LIKE '%qui%'"),
        ({"last_name__startswith": "O'"}, "last_name LIKE 'O''%'"),
        ({"country": "france"}, "country = 'France'"),
        ({"source__ne": "import"}, "source <> 'import'"),
        ({"id__gt": "50", "id__lte": "70"}, "id > 50 AND id <= 70"),
        ({"id__range": "10,20"}, "id BETWEEN 10 AND 20"),
        ({"created_at__gte": "2020-01-01T00:00:00"}, "created_at >= '2020-01-01 00:00:00'"),
        ({"updated_at__lt": "2024-06-01"}, "updated_at < '2024-06-01 00:00:00'"),
        ({"nobody_has_this": "1"}, "1"),
    ],
)
def test_a_look_up_finds_what_sql_finds(query: dict[str, str], condition: str) -> None:
    desk = Desk(users=150, id_filters=True, created_at_filters=True, updated_at_filters=True)
    (row,) = desk.rows(f"SELECT count(*) AS n FROM core_user WHERE {condition}")
    assert desk.get("user/", **query)["meta"]["total_count"] == row["n"] > 0


def test_members_of_a_group_are_found_where_that_filter_is_allowed() -> None:
    desk = Desk(users=200)
    group = desk.objects("usergroup/", order_by="id")[0]
    assert desk.refused("GET", "user/", groups=group["id"])[0] == 400
    desk.control.behave(group_filter=True)
    members = desk.objects("user/", groups=group["id"], _limit=100)
    assert members
    assert all(group["name"] in [one["name"] for one in member["groups"]] for member in members)


@pytest.mark.parametrize("value", ["abc", "9" * 30, ""])
def test_a_value_of_the_wrong_kind_is_refused(value: str) -> None:
    assert Desk().refused("GET", "action/", user=value)[0] == 400


def test_a_percent_sign_in_a_look_up_is_a_percent_sign() -> None:
    assert Desk(users=20).get("user/", last_name__contains="%")["meta"]["total_count"] == 0


@pytest.mark.parametrize("resource", sorted(RESOURCES))
def test_every_resource_has_a_schema_and_a_collection_that_keeps_its_word(resource: str) -> None:
    desk = Desk(users=60)
    schema = desk.get(f"{resource}/schema/")
    assert {"fields", "filtering", "ordering", "allowed_list_http_methods", "allowed_detail_http_methods"} <= set(
        schema
    )
    for name in schema["ordering"]:
        desk.get(f"{resource}/", order_by=name)
    objects = desk.objects(f"{resource}/", order_by=f"-{schema['ordering'][0]}")
    assert set(schema["filtering"]) <= set(schema["fields"])
    for one in objects[:3]:
        assert desk.get(one["resource_uri"].partition("/rest/v1/")[2])["resource_uri"] == one["resource_uri"]
        assert set(schema["fields"]) <= set(one)


def test_a_schema_may_show_numbers_for_words() -> None:
    assert Desk().get("user/schema/")["filtering"]["state"] == "all"
    assert Desk(schema_numbers=True).get("user/schema/")["filtering"]["state"] == 1


def test_the_index_names_every_resource() -> None:
    index = Desk().get("")
    assert index["user"] == {"list_endpoint": "/rest/v1/user/", "schema": "/rest/v1/user/schema/"}
    assert set(RESOURCES) <= set(index)


def test_actions_are_typed_and_one_old_page_is_gone() -> None:
    desk = Desk(users=200)
    actions: list[dict[str, Any]] = []
    for offset in (0, 100):
        actions += desk.objects("action/", _limit=100, _offset=offset, order_by="id")
    kinds = {action["type"] for action in actions}
    assert {"Signup", "Petition", "Import"} <= kinds
    assert all(action["resource_uri"].startswith(f"/rest/v1/{action['type'].lower()}action/") for action in actions)
    pages = {action["page"].partition("/rest/v1/")[2] for action in actions}
    assert [desk.call("GET", page).status for page in sorted(pages)].count(404) == 1
