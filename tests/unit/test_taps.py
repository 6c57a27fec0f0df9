"""Who looks sees what happens, as far as they can follow; nobody waits for them."""

from collections.abc import Sequence

import anyio
import pytest

from groundswell.component import Delivery, Rejected, Retry, Skipped
from groundswell.errors import NotNowError, UnavailableError
from groundswell.members.book import Book, EmptyShelf
from groundswell.record import Record
from groundswell.runtime import taps as module
from groundswell.runtime.taps import QUEUE_BYTES_MAX, QUEUE_RECORDS_MAX, TAPPERS_MAX, Passed, Taps
from tests.unit.test_plan import NOW, Pipeline, drop, entry, keep, refuse, tag


def passed(number: int = 1, *, component: str = "crm", kind: str = "action", size: int = 10) -> Passed:
    delivery = Delivery(f"test/{number}", kind, "lane", b"{}")
    return Passed(NOW, component, "delivered", delivery, size)


def tapped(pipeline: Pipeline, *raws: object) -> list[tuple[str, str, str | None]]:
    """(component, fate, why) of everything that passes."""
    entries = [entry(n, raw) for n, raw in enumerate(raws, 1)]
    made = pipeline.plan.process(entries, NOW, Book(EmptyShelf()), is_tapped=True)
    assert made.passed is not None
    return [(one.component, one.fate, one.why) for one in made.passed]


# ---- what processing shows ----


def test_nothing_is_noted_while_nobody_looks() -> None:
    assert Pipeline({"a": ["in1"]}, {"crm": ["a"]}, a=keep).process({}).passed is None


def test_each_component_that_a_record_reaches_shows_what_came_out_of_it() -> None:
    pipeline = Pipeline({"a": ["in1"], "b": ["a"]}, {"crm": ["b"]}, a=tag("a"), b=tag("b"))
    made = pipeline.plan.process([entry(1)], NOW, Book(EmptyShelf()), is_tapped=True)
    assert made.passed is not None
    ways = [(one.component, one.record.action.tags if one.record.action else []) for one in made.passed]  # type: ignore[union-attr]
    assert ways == [("in1", []), ("a", ["a"]), ("b", ["a", "b"])]


def test_what_is_dropped_is_shown_where_it_was_dropped_and_nowhere_behind() -> None:
    pipeline = Pipeline({"a": ["in1"], "b": ["a"]}, {"crm": ["b"]}, a=drop, b=keep)
    assert tapped(pipeline, {}) == [("in1", "passed", None), ("a", "filtered", None)]


def test_what_fails_is_shown_where_it_failed_and_why() -> None:
    pipeline = Pipeline({"a": ["in1"], "b": ["a"]}, {"crm": ["b"]}, a=keep, b=refuse)
    assert tapped(pipeline, {}) == [("in1", "passed", None), ("a", "passed", None), ("b", "failed", "no_phone")]


def test_what_cannot_be_read_is_not_shown_and_its_neighbours_are() -> None:
    assert tapped(Pipeline({}, {"crm": ["in1"]}), [1], {}) == [("in1", "passed", None)]


# ---- the queue of one who looks ----


async def test_what_is_looked_at_is_one_component_or_one_kind_or_all() -> None:
    taps = Taps()
    shown = [passed(1), passed(2, component="log"), passed(3, kind="person")]
    with taps.opened(None, None) as all_of_it, taps.opened("log", None) as log, taps.opened(None, "person") as people:
        taps.show(shown)
        numbers = [[one.record.record_id for one in tapper.take(9)] for tapper in (all_of_it, log, people)]  # type: ignore[union-attr]
    assert numbers == [["test/1", "test/2", "test/3"], ["test/2"], ["test/3"]]
    assert not taps.are_open


def taken(tapper: module.Tapper) -> Sequence[Passed]:
    return tapper.take(10 * QUEUE_RECORDS_MAX)


async def test_what_there_is_no_room_for_is_dropped_and_counted_once() -> None:
    taps = Taps()
    with taps.opened(None, None) as tapper:
        taps.show([passed(n) for n in range(QUEUE_RECORDS_MAX + 7)])
        assert (len(taken(tapper)), tapper.dropped(), tapper.dropped()) == (QUEUE_RECORDS_MAX, 7, 0)
        large = QUEUE_BYTES_MAX // 2
        taps.show([passed(n, size=large) for n in range(5)])
        assert (len(taken(tapper)), tapper.dropped()) == (2, 3)
        taps.show([passed(size=9 * QUEUE_BYTES_MAX), passed()])
        assert (len(taken(tapper)), tapper.dropped()) == (1, 1)
        taps.show([passed()])
        assert len(taken(tapper)) == 1, "the bytes of what was taken count no more"


async def test_what_came_is_not_kept_with_what_was_made_of_it() -> None:
    taps = Taps()
    with taps.opened(None, None) as tapper:
        record = Record(id="test/1", kind="person", source="in1", raw={"large": "thing"})
        taps.show([Passed(NOW, "in1", "passed", record, 10)])
        (one,) = taken(tapper)
    assert one.record == Record(id="test/1", kind="person", source="in1")


async def test_who_looks_waits_until_something_happens() -> None:
    taps = Taps()
    with taps.opened(None, None) as tapper, anyio.fail_after(5):
        taps.show([passed(1), passed(2)])
        await tapper.wait()
        assert len(tapper.take(1)) == 1
        await tapper.wait()
        assert len(tapper.take(1)) == 1
        with anyio.move_on_after(0) as nothing:
            await tapper.wait()
        assert nothing.cancelled_caught
        taps.end("it stops")
        await tapper.wait()
        assert tapper.ended == "it stops"
    with pytest.raises(NotNowError, match="it stops"), taps.opened(None, None):
        pass


async def test_only_so_many_look_at_once() -> None:
    taps = Taps()
    opened = [taps.opened(None, None) for _ in range(TAPPERS_MAX)]
    for one in opened:
        one.__enter__()
    with pytest.raises(NotNowError, match="already look"), taps.opened(None, None):
        pass
    opened[0].__exit__(None, None, None)
    with taps.opened(None, None):
        pass


# ---- what sinks show ----


def test_what_became_of_a_delivery_is_told_with_its_reason() -> None:
    assert [module.fate_of(outcome) for outcome in (Skipped("same"), Rejected("bad", "x"))] == [
        ("skipped", "same"),
        ("rejected", "bad"),
    ]
    assert module.fate_of(Retry(UnavailableError("away"))) == ("retried", "unavailable")
