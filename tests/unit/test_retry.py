"""When something is tried again: the bounds of the waits, what the other side asked for, and when to give up."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.errors import RateLimitedError, RejectedError, UnauthorizedError, UnavailableError
from groundswell.runtime.retry import (
    FIRST_WAIT_S,
    LONGEST_ASKED_S,
    LONGEST_WAIT_S,
    SHORTEST_WAIT_S,
    asked_s,
    away_s,
    has_given_up,
    is_hopeless,
    wait_s,
)

AWAY = UnavailableError("crm: posting 1 record: crm.example answered 502")
seeds = st.integers().map(Random)


@given(st.integers(1, 10_000), seeds)
def test_a_wait_is_anything_up_to_a_bound_that_doubles(attempts: int, random: Random) -> None:
    bound = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempts - 1, 60))
    assert SHORTEST_WAIT_S <= wait_s(attempts, AWAY, random) <= bound


def test_waits_use_all_of_their_range_so_that_many_do_not_come_back_at_once() -> None:
    random = Random(1)
    waits = sorted(wait_s(6, AWAY, random) for _ in range(1_000))
    assert waits[50] < 3.0
    assert waits[-50] > 29.0


@given(st.floats(0, 86_400), st.integers(1, 100), seeds)
def test_whoever_asks_for_a_wait_gets_it_and_little_more(asked: float, attempts: int, random: Random) -> None:
    wait = wait_s(attempts, RateLimitedError("", asked), random)
    assert max(asked, SHORTEST_WAIT_S) <= wait <= max(asked, SHORTEST_WAIT_S) + min(1.0, asked / 10)


def test_told_to_wait_without_a_time_it_is_as_any_failure() -> None:
    assert wait_s(3, RateLimitedError(""), Random(1)) == wait_s(3, AWAY, Random(1))


@pytest.mark.parametrize(
    ("said", "waited"),
    [(None, None), (0.0, 0.0), (12.5, 12.5), (-3.0, 0.0), (1e18, LONGEST_ASKED_S), (float("inf"), LONGEST_ASKED_S)],
)
def test_what_is_asked_for_is_kept_within_reason(said: float | None, waited: float | None) -> None:
    assert asked_s(RateLimitedError("", said)) == waited


def test_not_a_number_is_no_wait() -> None:
    assert asked_s(RateLimitedError("", float("nan"))) == 0.0


def test_other_errors_ask_for_nothing() -> None:
    assert asked_s(AWAY) is None


@given(st.integers(3, 200), seeds)
def test_a_sink_that_is_away_is_probed_at_least_every_minute(failures: int, random: Random) -> None:
    bound = min(60.0, 2.0 ** min(failures - 3, 60))
    assert bound / 2 <= away_s(failures, random) <= bound


@pytest.mark.parametrize(("age_ms", "given_up"), [(0, False), (59_999, False), (60_000, True), (-5_000, False)])
def test_giving_up_is_a_matter_of_age(age_ms: int, given_up: bool) -> None:
    assert has_given_up(1_000_000, 1_000_000 + age_ms, timedelta(minutes=1)) is given_up


FAULT = UnavailableError("crm: posting 1 record: crm.example answered 500", 5)


@pytest.mark.parametrize(("attempts", "hopeless"), [(1, False), (4, False), (5, True), (6, True)])
def test_what_may_break_them_is_tried_a_few_times_only(attempts: int, hopeless: bool) -> None:
    assert is_hopeless(attempts, FAULT) is hopeless


@pytest.mark.parametrize(
    "error", [AWAY, RateLimitedError(""), UnauthorizedError(""), RejectedError(""), ValueError("")], ids=repr
)
def test_no_number_of_tries_makes_another_error_hopeless(error: Exception) -> None:
    assert not is_hopeless(10**6, error)
