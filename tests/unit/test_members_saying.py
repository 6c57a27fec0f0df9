"""What counts as said, and when: a state is read again and again, and says little."""

from typing import Any

from groundswell.members.consent import rule
from groundswell.members.opt_in import OPT_IN
from groundswell.members.saying import Saying, said_in_state

NOW = 100.0


def test_a_no_that_is_repeated_is_as_new_as_it_can_be_and_a_yes_is_not() -> None:
    """A no of 30 in a state once left a no of 10 as old as it was, and a yes of 20 that came late reopened."""
    assert rule("no", 10.0, "no", 30.0, since=0.0).at == 30.0
    assert rule("yes", 10.0, "yes", 30.0, since=0.0).at == 10.0


def test_a_late_yes_shows_that_the_newer_no_was_a_change_and_so_is_said_at_its_time() -> None:
    seen: dict[str, Any] = {}
    first, seen = said_in_state(seen, "no", 5.0, NOW)
    again, seen = said_in_state(seen, "no", 20.0, NOW)
    between, seen = said_in_state(seen, "yes", 10.0, NOW)
    assert (first, again) == (Saying("no", 5.0, is_dated=False, is_vague=True), None)
    assert between == Saying("false", 20.0, is_dated=True, is_vague=True, is_known=True)
    assert said_in_state(seen, "no", 10.0, NOW)[0] is None


def test_a_word_nobody_knows_says_nothing_and_is_not_remembered() -> None:
    _, seen = said_in_state({}, "yes", 5.0, NOW)
    assert said_in_state(seen, "TBD", 9.0, NOW) == (None, seen)
    assert said_in_state(seen, None, 9.0, NOW) == (None, seen)
    assert seen[OPT_IN] == "true"
