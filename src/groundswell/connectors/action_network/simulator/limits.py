"""The rate limit as a strict server keeps it: calls counted where they arrive, in any second that can be chosen."""

from collections import deque
from typing import Final

from groundswell.connectors.action_network.simulator.state.counts import Counts

WINDOW_S: Final = 1.0


class Arrivals:
    """The calls of the last second."""

    def __init__(self) -> None:
        self._arrived: deque[float] = deque()
        self._counted: deque[float] = deque()
        """Those that count towards the limit."""

    def arrive(self, now: float, limit: int | None, counts: Counts, *, refused_count: bool) -> bool:
        """Note a call, and say whether it is within the limit. Calls a whole second apart are not in one second."""
        for window in (self._arrived, self._counted):
            while window and window[0] <= now - WINDOW_S:
                window.popleft()
        self._arrived.append(now)
        counts.calls += 1
        counts.most_in_one_second = max(counts.most_in_one_second, len(self._arrived))
        is_allowed = limit is None or len(self._counted) < limit
        if is_allowed or refused_count:
            self._counted.append(now)
        if not is_allowed:
            counts.refused += 1
        return is_allowed
