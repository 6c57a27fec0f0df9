"""The processor: the inbox in order, replays, one transaction a batch; and nothing asked for is forgotten."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from groundswell.component import Arrival, Delivery
from groundswell.config.model import Config, DaemonSettings, OpsSettings, WebhooksSettings
from groundswell.errors import StoreError, StoreFullError
from groundswell.members.book import Book
from groundswell.metrics import Metrics
from groundswell.runtime import processor as processor_module
from groundswell.runtime.plan import Made, Plan, Wanted
from groundswell.runtime.processor import Processor
from groundswell.runtime.tail import Tail
from groundswell.runtime.taps import Taps
from groundswell.store.backfills import NewBackfill
from groundswell.store.brought import Bringing
from groundswell.store.dead_letters import DeadLetter, Selection
from groundswell.store.inbox import Accept, InboxEntry, Replay
from groundswell.store.outbox import Pending, Processed
from groundswell.store.store import Store
from tests.conftest import Eventually
from tests.virtual_time import NOON, VirtualClock, a_few_turns

NOW = int(NOON * 1000)


class FakePlan(Plan):
    """Delivers each record to `crm` under its id; what holds "fail" becomes a dead letter."""

    def __init__(self, suffix: str = "") -> None:
        config = Config(DaemonSettings(), WebhooksSettings(), OpsSettings(), {}, (), (), "", Path())
        super().__init__(config, {}, {})
        self._suffix = suffix

    def process(
        self,
        entries: Sequence[InboxEntry],
        at: int,
        book: Book,
        wanted: Wanted | None = None,
        *,
        is_tapped: bool = False,
    ) -> Made:
        made = Made()
        for entry in entries:
            if b"fail" in entry.arrival.raw:
                made.dead.append(DeadLetter("process", "tidy", "no", "no", entry.arrival.id, at, entry.seq))
            else:
                delivery = Delivery(entry.arrival.id + self._suffix, "action", entry.arrival.id, b"{}")
                made.deliveries.append(("crm", entry.seq, delivery))
        return made


class Bench:
    """A processor over a real store, and what it handed on."""

    def __init__(self, store: Store, *, records_max: int = 1_000, position: int = 0, committed: int = 0) -> None:
        self.store = store
        self.clock = VirtualClock()
        self.inbox: Tail[InboxEntry] = Tail(
            store.arrivals_after,
            lambda entry: len(entry.arrival.raw),
            records_max=records_max,
            bytes_max=10**6,
            position=position,
            committed=committed,
        )
        store.on_accepted(self._offer)
        self.handed_on: list[str] = []
        self.batches: list[int] = []
        self.processor = Processor(store, self.clock, Metrics(), self.inbox, FakePlan(), self._dispatch, Taps())

    def _offer(self, _: Sequence[Accept], results: Sequence[list[InboxEntry]]) -> None:
        for entries in results:
            self.inbox.offer(entries)

    def _dispatch(self, pending: Sequence[Pending]) -> None:
        self.batches.append(len(pending))
        self.handed_on += [entry.delivery.record_id for entry in pending]

    async def accept(self, *ids: str, raw: bytes = b"{}") -> None:
        await self.store.accept(Accept("signups", NOW, [Arrival(id_, raw) for id_ in ids]))


Make = Callable[..., Bench]


@pytest.fixture
def bench(store: Store) -> Make:
    return lambda **parts: Bench(store, **parts)


async def test_the_inbox_is_processed_in_order_and_handed_on_after_the_commit(
    bench: Make, eventually: Eventually
) -> None:
    made = bench()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.processor.run)
        await made.accept("a", "b")
        await made.accept("c")
        await eventually(lambda: made.handed_on == ["a", "b", "c"])
        assert await made.store.position() == 3
        assert [p.delivery.record_id for p in await made.store.pending_after("crm", 0, 9, 9_999)] == ["a", "b", "c"]
        tasks.cancel_scope.cancel()


async def test_batches_are_bounded_by_records_and_bytes(
    bench: Make, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor_module, "BATCH_RECORDS_MAX", 4)
    monkeypatch.setattr(processor_module, "BATCH_BYTES_MAX", 100)
    made = bench()
    await made.accept(*"abcdefgh")
    await made.accept("x", "y", "z", raw=b"x" * 60)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.processor.run)
        await eventually(lambda: len(made.handed_on) == 11)
        tasks.cancel_scope.cancel()
    assert made.batches == [4, 4, 2, 1]


async def test_after_a_restart_it_goes_on_where_it_was(bench: Make, eventually: Eventually) -> None:
    before = bench()
    await before.accept("a", "b", "c")
    await before.store.process(Processed(NOW, 1))
    made = bench(position=1, committed=3)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.processor.run)
        await eventually(lambda: made.handed_on == ["b", "c"])
        tasks.cancel_scope.cancel()


async def test_what_is_accepted_faster_than_memory_allows_is_still_processed_once_and_in_order(
    bench: Make, eventually: Eventually
) -> None:
    made = bench(records_max=3)
    wanted = [f"r/{n}" for n in range(500)]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.processor.run)
        for start in range(0, 500, 7):
            made.store.accept(Accept("signups", NOW, [Arrival(id_, b"{}") for id_ in wanted[start : start + 7]]))
            if start % 3 == 0:
                await a_few_turns()
        await eventually(lambda: len(made.handed_on) >= 500)
        tasks.cancel_scope.cancel()
    assert made.handed_on == wanted


async def test_a_failing_record_is_a_dead_letter_and_its_neighbours_go_on(bench: Make, eventually: Eventually) -> None:
    made = bench()
    await made.accept("a")
    await made.accept("b", raw=b'"fail"')
    await made.accept("c")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.processor.run)
        await eventually(lambda: made.handed_on == ["a", "c"])
        tasks.cancel_scope.cancel()
    (row,) = await made.store.dead_list(Selection(), 10)
    assert (row.letter.record_id, await made.store.position()) == ("b", 3)


async def test_replays_asked_for_before_a_restart_go_on_without_anything_arriving(
    bench: Make, eventually: Eventually
) -> None:
    # They waited for the next arrival, and then for one that came at the right moment.
    before = bench()
    await before.accept("a", "b")
    await before.store.process(Processed(NOW, 2))
    await before.store.replay(Replay(ids=["b"]))
    made = bench(position=2, committed=2)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.processor.run)
        await eventually(lambda: made.handed_on == ["b"])
        tasks.cancel_scope.cancel()
    assert await made.store.replays(10, 9_999) == []
    assert await made.store.position() == 2


async def test_a_replay_asked_for_while_records_arrive_is_not_forgotten(bench: Make, eventually: Eventually) -> None:
    made = bench()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.processor.run)
        await made.accept("a")
        await eventually(lambda: made.handed_on == ["a"])
        for number in range(30):
            await made.store.replay(Replay(ids=["a"]))
            arriving = made.store.accept(Accept("signups", NOW, [Arrival(f"r/{number}", b"{}")]))
            made.processor.look_for_replays()
            await arriving
            await eventually(lambda number=number: made.handed_on.count("a") == number + 2)  # type: ignore[misc]
            await eventually(lambda number=number: made.handed_on.count(f"r/{number}") == 1)  # type: ignore[misc]
        tasks.cancel_scope.cancel()


async def test_a_replay_asked_for_during_the_look_for_replays_is_not_forgotten(
    bench: Make, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench()
    await made.accept("a")
    look = made.store.replays
    looked: list[int] = []

    async def looks_and_is_asked_meanwhile(count: int, size: int) -> list[InboxEntry]:
        found = await look(count, size)
        looked.append(len(found))
        if len(looked) == 1:
            await made.store.replay(Replay(ids=["a"]))
            made.processor.look_for_replays()
        return found

    monkeypatch.setattr(made.store, "replays", looks_and_is_asked_meanwhile)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.processor.run)
        await eventually(lambda: made.handed_on == ["a", "a"])
        tasks.cancel_scope.cancel()


async def test_what_a_backfill_brings_again_before_it_was_processed_once_is_not_left_lying(
    bench: Make, eventually: Eventually
) -> None:
    # The processor looked, found nothing due, and looked no more.
    made = bench()
    await made.store.meet_sinks(["crm"])
    number = await made.store.begin_backfill(NewBackfill("signups", ["x"], 0, 1, NOW, resends=True))
    entries = await made.store.accept(Accept("signups", NOW, [Arrival("r/1", b"{}")]))
    made.inbox.take = _blind(made.inbox.take)  # type: ignore[method-assign]
    await made.store.accept(Accept("signups", NOW, [Arrival("r/1", b"{}")], None, Bringing(number, True, ["crm"])))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.processor.run)
        made.processor.look_for_what_was_brought()
        await eventually(lambda: made.handed_on == ["r/1", "r/1"])
        tasks.cancel_scope.cancel()
    assert len(entries) == 1


def _blind(take: Callable[[int, int], Awaitable[Sequence[InboxEntry]]]) -> Any:
    """Sees nothing at first."""
    looks = iter((True, True))

    async def taken(count: int, size: int) -> Sequence[InboxEntry]:
        return () if next(looks, False) else await take(count, size)

    return taken


async def test_new_arrivals_come_before_replays(bench: Make, eventually: Eventually) -> None:
    before = bench()
    await before.accept("a")
    await before.store.process(Processed(NOW, 1))
    await before.store.replay(Replay())
    await before.accept("b")
    made = bench(position=1, committed=2)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.processor.run)
        await eventually(lambda: len(made.handed_on) >= 2)
        tasks.cancel_scope.cancel()
    assert made.handed_on == ["b", "a"]


async def test_whoever_holds_the_lock_may_change_the_plan_between_batches(bench: Make, eventually: Eventually) -> None:
    made = bench()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.processor.run)
        await made.accept("a")
        await eventually(lambda: made.handed_on == ["a"])
        async with made.processor.lock:
            await made.accept("b")
            await a_few_turns()
            assert made.handed_on == ["a"]
            made.processor.plan = FakePlan(" by the new plan")
        await eventually(lambda: made.handed_on == ["a", "b by the new plan"])
        tasks.cancel_scope.cancel()


async def test_without_room_a_processed_batch_waits_for_it(
    bench: Make, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench()
    tries: list[int] = []
    write = made.store.process

    async def full_twice(processed: Processed) -> list[Pending]:
        tries.append(1)
        if len(tries) < 3:
            raise StoreFullError("no room")
        return await write(processed)

    monkeypatch.setattr(made.store, "process", full_twice)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.processor.run)
        await made.accept("a")
        await eventually(lambda: len(tries) == 1)
        assert (made.processor.in_hand, made.handed_on) == (1, [])
        await made.clock.advance(1.0)
        await made.clock.advance(1.0)
        await eventually(lambda: made.handed_on == ["a"])
        assert made.processor.in_hand == 0
        tasks.cancel_scope.cancel()


async def test_a_failing_state_file_ends_the_processor(bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench()

    async def failed(_: Processed) -> list[Pending]:
        raise StoreError("writing the state file failed")

    monkeypatch.setattr(made.store, "process", failed)
    await made.accept("a")
    with pytest.raises(StoreError):
        await made.processor.run()


async def test_with_nothing_to_do_it_looks_once_and_waits(bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench()
    look = made.store.replays
    looks: list[int] = []

    async def noted(count: int, size: int) -> list[InboxEntry]:
        looks.append(count)
        return await look(count, size)

    monkeypatch.setattr(made.store, "replays", noted)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.processor.run)
        for _ in range(20):
            await made.store.position()
            await a_few_turns()
        tasks.cancel_scope.cancel()
    assert len(looks) == 1
