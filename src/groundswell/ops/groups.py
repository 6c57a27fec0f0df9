"""Groups of members as operators ask about them: which there are, where they come from, and who is in one."""

from collections.abc import Callable, Iterator

from groundswell.errors import NotFoundError
from groundswell.ops.group_messages import (
    GroupMember,
    GroupMembers,
    GroupOrigin,
    Groups,
    GroupShown,
    ListGroupMembers,
    ListGroups,
    PagesSynced,
)
from groundswell.ops.messages import moment
from groundswell.ops.people_shown import name_in
from groundswell.ops.place import Outline
from groundswell.store.groups import InGroup
from groundswell.store.people import People
from groundswell.sync.settings import ActionGroup, SyncSettings

EVERY_PAGE = "*"


class GroupDesk:
    """Answers what is asked about groups."""

    def __init__(self, people: People, outline: Callable[[], Outline]) -> None:
        self._people = people
        self._outline = outline

    async def groups(self, asked: ListGroups) -> Groups:
        sizes = dict(await self._people.group_sizes(asked.after, asked.limit + 1))
        empty = [name for name in self._configured() if name > asked.after and name not in sizes]
        # Both are in order, and a page of each holds all that can stand on this page.
        names = sorted([*sizes, *empty])
        shown = [GroupShown(name, sizes.get(name, 0), list(self._origins(name))) for name in names[: asked.limit]]
        pages = [
            PagesSynced(sync, "on" if settings.enabled else "off", settings.pages)
            for sync, settings in self._settings()
            if settings.pages
        ]
        return Groups(shown, pages, shown[-1].name if len(names) > asked.limit else None)

    async def members(self, asked: ListGroupMembers) -> GroupMembers:
        total = await self._people.group_size(asked.name)
        origins = list(self._origins(asked.name))
        if not total and asked.name not in self._configured():
            raise NotFoundError("nobody is in a group of that name, and no sync makes one; `groundswell groups list`")
        found = await self._people.group_members(asked.name, asked.after, asked.limit + 1)
        members = [_member(one) for one in found[: asked.limit]]
        following = members[-1].member if len(found) > asked.limit else None
        return GroupMembers(asked.name, total, origins, members, following)

    def _settings(self) -> Iterator[tuple[str, SyncSettings]]:
        for name, sync in self._outline().syncs.items():
            if sync.settings is not None:
                yield name, sync.settings

    def _configured(self) -> set[str]:
        """Groups that are named in the configuration. A page may be named by its number, which is no group's name."""
        names: set[str] = set()
        for _, sync in self._settings():
            names |= {*sync.usergroups, *(group.name for group in sync.groups)}
            names |= {sync.primary_group} if sync.primary_group is not None else set()
        return names

    def _origins(self, group: str) -> Iterator[GroupOrigin]:
        for name, sync in self._settings():
            if sync.primary_group == group:
                yield GroupOrigin(name, "primary_group", f"everybody who is linked in {sync.account}")
            for one in sync.groups:
                if one.name == group:
                    yield GroupOrigin(name, "action_field", _rule(one))
            if group in sync.usergroups:
                yield GroupOrigin(name, "usergroup", f"the usergroup of that name in {sync.account}")
            named = {sync.primary_group, *sync.usergroups, *(one.name for one in sync.groups)}
            if group in sync.pages or (EVERY_PAGE in sync.pages and group not in named):
                yield GroupOrigin(name, "page", f"whoever took an action on the page of that name in {sync.account}")


def _rule(group: ActionGroup) -> str:
    value = "any value" if group.value is None else f"“{group.value}”"
    where = "any page" if group.page is None else f"the page “{group.page}”"
    return f"whoever took an action on {where} with {value} in its field {group.field}"


def _member(found: InGroup) -> GroupMember:
    member = found.member
    known = {name: value.value for name, value in member.fields.items()}
    return GroupMember(
        member=member.id,
        phone=member.phone,
        email=known.get("email"),
        name=name_in(known),
        consent=member.consent,
        since=moment(found.since),
    )
