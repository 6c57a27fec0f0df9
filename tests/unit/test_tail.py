"""The tail of a durable queue: every entry once, in order, whatever comes between; and never more than the bounds."""

from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import Struct

from groundswell.runtime.tail import Tail
from tests.virtual_time import a_few_turns

R = TypeVar("R")


class Entry(Struct, frozen=True):
    seq: int
    size: int


class Disk:
    """What is committed, and a way to have something happen in the middle of a read."""

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self.entries = list(entries)
        self.reads: list[int] = []
        self.before_read: list[Any] = []
        self.after_read: list[Any] = []

    async def read(self, after: int, count: int, size: int) -> list[Entry]:
        while self.before_read:
            self.before_read.pop()()
        found: list[Entry] = []
        for entry in self.entries:
            if entry.seq > after and len(found) < count and sum(e.size for e in found) < size:
                found.append(entry)
        while self.after_read:
            self.after_read.pop()()
        self.reads.append(len(found))
        return found


def finished(coroutine: Coroutine[Any, Any, R]) -> R:
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: R = done.value
        return result
    raise AssertionError("it waited for something")


def tail_over(disk: Disk, *, records_max: int = 3, bytes_max: int = 100, position: int = 0) -> Tail[Entry]:
    committed = disk.entries[-1].seq if disk.entries else 0
    return Tail(
        disk.read,
        lambda entry: entry.size,
        records_max=records_max,
        bytes_max=bytes_max,
        position=position,
        committed=committed,
    )


def entries(*seqs: int, size: int = 10) -> list[Entry]:
    return [Entry(seq, size) for seq in seqs]


def seqs_taken(tail: Tail[Entry], count: int = 10, size: int = 1_000) -> list[int]:
    return [entry.seq for entry in finished(tail.take(count, size))]


def commit(disk: Disk, tail: Tail[Entry], *seqs: int, size: int = 10) -> None:
    disk.entries += entries(*seqs, size=size)
    tail.offer(entries(*seqs, size=size))


def test_a_reader_that_keeps_up_never_asks_the_disk() -> None:
    disk = Disk()
    tail = tail_over(disk)
    for seq in range(1, 10):
        commit(disk, tail, seq)
        assert seqs_taken(tail) == [seq]
    assert disk.reads == []


def test_what_does_not_fit_is_read_from_disk_after_what_did() -> None:
    disk = Disk()
    tail = tail_over(disk, records_max=3)
    commit(disk, tail, 1, 2, 3, 4, 5)
    assert (len(tail), tail.is_behind) == (3, True)
    assert seqs_taken(tail) == [1, 2, 3]
    assert seqs_taken(tail) == [4, 5]
    assert not tail.is_behind


def test_after_catching_up_memory_is_used_again() -> None:
    disk = Disk()
    tail = tail_over(disk, records_max=1)
    commit(disk, tail, 1, 2)
    seqs_taken(tail)
    seqs_taken(tail)
    commit(disk, tail, 3)
    assert (seqs_taken(tail), len(disk.reads)) == ([3], 1)


def test_what_waited_on_disk_at_the_start_comes_first() -> None:
    disk = Disk(entries(1, 2, 3))
    tail = tail_over(disk, position=1)
    commit(disk, tail, 4)
    assert len(tail) == 0
    assert seqs_taken(tail) == [2, 3, 4]


def test_bytes_bound_memory_as_records_do() -> None:
    disk = Disk()
    tail = tail_over(disk, records_max=100, bytes_max=25)
    commit(disk, tail, 1, 2, 3)
    assert (len(tail), tail.bytes, tail.is_behind) == (2, 20, True)


def test_a_read_ends_with_the_entry_that_reaches_the_size_asked_for() -> None:
    disk = Disk(entries(1, 2, 3, 4, size=60))
    tail = tail_over(disk)
    assert seqs_taken(tail, size=100) == [1, 2]
    assert tail.is_behind
    assert seqs_taken(tail, size=100) == [3, 4]


def test_memory_is_handed_out_in_portions_of_that_size_too() -> None:
    disk = Disk()
    tail = tail_over(disk)
    commit(disk, tail, 1, 2, 3, size=30)
    assert seqs_taken(tail, size=31) == [1, 2]
    assert (seqs_taken(tail, size=31), tail.bytes) == ([3], 0)


def test_an_entry_larger_than_the_bound_still_goes_through() -> None:
    disk = Disk()
    tail = tail_over(disk, bytes_max=100)
    commit(disk, tail, 1, size=1_000)
    assert len(tail) == 0
    assert seqs_taken(tail, size=100) == [1]


def test_an_entry_read_before_it_was_offered_is_not_taken_twice() -> None:
    # The reader's thread can see a commit before the event loop is told of it.
    disk = Disk(entries(1))
    tail = tail_over(disk)
    disk.entries += entries(2)
    assert seqs_taken(tail) == [1, 2]
    assert not tail.is_behind
    tail.offer(entries(2))
    commit(disk, tail, 3)
    assert seqs_taken(tail) == [3]


def test_what_comes_during_a_short_read_is_not_forgotten() -> None:
    disk = Disk(entries(1))
    tail = tail_over(disk)
    disk.after_read = [lambda: commit(disk, tail, 2)]
    assert seqs_taken(tail) == [1]
    assert tail.is_behind
    assert seqs_taken(tail) == [2]


