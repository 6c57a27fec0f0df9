"""`groundswell dead`: what could not succeed, and what to do with it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from msgspec import structs
from rich.text import Text

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import command_of, print_json, say, shown, table, warn_of_personal_data
from groundswell.config.problems import counted
from groundswell.ops.messages import (
    LETTERS_MAX,
    Letters,
    LetterShown,
    LettersRetried,
    ListLetters,
    PickLetters,
    ShowLetter,
)
from groundswell.ops.operations import DEAD_DROP, DEAD_EDIT, DEAD_LIST, DEAD_RETRY, DEAD_SHOW
from groundswell.ops.pretty import pretty
from groundswell.ops.record_messages import RECORD_TEXT_MAX, EditLetter

app = typer.Typer(help="Look at what could not succeed, and retry, mend or drop it.", no_args_is_help=True)

NUMBERS = Annotated[list[int] | None, typer.Argument(metavar="N", help="Numbers, as `dead list` shows.", min=1)]
COMPONENT = Annotated[str | None, typer.Option(help="Only of this component.")]
REASON = Annotated[str | None, typer.Option(help="Only for this reason, as `dead list` names them.")]
ALL = Annotated[bool, typer.Option("--all", help="All of them.")]

_FACTS: Final = (
    *("id", "stage", "component", "reason", "message", "record_id", "kind", "source", "attempts"),
    *("created_at", "received_at"),
)


@app.command("list")
def list_letters(
    component: COMPONENT = None,
    reason: REASON = None,
    after: Annotated[int, typer.Option(help="Go on after this number.", min=0)] = 0,
    limit: Annotated[int, typer.Option(help="How many to list.", min=1, max=LETTERS_MAX)] = 20,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """List dead letters: how many for which reason, then one by one.

    Examples: groundswell dead list; groundswell dead list --component crm --reason rejected --limit 100 --json
    """
    letters = ask(config, DEAD_LIST, ListLetters(component, reason, after, limit))
    if as_json:
        print_json(letters)
    else:
        _show_list(letters, command_of("dead", "list", component=component, reason=reason, limit=limit))


@app.command("show")
def show_letter(
    number: Annotated[int, typer.Argument(metavar="N", help="Its number, as `dead list` shows.", min=1)],
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Show one dead letter whole: why, and what was in it. This is personal data.

    Examples: groundswell dead show 17; groundswell dead show 17 --json
    """
    found = ask(config, DEAD_SHOW, ShowLetter(number))
    warn_of_personal_data()
    if as_json:
        print_json(found)
    else:
        _show(found)


