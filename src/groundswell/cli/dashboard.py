"""`groundswell dashboard`: a link that logs a browser in."""

import webbrowser
from typing import Annotated

import typer

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json
from groundswell.ops.messages import Nothing
from groundswell.ops.operations import DASHBOARD


def command(
    open_it: Annotated[bool, typer.Option("--open", help="Open it in this machine's browser.")] = False,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Show a link that logs a browser in at the running daemon, once, within a minute.

    Whoever may read the token file beside the state file gets one; it needs no password.

    Examples: groundswell dashboard; groundswell dashboard --open
    """
    made = ask(config, DASHBOARD, Nothing())
    if as_json:
        print_json(made)
        return
    typer.echo(made.url)
    typer.echo(f"Good once, for {made.lasts_s} seconds. Without JavaScript, type the code: {made.code}", err=True)
    if open_it and not webbrowser.open(made.url):
        typer.echo("no browser could be opened here", err=True)
