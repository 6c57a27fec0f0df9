"""Stretches of time that are read one after the other: not too full, not too many."""

from itertools import pairwise
from typing import Final

from msgspec import Struct

RESOURCES_WANTED: Final = 375
"""In a window: 15 pages. Deep pages are slow [D], and every window costs a call more than its pages."""
FIRST_S: Final = 365 * 86_400
GROWTH_MAX: Final = 4.0


class Window(Struct, frozen=True):
    """From `start` (included) to `end` (not), whole seconds since 1970."""

    start: int
    end: int

    @property
    def length_s(self) -> int:
        return self.end - self.start

    def parts(self, number: int) -> list["Window"]:
        """The window cut into so many of the same length, or into its seconds if it has fewer."""
        number = min(number, self.length_s)
        cuts = [self.start + self.length_s * part // number for part in range(number + 1)]
        return [Window(start, end) for start, end in pairwise(cuts)]


class Windows:
    """A stretch of time cut into windows as it is read: longer where little was found, shorter where there is much."""

    def __init__(self, span: Window) -> None:
        self._next = span.start
        self._end = span.end
        self._length_s = float(FIRST_S)
        self._density: float | None = None

    def take(self) -> Window | None:
        """The next window; None when there is none left."""
        if self._next >= self._end:
            return None
        start, self._next = self._next, min(self._end, self._next + max(1, int(self._length_s)))
        return Window(start, self._next)

    def found(self, window: Window, resources: int) -> None:
        """Say what was in one: the next ones are cut accordingly."""
        self._density = resources / max(1, window.length_s)
        wanted = self._for(self._density)
        self._length_s = min(wanted, max(1.0, window.length_s * GROWTH_MAX))

    def expected_in(self, window: Window) -> int:
        """How many resources it may hold, going by the last one."""
        return 0 if self._density is None else int(self._density * window.length_s)

    @staticmethod
    def _for(density: float) -> float:
        return RESOURCES_WANTED / density if density > 0 else float("inf")
