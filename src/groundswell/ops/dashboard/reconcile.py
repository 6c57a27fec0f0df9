"""Whether a webhook and what asks for the same things agree: two sources held against each other."""

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from groundswell.errors import RefusedError, RequestError
from groundswell.ops.dashboard.days import ZONES, days_of
from groundswell.ops.dashboard.visit import Trouble, Visit
from groundswell.ops.messages import Nothing
from groundswell.ops.operations import RECONCILE, STATUS
from groundswell.ops.reconcile_messages import DAY_S, AskReconcile, Reconciled
from groundswell.ops.requests import of_form

LAGS: Final = {
    "0": "nothing may still come",
    "3600": "within an hour",
    str(DAY_S): "within a day",
    str(3 * DAY_S): "within three days",
}
"""Seconds, and how one says them."""
LISTED: Final = "100"
"""Missing records to list for each source."""
_DAYS: Final = ("first", "last", "zone")


async def show(visit: Visit) -> web.Response:
    sources = [part.name for part in (await visit.ask(STATUS, Nothing())).components if part.role == "source"]
    query = {name: visit.request.query.getall(name) for name in visit.request.query}
    found: Reconciled | None = None
    words = ""
    if query:
        try:
            asked, words = asked_of(query)
            found = await visit.ask(RECONCILE, asked)
        except (RequestError, RefusedError) as exc:
            visit.trouble = Trouble(RECONCILE.name, "", str(exc), query)
    chosen = {name: next(iter(query.get(name, ())), "") for name in ("one", "other", "kind", "lag_s", *_DAYS)}
    return visit.page(
        "reconcile.html",
        sources=sources,
        found=found,
        words=words,
        chosen=chosen,
        lags=LAGS,
        zones=ZONES,
        lag=str(DAY_S),
    )


def asked_of(query: Mapping[str, Sequence[str]]) -> tuple[AskReconcile, str]:
    """What is asked, and of which days in words. Raises RequestError, RefusedError."""
    days = days_of(query)
    fields = {name: list(given) for name, given in query.items() if name not in _DAYS}
    fields |= {"limit": [LISTED]}
    fields |= {name: [at.isoformat()] for name, at in (("since", days.since), ("until", days.until)) if at is not None}
    return of_form(fields, AskReconcile), days.words
