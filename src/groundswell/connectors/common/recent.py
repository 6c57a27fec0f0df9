"""What happened lately, bounded in number and in time: better forgotten than wrong."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from groundswell.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The last `most` things that were put in, each for `for_s` seconds. Looking at one does not keep it longer."""

    def __init__(self, clock: Clock, *, most: int, for_s: float) -> None:
        self._clock = clock
        self._most = most
        self._for_s = for_s
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """None when it was never put in, or too long ago, or too many others were since."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        until, value = entry
        if until <= self._clock.monotonic():
            del self._entries[key]
            return None
        return value

    def put(self, key: K, value: V) -> None:
        self._entries[key] = (self._clock.monotonic() + self._for_s, value)
        self._entries.move_to_end(key)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)

    def forget(self, key: K) -> None:
        self._entries.pop(key, None)

    def __len__(self) -> int:
        return len(self._entries)
