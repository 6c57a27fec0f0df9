"""`groundswell backfill`: a time that is past, fetched again from where it happened."""

from typing import Annotated

import typer

from groundswell.cli.asking import ask
from groundswell.cli.moments import moment_option
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json, shown
from groundswell.ops.messages import AskBackfill, BackfillStatus
from groundswell.ops.operations import BACKFILL

_TIME = 'A moment ("2026-05-02T11:00:09Z"), a date, or how long ago ("2h", "3d").'


def command(
    source: Annotated[str, typer.Argument(help="A source that can be asked for a time that is past: a poller.")],
    since: Annotated[str | None, typer.Option(help=f"What was made or changed at or after. {_TIME}")] = None,
    until: Annotated[
        str | None, typer.Option(help="What was made or changed before, likewise.", show_default="now")
    ] = None,
    collections: Annotated[
        list[str] | None,
        typer.Option("--collection", help="Only this of what the source looks for; may be repeated."),
    ] = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="Stop the one under way. What it brought stays.")] = False,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Have the running daemon fetch a time again, beside the source's own running and at the lowest priority.

    It goes on over restarts and failures until it is done. `groundswell status` shows how far it has come. What was
    accepted before and is still remembered ([daemon] keep) is not delivered again; what is older is.
    Exit codes: 0 begun, 1 failed.

    Examples: groundswell backfill people --since 3d; groundswell backfill people --since 2026-11-01 --until 2026-11-08
    --collection donations; groundswell backfill people --cancel
    """
    if cancel and (since is not None or until is not None or collections):
        raise typer.BadParameter("--cancel stops what is under way, whatever it is; leave out the others")
    if since is None and not cancel:
        raise typer.BadParameter("say from when on (--since): everything since then is fetched again")
    asked = AskBackfill(source, moment_option(since), moment_option(until), collections or None, cancel)
    backfill = ask(config, BACKFILL, asked)
    if as_json:
        print_json(backfill)
    else:
        _say(backfill)


def _say(backfill: BackfillStatus) -> None:
    name = backfill.source
    if backfill.ended_at is not None:
        typer.echo(
            f"the backfill of {name} is {backfill.state}; it brought {backfill.records:,}, {backfill.accepted:,} new"
        )
        return
    span = f"{shown(backfill.since)} to {shown(backfill.until)}"
    typer.echo(f"{name} fetches again what was made or changed from {span}: {shown(', '.join(backfill.collections))}")
    if backfill.state == "paused":
        typer.echo(f"{name} is paused; groundswell resume {name} lets it begin")
    typer.echo(f"groundswell status shows how far it has come; groundswell backfill {name} --cancel stops it")
