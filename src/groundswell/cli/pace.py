"""How fast things go: counts of several looks at the status, made into rates."""

from collections import deque
from typing import Final

from groundswell.ops.messages import ComponentStatus, Role, Status

OVER_S: Final = 10.0
"""A rate is over so long, so that it can be read before it is another."""
COUNTED: Final[dict[Role | None, str]] = {"source": "accepted", "transform": "filtered", "sink": "delivered"}
"""What is counted of each role."""


class Pace:
    """The last looks."""

    def __init__(self) -> None:
        self._looks: deque[Status] = deque()

    def note(self, status: Status) -> None:
        """One more look. A daemon that was started anew counts from nothing."""
        if self._looks and self._looks[-1].started_at != status.started_at:
            self._looks.clear()
        self._looks.append(status)
        while len(self._looks) > 2 and self._seconds(1) >= OVER_S:
            self._looks.popleft()

    def per_second(self, component: ComponentStatus) -> float | None:
        """How many records a second it takes, drops or delivers; None where that is not known (yet)."""
        now = _count(component)
        before = next((_count(one) for one in self._looks[0].components if one.name == component.name), None)
        seconds = self._seconds(0)
        if now is None or before is None or seconds <= 0:
            return None
        return max(0, now - before) / seconds

    def _seconds(self, first: int) -> float:
        return (self._looks[-1].now - self._looks[first].now).total_seconds()


def _count(component: ComponentStatus) -> int | None:
    word = COUNTED.get(component.role)
    count: int | None = None if word is None else getattr(component, word)
    return count
