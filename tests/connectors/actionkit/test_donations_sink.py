"""Money given elsewhere, written down at a simulated ActionKit: each once, whatever becomes of the answers."""

from random import Random
from typing import Any

import anyio
import pytest
from pydantic import ValidationError

from groundswell.component import Delivered, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.actionkit.donating.gifts import key_of
from groundswell.connectors.actionkit.donations_settings import ActionKitDonationsSettings
from groundswell.connectors.actionkit.simulator.faults import (
    ANSWER_LOST,
    DROPPED,
    SERVER_ERROR_DONE,
    SLOW,
    TOO_MANY,
    FaultRates,
)
from groundswell.errors import NotYetError, OvertookError, RateLimitedError, UnauthorizedError, UnavailableError
from groundswell.record import UNSET, Donation, Person, Record, lane_of
from tests.connectors.actionkit.giving import Giving, gift, giving, monthly

PUSH = {"enabled": True, "page": "given_elsewhere"}
STUB = {"enabled": True, "page": "donate", "way": "stub"}
WAYS = pytest.mark.parametrize("way", [PUSH, STUB], ids=["push", "stub"])
LOST = pytest.mark.parametrize("fault", [ANSWER_LOST, SERVER_ERROR_DONE, DROPPED], ids=lambda fault: fault.word)


async def until_done(sink: Giving, record: Record, *, restarts: bool = False) -> Outcome:
    """As the runtime would: again while it is told so, with a new daemon each time if `restarts`."""
    for attempts in range(20):
        outcome = await sink.deliver(record, attempts)
        if not isinstance(outcome, Retry):
            return outcome
        if restarts:
            sink.start()
        sink.settle()
    raise AssertionError("never done")


def rejected(outcome: Outcome) -> str:
    assert isinstance(outcome, Rejected), outcome
    return outcome.reason


def retried(outcome: Outcome, error: type[Exception]) -> str:
    """For this reason; what was said."""
    assert isinstance(outcome, Retry), outcome
    assert isinstance(outcome.error, error), outcome
    return str(outcome.error)


def subscriptions(sink: Giving) -> Any:
    """Of the donor."""
    sql = "SELECT count(*) FROM core_subscription s JOIN core_user u ON u.id = s.user_id WHERE u.email = ?"
    return sink.field(sql, "ada@example.org")


# ---- off ----


async def test_nothing_is_written_unless_it_is_asked_for() -> None:
    async with giving(page="given_elsewhere") as sink:
        assert await sink.deliver(gift()) == Skipped("not_enabled")
        assert sink.totals() == []


def test_who_switches_it_on_is_told_that_actblue_may_report_the_same() -> None:
    settings: dict[str, Any] = {"type": "actionkit.donations", "inputs": ["a"], "account": "crm", "page": "p"}
    ((field, off),) = ActionKitDonationsSettings(**settings).warnings()
    ((_, on),) = ActionKitDonationsSettings(**settings, enabled=True).warnings()
    assert field == "enabled"
    assert "skipped" in off
    assert "ActBlue" in on
    assert "twice" in on


def test_candidates_want_the_way_that_can_name_them() -> None:
    with pytest.raises(ValidationError, match="candidates"):
        ActionKitDonationsSettings(
            type="actionkit.donations", inputs=["a"], account="crm", page="p", candidates={"Harbor Fund": 1}
        )


# ---- a single gift ----


