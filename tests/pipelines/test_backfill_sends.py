"""What a backfill sends to whom: what is unsent, or all again; behind what is live; held and let go on by itself."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import anyio
import msgspec
import pytest

from groundswell.component import Arrival, Batch
from groundswell.ops.messages import AskBackfill, BackfillStatus, ListBackfills, NameComponent, Nothing
from groundswell.ops.operations import BACKFILL, BACKFILLS, PAUSE, RESUME, STATUS
from groundswell.runtime.daemon import Daemon
from groundswell.runtime.patience import PART_MAX, QUEUE_MAX
from tests.pipelines.ops_pipeline import ask
from tests.running import FREE_PORTS, post, running, until, write_config
from tests.vendor import ACCOUNT, POLL, Backfill, Vendor, VendorPoll, gifts, people

LIVE = """
    [sources.signups]
    type = "http.webhook"
    auth = "none"
    kind = "donation"
    id_field = "id"
"""
FILE = """
    [sinks.NAME]
    type = "jsonl"
    inputs = ["people", "signups"]
    path = "NAME.jsonl"
"""
PIPELINE = FREE_PORTS + ACCOUNT + POLL + LIVE + FILE.replace("NAME", "file")
LATE = FILE.replace("NAME", "late")
ALL = AskBackfill("people", all=True)
RESEND = AskBackfill("people", all=True, sends="resend")


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Vendor:
    made = Vendor()
    made.register(monkeypatch)
    return made


def bringing(arrivals: Sequence[Arrival], vendor: Vendor) -> None:
    """Have the vendor's backfills bring this, as one page."""

    async def bring(asked: Backfill) -> None:
        await asked.emit(Batch(arrivals, "end"))

    vendor.backfill = bring


async def ended(directory: Path, asked: AskBackfill = ALL) -> BackfillStatus:
    """Ask, and wait for the end."""
    await ask(directory, BACKFILL, asked)
    with anyio.fail_after(15):
        while (found := await shown(directory)).ended_at is None:
            await anyio.sleep(0.01)
    return found


async def shown(directory: Path) -> BackfillStatus:
    (backfill,) = (await ask(directory, STATUS, Nothing())).backfills
    return backfill


async def delivered(daemon: Daemon) -> None:
    await until(lambda: all(not sink.waiting for sink in daemon.supervisor.sinks.values()))


def lines(directory: Path, sink: str = "file") -> list[str]:
    return [msgspec.json.decode(line)["id"] for line in (directory / f"{sink}.jsonl").read_bytes().splitlines()]


# ---- to whom ----


async def test_a_new_sink_gets_all_of_it_and_nobody_else_anything_twice(vendor: Vendor, tmp_path: Path) -> None:
    bringing([*gifts(1, 2), *people(3)], vendor)
    async with running(PIPELINE, tmp_path) as daemon:
        first = await ended(tmp_path)
        write_config(tmp_path, PIPELINE + LATE)
        assert (await daemon.reload()).error is None
        second, third = await ended(tmp_path), await ended(tmp_path)
        await delivered(daemon)
    assert [(one.records, one.accepted, one.sent, one.known) for one in (first, second, third)] == [
        *((3, 3, 3, 0), (3, 0, 3, 0), (3, 0, 0, 3)),
    ]
    assert lines(tmp_path) == lines(tmp_path, "late") == [one.id for one in [*gifts(1, 2), *people(3)]]


async def test_resend_twice_delivers_each_twice_more(vendor: Vendor, tmp_path: Path) -> None:
    bringing([*gifts(*range(2 * PART_MAX)), *people(3)], vendor)
    async with running(PIPELINE, tmp_path) as daemon:
        await ended(tmp_path)
        await ended(tmp_path, RESEND)
        again = await ended(tmp_path, RESEND)
        unsent = await ended(tmp_path)
        await delivered(daemon)
    assert (again.sends, again.accepted, again.sent) == ("resend", 0, 2 * PART_MAX + 1)
    assert (unsent.sent, unsent.known) == (0, 2 * PART_MAX + 1)
    assert set(Counter(lines(tmp_path)).values()) == {3}


async def test_what_nobody_lacks_and_is_no_money_is_not_processed_again(vendor: Vendor, tmp_path: Path) -> None:
    """A transform with a memory must not meet it once more: nothing of it is filtered twice."""
    nobody = '[transforms.nobody]\ntype = "filter"\ninputs = ["people"]\nwhere = [{ field = "id", equals = "x" }]\n'
    text = PIPELINE.replace('["people", "signups"]', '["nobody", "signups"]') + nobody
    bringing([*people(1, 2), *gifts(3)], vendor)
    async with running(text, tmp_path) as daemon:
        await ended(tmp_path)
        again = await ended(tmp_path)
        filtered = daemon.metrics.totals()["nobody"]["filtered"]
    assert (again.sent, again.known) == (0, 3)
    assert filtered == 3 + 1, "the gift, which may go where it was not sent, is looked at once more"


