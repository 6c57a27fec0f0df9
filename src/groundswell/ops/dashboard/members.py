"""The members: how many are in each state, and who, found by a part of a name, a phone or an email."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from msgspec import Struct

from groundswell.members.member import LinkState
from groundswell.ops.dashboard.figures import figures_of
from groundswell.ops.dashboard.visit import Visit
from groundswell.ops.member_messages import ListMembers, Members
from groundswell.ops.messages import Name, Nothing
from groundswell.ops.operations import MEMBERS_LIST, STATUS
from groundswell.ops.people_shown import STATES
from groundswell.store.listing import Sort

PER_PAGE: Final = 50
SORTS: Final[Mapping[Sort, str]] = {
    "remote_id": "their number there",
    "email": "their email (who has none is left out)",
    "newest": "whoever changed state last",
}


class Filter(Struct, frozen=True):
    """What of a question may stand in a URL: nothing about a person."""

    account: Name | None = None
    status: LinkState | None = None
    sort: Sort = "remote_id"


async def show(visit: Visit) -> web.Response:
    status = await visit.ask(STATUS, Nothing())
    figures = figures_of(status)
    moving = {"live": figures.texts, "shape": figures.shape}
    asked, found = visit.sent.get(MEMBERS_LIST.name), visit.found.get(MEMBERS_LIST.name)
    if not visit.may(MEMBERS_LIST):
        counted = [sync.account for sync in status.syncs]
        return visit.page("members.html", counted=counted, found=None, **moving, **_STATES)
    if not isinstance(asked, ListMembers) or not isinstance(found, Members):
        wanted = visit.asked(Filter)
        asked = ListMembers(wanted.account, wanted.status, "", wanted.sort, PER_PAGE)
        found = await visit.ask(MEMBERS_LIST, asked)
    return visit.page(
        "members.html",
        counted=[sync.account for sync in status.syncs],
        found=found,
        asked=asked,
        sorts=SORTS,
        per_page=PER_PAGE,
        **moving,
        **_STATES,
    )


_STATES: Final = {"states": STATES, "headings": [f"#{state.capitalize()}" for state in STATES]}
