"""What is live goes first. Backpressure is arithmetic: so many records of the past stand before a sink, and no more."""

from collections.abc import Callable

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.component import Arrival, Batch, Progress
from groundswell.runtime.patience import INBOX, LOOK_S_MAX, PART_MAX, QUEUE_MAX, Patience, parts_of
from tests.virtual_time import VirtualClock, a_few_turns


class Way:
    """What lies before a backfill, and what it brings: all of that goes to the one sink that takes nothing."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.unprocessed = 0
        self.queues = {"crm": 0, "archive": 0}
        self.brought: list[Batch] = []
        self.patience = Patience(self.clock, self._unprocessed, lambda _: self.queues)

    async def _unprocessed(self) -> int:
        await anyio.lowlevel.checkpoint()
        return self.unprocessed

    async def emit(self, part: Batch) -> None:
        await anyio.lowlevel.checkpoint()
        self.brought.append(part)
        self.queues["crm"] += len(part.arrivals)

    @property
    def records(self) -> int:
        return sum(len(part.arrivals) for part in self.brought)


def batch(count: int, cursor: str | None = "end") -> Batch:
    return Batch([Arrival(f"r/{n}", b"{}") for n in range(count)], cursor, Progress("gifts", count))


@pytest.mark.parametrize("backfills", [1, 3])
async def test_exactly_as_many_as_the_bound_says_stand_before_a_sink_that_takes_nothing(backfills: int) -> None:
    way = Way()
    async with anyio.create_task_group() as tasks:
        for number in range(backfills):
            tasks.start_soon(way.patience.emitter(f"gifts{number}", way.emit), batch(10 * QUEUE_MAX))
        for _ in range(200):
            await way.clock.advance(LOOK_S_MAX)
        assert way.queues["crm"] == way.records == QUEUE_MAX
        assert set(way.patience.waits_for.values()) == {"crm"}
        way.queues["crm"] -= PART_MAX - 1
        await way.clock.advance(LOOK_S_MAX)
        assert way.records == QUEUE_MAX, "a part waits until there is room for all of it"
        way.queues["crm"] -= 1
        await way.clock.advance(LOOK_S_MAX)
        assert way.records == QUEUE_MAX + PART_MAX
        tasks.cancel_scope.cancel()
    assert way.patience.waits_for == {}


@pytest.mark.parametrize(
    ("block", "waits_for"),
    [
        (lambda way: way.queues.update(archive=QUEUE_MAX), "archive"),
        (lambda way: setattr(way, "unprocessed", QUEUE_MAX), INBOX),
        (lambda way: (way.queues.update(crm=QUEUE_MAX // 2), setattr(way, "unprocessed", QUEUE_MAX // 2)), "crm"),
    ],
    ids=["another sink", "the inbox", "both together"],
)
async def test_it_says_what_it_waits_for_and_goes_on_once_that_is_over(
    block: Callable[[Way], object], waits_for: str
) -> None:
    way = Way()
    block(way)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(way.patience.emitter("gifts", way.emit), batch(1))
        await a_few_turns()
        assert (way.patience.waits_for, way.records) == ({"gifts": waits_for}, 0)
        way.queues, way.unprocessed = {"crm": 0}, 0
        await way.clock.advance(LOOK_S_MAX)
    assert (way.patience.waits_for, way.records) == ({}, 1)


async def test_a_cursor_alone_waits_for_nobody() -> None:
    way = Way()
    way.unprocessed = 10 * QUEUE_MAX
    await way.patience.emitter("gifts", way.emit)(Batch([], "end"))
    assert [part.cursor for part in way.brought] == ["end"]


@given(st.integers(0, 4 * PART_MAX))
def test_parts_are_small_and_together_what_they_were_and_the_cursor_comes_last(count: int) -> None:
    whole = batch(count)
    *before, last = parts_of(whole)
    assert [arrival for part in (*before, last) for arrival in part.arrivals] == whole.arrivals
    assert all(0 < len(part.arrivals) <= PART_MAX for part in before)
    assert len(last.arrivals) <= PART_MAX
    assert {(part.cursor, part.progress) for part in before} <= {(None, None)}
    assert (last.cursor, last.progress) == (whole.cursor, whole.progress)
