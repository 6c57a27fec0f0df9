"""What the simulated ActBlue knows of who gave what, and the notifications it makes of it."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from groundswell.connectors.actblue.simulator.gifts import Gift
from groundswell.connectors.actblue.simulator.ledger import SINCE, UNTIL, Ledger, Notice
from groundswell.connectors.actblue.simulator.making import Shares
from groundswell.connectors.actblue.simulator.messages import Shapes, body_of, messages
from groundswell.errors import RequestError

EASTERN = ZoneInfo("America/New_York")
LEDGER = Ledger.make(seed=1, gifts=6_000)
NONE = Shapes(
    no_form=0, older=0, two_key_employer=0, no_flat_refcodes=0, refcodes_null=0, numbers=0, extra_keys=0,
    no_payment_id=0,
)  # fmt: skip


def bodies(notices: list[Notice], **shapes: Any) -> list[dict[str, Any]]:
    made = messages(LEDGER, notices, msgspec.structs.replace(NONE, **shapes))
    return [msgspec.json.decode(message.body) for message in made]


def moment(text: str) -> datetime:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-0[45]:00", text), text
    return datetime.fromisoformat(text)


def series() -> list[list[Gift]]:
    """What we were paid in each series of at least three payments."""
    ours = ([gift for gift in order.gifts if LEDGER.is_own(gift)] for order in LEDGER.orders if order.is_recurring)
    return [gifts for gifts in ours if len(gifts) > 2]


def test_the_same_seed_has_the_same_gifts_and_says_the_same_about_them_to_the_byte() -> None:
    first, again, other = Ledger.make(7, 300), Ledger.make(7, 300), Ledger.make(8, 300)
    assert len(first.gifts) == 300
    assert messages(first, first.notices()) == messages(again, again.notices())
    assert messages(first, first.notices()) != messages(other, other.notices())


@pytest.mark.parametrize("gifts", [0, 1, 2, 3, 50])
def test_a_small_ledger_has_exactly_as_many_line_items_as_were_asked_for(gifts: int) -> None:
    ledger = Ledger.make(3, gifts)
    assert len(ledger.gifts) == gifts == len(ledger.by_lineitem)
    assert sum(len(order.gifts) for order in ledger.orders) == gifts


def test_everything_happens_within_the_span_and_numbers_rise_with_time() -> None:
    moments = [notice.at for notice in LEDGER.notices()]
    assert moments == sorted(moments)
    assert SINCE <= moments[0] <= moments[-1] < UNTIL
    numbers = [gift.lineitem_id for gift in LEDGER.gifts]
    assert numbers == sorted(set(numbers))
    assert len({notice.key for notice in LEDGER.notices()}) == len(moments)


def test_something_is_given_at_both_edges_of_every_month_and_in_both_hours_that_the_clocks_show_twice() -> None:
    created = {order.created_at for order in LEDGER.orders}
    first = datetime(2026, 3, 1, tzinfo=EASTERN)
    assert {first, first - timedelta(seconds=1)} <= created
    assert {datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)} <= created
    twice = {datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)}
    assert twice <= created
    assert {one.astimezone(EASTERN).replace(tzinfo=None) for one in twice} == {datetime(2026, 11, 1, 1, 30)}  # noqa: DTZ001
    spring = datetime(2026, 3, 8, 7, tzinfo=UTC)
    assert {spring, spring - timedelta(seconds=1)} <= created


def test_totals_agree_with_each_other_to_the_cent_and_count_only_what_was_approved_and_ours() -> None:
    totals, all_of_it = LEDGER.totals(), LEDGER.totals(own_only=False)
    for sums in (totals.by_lineitem, totals.by_order, totals.by_form, totals.by_entity):
        assert sum(sums.values()) == totals.paid
    assert sum(totals.refunded_by_lineitem.values()) == totals.refunded > 0
    assert totals.net == totals.paid - totals.refunded
    assert totals.by_entity.keys() == {LEDGER.own.id}
    assert len(all_of_it.by_entity) == 4
    assert all_of_it.by_entity[LEDGER.own.id] == totals.paid
    never = {gift.lineitem_id for gift in LEDGER.gifts if gift.paid_at is None}
    assert never
    assert not never & all_of_it.by_lineitem.keys()
    half = SINCE + (UNTIL - SINCE) / 2
    assert LEDGER.totals(until=half).paid + LEDGER.totals(since=half).paid == totals.paid


def test_a_series_keeps_its_number_and_gets_a_new_line_item_and_the_next_sequence_each_time() -> None:
    for gifts in series():
        notices = [Notice("contribution", gift.attempted_at, gift, gift.status) for gift in gifts]
        said = bodies(notices)
        assert len({body["contribution"]["orderNumber"] for body in said}) == 1
        assert len({body["contribution"]["createdAt"] for body in said}) == 1
        assert len({body["contribution"]["uniqueIdentifier"] for body in said}) == len(said)
        items = [body["lineitems"][0] for body in said]
        assert [item["sequence"] for item in items] == list(range(len(items)))
        paid = [moment(item["paidAt"]) for item in items]
        assert paid == sorted(set(paid))
        if gifts[0].order.period == "weekly":
            assert {(later - sooner).days for sooner, later in pairwise(paid[1:])} <= {6, 7}
    durations = {gifts[0].order.duration for gifts in series()}
    assert "infinite" in durations
    assert durations & {6, 8, 12}


def test_the_first_payment_of_a_smart_series_is_another_amount_than_the_later_ones() -> None:
    smart = next(gifts for gifts in series() if gifts[0].order.is_smart)
    first, second = (
        body["lineitems"][0] for body in bodies([Notice("contribution", one.attempted_at, one) for one in smart[:2]])
    )
    assert Decimal(first["amount"]) == Decimal(first["recurringAmount"]) + 5
    assert second["amount"] == second["recurringAmount"] == first["recurringAmount"]


def test_a_series_that_was_cancelled_is_paid_no_more_and_says_how_often_it_was() -> None:
    types = Counter[str]()
    for order in LEDGER.orders:
        end = order.cancellation
        if end is not None:
            types[end.type] += 1
            assert order.is_recurring
            assert all(gift.attempted_at < end.at for gift in order.gifts)
            assert 0 < end.completed <= len(order.gifts)
            assert end.completed < end.pledged or order.gifts[-1].paid_at is None or order.gifts[-1].paid_at > end.at
            assert (end.type == "Lapsed") == (order.gifts[-1].paid_at is None)
    assert types.keys() == {"Active", "Lapsed", "Other"}


def test_a_payment_that_is_approved_later_is_told_of_twice_and_then_paid_later() -> None:
    later = [gift for gift in LEDGER.gifts if gift.status != "approved" and gift.paid_at is not None]
    assert {gift.status for gift in later} == {"declined", "pending"}
    by_gift = Counter(notice.gift.lineitem_id for notice in LEDGER.notices() if notice.kind == "contribution")
    for gift in later:
        assert by_gift[gift.lineitem_id] == 2
        first, second = bodies(
            [
                Notice("contribution", gift.attempted_at, gift, gift.status),
                Notice("contribution", gift.paid_at or UNTIL, gift),
            ]
        )
        assert (first["contribution"]["status"], second["contribution"]["status"]) == (gift.status, "approved")
        assert ("retryUrl" in first["contribution"]) == (gift.status == "declined")
        assert "thanksUrl" in second["contribution"]
        assert moment(first["lineitems"][0]["paidAt"]) < moment(second["lineitems"][0]["paidAt"])
    assert all(notice.status == "approved" for notice in LEDGER.notices(declined=False))


def test_without_managed_forms_only_gifts_to_us_are_told_of() -> None:
    ours = LEDGER.notices(managed_forms=False)
    everything = LEDGER.notices()
    assert all(LEDGER.is_own(notice.gift) for notice in ours)
    others = {notice.key for notice in everything} - {notice.key for notice in ours}
    assert {key.partition("/")[0] for key in others} == {
        "contribution", "declined", "pending", "refund", "cancellation",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["contribution", "refund", "cancellation"])
def test_only_timestamps_tell_what_a_body_is_about(kind: str) -> None:
    notices = [notice for notice in LEDGER.notices() if notice.kind == kind]
    for body in bodies(notices):
        assert body.keys() == {"donor", "contribution", "lineitems", "form"}
        (item,) = body["lineitems"]
        assert ("refundedAt" in item) == (kind == "refund")
        assert ("cancelledAt" in body["contribution"]) == (kind == "cancellation")
        assert ("status" in body["contribution"]) == (kind != "cancellation")
        if kind == "refund":
            assert moment(item["refundedAt"]) > moment(item["paidAt"])
            assert Decimal(item["amount"]) > 0
    marked = bodies(notices, refunded_on="contribution")
    assert all(("refundedAt" in body["contribution"]) == (kind == "refund") for body in marked)


def test_contact_details_are_missing_only_where_the_form_is_not_ours_and_in_three_ways() -> None:
    ways = set()
    for notice in LEDGER.notices():
        donor = body_of(LEDGER, notice)["donor"]
        order = notice.gift.order
        if order.shares_contact:
            assert "@" in donor["email"]
        else:
            assert not order.form.is_managed
            ways.add(donor.get("email", "absent"))
    assert ways == {"absent", None, ""}


SHOWN: dict[str, Any] = {
    "no_form": lambda body: "form" not in body,
    "older": lambda body: "refcodes" not in body["contribution"] and "amountLessAbFees" not in body["lineitems"][0],
    "two_key_employer": lambda body: body["donor"]["employerData"].keys() == {"employer", "occupation"},
    "no_flat_refcodes": lambda body: "refcode" not in body["contribution"],
    "refcodes_null": lambda body: body["contribution"]["refcodes"] != {},
    "numbers": lambda body: isinstance(body["lineitems"][0]["amount"], float),
    "extra_keys": lambda body: "schemaHint" in body,
    "no_payment_id": lambda body: "paymentId" not in body["lineitems"][0],
    "naive": lambda body: len(body["lineitems"][0]["paidAt"]) == 19,
    "text_ids": lambda body: isinstance(body["lineitems"][0]["lineitemId"], str),
}


@pytest.mark.parametrize("shape", SHOWN)
def test_each_shape_is_had_by_all_bodies_by_none_or_by_a_share_of_them(shape: str) -> None:
    notices = LEDGER.notices()[:400]
    for share, least, most in ((1.0, 400, 400), (0.5, 130, 399), (0.0, 0, 399)):
        shown = sum(map(SHOWN[shape], bodies(notices, **{shape: share})))
        assert least <= shown <= most, (share, shown)
    assert shape == "refcodes_null" or shown == 0


def test_amounts_are_text_without_two_fixed_places() -> None:
    amounts = {body["lineitems"][0]["amount"] for body in bodies(LEDGER.notices())}
    assert {"25.0", "25.77", "250.5"} <= amounts


def test_with_history_the_earlier_payments_stand_before_the_one_it_is_about() -> None:
    gifts = max(series(), key=len)
    (body,) = bodies([Notice("contribution", gifts[-1].attempted_at, gifts[-1])], history=True)
    numbers = [item["lineitemId"] for item in body["lineitems"]]
    earlier = [gift.lineitem_id for gift in gifts[:-1] if gift.paid_at is not None]
    assert numbers == [*earlier, gifts[-1].lineitem_id]


def test_together_all_that_was_paid_at_once_is_one_message_and_nothing_is_left_out() -> None:
    notices = LEDGER.notices()
    alone, together = messages(LEDGER, notices), messages(LEDGER, notices, Shapes(together=True))
    assert sorted(key for message in together for key in message.keys) == sorted(
        key for message in alone for key in message.keys
    )
    assert {len(message.keys) for message in together} == {1, 2, 3}
    for message in together:
        items = msgspec.json.decode(message.body)["lineitems"]
        assert len(items) == len(message.keys)
        assert len({item["entityId"] for item in items}) == len(items)


def test_a_ledger_that_cannot_be_is_refused() -> None:
    with pytest.raises(RequestError, match="gifts is -1"):
        Ledger.make(gifts=-1)
    with pytest.raises(RequestError, match="between since and until"):
        Ledger.make(gifts=1, since=UNTIL, until=UNTIL)
    with pytest.raises(RequestError, match="time zone"):
        Ledger.make(gifts=1, until=UNTIL.replace(tzinfo=None))


def test_even_in_a_single_second_something_can_be_given() -> None:
    ledger = Ledger.make(1, 40, since=UNTIL - timedelta(microseconds=1_500_000))
    assert len(ledger.gifts) == 40
    assert all(order.gifts and ledger.since <= order.created_at < ledger.until for order in ledger.orders)


def test_shares_say_how_much_there_is_of_what() -> None:
    ledger = Ledger.make(1, 200, shares=Shares(monthly=0, weekly=0, tandem=0, their_forms=0, declined=0, pending=0))
    assert all(gift.status == "approved" and not gift.order.is_recurring for gift in ledger.gifts)
    assert ledger.notices() == ledger.notices(managed_forms=False, declined=False)
