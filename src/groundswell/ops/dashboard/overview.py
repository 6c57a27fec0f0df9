"""The overview: how everything is doing, and what needs a person first."""

from aiohttp import web

from groundswell.config.problems import listing
from groundswell.ops.dashboard.drawing import HEIGHT, WIDTH, draw
from groundswell.ops.dashboard.figures import figures_of
from groundswell.ops.dashboard.visit import Visit
from groundswell.ops.messages import ConfigReloaded, Nothing
from groundswell.ops.operations import PAUSE, RELOAD, STATUS


async def show(visit: Visit) -> web.Response:
    status = await visit.ask(STATUS, Nothing())
    figures = figures_of(status)
    return visit.page(
        "overview.html",
        status=status,
        live=figures.texts,
        attention=figures.attention,
        shape=figures.shape,
        drawing=draw(
            {part.name: part.inputs for part in status.components if part.role is not None},
            [part.name for part in status.components if part.role == "sink"],
        ),
        box_width=WIDTH,
        box_height=HEIGHT,
        roles={
            heading: found
            for heading, role in (("Sources", "source"), ("Transforms", "transform"), ("Sinks", "sink"), ("Gone", None))
            if (found := [part for part in status.components if part.role == role])
        },
        under_way=figures.under_way,
        may_pause=visit.may(PAUSE),
        may_reload=visit.may(RELOAD),
    )


def reloaded(done: ConfigReloaded) -> str:
    """What a reload changed, in a sentence or two."""
    parts = [f"{word}: {', '.join(names)}" for word, names in _changes(done) if names]
    restart = f" Restart the daemon for: {listing(done.needs_restart)}." if done.needs_restart else ""
    return f"The configuration was read ({'; '.join(parts) or 'nothing changed'}).{restart}"


def _changes(done: ConfigReloaded) -> list[tuple[str, list[str]]]:
    return [("started", done.started), ("stopped", done.stopped), ("restarted", done.restarted)]
