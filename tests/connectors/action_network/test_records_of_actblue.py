"""ActBlue's gifts at a simulated Action Network: each is one donation there, and what undoes one is left to people."""

from typing import Any

import pytest

from groundswell.component import Delivered, Outcome, Retry, Skipped
from groundswell.connectors.actblue.mapping import Rules, record_of, things_in
from groundswell.connectors.action_network.simulator.faults import ANSWER_LOST, DROPPED, SERVER_ERROR
from groundswell.connectors.action_network.simulator.state.thing import Thing
from groundswell.errors import NotYetError
from groundswell.record import Record
from tests.connectors.action_network.recording import Recording, page, page_number, recording, status

GIFTS = {"collection": "fundraising_pages", "make_page": {"title": "Given at ActBlue"}}
COLLECTIONS = ["petitions", "events", "forms", "fundraising_pages", "advocacy_campaigns", "surveys"]
Body = dict[str, Any]


def body(number: int = 1, amount: str = "15.0", *, period: str = "once", **contribution: Any) -> Body:
    given = {
        "orderNumber": "AB700000123", "createdAt": "2026-03-01T09:00:00-05:00", "contributionForm": "winter",
        "refcodes": {"refcode": "sms_1"}, "recurringPeriod": period, "isRecurring": period != "once",
        "status": "approved", **contribution,
    }  # fmt: skip
    item = {
        "lineitemId": number, "entityId": 7, "committeeName": "Harbor Fund", "amount": amount,
        "paidAt": f"2026-03-{number:02}T09:00:00-05:00",
    }  # fmt: skip
    donor = {"firstname": "Rosa", "lastname": "Quill", "email": "rosa@example.org", "zip": "55802"}
    return {"donor": donor, "contribution": given, "lineitems": [item], "form": {"name": "winter", "kind": "page"}}


def record(said: Body, rules: Rules | None = None) -> Record:
    rules = rules or Rules()
    ((number, _),) = things_in(said, rules)
    return record_of(said, number, "hook", rules)


def refund(number: int = 1) -> Record:
    said = body(number)
    (item,) = said["lineitems"]
    return record(said | {"lineitems": [item | {"refundedAt": "2026-04-01T09:00:00-04:00"}]})


def donations(crm: Recording) -> list[Thing]:
    return list(crm.server.world.shelves.all("donations"))


async def until_done(crm: Recording, one: Record) -> Outcome:
    for attempts in range(20):
        outcome = await crm.deliver(one, attempts)
        if not isinstance(outcome, Retry):
            return outcome
        wait_s = outcome.error.retry_after_s if isinstance(outcome.error, NotYetError) else 1.0
        crm.clock.skip(wait_s or 1.0)
    raise AssertionError("never done")


async def test_a_gift_is_a_donation_of_its_day_to_its_committee() -> None:
    async with recording(**GIFTS) as crm:
        assert await until_done(crm, record(body(2))) == Delivered()
        (made,) = donations(crm)
        assert (made.fields["amount"], made.fields["currency"]) == ("15.00", "usd")
        assert made.fields["recipients"] == [{"display_name": "Harbor Fund", "amount": "15.00"}]
        assert made.created == 1_772_460_000
        assert made.fields["action_network:recurrence"] == {"recurring": False}
        assert status(crm.person("rosa@example.org")) == "unsubscribed", "nobody asked whether mail is welcome"


async def test_only_a_source_that_takes_gifts_for_a_yes_subscribes() -> None:
    async with recording(**GIFTS) as crm:
        assert await until_done(crm, record(body(), Rules(subscribe=True))) == Delivered()
        assert status(crm.person("rosa@example.org")) == "subscribed"


@pytest.mark.parametrize("fault", [ANSWER_LOST, DROPPED, SERVER_ERROR], ids=lambda fault: fault.word)
@pytest.mark.parametrize("is_killed", [False, True])
async def test_each_payment_of_a_series_is_one_donation_whatever_becomes_of_the_answers(
    fault: Any, is_killed: bool
) -> None:
    paid = [record(body(number, amount, period="monthly")) for number, amount in enumerate(["15.0", "10.0", "10.0"], 1)]
    async with recording(**GIFTS) as crm:
        for one in paid:
            crm.server.faults.plan(fault, method="POST", path="/donations", times=2)
            await until_done(crm, one)
            if is_killed:
                crm.start()
        for one in paid:
            assert await until_done(crm, one) == Skipped("already_there")
        assert [made.fields["amount"] for made in donations(crm)] == ["15.00", "10.00", "10.00"]
        recurrence = {"recurring": True, "period": "Monthly"}
        assert [made.fields["action_network:recurrence"] for made in donations(crm)] == [recurrence] * 3


async def test_gifts_of_a_form_go_to_the_page_that_is_named_for_it() -> None:
    number = page("fundraising_pages", is_api_made=True)
    async with recording(**GIFTS, pages=lambda server: {"winter": number(server)}) as crm:
        await until_done(crm, record(body(1)))
        await until_done(crm, record(body(2) | {"form": {"name": "spring"}}))
        winter = page_number(crm.server, "fundraising_pages", is_api_made=True)
        assert len(crm.on(winter, "fundraising_pages", "donations")) == 1
        assert len(donations(crm)) == 2


async def test_what_undoes_a_gift_is_skipped_with_a_reason_of_its_own() -> None:
    ends = {"cancelledAt": "2026-04-01T09:00:00-04:00", "recurringType": "initially forever"}
    async with recording(**GIFTS) as crm:
        await until_done(crm, record(body(1)))
        assert await crm.deliver(refund(1)) == Skipped("refund_by_hand")
        cancelled = record({"contribution": body(period="monthly")["contribution"] | ends})
        assert await crm.deliver(cancelled) == Skipped("cancellation_by_hand")
        assert [made.fields["amount"] for made in donations(crm)] == ["15.00"]
    async with recording(collection="forms", page=page("forms")) as crm:
        assert await crm.deliver(refund(1)) == Skipped("does_not_fit")


@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize(
    ("said", "rules"),
    [
        (body(status="declined"), Rules()),
        (body(status="pending"), Rules()),
        (body(), Rules(entities=frozenset({"8"}), managed_forms=True)),
    ],
    ids=["declined", "pending", "elsewhere"],
)
async def test_a_gift_that_was_not_made_is_none_on_any_page(collection: str, said: Body, rules: Rules) -> None:
    number = page(collection, is_api_made=collection in ("fundraising_pages", "advocacy_campaigns"))
    async with recording(collection=collection, page=number) as crm:
        one = record(said, rules)
        assert one.kind == "action"
        assert await crm.deliver(one) == Skipped("does_not_fit")
        assert donations(crm) == []
        assert crm.server.counts.calls == 0
