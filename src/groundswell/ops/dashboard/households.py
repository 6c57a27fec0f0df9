"""Phones that several people of an account share, and who of them is linked."""

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from groundswell.ops.dashboard.visit import Visit
from groundswell.ops.member_messages import ListHouseholds
from groundswell.ops.messages import NUMBER_MAX
from groundswell.ops.operations import MEMBERS_HOUSEHOLDS

PER_PAGE: Final = 50


class After(Struct, frozen=True):
    """Where the page before ended: the number of a member."""

    after: Annotated[int, Meta(ge=0, le=NUMBER_MAX)] = 0


async def show(visit: Visit) -> web.Response:
    after = visit.asked(After).after
    found = await visit.ask(MEMBERS_HOUSEHOLDS, ListHouseholds(after, PER_PAGE))
    return visit.page("households.html", found=found, after=after)
