"""The simulated CSV API is strict where ActBlue's is, and its files say what the webhooks say."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, get_args
from zoneinfo import ZoneInfo

import aiohttp
import anyio
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.connectors.actblue.simulator import csv_rows, faults
from groundswell.connectors.actblue.simulator.behaviour import Behaviour
from groundswell.connectors.actblue.simulator.csv_rows import CsvType, Range
from groundswell.connectors.actblue.simulator.ledger import Ledger
from groundswell.connectors.actblue.simulator.messages import messages
from groundswell.connectors.actblue.simulator.server import simulator
from tests.conftest import Eventually
from tests.connectors.actblue.exporting import QUICK, Client, Row, exporting

LEDGER = Ledger.make(seed=1, gifts=3_000)
EASTERN = ZoneInfo("America/New_York")
PAID, REFUNDED = "paid_contributions", "refunded_contributions"
MANAGED, CANCELLED = "managed_form_contributions", "cancelled_recurring_contributions"
FOR_EVER = (
    b'{"csv_type": "paid_contributions", "date_range_start": "2026-01-01", '
    b'"date_range_end": "9999-12-31T23:00:00-09:00"}'
)
SPRING = ("2026-02-01", "2026-05-01")


def ids(rows: list[Row]) -> list[int]:
    return sorted(int(row["Lineitem ID"]) for row in rows)


async def test_paid_and_refunded_together_are_every_gift_to_us_once_with_its_amount() -> None:
    totals = LEDGER.totals()
    async with exporting(LEDGER) as client:
        paid, refunded = await client.all_rows(PAID), await client.all_rows(REFUNDED)
    assert ids(paid + refunded) == sorted(totals.by_lineitem)
    assert ids(refunded) == sorted(totals.refunded_by_lineitem)
    assert sum(Decimal(row["Amount"]) for row in paid) == totals.net
    assert sum(Decimal(row["Amount"]) for row in refunded) == totals.refunded


async def test_webhooks_and_files_say_the_same_about_each_line_item() -> None:
    said = {}
    for message in messages(LEDGER, LEDGER.notices(managed_forms=False, declined=False)):
        if message.kind == "contribution":
            body = msgspec.json.decode(message.body)
            said[int(body["lineitems"][0]["lineitemId"])] = body
    async with exporting(LEDGER) as client:
        rows = [*await client.all_rows(PAID), *await client.all_rows(REFUNDED)]
    assert len(rows) == len(said)
    for row in rows:
        body = said[int(row["Lineitem ID"])]
        donor, contribution, (item,) = body["donor"], body["contribution"], body["lineitems"]
        assert row["Receipt ID"] == contribution["orderNumber"]
        assert Decimal(row["Amount"]) == Decimal(str(item["amount"]))
        assert int(row["Recurrence Number"]) == item["sequence"] + 1
        assert int(row["Recipient ID"]) == item["entityId"]
        assert row["Recurring Total Months"] == str(contribution["recurringDuration"])
        assert row["Date"] == datetime.fromisoformat(item["paidAt"]).strftime("%Y-%m-%d %H:%M:%S")
        assert row["Fundraising Page"].rpartition("/")[2] == contribution["contributionForm"]
        codes = contribution.get("refcodes") or {}
        assert row["Reference Code"] == (codes.get("refcode") or contribution.get("refcode") or "")
        assert row["Donor Email"] == (donor.get("email") or "")
        assert row["Donor Addr1"] == donor["addr1"]
        assert row["Text Message Opt In"] == contribution["textMessageOption"]


@settings(max_examples=30)
@given(seed=st.integers(0, 9), gifts=st.integers(0, 150), cuts=st.lists(st.floats(0, 1), max_size=4))
def test_windows_side_by_side_have_every_row_once_wherever_they_are_cut(
    seed: int, gifts: int, cuts: list[float]
) -> None:
    ledger = Ledger.make(seed, gifts)
    span = ledger.until - ledger.since
    moments = [ledger.since, *sorted(ledger.since + span * cut for cut in cuts), ledger.until]
    for csv_type in get_args(CsvType):
        windows = [Range(csv_type, start, end, ledger.until) for start, end in pairwise(moments)]
        cut_up = [row for window in windows for row in csv_rows.rows(ledger, window, QUICK)]
        whole = list(csv_rows.rows(ledger, Range(csv_type, ledger.since, ledger.until, ledger.until), QUICK))
        key = "Receipt ID" if csv_type == CANCELLED else "Lineitem ID"
        assert sorted(row[key] for row in cut_up) == sorted(row[key] for row in whole)
    amounts = [
        Decimal(row["Amount"])
        for csv_type in (PAID, REFUNDED)
        for row in csv_rows.rows(ledger, Range(csv_type, ledger.since, ledger.until, ledger.until), QUICK)
    ]
    assert sum(amounts) == ledger.totals().paid


async def test_cancellations_say_the_series_and_no_line_item() -> None:
    said = {}
    for message in messages(LEDGER, LEDGER.notices(managed_forms=False)):
        if message.kind == "cancellation":
            contribution = msgspec.json.decode(message.body)["contribution"]
            said[contribution["orderNumber"]] = contribution
    async with exporting(LEDGER) as client:
        rows = await client.all_rows(CANCELLED)
    assert {row["Receipt ID"] for row in rows} == said.keys()
    assert len(rows) == len(said) > 20
    assert "Lineitem ID" not in rows[0]
    for row in rows:
        contribution = said[row["Receipt ID"]]
        assert row["Cancelation Reason"] == contribution.get("cancellationReason", "")
        cancelled = datetime.fromisoformat(contribution["cancelledAt"])
        assert row["Cancelled On"] == cancelled.strftime("%Y-%m-%d %H:%M:%S")
        assert row["Recurrence Frequency"] == contribution["recurringPeriod"]


async def test_managed_forms_bring_gifts_to_others_and_none_from_forms_of_others() -> None:
    async with exporting(LEDGER) as client:
        rows = await client.all_rows(MANAGED)
        expected = [gift for gift in LEDGER.gifts if gift.order.form.is_managed and gift.paid_at is not None]
        assert ids(rows) == [gift.lineitem_id for gift in expected]
        assert len({row["Recipient ID"] for row in rows}) == 4
        client.server.control.behave(managed_keeps_refunded=False)
        rest = await client.all_rows(MANAGED)
    assert ids(rest) == [gift.lineitem_id for gift in expected if gift.refund is None]


async def test_columns_stand_in_another_order_each_time_and_some_names_repeat() -> None:
    async with exporting(LEDGER) as client:
        texts = [(await client.download(await client.address(PAID, *SPRING)))[1] for _ in range(2)]
        headers = [next(csv.reader(io.StringIO(text))) for text in texts]
        assert headers[0] != headers[1]
        assert Counter(headers[0]) == Counter(headers[1])
        assert Counter(headers[0])["Reserved"] == 7
        assert len(headers[0]) == 101
        client.server.control.behave(is_shuffled=False)
        plain = (await client.download(await client.address(PAID, *SPRING)))[1]
        assert plain.startswith("Receipt ID,Date,Amount,Recurring Total Months,Recurrence Number,Recipient,")


async def test_cells_hold_commas_quotes_and_line_breaks() -> None:
    async with exporting(LEDGER) as client:
        rows = await client.all_rows(PAID)
    cells = [cell for row in rows for cell in row.values()]
    assert any("," in cell for cell in cells)
    assert any('"' in cell for cell in cells)
    assert any("\n" in cell for cell in cells)
    assert all(None not in row and None not in row.values() for row in rows)


async def test_before_there_were_fewer_columns_and_some_others() -> None:
    async with exporting(LEDGER, msgspec.structs.replace(QUICK, columns="older")) as client:
        paid, cancelled = await client.all_rows(PAID), await client.all_rows(CANCELLED)
    assert {"Merchant ID", "Approved", "Card AVS", "Lineitem ID"} <= paid[0].keys()
    assert "Managed Entity Name" not in paid[0]
    assert len(cancelled[0]) == 22
    assert ids(paid) == sorted(set(LEDGER.totals().by_lineitem) - set(LEDGER.totals().refunded_by_lineitem))


async def test_two_moments_an_hour_apart_have_the_same_time_in_the_night_the_clocks_go_back() -> None:
    twice = [datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)]
    gifts = [gift for gift in LEDGER.gifts if gift.paid_at and gift.order.created_at in twice and gift.sequence == 0]
    assert {gift.order.created_at for gift in gifts} == set(twice)
    async with exporting(LEDGER) as client:
        rows = await client.rows(MANAGED, "2026-11-01", "2026-11-02")
        rows += await client.rows(PAID, "2026-11-01", "2026-11-02")
    times = {int(row["Lineitem ID"]): row["Date"] for row in rows}
    assert {times[gift.lineitem_id][:16] for gift in gifts if gift.lineitem_id in times} == {"2026-11-01 01:30"}


async def test_the_start_is_within_the_range_and_the_end_is_not() -> None:
    gift = next(gift for gift in LEDGER.gifts if LEDGER.is_own(gift) and gift.paid_at and gift.refund is None)
    assert gift.paid_at is not None
    at = gift.paid_at.astimezone(EASTERN).isoformat()
    later = gift.paid_at.timestamp() + 1
    next_second = datetime.fromtimestamp(later, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    async with exporting(LEDGER) as client:
        assert gift.lineitem_id in ids(await client.rows(PAID, at, next_second))
        assert gift.lineitem_id not in ids(await client.rows(PAID, "2025-10-01", at))


@pytest.mark.parametrize(
    ("dates_in", "cuts", "start", "first"),
    [
        ("eastern", False, "2026-03-01", "2026-03-01T05:00:00+00:00"),
        ("utc", False, "2026-03-01", "2026-03-01T00:00:00+00:00"),
        ("eastern", False, "2026-03-01T12:00:00", "2026-03-01T17:00:00+00:00"),
        ("eastern", True, "2026-03-01T12:00:00Z", "2026-03-01T05:00:00+00:00"),
        ("eastern", False, "2026-03-01T12:00:00Z", "2026-03-01T12:00:00+00:00"),
    ],
)
async def test_where_a_day_begins_is_a_switch(dates_in: Any, cuts: bool, start: str, first: str) -> None:
    began = datetime.fromisoformat(first)
    expected = [
        gift.lineitem_id
        for gift in LEDGER.gifts
        if LEDGER.is_own(gift) and gift.refund is None and gift.paid_at is not None
        and began <= gift.paid_at < datetime(2026, 4, 1, 4 if dates_in == "eastern" else 0, tzinfo=UTC)
    ]  # fmt: skip
    async with exporting(LEDGER, msgspec.structs.replace(QUICK, dates_in=dates_in, cuts_times=cuts)) as client:
        assert ids(await client.rows(PAID, start, "2026-04-01")) == expected


async def test_a_window_read_again_shrinks_once_a_gift_is_given_back() -> None:
    gift = next(gift for gift in LEDGER.gifts if LEDGER.is_own(gift) and gift.refund is not None)
    assert gift.refund is not None
    async with exporting(LEDGER) as client:
        client.server.control.set_as_of(gift.refund.at)
        assert gift.lineitem_id in ids(await client.all_rows(PAID))
        assert gift.lineitem_id not in ids(await client.all_rows(REFUNDED))
        client.server.control.set_as_of(LEDGER.until)
        assert gift.lineitem_id not in ids(await client.all_rows(PAID))
        assert gift.lineitem_id in ids(await client.all_rows(REFUNDED))


async def test_without_the_right_client_and_secret_it_is_401_and_nothing_counts_towards_the_limit() -> None:
    async with exporting(LEDGER, Behaviour(calls_per_minute=1)) as client:
        for login in (None, "Bearer x", "Basic !", "Basic", aiohttp.encode_basic_auth(client.server.api.client, "no")):
            client.login = login
            assert (await client.ask(PAID, *SPRING))[0] == 401
        client.login = aiohttp.encode_basic_auth(*client.server.credentials)
        assert (await client.ask(PAID, *SPRING))[0] == 202
        assert client.server.counts.unauthorized == 5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"csv_type": "paid_contributions", "date_range_start": "2026-01-01"}',
        b'{"csv_type": "paid_contributions", "date_range_start": "2026-01-01", "date_range_end": null}',
        b'{"csv_type": "all", "date_range_start": "2026-01-01", "date_range_end": "2026-02-01"}',
        b'{"csv_type": "paid_contributions", "date_range_start": "2026-02-01", "date_range_end": "2026-01-01"}',
        b'{"csv_type": "paid_contributions", "date_range_start": "2026-01-01", "date_range_end": "2026-07-02"}',
        b'{"csv_type": "paid_contributions", "date_range_start": "yesterday", "date_range_end": "2026-02-01"}',
        b'{"csv_type": "paid_contributions", "date_range_start": "9999-12-30", "date_range_end": "9999-12-31"}',
        b'{"csv_type": "paid_contributions", "date_range_start": "2026-01-01", "date_range_end": "20260201"}',
        b'{"csv_type": "paid_contributions", "date_range_start": "2026-01-01", "date_range_end": "2026-01-01"}',
        FOR_EVER,
    ],
)
async def test_what_makes_no_sense_is_422_and_makes_no_export(body: bytes) -> None:
    async with exporting(LEDGER) as client:
        status, answer = await client.call("POST", "/csvs", body)
        assert (status, answer.keys()) == (422, {"error"})
        assert not client.server.counts.exports


async def test_exactly_six_months_are_taken_as_are_months_of_other_lengths() -> None:
    async with exporting(LEDGER) as client:
        assert (await client.ask(PAID, "2026-01-01", "2026-07-01"))[0] == 202
        assert (await client.ask(PAID, "2025-08-31", "2026-02-28"))[0] == 202
        assert (await client.ask(PAID, "2025-08-31", "2026-03-01"))[0] == 422


async def test_it_is_in_progress_for_some_polls_and_then_has_an_address() -> None:
    async with exporting(LEDGER, Behaviour(polls=2, build_s=30)) as client:
        _, made = await client.ask(PAID, *SPRING)
        assert [await client.status(made["id"]) for _ in range(3)] == [("in_progress", None)] * 3
        await client.clock.advance(30)
        state, url = await client.status(made["id"])
        assert state == "complete"
        assert url is not None
        assert url.startswith(f"{client.server.root}/exports/{made['id']}.csv?X-Amz-")


async def test_an_address_is_good_for_ten_minutes_needs_no_login_and_takes_none() -> None:
    async with exporting(LEDGER) as client:
        url = await client.address(PAID, *SPRING)
        await client.clock.advance(599)
        assert (await client.download(url))[0] == 200
        with_login = {"Authorization": client.login or ""}
        assert (await client.download(url, with_login))[0] == 400
        assert (await client.download(url.replace("Signature=", "Signature=0")))[0] == 403
        await client.clock.advance(1)
        status, text = await client.download(url)
        assert (status, "expired" in text) == (403, True)
        assert client.server.counts.downloads == {"done": 1, "with login": 1, "unknown": 1, "expired": 1}


async def test_an_export_nobody_made_and_other_methods_are_404() -> None:
    async with exporting(LEDGER) as client:
        assert (await client.call("GET", "/csvs/00000000-0000-4000-8000-000000000000"))[0] == 404
        assert (await client.call("GET", "/csvs"))[0] == 404
        assert (await client.call("DELETE", "/csvs/1"))[0] == 404


async def test_the_eleventh_call_in_any_sixty_seconds_is_429_and_downloads_do_not_count() -> None:
    async with exporting(LEDGER, Behaviour(polls=0)) as client:
        url = await client.address(PAID, *SPRING)
        await client.clock.advance(30)
        assert [(await client.ask(PAID, *SPRING))[0] for _ in range(9)] == [202] * 8 + [429]
        assert [(await client.download(url))[0] for _ in range(12)] == [200] * 12
        await client.clock.advance(29.9)
        assert (await client.ask(PAID, *SPRING))[0] == 429
        await client.clock.advance(0.1)
        assert [(await client.ask(PAID, *SPRING))[0] for _ in range(3)] == [202, 202, 429]
        counts = client.server.counts
        assert (counts.refused, counts.most_in_a_minute) == (3, 10)


async def test_refused_calls_count_where_the_switch_says_so() -> None:
    async with exporting(LEDGER, Behaviour(calls_per_minute=1, refused_count=True)) as client:
        assert (await client.ask(PAID, *SPRING))[0] == 202
        await client.clock.advance(30)
        assert (await client.ask(PAID, *SPRING))[0] == 429
        await client.clock.advance(30)
        assert (await client.ask(PAID, *SPRING))[0] == 429


async def test_an_export_may_fail_or_be_complete_without_an_address() -> None:
    async with exporting(LEDGER) as client:
        client.server.faults.plan(faults.EXPORT_FAILED, method="POST")
        client.server.faults.plan(faults.EXPORT_NULL_URL, method="POST")
        states = []
        for _ in range(3):
            _, made = await client.ask(PAID, *SPRING)
            states.append(await client.status(made["id"]))
        assert states[:2] == [("failed", None), ("complete", None)]
        assert states[2][1] is not None


@pytest.mark.parametrize("fault", [faults.TOO_MANY, faults.SERVER_ERROR, faults.BAD_GATEWAY, faults.UNAVAILABLE])
async def test_a_call_or_a_download_may_be_answered_with_an_error(fault: faults.Fault) -> None:
    async with exporting(LEDGER) as client:
        url = await client.address(PAID, *SPRING)
        client.server.faults.plan(fault, path="/csvs")
        client.server.faults.plan(fault, path="/exports/")
        status, body = await client.ask(PAID, *SPRING)
        assert (status, isinstance(body, str)) == (fault.status, fault.is_html)
        assert (await client.download(url))[0] == fault.status
        assert client.server.counts.faults == {fault.word: 2}
        assert client.server.counts.exports == {PAID: 1}


async def test_connections_break_before_an_answer_after_it_was_done_and_within_a_file() -> None:
    async with exporting(LEDGER) as client:
        url = await client.address(PAID, *SPRING)
        client.server.faults.plan(faults.DROPPED, method="POST")
        client.server.faults.plan(faults.CUT, method="POST")
        for made in (1, 2):
            with pytest.raises(aiohttp.ClientError):
                await client.ask(PAID, *SPRING)
            assert client.server.counts.exports == {PAID: made}
        client.server.faults.plan(faults.CUT, path="/exports/")
        # Twice: aiohttp asks once more when a connection that it kept turns out to be gone.
        client.server.faults.plan(faults.DROPPED, path="/exports/", times=2)
        for _ in range(2):
            with pytest.raises(aiohttp.ClientError):
                await client.download(url)
        assert client.server.counts.faults["cut"] == 2


async def test_a_slow_answer_takes_its_time_on_the_clock(eventually: Eventually) -> None:
    answers: list[int] = []

    async def ask(client: Client) -> None:
        answers.append((await client.ask(PAID, *SPRING))[0])

    async with exporting(LEDGER) as client:
        client.server.faults.plan(faults.SLOW)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, client)
            await eventually(lambda: client.server.counts.faults["slow"] == 1)
            assert answers == []
            await client.clock.advance(5)
        assert answers == [202]


async def test_shares_of_faults_are_drawn_from_the_seed() -> None:
    seen = []
    for _ in range(2):
        async with exporting(LEDGER) as client:
            client.server.control.fail(server_error=0.3, too_many=0.2, export_failed=0.2)
            seen.append([(await client.ask(PAID, *SPRING))[0] for _ in range(60)])
    assert seen[0] == seen[1]
    assert set(seen[0]) == {202, 429, 500}


async def test_controls_over_http_say_what_came_and_change_what_happens() -> None:
    async with simulator(LEDGER, behaviour=QUICK) as server, aiohttp.ClientSession() as session:

        async def control(method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
            async with session.request(method, f"{server.root}/_simulator/{path}", data=body) as answer:
                return answer.status, await answer.json()

        async with session.post(f"{server.base_url}/csvs") as refused:
            assert refused.status == 401
        assert (await control("GET", "counts"))[1]["unauthorized"] == 1
        assert (await control("DELETE", "counts"))[1]["calls"] == 0
        assert (await control("PUT", "behaviour", b'{"polls": 5}'))[0] == 200
        assert (await control("PUT", "faults", b'{"server_error": 1}'))[0] == 200
        assert (await control("PUT", "as_of", b'{"as_of": "2026-06-01T00:00:00"}'))[0] == 200
        assert (server.api.behaviour.polls, server.faults.rates.server_error) == (5, 1.0)
        assert server.api.as_of == datetime(2026, 6, 1, tzinfo=UTC)
        totals = (await control("GET", "totals"))[1]
        assert Decimal(totals["net"]) == LEDGER.totals().net
        assert totals["by_entity"][str(LEDGER.own.id)] == totals["paid"]
        for path, body in (("behaviour", b'{"pols": 5}'), ("faults", b"{"), ("as_of", b'{"as_of": "noon"}')):
            status, answer = await control("PUT", path, body)
            assert (status, answer.keys()) == (400, {"error"})
