"""A sink's gate: what each answer does to it, when it lets deliveries through again, and one probe at a time."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.errors import RateLimitedError, RemoteError, UnauthorizedError, UnavailableError
from groundswell.runtime.gate import Gate
from groundswell.runtime.retry import FAILURES_BEFORE_AWAY, UNAUTHORIZED_PROBE_S

NOW = 1_000.0
AWAY = UnavailableError("crm: posting 1 record: crm.example answered 502 Bad Gateway")
WAIT = RateLimitedError("crm: posting 1 record: crm.example answered 429; in 30 s", 30.0)
WAIT_SOMETIME = RateLimitedError("crm: posting 1 record: crm.example answered 429; later")
NOBODY = UnauthorizedError("crm: posting 1 record: crm.example answered 401")
ANY_NUMBER = 2**31


def gate_after(*errors: RemoteError, at: float = NOW) -> Gate:
    """A gate that met these answers, each to a delivery taken when the gate let it through."""
    gate = Gate(Random(1))
    for error in errors:
        gate.took()
        gate.failed(error, at)
        at += gate.opens_in(at) or 0.0
    return gate


def away() -> Gate:
    return gate_after(*[AWAY] * FAILURES_BEFORE_AWAY)


def opens_at(gate: Gate, now: float = NOW) -> float:
    opens_in = gate.opens_in(now)
    assert opens_in is not None
    return now + opens_in


def test_a_new_gate_is_open() -> None:
    gate = Gate(Random(1))
    assert (gate.state, gate.allows(NOW), gate.last_error) == ("running", ANY_NUMBER, None)


@pytest.mark.parametrize(
    ("errors", "state"),
    [
        ([AWAY], "running"),
        ([AWAY] * (FAILURES_BEFORE_AWAY - 1), "running"),
        ([AWAY] * FAILURES_BEFORE_AWAY, "away"),
        ([WAIT], "rate_limited"),
        ([NOBODY], "unauthorized"),
        ([*[AWAY] * FAILURES_BEFORE_AWAY, NOBODY], "unauthorized"),
        ([*[AWAY] * FAILURES_BEFORE_AWAY, WAIT], "rate_limited"),
        ([NOBODY, AWAY], "away"),
        ([NOBODY, WAIT], "rate_limited"),
        ([WAIT, NOBODY], "unauthorized"),
        ([WAIT, AWAY], "rate_limited"),
        ([WAIT, WAIT], "rate_limited"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(type(error).__name__ for error in value),
)
def test_what_answers_make_of_a_gate(errors: list[RemoteError], state: str) -> None:
    gate = gate_after(*errors)
    assert (gate.state, gate.last_error) == (state, str(errors[-1]))


def test_failures_with_successes_between_do_not_make_a_sink_away() -> None:
    gate = Gate(Random(1))
    for _ in range(10):
        for _ in range(FAILURES_BEFORE_AWAY - 1):
            gate.failed(AWAY, NOW)
        gate.succeeded(NOW)
    assert gate.state == "running"


def test_away_lets_nothing_through_until_it_is_time_and_then_one() -> None:
    gate = away()
    time = opens_at(gate)
    assert NOW < time <= NOW + 1.0
    assert gate.allows(time - 0.001) == 0
    assert gate.allows(time) == 1
    gate.took()
    assert gate.allows(time) == 0
    assert gate.opens_in(time) is None


def test_a_probe_that_succeeds_opens_the_gate_for_all() -> None:
    gate = away()
    gate.took()
    assert gate.succeeded(NOW + 1)
    assert (gate.state, gate.allows(NOW + 1), gate.last_error) == ("running", ANY_NUMBER, None)
    assert not gate.succeeded(NOW + 1)


def test_a_probe_that_fails_closes_it_for_longer() -> None:
    gate = away()
    waits = []
    now = NOW
    for _ in range(12):
        now = opens_at(gate, now)
        gate.took()
        assert not gate.failed(AWAY, now)
        waits.append(opens_at(gate, now) - now)
    for number, wait in enumerate(waits, 1):
        bound = min(60.0, 2.0**number)
        assert bound / 2 <= wait <= bound


def test_refused_credentials_are_probed_again_after_a_while() -> None:
    gate = gate_after(NOBODY)
    assert opens_at(gate) == NOW + UNAUTHORIZED_PROBE_S
    assert gate.allows(NOW + UNAUTHORIZED_PROBE_S) == 1


def test_told_to_wait_it_waits_that_long_and_then_lets_all_through() -> None:
    gate = gate_after(WAIT)
    assert gate.allows(NOW + 29.9) == 0
    assert gate.allows(NOW + 30.0) == ANY_NUMBER


def test_told_to_wait_without_a_time_it_waits_ever_longer() -> None:
    gate = Gate(Random(1))
    waits, now = [], NOW
    for _ in range(12):
        gate.failed(WAIT_SOMETIME, now)
        waits.append(opens_at(gate, now) - now)
        now = opens_at(gate, now)
    assert waits[0] <= 1.0
    assert 30.0 <= waits[-1] <= 60.0


def test_told_to_wait_a_second_time_it_waits_again() -> None:
    # Once, only the first 429 closed the gate: every later one counted as sent before we knew.
    gate = gate_after(WAIT)
    assert gate.allows(NOW + 30) == ANY_NUMBER
    gate.failed(WAIT, NOW + 30)
    assert gate.allows(NOW + 59) == 0


def test_an_answer_to_what_was_sent_before_does_not_end_the_wait() -> None:
    gate = gate_after(WAIT)
    assert not gate.succeeded(NOW + 1)
    assert (gate.state, gate.allows(NOW + 1)) == ("rate_limited", 0)
    assert gate.succeeded(NOW + 31)
    assert gate.state == "running"


def test_a_longer_wait_asked_for_meanwhile_counts_and_a_shorter_does_not() -> None:
    gate = gate_after(WAIT)
    gate.failed(RateLimitedError("", 5.0), NOW + 1)
    assert opens_at(gate) == NOW + 30
    gate.failed(RateLimitedError("", 60.0), NOW + 2)
    assert opens_at(gate) == NOW + 62


def test_failures_of_what_was_sent_before_do_not_shorten_a_wait_asked_for() -> None:
    gate = gate_after(WAIT)
    for _ in range(10):
        assert not gate.failed(AWAY, NOW + 1)
    assert (gate.state, opens_at(gate)) == ("rate_limited", NOW + 30)


def test_failures_of_what_was_sent_before_are_no_news() -> None:
    gate = away()
    time = opens_at(gate)
    assert not gate.failed(AWAY, NOW)
    assert opens_at(gate) == time


@pytest.mark.parametrize("before", [away, lambda: gate_after(WAIT)])
def test_refused_credentials_are_news_in_any_trouble(before: Any) -> None:
    gate = before()
    assert gate.failed(NOBODY, NOW)
    assert (gate.state, opens_at(gate)) == ("unauthorized", NOW + UNAUTHORIZED_PROBE_S)


def test_whoever_asks_to_wait_for_a_year_is_asked_again_tomorrow() -> None:
    gate = gate_after(RateLimitedError("", 365 * 86_400.0))
    assert opens_at(gate) == NOW + 86_400


def test_a_paused_gate_lets_nothing_through_whatever_is_answered() -> None:
    gate = Gate(Random(1))
    gate.is_paused = True
    assert (gate.state, gate.allows(NOW), gate.opens_in(NOW)) == ("paused", 0, None)
    gate.succeeded(NOW)
    assert gate.allows(NOW) == 0
    gate.is_paused = False
    assert gate.allows(NOW) == ANY_NUMBER


@pytest.mark.parametrize("gate", [away(), gate_after(NOBODY)], ids=["away", "unauthorized"])
def test_an_operator_can_have_it_probed_now(gate: Gate) -> None:
    gate.probe_now()
    assert gate.allows(NOW) == 1


answers = st.sampled_from([AWAY, WAIT, WAIT_SOMETIME, NOBODY, None])


@given(st.lists(st.tuples(answers, st.floats(0, 400), st.booleans()), max_size=40), st.integers())
def test_a_gate_is_never_shut_for_good_and_never_lets_two_probes_through(
    steps: list[tuple[RemoteError | None, float, bool]], seed: int
) -> None:
    gate, now = Gate(Random(seed)), NOW
    for answer, passed, takes in steps:
        now += passed
        allowed = gate.allows(now)
        if takes and allowed:
            gate.took()
            if gate.trouble in ("away", "unauthorized"):
                assert allowed == 1
                assert gate.allows(now) == 0
        if answer is None:
            gate.succeeded(now)
        else:
            gate.failed(answer, now)
        assert gate.allows(now + 86_400) or gate._is_probing
    gate.succeeded(now + 86_400)
    assert gate.allows(now + 86_400) == ANY_NUMBER
