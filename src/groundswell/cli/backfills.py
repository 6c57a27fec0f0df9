"""`groundswell backfills`: what of the past was fetched again, and when."""

from typing import Annotated

import typer

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json, say, shown, table
from groundswell.ops.messages import BackfillStatus, ListBackfills
from groundswell.ops.operations import BACKFILLS


def command(
    source: Annotated[
        str | None, typer.Argument(metavar="SOURCE", help="Only of this source.", show_default="all")
    ] = None,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """List what of the past was fetched again: which time, when, and what came of it. The last twenty of each source.

    Exit codes: 0 done, 1 failed.

    Examples: groundswell backfills; groundswell backfills people --json
    """
    found = ask(config, BACKFILLS, ListBackfills(source))
    if as_json:
        print_json(found)
    elif not found.backfills:
        of = "" if source is None else f" of {source}"
        able = [one.source for one in found.sources]
        typer.echo(f"no backfill{of} was asked for yet" + (f"; what can be is {', '.join(able)}" if able else ""))
    else:
        columns = ["backfill of", "asked", "state", "sends", "what", "collections", "records", "new", "sent", "ended"]
        say(table("Backfills", columns, [_row(one) for one in found.backfills], numbers={"records", "new", "sent"}))


def _row(one: BackfillStatus) -> list[object]:
    collections = ", ".join(one.collections)
    counts = (one.records, one.accepted, one.sent)
    return [one.source, one.asked_at, one.state, sends_of(one), span_of(one), collections, *counts, one.ended_at]


def sends_of(backfill: BackfillStatus) -> str:
    """In a word or two."""
    return ("what is unsent" if backfill.sends == "unsent" else "all again") + (
        ", subscribes" if backfill.subscribes else ""
    )


def span_of(backfill: BackfillStatus) -> str:
    """ "from 2026-05-01T00:00:00Z to 2026-05-02T00:00:00Z"."""
    since = shown(backfill.since) if backfill.since.timestamp() else "the beginning"
    return f"from {since} to {shown(backfill.until)}"
