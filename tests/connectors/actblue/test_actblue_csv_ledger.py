"""The source of CSV files against the simulated ActBlue: its books to the cent, and the same as webhooks tell."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from groundswell.connectors.actblue.eastern import EASTERN
from groundswell.connectors.actblue.mapping import Rules, record_of, things_in
from groundswell.connectors.actblue.simulator.behaviour import Behaviour
from groundswell.connectors.actblue.simulator.faults import FaultRates
from groundswell.connectors.actblue.simulator.ledger import SINCE, UNTIL, Ledger, dollars
from groundswell.connectors.actblue.simulator.messages import Shapes, body_of
from groundswell.connectors.actblue.simulator.server import Server, simulator
from groundswell.http.client import new_session
from groundswell.record import Donation, Record
from tests.connectors.actblue.csv_server import LeapingClock, Taking

LEDGER = Ledger.make(seed=3, gifts=1_500)
SPAN = (SINCE.isoformat(), UNTIL.isoformat())
OWN = LEDGER.own.id
PLAIN = Shapes(
    no_form=0, older=0, two_key_employer=0, no_flat_refcodes=0, refcodes_null=0, numbers=0, extra_keys=0,
    no_payment_id=0,
)  # fmt: skip


@asynccontextmanager
async def asking(
    directory: Path, behaviour: Behaviour | None = None, rates: FaultRates | None = None, **settings: Any
) -> AsyncIterator[tuple[Server, Taking]]:
    clock = LeapingClock(UNTIL.timestamp() + 86_400)
    async with (
        simulator(LEDGER, clock=clock, behaviour=behaviour, rates=rates) as server,
        new_session() as session,
    ):
        yield server, Taking(server, session, directory, clock=clock, **settings)


def sums(taken: Taking, kind: str) -> dict[int, Decimal]:
    found = {}
    for arrival in taken.arrivals.values():
        record = taken.source.read(arrival)
        if record.kind == kind:
            assert isinstance(record.donation, Donation)
            found[int(str(record.donation.lineitem_id))] = Decimal(str(record.donation.amount))
    return found


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(),
        Behaviour(dates_in="utc"),
        Behaviour(cuts_times=True, pages_are="slug", columns="older", is_shuffled=False),
        Behaviour(booleans=("Yes", "No"), text_options=("Yes", "No", "")),
    ],
)
async def test_a_backfill_comes_to_the_books_to_the_cent(tmp_path: Path, behaviour: Behaviour) -> None:
    async with asking(tmp_path, behaviour) as (server, taken):
        await taken.backfill(*SPAN)
        totals = LEDGER.totals()
        assert sums(taken, "donation") == totals.by_lineitem
        assert sums(taken, "refund") == totals.refunded_by_lineitem
        cancelled = {notice.key for notice in LEDGER.notices(managed_forms=False) if notice.kind == "cancellation"}
        assert {record_id for record_id in taken.ids if "cancel" in record_id} == cancelled
        assert server.counts.most_in_a_minute <= 10
        assert server.counts.refused == 0
        assert not taken.source.counts["unreadable"]


@pytest.mark.parametrize("dates_in", ["eastern", "utc"])
async def test_any_part_of_the_time_has_what_was_paid_in_it(tmp_path: Path, dates_in: Any) -> None:
    async with asking(tmp_path, Behaviour(dates_in=dates_in)) as (_, taken):
        for days in (0, 17, 140):
            since = SINCE + timedelta(days=days, hours=7, minutes=13)
            until = since + timedelta(days=days + 1, hours=5)
            taken.arrivals.clear()
            taken.backfill_cursor = None
            await taken.backfill(since.isoformat(), until.isoformat(), "contributions")
            assert sums(taken, "donation") == LEDGER.totals(since=since, until=until).by_lineitem


async def test_money_for_others_is_no_money_here(tmp_path: Path) -> None:
    async with asking(tmp_path, managed_forms=True, entities=[OWN]) as (_, taken):
        await taken.backfill(*SPAN)
        assert sums(taken, "donation") == LEDGER.totals().by_lineitem
        elsewhere = {
            f"elsewhere/{gift.lineitem_id}"
            for gift in LEDGER.gifts
            if not LEDGER.is_own(gift) and gift.order.form.is_managed and gift.paid_at is not None
        }
        assert {record_id for record_id in taken.ids if record_id.startswith("elsewhere/")} == elsewhere


async def test_faults_of_every_kind_lose_nothing(tmp_path: Path) -> None:
    rates = FaultRates(
        too_many=0.05, server_error=0.05, bad_gateway=0.05, unavailable=0.05, dropped=0.05, cut=0.1,
        export_failed=0.1, export_null_url=0.1,
    )  # fmt: skip
    async with asking(tmp_path, rates=rates) as (server, taken):
        await taken.in_the_end(*SPAN)
        totals = LEDGER.totals()
        assert sums(taken, "donation") == totals.by_lineitem
        assert sums(taken, "refund") == totals.refunded_by_lineitem
        assert server.counts.faults


async def test_day_after_day_comes_to_the_books_too(tmp_path: Path) -> None:
    async with asking(tmp_path, every="10d", since=SINCE.isoformat()) as (server, taken):
        day = SINCE
        taken.clock.leap(SINCE.timestamp() - taken.clock.now())
        while day < UNTIL + timedelta(days=20):
            server.api.as_of = datetime.fromtimestamp(taken.clock.now(), UTC)
            await taken.round()
            day += timedelta(days=10)
            taken.clock.leap(max(0.0, day.timestamp() - taken.clock.now()))
        totals = LEDGER.totals()
        assert sums(taken, "donation") == totals.by_lineitem
        assert sums(taken, "refund") == totals.refunded_by_lineitem


async def test_files_say_of_every_line_item_what_webhooks_say(tmp_path: Path) -> None:
    async with asking(tmp_path) as (_, taken):
        await taken.backfill(*SPAN)
    compared = 0
    for notice in LEDGER.notices(managed_forms=False, declined=False):
        body = body_of(LEDGER, notice, PLAIN)
        for record_id, _ in things_in(body, Rules()):
            told = record_of(body, record_id, "gifts")
            if f"actblue:{notice.key}" == record_id:
                _compare(taken.source.read(taken.arrivals[record_id]), told)
                compared += 1
    assert compared == len(taken.arrivals)


def _compare(read: Record, told: Record) -> None:
    assert (read.id, read.kind) == (told.id, told.kind)
    if read.occurred_at != told.occurred_at:
        _is_of_the_hour_that_came_twice(str(read.occurred_at), str(told.occurred_at))
    assert isinstance(read.donation, Donation)
    assert isinstance(told.donation, Donation)
    for field in ("amount", "currency", "recurring", "period", "order_id", "lineitem_id"):
        assert getattr(read.donation, field) == getattr(told.donation, field), (read.id, field)
    two = {name: code for name, code in told.donation.refcodes.items() if name in ("refcode", "refcode2")}
    assert read.donation.refcodes == two  # a file has no others
    assert read.donation.recipient == told.donation.recipient
    if read.kind == "donation":
        for field in ("sequence", "entityId", "paymentId", "recurringAmount", "contributionForm", "recurringDuration"):
            assert read.donation.fields.get(field) == told.donation.fields.get(field), (read.id, field)
        assert read.action.page.id == told.action.page.id
        assert read.person.sms_opt_in == told.person.sms_opt_in
    for field in ("first_name", "last_name", "city", "state", "zip", "country"):
        assert getattr(read.person, field) == (getattr(told.person, field) or UNSET), (read.id, field)


def _is_of_the_hour_that_came_twice(read: str, told: str) -> None:
    ours, theirs = (datetime.fromisoformat(text).astimezone(EASTERN) for text in (read, told))
    assert ours.replace(tzinfo=None) == theirs.replace(tzinfo=None)
    assert (ours.fold, theirs.fold) == (0, 1)


def test_the_books_have_money_in_them() -> None:
    assert LEDGER.totals().paid > dollars(0)
    assert LEDGER.totals().refunded > dollars(0)
