"""Four calls in any second, counted where they arrive; and the key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.action_network.simulator.limits import Arrivals
from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from groundswell.connectors.action_network.simulator.state.counts import Counts
from tests.connectors.action_network.simulated import Desk, person_of

TOO_MANY = {"error": "Too many requests"}


def statuses(desk: Desk, calls: int) -> list[int]:
    return [desk.answer("GET", "people").status for _ in range(calls)]


async def test_the_fifth_call_of_a_second_is_refused_and_counted() -> None:
    desk = Desk(calls_per_s=4)
    assert statuses(desk, 6) == [200] * 4 + [429] * 2
    counts = desk.control.counts
    assert (counts.calls, counts.refused, counts.most_in_one_second) == (6, 2, 6)
    assert desk.answer("GET", "people").body == TOO_MANY
    await desk.clock.advance(1.0)
    assert statuses(desk, 5) == [200] * 4 + [429]


async def test_the_second_slides() -> None:
    desk = Desk(calls_per_s=4)
    answers = []
    for _ in range(12):
        answers += statuses(desk, 1)
        await desk.clock.advance(0.24)
    # The fifth comes 0.96 s after the first.
    assert answers[:5] == [200] * 4 + [429]
    assert desk.control.counts.most_in_one_second == 5


async def test_calls_a_quarter_of_a_second_apart_are_all_within_the_limit() -> None:
    desk = Desk(calls_per_s=4)
    for _ in range(40):
        assert statuses(desk, 1) == [200]
        await desk.clock.advance(0.25)
    assert desk.control.counts.most_in_one_second == 4


async def test_whether_a_refused_call_counts_is_a_switch() -> None:
    async def answers(desk: Desk) -> list[int]:
        found = statuses(desk, 4)
        for _ in range(8):
            await desk.clock.advance(0.2)
            found += statuses(desk, 1)
        return found[4:]

    # Once every 0.2 s is more than four a second: they are refused for as long as it goes on like that.
    assert await answers(Desk(calls_per_s=4, refused_calls_count=True)) == [429] * 8
    assert 200 in await answers(Desk(calls_per_s=4, refused_calls_count=False))


@given(gaps=st.lists(st.floats(0, 0.6), max_size=60), limit=st.integers(1, 5))
def test_what_is_let_in_never_passes_the_limit_in_any_second(gaps: list[float], limit: int) -> None:
    arrivals, counts, now = Arrivals(), Counts(), 100.0
    all_of_them, let_in = [], []
    for gap in gaps:
        now += gap
        all_of_them.append(now)
        if arrivals.arrive(now, limit, counts, refused_count=False):
            let_in.append(now)

    def most(times: list[float]) -> int:
        return max((sum(start <= one < start + 1.0 for one in times) for start in times), default=0)

    assert most(let_in) <= limit
    assert counts.most_in_one_second == most(all_of_them)
    assert counts.refused == len(all_of_them) - len(let_in)


def test_a_429_says_when_to_come_back_only_by_switch() -> None:
    desk = Desk(calls_per_s=1)
    assert [desk.answer("GET", "people").retry_after_s for _ in range(2)] == [None, None]
    desk = Desk(calls_per_s=1, retry_after_s=2.0)
    assert [desk.answer("GET", "people").retry_after_s for _ in range(2)] == [None, 2.0]


def test_the_default_is_four_a_second() -> None:
    assert statuses(Desk(behaviour=Behaviour()), 5)[-1] == 429


# The key


@pytest.mark.parametrize("key", ["wrong", "", None])
@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_refused_and_shown(key: str | None, status: int) -> None:
    desk = Desk(bad_key_status=status)
    answer = desk.answer("GET", "events", per_page=1, key=key)
    assert answer.status == status
    assert answer.body == {"error": f"API Key invalid or not present: {key or ''}"}


def test_the_entry_point_is_200_to_any_key_and_only_its_links_differ() -> None:
    desk = Desk()
    good, bad, none = (desk.answer("GET", "", key=key) for key in ("simulator-key", "wrong", None))
    assert {good.status, bad.status, none.status} == {200}
    assert good.body["max_page_size"] == 25
    assert "osdi:tags" in good.body["_links"]
    assert "osdi:tags" not in bad.body["_links"]
    assert bad.body == none.body
    for link in ("osdi:people", "osdi:donations", "action_network:surveys", "osdi:person_signup_helper"):
        assert {"href", "title"} == good.body["_links"][link].keys()


def test_a_helper_takes_a_post_without_key_and_says_nothing_about_it() -> None:
    desk = Desk(helper_failure="error")
    assert desk.answer("POST", "people", {"person": person_of(email="rosa@example.org")}, key=None).body == {}
    form = f"forms/{desk.page_of('forms')}/submissions"
    assert desk.answer("POST", form, {"person": person_of(email="rosa@example.org")}, key=None).body == {}
    assert desk.answer("POST", form, {"person": {}}, key=None).body == {}
    assert len(desk.listed(form)) == 1
    assert desk.answer("POST", form, {"person": person_of(email="rosa@example.org")}, key="wrong").status == 403
    assert desk.answer("POST", "tags", {"name": "x"}, key=None).status == 403
