"""Taps: somebody looks at what comes out of the components, as it does. Nobody who looks holds up the work.

While nobody looks, this costs one question per record. What a tapper does not take in time is dropped for them alone,
and counted.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal

import anyio
from msgspec import UNSET, Struct
from msgspec.structs import replace

from groundswell.component import Delivery, Outcome, Rejected, Retry, Skipped
from groundswell.errors import NotNowError
from groundswell.record import Record

TAPPERS_MAX: Final = 8
QUEUE_RECORDS_MAX: Final = 500
"""Waiting for one tapper."""
QUEUE_BYTES_MAX: Final = 2 * 2**20
"""Likewise; what came alone may be larger, or nobody would ever see it."""

Fate = Literal["passed", "filtered", "failed", "delivered", "coalesced", "skipped", "retried", "rejected"]
"""What became of a record: the first three at a source or a transform, the others at a sink."""


class Passed(Struct, frozen=True):
    """One record at one component, and what became of it there."""

    at: int
    """Milliseconds since 1970."""
    component: str
    fate: Fate
    record: Record | Delivery
    size: int
    """Bytes, about."""
    why: str | None = None
    """A short code."""

    @property
    def kind(self) -> str:
        return self.record.kind


class Tapper:
    """One who looks, at one component or all, at one kind or all."""

    def __init__(self, component: str | None, kind: str | None) -> None:
        self._component = component
        self._kind = kind
        self._waiting: deque[Passed] = deque()
        self._bytes = 0
        self._dropped = 0
        self._news = anyio.Event()
        self.ended: str | None = None
        """Why nothing more comes."""

    def offer(self, passed: Sequence[Passed]) -> None:
        """Keep what they look at, as far as there is room."""
        for one in passed:
            if self._component not in (None, one.component) or self._kind not in (None, one.kind):
                continue
            is_full = len(self._waiting) >= QUEUE_RECORDS_MAX or self._bytes + one.size > QUEUE_BYTES_MAX
            if self._waiting and is_full:
                self._dropped += 1
                continue
            self._waiting.append(_without_raw(one))
            self._bytes += one.size
        if self._waiting:
            self._news.set()

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def end(self, why: str) -> None:
        self.ended = why
        self._news.set()

    async def wait(self) -> None:
        """Return once there is something to take, or the end."""
        await self._news.wait()

    def take(self, most: int) -> list[Passed]:
        """The oldest of what waits."""
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self._bytes -= sum(one.size for one in taken)
        if not self._waiting and self.ended is None:
            self._news = anyio.Event()
        return taken

    def dropped(self) -> int:
        """How many were dropped since this was asked last."""
        count, self._dropped = self._dropped, 0
        return count


class Taps:
    """All who look."""

    def __init__(self) -> None:
        self._tappers: list[Tapper] = []
        self._ended: str | None = None

    @property
    def are_open(self) -> bool:
        """Whether anybody looks."""
        return bool(self._tappers)

    @contextmanager
    def opened(self, component: str | None, kind: str | None) -> Iterator[Tapper]:
        """Look, while inside. Raises NotNowError: too many do already."""
        if self._ended is not None or len(self._tappers) >= TAPPERS_MAX:
            raise NotNowError(self._ended or f"{TAPPERS_MAX} already look, which is the most; end one of them", 10)
        tapper = Tapper(component, kind)
        self._tappers.append(tapper)
        try:
            yield tapper
        finally:
            self._tappers.remove(tapper)

    def show(self, passed: Sequence[Passed]) -> None:
        """This has just happened, and is on disk. On the event loop only."""
        for tapper in self._tappers:
            tapper.offer(passed)

    def end(self, why: str) -> None:
        """Nothing more comes, to anybody."""
        self._ended = why
        for tapper in self._tappers:
            tapper.end(why)


def fate_of(outcome: Outcome) -> tuple[Fate, str | None]:
    """What those who look are told of an outcome, and why."""
    match outcome:
        case Retry():
            return "retried", getattr(outcome.error, "reason", "unavailable")
        case Skipped():
            return "skipped", outcome.reason
        case Rejected():
            return "rejected", outcome.reason
    return "delivered", None


def _without_raw(passed: Passed) -> Passed:
    """What came is as large as all that was made of it, and is never shown."""
    record = passed.record
    if isinstance(record, Record) and record.raw is not UNSET:
        return replace(passed, record=replace(record, raw=UNSET))
    return passed
