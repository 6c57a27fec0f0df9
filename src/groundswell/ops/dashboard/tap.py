"""What comes out of the components, as it does: the script of the page follows /api/tap."""

from typing import Final

from aiohttp import web

from groundswell.ops.dashboard.visit import Visit
from groundswell.ops.messages import Nothing
from groundswell.ops.operations import STATUS, TAP
from groundswell.ops.tap_messages import AskTap
from groundswell.record import KINDS

LINES_MAX: Final = 200
"""On the page; the oldest goes first."""


async def show(visit: Visit) -> web.Response:
    status = await visit.ask(STATUS, Nothing())
    asked = visit.request.query
    return visit.page(
        "tap.html",
        url=TAP.path,
        components=[part.name for part in status.components if part.role is not None],
        kinds=KINDS,
        asked={name: asked.get(name, "") for name in AskTap.__struct_fields__},
        lines_max=LINES_MAX,
    )
