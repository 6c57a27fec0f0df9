"""`groundswell replay`: accepted records once more through the pipeline as it is now."""

from typing import Annotated

import typer

from groundswell.cli.asking import ask
from groundswell.cli.moments import moment_option
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json
from groundswell.config.problems import counted
from groundswell.ops.messages import AskReplay
from groundswell.ops.operations import REPLAY

_TIME = 'A moment ("2026-05-02T11:00:09Z"), a date, or how long ago ("2h", "3d").'


def command(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The source that accepted them.")],
    since: Annotated[str | None, typer.Option(help=f"Accepted at or after. {_TIME}")] = None,
    until: Annotated[str | None, typer.Option(help="Accepted at or before, likewise.")] = None,
    ids: Annotated[list[str] | None, typer.Option("--id", help="Only this record; may be repeated.")] = None,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Process accepted records once more, through the pipeline as it is now, and deliver them to all their sinks.

    Receivers see the record ids they saw before. How far back it can go: [daemon] keep. Exit codes: 0 done, 1 failed.

    Examples: groundswell replay signups --since 2h; groundswell replay signups --since 2026-11-17 --until 2026-11-18
    """
    if since is None and not ids:
        raise typer.BadParameter("say from when on (--since), or which records (--id): all of it is delivered again")
    replayed = ask(config, REPLAY, AskReplay(source, moment_option(since), moment_option(until), ids or None))
    if as_json:
        print_json(replayed)
    else:
        typer.echo(f"{counted(replayed.records, 'record')} of {source} once more")
