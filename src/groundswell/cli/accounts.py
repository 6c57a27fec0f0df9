"""`groundswell accounts`: which accounts are connected, since when, and how their calls go."""

from collections.abc import Iterator, Sequence

import typer
from rich.console import RenderableType
from rich.text import Text

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json, say, shown, table
from groundswell.ops.account_messages import AccountStatus
from groundswell.ops.accounts_shown import who
from groundswell.ops.messages import Nothing
from groundswell.ops.operations import ACCOUNTS


def command(config: CONFIG = None, as_json: JSON = False) -> None:
    """Show every account: whether it is connected, since when and by whom, what uses it, and what to do about it.

    While no daemon runs, how calls went last is shown. Exit codes: 0 done, 1 failed.

    Examples: groundswell accounts; groundswell accounts --json
    """
    found = ask(config, ACCOUNTS, Nothing())
    if as_json:
        print_json(found)
    elif found.accounts:
        say(*rendered(found.accounts))
    else:
        typer.echo("there are no accounts; docs/configuration.md says how to write one")


def rendered(accounts: Sequence[AccountStatus]) -> Iterator[RenderableType]:
    """A table of accounts, and below it more of each: who uses it, what went wrong, and what to do."""
    rows = [
        (account.name, account.type, account.host, _state(account), account.since, account.last_good_at)
        for account in accounts
    ]
    yield table("\nAccounts", ["account", "type", "host", "state", "since", "last good call"], rows)
    for account in accounts:
        yield Text(f"  {account.name}: {'; '.join(_more(account))}", style="dim")
        if account.last_error is not None and account.state == "connection_error":
            yield Text(f"  {account.name}: {shown(account.last_error)}", style="yellow")
        if account.to_do is not None:
            yield Text(f"  {account.name}: {shown(account.to_do)}", style="yellow")


def _more(account: AccountStatus) -> Iterator[str]:
    """ "connected 2026-05-02T11:00:09Z by rosa", "used by people, crm", "people: finished 2026-05-02T12:00:00Z"."""
    changed = account.changed
    if changed is not None:
        yield f"{changed.operation}ed {shown(changed.at)} by {shown(who(changed))}"
    yield f"used by {', '.join(use.name for use in account.uses) or 'nothing'}"
    for past in account.history:
        yield f"backfill of {past.source} {past.state} {shown(past.ended_at or past.asked_at)}"


def _state(account: AccountStatus) -> Text:
    words = account.state.replace("_", " ")
    if account.cause is not None:
        words += f" ({account.cause})"
    return Text(
        words, style="" if account.state == "connected" else "yellow" if account.cause != "credentials" else "red"
    )
