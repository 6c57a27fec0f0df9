"""Switches that no other test turns: each does what it says, both ways."""

import gzip
from typing import Any

import pytest

from tests.connectors.actionkit.simulated import Desk, id_of

PUSH: dict[str, Any] = {
    "donationpage": {"name": "ext", "payment_account": "Default Import Stub"},
    "order": {"amount": "5", "card_code": "007", "recurring_id": "sub_1"},
    "user": {"email": "ada@example.org"},
}


def test_next_may_forget_filters() -> None:
    for keeps in (True, False):
        meta = Desk(users=60, next_keeps_filters=keeps).get("user/", country="United States", _limit=5)["meta"]
        assert ("country" in meta["next"]) == keeps


@pytest.mark.parametrize("bumps", [True, False])
def test_what_hangs_on_a_user_may_move_their_date(bumps: bool) -> None:
    switches = dict.fromkeys(("phones_bump_user", "subscriptions_bump_user", "fields_bump_user"), bumps)
    desk = Desk(users=1, **switches)
    desk.control.edit(1, last_name="Quill")

    def has_moved() -> bool:
        before = desk.get("user/1/")["updated_at"]
        desk.clock.set_calendar(60)
        changes.pop(0)()
        return bool(desk.get("user/1/")["updated_at"] != before)

    email = desk.control.user(1)["email"]
    changes = [
        lambda: desk.make("phone/", {"user": "/rest/v1/user/1/", "type": "work", "phone": "310-555-0101"}),
        lambda: desk.act(email=email, lists=[1, 2]),
        lambda: desk.act("unsubscribe", email=email),
        lambda: desk.call("PATCH", "user/1/", {"fields": {"employer": "Acme"}}),
        lambda: desk.make("userfield/", {"user": "/rest/v1/user/1/", "name": "occupation", "value": "Baker"}),
    ]
    assert [has_moved() for _ in range(len(changes))] == [bumps] * 5


def test_a_phone_of_an_action_may_take_the_place_of_another() -> None:
    for way, numbers in (("added", ["3105550101", "3105550102"]), ("replaced", ["3105550102"])):
        desk = Desk(phone_of_action=way)
        for number in ("3105550101", "3105550102"):
            action = desk.act(email="rosa@example.org", mobile_phone=number)
        phones = desk.objects("phone/", user=id_of(action["user"]), order_by="id")
        assert [phone["normalized_phone"] for phone in phones] == numbers


def test_a_city_may_stay_unknown() -> None:
    desk = Desk(zip_sets_city=False)
    desk.make("user/", {"email": "rosa@example.org", "zip": "45402"})
    assert desk.get("user/1/")["city"] == ""


def test_no_page_may_be_gone() -> None:
    desk = Desk(users=100, dangling_pages=False)
    assert not desk.sql("SELECT 1 FROM core_action a LEFT JOIN core_page p ON p.id = a.page_id WHERE p.id IS NULL")
    assert Desk(users=100).sql(
        "SELECT 1 FROM core_action a LEFT JOIN core_page p ON p.id = a.page_id WHERE p.id IS NULL"
    )


def test_an_import_id_may_be_required() -> None:
    status, errors = Desk(requires_import_id=True).refused("POST", "donationpush/", PUSH)
    assert (status, set(errors)) == (400, {"import_id"})
    Desk().post("donationpush/", PUSH)


def test_a_cancellation_may_be_201_and_taken_twice() -> None:
    desk = Desk(cancel_status=201, cancelled_twice="taken")
    profile = desk.post("donationpush/", PUSH).answer.body["order"]["orderrecurrings"][0]
    cancel = profile["cancel"].partition("/rest/v1/")[2]
    assert [desk.call("POST", cancel).status for _ in range(2)] == [201, 201]


async def test_packed_user_fields_may_be_taken() -> None:
    desk = Desk(users=1, user_fields_only_with_zip_fails=False)
    packed = gzip.compress(b"user_id,user_employer\n1,Acme\n")
    form = {"page": "groundswell_import", "user_fields_only": "1"}
    assert desk.call("POST", "upload/", form=form, upload=packed).status == 201
    await desk.clock.advance(60)
    desk.instance.settle()
    assert desk.get("user/1/")["fields"]["employer"] == "Acme"


def test_reports_may_be_fresh_always() -> None:
    desk = Desk(report_cache_s=0)
    query = {"query": "SELECT count(*) FROM core_user"}
    assert desk.post("report/run/sql/", query, 200).answer.body == [[0]]
    desk.control.add_users(3)
    assert desk.post("report/run/sql/", query, 200).answer.body == [[3]]
    assert desk.control.user_ids == [1, 2, 3]
