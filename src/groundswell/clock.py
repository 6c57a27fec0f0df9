"""Time, handed in and never reached for, so that the whole daemon can run in virtual time."""

import time
from typing import Protocol

import anyio


class Clock(Protocol):
    """What the daemon asks about time."""

    def now(self) -> float:
        """Seconds since 1970, UTC, as the calendar has it. May step back."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never steps back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; a cancellation point."""
        ...


class SystemClock:
    """The real clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, as times are kept in the state file."""
    return int(seconds * 1000)