async def test_a_gift_is_written_down_as_it_was_given() -> None:
    who = {"zip": "45402-1234", "city": "Dayton", "state": "OH", "custom": {"Job": "Baker", "employer": None}}
    async with giving(**PUSH, user_fields={"occupation": "custom.Job", "employer": "custom.employer"}) as sink:
        record = gift(990011223, "25.5", person=who, refcodes={"refcode": "sms_1"})
        assert await sink.deliver(record) == Delivered()
        (order,) = sink.rows("SELECT * FROM core_order")
        (action,) = sink.rows("SELECT * FROM core_action WHERE type = 'Donation'")
        (user,) = sink.rows("SELECT * FROM core_user WHERE email = 'ada@example.org'")
        assert (order["total"], order["currency"], order["import_id"]) == ("25.50", "USD", "actblue-990011223")
        assert (order["created_at"], action["created_at"]) == ("2026-05-02 11:00:09",) * 2
        assert (action["source"], action["status"]) == ("sms_1", "complete")
        assert (user["first_name"], user["zip"], user["plus4"], user["state"]) == ("Ada", "45402", "1234", "OH")
        fields = sink.rows("SELECT name, value FROM core_userfield WHERE parent_id = ?", user["id"])
        assert [(row["name"], row["value"]) for row in fields] == [("occupation", "Baker")]
        assert sink.payments() == [("actblue-990011223", "25.50", "completed")]


@WAYS
async def test_two_gifts_of_one_sum_within_a_minute_both_count(way: dict[str, Any]) -> None:
    async with giving(**way) as sink:
        assert [await sink.deliver(gift(number)) for number in (1, 2, 3)] == [Delivered()] * 3
        assert sink.totals() == ["25.00"] * 3


@WAYS
async def test_a_gift_that_is_there_is_skipped(way: dict[str, Any]) -> None:
    async with giving(**way) as sink:
        assert await sink.deliver(gift()) == Delivered()
        sink.start()
        sink.settle()
        assert await sink.deliver(gift()) == Skipped("already_there")
        assert sink.totals() == ["25.00"]


@WAYS
@LOST
@pytest.mark.parametrize("restarts", [False, True], ids=["goes on", "is killed"])
async def test_a_lost_answer_makes_no_second_gift(way: dict[str, Any], fault: Any, restarts: bool) -> None:
    async with giving(**way) as sink:
        sink.server.faults.plan(fault, method="POST", path="action/" if way is STUB else "donationpush", times=2)
        outcome = await until_done(sink, gift(), restarts=restarts)
        assert isinstance(outcome, Delivered | Skipped)
        assert sink.totals() == ["25.00"]


async def test_a_gift_sent_again_too_soon_failed_because_the_first_worked() -> None:
    """The look-up before it showed nothing, as where ActionKit was still busy with the first try."""
    async with giving(**STUB) as sink:
        assert await sink.deliver(gift()) == Delivered()
        sink.settle()
        real = sink.sink._writing._ledger.trace
        looks = 0

        async def late(key: str, email: str | None) -> Any:
            nonlocal looks
            looks += 1
            return None if looks == 1 else await real(key, email)

        sink.sink._writing._ledger.trace = late
        assert await sink.deliver(gift()) == Delivered()
        assert sink.totals() == ["25.00"]
        assert sink.server.counts.failed_donations == {"duplicate": 1}


async def test_failed_with_201_is_a_failure_with_its_reason() -> None:
    async with giving(**STUB, card_code="123") as sink:
        outcome = await sink.deliver(gift())
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "failed"
        assert "wrong_card_code" in outcome.message
        assert "ada@" not in outcome.message
        assert sink.totals() == []


async def test_a_push_that_failed_before_does_not_count_as_there() -> None:
    async with giving(**PUSH) as sink:
        await sink.deliver(gift())
        sink.server.world.db.run("UPDATE core_order SET status = 'failed'")
        sink.server.world.db.run("UPDATE core_transaction SET status = 'failed', failure_code = 'expired'")
        outcome = await sink.deliver(gift())
        assert rejected(outcome) == "failed"
        assert isinstance(outcome, Rejected)
        assert "expired" in outcome.message


async def test_a_wrong_account_stops_the_sink_and_not_the_gift() -> None:
    async with giving(**PUSH, payment_account="Real Visa") as sink:
        outcome = await sink.deliver(gift())
        retried(outcome, UnauthorizedError)
        assert "payment_account" in str(outcome.error)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": "0"}, "bad_amount"),
        ({"amount": "1.001"}, "bad_amount"),
        ({"amount": "NaN"}, "bad_amount"),
        ({"amount": UNSET}, "no_amount"),
        ({"currency": "dollars"}, "bad_currency"),
        ({"recurring": True, "order_id": "AB1", "period": "every full moon"}, "bad_period"),
        ({"person": {"email": None}}, "no_email"),
    ],
)
async def test_what_cannot_be_written_is_rejected(changes: dict[str, Any], reason: str) -> None:
    async with giving(**PUSH) as sink:
        assert rejected(await sink.deliver(gift(**changes))) == reason
        assert sink.totals() == []


