"""Donations four ways, and what undoes them."""

from typing import Any

import pytest
from msgspec import json
from multidict import MultiDict

from groundswell.connectors.actionkit.simulator.instance import Arrived
from tests.connectors.actionkit.simulated import AUTHORIZATION, Desk, id_of

GIFT = {"page": "donate", "email": "ada@example.org", "name": "Ada Quill", "card_num": "4111111111111111",
        "card_code": "007", "amount_other": "34"}  # fmt: skip
PUSH: dict[str, Any] = {
    "donationpage": {"name": "ext-donations", "payment_account": "Default Import Stub"},
    "order": {"amount": "34.00", "currency": "EUR", "card_num": "4242", "card_code": "007", "exp_date_month": "12",
              "exp_date_year": "2030", "trans_id": "pi_1", "created_at": "2024-01-15T16:21:29+00:00",
              "recurring_id": "sub_1", "recurring_period": "months", "import_id": "lineitem-1"},
    "user": {"email": "ada@example.org", "first_name": "Ada", "country": "France", "postal": "75001",
             "action_campaign": "x", "unknown": "ignored"},
    "action": {"source": "ext", "fields": {"bucket": "b1"}, "skip_confirmation": "1"},
}  # fmt: skip


def pushed(desk: Desk, status: int = 201, **order: Any) -> Any:
    body = PUSH | {"order": PUSH["order"] | order}
    outcome = desk.call("POST", "donationpush/", body)
    assert outcome.status == status, outcome
    return outcome


def test_the_same_donation_again_fails_with_201_until_some_minutes_have_passed() -> None:
    desk = Desk(duplicate_window_s=300)
    assert desk.act(**GIFT)["status"] == "complete"
    again = desk.act(**GIFT)
    assert (again["status"], again["order"]["status"]) == ("failed", "failed")
    assert (again["order"]["transactions"][0]["failure_code"], again["order"]["transactions"][0]["success"]) == (
        "duplicate", True,
    )  # fmt: skip
    assert desk.act(**GIFT | {"amount_other": "35"})["status"] == "complete"
    assert desk.world.counts.failed_donations == {"duplicate": 1}
    desk.clock.set_calendar(301)
    assert desk.act(**GIFT)["status"] == "complete"


def test_a_donation_dated_long_ago_is_judged_by_when_it_came() -> None:
    desk = Desk()
    dated = GIFT | {"donation_date": "2020-01-01 10:00:00"}
    action = desk.act(**dated)
    assert action["order"]["created_at"] == "2020-01-01T10:00:00"
    assert desk.get(f"action/{action['id']}/")["created_at"] == "2026-05-02T11:00:09"
    assert desk.act(**dated)["status"] == "failed"


def test_a_wrong_code_fails_and_a_missing_number_is_refused() -> None:
    desk = Desk()
    assert desk.act(**GIFT | {"card_code": "123"})["status"] == "failed"
    assert set(desk.act(status=400, **GIFT | {"card_num": ""})["errors"]) == {"card_num"}
    assert set(desk.act(status=400, **GIFT | {"amount_other": "much"})["errors"]) == {"amount"}
    assert set(desk.act(status=400, **GIFT | {"payment_account": "Real Visa"})["errors"]) == {"payment_account"}
    nameless = {**GIFT, "email": "new@example.org", "name": ""}
    assert set(desk.act(status=400, **nameless)["errors"]) == {"name"}


def test_products_and_candidates_make_the_total() -> None:
    desk = Desk()
    bought = GIFT | {"amount_other": "1", "product_1": "2", "candidate_2": "5.50", "shipping_city": "Dayton"}
    order = desk.act(**bought)["order"]
    assert order["total"] == "46.50"
    details = [desk.get(uri.partition("/rest/v1/")[2]) for uri in order["orderdetails"]]
    assert [(one["quantity"], one["amount"]) for one in details] == [(2, "40.00"), (1, "5.50")]
    assert desk.get(order["shipping_address"].partition("/rest/v1/")[2])["city"] == "Dayton"
    assert desk.act(status=400, **GIFT | {"product_9": "1"})["errors"]


def test_a_push_makes_page_user_order_and_profile() -> None:
    desk = Desk()
    outcome = pushed(desk)
    body = outcome.answer.body
    order = body["order"]
    assert outcome.answer.location == f"/rest/v1/donationaction/{body['id']}/"
    assert (order["total"], order["currency"], order["import_id"]) == ("34.00", "EUR", "lineitem-1")
    assert order["card_num_last_four"] == "4242"
    assert order["created_at"] == "2024-01-15T16:21:29"
    assert (order["transactions"][0]["trans_id"], order["transactions"][0]["type"]) == ("pi_1", "sale")
    profile = order["orderrecurrings"][0]
    assert (profile["recurring_id"], profile["exp_date"], profile["status"]) == ("sub_1", "122030", "active")
    assert profile["cancel"] == f"/rest/v1/orderrecurring/{profile['id']}/cancel/"
    assert body["fields"] == {"campaign": "x", "bucket": "b1"}
    assert desk.get(body["page"].partition("/rest/v1/")[2])["name"] == "ext-donations"


