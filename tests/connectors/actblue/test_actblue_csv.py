"""The source of CSV files, asked for: rounds, backfills, and what goes wrong on the way."""

from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.component import NOTHING_NEW
from groundswell.connectors.actblue.client import CANCELLED, MANAGED, PAID, REFUNDED
from groundswell.errors import RateLimitedError, RequestError, UnauthorizedError, UnavailableError
from groundswell.http.client import new_session
from tests.connectors.actblue.csv_server import Killed, Taking, cancellation, gift, serving, taking

YEAR = ("2026-01-01T00:00:00+00:00", "2026-05-01T00:00:00+00:00")


async def test_a_backfill_brings_every_kind_of_row_under_the_ids_of_the_webhook(tmp_path: Path) -> None:
    async with taking(tmp_path, managed_forms=True, entities=[90210]) as (server, taken):
        server.add(PAID, gift(1, "2026-02-01 12:00:00"))
        server.add(REFUNDED, gift(2, "2026-02-02 12:00:00", Refund_Date="2026-03-01 09:00:00"))
        server.add(MANAGED, gift(1, "2026-02-01 12:00:00"), gift(3, "2026-02-03 12:00:00", Recipient_ID="555"))
        server.add(CANCELLED, cancellation(4, "2026-04-01 08:00:00"))
        await taken.backfill(*YEAR)
        assert taken.ids == {"contribution/1", "contribution/2", "refund/2", "elsewhere/3", "cancellation/AB4"}
        assert taken.record("contribution/2").occurred_at == "2026-02-02T17:00:00Z"
        assert taken.record("refund/2").occurred_at == "2026-03-01T14:00:00Z"
        assert taken.record("cancellation/AB4").donation.fields["cancellationReason"] == "Budget"
        assert server.refused_downloads == 0


async def test_a_gift_that_was_paid_back_after_the_time_asked_for_is_still_in_it(tmp_path: Path) -> None:
    async with taking(tmp_path) as (server, taken):
        server.add(REFUNDED, gift(2, "2025-02-02 12:00:00", Refund_Date="2026-03-01 09:00:00"))
        await taken.backfill("2025-01-01T00:00:00+00:00", "2025-06-01T00:00:00+00:00", "contributions", "refunds")
        assert taken.ids == {"contribution/2"}
        await taken.backfill(*YEAR, "refunds")
        taken.backfill_cursor = None
        await taken.backfill(*YEAR, "refunds")
        assert taken.ids == {"contribution/2", "refund/2"}


async def test_a_row_that_is_gone_from_a_file_means_nothing(tmp_path: Path) -> None:
    async with taking(tmp_path, since="2026-05-01") as (server, taken):
        server.add(PAID, gift(1, "2026-05-01 12:00:00"))
        await taken.round()
        server.rows[PAID].clear()
        taken.clock.leap(86_400)
        await taken.round()
        assert taken.ids == {"contribution/1"}


@pytest.mark.parametrize(
    ("wall", "utc"),
    [
        ("2026-11-01 00:59:59", "2026-11-01T04:59:59+00:00"),
        ("2026-11-01 01:30:00", "2026-11-01T05:30:00+00:00"),  # twice that night: the first is taken
        ("2026-11-01 02:00:00", "2026-11-01T07:00:00+00:00"),
        ("2026-03-08 01:59:59", "2026-03-08T06:59:59+00:00"),
        ("2026-03-08 02:30:00", "2026-03-08T07:30:00+00:00"),  # no clock showed that
        ("2026-03-08 03:00:00", "2026-03-08T07:00:00+00:00"),
        ("2026-07-01 00:00:00", "2026-07-01T04:00:00+00:00"),
    ],
)
async def test_the_time_asked_for_has_exact_edges(tmp_path: Path, wall: str, utc: str) -> None:
    later = utc.replace("+", ".000001+")
    async with taking(tmp_path) as (server, taken):
        taken.clock.leap(300 * 86_400)
        server.add(PAID, gift(1, wall))
        await taken.backfill("2026-02-20T00:00:00+00:00", utc, "contributions")
        assert taken.ids == set()
        taken.backfill_cursor = None
        await taken.backfill(later, "2026-12-20T00:00:00+00:00", "contributions")
        assert taken.ids == set()
        taken.backfill_cursor = None
        await taken.backfill(utc, later, "contributions")
        assert taken.ids == {"contribution/1"}


