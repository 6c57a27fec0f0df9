"""`groundswell records`: the newest records, and how far each has come."""

from enum import StrEnum
from typing import Annotated

import typer

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import command_of, print_json, say, shown, table
from groundswell.ops.messages import NUMBER_MAX
from groundswell.ops.operations import RECORDS
from groundswell.ops.record_messages import RECORDS_MAX, ListRecords
from groundswell.ops.record_words import how_far, kind_of


class _State(StrEnum):
    """`RecordState`, as typer takes choices."""

    WAITING = "waiting"
    DEAD = "dead"
    DROPPED = "dropped"
    DELIVERED = "delivered"
    NOWHERE = "nowhere"


def command(
    source: Annotated[str | None, typer.Option(help="Only of this source.")] = None,
    sink: Annotated[str | None, typer.Option(help="Only those that went to this sink.")] = None,
    state: Annotated[
        _State | None, typer.Option(help="Only in this state; with --sink, what became of them there.")
    ] = None,
    before: Annotated[
        int, typer.Option(help="Go on below this number.", min=1, max=NUMBER_MAX, show_default="the newest")
    ] = NUMBER_MAX,
    limit: Annotated[int, typer.Option(help="How many to list.", min=1, max=RECORDS_MAX)] = 20,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """List the newest records: accepted when, by whom, and how far each has come.

    Examples: groundswell records; groundswell records --sink crm --state waiting; groundswell records --json
    """
    found = ask(config, RECORDS, ListRecords(source, sink, None if state is None else state.value, before, limit))
    if as_json:
        print_json(found)
        return
    if found.records:
        rows = [
            (str(one.number), one.received_at, one.source, kind_of(one), one.state, one.id) for one in found.records
        ]
        say(table("", ["number", "accepted", "source", "kind", "state", "record"], rows, numbers=["number"]))
    said = how_far(found, limit, is_first=before == NUMBER_MAX, at=shown)
    if said is not None:
        typer.echo(said)
    if found.next_before is not None:
        options = {"source": source, "sink": sink, "state": state, "limit": limit, "before": found.next_before}
        typer.echo(f"older ones: {command_of('records', **options)}")
