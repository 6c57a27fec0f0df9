"""The first step: what is let in, what is refused or has to wait, and what is counted. Backpressure is arithmetic."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from groundswell.component import Arrival, Batch
from groundswell.errors import NotNowError, StoreError, StoreFullError
from groundswell.metrics import Metrics
from groundswell.runtime.accept import Accept
from groundswell.runtime.tail import Tail
from groundswell.store.dead_letters import Selection
from groundswell.store.inbox import InboxEntry
from groundswell.store.store import Store
from tests.conftest import Eventually
from tests.virtual_time import VirtualClock, a_few_turns

RECORDS_MAX = 10
BYTES_MAX = 1_000


class SlowStore:
    """A real store, whose commits wait until they are let go."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.let_go = anyio.Event()
        self.error: Exception | None = None
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def accept(self, batch: Any) -> list[InboxEntry]:
        self.asked += 1
        await self.let_go.wait()
        if self.error is not None:
            raise self.error
        return await self._store.accept(batch)


class Step:
    """The accept step with everything around it."""

    def __init__(self, store: Store) -> None:
        self.store = SlowStore(store)
        self.clock = VirtualClock()
        self.metrics = Metrics()
        self.inbox: Tail[InboxEntry] = Tail(
            store.arrivals_after, lambda entry: len(entry.arrival.raw), records_max=100, bytes_max=10_000
        )
        wanted: Any = self.store
        self.accept = Accept(wanted, self.clock, self.metrics, self.inbox, records_max=RECORDS_MAX, bytes_max=BYTES_MAX)
        self.answers: list[int | Exception] = []

    async def post(self, arrivals: Sequence[Arrival]) -> None:
        """What a webhook does."""
        try:
            self.answers.append(await self.accept.accept("signups", arrivals))
        except (NotNowError, StoreError) as exc:
            self.answers.append(exc)

    def waiting(self) -> tuple[int, int]:
        return self.accept.records, self.accept.bytes


@pytest.fixture
def step(store: Store) -> Step:
    return Step(store)


def arrivals(*ids: str, size: int = 2) -> list[Arrival]:
    return [Arrival(f"r/{id_}", b"x" * size) for id_ in ids]


def many(count: int, name: str = "m", size: int = 2) -> list[Arrival]:
    return arrivals(*(f"{name}{n}" for n in range(count)), size=size)


# ---- webhooks ----


async def test_what_is_new_is_counted_answered_and_handed_on(step: Step) -> None:
    step.store.let_go.set()
    assert await step.accept.accept("signups", arrivals("1", "2")) == 2
    assert await step.accept.accept("signups", arrivals("2", "3")) == 1
    assert [entry.arrival.id for entry in await step.inbox.take(10, 10_000)] == ["r/1", "r/2", "r/3"]
    totals = step.metrics.totals()["signups"]
    assert (totals["accepted"], totals["duplicates"]) == (3, 1)
    assert step.waiting() == (0, 0)


async def test_nobody_is_answered_before_it_is_on_disk(step: Step) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(step.post, arrivals("1"))
        await a_few_turns()
        assert (step.answers, step.waiting(), len(step.inbox)) == ([], (1, 2), 0)
        step.store.let_go.set()
    assert step.answers == [1]


async def test_exactly_as_many_records_wait_as_the_bound_says(step: Step) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(RECORDS_MAX):
            tasks.start_soon(step.post, arrivals(str(number)))
        await a_few_turns()
        assert step.waiting() == (RECORDS_MAX, 2 * RECORDS_MAX)
        await step.post(arrivals("one too many"))
        (refused,) = step.answers
        assert isinstance(refused, NotNowError)
        assert (refused.status, refused.headers) == (503, {"Retry-After": "5"})
        step.store.let_go.set()
    assert step.answers[1:] == [1] * RECORDS_MAX
    assert await step.accept.accept("signups", arrivals("one too many")) == 1


async def test_exactly_as_many_bytes_wait_as_the_bound_says(step: Step) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(step.post, arrivals("1", size=BYTES_MAX - 100))
        tasks.start_soon(step.post, arrivals("2", size=100))
        await a_few_turns()
        assert step.waiting() == (2, BYTES_MAX)
        await step.post(arrivals("3", size=1))
        assert isinstance(step.answers[0], NotNowError)
        step.store.let_go.set()


async def test_a_batch_that_does_not_fit_whole_is_refused_whole(step: Step) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(step.post, many(RECORDS_MAX - 2))
        await a_few_turns()
        await step.post(many(3, "n"))
        assert isinstance(step.answers[0], NotNowError)
        assert step.waiting() == (RECORDS_MAX - 2, 2 * (RECORDS_MAX - 2))
        tasks.start_soon(step.post, many(2, "n"))
        await a_few_turns()
        assert step.waiting()[0] == RECORDS_MAX
        step.store.let_go.set()


async def test_a_batch_larger_than_the_bound_fits_into_an_empty_queue(step: Step) -> None:
    step.store.let_go.set()
    assert await step.accept.accept("signups", many(3 * RECORDS_MAX, size=BYTES_MAX)) == 3 * RECORDS_MAX
    assert step.waiting() == (0, 0)


async def test_without_room_on_disk_everything_is_refused_for_a_while(step: Step) -> None:
    step.accept.no_room = "the disk is nearly full"
    with pytest.raises(NotNowError, match="disk is nearly full") as refused:
        await step.accept.accept("signups", arrivals("1"))
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "60"})
    assert step.store.asked == 0


