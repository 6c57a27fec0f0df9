"""`groundswell backfill`: a time that is past, fetched again from where it happened."""

from typing import Annotated

import typer

from groundswell.cli import backfills
from groundswell.cli.asking import ask
from groundswell.cli.moments import moment_option
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json, shown
from groundswell.config.problems import listing
from groundswell.ops.messages import AskBackfill, BackfillStatus
from groundswell.ops.operations import BACKFILL

_TIME = 'A moment ("2026-05-02T11:00:09Z"), a date, or how long ago ("2h", "3d").'


def command(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A source that can be asked for a time that is past: a poller.")
    ],
    since: Annotated[str | None, typer.Option(help=f"What was made or changed at or after. {_TIME}")] = None,
    until: Annotated[
        str | None, typer.Option(help="What was made or changed before, likewise.", show_default="now")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="From the beginning until now.")] = False,
    is_unsent: Annotated[
        bool,
        typer.Option(
            "--unsent/--resend",
            help="To each sink what it has not been sent; or to all of them all of it again.",
        ),
    ] = True,
    subscribe: Annotated[
        bool, typer.Option("--subscribe", help="A gift of that time counts as a yes to email, where that makes sense.")
    ] = False,
    collections: Annotated[
        list[str] | None,
        typer.Option("--collection", help="Only this of what the source looks for; may be repeated."),
    ] = None,
    pause: Annotated[
        bool, typer.Option("--pause", help="Hold the one under way. The source's own running goes on.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Let it go on.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Stop it for good. What it brought stays.")] = False,
    history: Annotated[bool, typer.Option("--history", help="List what was fetched again before, and when.")] = False,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Have the running daemon fetch a time again, beside the source's own running and at the lowest priority.

    Each sink gets what it has not been sent yet: of gifts, refunds and cancellations that is known for good, of all
    else for as long as records are remembered ([daemon] keep). It goes on over restarts and failures until it is done.
    `groundswell status` shows how far it has come. Exit codes: 0 begun, 1 failed.

    Examples: groundswell backfill people --since 3d; groundswell backfill people --since 2026-11-01 --until 2026-11-08
    --collection donations; groundswell backfill gifts --all --subscribe; groundswell backfill people --pause
    """
    changes = [pause, resume, cancel, history]
    asks = since is not None or until is not None or bool(collections) or everything or subscribe or not is_unsent
    if sum(changes) > 1 or (any(changes) and asks):
        raise typer.BadParameter("--pause, --resume, --cancel and --history stand alone, without any of the others")
    if history:
        backfills.command(source, config, as_json)
        return
    if not any(changes) and (since is None) != everything:
        raise typer.BadParameter("say from when on (--since), or that all of it is meant (--all)")
    if everything and until is not None:
        raise typer.BadParameter("--all is everything until now; leave out --until, or say --since as well")
    asked = AskBackfill(
        source,
        moment_option(since),
        moment_option(until),
        collections or None,
        cancel,
        pause,
        resume,
        everything,
        "unsent" if is_unsent else "resend",
        subscribe,
    )
    backfill = ask(config, BACKFILL, asked)
    if as_json:
        print_json(backfill)
    else:
        _say(backfill, is_new=not any(changes))


def _say(backfill: BackfillStatus, *, is_new: bool) -> None:
    name = backfill.source
    if backfill.ended_at is not None:
        typer.echo(
            f"the backfill of {name} is {backfill.state}; it brought {backfill.records:,}, {backfill.accepted:,} new"
        )
        return
    if is_new:
        span = backfills.span_of(backfill)
        typer.echo(f"{name} fetches again what was made or changed {span}: {shown(', '.join(backfill.collections))}")
        typer.echo(_what_goes_where(backfill))
        if backfill.subscribes:
            typer.echo("a gift of that time counts as a yes to email")
        typer.echo("what happens meanwhile goes first")
    _say_how_it_is(backfill, is_new=is_new)


def _what_goes_where(backfill: BackfillStatus) -> str:
    sinks = listing(backfill.sinks) or "no sink, since none takes anything from it"
    if backfill.sends == "resend":
        return f"all of it is sent again to {sinks}, also what was sent before"
    return (
        f"what has not been sent yet is sent to {sinks}; what lies in dead letters stays there (groundswell dead retry)"
    )


def _say_how_it_is(backfill: BackfillStatus, *, is_new: bool) -> None:
    name = backfill.source
    if backfill.is_paused:
        typer.echo(f"the backfill of {name} is paused; groundswell backfill {name} --resume lets it go on")
    elif backfill.state == "paused":
        typer.echo(f"{name} is paused; groundswell resume {name} lets it begin")
    elif not is_new:
        typer.echo(f"the backfill of {name} goes on")
    typer.echo(f"groundswell status shows how far it has come; groundswell backfill {name} --cancel stops it")
