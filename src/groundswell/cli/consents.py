"""`groundswell consents`: what people said about being texted, for whoever has to prove it."""

import os
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Final, Literal, TextIO

import msgspec
import typer

from groundswell.cli.asking import ask_at, place_or_exit
from groundswell.cli.options import CONFIG
from groundswell.cli.screen import warn_of_personal_data
from groundswell.config.problems import counted
from groundswell.ops.consent_files import WRITERS
from groundswell.ops.member_messages import LINES_MAX, ConsentLine, Decision, ExportConsents
from groundswell.ops.operations import CONSENTS_EXPORT
from groundswell.ops.place import Place

app = typer.Typer(help="Write out what people said about being texted.", no_args_is_help=True)

LINES_PER_PART: Final = LINES_MAX


@app.callback()
def _options() -> None:
    """Write out what people said about being texted."""


@app.command("export")
def export(
    phone: Annotated[
        str | None, typer.Option(help="Only what was said about this phone, as it is usually written.")
    ] = None,
    email: Annotated[str | None, typer.Option(help="Only what members with this email said.")] = None,
    decision: Annotated[Decision | None, typer.Option(help="Only where this was made of it.")] = None,
    order: Annotated[Literal["oldest", "newest"], typer.Option(help="Which lines come first.")] = "oldest",
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
    """Write the ledger of consents: every change, and every refusal to change. Personal data.

    Of each: whose, before and after, the words, who said so, when it was said and when we learnt it.
    A person who was forgotten has one line left, with a hash in place of the phone. In CSV, words that begin like a
    formula of a spreadsheet get an apostrophe first. Exit codes: 0 done, 1 failed.

    Examples: groundswell consents export --csv --output consents.csv; groundswell consents export --phone "+1 503 555
    0144"; groundswell consents export | jq -r .decision | sort | uniq -c
    """
    place = place_or_exit(config)
    asked = ExportConsents(limit=LINES_PER_PART, phone=phone, email=email, decision=decision, order=order)
    parts = _lines(place, asked)
    lines = chain([next(parts)], parts)  # what is refused is so before a file is made
    if output is None:
        warn_of_personal_data()
        if not _write(sys.stdout, lines, as_json=as_json):
            typer.echo("there is no line" + (" about them" if phone or email else ""), err=True)
        return
    with _new_file(output) as file:
        count = _write(file, lines, as_json=as_json)
    typer.echo(f"{counted(count, 'line')} written to {output}", err=True)


def _lines(place: Place, asked: ExportConsents) -> Iterator[list[ConsentLine]]:
    """A part of the ledger in memory at a time."""
    after: int | None = 0
    while after is not None:
        found = ask_at(place, CONSENTS_EXPORT, msgspec.structs.replace(asked, after=after))
        yield found.lines
        after = found.next_after


def _write(file: TextIO, parts: Iterator[list[ConsentLine]], *, as_json: bool) -> int:
    writer = WRITERS["jsonl" if as_json else "csv"]()
    count = 0
    file.write(writer.heading())
    for lines in parts:
        file.write(writer.lines(lines))
        count += len(lines)
    return count


def _new_file(path: Path) -> TextIO:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as exc:
        typer.echo(f"cannot make {path}: {exc.strerror}; name another file", err=True)
        raise typer.Exit(1) from exc
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")
