"""`groundswell reload`: have the daemon read its configuration again."""

import typer

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json
from groundswell.ops.messages import ConfigReloaded, Nothing
from groundswell.ops.operations import RELOAD


def command(config: CONFIG = None, as_json: JSON = False) -> None:
    """Have the running daemon read its configuration again. If it is wrong, the one in force stays.

    Only what changed is restarted; what waits stays. Exit codes: 0 done, 1 failed, 78 the configuration is wrong.

    Examples: groundswell reload; groundswell check && groundswell reload
    """
    reloaded = ask(config, RELOAD, Nothing())
    if as_json:
        print_json(reloaded)
    else:
        _say(reloaded)


def _say(reloaded: ConfigReloaded) -> None:
    typer.echo(f"configuration {reloaded.config} is in force")
    for word in ("started", "stopped", "restarted"):
        names: list[str] = getattr(reloaded, word)
        if names:
            typer.echo(f"{word:<10} {', '.join(names)}")
    if reloaded.needs_restart:
        typer.echo(f"restart the daemon for: {', '.join(reloaded.needs_restart)}", err=True)
