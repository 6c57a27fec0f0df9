"""`groundswell syncs`: how each sync keeps fields in step, and how far it is."""

from typing import Annotated

import typer
from rich.text import Text

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json, say, shown, table
from groundswell.ops.amounts import progress_words
from groundswell.ops.mode_words import from_there, to_there
from groundswell.ops.operations import SYNCS
from groundswell.ops.sync_messages import AskSyncs, SyncShown


def command(
    sync: Annotated[str | None, typer.Argument(metavar="SYNC", help="Only this sync.", show_default="all")] = None,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Show how each sync keeps fields in step, its settings, and how far it is.

    Of each field: its name there, its mode, what that means in either direction, how many members have a value.

    Examples: groundswell syncs; groundswell syncs actionkit --json
    """
    found = ask(config, SYNCS, AskSyncs(sync))
    if as_json:
        print_json(found)
        return
    if not found.syncs:
        say("there is no [sync.NAME]")
    for number, one in enumerate(found.syncs):
        _show(one, is_first=number == 0)


def _show(sync: SyncShown, *, is_first: bool) -> None:
    say(Text(("" if is_first else "\n") + shown(sync.name), style="bold"))
    account = f"{shown(sync.account)} ({sync.type})" if sync.type else shown(sync.account)
    say(f"{account}, {sync.state}, {sync.synced:,} of {sync.total:,} synced")
    if sync.progress is not None:
        say(f"reading: {shown(progress_words(sync.progress))}")
    have = "have one" if sync.is_all else f"have one, of {sync.looked_at:,} looked at"
    rows = [
        (one.name, one.remote, one.mode, from_there(one), to_there(one), one.clear, one.have) for one in sync.fields
    ]
    headings = ["field", "called there", "mode", "theirs, here", "ours, there", "clear", have]
    say(table("\nFields", headings, rows, numbers=[have]))
    say(table("\nSettings", ["setting", "value"], sync.settings.items()))
