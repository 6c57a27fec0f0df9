"""A running source under its runner: restarted when it fails, from its saved cursor; paused, resumed, finished."""

from collections.abc import Callable
from random import Random

import anyio
import pytest
from structlog.testing import capture_logs

from groundswell.component import NOTHING_NEW, Arrival, Batch, Cursor, Emit, Progress
from groundswell.errors import RateLimitedError, StoreError, UnauthorizedError, UnavailableError
from groundswell.metrics import Metrics
from groundswell.record import Record
from groundswell.runtime.accept import Accept
from groundswell.runtime.intake import STEADY_S, SourceRunner, own_running
from groundswell.runtime.retry import LONGEST_WAIT_S, UNAUTHORIZED_PROBE_S
from groundswell.runtime.tail import Tail
from groundswell.store.inbox import InboxEntry
from groundswell.store.store import Store
from tests.running import until
from tests.virtual_time import VirtualClock, a_few_turns

CRASH = ValueError("cannot make sense of Rosa Parks, rosa@example.org")


Step = int | Batch | Progress | Exception | str | None


class FakeSource:
    """Does what its script says, one entry a step: emit a number or how far it is, raise an error, wait, (None) end."""

    def __init__(self, *script: Step) -> None:
        self.script = list(script)
        self.starts: list[Cursor | None] = []
        self.is_running = False
        self.go_on = anyio.Event()

    def read(self, arrival: Arrival) -> Record:
        raise NotImplementedError

    async def run(self, cursor: Cursor | None, emit: Emit) -> None:
        self.starts.append(cursor)
        self.is_running = True
        try:
            while True:
                step = self.script.pop(0) if self.script else "wait"
                if step is None:
                    return
                if isinstance(step, Exception):
                    raise step
                if step == "wait":
                    await self.go_on.wait()
                    continue
                if isinstance(step, Batch):
                    await emit(step)
                elif isinstance(step, Progress):
                    await emit(Batch([], None, step))
                else:
                    await emit(Batch([Arrival(f"r/{step}", b"{}")], f"after {step}"))
        finally:
            self.is_running = False


class Bench:
    """A runner over a real store, with a clock that stands still."""

    def __init__(self, store: Store, *script: Step) -> None:
        self.store = store
        self.clock = VirtualClock(settle=self.settle)
        self.metrics = Metrics()
        self.source = FakeSource(*script)
        inbox: Tail[InboxEntry] = Tail(store.arrivals_after, lambda e: 1, records_max=100, bytes_max=10_000)
        accept = Accept(store, self.clock, self.metrics, inbox, records_max=100, bytes_max=10_000)
        emit = accept.emitter("people")
        work = own_running("people", self.source, store)
        self.runner = SourceRunner("people", work, emit, self.clock, Random(1), self.metrics)

    async def settle(self) -> None:
        for _ in range(5):
            await self.store.ping()
            await self.store.position()
            await a_few_turns()

    async def accepted(self) -> list[str]:
        return [entry.arrival.id for entry in await self.store.arrivals_after(0, 100, 10_000)]

    def failures(self) -> list[tuple[str, float]]:
        return [
            (sample.labels["reason"], sample.value)
            for family in self.metrics.registry.collect()
            if family.name == "groundswell_source_failures"
            for sample in family.samples
            if sample.name.endswith("_total")
        ]


@pytest.fixture
def bench(store: Store) -> Callable[..., Bench]:
    return lambda *script: Bench(store, *script)


Make = Callable[..., Bench]


async def test_a_source_starts_where_it_was_and_its_cursor_rides_on_its_batches(bench: Make) -> None:
    made = bench(1, 2, None)
    await made.runner.run()
    assert made.source.starts == [None]
    assert await made.accepted() == ["r/1", "r/2"]
    assert await made.store.cursor("people") == "after 2"
    again = bench(3, None)
    await again.runner.run()
    assert again.source.starts == ["after 2"]


async def test_a_source_that_ends_is_finished(bench: Make) -> None:
    made = bench(1, None)
    await made.runner.run()
    assert (made.runner.state, made.runner.last_error) == ("finished", None)


@pytest.mark.parametrize("what", ["pause", "resume"])
async def test_a_finished_source_stays_finished(bench: Make, what: str) -> None:
    made = bench(None)
    await made.runner.run()
    getattr(made.runner, what)()
    assert made.runner.state == "finished"