async def test_what_is_no_money_or_comes_from_actionkit_is_skipped() -> None:
    async with giving(**PUSH) as sink:
        person = Record(id="x:person/1", kind="person", source="s", person=Person(email="ada@example.org"))
        assert await sink.deliver(person) == Skipped("does_not_fit")
        theirs = Record(id="actionkit:order/1", kind="donation", source="s", donation=gift().donation)
        assert await sink.deliver(theirs) == Skipped("from_actionkit")


async def test_no_name_is_made_up() -> None:
    nameless = {"first_name": None, "last_name": None}
    async with giving(**STUB) as sink:
        outcome = await sink.deliver(gift(1, person=nameless))
        assert isinstance(outcome, Rejected)
        assert "name" in outcome.message
        await sink.deliver(gift(2))
        assert await sink.deliver(gift(3, person=nameless)) == Delivered()
        assert sink.field("SELECT last_name FROM core_user WHERE email = 'ada@example.org'") == "Quill"


async def test_nobody_is_subscribed_who_did_not_say_so() -> None:
    async with giving(**STUB) as sink:
        await sink.deliver(gift(1, person={"email_opt_in": True}))
        assert subscriptions(sink) == 0
    async with giving(**STUB, subscribe=True) as sink:
        await sink.deliver(gift(1))
        assert subscriptions(sink) == 0
        await sink.deliver(gift(2, person={"email_opt_in": True}))
        assert subscriptions(sink) == 1


@WAYS
async def test_a_gift_from_before_they_left_puts_nobody_back(way: dict[str, Any]) -> None:
    async with giving(**way, subscribe=True) as sink:
        sink.server.control.act("signup", email="ada@example.org")
        (ada,) = sink.rows("SELECT id FROM core_user WHERE email = 'ada@example.org'")
        sink.server.control.unsubscribe(ada["id"])
        assert await sink.deliver(gift(1, person={"email_opt_in": True})) == Delivered()
        assert subscriptions(sink) == 0


@WAYS
async def test_a_page_that_subscribes_all_the_same_stops_the_sink(way: dict[str, Any]) -> None:
    async with giving(**(way | {"page": "donate"}), switches={"suppresses_subscribe": False}) as sink:
        assert rejected(await sink.deliver(gift(1))) == "subscribed_unasked"
        assert sink.totals() == ["25.00"], "it counts"
        retried(await sink.deliver(gift(2)), UnauthorizedError)
        sink.settle()
        assert sink.totals() == ["25.00"]


async def test_candidates_get_their_parts_only_where_all_of_them_are_known() -> None:
    parts = [{"display_name": "Okafor", "amount": "10.00"}, {"display_name": "Quill", "amount": "15.00"}]
    async with giving(**STUB, candidates={"Okafor": 1, "Quill": 2}) as sink:
        await sink.deliver(gift(1, recipients=parts))
        await sink.deliver(gift(2, "26.00", recipients=parts))
        details = sink.rows("SELECT candidate_id, amount FROM core_order_detail ORDER BY id")
        assert [(row["candidate_id"], row["amount"]) for row in details] == [(1, "10.00"), (2, "15.00")]
        assert sink.totals() == ["25.00", "26.00"]


