"""The turn of one call: its place in the queue of its account, from before it connects until its answer is there."""

from collections.abc import Callable
from math import inf
from types import TracebackType
from typing import Self

import anyio

from groundswell.clock import Clock
from groundswell.http.limits import Limiter, Permit, Priority


class Turn:
    """Wraps one call: `with turn.scope: async with turn, session.request(..., trace_request_ctx=turn)`.

    On entry it waits until it may connect. aiohttp calls `take` when the connection is there, before it sends anything,
    and once more if it has to connect again: what was sent on a connection that broke may have arrived.

    Connecting may take `connect_s`, the call from when it is sent `call_s`; waiting in between takes what it takes.
    """

    def __init__(
        self,
        limiter: Limiter,
        priority: Priority,
        clock: Clock,
        *,
        connect_s: float,
        call_s: float,
        check: Callable[[], None] | None = None,
    ) -> None:
        self._limiter = limiter
        self._priority = priority
        self._clock = clock
        self._connect_s = connect_s
        self._call_s = call_s
        self._check = check
        self.scope = anyio.CancelScope()
        self._anteroom = limiter.anterooms[priority]
        self._is_inside = False
        self._permit: Permit | None = None
        self.started_at: float | None = None
        """When the call was sent, on the monotonic clock."""
        self.waited_s = 0.0

    async def __aenter__(self) -> Self:
        began = self._clock.monotonic()
        await self._anteroom.acquire()
        self._is_inside = True
        self.waited_s += self._clock.monotonic() - began
        self.scope.deadline = anyio.current_time() + self._connect_s
        return self

    async def take(self) -> None:
        """Wait for a permit; on return the call goes out."""
        if self._permit is not None:
            self._permit.over()
        self.scope.deadline = inf
        began = self._clock.monotonic()
        self._permit = await self._limiter.permit(self._priority)
        if self._check is not None:
            self._check()  # what it raises ends the call: the permit is given back unused
        self._leave()
        self.started_at = self._clock.monotonic()
        self.waited_s += self.started_at - began
        self._permit.start()
        self.scope.deadline = anyio.current_time() + self._call_s

    def answered(self) -> None:
        """The head of the answer is here."""
        if self._permit is not None:
            self._permit.answered()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave()
        if self._permit is not None:
            self._permit.over()

    def _leave(self) -> None:
        if self._is_inside:
            self._is_inside = False
            self._anteroom.release()
