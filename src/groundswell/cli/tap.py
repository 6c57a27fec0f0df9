"""`groundswell tap`: what comes out of the components, as it does."""

from contextlib import aclosing
from datetime import timedelta
from typing import Annotated, Any, Final, get_args

import anyio
import msgspec
import typer
from rich.text import Text

from groundswell.cli.asking import EXIT_FAILED, fail, place_or_exit
from groundswell.cli.interrupt import interrupted
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import new_console, shown, warn_of_personal_data
from groundswell.errors import GroundswellError, RefusedError
from groundswell.ops.place import Place
from groundswell.ops.tap_client import tap
from groundswell.ops.tap_messages import TAP_S_MAX, AskTap, TapDropped, TapEnded, TapLine, TapRecord
from groundswell.record import Kind
from groundswell.settings import parse_duration

_ASKED: Final = frozenset({"as many as were asked for", "for as long as was asked for"})
"""Why it ends where it ends as it should."""


def _duration(text: str | None) -> int | None:
    """Whole seconds, one at least."""
    if text is None:
        return None
    try:
        found: timedelta = parse_duration(text)
    except ValueError as exc:
        raise typer.BadParameter(f"{text!r} {exc}") from exc
    if found > timedelta(seconds=TAP_S_MAX):
        raise typer.BadParameter(f"{text!r} is too long; {TAP_S_MAX // 3600}h is the most")
    return max(1, round(found.total_seconds()))


def command(
    component: Annotated[
        str | None, typer.Argument(metavar="[COMPONENT]", help="A source, transform or sink; all of them without it.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help=f"Only records of this kind: {', '.join(get_args(Kind))}.")] = None,
    count: Annotated[int | None, typer.Option("--count", "-n", min=1, help="End after so many lines.")] = None,
    lasting: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="End after so long, such as 10s or 5m.")
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show personal data, too; the audit log says that you asked.")
    ] = False,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Show what comes out of the components, as it does: a line for each record, until Ctrl-C.

    Personal data is described, not shown: which fields are there and what is in them (text, an email, digits), never
    whose. Who looks holds up nobody: what comes faster than it can be shown is left out and counted. --json gives one
    object a line.

    Examples: groundswell tap; groundswell tap crm --for 10s; groundswell tap signups --kind action --count 5 --json
    """
    try:
        asked = msgspec.convert(
            {"component": component, "kind": kind, "count": count, "seconds": _duration(lasting), "reveal": reveal},
            AskTap,
        )
    except msgspec.ValidationError as exc:
        fail(RefusedError(400, f"this cannot be asked: {exc}"))
    place = place_or_exit(config)
    if reveal:
        warn_of_personal_data()
    try:
        ended = anyio.run(_until_interrupted, place, asked, as_json)
    except GroundswellError as exc:
        fail(exc)
    if ended is not None and ended not in _ASKED:
        typer.echo(f"ended: {ended}", err=True)
        raise typer.Exit(EXIT_FAILED)


async def _until_interrupted(place: Place, asked: AskTap, as_json: bool) -> str | None:
    """Why the daemon ended it; None when a signal did."""
    ended: list[str] = []
    error: list[GroundswellError] = []

    async def follow() -> None:
        try:
            async with aclosing(tap(place, asked)) as lines:
                async for line in lines:
                    if isinstance(line, TapEnded):
                        ended.append(line.why)
                    _say(line, as_json)
        except GroundswellError as exc:  # by itself, not in a group
            error.append(exc)
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow)
        await interrupted()
        tasks.cancel_scope.cancel()
    for exc in error:
        raise exc
    return ended[0] if ended else None


def _say(line: TapLine, as_json: bool) -> None:
    if as_json:
        if isinstance(line, TapRecord | TapDropped):
            typer.echo(msgspec.json.encode(line))
    elif isinstance(line, TapDropped):
        typer.echo(f"{line.records:,} more are left out: they came faster than they can be shown", err=True)
    elif isinstance(line, TapRecord):
        new_console().print(rendered(line), soft_wrap=True)


_STYLES: Final = {"failed": "red", "rejected": "red", "retried": "yellow", "filtered": "dim", "coalesced": "dim"}


def rendered(line: TapRecord) -> Text:
    """One line for people: when, where, what became of it, and the record, field by field."""
    record = dict(line.record)
    fate = line.fate if line.why is None else f"{line.fate} ({shown(line.why)})"
    number, kind = record.pop("id", None), record.pop("kind", None)
    text = Text(f"{line.at:%H:%M:%S} ", style="dim")
    text.append(shown(line.component), style="bold").append(" ")
    text.append(fate, style=_STYLES.get(line.fate, "green")).append(f" {shown(kind)} {shown(number)}")
    record.pop("source", None)
    for name, value in _flat("", record):
        text.append(f" {shown(name)}=", style="dim").append(shown(value))
    return text


def _flat(before: str, value: Any) -> list[tuple[str, str]]:
    """ "action.type" and "signature"; what is about the person stands without "person."."""
    if isinstance(value, dict):
        return [pair for name, part in value.items() for pair in _flat(_joined(before, name), part)]
    return [(before, value if isinstance(value, str) else msgspec.json.encode(value).decode())]


def _joined(before: str, name: str) -> str:
    return name if before in ("", "person") else f"{before}.{name}"
