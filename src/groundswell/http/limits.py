"""How many calls one account may make: never more than its rate in any window, as the other side counts them."""

from enum import IntEnum
from typing import Final

from groundswell.clock import Clock
from groundswell.settings import Rate


class Priority(IntEnum):
    """Who goes first where calls of one account wait for their turn."""

    LIVE = 0
    """Deliveries of what just happened."""
    POLL = 1
    BACKFILL = 2


class Limiter:
    """The calls of one account to one host, of all its sources and sinks together."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate: Final = rate
        self._clock = clock
