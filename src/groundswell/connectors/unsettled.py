"""What may have been done and cannot be seen yet: it is still under way there, or their lists show it later."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
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

    @contextmanager
    def trying(self, key: str | None) -> Iterator[None]:
        """Around what may do it; None: what does no harm. It may begin long after it was asked for, when the account's
        rate makes it wait, and whatever becomes of it may be cut short: so both ends count."""
        if key is not None:
            self.tried(key)
        try:
            yield
        finally:
            if key is not None:
                self.tried(key)

    def tried(self, key: str) -> None:
        """It may have been done just now."""
        self._tried[key] = self._clock.monotonic()
        self._tried.move_to_end(key)
        if len(self._tried) > TRIES_MAX:
            self._others_at = self._tried.popitem(last=False)[1]

    def forget(self, key: str) -> None:
        """They said that it was not done."""
        self._tried.pop(key, None)

    def wait_s(self, key: str) -> float:
        """For how many seconds a look would prove nothing."""
        at = max(self._tried.get(key, self._others_at), self._others_at)
        return max(0.0, at + self._settle_s - self._clock.monotonic())