async def test_products_are_bought_and_the_rest_is_given() -> None:
    bought = {"product_1": 2, "product_2": "1", "shipping_city": "Dayton", "other": "x"}
    async with giving(**STUB) as sink:
        assert await sink.deliver(gift(1, "60.00", fields=bought)) == Delivered()
        details = sink.rows("SELECT product_id, quantity, amount FROM core_order_detail ORDER BY id")
        assert [tuple(row.values()) for row in details] == [(1, 2, "40.00"), (2, 1, "12.50")]
        assert sink.totals() == ["60.00"]
        assert sink.field("SELECT city FROM core_order_shipping_address") == "Dayton"
        assert await sink.deliver(gift(2, "52.50", fields=bought)) == Delivered()
        assert rejected(await sink.deliver(gift(3, "52.49", fields=bought))) == "bad_amount"
        assert rejected(await sink.deliver(gift(4, fields={"product_99": 1}))) == "not_found"
        assert sink.totals() == ["60.00", "52.50"]


async def test_told_to_wait_it_does_not_go_on_with_the_batch() -> None:
    async with giving(**PUSH) as sink:
        sink.server.faults.plan(TOO_MANY, path="donationpush")
        outcomes = await sink.deliver_together([gift(1), gift(2)])
        assert all(isinstance(one, Retry) and isinstance(one.error, RateLimitedError) for one in outcomes)
        assert sink.totals() == []


async def test_an_actionkit_that_ignores_import_ids_gets_no_second_gift() -> None:
    async with giving(**PUSH) as sink:
        push = sink.sink._writing._client.push

        async def forgetful(caller: Any, kind: str, body: Any) -> Any:
            order = {name: value for name, value in body["order"].items() if name != "import_id"}
            return await push(caller, kind, body | {"order": order})

        sink.sink._writing._client.push = forgetful
        assert await sink.deliver(gift(1)) == Delivered()
        outcome = await sink.deliver(gift(2))
        retried(outcome, UnauthorizedError)
        assert sink.totals() == ["25.00"]


# ---- recurring ----


async def test_a_series_is_one_order_with_its_payments() -> None:
    async with giving(**PUSH) as sink:
        for number in (1, 2, 3):
            assert await sink.deliver(monthly(number)) == Delivered()
        assert sink.payments() == [(f"actblue-{number}", "10.00", "completed") for number in (1, 2, 3)]
        (profile,) = sink.rows("SELECT * FROM core_orderrecurring")
        assert (profile["recurring_id"], profile["period"], profile["amount"]) == ("actblue-AB7", "months", "10.00")
        assert len(sink.totals()) == 1


async def test_another_sum_changes_the_series_before_it_is_paid() -> None:
    async with giving(**PUSH) as sink:
        await sink.deliver(monthly(1, "15.0", currency="EUR"))
        await sink.deliver(monthly(2, "10.0", currency="EUR"))
        await sink.deliver(monthly(3, "10.0", currency="EUR"))
        assert [amount for _, amount, _ in sink.payments()] == ["15.00", "10.00", "10.00"]
        assert sink.field("SELECT count(*) FROM core_transaction WHERE type = 'auth'") == 1
        assert sink.field("SELECT currency FROM core_orderrecurring") == "EUR"


@pytest.mark.parametrize("restarts", [False, True], ids=["goes on", "is killed"])
@pytest.mark.parametrize("path", ["donationpush", "recurringpaymentpush", "profileupdatepush"])
@LOST
async def test_a_lost_answer_makes_no_second_payment(path: str, fault: Any, restarts: bool) -> None:
    async with giving(**PUSH) as sink:
        sink.server.faults.plan(fault, method="POST", path=path, times=2)
        for number, amount in ((1, "15.00"), (2, "10.00"), (3, "10.00")):
            assert isinstance(await until_done(sink, monthly(number, amount), restarts=restarts), Delivered | Skipped)
        assert sink.payments() == [
            ("actblue-1", "15.00", "completed"),
            ("actblue-2", "10.00", "completed"),
            ("actblue-3", "10.00", "completed"),
        ]
        assert sink.field("SELECT count(*) FROM core_orderrecurring") == 1
        assert sink.field("SELECT count(*) FROM core_transaction WHERE type = 'auth'") == 1


