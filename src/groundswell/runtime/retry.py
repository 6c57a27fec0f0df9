"""The one place that decides whether and when something is tried again, from the error's type."""

from datetime import timedelta
from random import Random
from typing import Final

from groundswell.errors import RateLimitedError, UnavailableError

FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 300.0
SHORTEST_WAIT_S: Final = 0.05
FAILURES_BEFORE_AWAY: Final = 3
"""So many failures in a row, with nothing delivered between, and the sink counts as away."""
LONGEST_ASKED_S: Final = 86_400.0
"""Nobody is waited for longer, whatever they ask for."""
UNAUTHORIZED_PROBE_S: Final = 300.0
"""How often a sink whose credentials are refused is tried with one delivery."""


def wait_s(attempts: int, error: Exception, random: Random) -> float:
    """Seconds before try number `attempts` + 1: exponential with full jitter, and never before the other side said.

    Full jitter (anything from nothing to the exponential bound) keeps many waiting deliveries from coming back at once.
    """
    asked = asked_s(error)
    if asked is not None:
        return max(asked, SHORTEST_WAIT_S) + random.uniform(0, min(1.0, asked / 10))
    bound = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(attempts - 1, 30))
    return max(SHORTEST_WAIT_S, random.uniform(0, bound))


def asked_s(error: Exception) -> float | None:
    """For how many seconds the other side wants to be left alone; None when it did not say."""
    if not isinstance(error, RateLimitedError) or error.retry_after_s is None:
        return None
    return min(max(0.0, error.retry_after_s), LONGEST_ASKED_S)


def away_s(failures: int, random: Random) -> float:
    """Seconds until a sink that is away is tried with one delivery: half to all of an exponential bound."""
    bound = min(60.0, FIRST_WAIT_S * 2 ** min(failures - FAILURES_BEFORE_AWAY, 30))
    return random.uniform(bound / 2, bound)


def is_hopeless(attempts: int, error: Exception) -> bool:
    """Whether a try number `attempts` that ended like this was the last: what we send may be what breaks them."""
    return isinstance(error, UnavailableError) and error.tries_max is not None and attempts >= error.tries_max


def has_given_up(created_at: int, now: int, give_up_after: timedelta) -> bool:
    """Whether a delivery made then (milliseconds) has been tried for long enough."""
    return now - created_at >= give_up_after.total_seconds() * 1000
