"""The page of one component: how it is, what it does, how fast it did, and what can be done with it."""

from typing import Final

from aiohttp import web

from groundswell.config.problems import listing
from groundswell.errors import NotFoundError
from groundswell.ops.dashboard.backfill_words import span_of
from groundswell.ops.dashboard.chart import chart_of, charts_of
from groundswell.ops.dashboard.figures import figures_of
from groundswell.ops.dashboard.visit import Visit
from groundswell.ops.live_messages import AskRates, Polled
from groundswell.ops.messages import ComponentStatus, ListBackfills, Nothing, Status
from groundswell.ops.operations import BACKFILL, BACKFILLS, PAUSE, POLL, RATES, STATUS
from groundswell.ops.states import STATES

_COUNTS: Final = (
    "accepted", "duplicates", "processed", "refused_requests", "filtered", "delivered", "skipped", "coalesced",
    "retried",
)  # fmt: skip


async def show(visit: Visit) -> web.Response:
    status = await visit.ask(STATUS, Nothing())
    part = _named(visit.request.match_info["name"], status)
    rates = None if part.role is None else await visit.ask(RATES, AskRates(part.name))
    figures = figures_of(status)
    return visit.page(
        "component.html",
        title=part.name,
        status=status,
        part=part,
        live=figures.texts if rates is None else figures.texts | charts_of(part.name, rates),
        shape=figures.shape,
        meaning=STATES.get(part.state),
        outputs=[other.name for other in status.components if part.name in other.inputs],
        counts=[what for what in _COUNTS if getattr(part, what) is not None],
        windows=[]
        if rates is None
        else [
            (heading, f"{part.name}.chart.{name}", window, [chart_of(series) for series in window.series])
            for heading, name, window in (("The last hour", "hour", rates.hour), ("The last day", "day", rates.day))
        ],
        span_of=span_of,
        backfill=next((one for one in status.backfills if one.source == part.name), None),
        can_backfill=part.role == "source"
        and visit.may(BACKFILL)
        and bool((await visit.ask(BACKFILLS, ListBackfills(part.name))).sources),
        may_pause=part.can_pause and visit.may(PAUSE),
        may_poll=part.can_poll and visit.may(POLL),
    )


def polled(done: Polled) -> str:
    return f"{done.name} is looking already." if done.was_looking else f"{done.name} looks now."


def _named(name: str, status: Status) -> ComponentStatus:
    for part in status.components:
        if part.name == name:
            return part
    raise NotFoundError(f"no component is called so; there is {listing([part.name for part in status.components])}")