async def test_what_may_be_under_way_is_not_looked_for_yet() -> None:
    async with giving(**PUSH, settled=False) as sink:
        first = await sink.deliver(monthly(1))
        retried(first, NotYetError)
        assert sink.server.counts.by_call.total() == 0
        sink.settle()
        assert await sink.deliver(monthly(1)) == Delivered()
        sink.server.faults.plan(ANSWER_LOST, path="recurringpaymentpush")
        lost = await sink.deliver(monthly(2))
        retried(lost, UnavailableError)
        again = await sink.deliver(monthly(2))
        retried(again, NotYetError)
        sink.settle()
        assert await sink.deliver(monthly(2)) == Skipped("already_there")


async def test_two_payments_of_one_series_at_a_time_begin_it_once() -> None:
    """They are of different lanes where the donor changed address meanwhile."""
    async with giving(**PUSH) as sink:
        async with anyio.create_task_group() as tasks:
            for number in (1, 2, 3):
                record = monthly(number, person={"email": f"ada{number}@example.org"})
                tasks.start_soon(sink.deliver, record)
        assert sink.field("SELECT count(*) FROM core_orderrecurring") == 1
        assert sorted(key for key, _, _ in sink.payments()) == ["actblue-1", "actblue-2", "actblue-3"]


@pytest.mark.parametrize(
    ("way", "path", "records"),
    [
        (PUSH, "donationpush", [gift(1)]),
        (STUB, "/action/", [gift(1)]),
        (PUSH, "recurringpaymentpush", [monthly(1), monthly(2)]),
    ],
    ids=["push", "stub", "payment"],
)
async def test_a_daemon_killed_in_the_middle_of_a_call_makes_no_second_gift(
    way: dict[str, Any], path: str, records: list[Record]
) -> None:
    async with giving(**way) as sink:
        for record in records[:-1]:
            assert await sink.deliver(record) == Delivered()
        sink.server.faults.plan(SLOW, method="POST", path=path)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sink.deliver, records[-1])
            while len(sink.payments()) < len(records):
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
        assert await until_done(sink, records[-1], restarts=True) == Skipped("already_there")
        assert len(sink.payments()) == len(records)


async def test_stub_accounts_take_no_recurring_donations() -> None:
    async with giving(**STUB) as sink:
        assert rejected(await sink.deliver(monthly(1))) == "recurring"


async def test_a_recurring_gift_whose_series_has_no_number_is_a_single_one() -> None:
    async with giving(**PUSH) as sink:
        assert await sink.deliver(gift(1, recurring=True, period="Monthly")) == Delivered()
        assert sink.field("SELECT count(*) FROM core_orderrecurring") == 0


# ---- refunds and cancellations ----


@WAYS
@pytest.mark.parametrize("refund_by", ["status", "reverse"])
async def test_a_refund_reverses_its_gift_once(way: dict[str, Any], refund_by: str) -> None:
    async with giving(**way, refund_by=refund_by) as sink:
        await sink.deliver(gift(1))
        await sink.deliver(gift(2))
        assert await sink.deliver(gift(1, kind="refund")) == Delivered()
        assert await sink.deliver(gift(1, kind="refund")) == Skipped("already_reversed")
        assert [status for _, _, status in sink.payments()] == ["reversed", "completed"]
        assert sink.totals() == ["25.00"]


@pytest.mark.parametrize("refund_by", ["status", "reverse"])
async def test_a_refund_of_one_payment_leaves_the_others_of_its_series(refund_by: str) -> None:
    async with giving(**PUSH, refund_by=refund_by) as sink:
        for number in (1, 2):
            await sink.deliver(monthly(number))
        assert await sink.deliver(monthly(2, kind="refund")) == Delivered()
        assert [status for _, _, status in sink.payments()] == ["completed", "reversed"]
        assert sink.totals() == ["10.00"]
        assert sink.field("SELECT status FROM core_orderrecurring") == "active"


@pytest.mark.parametrize("refund_by", ["status", "reverse"])
@LOST
async def test_a_refund_whose_answer_was_lost_is_whole_in_the_end(refund_by: str, fault: Any) -> None:
    async with giving(**PUSH, refund_by=refund_by) as sink:
        await sink.deliver(gift(1))
        sink.server.faults.plan(fault, method="PATCH", path="transaction")
        sink.server.faults.plan(fault, method="POST", path="reverse")
        await until_done(sink, gift(1, kind="refund"))
        assert [status for _, _, status in sink.payments()] == ["reversed"]
        assert sink.totals() == []