async def test_years_are_asked_for_in_windows_of_less_than_six_months(tmp_path: Path) -> None:
    async with taking(tmp_path) as (server, taken):
        days = [f"{year}-{month:02}-{day:02} 23:59:59" for year in (2022, 2023, 2024) for month in (2, 8, 12)
                for day in (1, 27, 28)]  # fmt: skip
        server.add(PAID, *(gift(number, day) for number, day in enumerate(days, 1)))
        await taken.backfill("2022-01-01T00:00:00+00:00", "2025-01-01T00:00:00+00:00", "contributions")
        assert len(taken.ids) == len(days)
        assert taken.repeats == 0
        assert len(server.asked) == len(server.downloads)  # none was refused as too long
        shown = [batch.progress for batch in taken.batches if batch.progress is not None]
        assert [one.done for one in shown] == sorted(one.done for one in shown)
        assert shown[-1].total == shown[-1].done > 3 * 365


async def test_the_first_run_begins_now_and_does_not_forget_when_that_was(tmp_path: Path) -> None:
    async with taking(tmp_path) as (server, taken):
        server.add(PAID, gift(1, "2026-05-02 07:00:08"), gift(2, "2026-05-02 07:00:09"))
        taken.dies_after = 1  # right after that moment is kept
        with pytest.raises(Killed):
            await taken.round()
        taken.dies_after = None
        taken.restart()
        taken.clock.leap(86_400)
        await taken.round()
        assert taken.ids == {"contribution/2"}


async def test_every_round_looks_again_for_what_shows_late(tmp_path: Path) -> None:
    async with taking(tmp_path, overlap="3d") as (server, taken):
        await taken.round()
        for _ in range(3):
            taken.clock.leap(86_400)
            await taken.round()
        server.add(PAID, gift(1, "2026-05-03 12:00:00"))
        taken.clock.leap(86_400)
        await taken.round()
        assert taken.ids == {"contribution/1"}


async def test_rests_a_whole_day_after_a_restart_too(tmp_path: Path) -> None:
    async with taking(tmp_path) as (server, taken):
        await taken.round()
        taken.clock.leap(86_400)
        await taken.round()
        asked = len(server.asked)
        taken.restart()
        await taken.round()
        assert len(server.asked) == asked + 1  # the credentials alone


async def test_a_refund_in_a_round_does_not_bring_a_gift_again_that_is_long_forgotten(tmp_path: Path) -> None:
    """The inbox forgets ids after `daemon.keep`: a gift of last year would count twice."""
    async with taking(tmp_path) as (server, taken):
        await taken.round()
        server.add(REFUNDED, gift(1, "2025-01-01 12:00:00", Refund_Date="2026-05-02 12:00:00"))
        server.add(REFUNDED, gift(2, "2026-05-02 12:00:00", Refund_Date="2026-05-02 13:00:00"))
        taken.clock.leap(86_400)
        await taken.round()
        assert taken.ids == {"refund/1", "contribution/2", "refund/2"}


@settings(max_examples=15)
@given(kills=st.lists(st.integers(0, 5), max_size=8), rows=st.integers(0, 900))
async def test_killed_anywhere_it_brings_every_row(kills: list[int], rows: int) -> None:
    async with taking(Path()) as (server, taken):
        for number in range(1, rows + 1):
            day = f"2025-{number % 12 + 1:02}-{number % 28 + 1:02} 10:00:00"
            server.add(PAID, gift(number, day))
        for dies_after in [*kills, None]:
            taken.dies_after = dies_after
            with suppress(Killed):
                await taken.backfill("2025-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00", "contributions")
            taken.restart()
        assert len(taken.ids) == rows
        assert taken.repeats == 0  # where nothing changed meanwhile, no row comes twice