async def test_a_yes_to_email_is_handed_on_to_a_source_that_knows_what_to_do_with_it(
    vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VendorPoll, "can_subscribe", True, raising=False)
    bringing(gifts(1), vendor)
    async with running(PIPELINE, tmp_path):
        plain = await ended(tmp_path)
        subscribing = await ended(tmp_path, AskBackfill("people", all=True, subscribe=True))
    assert [call.history.subscribes for call in vendor.backfills] == [False, True]
    assert (plain.subscribes, subscribing.subscribes) == (False, True)
    assert vendor.backfills[0].history.since == 0.0


# ---- behind what is live ----


async def test_a_live_gift_waits_for_so_many_of_the_past_and_status_says_what_the_backfill_waits_for(
    vendor: Vendor, tmp_path: Path
) -> None:
    bringing(gifts(*range(10 * QUEUE_MAX)), vendor)
    async with running(PIPELINE, tmp_path) as daemon:
        file = daemon.supervisor.sinks["file"]
        await ask(tmp_path, PAUSE, NameComponent("file"))
        await ask(tmp_path, BACKFILL, ALL)
        await until(lambda: file.waiting == QUEUE_MAX and daemon.supervisor.patience.waits_for == {"people": "file"})
        waiting = await shown(tmp_path)
        assert (await post(daemon, "signups", {"id": "live"}))[0] == 200
        await until(lambda: file.waiting == QUEUE_MAX + 1)
        await ask(tmp_path, RESUME, NameComponent("file"))
        await until(lambda: daemon.supervisor.backfills.runners["people"].state == "finished", deadline_s=15)
        await delivered(daemon)
    assert waiting.waits_for == f"file ({QUEUE_MAX} deliveries wait there; it is paused)"
    assert (waiting.state, waiting.records) == ("running", QUEUE_MAX)
    found = lines(tmp_path)
    (place,) = (place for place, one in enumerate(found) if one.endswith("live"))
    assert place == QUEUE_MAX
    assert len(set(found)) == len(found) == 10 * QUEUE_MAX + 1


async def test_a_sink_that_gets_nothing_of_it_does_not_hold_it(vendor: Vendor, tmp_path: Path) -> None:
    bringing(gifts(*range(QUEUE_MAX)), vendor)
    text = PIPELINE + LATE.replace('"people", ', "")
    async with running(text, tmp_path) as daemon:
        await ask(tmp_path, PAUSE, NameComponent("late"))
        for number in range(QUEUE_MAX // PART_MAX):
            page = [{"id": f"live-{number}-{place}"} for place in range(PART_MAX)]
            assert (await post(daemon, "signups", page))[0] == 200
        await until(lambda: daemon.supervisor.sinks["late"].waiting == QUEUE_MAX)
        assert (await ended(tmp_path)).sent == QUEUE_MAX


# ---- held by itself ----


async def test_it_is_held_by_itself_over_a_restart_and_its_source_goes_on(vendor: Vendor, tmp_path: Path) -> None:
    async def bring_one_and_wait(asked: Backfill) -> None:
        await asked.emit(Batch(gifts(int(asked.cursor or "0")), str(int(asked.cursor or "0") + 1)))
        if asked.cursor is None:
            await anyio.sleep_forever()

    vendor.backfill = bring_one_and_wait
    async with running(PIPELINE, tmp_path) as daemon:
        await ask(tmp_path, BACKFILL, ALL)
        await until(lambda: daemon.metrics.totals().get("people", {}).get("accepted") == 1)
        held = await ask(tmp_path, BACKFILL, AskBackfill("people", pause=True))
        await until(lambda: vendor.running == 0)
        assert daemon.supervisor.running_sources["people"].state == "running"
    assert (held.state, held.is_paused) == ("paused", True)
    async with running(PIPELINE, tmp_path) as daemon:
        after = await shown(tmp_path)
        await ask(tmp_path, PAUSE, NameComponent("people"))
        await ask(tmp_path, RESUME, NameComponent("people"))
        assert (after.state, (await shown(tmp_path)).state, len(vendor.backfills)) == ("paused", "paused", 1)
        await ask(tmp_path, PAUSE, NameComponent("people"))
        resumed = await ask(tmp_path, BACKFILL, AskBackfill("people", resume=True))
        assert (resumed.state, resumed.is_paused) == ("paused", False), "its source is paused still"
        await ask(tmp_path, RESUME, NameComponent("people"))
        await until(lambda: daemon.supervisor.backfills.runners["people"].state == "finished")
    assert [call.cursor for call in vendor.backfills] == [None, "1"]


async def test_what_was_fetched_again_is_listed_newest_first_with_and_without_a_daemon(
    vendor: Vendor, tmp_path: Path
) -> None:
    bringing(gifts(1), vendor)
    async with running(PIPELINE, tmp_path):
        await ended(tmp_path)
        await ended(tmp_path, RESEND)
        shown_now = (await ask(tmp_path, BACKFILLS, ListBackfills("people"))).backfills
    later = (await ask(tmp_path, BACKFILLS, ListBackfills())).backfills
    assert [(one.sends, one.sent) for one in shown_now] == [("resend", 1), ("unsent", 1)]
    assert [one.asked_at for one in later] == [one.asked_at for one in shown_now]
    assert (await ask(tmp_path, BACKFILLS, ListBackfills("signups"))).backfills == []