@pytest.mark.parametrize("kind", ["refund", "cancellation"])
async def test_what_overtakes_its_donation_waits_for_it(kind: str) -> None:
    async with giving(**PUSH) as sink:
        early = await sink.deliver(monthly(1, kind=kind), attempts=50)
        assert isinstance(early, Retry)
        assert isinstance(early.error, NotYetError)
        assert 0 < (early.error.retry_after_s or 0) <= 60
        assert await sink.deliver(monthly(1, person={"email": "ada.new@example.org"})) == Delivered()
        assert await sink.deliver(monthly(1, kind=kind), attempts=51) == Delivered()
        status = sink.field("SELECT status FROM core_orderrecurring")
        assert (sink.payments()[0][2], status) == (
            ("reversed", "active") if kind == "refund" else ("completed", "canceled_by_user")
        )


@pytest.mark.parametrize("kind", ["refund", "cancellation"])
async def test_what_never_had_a_donation_is_shown_and_a_retry_finds_it_when_it_came(kind: str) -> None:
    async with giving(**PUSH, wait_for_gift="5m") as sink:
        undone = monthly(1, kind=kind)
        retried(await sink.deliver(undone), NotYetError)
        sink.clock.skip(290)
        retried(await sink.deliver(undone, attempts=9), NotYetError)
        sink.clock.skip(20)
        retried(await sink.deliver(undone, attempts=9), OvertookError)  # what came since may stand behind it
        outcome = await sink.deliver(undone, attempts=10)
        assert rejected(outcome) == "no_donation"
        assert isinstance(outcome, Rejected)
        assert "dead retry" in outcome.message
        assert rejected(await sink.deliver(undone)) == "no_donation", "a retry by hand does not wait again"
        assert await sink.deliver(monthly(1)) == Delivered()
        assert await sink.deliver(undone) == Delivered()


async def test_a_filter_that_is_not_heeded_makes_no_other_gift_the_refunded_one() -> None:
    """The first order of all came back for an import id nobody has, and was reversed."""
    async with giving(**PUSH) as sink:
        await sink.deliver(gift(1))
        page = sink.sink._writing._client.page

        async def unfiltered(caller: Any, kind: str, **asked: Any) -> Any:
            return await page(caller, kind, **({**asked, "where": ()} if kind == "order" else asked))

        sink.sink._writing._client.page = unfiltered
        retried(await sink.deliver(gift(2, kind="refund")), NotYetError)
        sink.clock.skip(121)
        retried(await sink.deliver(gift(2, kind="refund")), OvertookError)
        assert rejected(await sink.deliver(gift(2, kind="refund"))) == "no_donation"
        assert sink.totals() == ["25.00"]


async def test_a_refund_of_a_part_is_left_to_a_person() -> None:
    async with giving(**PUSH) as sink:
        await sink.deliver(gift(1))
        assert rejected(await sink.deliver(gift(1, "5.00", kind="refund"))) == "partial_refund"
        assert sink.totals() == ["25.00"]


@LOST
async def test_a_cancellation_ends_the_series_once(fault: Any) -> None:
    async with giving(**PUSH) as sink:
        await sink.deliver(monthly(1))
        sink.server.faults.plan(fault, path="profilecancelpush")
        ends = monthly(9, kind="cancellation")
        assert isinstance(await until_done(sink, ends, restarts=True), Delivered | Skipped)
        assert sink.field("SELECT status FROM core_orderrecurring") == "canceled_by_user"
        assert sink.field("SELECT count(*) FROM core_transaction WHERE type = 'void'") == 1
        sink.settle()
        assert await sink.deliver(ends) == Skipped("already_cancelled")
        assert sink.totals() == ["10.00"]