async def test_a_file_that_changed_while_we_were_dead_is_begun_again(tmp_path: Path) -> None:
    async with taking(tmp_path) as (server, taken):
        server.add(PAID, *(gift(number, "2026-02-01 12:00:00") for number in range(1, 500)))
        taken.dies_after = 1
        with pytest.raises(Killed):
            await taken.backfill(*YEAR, "contributions")
        assert len(taken.ids) == 200
        server.files.clear()  # the one asked for is there no more, and its successor lacks a row that was taken
        del server.rows[PAID][0]
        taken.restart()
        taken.dies_after = None
        await taken.backfill(*YEAR, "contributions")
        assert len(taken.ids) == 499


async def test_goes_on_with_the_file_it_had_asked_for(tmp_path: Path) -> None:
    async with taking(tmp_path) as (server, taken):
        server.add(PAID, *(gift(number, "2026-02-01 12:00:00") for number in range(1, 500)))
        taken.dies_after = 1
        with pytest.raises(Killed):
            await taken.backfill(*YEAR, "contributions")
        taken.restart()
        taken.dies_after = None
        await taken.backfill(*YEAR, "contributions")
        assert [asked["csv_type"] for asked in server.asked] == [PAID, REFUNDED]


@pytest.mark.parametrize("fault", ["failed", "error", "strange", "null_url", "cut", "short", "html", "moved"])
async def test_a_file_that_cannot_be_had_is_said_and_asked_for_again(tmp_path: Path, fault: str) -> None:
    async with taking(tmp_path) as (server, taken):
        server.add(PAID, *(gift(number, "2026-02-01 12:00:00") for number in range(1, 300)))
        server.faults = [fault]
        with pytest.raises(UnavailableError) as error:
            await taken.backfill(*YEAR, "contributions")
        assert "again" in str(error.value) or "another file" in str(error.value)
        assert "Signature" not in str(error.value)
        await taken.in_the_end(*YEAR, "contributions")
        assert len(taken.ids) == 299
        assert all(arrival.id.startswith("actblue:contribution/") for arrival in taken.arrivals.values())


async def test_a_file_that_never_comes_whole_is_asked_for_once_a_try(tmp_path: Path) -> None:
    async with taking(tmp_path) as (server, taken):
        server.faults = ["failed"] * 5
        for _ in range(5):
            with pytest.raises(UnavailableError):
                await taken.backfill(*YEAR, "contributions")
        assert len(server.asked) == 5
        assert not taken.batches  # so the runtime waits longer each time


async def test_an_address_that_is_good_no_more_is_asked_for_anew_at_once(tmp_path: Path) -> None:
    async with taking(tmp_path) as (server, taken):
        server.add(PAID, gift(1, "2026-02-01 12:00:00"))
        server.faults = ["expired", "expired"]
        await taken.backfill(*YEAR, "contributions")
        assert taken.ids == {"contribution/1"}
        server.faults = ["expired"] * 9
        taken.backfill_cursor = None
        asked = len(server.asked)
        with pytest.raises(UnavailableError, match="happened 3 times"):
            await taken.backfill(*YEAR, "contributions")
        assert len(server.asked) == asked + 3


async def test_waits_for_a_file_and_does_not_give_up_on_a_slow_one(tmp_path: Path) -> None:
    async with taking(tmp_path) as (server, taken):
        server.add(PAID, gift(1, "2026-02-01 12:00:00"))
        server.polls = 60
        await taken.backfill(*YEAR, "contributions")
        assert taken.ids == {"contribution/1"}
        assert {1.0, 2.0, 4.0, 8.0, 10.0} <= set(taken.clock.slept)
        server.polls = 10_000
        taken.backfill_cursor = None
        with pytest.raises(UnavailableError, match="within 60 min"):
            await taken.backfill(*YEAR, "contributions")


