"""`groundswell backfill`: what a source is asked to fetch again comes, over failures, restarts and reloads, once."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
import msgspec
import pytest
from structlog.testing import capture_logs

from groundswell.component import Batch, History, Progress
from groundswell.errors import RefusedError, RequestError, UnauthorizedError, UnavailableError
from groundswell.ops.client import OpsError
from groundswell.ops.messages import AskBackfill, BackfillStatus, NameComponent, Nothing
from groundswell.ops.operations import BACKFILL, PAUSE, RESUME, STATUS
from groundswell.runtime.daemon import Daemon
from tests.pipelines.ops_pipeline import ask
from tests.running import FREE_PORTS, running, until, write_config
from tests.vendor import ACCOUNT, POLL, Backfill, Vendor, VendorPoll, people

SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
ASK = AskBackfill("people", SINCE, UNTIL)
OTHERS = """
    [sources.signups]
    type = "http.webhook"
    auth = "none"

    [sinks.file]
    type = "jsonl"
    inputs = ["people", "signups"]
    path = "out.jsonl"
"""
PIPELINE = FREE_PORTS + ACCOUNT + POLL + OTHERS


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Vendor:
    made = Vendor()
    made.register(monkeypatch)
    return made


class Script:
    """What a vendor's backfill does: pages of one person each, with the page as cursor; waits where it is told to."""

    def __init__(self, pages: int, *, holds_after: int | None = None) -> None:
        self.pages = pages
        self.holds_after = holds_after
        """After this page it waits until somebody calls `let_go`."""
        self.fails_after: dict[int, Exception] = {}
        """After this page it raises that, once."""
        self.go = anyio.Event()

    def let_go(self) -> None:
        self.holds_after = None
        self.go.set()

    async def __call__(self, asked: Backfill) -> None:
        for page in range(int(asked.cursor or "0") + 1, self.pages + 1):
            await asked.emit(Batch(people(page), str(page), Progress("people", page, self.pages)))
            if page in self.fails_after:
                raise self.fails_after.pop(page)
            if page == self.holds_after:
                await self.go.wait()


@asynccontextmanager
async def holding(vendor: Vendor, directory: Path, text: str = PIPELINE) -> AsyncIterator[tuple[Daemon, Script]]:
    """A daemon whose backfill of five pages has brought two and waits."""
    vendor.backfill = script = Script(5, holds_after=2)
    async with running(text, directory) as daemon:
        await ask(directory, BACKFILL, ASK)
        await until(lambda: accepted(daemon) == 2)
        yield daemon, script


def accepted(daemon: Daemon) -> int:
    return int(daemon.metrics.totals().get("people", {}).get("accepted", 0))


async def shown(directory: Path) -> BackfillStatus:
    (backfill,) = (await ask(directory, STATUS, Nothing())).backfills
    return backfill


async def ended(directory: Path) -> BackfillStatus:
    """As it is shown once it has ended."""
    with anyio.fail_after(10):
        while (found := await shown(directory)).ended_at is None:
            await anyio.sleep(0.01)
    return found


async def reload(daemon: Daemon, directory: Path, text: str) -> None:
    write_config(directory, text)
    assert (await daemon.reload()).error is None


