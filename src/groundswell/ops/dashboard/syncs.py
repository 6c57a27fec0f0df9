"""Fields: how each sync keeps them in step, in arrows and in words, how far it is, and what to write to change it."""

from aiohttp import web

from groundswell.errors import NotFoundError
from groundswell.ops.amounts import progress_words
from groundswell.ops.dashboard.visit import Visit
from groundswell.ops.mode_words import arrow, from_there, to_there
from groundswell.ops.operations import SYNCS
from groundswell.ops.sync_messages import AskSyncs


async def show(visit: Visit) -> web.Response:
    found = await visit.ask(SYNCS, AskSyncs())
    progress = {sync.name: progress_words(sync.progress) for sync in found.syncs if sync.progress is not None}
    return visit.page("syncs.html", syncs=found.syncs, progress=progress)


async def show_one(visit: Visit) -> web.Response:
    name = visit.request.match_info["name"]
    try:
        (sync,) = (await visit.ask(SYNCS, AskSyncs(name))).syncs
    except NotFoundError as exc:
        return visit.nobody(exc)
    return visit.page(
        "sync.html",
        sync=sync,
        progress=None if sync.progress is None else progress_words(sync.progress),
        fields=[(field, arrow(field), from_there(field), to_there(field)) for field in sync.fields],
    )
