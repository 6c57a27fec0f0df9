"""Every metric with its meaning and its value now, and how to have Prometheus and Grafana watch them."""

from typing import Final

from aiohttp import web

from groundswell.ops.dashboard.visit import Visit
from groundswell.ops.messages import Nothing
from groundswell.ops.operations import METRICS

SHOWN_MAX: Final = 100
"""Values of one metric; /metrics has all."""


async def show(visit: Visit) -> web.Response:
    found = await visit.ask(METRICS, Nothing())
    return visit.page("metrics.html", metrics=found.metrics, shown_max=SHOWN_MAX, host=visit.request.host)
