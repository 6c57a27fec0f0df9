"""/api/tap: what comes out of the components, as it does, for as long as somebody looks and may."""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import anyio
import msgspec
from aiohttp import web

from groundswell.clock import Clock
from groundswell.component import Delivery
from groundswell.config.problems import closest, listing, quoted
from groundswell.errors import NotFoundError
from groundswell.ops.clerk import Clerk
from groundswell.ops.guard import CALLER, Guard
from groundswell.ops.masking import masked
from groundswell.ops.messages import moment
from groundswell.ops.operations import TAP
from groundswell.ops.requests import read_query
from groundswell.ops.tap_messages import MEDIA_TYPE, AskTap, TapDropped, TapEnded, TapLine, TapRecord, TapWaiting
from groundswell.record import Record, from_json, to_json
from groundswell.runtime.daemon import Daemon
from groundswell.runtime.taps import Passed, Tapper

LINES_MAX: Final = 100
"""Of one turn: making them holds the event loop for some 2 ms."""
TURN_S: Final = 0.1
LOOK_S: Final = 1.0
"""How often it is looked whether they still may."""
QUIET_S: Final = 15.0
"""After so long without a line there is one that says so: whoever has gone is noticed, and proxies stay."""
STALLED_S: Final = 30.0
"""Whoever takes nothing for so long has gone."""


class TapRoute:
    """Streams to all who tap."""

    def __init__(self, daemon: Daemon, clerk: Clerk, guard: Guard) -> None:
        self._daemon = daemon
        self._clerk = clerk
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        return [web.get(TAP.path, self._stream, allow_head=False)]

    async def end(self, _: web.Application) -> None:
        """For `on_shutdown`: nobody who looks holds up the end."""
        self._daemon.supervisor.taps.end("the daemon stops")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self._guard.check_origin(request)
        asked = read_query(request, AskTap)
        self._check(asked.component)
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._clerk.watching(request[CALLER], TAP, asked))
            tapper = stack.enter_context(self._daemon.supervisor.taps.opened(asked.component, asked.kind))
            response = web.StreamResponse(headers={"Content-Type": MEDIA_TYPE, "X-Accel-Buffering": "no"})
            await response.prepare(request)
            # Whoever has gone away is no error of ours.
            with contextlib.suppress(ConnectionError, TimeoutError):
                await _Stream(request, response, self._daemon.clock, self._guard, tapper, asked).run()
        response.force_close()
        return response

    def _check(self, component: str | None) -> None:
        known = list(self._daemon.supervisor.config.components)
        if component is not None and component not in known:
            close = closest(component, known)
            hint = f"did you mean {quoted(close)}?" if close else f"there is {listing(known)}"
            raise NotFoundError(f"nothing is called {quoted(component)}; {hint}")


class _Stream:
    """What one tapper is sent."""

    def __init__(
        self,
        request: web.Request,
        response: web.StreamResponse,
        clock: Clock,
        guard: Guard,
        tapper: Tapper,
        asked: AskTap,
    ) -> None:
        self._request = request
        self._response = response
        self._clock = clock
        self._guard = guard
        self._tapper = tapper
        self._reveal = asked.reveal
        self._left = asked.count
        self._until = None if asked.seconds is None else clock.monotonic() + asked.seconds
        self._wrote = clock.monotonic()

    async def run(self) -> None:
        await self._write([TapWaiting()])
        while True:
            await self._wait()
            self._check_there()
            lines = list(self._lines())
            over = self._over()
            if over is not None:
                lines.append(TapEnded(over))
            elif not lines and self._clock.monotonic() - self._wrote > QUIET_S:
                lines.append(TapWaiting())
            await self._write(lines)
            if over is not None:
                return
            await self._clock.sleep(TURN_S)

    async def _wait(self) -> None:
        left_s = LOOK_S if self._until is None else min(LOOK_S, self._until - self._clock.monotonic())
        with anyio.move_on_after(max(0.0, left_s)):
            await self._tapper.wait()

    def _lines(self) -> Iterator[TapLine]:
        if dropped := self._tapper.dropped():
            yield TapDropped(dropped)
        if not self._guard.is_still_in(self._request):
            return  # whatever waits is no longer theirs to see
        for passed in self._tapper.take(LINES_MAX if self._left is None else min(LINES_MAX, self._left)):
            if self._left is not None:
                self._left -= 1
            yield _line(passed, reveal=self._reveal)

    def _over(self) -> str | None:
        if not self._guard.is_still_in(self._request):
            return "the login is over, or who may come in was changed; log in again"
        if self._left == 0:
            return "as many as were asked for"
        if self._until is not None and self._clock.monotonic() >= self._until:
            return "for as long as was asked for"
        return self._tapper.ended if self._tapper.is_empty else None

    def _check_there(self) -> None:
        """Raises ConnectionError: they have gone."""
        if self._request.transport is None:
            raise ConnectionResetError

    async def _write(self, lines: list[TapLine]) -> None:
        if not lines:
            return
        self._wrote = self._clock.monotonic()
        with anyio.fail_after(STALLED_S):
            await self._response.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


def _line(passed: Passed, *, reveal: bool) -> TapRecord:
    found = passed.record
    record: Record = from_json(found.body) if isinstance(found, Delivery) else found
    shown: dict[str, Any] = msgspec.json.decode(to_json(record)) if reveal else masked(record)
    return TapRecord(moment(passed.at), passed.component, passed.fate, passed.why, shown)
