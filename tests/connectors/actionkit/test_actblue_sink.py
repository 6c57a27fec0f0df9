"""What ActBlue told us, told to a simulated ActionKit's own receiver."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from groundswell.component import Delivered, Rejected, Retry, Skipped
from groundswell.connectors.actionkit.actblue_sink import ActionKitActBlueSettings
from groundswell.connectors.actionkit.forwarding.actblue import body_of
from groundswell.connectors.actionkit.simulator.faults import ANSWER_LOST, SERVER_ERROR_DONE, TOO_MANY, Fault
from groundswell.errors import UnauthorizedError
from groundswell.record import UNSET, Action, Record, utc_stamp
from tests.connectors.actionkit.giving import Giving, gift, giving, monthly


def forwarding(**settings: Any) -> Any:
    return giving("actionkit.actblue", **({"enabled": True} | settings))


def orders(sink: Giving) -> list[tuple[str, str, str]]:
    rows = sink.rows("SELECT import_id, total, status FROM core_order ORDER BY id")
    return [(row["import_id"], row["total"], row["status"]) for row in rows]


async def test_nothing_is_forwarded_unless_it_is_asked_for() -> None:
    async with forwarding(enabled=False) as sink:
        assert await sink.deliver(gift(1, order_id="AB1")) == Skipped("not_enabled")
        assert orders(sink) == []
    settings: dict[str, Any] = {"type": "actionkit.actblue", "inputs": ["a"], "account": "crm"}
    ((_, off),) = ActionKitActBlueSettings(**settings).warnings()
    ((_, on),) = ActionKitActBlueSettings(**settings, enabled=True).warnings()
    assert "skipped" in off
    assert "twice" in on


async def test_a_contribution_arrives_as_actblue_would_have_sent_it() -> None:
    who = {
        "zip": "55802-1234", "state": "MN", "city": "Duluth", "country": "US", "phone": "+12185550147",
        "custom": {"employer": "Not employed", "occupation": "Baker"},
    }  # fmt: skip
    async with forwarding() as sink:
        record = gift(990011223, "15.5", order_id="AB7", person=who, refcodes={"refcode": "sms_1"})
        assert await sink.deliver(record) == Delivered()
        assert orders(sink) == [("AB7", "15.50", "completed")]
        assert sink.payments() == [("990011223", "15.50", "completed")]
        (user,) = sink.rows("SELECT * FROM core_user WHERE email = 'ada@example.org'")
        assert (user["zip"], user["state"], user["country"]) == ("55802", "MN", "United States")
        fields = sink.rows("SELECT name, value FROM core_userfield WHERE parent_id = ? ORDER BY name", user["id"])
        assert ("occupation", "Baker") in [(row["name"], row["value"]) for row in fields]
        assert sink.field("SELECT source FROM core_action WHERE type = 'Donation'") == "sms_1"


async def test_a_series_its_refund_and_its_end() -> None:
    async with forwarding() as sink:
        for number in (1, 2):
            assert await sink.deliver(monthly(number)) == Delivered()
        assert orders(sink) == [("AB7", "10.00", "completed")]
        assert await sink.deliver(monthly(2, kind="refund")) == Delivered()
        assert await sink.deliver(monthly(9, kind="cancellation")) == Delivered()
        assert [status for _, _, status in sink.payments()] == ["completed", "reversed"]
        assert sink.field("SELECT status FROM core_orderrecurring") == "canceled_by_user"


@pytest.mark.parametrize("fault", [ANSWER_LOST, SERVER_ERROR_DONE], ids=lambda fault: fault.word)
async def test_a_lost_answer_is_sent_again_and_counts_once(fault: Fault) -> None:
    async with forwarding() as sink:
        sink.server.faults.plan(fault, path="actblue")
        assert isinstance(await sink.deliver(gift(1, order_id="AB1")), Retry)
        assert await sink.deliver(gift(1, order_id="AB1")) == Delivered()
        assert orders(sink) == [("AB1", "25.00", "completed")]


def status(sink: Giving) -> Any:
    return sink.field("SELECT subscription_status FROM core_user WHERE email = 'ada@example.org'")


@pytest.mark.parametrize(
    ("opt_in", "age_s", "becomes"),
    [
        (True, 60, "subscribed"),
        (True, 90_000, "unsubscribed"),
        (False, 60, "unsubscribed"),
        (None, 60, "unsubscribed"),
        (UNSET, 60, "unsubscribed"),
    ],
)
async def test_only_a_fresh_yes_puts_back_who_left(opt_in: Any, age_s: int, becomes: str) -> None:
    async with forwarding() as sink:
        await sink.deliver(gift(1, order_id="AB1"))
        sink.server.world.db.run("DELETE FROM core_subscription")
        sink.server.world.db.run("UPDATE core_user SET subscription_status = 'unsubscribed'")
        at = utc_stamp(datetime.fromtimestamp(sink.clock.now() - age_s, UTC))
        assert await sink.deliver(gift(2, order_id="AB2", at=at, person={"email_opt_in": opt_in})) == Delivered()
        assert status(sink) == becomes


async def test_one_batch_of_new_and_old_puts_back_only_who_says_yes() -> None:
    async with forwarding() as sink:
        people = [{"email": f"p{number}@example.org"} for number in (1, 2)]
        for number, person in enumerate(people):
            await sink.deliver(gift(number, order_id=f"AB{number}", person=person))
        sink.server.world.db.run("DELETE FROM core_subscription")
        sink.server.world.db.run("UPDATE core_user SET subscription_status = 'unsubscribed'")
        at = utc_stamp(datetime.fromtimestamp(sink.clock.now(), UTC))
        said = [{**people[0], "email_opt_in": True}, people[1]]
        again = [gift(5 + n, order_id=f"AB{5 + n}", at=at, person=person) for n, person in enumerate(said)]
        assert list(await sink.deliver_together(again)) == [Delivered()] * 2
        rows = sink.rows("SELECT email, subscription_status FROM core_user WHERE email LIKE 'p%' ORDER BY email")
        assert [row["subscription_status"] for row in rows] == ["subscribed", "unsubscribed"]


@pytest.mark.parametrize("type_", ["donation_declined", "donation_pending", "donation_elsewhere"])
async def test_a_gift_that_was_not_made_is_not_forwarded(type_: str) -> None:
    given = gift(1, order_id="AB1")
    declined = replace(given, id="actblue:declined/1", kind="action", action=Action(type=type_))
    async with forwarding() as sink:
        assert await sink.deliver(declined) == Skipped("does_not_fit")
        assert orders(sink) == []


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (gift(1), "no_order_id"),
        (gift(1, order_id="AB1", lineitem_id="x"), "no_lineitem_id"),
        (gift(1, "free", order_id="AB1"), "bad_amount"),
        (gift(1, order_id="AB1", currency="EUR"), "bad_currency"),
        (gift(1, order_id="AB1", person={"email": UNSET}), "no_email"),
        (monthly(1, at=""), "no_time"),
        (gift(1, order_id="AB1", recurring=True, period="yearly"), "bad_period"),
        (gift(1, kind="cancellation"), "no_order_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_the_receiver_could_not_do_with_is_refused(record: Record, reason: str) -> None:
    async with forwarding() as sink:
        outcome = await sink.deliver(record)
        assert isinstance(outcome, Rejected)
        assert outcome.reason == reason
        assert orders(sink) == []


async def test_told_to_wait_it_does_not_go_on_with_the_batch() -> None:
    async with forwarding() as sink:
        sink.server.faults.plan(TOO_MANY, path="actblue")
        outcomes = await sink.deliver_together([gift(1, order_id="AB1"), gift(2, order_id="AB2")])
        assert [type(one) for one in outcomes] == [Retry, Retry]
        assert orders(sink) == []


async def test_what_others_told_us_is_not_told_as_actblues() -> None:
    async with forwarding() as sink:
        record = gift(1, order_id="AB1")
        other = Record("crm:gift/1", "donation", "crm", record.occurred_at, record.person, donation=record.donation)
        assert await sink.deliver(other) == Skipped("not_from_actblue")


async def test_an_account_that_is_not_there_and_a_receiver_that_is_off_are_said() -> None:
    async with forwarding(payment_account="Real Visa") as sink:
        outcome = await sink.deliver(gift(1, order_id="AB1"))
        assert isinstance(outcome, Rejected)
        assert "payment account" in outcome.message
    async with forwarding() as sink:
        sink.server.faults.plan(Fault("404", status=404), path="actblue")
        off = await sink.deliver(gift(1, order_id="AB1"))
        assert isinstance(off, Retry)
        assert isinstance(off.error, UnauthorizedError)


def test_amounts_are_texts_and_times_have_an_offset() -> None:
    body = body_of(gift(1, "0.1", order_id="AB1"))
    assert body["lineitems"][0]["amount"] == "0.10"
    assert body["lineitems"][0]["paidAt"] == "2026-05-02T11:00:09+00:00"
