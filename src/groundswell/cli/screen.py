"""What operators read: tables, times in UTC, numbers, and text from elsewhere that must not upset a terminal."""

import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec
import typer
from msgspec import Struct
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from groundswell.ops.pretty import escaped

PIPED_WIDTH: Final = 10_000
"""Columns where nobody's window says how many there are: each row stays one line, for grep and awk."""
NOTHING: Final = "-"


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Have the end of every verb be the same: rich would exit here, in the middle of a task."""
        raise BrokenPipeError


def new_console() -> Console:
    """For stdout; as wide as the terminal, or wide where there is none."""
    return _Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def say(*parts: RenderableType) -> None:
    """Print, one after the other; without the spaces that fill up a table's rows where it is not for a terminal."""
    console = new_console()
    if console.is_terminal:
        console.print(*parts, sep="\n")
        return
    with console.capture() as captured:
        console.print(*parts, sep="\n")
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def print_json(answer: Struct) -> None:
    """The answer as one line of JSON."""
    typer.echo(msgspec.json.encode(answer))


def warn_of_personal_data() -> None:
    """On stderr, so that it is seen wherever the rest goes."""
    typer.echo(
        "warning: what follows is personal data; keep it out of tickets, chats and files others can read", err=True
    )


def table(
    title: str, headings: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Iterable[str] = ()
) -> Table:
    """A table; the columns headed by `numbers` stand to the right."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    right = set(numbers)
    for heading in headings:
        is_number = heading in right
        made.add_column(
            heading, header_style="dim", justify="right" if is_number else "left", overflow="fold", no_wrap=is_number
        )
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(shown(cell)) for cell in row))
    return made


def command_of(*words: str, **options: object) -> str:
    """What to type for the rest of a list: with what was asked of it, where something was."""
    given = [part for name, value in options.items() if value not in (None, "") for part in (f"--{name}", str(value))]
    return shlex.join(["groundswell", *words, *given])


def shown(value: object) -> str:
    """A value for a person: "-" for None, thousands apart, times in UTC, and no control characters."""
    match value:
        case None:
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return escaped(str(value))