async def test_when_a_commit_finds_no_room_it_and_what_follows_is_refused(step: Step) -> None:
    step.store.let_go.set()
    step.store.error = StoreFullError("the state file has no room to grow")
    for asked in (1, 1):
        with pytest.raises(NotNowError, match="no room to grow") as refused:
            await step.accept.accept("signups", arrivals("1"))
        assert refused.value.headers == {"Retry-After": "60"}
        assert step.store.asked == asked
    assert step.waiting() == (0, 0)
    step.store.error, step.accept.no_room = None, None
    assert await step.accept.accept("signups", arrivals("1")) == 1


async def test_a_failing_state_file_is_not_taken_for_a_full_one(step: Step) -> None:
    step.store.let_go.set()
    step.store.error = StoreError("writing the state file failed")
    with pytest.raises(StoreError):
        await step.accept.accept("signups", arrivals("1"))
    assert (step.accept.no_room, step.waiting()) == (None, (0, 0))


async def test_while_stopping_webhooks_are_refused_and_what_waits_is_answered(step: Step) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(step.post, arrivals("1"))
        await a_few_turns()
        step.accept.is_draining = True
        await step.post(arrivals("2"))
        (refused,) = step.answers
        assert isinstance(refused, NotNowError)
        assert (str(refused), refused.headers) == ("not now: stopping", {"Retry-After": "10"})
        step.store.let_go.set()
    assert step.answers[1:] == [1]


async def test_a_sender_that_goes_away_gives_its_place_back(step: Step) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(step.post, many(RECORDS_MAX))
        await a_few_turns()
        tasks.cancel_scope.cancel()
    assert step.waiting() == (0, 0)


# ---- bodies nobody could read ----


async def test_an_unreadable_body_is_kept_with_its_sender_and_reason(step: Step) -> None:
    await step.accept.unreadable("signups", b"{", "the body is not JSON")
    await step.accept.unreadable("signups", b"{", "the body is not JSON")
    (row,) = await step.store.dead_list(Selection(), 10)
    shown = (await step.store.dead_show(row.id)).letter
    assert (shown.stage, shown.component, shown.reason, shown.body) == ("accept", "signups", "unreadable", b"{")
    assert shown.record_id.startswith("signups:sha256-")
    assert step.metrics.totals()["signups"]["dead"] == 2


async def test_without_room_unreadable_bodies_are_not_kept(step: Step) -> None:
    step.accept.no_room = "the disk is nearly full"
    await step.accept.unreadable("signups", b"{", "the body is not JSON")
    assert await step.store.dead_list(Selection(), 10) == []


async def test_a_full_file_does_not_make_an_unreadable_body_worse(tmp_path: Path) -> None:
    async with Store(tmp_path / "small.db", size_max=600_000) as store:
        await Step(store).accept.unreadable("signups", b"x" * 1_000_000, "the body is not JSON")


# ---- running sources ----


async def test_a_running_source_goes_on_once_its_batch_and_cursor_are_on_disk(step: Step) -> None:
    emit = step.accept.emitter("people")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(emit, Batch(arrivals("1", "2"), "page 2"))
        await a_few_turns()
        assert await step.store.cursor("people") is None
        step.store.let_go.set()
    assert await step.store.cursor("people") == "page 2"
    assert [entry.arrival.id for entry in await step.inbox.take(10, 10_000)] == ["r/1", "r/2"]


async def test_running_sources_wait_while_the_queue_is_full_and_all_go_on(step: Step, eventually: Eventually) -> None:
    # Each that waited made a new event to be woken by, and only the last of them was.
    done: list[str] = []

    async def source(name: str) -> None:
        await step.accept.emitter(name)(Batch(many(6, name), f"{name} end"))
        done.append(name)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(step.post, many(RECORDS_MAX))
        await a_few_turns()
        for name in ("a", "b", "c"):
            tasks.start_soon(source, name)
        await a_few_turns()
        assert step.store.asked == 1
        step.store.let_go.set()
        await eventually(lambda: len(done) == 3)
    assert sorted(done) == ["a", "b", "c"]
    assert await step.store.cursor("a") == "a end"
    assert await step.store.last_accepted() == RECORDS_MAX + 18


async def test_a_running_source_waits_out_a_full_disk(step: Step) -> None:
    step.accept.no_room = "the disk is nearly full"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(step.accept.emitter("people"), Batch(arrivals("1"), "end"))
        await a_few_turns()
        await step.clock.advance(60)
        assert step.store.asked == 0
        step.accept.no_room = None
        step.store.let_go.set()
        await step.clock.advance(60)
    assert await step.store.cursor("people") == "end"


async def test_a_batch_that_found_no_room_is_tried_again_as_it_is(step: Step) -> None:
    step.store.let_go.set()
    step.store.error = StoreFullError("no room")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(step.accept.emitter("people"), Batch(arrivals("1"), "end"))
        await a_few_turns()
        assert (step.store.asked, step.accept.no_room) == (1, "no room")
        step.store.error, step.accept.no_room = None, None
        await step.clock.advance(60)
    assert await step.store.cursor("people") == "end"


async def test_a_cursor_alone_is_saved(step: Step) -> None:
    step.store.let_go.set()
    await step.accept.emitter("people")(Batch([], "page 9"))
    assert await step.store.cursor("people") == "page 9"
