"""Reading the pages of one window while they move."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.action_network.polling.reading import Reading
from groundswell.connectors.action_network.polling.walk import WALKS_MAX, Walk
from groundswell.connectors.action_network.polling.whole import Pass
from groundswell.connectors.action_network.polling.windows import PAGES_MAX
from groundswell.errors import UnavailableError

PER_PAGE = 25


class Moving:
    """A list that changes before each call. Nobody comes; some leave, some change places."""

    def __init__(self, count: int, change: Callable[["Moving"], None] = lambda _: None) -> None:
        self.order = list(range(count))
        self.calls: list[int] = []
        self._change = change

    async def ask(self, number: int) -> Sequence[dict[str, Any]]:
        self._change(self)
        self.calls.append(number)
        start = (number - 1) * PER_PAGE
        return [{"identifiers": [f"action_network:p{one}"]} for one in self.order[start : start + PER_PAGE]]

    def leave(self, place: int) -> None:
        if self.order:
            del self.order[place % len(self.order)]

    def move(self, here: int, there: int) -> None:
        if self.order:
            self.order.insert(there % len(self.order), self.order.pop(here % len(self.order)))


async def read_all(reading: Reading, of: Moving) -> list[int]:
    """Everybody it shows, in order."""
    found: list[int] = []
    while (page := await reading.read(of.ask)) is not None:
        found += [int(one["identifiers"][0].rpartition("p")[2]) for one in page]
        reading.took()
    return found


places = st.integers(0, 200)
changes = st.one_of(st.tuples(st.just("leave"), places, places), st.tuples(st.just("move"), places, places))


@given(
    st.integers(0, 160), st.one_of(st.none(), st.integers(0, 25)), st.lists(st.lists(changes, max_size=2), max_size=14)
)
async def test_a_walk_that_calls_itself_complete_has_seen_everybody_who_stayed(
    count: int, expected: int | None, script: list[list[tuple[str, int, int]]]
) -> None:
    steps = iter(script)

    def change(moving: Moving) -> None:
        for word, here, there in next(steps, []):
            moving.leave(here) if word == "leave" else moving.move(here, there)

    moving = Moving(count, change)
    walk = Walk("test", expected)
    found = await read_all(walk, moving)
    if walk.verdict == "complete":
        assert set(moving.order) <= set(found)
    assert len(found) == len(set(found)) == walk.records


@given(st.integers(0, 400), st.lists(places, max_size=30))
async def test_nobody_who_stays_is_missed_when_others_only_leave(count: int, leaving: list[int]) -> None:
    """That is what walking backwards is for; whether it was only leaving cannot be told, so it may say "disturbed"."""
    steps = iter(leaving)

    def change(moving: Moving) -> None:
        place = next(steps, None)
        if place is not None:
            moving.leave(place)

    moving = Moving(count, change)
    found = await read_all(Walk("test"), moving)
    assert set(moving.order) <= set(found)


@pytest.mark.parametrize("count", [0, 1, 24, 25, 26, 49, 50, 51, 375, 499, 500])
@pytest.mark.parametrize("expected", [None, 0, 1, 2, 15, 20, 21])
async def test_a_window_that_keeps_still_is_read_once(count: int, expected: int | None) -> None:
    moving = Moving(count)
    walk = Walk("test", expected)
    assert sorted(await read_all(walk, moving)) == list(range(count))
    assert walk.verdict == "complete"
    assert (walk.records, walk.pages) == (count, -(-count // PER_PAGE))


@pytest.mark.parametrize(
    ("count", "expected", "calls"), [(0, None, 1), (24, None, 2), (25, None, 3), (24, 1, 2), (375, 15, 16)]
)
async def test_few_calls_are_spent_on_finding_the_end(count: int, expected: int | None, calls: int) -> None:
    moving = Moving(count)
    await read_all(Walk("test", expected), moving)
    assert len(moving.calls) == calls


async def test_a_deep_window_is_noticed_before_it_is_read() -> None:
    moving = Moving(2_000)
    walk = Walk("test", is_deep_likely=True)
    assert await read_all(walk, moving) == []
    assert walk.verdict == "too deep"
    assert moving.calls == [PAGES_MAX + 1]


async def test_a_full_page_is_asked_for_again_once_the_next_is_known_to_be_empty() -> None:
    """Somebody leaves between the two calls, and the 26th moves up to page 1, which was read already."""

    def change(moving: Moving) -> None:
        if moving.calls == [1]:
            moving.leave(3)

    moving = Moving(26, change)
    walk = Walk("test", None)
    assert 25 in await read_all(walk, moving)
    assert moving.calls == [1, 2, 1]


async def test_a_second_with_two_thousand_people_is_walked_until_a_walk_shows_as_many_as_there_are() -> None:
    random = Random(5)

    def change(moving: Moving) -> None:
        if len(moving.calls) < 200:
            moving.move(random.randrange(2_000), random.randrange(2_000))

    moving = Moving(2_000, change)
    walk = Walk("test", 21, pages_max=None)
    assert sorted(await read_all(walk, moving)) == list(range(2_000))
    assert walk.verdict == "complete"
    assert len(moving.calls) > 240


async def test_a_second_that_people_keep_leaving_ends_after_two_walks_without_news() -> None:
    random = Random(6)
    moving = Moving(2_000, lambda moving: moving.leave(random.randrange(2_000)))
    walk = Walk("test", 80, pages_max=None)
    found = await read_all(walk, moving)
    assert set(moving.order) <= set(found)
    assert len(moving.calls) < 4 * 80


async def test_a_second_that_never_shows_all_is_an_error_and_read_anew_next_time() -> None:
    """Page 1 has others each time: there is news in every walk."""
    hidden = iter(range(10_000, 20_000))

    def change(moving: Moving) -> None:
        moving.order = [*moving.order[1:], next(hidden)]

    moving = Moving(60, change)
    walk = Walk("people: reading people", None, pages_max=None)
    with pytest.raises(UnavailableError, match=f"people: reading people: .* incomplete after {WALKS_MAX} walks"):
        await read_all(walk, moving)
    moving._change = lambda _: None
    found = await read_all(walk, moving)
    assert walk.verdict == "complete"
    assert len(found) < 60, "those taken before are not shown again"


@given(st.integers(0, 160), st.sets(st.integers(0, 40)), st.booleans())
async def test_a_walk_goes_on_where_a_call_failed(count: int, failing: set[int], taking_fails: bool) -> None:
    moving, calls = Moving(count), iter(range(10_000))

    async def ask(number: int) -> Sequence[dict[str, Any]]:
        if next(calls) in failing:
            raise UnavailableError("not now")
        return await moving.ask(number)

    walk = Walk("test")
    found: list[str] = []
    while True:
        try:
            page = await walk.read(ask)
        except UnavailableError:
            continue
        if page is None:
            break
        if taking_fails and next(calls) in failing:
            continue
        found += [one["identifiers"][0] for one in page]
        walk.took()
    assert walk.verdict == "complete"
    assert len(found) == len(set(found)) == count
    undisturbed = Moving(count)
    await read_all(Walk("test"), undisturbed)
    assert len(moving.calls) <= len(undisturbed.calls) + 1


async def test_a_pass_reads_forwards_to_the_empty_page() -> None:
    moving = Moving(60)
    whole = Pass("test")
    assert await read_all(whole, moving) == list(range(60))
    assert moving.calls == [1, 2, 3, 4]
    assert (whole.records, whole.pages) == (60, 3)


async def test_a_pass_is_repeated_once_when_something_came_twice() -> None:
    def change(moving: Moving) -> None:
        if moving.calls in ([1], [1, 2, 3, 4]):
            moving.order.insert(0, 1_000 + len(moving.calls))

    moving = Moving(60, change)
    assert set(await read_all(Pass("test"), moving)) >= set(moving.order)
    assert moving.calls == [1, 2, 3, 4, 1, 2, 3, 4]


async def test_a_pass_does_not_read_the_same_page_for_ever() -> None:
    async def ask(number: int) -> Sequence[dict[str, Any]]:
        return [{"identifiers": ["action_network:p1"]}]

    whole = Pass("people: reading tags")
    assert await whole.read(ask) is not None
    whole.took()
    with pytest.raises(UnavailableError, match="people: reading tags: page 2 is page 1 again"):
        await whole.read(ask)
