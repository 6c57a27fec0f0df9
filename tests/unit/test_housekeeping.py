"""What is done again and again: looking for room, forgetting what is old, and giving signs of life."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from groundswell.component import Arrival
from groundswell.errors import StoreError, StoreFullError
from groundswell.runtime.housekeeping import (
    PURGE_EVERY_S,
    ROOM_EVERY_S,
    beat,
    forget_old,
    forget_old_audit,
    watch_room,
)
from groundswell.store.audit import Act
from groundswell.store.inbox import Accept
from groundswell.store.outbox import Processed
from groundswell.store.retention import ROWS_PER_STEP, Purge, Purged
from groundswell.store.store import Store
from tests.virtual_time import NOON, VirtualClock, a_few_turns

DAY_S = 86_400


class FakeStore:
    """As much of a store as is asked here."""

    def __init__(self) -> None:
        self.lacking: str | None = None
        self.error: Exception | None = None
        self.lost: StoreError | None = None
        self.pings = 0

    def check(self) -> None:
        if self.lost is not None:
            raise self.lost

    async def lacks_room(self) -> str | None:
        return self.lacking

    async def ping(self) -> None:
        self.pings += 1
        if self.error is not None:
            raise self.error


class Inbox:
    def __init__(self) -> None:
        self.waiting = 0
        self.is_behind = False

    def __len__(self) -> int:
        return self.waiting


class Bench:
    """A supervisor as the housekeeping sees it."""

    def __init__(self) -> None:
        self.store: Any = FakeStore()
        self.clock = VirtualClock()
        self.inbox = Inbox()
        self.supervisor: Any = SimpleNamespace(
            accept=SimpleNamespace(no_room=None), processor=SimpleNamespace(beats=0), inbox=self.inbox
        )
        self.alive = 0

    def is_alive(self) -> None:
        self.alive += 1


@pytest.fixture
def bench() -> Bench:
    return Bench()


# ---- room ----


async def test_a_state_file_that_is_lost_is_noticed_within_a_second(bench: Bench) -> None:
    ended: list[StoreError] = []

    async def watch() -> None:
        with pytest.raises(StoreError, match="it was moved") as lost:
            await watch_room(bench.supervisor, bench.store, bench.clock)
        ended.append(lost.value)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await a_few_turns()
        bench.store.lost = StoreError("it was moved")
        await bench.clock.advance(ROOM_EVERY_S)
        assert ended == [bench.store.lost]


async def test_lack_of_room_is_noticed_told_once_and_its_end_too(bench: Bench) -> None:
    with capture_logs() as lines:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch_room, bench.supervisor, bench.store, bench.clock)
            await a_few_turns()
            assert bench.supervisor.accept.no_room is None
            bench.store.lacking = "the disk is nearly full"
            for _ in range(3):
                await bench.clock.advance(1)
                assert bench.supervisor.accept.no_room == "the disk is nearly full"
            bench.store.lacking = None
            for _ in range(3):
                await bench.clock.advance(1)
                assert bench.supervisor.accept.no_room is None
            tasks.cancel_scope.cancel()
    assert [(line["event"], line["log_level"]) for line in lines] == [("no_room", "error"), ("room_again", "warning")]


async def test_lack_of_room_that_a_commit_found_first_is_told_too(bench: Bench) -> None:
    with capture_logs() as lines:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch_room, bench.supervisor, bench.store, bench.clock)
            await a_few_turns()
            bench.supervisor.accept.no_room = "the state file has no room to grow"
            await bench.clock.advance(1)
            assert bench.supervisor.accept.no_room is None  # there is room again: it may be tried
            await bench.clock.advance(1)
            tasks.cancel_scope.cancel()
    assert [line["event"] for line in lines] == ["no_room", "room_again"]


# ---- forgetting ----


async def test_what_is_older_than_kept_is_forgotten_every_minute(store: Store) -> None:
    clock = VirtualClock()
    old = int((NOON - 3 * DAY_S) * 1000)
    count = 2 * ROWS_PER_STEP + 10
    arrivals = [Arrival(f"r/{n}", b"{}") for n in range(count)]
    await store.accept(Accept("signups", old, arrivals[:-5]))
    await store.accept(Accept("signups", int(NOON * 1000), arrivals[-5:]))
    await store.process(Processed(old, count))
    kept = timedelta(days=30)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(forget_old, store, clock, lambda: kept)
        await a_few_turns()
        await clock.advance(PURGE_EVERY_S)
        await store.ping()
        assert len(await store.arrivals_after(0, 9_999, 2**40)) == count
        kept = timedelta(days=2)  # as after a reload
        forgotten = False
        for _ in range(200):
            await clock.advance(PURGE_EVERY_S)
            await store.ping()
            forgotten = len(await store.arrivals_after(0, 9_999, 2**40)) == 5
            if forgotten:
                break
        tasks.cancel_scope.cancel()
    assert forgotten


async def test_a_full_disk_does_not_end_forgetting() -> None:
    class Full:
        tries = 0

        async def purge(self, step: Purge) -> Purged:
            self.tries += 1
            if self.tries < 3:
                raise StoreFullError("no room")
            return Purged(0, None)

    clock, full = VirtualClock(), Full()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(forget_old, full, clock, lambda: timedelta(days=1))
        await a_few_turns()
        for tries in (1, 2, 3):
            await clock.advance(PURGE_EVERY_S)
            assert full.tries == tries
            await clock.advance(1)
        tasks.cancel_scope.cancel()


# ---- signs of life ----


async def test_an_idle_daemon_gives_signs_of_life(bench: Bench) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beat, bench.supervisor, bench.store, bench.clock, bench.is_alive)
        await a_few_turns()
        for _ in range(5):
            await bench.clock.advance(1)
        tasks.cancel_scope.cancel()
    assert bench.alive == 6


async def test_a_processor_that_does_not_move_though_there_is_work_is_no_life(bench: Bench) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beat, bench.supervisor, bench.store, bench.clock, bench.is_alive)
        await a_few_turns()
        bench.inbox.waiting = 5
        await bench.clock.advance(1)
        before = bench.alive
        for _ in range(5):
            await bench.clock.advance(1)
        assert bench.alive == before
        bench.supervisor.processor.beats += 1
        await bench.clock.advance(1)
        assert bench.alive == before + 1
        tasks.cancel_scope.cancel()


async def test_a_processor_that_waits_for_room_is_alive(bench: Bench) -> None:
    bench.inbox.is_behind = True
    bench.supervisor.accept.no_room = "the disk is nearly full"
    bench.store.error = StoreFullError("no room")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beat, bench.supervisor, bench.store, bench.clock, bench.is_alive)
        await a_few_turns()
        for _ in range(5):
            await bench.clock.advance(1)
        tasks.cancel_scope.cancel()
    assert bench.alive == 6


async def test_a_failed_state_file_ends_the_daemon(bench: Bench) -> None:
    bench.store.error = StoreError("writing the state file failed")
    with pytest.raises(StoreError):
        await beat(bench.supervisor, bench.store, bench.clock, bench.is_alive)
    assert bench.alive == 0


async def test_a_writer_that_does_not_answer_is_no_life(bench: Bench) -> None:
    async def never() -> None:
        await anyio.sleep_forever()

    bench.store.ping = never
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beat, bench.supervisor, bench.store, bench.clock, bench.is_alive)
        await bench.clock.advance(60)
        tasks.cancel_scope.cancel()
    assert bench.alive == 0


# ---- who changed what ----


async def test_who_changed_what_is_forgotten_after_its_own_time(store: Store) -> None:
    clock = VirtualClock()
    for days in (401, 399):
        at = int((NOON - days * DAY_S) * 1000)
        await store.audit.begin(Act(at, "token", "rosa", "127.0.0.1", "pause", b"{}"))

    async def left() -> int:
        return len(await store.audit.newest(2**62, 10))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(forget_old_audit, store, clock, lambda: timedelta(days=400))
        await a_few_turns()
        await clock.advance(PURGE_EVERY_S)
        with anyio.fail_after(10):
            while await left() > 1:
                await anyio.sleep(0.005)
        tasks.cancel_scope.cancel()
    assert await left() == 1
