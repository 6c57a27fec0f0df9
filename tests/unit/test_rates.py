"""The history of rates, in virtual time: what is noted, how long it is kept, what a long gap does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.config.model import Role
from groundswell.runtime.rates import FOLD, POINTS, STEP_S, Rates
from groundswell.runtime.since import Since
from tests.virtual_time import VirtualClock

ROLES: dict[str, Role] = {"signups": "source", "crm": "sink"}


class Noting:
    """Rates, a clock, and counts that grow as told."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.rates = Rates(self.clock)
        self.accepted = 0.0
        self.waiting = 0.0

    async def step(self, accepted: float, waiting: float = 0.0, *, steps: int = 1) -> None:
        await self.clock.advance(steps * STEP_S)
        self.accepted += accepted
        self.rates.note(ROLES, {"signups": {"accepted": self.accepted}}, {"crm": {"waiting": waiting}})

    def hour(self, component: str, what: str) -> list[float]:
        return list(self.rates.lines(component)[what].hour)

    def day(self, component: str, what: str) -> list[float]:
        return list(self.rates.lines(component)[what].day)


async def test_nothing_is_known_before_the_first_step_and_a_rate_a_second_after_it() -> None:
    noting = Noting()
    assert dict(noting.rates.lines("signups")) == {}
    await noting.step(50)
    assert noting.hour("signups", "accepted") == [10.0]
    assert noting.rates.latest("signups") == {"accepted": 10.0, "duplicates": 0.0, "processed": 0.0}
    assert noting.rates.latest("crm") == {"delivered": 0.0, "skipped": 0.0, "retried": 0.0}


async def test_what_waits_is_kept_as_it_is_and_the_highest_of_each_step_of_the_day() -> None:
    noting = Noting()
    for number in range(FOLD):
        await noting.step(5, waiting=7.0 if number == 3 else 1.0)
    assert noting.hour("crm", "waiting") == [1.0, 1.0, 1.0, 7.0, *[1.0] * (FOLD - 4)]
    assert noting.day("crm", "waiting") == [7.0]
    assert noting.day("signups", "accepted") == [1.0]


async def test_it_keeps_an_hour_and_a_day_and_not_a_point_more() -> None:
    noting = Noting()
    for _ in range(FOLD * (POINTS + 2)):
        await noting.step(1)
    assert len(noting.hour("signups", "accepted")) == POINTS == 3_600 / STEP_S
    assert len(noting.day("signups", "accepted")) == POINTS == 86_400 / STEP_S / FOLD


async def test_what_happened_while_nobody_could_note_it_is_spread_over_the_steps_it_took() -> None:
    noting = Noting()
    await noting.step(5)
    await noting.step(60, steps=4)
    assert noting.hour("signups", "accepted") == [1.0, 3.0, 3.0, 3.0, 3.0]
    assert noting.rates.until == noting.clock.now()


async def test_noting_too_soon_ends_no_step() -> None:
    noting = Noting()
    await noting.clock.advance(STEP_S / 2)
    assert noting.rates.next_in_s() == STEP_S / 2
    noting.rates.note(ROLES, {"signups": {"accepted": 9.0}}, {})
    assert dict(noting.rates.lines("signups")) == {}
    await noting.clock.advance(STEP_S / 2)
    noting.rates.note(ROLES, {"signups": {"accepted": 10.0}}, {})
    assert noting.hour("signups", "accepted") == [2.0]


async def test_what_a_reload_takes_away_is_forgotten_and_what_it_brings_begins_then() -> None:
    noting = Noting()
    await noting.step(5)
    await noting.clock.advance(STEP_S)
    noting.rates.note({"signups": "source", "archive": "sink"}, {"signups": {"accepted": 5.0}}, {})
    assert dict(noting.rates.lines("crm")) == {}
    assert noting.hour("archive", "delivered") == [0.0]
    assert noting.hour("signups", "accepted") == [1.0, 0.0]


@given(st.lists(st.tuples(st.integers(0, 1_000), st.integers(1, 30)), min_size=1, max_size=60))
async def test_rates_times_time_are_the_counts_however_late_the_steps_are_noted(steps: list[tuple[int, int]]) -> None:
    noting = Noting()
    for accepted, took in steps:
        await noting.step(accepted, steps=took)
    points = noting.hour("signups", "accepted")
    if sum(took for _, took in steps) <= POINTS:
        assert sum(points) * STEP_S == pytest.approx(noting.accepted, rel=1e-5)
    assert len(points) == min(POINTS, sum(took for _, took in steps))


def test_a_state_is_dated_when_it_is_first_told() -> None:
    since = Since()
    assert since.note({"crm": "running"}, 10.0) == {"crm": 10.0}
    assert since.note({"crm": "running"}, 15.0) == {"crm": 10.0}
    assert since.note({"crm": "away", "people": "running"}, 20.0) == {"crm": 20.0, "people": 20.0}
    assert since.note({"people": "running"}, 25.0) == {"people": 20.0}
    assert since.note({"crm": "away"}, 30.0) == {"crm": 30.0}, "it was gone meanwhile"
