"""`groundswell config`: the configuration in force."""

import typer

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json, shown
from groundswell.ops.config_messages import ConfigShown
from groundswell.ops.messages import Nothing
from groundswell.ops.operations import CONFIG as CONFIG_SHOWN


def command(config: CONFIG = None, as_json: JSON = False) -> None:
    """Show the configuration the running daemon has in force, with every default, and without secrets.

    A secret is shown as ***, what was written with ${NAME} as it was written, what nobody wrote as a comment.

    Examples: groundswell config; groundswell config --json
    """
    found = ask(config, CONFIG_SHOWN, Nothing())
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: ConfigShown) -> None:
    typer.echo(f"# {found.hash}, read {shown(found.read_at)} from {', '.join(map(shown, found.files))}")
    for warning in found.warnings:
        typer.echo(f"# warning: {shown(warning)}")
    if found.refused is not None:
        typer.echo(f"# the last reload ({shown(found.refused.at)}) was refused; `groundswell check` says why")
    for table in found.tables:
        typer.echo(f"\n[{shown(table.heading)}]")
        for setting in table.settings:
            line = f"{setting.key} = {setting.value}" if setting.value is not None else f"{setting.key} is not set"
            typer.echo(shown(line if setting.is_written else f"# {line}"))
