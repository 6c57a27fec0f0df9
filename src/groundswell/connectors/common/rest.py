"""The time between two looks of a source that goes and looks."""

import anyio

from groundswell.clock import Clock


class Rest:
    """Waits for as long as it is told, unless an operator does not want to."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._scope: anyio.CancelScope | None = None

    async def take(self, seconds: float) -> None:
        try:
            with anyio.CancelScope() as self._scope:
                await self._clock.sleep(seconds)
        finally:
            self._scope = None

    def end(self) -> bool:
        """Rest no longer. False: nobody rests now."""
        if self._scope is None:
            return False
        self._scope.cancel()
        return True
