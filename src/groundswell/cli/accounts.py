"""`groundswell accounts`: which accounts are connected, since when, and how their calls go."""

from collections.abc import Iterator, Sequence

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json, say, shown, table
from groundswell.ops.account_messages import AccountHistory, AccountStatus
from groundswell.ops.messages import Nothing
from groundswell.ops.operations import ACCOUNTS


def command(config: CONFIG = None, as_json: JSON = False) -> None:
    """Show every account: whether it is connected, since when, what uses it, and what to do about it.

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
    """A table of accounts, and below it what went wrong with some, and what to do."""
    yield _table(accounts)
    for account in accounts:
        if account.last_error is not None and account.state == "connection_error":
            yield Text(f"  {account.name}: {shown(account.last_error)}", style="yellow")
        if account.to_do is not None:
            yield Text(f"  {account.name}: {shown(account.to_do)}", style="yellow")


def _table(accounts: Sequence[AccountStatus]) -> Table:
    rows = [
        (
            account.name,
            account.type,
            account.host,
            _state(account),
            account.since,
            account.last_good_at,
            ", ".join(use.name for use in account.uses),
            "; ".join(map(_past, account.history)) or None,
        )
        for account in accounts
    ]
    headings = ["account", "type", "host", "state", "since", "last good call", "used by", "historical data"]
    return table("\nAccounts", headings, rows)


def _state(account: AccountStatus) -> Text:
    words = account.state.replace("_", " ")
    if account.cause is not None:
        words += f" ({account.cause})"
    return Text(
        words, style="" if account.state == "connected" else "yellow" if account.cause != "credentials" else "red"
    )


def _past(history: AccountHistory) -> str:
    """ "people: finished 2026-05-02T11:00:09Z"."""
    return f"{history.source}: {history.state} {shown(history.ended_at or history.asked_at)}"
