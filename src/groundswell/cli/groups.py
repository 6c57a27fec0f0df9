"""`groundswell groups`: groups of members, and who is in one."""

from typing import Annotated

import typer

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import command_of, print_json, say, table, warn_of_personal_data
from groundswell.ops.group_messages import GROUPS_MAX, MEMBERS_MAX, GroupShown, ListGroupMembers, ListGroups
from groundswell.ops.operations import GROUPS_LIST, GROUPS_MEMBERS

app = typer.Typer(help="List groups of members, and who is in one.", no_args_is_help=True)


@app.callback()
def _options() -> None:
    """List groups of members, and who is in one."""


@app.command("list")
def list_groups(
    limit: Annotated[int, typer.Option(help="How many to list.", min=1, max=GROUPS_MAX)] = 100,
    after: Annotated[str, typer.Option(help="Go on after the group of this name.", show_default=False)] = "",
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """List the groups: how many members each has, and where they come from: the primary group of a sync, a page, a
    field of actions, a usergroup.

    Examples: groundswell groups list; groundswell groups list --limit 500 --json
    """
    found = ask(config, GROUPS_LIST, ListGroups(after, limit))
    if as_json:
        print_json(found)
        return
    if not found.groups:
        say("there is no group" if not after else "there are no more groups")
    else:
        rows = [(one.name, one.members, _origins(one)) for one in found.groups]
        say(table("", ["group", "members", "from"], rows, numbers=["members"]))
    for one in found.pages:
        pages = "all pages" if one.pages == ["*"] else ", ".join(one.pages)
        say(f"{one.sync} ({one.state}) makes groups of {pages}")
    if found.next_after is not None:
        say(f"more: {command_of('groups', 'list', limit=limit, after=found.next_after)}")


@app.command("members")
def list_members(
    name: Annotated[str, typer.Argument(help="The group.")],
    limit: Annotated[int, typer.Option(help="How many to list.", min=1, max=MEMBERS_MAX)] = 50,
    after: Annotated[int, typer.Option(help="Go on after the member with this number.", min=0)] = 0,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """List who is in a group, by the numbers of the members. Personal data.

    Examples: groundswell groups members "Tax the rich"; groundswell groups members Volunteers --limit 1000 --json
    """
    found = ask(config, GROUPS_MEMBERS, ListGroupMembers(name, after, limit))
    if found.members:
        warn_of_personal_data()
    if as_json:
        print_json(found)
        return
    say(f"{found.total:,} in {name}")
    rows = [(str(one.member), one.phone, one.email, one.name, one.consent, one.since) for one in found.members]
    say(table("", ["member", "phone", "email", "name", "may be texted", "since"], rows, numbers=["member"]))
    if found.next_after is not None:
        say(f"more: {command_of('groups', 'members', name, limit=limit, after=found.next_after)}")


def _origins(group: GroupShown) -> str:
    return "; ".join(f"{one.sync}: {one.detail}" for one in group.origins) or "no sync names it"