@app.command("retry")
def retry_letters(
    numbers: NUMBERS = None,
    component: COMPONENT = None,
    reason: REASON = None,
    every: ALL = False,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Try dead letters again, as if new: a record through the whole pipeline, a delivery at its sink.

    What cannot be read stays: a body whose sender was told so, or a delivery that another version of groundswell wrote.
    Exit codes: 0 done, 1 failed.

    Examples: groundswell dead retry 17 18; groundswell dead retry --component crm; groundswell dead retry --all
    """
    retried = ask(config, DEAD_RETRY, _picked(numbers, component, reason, every))
    if as_json:
        print_json(retried)
    else:
        _say_retried(retried)


@app.command("edit")
def edit_letter(
    number: Annotated[int, typer.Argument(metavar="N", help="Its number, as `dead list` shows.", min=1)],
    file: Annotated[
        Path,
        typer.Option(metavar="F", help="A file with the whole record as JSON; - is standard input.", allow_dash=True),
    ],
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Put a mended record in the place of what a sink refused, and try it again. Id, kind and source have to stay.

    Start from what `dead show N --json` has under "body". The record's way shows which fields were changed. Nobody can
    say yes to texts or email for somebody else: what was no yes before cannot become one. What a sync wants written
    about somebody is not edited here but where the person is; the refusal says where.

    Example: groundswell dead edit 17 --file mended.json
    """
    edited = ask(config, DEAD_EDIT, EditLetter(number, _text_of(file)))
    if as_json:
        print_json(edited)
        return
    waits = ", which the configuration no longer has: put it back" if edited.is_sink_gone else ""
    typer.echo(f"changed: {', '.join(map(shown, edited.changed)) or 'nothing'}; to {edited.sink} again{waits}")


@app.command("drop")
def drop_letters(
    numbers: NUMBERS = None,
    component: COMPONENT = None,
    reason: REASON = None,
    every: ALL = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Forget dead letters for good. Asks first, and says how many; what dies while it asks stays.

    Exit codes: 0 done, 1 failed, or you said no.

    Examples: groundswell dead drop 17; groundswell dead drop --reason test_event --yes
    """
    picked = _picked(numbers, component, reason, every)
    if not yes:
        count, picked = _counted(config, picked)
        if count:
            typer.confirm(f"Forget {counted(count, 'dead letter')} for good?", abort=True, err=True)
    dropped = ask(config, DEAD_DROP, picked)
    if as_json:
        print_json(dropped)
    else:
        typer.echo(f"{counted(dropped.dropped, 'dead letter')} dropped")


def _text_of(file: Path) -> str:
    """What is in the file, if it can be a record."""
    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as opened:
            content = opened.read(RECORD_TEXT_MAX + 1)
        text = content.decode("utf-8-sig")
    except OSError as exc:
        raise typer.BadParameter(f"{file} cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise typer.BadParameter(f"{file} is not UTF-8 text, as JSON is") from exc
    if not 0 < len(content) <= RECORD_TEXT_MAX:
        raise typer.BadParameter(f"{file} is empty" if not content else f"{file} is larger than a record can be")
    return text


def _picked(numbers: list[int] | None, component: str | None, reason: str | None, every: bool) -> PickLetters:
    ways = [bool(numbers), component is not None or reason is not None, every]
    if ways.count(True) != 1:
        raise typer.BadParameter("say which in one way: by numbers, with --component and --reason, or --all")
    return PickLetters(ids=numbers or None, component=component, reason=reason, all=every)


def _counted(config: Sequence[Path] | None, picked: PickLetters) -> tuple[int, PickLetters]:
    """How many these are, and a request for them that means no others: more may die while somebody thinks."""
    if picked.ids is not None:
        return len(set(picked.ids)), picked
    found = ask(config, DEAD_LIST, ListLetters(picked.component, picked.reason, limit=1))
    return found.total, structs.replace(picked, up_to=found.newest)


def _show_list(letters: Letters, command: str) -> None:
    """`command`: what was typed."""
    if not letters.total:
        is_some = "--component" in command or "--reason" in command
        say("no such dead letters; `groundswell dead list` shows what there is" if is_some else "no dead letters")
        return
    groups = [(group.component, group.reason, group.count) for group in letters.groups]
    heading = counted(letters.total, "dead letter")
    say(table(heading, ["component", "reason", "count"], groups, numbers=["count"]))
    rows = [
        (str(letter.id), letter.created_at, letter.component, letter.reason, letter.record_id, letter.message)
        for letter in letters.letters
    ]
    say(table("\n", ["number", "at", "component", "reason", "record", "why"], rows, numbers=["number"]))
    if letters.next_after is not None:
        say(f"more: {command} --after {letters.next_after}")


def _show(found: LetterShown) -> None:
    width = max(map(len, _FACTS))
    for fact in _FACTS:
        value = getattr(found.letter, fact)
        say(Text(f"{fact.replace('_', ' '):<{width}}  {value if fact == 'id' else shown(value)}"))
    if found.unreadable is None:
        typer.echo(pretty(bytes(found.body)))
    else:
        # Not JSON, maybe not even text; with --json it is there to the byte.
        typer.echo("\n".join(map(shown, found.unreadable.decode(errors="replace").split("\n"))))


def _say_retried(retried: LettersRetried) -> None:
    if not retried.process and not retried.deliver:
        typer.echo("nothing that could be retried")
    if retried.process:
        typer.echo(f"{counted(retried.process, 'record')} through the pipeline again")
    for sink, count in retried.deliver.items():
        waits = ", which the configuration no longer has: put it back" if sink in retried.sinks_gone else ""
        typer.echo(f"{count:,} to {sink} again{waits}")
