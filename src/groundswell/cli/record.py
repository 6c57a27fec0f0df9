"""`groundswell record`: the whole way of one record."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json, say, shown, table, warn_of_personal_data
from groundswell.ops.messages import AskRecord, RecordTrace
from groundswell.ops.operations import RECORD
from groundswell.ops.pretty import pretty


def command(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, as logs and dead letters show it.")],
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Show the whole way of one record: accepted when, as what, and what became of it at each sink. Personal data.

    Examples: groundswell record action_network:signature/c2f0; groundswell record action_network:signature/c2f0 --json
    """
    trace = ask(config, RECORD, AskRecord(record_id))
    warn_of_personal_data()
    if as_json:
        print_json(trace)
    else:
        _show(trace)


def _show(trace: RecordTrace) -> None:
    say(
        Text(shown(trace.id), style="bold"),
        f"accepted {shown(trace.received_at)} by {shown(trace.source)}",
        *(f"brought {shown(seen.at)} by {shown(seen.source)}, too" for seen in trace.sightings),
        _processing(trace),
        *_tables(trace),
        Text("\nAs it came", style="bold"),
    )
    typer.echo(pretty(bytes(trace.body)))


def _tables(trace: RecordTrace) -> Iterator[Table]:
    if trace.waiting:
        waiting = [(w.sink, w.attempts, w.next_attempt_at or "when it is its turn") for w in trace.waiting]
        yield table("\nWaiting", ["sink", "tries", "next try"], waiting, numbers=["tries"])
    if trace.settled:
        settled = [(s.sink, s.outcome, s.note, s.attempts, s.at) for s in trace.settled]
        yield table("\nSettled", ["sink", "outcome", "note", "tries", "at"], settled, numbers=["tries"])
    if trace.dead_letters:
        dead = [(str(d.id), d.component, d.reason, d.message) for d in trace.dead_letters]
        yield table("\nDead letters", ["number", "component", "reason", "why"], dead, numbers=["number"])


def _processing(trace: RecordTrace) -> str:
    if not trace.is_processed:
        return "waits to be processed"
    if trace.waiting or trace.settled or trace.dead_letters:
        return "processed"
    return "processed, and sent nowhere: a filter dropped it, or no sink takes it"
