"""`groundswell members`: who is synced, and who is not and why."""

from typing import Annotated

import msgspec
import typer

from groundswell.cli.asking import ask, ask_at, place_or_exit
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.people import COUNT_COLUMNS
from groundswell.cli.screen import command_of, print_json, say, table, warn_of_personal_data
from groundswell.members.member import LinkState
from groundswell.ops.member_messages import (
    HOUSEHOLDS_MAX,
    LINKS_MAX,
    ListHouseholds,
    ListMembers,
    MemberRow,
    Members,
)
from groundswell.ops.operations import MEMBERS_HOUSEHOLDS, MEMBERS_LIST
from groundswell.ops.place import Place
from groundswell.store.listing import Sort

app = typer.Typer(help="List who is synced, and who is not and why.", no_args_is_help=True)


@app.callback()
def _options() -> None:
    """List who is synced, and who is not and why."""


@app.command("list")
def list_members(
    account: Annotated[str | None, typer.Argument(help="Only of this account.", show_default="all")] = None,
    status: Annotated[LinkState | None, typer.Option(help="Only in this state.")] = None,
    search: Annotated[
        str, typer.Option(help="Only with this in their number there, phone, email or name.", show_default=False)
    ] = "",
    sort: Annotated[
        Sort,
        typer.Option(
            help="In the order of their numbers there (as text), of their emails (who has none is left out), or "
            "whoever came into their state last first."
        ),
    ] = "remote_id",
    limit: Annotated[int, typer.Option(help="How many to list.", min=1, max=LINKS_MAX)] = 50,
    after: Annotated[
        str | None, typer.Option(help="Go on where the list before ended, as it says.", show_default=False)
    ] = None,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """List the people of the accounts as the syncs see them, and how many are in each state. Personal data.

    synced: as it should be. pending: a write is under way. ineligible: no phone, or no opt-in value. duplicate: another
    user there has the same phone. error: a write became a dead letter. gone: deleted there.

    Examples: groundswell members list; groundswell members list actionkit --status ineligible --limit 200;
    groundswell members list --search quint --sort newest --json
    """
    asked = ListMembers(account, status, search, sort, limit, after)
    found = _whole(place_or_exit(config), asked)
    if found.members:
        warn_of_personal_data()
    if as_json:
        print_json(found)
    else:
        _show(found, asked)


@app.command("households")
def list_households(
    limit: Annotated[int, typer.Option(help="How many phones to list.", min=1, max=HOUSEHOLDS_MAX)] = 50,
    after: Annotated[int, typer.Option(help="Go on where the list before ended, as it says.", min=0)] = 0,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """List phones that several people of an account share: who is linked, and who is a duplicate. Personal data.

    Examples: groundswell members households; groundswell members households --limit 200 --json
    """
    found = ask(config, MEMBERS_HOUSEHOLDS, ListHouseholds(after, limit))
    if found.households:
        warn_of_personal_data()
    if as_json:
        print_json(found)
        return
    if not found.households:
        typer.echo("no phone is shared" if not after else "no more phones are shared")
        return
    rows = [
        (one.phone, person.account, person.remote_id, person.state, person.email, person.name)
        for one in found.households
        for person in one.people
    ]
    say(table("", ["phone", "account", "number there", "state", "email", "name"], rows))
    if found.next_after is not None:
        say(f"more: {command_of('members', 'households', limit=limit, after=found.next_after)}")


def _whole(place: Place, asked: ListMembers) -> Members:
    """As many as are asked for: one answer may hold fewer, where a search had to look at many."""
    found = ask_at(place, MEMBERS_LIST, asked)
    while found.next_after is not None and len(found.members) < asked.limit:
        rest = msgspec.structs.replace(asked, limit=asked.limit - len(found.members), after=found.next_after)
        more = ask_at(place, MEMBERS_LIST, rest)
        found = Members(more.accounts, [*found.members, *more.members], more.next_after)
    return found


def _show(found: Members, asked: ListMembers) -> None:
    if not found.accounts:
        say("no people are known, and there is no [sync.NAME] that would bring them")
        return
    rows = [
        (one.account, *(one.states.get(state, 0) for state in COUNT_COLUMNS[:-1]), one.total) for one in found.accounts
    ]
    say(table("", ["account", *COUNT_COLUMNS], rows, numbers=COUNT_COLUMNS))
    if found.members:
        headings = ["account", "number there", "state", "why", "since", "member", "phone", "email", "name"]
        say(table("\n", headings, map(_cells, found.members), numbers=["member"]))
    else:
        say("\nnobody is in there" if asked.status or asked.search or asked.after else "")
    if found.next_after is not None:
        words = ["members", "list", *([asked.account] if asked.account else [])]
        sort = None if asked.sort == "remote_id" else asked.sort
        rest = {"status": asked.status, "search": asked.search, "sort": sort, "limit": asked.limit}
        say(f"more: {command_of(*words, **rest, after=found.next_after)}")


def _cells(row: MemberRow) -> tuple[object, ...]:
    # A reason says "duplicate" where the state does.
    why = row.reason if row.reason != row.state else ""
    member = None if row.member is None else str(row.member)
    return (row.account, row.remote_id, row.state, why, row.since, member, row.phone, row.email, row.name)
