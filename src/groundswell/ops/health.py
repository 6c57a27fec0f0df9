"""What a load balancer, a scraper or a person's monitor asks: does it live, does it accept, what does it count."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from groundswell.ops.answers import answer
from groundswell.ops.gauges import Gauges
from groundswell.runtime.daemon import Daemon

HEALTHZ: Final = "/healthz"
READYZ: Final = "/readyz"
METRICS: Final = "/metrics"


MaySee = Callable[[web.Request], Awaitable[bool]]


class Health:
    """Answers for a running daemon. None of it names a host, a path or a person."""

    def __init__(self, daemon: Daemon, gauges: Gauges, may_see: MaySee) -> None:
        """`may_see`: whether whoever asks is told what this daemon is made of."""
        self._daemon = daemon
        self._gauges = gauges
        self._may_see = may_see

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(HEALTHZ, self._healthz),
            web.get(READYZ, self._readyz),
            web.get(METRICS, self._metrics),
        ]

    async def _healthz(self, _: web.Request) -> web.StreamResponse:
        """200 for as long as the event loop turns."""
        return answer({"alive": True})

    async def _readyz(self, request: web.Request) -> web.StreamResponse:
        """200 while it accepts, 503 while it does not. A sink in trouble keeps nobody from sending."""
        reasons = self._daemon.supervisor.not_ready()
        told: dict[str, object] = {"ready": not reasons}
        error = "not ready"
        if await self._may_see(request):
            told |= {"reasons": reasons, "states": self._states()}
            error = f"not ready: {'; '.join(reasons)}"
        return answer({"error": error, **told}, 503) if reasons else answer(told)

    def _states(self) -> list[str]:
        """Components that are not as they mostly are. What needs a person is for `status` to say."""
        states = self._daemon.supervisor.states()
        found = [f"{name} is {state}" for name, state in states.items() if state not in ("running", "finished")]
        if self._daemon.reloaded.error is not None:
            found.append("the last reload was refused")
        return found

    async def _metrics(self, _: web.Request) -> web.StreamResponse:
        await self._gauges.refresh()
        return web.Response(body=self._daemon.metrics.text(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
