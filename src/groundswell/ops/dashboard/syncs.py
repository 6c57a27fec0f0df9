"""Fields: how each sync keeps them in step, in arrows and in words, how far it is, and what to write to change it."""

from aiohttp import web

from groundswell.errors import NotFoundError
from groundswell.ops.dashboard.figures import figures_of
from groundswell.ops.dashboard.visit import Visit
from groundswell.ops.messages import Nothing
from groundswell.ops.mode_words import arrow, from_there, to_there
from groundswell.ops.operations import STATUS, SYNCS
from groundswell.ops.sync_messages import AskSyncs


async def show(visit: Visit) -> web.Response:
    found = await visit.ask(SYNCS, AskSyncs())
    figures = figures_of(await visit.ask(STATUS, Nothing()))
    return visit.page("syncs.html", syncs=found.syncs, live=figures.texts, shape=figures.shape)


async def show_one(visit: Visit) -> web.Response:
    name = visit.request.match_info["name"]
    try:
        (sync,) = (await visit.ask(SYNCS, AskSyncs(name))).syncs
    except NotFoundError as exc:
        return visit.nobody(exc)
    figures = figures_of(await visit.ask(STATUS, Nothing()))
    return visit.page(
        "sync.html",
        sync=sync,
        live=figures.texts,
        shape=figures.shape,
        fields=[(field, arrow(field), from_there(field), to_there(field)) for field in sync.fields],
    )
