"""What a load balancer, a scraper or a person's monitor asks: does it live, does it accept, what does it count."""

from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from groundswell.ops.answers import answer
from groundswell.ops.gauges import Gauges
from groundswell.runtime.daemon import Daemon

HEALTHZ: Final = "/healthz"
READYZ: Final = "/readyz"
METRICS: Final = "/metrics"


class Health:
    """Answers for a running daemon. None of it names a host, a path or a person."""

    def __init__(self, daemon: Daemon, gauges: Gauges) -> None:
        self._daemon = daemon
        self._gauges = gauges

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(HEALTHZ, self._healthz),
            web.get(READYZ, self._readyz),
            web.get(METRICS, self._metrics),
        ]

    async def _healthz(self, _: web.Request) -> web.StreamResponse:
        """200 for as long as the event loop turns."""
        return answer({"alive": True})

    async def _readyz(self, _: web.Request) -> web.StreamResponse:
        """200 while it accepts, 503 while it does not. A sink in trouble keeps nobody from sending."""
        reasons = self._daemon.supervisor.not_ready()
        told = {"ready": not reasons, "reasons": reasons, "attention": self._attention()}
        if reasons:
            return answer({"error": f"not ready: {'; '.join(reasons)}", **told}, 503)
        return answer(told)

    def _attention(self) -> list[str]:
        states = self._daemon.supervisor.states()
        found = [f"{name} is {state}" for name, state in states.items() if state not in ("running", "finished")]
        if self._daemon.reloaded.error is not None:
            found.append("the last reload was refused")
        return found

    async def _metrics(self, _: web.Request) -> web.StreamResponse:
        await self._gauges.refresh()
        return web.Response(body=self._daemon.metrics.text(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