async def test_a_429_waits_as_long_as_they_say_or_a_minute(tmp_path: Path) -> None:
    async with taking(tmp_path) as (server, taken):
        server.statuses = [(429, {})]
        with pytest.raises(RateLimitedError) as error:
            await taken.backfill(*YEAR, "contributions")
        assert error.value.retry_after_s == 60
        server.statuses = [(429, {"Retry-After": "17"})]
        with pytest.raises(RateLimitedError) as error:
            await taken.backfill(*YEAR, "contributions")
        assert error.value.retry_after_s == 17
        await taken.in_the_end(*YEAR, "contributions")


async def test_wrong_credentials_are_told_at_the_start(tmp_path: Path) -> None:
    async with taking(tmp_path) as (server, taken):
        server.statuses = [(401, {})]
        with pytest.raises(UnauthorizedError, match="client_uuid"):
            await taken.round()


async def test_nothing_is_asked_for_of_before_there_was_an_actblue(tmp_path: Path) -> None:
    # All of it once began in 1970: hours of empty files.
    async with taking(tmp_path) as (server, taken):
        server.add(PAID, gift(1, "2004-06-20 12:00:00"))
        await taken.backfill("1970-01-01T00:00:00+00:00", YEAR[1], "contributions")
        assert taken.ids == {"contribution/1"}
        assert min(one["date_range_start"] for one in server.asked) == "2004-05-31"


async def test_what_actblue_does_not_give_ends_a_backfill(tmp_path: Path) -> None:
    async with taking(tmp_path) as (server, taken):
        server.statuses = [(422, {})]
        with pytest.raises(RequestError, match="422"):
            await taken.backfill(*YEAR, "contributions")
        with pytest.raises(RequestError, match="no managed_forms"):
            await taken.backfill(*YEAR, "managed_forms")


async def test_a_cursor_nobody_understands_loses_no_month(tmp_path: Path) -> None:
    async with taking(tmp_path) as (server, taken):
        server.add(PAID, gift(1, "2026-04-10 12:00:00"), gift(2, "2026-03-10 12:00:00"))
        taken.cursor = '{"read":{}}'
        await taken.round()
        assert taken.ids == {"contribution/1"}
        taken.backfill_cursor = "?"
        await taken.backfill(*YEAR)
        assert taken.ids == {"contribution/1", "contribution/2"}


async def test_a_backfill_may_count_gifts_as_a_yes_to_email(tmp_path: Path) -> None:
    async with taking(tmp_path) as (server, taken):
        server.add(PAID, gift(1, "2026-02-01 12:00:00"))
        await taken.backfill(*YEAR, subscribes=True)
        assert taken.record("contribution/1").person.email_opt_in is True
        assert msgspec.json.decode(taken.arrivals["actblue:contribution/1"].raw)["subscribes"] is True


async def test_a_row_nobody_can_read_becomes_a_dead_letter_and_stops_no_other(tmp_path: Path) -> None:
    async with taking(tmp_path) as (server, taken):
        server.add(PAID, gift(1, "2026-02-01 12:00:00"), gift(2, "2026-02-01 12:00:00", Lineitem_ID=""))
        await taken.backfill(*YEAR, "contributions")
        (bad,) = (arrival for arrival in taken.arrivals.values() if "contribution" not in arrival.id)
        with pytest.raises(Exception, match="Lineitem ID"):
            taken.source.read(bad)
        assert taken.source.counts["unreadable"] == 1


async def test_two_sources_of_an_account_keep_to_its_rate_together(tmp_path: Path) -> None:
    async with serving() as server, new_session() as session:
        taken = Taking(server, session, tmp_path)
        began = taken.clock.monotonic()
        await taken.backfill(*YEAR)
        calls = len(server.asked) + len(server.files)
        assert taken.clock.monotonic() - began >= (calls - 1) * 6.0


async def test_credentials_that_are_good_again_are_said_to_be_so_a_day_before_the_next_file(tmp_path: Path) -> None:
    async with taking(tmp_path) as (_, taken):
        await taken.round()
        assert NOTHING_NEW in taken.batches
        taken.batches.clear()
        taken.restart()
        await taken.round()
        assert taken.batches == [NOTHING_NEW]
