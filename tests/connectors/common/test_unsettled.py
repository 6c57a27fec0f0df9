"""What may have been done and cannot be seen yet."""

import pytest

from groundswell.connectors.common.unsettled import TRIES_MAX, Unsettled
from groundswell.errors import NotYetError, RateLimitedError, RejectedError, UnavailableError
from tests.virtual_time import VirtualClock


def _wait_s(unsettled: Unsettled, key: str) -> float:
    try:
        unsettled.check(key, "trying a thing")
    except NotYetError as error:
        return error.retry_after_s or 0.0
    return 0.0


def _try(unsettled: Unsettled, key: str, error: Exception | None = None) -> None:
    with unsettled.trying(key):
        if error is not None:
            raise error


async def test_what_was_tried_settles_in_time_and_what_is_not_known_settles_after_the_start() -> None:
    clock = VirtualClock()
    unsettled = Unsettled(clock, "crm", 10.0)
    assert _wait_s(unsettled, "one") == 10.0
    await clock.advance(7)
    _try(unsettled, "two")
    assert (_wait_s(unsettled, "one"), _wait_s(unsettled, "two")) == (3.0, 10.0)
    await clock.advance(9)
    assert (_wait_s(unsettled, "one"), _wait_s(unsettled, "two")) == (0.0, 1.0)


async def test_what_was_forgotten_is_taken_for_tried_as_late_as_it_may_have_been() -> None:
    clock = VirtualClock()
    unsettled = Unsettled(clock, "crm", 10.0)
    await clock.advance(60)
    _try(unsettled, "first")
    for number in range(TRIES_MAX):
        _try(unsettled, str(number))
    assert _wait_s(unsettled, "first") == 10.0
    await clock.advance(10)
    assert _wait_s(unsettled, "first") == 0.0


@pytest.mark.parametrize("shows_at_once", [True, False])
async def test_only_a_lost_answer_has_to_settle_where_all_shows_at_once(shows_at_once: bool) -> None:
    clock = VirtualClock()
    unsettled = Unsettled(clock, "crm", 10.0, shows_at_once=shows_at_once)
    await clock.advance(60)
    _try(unsettled, "answered")
    with pytest.raises(UnavailableError):
        _try(unsettled, "lost", UnavailableError("no answer"))
    assert _wait_s(unsettled, "answered") == (0.0 if shows_at_once else 10.0)
    assert _wait_s(unsettled, "lost") == 10.0


@pytest.mark.parametrize("error", [RateLimitedError("slower"), RejectedError("no")])
async def test_what_they_refused_was_not_done(error: Exception) -> None:
    clock = VirtualClock()
    unsettled = Unsettled(clock, "crm", 10.0)
    await clock.advance(60)
    with pytest.raises(type(error)):
        _try(unsettled, "refused", error)
    assert _wait_s(unsettled, "refused") == 0.0


async def test_the_message_says_who_what_and_when() -> None:
    unsettled = Unsettled(VirtualClock(), "crm", 10.0)
    with pytest.raises(NotYetError, match=r"^crm: making a list: it may have been done .*; looked for in 10 s"):
        unsettled.check("one", "making a list")
