"""What moves on the pages, sent to whoever looks, once a second: server-sent events."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple

import anyio
import msgspec
from aiohttp import web

from groundswell.clock import Clock
from groundswell.errors import GroundswellError, RefusedError
from groundswell.ops.clerk import Clerk
from groundswell.ops.dashboard.chart import charts_of
from groundswell.ops.dashboard.figures import Figures, figures_of
from groundswell.ops.guard import CALLER, EVENTS, Guard
from groundswell.ops.live_messages import AskRates
from groundswell.ops.messages import Nothing, Status
from groundswell.ops.operations import RATES, STATUS

STREAMS_MAX: Final = 20
"""At once; the browser of one more shows the page as it was loaded."""
EVERY_S: Final = 1.0
FRESH_S: Final = 0.8
"""Figures no older are good for whoever asks next: so they are made once, however many look, and never for nobody."""
PAUSE_SHARE: Final = 20.0
"""And where making them takes long (millions of deliveries wait), they are good for so many times as long, so that who
looks never takes more than a twentieth of what the daemon can do."""
PAUSE_MAX_S: Final = 15.0
STREAM_S: Final = 300.0
"""A stream ends after so long, and the browser asks again: whether its login still holds is then found out."""
WRITE_S: Final = 10.0
"""Who takes nothing for so long has gone."""
_HEADERS: Final = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
"""The second asks nginx not to hold it back."""
_BEGIN: Final = b"retry: 2000\n\n"
_STILL_HERE: Final = b":\n\n"


class Live:
    """All streams. `end` ends them, when the port closes."""

    def __init__(self, clock: Clock, guard: Guard) -> None:
        self._clock = clock
        self._guard = guard
        self._streams: dict[anyio.CancelScope, str | None] = {}
        """And the component whose charts each one shows."""
        self._lock = anyio.Lock()
        self._figures: Figures | None = None
        self._good_until = 0.0
        self._charts: dict[str, _Charts] = {}
        self._is_ended = False
        self.made = 0
        """How often figures were made."""

    def routes(self, clerk: Clerk) -> list[web.RouteDef]:
        return [web.get(EVENTS, self._handler(clerk), allow_head=False)]

    @property
    def watching(self) -> int:
        """How many streams there are."""
        return len(self._streams)

    @property
    def charted(self) -> set[str]:
        """Of which components charts are kept."""
        return set(self._charts)

    async def end(self, _: Any = None) -> None:
        self._is_ended = True
        for scope in list(self._streams):
            scope.cancel()

    def _handler(self, clerk: Clerk) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            clerk.check(request[CALLER], STATUS)
            if self._is_ended or len(self._streams) >= STREAMS_MAX:
                raise RefusedError(
                    503, f"{STREAMS_MAX} pages watch already; load this one again", {"Retry-After": "60"}
                )
            response = web.StreamResponse(headers=_HEADERS)
            with anyio.CancelScope() as scope:
                self._streams[scope] = request.query.get("charts")
                try:
                    await self._send(request, response, clerk)
                finally:
                    del self._streams[scope]
            return response

        return handle

    async def _send(self, request: web.Request, response: web.StreamResponse, clerk: Clerk) -> None:
        shape, charted = request.query.get("shape"), request.query.get("charts")
        until = self._clock.monotonic() + STREAM_S
        told: dict[str, Any] = {}
        with suppress(
            ConnectionError, GroundswellError
        ):  # the reader went, or the state file fails: the end either way
            await response.prepare(request)
            await response.write(_BEGIN)
            while self._clock.monotonic() < until and self._guard.is_still_in(request):
                figures = await self._fresh(request, clerk)
                now: dict[str, Any] = {**figures.texts, ".stale": figures.shape != shape}
                now |= {".attention": figures.attention, ".under_way": figures.under_way}
                now |= self._charts[charted].texts if charted in self._charts else {}
                news = {key: value for key, value in now.items() if told.get(key) != value}
                told = now
                with anyio.move_on_after(WRITE_S) as patience:
                    await response.write(b"data: " + msgspec.json.encode(news) + b"\n\n" if news else _STILL_HERE)
                if patience.cancelled_caught:
                    return
                await self._clock.sleep(EVERY_S)

    async def _fresh(self, request: web.Request, clerk: Clerk) -> Figures:
        async with self._lock:
            began = self._clock.monotonic()
            if self._figures is None or began >= self._good_until:
                status = await clerk.run(request[CALLER], STATUS, Nothing())
                self._figures = figures_of(status)
                await self._chart(request, clerk, status)
                took_s = self._clock.monotonic() - began
                self._good_until = began + max(FRESH_S, min(PAUSE_MAX_S, PAUSE_SHARE * took_s))
                self.made += 1
            return self._figures

    async def _chart(self, request: web.Request, clerk: Clerk, status: Status) -> None:
        """Draw what somebody looks at, where a step has ended since; and let go of what nobody looks at any more."""
        there = {part.name for part in status.components if part.role is not None}
        now, before = self._clock.now(), self._charts
        self._charts = {}
        for name in there.intersection(filter(None, self._streams.values())):
            known = before.get(name)
            if known is None or now >= known.good_until:
                rates = await clerk.run(request[CALLER], RATES, AskRates(name))
                known = _Charts(charts_of(name, rates), rates.hour.until.timestamp() + rates.hour.step_s)
            self._charts[name] = known


class _Charts(NamedTuple):
    """Those of one component."""

    texts: dict[str, str]
    good_until: float
    """In seconds since 1970: the end of the step under way."""