def delivered(directory: Path) -> list[str]:
    """Ids of what reached the sink, in order."""
    lines: Iterable[bytes] = (directory / "out.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line)["id"] for line in lines]


def ids(*numbers: int) -> list[str]:
    return [arrival.id for arrival in people(*numbers)]


# ---- from beginning to end ----


async def test_what_it_brings_is_delivered_and_told_when_it_is_done(vendor: Vendor, tmp_path: Path) -> None:
    vendor.backfill = Script(3)
    async with running(PIPELINE, tmp_path) as daemon:
        begun = await ask(tmp_path, BACKFILL, ASK)
        done = await ended(tmp_path)
        await until(lambda: daemon.metrics.totals().get("file", {}).get("delivered") == 3)
    assert (begun.source, begun.collections, begun.since, begun.until) == ("people", ["people", "gifts"], SINCE, UNTIL)
    assert (begun.records, begun.ended_at) == (0, None)
    assert (done.state, done.records, done.accepted, done.progress) == ("finished", 3, 3, None)
    assert delivered(tmp_path) == ids(1, 2, 3)
    (asked,) = vendor.backfills
    assert asked.history == History(["people", "gifts"], SINCE.timestamp(), UNTIL.timestamp())
    assert asked.cursor is None


async def test_its_cursor_is_not_the_source_s_own(vendor: Vendor, tmp_path: Path) -> None:
    async with holding(vendor, tmp_path) as (daemon, _):
        assert await daemon.store.cursor("people") is None
        backfill = await daemon.store.backfill("people")
        assert backfill is not None
        assert backfill.cursor == "2"


async def test_what_was_accepted_before_is_not_delivered_again(vendor: Vendor, tmp_path: Path) -> None:
    vendor.backfill = Script(3)
    async with running(PIPELINE, tmp_path):
        await ask(tmp_path, BACKFILL, ASK)
        await ended(tmp_path)
        vendor.backfill = Script(4)
        await ask(tmp_path, BACKFILL, ASK)
        again = await ended(tmp_path)
    assert (again.records, again.accepted) == (4, 1)
    assert delivered(tmp_path) == ids(1, 2, 3, 4)


async def test_it_may_be_limited_to_some_of_what_the_source_looks_for(vendor: Vendor, tmp_path: Path) -> None:
    vendor.backfill = Script(1)
    async with running(PIPELINE, tmp_path):
        begun = await ask(tmp_path, BACKFILL, AskBackfill("people", SINCE, collections=["gifts", "gifts"]))
        await ended(tmp_path)
    assert begun.collections == ["gifts"]
    assert vendor.backfills[0].history.collections == ["gifts"]


async def test_without_an_end_it_is_what_was_there_when_it_was_asked_for(vendor: Vendor, tmp_path: Path) -> None:
    vendor.backfill = Script(1)
    async with running(PIPELINE, tmp_path):
        for given in (None, datetime(2999, 1, 1, tzinfo=UTC)):
            before = datetime.now(UTC)
            begun = await ask(tmp_path, BACKFILL, AskBackfill("people", SINCE, given))
            assert 0 <= (datetime.now(UTC) - begun.until).total_seconds() < 10
            assert (begun.until - before).total_seconds() > -0.001
            await ended(tmp_path)


async def test_how_far_it_has_come_is_shown_while_it_runs(vendor: Vendor, tmp_path: Path) -> None:
    async with holding(vendor, tmp_path):
        found = await shown(tmp_path)
    offline = await shown(tmp_path)
    assert (found.state, found.records, found.accepted) == ("running", 2, 2)
    assert found.progress is not None
    assert (found.progress.what, found.progress.done, found.progress.total) == ("people", 2, 5)
    assert (offline.state, offline.records, offline.progress) == ("stopped", 2, None)


# ---- what is refused ----


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (AskBackfill("peple", SINCE), 'nothing called "peple" is a source; did you mean "people"'),
        (AskBackfill("x", SINCE), 'nothing called "x" is a source; people can be asked for a time that is past'),
        (AskBackfill("file", SINCE), 'nothing called "file" is a source'),
        (
            AskBackfill("signups", SINCE),
            r"signups \(http.webhook\) cannot be asked for a time that is past; people can be asked",
        ),
        (AskBackfill("people", SINCE, collections=["gits"]), 'does not look for "gits"; did you mean "gifts"'),
        (AskBackfill("people"), "say from when on"),
        (AskBackfill("people", SINCE, all=True), "leave out since and until, or all"),
        (AskBackfill("people", until=UNTIL, all=True), "leave out since and until, or all"),
        (AskBackfill("people", SINCE, subscribe=True), "people has no use for subscribe"),
        (AskBackfill("people", SINCE, pause=True), "leave out all else"),
        (AskBackfill("people", pause=True, resume=True), "leave out all else"),
        (AskBackfill("people", resume=True, sends="resend"), "leave out all else"),
        (AskBackfill("people", pause=True), "no backfill of people is under way"),
        (AskBackfill("people", resume=True), "no backfill of people is under way"),
        (AskBackfill("people", UNTIL, SINCE), "since has to be before until"),
        (AskBackfill("people", SINCE, SINCE), "since has to be before until"),
        (AskBackfill("people", datetime(2999, 1, 1, tzinfo=UTC)), "has to be before until, and to be past"),
        (AskBackfill("people", SINCE, cancel=True), "leave out all else"),
        (AskBackfill("people", cancel=True), "no backfill of people is under way"),
        (AskBackfill("people", SINCE, collections=[]), "cannot be asked"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_what_can(
    vendor: Vendor, tmp_path: Path, asked: AskBackfill, message: str
) -> None:
    async with running(PIPELINE, tmp_path):
        with pytest.raises((OpsError, RefusedError), match=message):
            await ask(tmp_path, BACKFILL, asked)
        assert (await ask(tmp_path, STATUS, Nothing())).backfills == []
    assert vendor.backfills == []


async def test_where_no_source_can_it_says_so(vendor: Vendor, tmp_path: Path) -> None:
    text = FREE_PORTS + OTHERS.replace('"people", ', "")
    async with running(text, tmp_path):
        with pytest.raises(OpsError, match="nothing here can be asked"):
            await ask(tmp_path, BACKFILL, AskBackfill("signups", SINCE))


async def test_one_at_a_time_for_each_source(vendor: Vendor, tmp_path: Path) -> None:
    more = POLL.replace("sources.people", "sources.members")
    text = PIPELINE.replace('["people"', '["people", "members"') + more
    async with holding(vendor, tmp_path, text) as (daemon, script):
        with pytest.raises(OpsError, match=r"a backfill of people is under way already; .* --cancel"):
            await ask(tmp_path, BACKFILL, ASK)
        await ask(tmp_path, BACKFILL, AskBackfill("members", SINCE))
        await until(lambda: vendor.running == 2)
        script.let_go()
        await until(lambda: daemon.supervisor.backfills.runners["people"].state == "finished")
        assert (await ask(tmp_path, BACKFILL, ASK)).records == 0


async def test_without_a_daemon_there_is_nobody_to_ask(vendor: Vendor, tmp_path: Path) -> None:
    write_config(tmp_path, PIPELINE)
    with pytest.raises(RequestError, match="start one with `groundswell run`"):
        await ask(tmp_path, BACKFILL, ASK)


# ---- failures ----


async def test_after_a_failure_it_goes_on_from_its_cursor(vendor: Vendor, tmp_path: Path) -> None:
    vendor.backfill = script = Script(3)
    script.fails_after[2] = UnavailableError("people: vendor.example.org answered 503; it will be tried again")
    async with running(PIPELINE, tmp_path):
        await ask(tmp_path, BACKFILL, ASK)
        done = await ended(tmp_path)
    assert [asked.cursor for asked in vendor.backfills] == [None, "2"]
    assert (done.state, done.records, done.last_error) == ("finished", 3, None)


async def test_refused_credentials_are_shown_and_a_resume_tries_at_once(vendor: Vendor, tmp_path: Path) -> None:
    vendor.backfill = script = Script(3)
    script.fails_after[2] = UnauthorizedError("people: vendor.example.org answered 401")
    async with running(PIPELINE, tmp_path) as daemon:
        await ask(tmp_path, BACKFILL, ASK)
        await until(lambda: daemon.supervisor.backfills.runners["people"].state == "unauthorized")
        found = await shown(tmp_path)
        await ask(tmp_path, RESUME, NameComponent("people"))
        done = await ended(tmp_path)
        assert daemon.supervisor.running_sources["people"].state == "running"
    assert (found.state, found.last_error) == ("unauthorized", "people: vendor.example.org answered 401")
    assert (done.state, done.last_error) == ("finished", None)


async def test_what_the_source_cannot_do_ends_it_with_its_words(vendor: Vendor, tmp_path: Path) -> None:
    vendor.backfill = script = Script(3)
    script.fails_after[1] = RequestError("people: gifts cannot be asked for a time")
    with capture_logs() as lines:
        async with running(PIPELINE, tmp_path):
            await ask(tmp_path, BACKFILL, ASK)
            found = await ended(tmp_path)
            await ask(tmp_path, BACKFILL, ASK)
    assert (found.state, found.last_error) == ("failed", "people: gifts cannot be asked for a time")
    assert "backfill_failed" in {line["event"] for line in lines}


# ---- stopped and gone on with ----


async def test_it_goes_on_after_a_restart_until_it_is_done(vendor: Vendor, tmp_path: Path) -> None:
    async with holding(vendor, tmp_path):
        pass
    assert vendor.running == 0
    vendor.backfill = Script(5)
    async with running(PIPELINE, tmp_path):
        done = await ended(tmp_path)
    async with running(PIPELINE, tmp_path):
        later = await shown(tmp_path)
    assert [asked.cursor for asked in vendor.backfills] == [None, "2"]
    assert (done.state, done.records) == ("finished", 5)
    assert later.state == "finished"
    assert delivered(tmp_path) == ids(1, 2, 3, 4, 5)


async def test_it_is_paused_with_its_source_over_a_restart_too(vendor: Vendor, tmp_path: Path) -> None:
    async with holding(vendor, tmp_path) as (_, script):
        await ask(tmp_path, PAUSE, NameComponent("people"))
        await until(lambda: vendor.running == 0)
        script.let_go()
        assert (await shown(tmp_path)).state == "paused"
    async with running(PIPELINE, tmp_path):
        assert (await shown(tmp_path)).state == "paused"
        assert len(vendor.backfills) == 1
        await ask(tmp_path, RESUME, NameComponent("people"))
        assert (await ended(tmp_path)).records == 5


async def test_asked_for_while_its_source_is_paused_it_waits(vendor: Vendor, tmp_path: Path) -> None:
    vendor.backfill = Script(1)
    async with running(PIPELINE, tmp_path):
        await ask(tmp_path, PAUSE, NameComponent("people"))
        assert (await ask(tmp_path, BACKFILL, ASK)).state == "paused"
        assert vendor.backfills == []
        await ask(tmp_path, RESUME, NameComponent("people"))
        assert (await ended(tmp_path)).state == "finished"


async def test_cancelled_it_stops_for_good_and_what_it_brought_stays(vendor: Vendor, tmp_path: Path) -> None:
    async with holding(vendor, tmp_path):
        cancelled = await ask(tmp_path, BACKFILL, AskBackfill("people", cancel=True))
        assert vendor.running == 0
    async with running(PIPELINE, tmp_path):
        assert (await shown(tmp_path)).state == "cancelled"
        assert vendor.running == 0
    assert (cancelled.state, cancelled.records, cancelled.last_error) == ("cancelled", 2, None)
    assert cancelled.ended_at is not None
    assert len(vendor.backfills) == 1
    assert delivered(tmp_path) == ids(1, 2)


# ---- reload ----


async def test_a_reload_that_leaves_the_source_alone_leaves_it_alone(vendor: Vendor, tmp_path: Path) -> None:
    async with holding(vendor, tmp_path) as (daemon, script):
        await reload(daemon, tmp_path, PIPELINE.replace("out.jsonl", "other.jsonl"))
        assert (len(vendor.backfills), vendor.running) == (1, 1)
        script.let_go()
        assert (await ended(tmp_path)).records == 5


async def test_a_changed_source_goes_on_with_it_from_where_it_was(vendor: Vendor, tmp_path: Path) -> None:
    async with holding(vendor, tmp_path) as (daemon, _):
        vendor.backfill = Script(5)
        await reload(daemon, tmp_path, PIPELINE.replace(POLL, POLL + "    page = 2\n"))
        done = await ended(tmp_path)
    first, second = vendor.backfills
    assert (first.source, second.source) == (vendor.sources[0], vendor.sources[1])
    assert (second.cursor, done.state, done.records) == ("2", "finished", 5)


@pytest.mark.parametrize(
    "poll",
    ["", '[sources.people]\ntype = "http.webhook"\nauth = "none"\n'],
    ids=["gone", "another that cannot be asked"],
)
async def test_without_its_source_it_is_cancelled_and_told(vendor: Vendor, tmp_path: Path, poll: str) -> None:
    text = FREE_PORTS + poll + OTHERS
    text = text if poll else text.replace('"people", ', "")
    with capture_logs() as lines:
        async with holding(vendor, tmp_path) as (daemon, _):
            await reload(daemon, tmp_path, text)
            found = await shown(tmp_path)
            assert vendor.running == 0
    assert found.state == "cancelled"
    (line,) = [line for line in lines if line["event"] == "backfill_cancelled"]
    assert (line["log_level"], line["why"]) == ("warning", found.last_error)


async def test_a_source_that_went_while_nothing_ran_cancels_it_at_the_start(vendor: Vendor, tmp_path: Path) -> None:
    async with holding(vendor, tmp_path):
        pass
    async with running(FREE_PORTS + OTHERS.replace('"people", ', ""), tmp_path):
        found = await shown(tmp_path)
    assert (found.state, found.last_error) == ("cancelled", "the configuration no longer has its source")


async def test_a_source_that_no_longer_looks_for_it_cancels_it(
    vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with holding(vendor, tmp_path):
        pass
    monkeypatch.setattr(VendorPoll, "collections", ("people",))
    async with running(PIPELINE, tmp_path):
        found = await shown(tmp_path)
    assert (found.state, found.last_error) == ("cancelled", "its source no longer looks for gifts")
