"""Audit: who changed what, newest first."""

from typing import Final

from aiohttp import web
from msgspec import structs

from groundswell.ops.dashboard.visit import Visit
from groundswell.ops.messages import NUMBER_MAX, ListAudit
from groundswell.ops.operations import AUDIT, OPERATIONS

LINES_SHOWN: Final = 100


async def show(visit: Visit) -> web.Response:
    asked = structs.replace(visit.asked(ListAudit), limit=LINES_SHOWN)
    found = await visit.ask(AUDIT, asked)
    return visit.page(
        "audit.html",
        asked=asked,
        lines=[(line, bytes(line.arguments).decode()) for line in found.lines],
        older=None if found.next_before is None else visit.link(before=found.next_before),
        is_first=asked.before == NUMBER_MAX,
        operations=sorted((one.name, one.name) for one in OPERATIONS if not one.only_looks),
    )
