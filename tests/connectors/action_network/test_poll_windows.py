"""Cutting a span of time into windows."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.action_network.polling.windows import AHEAD_MAX, PAGES_AIM, PAGES_MAX, Plan, Task, Window

YEAR_S = 365 * 86_400


def covered(plan: Plan) -> list[Window]:
    """What is done, as one window, and the others."""
    return [Window(plan.span.start, plan.done_to), *plan.windows]


def assert_is_the_span(plan: Plan) -> None:
    windows = covered(plan)
    assert windows[0].start == plan.span.start
    assert windows[-1].end == plan.span.end
    assert all(before.end == after.start for before, after in pairwise(windows))
    assert all(window.seconds > 0 for window in windows[1:])


@given(st.integers(0, 2_000_000_000), st.integers(1, 500_000_000), st.data())
def test_windows_are_exactly_the_span_whatever_becomes_of_them(start: int, seconds: int, data: st.DataObject) -> None:
    plan = Plan(Window(start, start + seconds))
    taken: list[Task] = []
    for _ in range(data.draw(st.integers(1, 40))):
        match data.draw(st.sampled_from(["take", "take", "finish", "split", "give back"])):
            case "take":
                task = plan.take()
                taken += [task] if task is not None else []
            case "finish" if taken:
                plan.finish(taken.pop(data.draw(st.integers(0, len(taken) - 1))), data.draw(st.integers(0, 2_000)))
            case "split" if taken:
                task = taken.pop()
                if task.can_be_split:
                    plan.split(task)
                else:
                    plan.finish(task, 5_000)
            case "give back" if taken:
                plan.give_back(taken.pop())
        assert_is_the_span(plan)


@given(st.integers(1, 3_000), st.data())
def test_every_window_ends_up_shallow_or_a_single_second(seconds: int, data: st.DataObject) -> None:
    """Some seconds hold very many; what is deeper than it may be is split until it is not, and all are counted once."""
    busy = data.draw(st.dictionaries(st.integers(0, seconds - 1), st.integers(1, 3_000), max_size=12))
    plan = Plan(Window(0, seconds))
    counted = 0
    while (task := plan.take()) is not None:
        held = sum(count for second, count in busy.items() if task.window.start <= second < task.window.end)
        if held > PAGES_MAX * 25 and task.can_be_split:
            plan.split(task)
        else:
            counted += held
            plan.finish(task, held)
    assert plan.is_done
    assert plan.done_to == seconds
    assert counted == sum(busy.values())


def test_a_window_that_was_given_back_is_taken_again_as_it_was() -> None:
    plan = Plan(Window(0, 1_000))
    task = plan.take()
    assert task is not None
    assert plan.take() is None
    plan.give_back(task)
    assert plan.take() is task


def test_a_window_that_was_begun_keeps_its_length_when_others_turn_out_to_be_busy() -> None:
    """Pages that were read of it are pages of this window; of a shorter one they would be others."""
    plan = Plan(Window(0, 1_000))
    whole = plan.take()
    assert whole is not None
    plan.split(whole)
    first, second = plan.take(), plan.take()
    assert first is not None
    assert second is not None
    plan.give_back(second)
    plan.finish(first, 20_000)
    assert plan.take() is second
    assert second.window == Window(500, 1_000)


def test_what_is_done_moves_only_over_windows_that_are_finished() -> None:
    plan = Plan(Window(0, 1_000))
    whole = plan.take()
    assert whole is not None
    plan.split(whole)
    first, second = plan.take(), plan.take()
    assert first is not None
    assert second is not None
    assert plan.end_after(second) is None
    plan.finish(second, 10)
    assert plan.done_to == 0
    assert plan.end_after(first) == 1_000
    plan.finish(first, 10)
    assert plan.done_to == 1_000
    assert plan.is_done


def test_windows_become_as_long_as_it_takes_to_hold_some_sixteen_pages() -> None:
    """One person a minute for a year: after a few windows nearly all are of the size that is aimed at."""
    plan = Plan(Window(0, YEAR_S))
    sizes = []
    while (task := plan.take()) is not None:
        records = task.window.seconds // 60
        if records > PAGES_MAX * 25:
            plan.split(task)
        else:
            sizes.append(records / 25)
            plan.finish(task, records)
    usual = [size for size in sizes if abs(size - PAGES_AIM) < 1]
    assert len(usual) > 0.95 * len(sizes)
    assert len(sizes) < 1.1 * YEAR_S / 60 / 25 / PAGES_AIM


def test_twelve_empty_years_go_by_in_a_few_windows() -> None:
    plan = Plan(Window(0, 16 * YEAR_S))
    looks_at_nothing = 0
    while (task := plan.take()) is not None:
        records = max(0, task.window.end - max(task.window.start, 12 * YEAR_S)) // 600
        looks_at_nothing += records == 0
        if records > PAGES_MAX * 25:
            plan.split(task)
        else:
            plan.finish(task, records)
    assert looks_at_nothing < 15


def test_not_too_many_windows_are_done_behind_one_that_is_not() -> None:
    """They would all be read again after a crash."""
    plan = Plan(Window(0, 100 * YEAR_S))
    first = plan.take()
    assert first is not None
    for _ in range(12):
        plan.split(first)
        first = plan.take()
        assert first is not None
    done = 0
    while (task := plan.take()) is not None:
        plan.finish(task, 50_000)
        done += 1
        assert done <= AHEAD_MAX
    assert done == plan.ahead
    plan.finish(first, 1)
    assert plan.ahead == 0
