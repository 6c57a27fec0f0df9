"""`groundswell consents`: what people said about being texted, for whoever has to prove it."""

import csv
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final, TextIO

import msgspec
import typer

from groundswell.cli.asking import ask_at, place_or_exit
from groundswell.cli.options import CONFIG
from groundswell.cli.screen import warn_of_personal_data
from groundswell.config.problems import counted
from groundswell.ops.member_messages import LINES_MAX, ConsentLine, ExportConsents
from groundswell.ops.operations import CONSENTS_EXPORT
from groundswell.ops.place import Place

app = typer.Typer(help="Write out what people said about being texted.", no_args_is_help=True)

LINES_PER_PART: Final = LINES_MAX
_COLUMNS: Final = ConsentLine.__struct_fields__


@app.callback()
def _options() -> None:
    """Write out what people said about being texted."""


@app.command("export")
def export(
    phone: Annotated[
        str | None, typer.Option(help="Only what was said about this phone, as it is usually written.")
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--jsonl/--csv", "--json", help="One JSON object a line, or a table with a heading; both UTF-8."),
    ] = True,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Into this new file, which only you can read.", show_default="stdout"),
    ] = None,
    config: CONFIG = None,
) -> None:
    """Write the ledger of consents, oldest line first: who, before and after, the words, who said so, when it was said
    and when we learnt it; every change, and every refusal to change. Personal data.

    A person who was forgotten has one line left, with a hash in place of the phone. Exit codes: 0 done, 1 failed.

    Examples: groundswell consents export --csv --output consents.csv; groundswell consents export --phone "+1 503 555
    0144"; groundswell consents export | jq -r .decision | sort | uniq -c
    """
    place = place_or_exit(config)
    lines = _lines(place, phone)
    if output is None:
        warn_of_personal_data()
        if not _write(sys.stdout, lines, as_json=as_json):
            typer.echo("there is no line" + (" about this phone" if phone else ""), err=True)
        return
    with _new_file(output) as file:
        count = _write(file, lines, as_json=as_json)
    typer.echo(f"{counted(count, 'line')} written to {output}", err=True)


def _lines(place: Place, phone: str | None) -> Iterator[ConsentLine]:
    """A part of the ledger in memory at a time."""
    after: int | None = 0
    while after is not None:
        found = ask_at(place, CONSENTS_EXPORT, ExportConsents(after, LINES_PER_PART, phone))
        yield from found.lines
        after = found.next_after


def _write(file: TextIO, lines: Iterator[ConsentLine], *, as_json: bool) -> int:
    write = _json_writer(file) if as_json else _csv_writer(file)
    count = 0
    for line in lines:
        write(line)
        count += 1
    return count


def _json_writer(file: TextIO) -> Callable[[ConsentLine], Any]:
    encoder = msgspec.json.Encoder()
    return lambda line: file.write(encoder.encode(line).decode() + "\n")


def _csv_writer(file: TextIO) -> Callable[[ConsentLine], Any]:
    table = csv.writer(file, lineterminator="\n")
    table.writerow(_COLUMNS)
    return lambda line: table.writerow(msgspec.to_builtins(line).values())


def _new_file(path: Path) -> TextIO:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as exc:
        typer.echo(f"cannot make {path}: {exc.strerror}; name another file", err=True)
        raise typer.Exit(1) from exc
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")