def test_entries_nobody_offered_are_found_also_when_told_of_during_a_read() -> None:
    # Once, the number of the newest entry stood for "something came": an entry nobody offered did not change it.
    disk = Disk()
    tail = tail_over(disk, records_max=1)
    commit(disk, tail, 1, 2, 3)
    assert seqs_taken(tail) == [1]

    def retried() -> None:
        disk.entries += entries(4)
        tail.look_on_disk()

    disk.after_read = [retried]
    assert seqs_taken(tail) == [2, 3]
    assert seqs_taken(tail) == [4]


def test_entries_nobody_offered_come_before_newer_ones_in_memory() -> None:
    disk = Disk()
    tail = tail_over(disk)
    disk.entries += entries(1)
    commit(disk, tail, 2)
    tail.look_on_disk()
    assert seqs_taken(tail) == [1, 2]


def test_taking_when_nothing_is_there_gives_nothing_and_reads_nothing() -> None:
    disk = Disk()
    assert (seqs_taken(tail_over(disk)), disk.reads) == ([], [])


async def test_wait_returns_when_something_is_offered() -> None:
    disk = Disk()
    tail = tail_over(disk)
    woken = []

    async def reader() -> None:
        await tail.wait()
        woken.append(len(tail))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader)
        await a_few_turns()
        assert woken == []
        commit(disk, tail, 1)
    assert woken == [1]


@pytest.mark.parametrize("is_behind", [True, False])
async def test_wait_returns_at_once_when_something_is_there(is_behind: bool) -> None:
    disk = Disk(entries(1) if is_behind else ())
    tail = tail_over(disk)
    if not is_behind:
        commit(disk, tail, 1)
    with anyio.fail_after(1):
        await tail.wait()


class AnyInterleaving(RuleBasedStateMachine):
    """A writer commits; the event loop is told later, in order; a reader takes, and anything happens meanwhile."""

    @initialize(
        records_max=st.integers(1, 5),
        bytes_max=st.integers(1, 60),
        waiting=st.lists(st.integers(1, 30), max_size=6),
    )
    def start(self, records_max: int, bytes_max: int, waiting: list[int]) -> None:
        self.disk = Disk([Entry(seq, size) for seq, size in enumerate(waiting, 1)])
        self.records_max, self.bytes_max = records_max, bytes_max
        self.tail = tail_over(self.disk, records_max=records_max, bytes_max=bytes_max)
        self.untold: list[list[Entry] | None] = []
        self.taken: list[int] = []

    def commit(self, sizes: list[int], is_offered: bool) -> None:
        first = len(self.disk.entries) + 1
        new = [Entry(seq, size) for seq, size in enumerate(sizes, first)]
        self.disk.entries += new
        self.untold.append(new if is_offered else None)

    def tell(self) -> None:
        if self.untold:
            offered = self.untold.pop(0)
            if offered is None:
                self.tail.look_on_disk()
            else:
                self.tail.offer(offered)

    @rule(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=4), is_offered=st.booleans())
    def writer_commits(self, sizes: list[int], is_offered: bool) -> None:
        self.commit(sizes, is_offered)

    @precondition(lambda self: self.untold)
    @rule()
    def loop_is_told(self) -> None:
        self.tell()

    @rule(
        count=st.integers(1, 6),
        size=st.integers(1, 80),
        before=st.lists(st.sampled_from(["commit", "retry", "tell"]), max_size=3),
        after=st.lists(st.sampled_from(["commit", "retry", "tell"]), max_size=3),
    )
    def reader_takes(self, count: int, size: int, before: list[str], after: list[str]) -> None:
        def happens(what: str) -> Any:
            return self.tell if what == "tell" else lambda: self.commit([7], is_offered=what == "commit")

        self.disk.before_read = [happens(what) for what in before]
        self.disk.after_read = [happens(what) for what in after]
        taken = finished(self.tail.take(count, size))
        self.disk.before_read, self.disk.after_read = [], []
        assert len(taken) <= count
        assert sum(entry.size for entry in taken[:-1]) < size
        self.taken += [entry.seq for entry in taken]

    @invariant()
    def every_entry_comes_once_and_in_order(self) -> None:
        if hasattr(self, "taken"):
            assert self.taken == list(range(1, len(self.taken) + 1))

    @invariant()
    def memory_is_within_its_bounds(self) -> None:
        if hasattr(self, "tail"):
            assert len(self.tail) <= self.records_max
            assert self.tail.bytes <= self.bytes_max
            if not len(self.tail):
                assert self.tail.bytes == 0

    def teardown(self) -> None:
        if not hasattr(self, "tail"):
            return
        while self.untold:
            self.tell()
        while len(self.tail) or self.tail.is_behind:
            self.taken += [entry.seq for entry in finished(self.tail.take(3, 20))]
        assert self.taken == [entry.seq for entry in self.disk.entries]


TestAnyInterleaving = AnyInterleaving.TestCase
TestAnyInterleaving.settings = settings(max_examples=100, stateful_step_count=40)


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(1, 10), st.integers(1, 200))
def test_whatever_the_bounds_a_backlog_is_read_whole(sizes: list[int], count: int, size: int) -> None:
    disk = Disk([Entry(seq, size) for seq, size in enumerate(sizes, 1)])
    tail = tail_over(disk)
    taken = []
    while tail.is_behind:
        taken += seqs_taken(tail, count, size)
    assert taken == list(range(1, len(sizes) + 1))
