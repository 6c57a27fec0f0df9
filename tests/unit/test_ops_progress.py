"""How long something still takes, and in which words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.component import Progress
from groundswell.ops.amounts import progress_words
from groundswell.ops.messages import SourceProgress
from groundswell.ops.progress import progress_of

BEGAN_AT = 1_777_719_609.0


def shown(progress: Progress, now: float, *, is_running: bool = True) -> SourceProgress:
    found = progress_of(progress, now, is_running=is_running)
    assert found is not None
    return found


def test_without_progress_there_is_nothing_to_show() -> None:
    assert progress_of(None, BEGAN_AT, is_running=True) is None


@pytest.mark.parametrize(
    ("progress", "after_s", "words"),
    [
        (
            Progress("people", 320_000, 1_000_000, BEGAN_AT),
            3_600,
            "people, 320,000 of about 1,000,000, about 2h 7m left",
        ),
        # The source does not say since when.
        (Progress("people", 320_000, 1_000_000), 3_600, "people, 320,000 of about 1,000,000"),
        # Half of it was done by an earlier run: this one did 100 in 10 s.
        (Progress("people", 600, 1_000, BEGAN_AT, 500), 10, "people, 600 of about 1,000, about 40s left"),
        (Progress("people", 500, 1_000, BEGAN_AT, 500), 10, "people, 500 of about 1,000"),
        (Progress("people", 0, 1_000, BEGAN_AT), 10, "people, 0 of about 1,000"),
        (Progress("people", 10, None, BEGAN_AT), 10, "people, 10"),
        # How many there are is an estimate, and may be too low.
        (Progress("people", 1_010, 1_000, BEGAN_AT), 10, "people, 1,010 of about 1,000"),
        (Progress("people", 1_000, 1_000, BEGAN_AT), 10, "people, 1,000 of about 1,000"),
        # The clock was set back meanwhile.
        (Progress("people", 10, 1_000, BEGAN_AT), -10, "people, 10 of about 1,000"),
    ],
)
def test_it_says_how_far_it_is_and_what_is_left(progress: Progress, after_s: float, words: str) -> None:
    assert progress_words(shown(progress, BEGAN_AT + after_s)) == words


def test_what_stands_still_makes_no_promise() -> None:
    assert shown(Progress("people", 320, 1_000, BEGAN_AT), BEGAN_AT + 60, is_running=False).left_s is None


@given(
    st.integers(0, 10**7),
    st.none() | st.integers(0, 10**7),
    st.integers(0, 10**7),
    st.floats(-1e6, 1e6),
)
def test_what_is_left_is_never_negative(done: int, total: int | None, before: int, after_s: float) -> None:
    left_s = shown(Progress("people", done, total, BEGAN_AT, before), BEGAN_AT + after_s).left_s
    assert left_s is None or left_s > 0