def test_an_import_id_protects_from_giving_twice_and_nothing_else_does() -> None:
    desk = Desk()
    order = pushed(desk).answer.body["order"]
    again = pushed(desk, 409)
    assert again.answer.location == f"http://simulated{order['resource_uri']}"
    pushed(desk, import_id="", recurring_id="")
    pushed(desk, import_id="", recurring_id="")
    assert len(desk.objects("order/", user=id_of(order["user"]))) == 3
    assert [one["id"] for one in desk.objects("order/", import_id="lineitem-1")] == [order["id"]]
    assert desk.call("POST", "donationpush/", PUSH | {"order": PUSH["order"] | {"import_id": "x" * 33}}).status == 400


@pytest.mark.parametrize(
    ("part", "changes", "field"),
    [
        ("donationpage", {"name": ""}, "donationpage"),
        ("donationpage", {"name": "signup"}, "donationpage"),
        ("donationpage", {"payment_account": "Real Visa"}, "payment_account"),
        ("order", {"amount": ""}, "amount"),
        ("order", {"amount": "-3"}, "amount"),
        ("order", {"card_code": "1"}, "card_code"),
        ("order", {"recurring_period": "fortnights"}, "recurring_period"),
        ("order", {"created_at": "yesterday"}, "created_at"),
        ("user", {"email": ""}, "email"),
    ],
)
def test_a_wrong_push_names_the_field_at_the_top(part: str, changes: dict[str, str], field: str) -> None:
    status, body = Desk().refused("POST", "donationpush/", PUSH | {part: PUSH[part] | changes})
    assert (status, set(body)) == (400, {field})


def test_payments_updates_and_cancellations_of_a_profile_each_make_a_transaction() -> None:
    desk = Desk()
    order = pushed(desk).answer.body["order"]
    desk.post("recurringpaymentpush/", {"recurring_id": "sub_1", "success": True, "trans_id": "pi_2"})
    failed = desk.make("recurringpaymentpush/", {"order_id": order["id"], "success": False, "failure_code": "card"})
    assert desk.get(failed)["status"] == "failed"
    for _ in range(3):
        desk.post("profileupdatepush/", {"recurring_id": "sub_1", "amount": "50", "created_at": "2024-03-01T10:00:00"})
    assert desk.refused("POST", "profilecancelpush/", {"recurring_id": "sub_1"}) == (
        400, {"canceled_by": ["The canceled_by parameter is required."]},
    )  # fmt: skip
    desk.post("profilecancelpush/", {"recurring_id": "sub_1", "canceled_by": "user"})
    (profile,) = desk.objects("orderrecurring/", order=order["id"])
    assert (profile["status"], profile["amount"], profile["currency"]) == ("canceled_by_user", "50.00", "USD")
    assert "cancel" not in profile
    assert len(desk.objects("transaction/", order=order["id"])) == 7


@pytest.mark.parametrize("path", ["recurringpaymentpush/", "profileupdatepush/", "profilecancelpush/"])
def test_the_three_choke_on_a_zone_unless_a_switch_says_otherwise(path: str) -> None:
    desk = Desk()
    pushed(desk)
    body = {"recurring_id": "sub_1", "amount": "5", "canceled_by": "user", "created_at": "2024-01-15T16:21:29+00:00"}
    assert desk.refused("POST", path, body)[0] == 400
    desk.control.behave(push_takes_zones=True)
    desk.post(path, body)
    assert desk.refused("POST", path, body | {"recurring_id": "nobody"})[0] == 400


def test_a_reversal_is_taken_once() -> None:
    desk = Desk()
    order = pushed(desk).answer.body["order"]
    assert desk.call("POST", f"order/{order['id']}/reverse/").status == 202
    assert desk.get(f"order/{order['id']}/")["status"] == "reversed"
    assert desk.refused("POST", f"order/{order['id']}/reverse/") == (
        400, {"order_id": "Transaction has already been reversed."},
    )  # fmt: skip
    later = desk.make("recurringpaymentpush/", {"recurring_id": "sub_1"})
    assert desk.call("POST", f"{later}reverse/").status == 202
    assert desk.call("POST", f"{later}reverse/").status == 400
    assert desk.call("POST", "order/999/reverse/").status == 404
    assert (
        desk.call("POST", f"{order['orderrecurrings'][0]['resource_uri'].partition('/rest/v1/')[2]}cancel/").status
        == 202
    )


