"""What may have been done and cannot be seen yet: it is still under way there, or their lists show it later."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from groundswell.clock import Clock
from groundswell.errors import NotYetError, RateLimitedError, RejectedError

TRIES_MAX: Final = 10_000
"""Remembered. More than an account can make while they settle, unless it has no limit."""


class Unsettled:
    """When each thing was last tried, so that nobody looks for it before it would be found.

    What was tried before this process began is not known: until everything then has settled, everything counts as
    tried at that moment. So a daemon that was killed between a write and its answer waits before it looks.
    """

    def __init__(self, clock: Clock, component: str, settle_s: float, *, shows_at_once: bool = False) -> None:
        """`settle_s`: how long after a write its trace is certainly found, or there is none. `shows_at_once`: whether
        what they answered is found from then on, so that only lost answers have to settle."""
        self._clock = clock
        self._component = component
        self._settle_s = settle_s
        self._shows_at_once = shows_at_once
        self._tried: OrderedDict[str, float] = OrderedDict()
        self._others_at = clock.monotonic()
        """What is not remembered may have been tried until then."""

    @contextmanager
    def trying(self, key: str | None) -> Iterator[None]:
        """Around what may do it; None: what does no harm. It may begin long after it was asked for, when the account's
        rate makes it wait, and whatever becomes of it may be cut short: so both ends count."""
        if key is None:
            yield
            return
        is_known = False
        self._note(key)
        try:
            yield
            is_known = self._shows_at_once
        except (RateLimitedError, RejectedError):
            is_known = True  # it was not done
            raise
        finally:
            if is_known:
                self._tried.pop(key, None)
            else:
                self._note(key)

    def check(self, key: str, what: str) -> None:
        """Raises NotYetError while a look would prove nothing. `what` begins the message: "making a list"."""
        wait_s = self._left_s(key)
        if wait_s > 0:
            raise NotYetError(
                f"{self._component}: {what}: it may have been done a moment ago, by a try whose answer was lost or by "
                f"a daemon that was stopped; looked for in {wait_s:.0f} s, when it would be found",
                wait_s,
            )

    def has_settled(self, key: str) -> bool:
        """Whether a look proves something."""
        return self._left_s(key) <= 0

    def _left_s(self, key: str) -> float:
        at = max(self._tried.get(key, self._others_at), self._others_at)
        return at + self._settle_s - self._clock.monotonic()

    def _note(self, key: str) -> None:
        self._tried[key] = self._clock.monotonic()
        self._tried.move_to_end(key)
        if len(self._tried) > TRIES_MAX:
            self._others_at = self._tried.popitem(last=False)[1]
