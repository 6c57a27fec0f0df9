"""What may have been done and cannot be seen yet: lists and filters show it some seconds later [L]."""

from collections import OrderedDict
from typing import Final

from groundswell.clock import Clock

TRIES_MAX: Final = 10_000
"""Remembered. More than an account can make while they settle, unless it has no limit."""


class Unsettled:
    """When each thing was last tried, so that nobody looks for it before it would be found.

    What was tried before this process began is not known: until everything then has settled, everything counts as
    tried at that moment. So a daemon that was killed between a write and its answer waits before it looks.
    """

    def __init__(self, clock: Clock, settle_s: float) -> None:
        """`settle_s`: how long after a write its trace is certainly found, or there is none."""
        self._clock = clock
        self._settle_s = settle_s
        self._tried: OrderedDict[str, float] = OrderedDict()
        self._others_at = clock.monotonic()
        """What is not remembered may have been tried until then."""

    def tried(self, key: str) -> None:
        """It is about to be sent. Say so before: whatever comes after may be cut short."""
        self._tried[key] = self._clock.monotonic()
        self._tried.move_to_end(key)
        if len(self._tried) > TRIES_MAX:
            self._others_at = self._tried.popitem(last=False)[1]

    def wait_s(self, key: str) -> float:
        """For how many seconds a look would prove nothing."""
        at = max(self._tried.get(key, self._others_at), self._others_at)
        return max(0.0, at + self._settle_s - self._clock.monotonic())