def test_the_status_of_external_money_is_written_down_by_hand() -> None:
    desk = Desk()
    order = pushed(desk).answer.body["order"]
    path = order["transactions"][0]["resource_uri"].partition("/rest/v1/")[2]
    assert desk.call("PUT", path, {"status": "reversed", "trans_id": "re_1"}).status == 204
    assert (desk.get(path)["status"], desk.get(path)["success"]) == ("reversed", True)
    refund = desk.make("transaction/", {"order": order["resource_uri"], "type": "refund", "amount": "34"})
    assert (desk.get(refund)["amount"], desk.get(refund)["account"]) == ("34.00", "Default Import Stub")


CONTRIBUTION: dict[str, Any] = {
    "donor": {"firstname": "ROSALIND", "lastname": "OKAFOR", "addr1": "77 Larkspur Lane", "city": "Duluth",
              "state": "MN", "zip": "55802-1234", "country": "United States", "isEligibleForExpressLane": True,
              "employerData": {"employer": "Not employed", "occupation": "Baker"}, "email": "r.okafor@example.org",
              "phone": "2185550147"},
    "contribution": {"createdAt": "2026-04-03T09:14:07-04:00", "orderNumber": "AB700000123",
                     "contributionForm": "harbor-fund", "refcodes": {"refcode": "sms_1"}, "recurringPeriod": "monthly"},
    "lineitems": [{"lineitemId": 990011223, "sequence": 0, "amount": "15.0", "paidAt": "2026-04-03T09:14:11-04:00"}],
}  # fmt: skip


def actblue(desk: Desk, body: Any, status: int = 200, **query: str) -> None:
    sent = Arrived("POST", "", MultiDict(query), json.encode(body), authorization=AUTHORIZATION, is_actblue=True)
    assert desk.instance.take(sent).status == status


def test_actblues_messages_become_orders_once_for_each_line_item() -> None:
    desk = Desk()
    actblue(desk, CONTRIBUTION)
    actblue(desk, CONTRIBUTION)
    second = CONTRIBUTION | {"lineitems": [CONTRIBUTION["lineitems"][0] | {"lineitemId": 990011224, "amount": "10.0"}]}
    actblue(desk, second)
    (order,) = desk.objects("order/", import_id="AB700000123")
    payments = desk.objects("transaction/", order=order["id"], order_by="id")
    assert [(one["trans_id"], one["amount"]) for one in payments] == [("990011223", "15.00"), ("990011224", "10.00")]
    assert order["created_at"] == "2026-04-03T13:14:11"
    action = desk.get(order["action"].partition("/rest/v1/")[2])
    user = desk.get(order["user"].partition("/rest/v1/")[2])
    assert (action["source"], action["type"], action["status"]) == ("sms_1", "Donation", "complete")
    assert user["fields"] == {"employer": "Not employed", "occupation": "Baker", "express_lane": "true"}
    assert (user["zip"], user["subscription_status"]) == ("55802", "subscribed")


def test_a_refund_reverses_and_a_cancellation_stops() -> None:
    desk = Desk()
    actblue(desk, CONTRIBUTION)
    actblue(desk, {"contribution": {"orderNumber": "AB700000123", "cancelledAt": "2026-05-01T10:00:00-04:00"}})
    actblue(desk, {"lineitems": [{"lineitemId": 990011223, "refundedAt": "2026-05-01T10:00:00-04:00"}]})
    (order,) = desk.objects("order/", import_id="AB700000123")
    assert order["status"] == "reversed"
    assert desk.objects("orderrecurring/", order=order["id"])[0]["status"] == "canceled_by_user"


def test_a_backfill_resubscribes_nobody() -> None:
    desk = Desk()
    desk.act(email="r.okafor@example.org")
    desk.act("unsubscribe", email="r.okafor@example.org")
    actblue(desk, CONTRIBUTION, backfill="1")
    (user,) = desk.objects("user/", email="r.okafor@example.org")
    assert user["subscription_status"] == "unsubscribed"
    actblue(desk, CONTRIBUTION | {"contribution": CONTRIBUTION["contribution"] | {"orderNumber": "AB2"},
                                  "lineitems": [{"lineitemId": 5, "amount": "1"}]})  # fmt: skip
    assert desk.get(f"user/{user['id']}/")["subscription_status"] == "subscribed"


def test_what_is_no_message_of_actblues_is_refused() -> None:
    desk = Desk()
    actblue(desk, {"hello": 1}, 400)
    actblue(desk, CONTRIBUTION, 400, account="Real Visa")
