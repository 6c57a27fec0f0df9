"""`groundswell audit`: who changed what."""

from typing import Annotated

import msgspec
import typer

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import command_of, print_json, say, table
from groundswell.ops.messages import LETTERS_MAX, NUMBER_MAX, ListAudit
from groundswell.ops.operations import AUDIT


def command(
    before: Annotated[
        int, typer.Option(help="Go on below this number.", min=1, max=NUMBER_MAX, show_default="the newest")
    ] = NUMBER_MAX,
    limit: Annotated[int, typer.Option(help="How many lines.", min=1, max=LETTERS_MAX)] = 50,
    operation: Annotated[str | None, typer.Option(help='Only of this operation, such as "dead retry".')] = None,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """List who changed what, newest first: on the command line, over the API and on the dashboard.

    Examples: groundswell audit; groundswell audit --operation "dead drop"; groundswell audit --limit 500 --json
    """
    found = ask(config, AUDIT, ListAudit(before, limit, operation))
    if as_json:
        print_json(found)
        return
    if not found.lines:
        typer.echo("nobody changed anything yet")
        return
    rows = [
        (
            str(line.id),
            line.at,
            line.name,
            line.way.replace("_", " "),
            line.place,
            line.operation,
            msgspec.json.encode(line.arguments).decode(),
            line.outcome or "not known",
            line.note,
        )
        for line in found.lines
    ]
    headings = ["number", "at", "who", "by", "from", "operation", "with", "outcome", "why"]
    say(table("", headings, rows, numbers=["number"]))
    if found.next_before is not None:
        typer.echo(f"older ones: {command_of('audit', operation=operation, limit=limit, before=found.next_before)}")
