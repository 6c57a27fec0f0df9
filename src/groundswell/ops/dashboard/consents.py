"""The ledger of consents: who said what and what was made of it, page by page, and as a file."""

from typing import Final, Literal, get_args

import structlog
from aiohttp import web
from msgspec import Struct

from groundswell.errors import GroundswellError
from groundswell.ops.consent_files import WRITERS
from groundswell.ops.consent_words import DECISIONS, said_words
from groundswell.ops.dashboard.visit import Visit
from groundswell.ops.member_messages import LINES_MAX, ConsentLines, Decision, ExportConsents
from groundswell.ops.operations import CONSENTS_EXPORT

PER_PAGE: Final = 50
LINES_PER_PART: Final = LINES_MAX
"""Of a file, in memory at a time."""
TYPES: Final = {"csv": "text/csv", "jsonl": "application/jsonl"}

log = structlog.get_logger()


class Filter(Struct, frozen=True):
    """What of a question may stand in a URL: nothing about a person."""

    decision: Decision | None = None
    order: Literal["oldest", "newest"] = "newest"


class OfDecision(Struct, frozen=True):
    """Which lines to write out."""

    decision: Decision | None = None


async def show(visit: Visit) -> web.Response:
    if not visit.may(CONSENTS_EXPORT):
        return visit.page("consents.html", found=None)
    asked, found = visit.sent.get(CONSENTS_EXPORT.name), visit.found.get(CONSENTS_EXPORT.name)
    if not isinstance(asked, ExportConsents) or not isinstance(found, ConsentLines):
        wanted = visit.asked(Filter)
        asked = ExportConsents(limit=PER_PAGE, decision=wanted.decision, order=wanted.order)
        found = await visit.ask(CONSENTS_EXPORT, asked)
    return visit.page(
        "consents.html",
        found=found,
        said=[(line, said_words(line)) for line in found.lines],
        asked=asked,
        decisions={name: DECISIONS[name] for name in get_args(Decision)},
        per_page=PER_PAGE,
    )


async def download(visit: Visit) -> web.StreamResponse:
    """The ledger as a file, a part in memory at a time; it ends early, and is seen to, when the login does."""
    kind = visit.request.match_info["kind"]
    asked = ExportConsents(limit=LINES_PER_PART, decision=visit.asked(OfDecision).decision)
    found: ConsentLines = await visit.ask(CONSENTS_EXPORT, asked)
    writer = WRITERS[kind]()
    response = web.StreamResponse(
        headers={
            "Content-Type": f"{TYPES[kind]}; charset=utf-8",
            "Content-Disposition": f'attachment; filename="consents.{kind}"',
        }
    )
    await response.prepare(visit.request)
    try:
        await response.write(writer.heading().encode() + writer.lines(found.lines).encode())
        while found.next_after is not None:
            if not visit.is_still_in:
                return _cut_off(visit, response, "the login has ended")
            asked = ExportConsents(found.next_after, LINES_PER_PART, decision=asked.decision)
            found = await visit.ask(CONSENTS_EXPORT, asked)
            await response.write(writer.lines(found.lines).encode())
    except GroundswellError as exc:  # half of it is sent: there is no other answer any more
        return _cut_off(visit, response, type(exc).__name__)
    await response.write_eof()
    return response


def _cut_off(visit: Visit, response: web.StreamResponse, why: str) -> web.StreamResponse:
    """Break the connection off, so that nobody takes the file for whole."""
    log.warning("download_cut_off", path=visit.request.path, why=why)
    if visit.request.transport is not None:
        visit.request.transport.abort()
    return response