async def test_a_source_that_fails_goes_on_from_its_cursor_after_a_while(bench: Make) -> None:
    made = bench(1, UnavailableError("people: away"), 2, None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await made.settle()
        assert (made.runner.state, made.runner.last_error) == ("waiting", "people: away")
        await made.clock.advance(1.0)
    assert made.source.starts == [None, "after 1"]
    assert await made.accepted() == ["r/1", "r/2"]
    assert made.failures() == [("unavailable", 1.0)]


async def test_what_a_source_emits_anew_after_a_crash_is_dropped(bench: Make) -> None:
    made = bench(1, 2, CRASH, 1, 2, 3, None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await made.settle()
        await made.clock.advance(1.0)
    assert await made.accepted() == ["r/1", "r/2", "r/3"]


async def test_waits_between_failures_grow(bench: Make) -> None:
    made = bench(*[UnavailableError("people: away")] * 40, None)
    waited = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await made.settle()
        while made.runner.state != "finished":
            before = len(made.source.starts)
            start = made.clock.monotonic()
            while len(made.source.starts) == before and made.runner.state != "finished":
                await made.clock.advance(5.0)
            waited.append(made.clock.monotonic() - start)
    assert max(waited[:3]) <= 5.0
    assert LONGEST_WAIT_S / 2 < max(waited) <= LONGEST_WAIT_S + 5.0


async def test_a_steady_run_makes_the_next_failure_a_first_one(bench: Make) -> None:
    away = UnavailableError("people: away")
    made = bench(*[away] * 10, "wait", away, "wait")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        while len(made.source.starts) <= 10:
            await made.clock.advance(LONGEST_WAIT_S)
        assert made.source.is_running
        await made.clock.advance(STEADY_S)
        made.source.go_on.set()
        await made.settle()
        made.source.go_on = anyio.Event()
        assert made.runner.state == "waiting"
        await made.clock.advance(1.0)  # the longest that a first wait can be
        assert made.source.is_running
        tasks.cancel_scope.cancel()


async def test_a_wait_asked_for_is_given(bench: Make) -> None:
    made = bench(RateLimitedError("people: 429", 120.0), None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await made.settle()
        await made.clock.advance(119.9)
        assert len(made.source.starts) == 1
        await made.clock.advance(1.2)
        assert len(made.source.starts) == 2


async def test_refused_credentials_turn_it_red_and_are_tried_again_after_a_while(bench: Make) -> None:
    made = bench(UnauthorizedError("people: 401; check the token"), 1, None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await made.settle()
        assert (made.runner.state, made.runner.last_error) == ("unauthorized", "people: 401; check the token")
        await made.clock.advance(LONGEST_WAIT_S + UNAUTHORIZED_PROBE_S)
    assert (made.runner.state, await made.accepted()) == ("finished", ["r/1"])


async def test_trouble_is_told_once_and_so_is_its_end(bench: Make) -> None:
    made = bench(*[UnavailableError("people: away")] * 3, 1, "wait")
    with capture_logs() as lines:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(made.runner.run)
            for _ in range(4):
                await made.clock.advance(LONGEST_WAIT_S)
            tasks.cancel_scope.cancel()
    assert [line["event"] for line in lines] == ["source_in_trouble", "source_came_back"]
    assert (made.runner.state, made.runner.last_error) == ("running", None)


async def test_a_defect_is_logged_with_its_place_and_without_its_words(bench: Make) -> None:
    made = bench(CRASH, None)
    with capture_logs() as lines:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(made.runner.run)
            await made.settle()
            assert made.runner.last_error == "ValueError; this is a defect, please report it"
            await made.clock.advance(1.0)
    (line,) = [line for line in lines if line["event"] == "source_defect"]
    assert line["exception"].endswith("ValueError")
    assert "test_intake.py" in line["exception"]
    assert "Rosa" not in str(lines)


async def test_a_failing_state_file_is_not_the_source_s_fault(bench: Make) -> None:
    made = bench(StoreError("writing the state file failed"))
    with pytest.raises(StoreError):
        await made.runner.run()


# ---- pause and resume ----


async def test_a_paused_source_stops_where_it_is_and_goes_on_from_its_cursor(bench: Make) -> None:
    made = bench(1, "wait")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await made.settle()
        made.runner.pause()
        await made.settle()
        assert (made.runner.state, made.source.is_running) == ("paused", False)
        await made.clock.advance(3_600)
        assert made.source.starts == [None]
        made.source.script = [2, None]
        made.runner.resume()
    assert made.source.starts == [None, "after 1"]


async def test_a_source_paused_from_the_start_does_not_start(bench: Make) -> None:
    made = bench(1, None)
    made.runner.pause()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await made.settle()
        assert made.source.starts == []
        made.runner.resume()
    assert await made.accepted() == ["r/1"]


async def test_pausing_again_at_once_after_a_resume_counts(bench: Make) -> None:
    made = bench(1, None)
    made.runner.pause()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await made.settle()
        made.runner.resume()
        made.runner.pause()
        await made.settle()
        assert (made.runner.state, made.source.starts) == ("paused", [])
        tasks.cancel_scope.cancel()


async def test_resuming_a_source_that_waits_tries_it_now(bench: Make) -> None:
    made = bench(UnauthorizedError("people: 401"), 1, None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await made.settle()
        made.runner.resume()
    assert made.runner.state == "finished"


async def test_resuming_a_source_that_runs_leaves_it_alone(bench: Make) -> None:
    made = bench(1, "wait")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await made.settle()
        made.runner.resume()
        await made.settle()
        assert made.source.starts == [None]
        tasks.cancel_scope.cancel()


async def test_pausing_while_it_waits_to_be_tried_again_holds_it(bench: Make) -> None:
    made = bench(UnavailableError("people: away"), 1, None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await made.settle()
        made.runner.pause()
        await made.clock.advance(LONGEST_WAIT_S)
        assert (made.runner.state, len(made.source.starts)) == ("paused", 1)
        made.runner.resume()
    assert await made.accepted() == ["r/1"]


# ---- what it looks like while it fails ----


async def test_it_counts_as_failing_until_it_has_read_again(bench: Make) -> None:
    made = bench(
        UnavailableError("people: away"), "wait", UnauthorizedError("people: 401"), "wait", NOTHING_NEW, "wait"
    )
    seen = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await made.settle()
        for _ in range(2):
            await made.clock.advance(UNAUTHORIZED_PROBE_S)
            assert made.source.is_running  # it is tried, and that says nothing yet
            seen.append((made.runner.state, made.runner.failing_s(made.clock.now())))
            made.source.go_on.set()
            made.source.go_on = anyio.Event()
            await made.settle()
        seen.append((made.runner.state, made.runner.failing_s(made.clock.now())))
        tasks.cancel_scope.cancel()
    assert seen == [("waiting", 300.0), ("unauthorized", 600.0), ("running", 0.0)]
    assert await made.accepted() == []


async def test_the_time_it_was_paused_is_not_counted(bench: Make) -> None:
    away = UnavailableError("people: away")
    made = bench(away, away, "wait")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await made.settle()
        made.runner.pause()
        await made.clock.advance(7_200)
        assert (made.runner.state, made.runner.failing_s(made.clock.now())) == ("paused", 0.0)
        made.runner.resume()
        await made.settle()
        await made.clock.advance(60)
        assert (made.runner.state, made.runner.failing_s(made.clock.now())) == ("waiting", 60.0)
        tasks.cancel_scope.cancel()


async def test_resuming_one_that_is_being_tried_does_not_begin_it_again(bench: Make) -> None:
    made = bench(UnavailableError("people: away"), "wait")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await made.settle()
        await made.clock.advance(LONGEST_WAIT_S)
        made.runner.resume()
        await made.settle()
        assert (made.runner.state, len(made.source.starts)) == ("waiting", 2)
        tasks.cancel_scope.cancel()


async def test_word_that_there_is_nothing_new_costs_no_write(bench: Make) -> None:
    made = bench(NOTHING_NEW, "wait")
    before = made.store.commits
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await until(lambda: made.runner.good_at == made.clock.now())
        tasks.cancel_scope.cancel()
    assert made.store.commits == before


# ---- progress ----

FIRST_LOOK = Progress("people", 25, 1_000)


async def test_progress_is_that_of_the_latest_batch_and_goes_with_the_first_that_has_none(bench: Make) -> None:
    made = bench(FIRST_LOOK, "wait", Progress("people", 50, 1_000), "wait", 1, "wait")
    seen = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        for _ in range(3):
            await made.settle()
            seen.append(None if made.runner.progress is None else made.runner.progress.done)
            made.source.go_on.set()
            made.source.go_on = anyio.Event()
        tasks.cancel_scope.cancel()
    assert seen == [25, 50, None]


async def test_progress_outlasts_a_failure_and_ends_with_the_source(bench: Make) -> None:
    made = bench(FIRST_LOOK, UnavailableError("people: away"), None)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.runner.run)
        await made.settle()
        assert (made.runner.state, made.runner.progress) == ("waiting", FIRST_LOOK)
        await made.clock.advance(LONGEST_WAIT_S)
    assert (made.runner.state, made.runner.progress) == ("finished", None)
