"""What may have been done and whose answer is missing: ActionKit may still be at it."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from groundswell.clock import Clock
from groundswell.errors import NotYetError

TRIES_MAX: Final = 10_000
"""Remembered. More than can be tried while they settle."""


class Unsettled:
    """When each thing was last tried, so that nobody looks for it while it may still be under way.

    What was tried before this process began is not known: until that has settled, everything counts as tried at the
    start.
    """

    def __init__(self, clock: Clock, settle_s: float) -> None:
        """`settle_s`: how long after a try its trace is there, or it never happened."""
        self._clock = clock
        self._settle_s = settle_s
        self._tried: OrderedDict[str, float] = OrderedDict()
        self._others_at = clock.monotonic()

    @contextmanager
    def trying(self, key: str) -> Iterator[None]:
        """Around what does it. Once it is through, what came of it is known. Else both ends count: it may begin late,
        and be cut short at any moment."""
        self._note(key)
        is_known = False
        try:
            yield
            is_known = True
        finally:
            if is_known:
                self._tried.pop(key, None)
            else:
                self._note(key)

    def check(self, key: str, who: str) -> None:
        """Raises NotYetError while a look would prove nothing."""
        at = max(self._tried.get(key, self._others_at), self._others_at)
        wait_s = at + self._settle_s - self._clock.monotonic()
        if wait_s > 0:
            raise NotYetError(
                f"{who}: it may have been written down a moment ago, by a try whose answer was lost or by a daemon "
                f"that was stopped; looked for in {wait_s:.0f} s, when it would be found",
                wait_s,
            )

    def _note(self, key: str) -> None:
        self._tried[key] = self._clock.monotonic()
        self._tried.move_to_end(key)
        if len(self._tried) > TRIES_MAX:
            self._others_at = self._tried.popitem(last=False)[1]