async def test_a_cancellation_must_say_of_what() -> None:
    async with giving(**PUSH) as sink:
        assert rejected(await sink.deliver(gift(1, kind="cancellation"))) == "no_order_id"


# ---- all at once ----


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_goes_wrong_every_gift_counts_once(seed: int) -> None:
    """Lost answers, errors, refusals and daemons that are killed, over gifts, series, refunds and ends."""
    random = Random(seed)
    records = a_month_of(random)
    rates = FaultRates(too_many=0.05, server_error=0.05, server_error_done=0.05, dropped=0.05, answer_lost=0.1)
    async with giving(**PUSH, rates=rates) as sink:
        for lane in records:
            random.shuffle(lane[0])
        waiting = [(one, 0) for gifts, after in records for one in (*gifts, *after)]
        for _ in range(200):
            if not waiting:
                break
            if random.random() < 0.3:
                sink.start()
            sink.settle()
            waiting = await one_round(sink, waiting)
        assert waiting == []
        gifts = [one for many, _ in records for one in many]
        assert sorted(key for key, _, _ in sink.payments()) == sorted(key_of(one) for one in gifts)
        amounts = {key: amount for key, amount, _ in sink.payments()}
        assert amounts == {key_of(one): amount_of_gift(one) for one in gifts}
        undone = [one for _, after in records for one in after if one.kind == "refund"]
        reversed_ones = [key for key, _, status in sink.payments() if status == "reversed"]
        assert sorted(reversed_ones) == sorted(key_of(one) for one in undone)
        ended = sink.field("SELECT count(*) FROM core_orderrecurring WHERE status = 'canceled_by_user'")
        assert ended == sum(one.kind == "cancellation" for _, after in records for one in after)
        assert sink.field("SELECT count(*) FROM core_transaction WHERE type = 'void'") == ended
        assert sink.field("SELECT count(*) FROM core_orderrecurring") == 4


def amount_of_gift(record: Record) -> str:
    assert isinstance(record.donation, Donation)
    assert isinstance(record.donation.amount, str)
    return record.donation.amount


def a_month_of(random: Random) -> list[tuple[list[Record], list[Record]]]:
    """Gifts and series, each with what comes after them: refunds, and the end."""
    lanes: list[tuple[list[Record], list[Record]]] = []
    for number in range(100, 110):
        who = {"email": f"p{number}@example.org"}
        after = [gift(number, kind="refund", person=who)] if random.random() < 0.4 else []
        lanes.append(([gift(number, person=who)], after))
    for number in range(200, 240, 10):
        series: dict[str, Any] = {"person": {"email": f"p{number}@example.org"}, "series": f"AB{number}"}
        paid = [monthly(number + n, random.choice(("10.00", "15.00")), **series) for n in range(4)]
        refunded = random.choice(paid)
        assert isinstance(refunded.donation, Donation)
        line, amount = int(str(refunded.donation.lineitem_id)), str(refunded.donation.amount)
        after = [monthly(line, amount, kind="refund", **series), monthly(number, kind="cancellation", **series)]
        lanes.append((paid, after))
    return lanes


async def one_round(sink: Giving, waiting: list[tuple[Record, int]]) -> list[tuple[Record, int]]:
    """One try of the first of each person, side by side, as the runtime would; what is left."""
    heads: dict[str, tuple[Record, int]] = {}
    for record, attempts in waiting:
        heads.setdefault(lane_of(record), (record, attempts))
    done: set[tuple[str, str]] = set()
    tried: set[tuple[str, str]] = set()

    async def one(record: Record, attempts: int) -> None:
        outcome = await sink.deliver(record, attempts)
        name = (record.id, record.kind)
        tried.add(name)
        if not isinstance(outcome, Retry):
            assert isinstance(outcome, Delivered | Skipped), outcome
            done.add(name)

    async with anyio.create_task_group() as tasks:
        for record, attempts in heads.values():
            tasks.start_soon(one, record, attempts)
    left = [(record, attempts) for record, attempts in waiting if (record.id, record.kind) not in done]
    return [(record, attempts + ((record.id, record.kind) in tried)) for record, attempts in left]
