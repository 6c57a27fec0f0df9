"""`groundswell graph`: how records flow."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from groundswell.cli.options import FILES, load_or_exit
from groundswell.config.graph import as_data, as_mermaid, as_text


def command(
    files: FILES = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print a Mermaid flowchart.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the components as JSON.")] = False,
) -> None:
    """Show which component takes records from which, in the order in which records pass them.

    Exit codes: 0 done, 78 the configuration is wrong.

    Examples: groundswell graph; groundswell graph /etc/groundswell; groundswell graph --mermaid > pipeline.mmd
    """
    if mermaid and as_json:
        raise typer.BadParameter("choose one of --mermaid and --json")
    config = load_or_exit(files or [Path("pipeline.toml")])
    if as_json:
        typer.echo(msgspec.json.encode(as_data(config)))
    else:
        typer.echo(as_mermaid(config) if mermaid else as_text(config))
