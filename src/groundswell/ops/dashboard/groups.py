"""Groups of members: how many are in each, where they come from, and who is in one."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from groundswell.errors import NotFoundError
from groundswell.ops.dashboard.visit import Visit
from groundswell.ops.group_messages import GroupName, ListGroupMembers, ListGroups
from groundswell.ops.messages import Position
from groundswell.ops.operations import GROUPS_LIST, GROUPS_MEMBERS

PER_PAGE: Final = 50


class After(Struct, frozen=True):
    """The group that the page before ended with."""

    after: str = ""


class Group(Struct, frozen=True):
    """Which group, and the number of the member that the page before ended with."""

    name: GroupName
    after: Position = 0


async def show(visit: Visit) -> web.Response:
    after = visit.asked(After).after
    found = await visit.ask(GROUPS_LIST, ListGroups(after))
    return visit.page("groups.html", found=found, after=after)


async def show_one(visit: Visit) -> web.Response:
    asked = visit.asked(Group)
    if not visit.may(GROUPS_MEMBERS):
        return visit.page("group.html", name=asked.name, found=None)
    try:
        found = await visit.ask(GROUPS_MEMBERS, ListGroupMembers(asked.name, asked.after, PER_PAGE))
    except NotFoundError as exc:
        return visit.nobody(exc)
    return visit.page("group.html", name=found.name, found=found, after=asked.after)
