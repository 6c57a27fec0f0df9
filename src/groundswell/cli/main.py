"""The command line: every verb, in the order in which one needs them."""

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from groundswell import __version__

VERBS: Final = {
    "demo": "demo.command",
    "check": "check.command",
    "graph": "graph.command",
    "test": "test.command",
    "plan": "plan.command",
    "drift": "drift.command",
    "run": "run.command",
    "connect": "connect.connect",
    "disconnect": "connect.disconnect",
    "accounts": "accounts.command",
    "status": "status.command",
    "top": "top.command",
    "tap": "tap.command",
    "rates": "rates.command",
    "metrics": "metrics.command",
    "records": "records.command",
    "record": "record.command",
    "reconcile": "reconcile.command",
    "person": "person.command",
    "members": "members.app",
    "groups": "groups.app",
    "syncs": "sync_fields.command",
    "consents": "consents.app",
    "forget": "forget.command",
    "dead": "dead.app",
    "replay": "replay.command",
    "backfill": "backfill.command",
    "backfills": "backfills.command",
    "pause": "pause.pause",
    "resume": "pause.resume",
    "poll": "pause.poll",
    "reload": "reload.command",
    "config": "config.command",
    "keys": "keys.app",
    "audit": "audit.command",
    "dashboard": "dashboard.command",
    "password": "password.command",
    "simulate": "simulate.app",
}
"""In the order in which one needs them: where each stands, as a command, or as an app with verbs of its own."""


EXIT_UNREAD: Final = 128 + signal.SIGPIPE
"""What shells say of a command that ended because nobody read on."""


class _InOrder(TyperGroup):
    """Lists the verbs as VERBS does, and not commands before groups; each ends in silence once nobody reads it."""

    def invoke(self, ctx: Any) -> Any:
        with _while_somebody_reads():
            return super().invoke(ctx)

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=list(VERBS).index)


@contextmanager
def _while_somebody_reads() -> Iterator[None]:
    """`groundswell status --watch | head -1`: that head has enough is no failure, wherever it is noticed."""
    is_read = True
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:  # closed: >&-
                sys.stdout.flush()
    except* BrokenPipeError:
        is_read = False
    if not is_read:
        _forget_what_is_unread()
        raise typer.Exit(EXIT_UNREAD)


def _forget_what_is_unread() -> None:
    """Python flushes once more when it exits, and would complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"groundswell {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """One daemon that keeps an organising group's systems in step.

    Try it: groundswell demo. Use it: groundswell check, groundswell run, groundswell status.
    """


def application(verbs: Iterable[str] = VERBS) -> typer.Typer:
    """The command line with these verbs. Only their modules are imported: the daemon needs little of the rest."""
    app = typer.Typer(
        name="groundswell",
        cls=_InOrder,
        rich_markup_mode="markdown",  # "rich" would take [daemon] for a style
        no_args_is_help=True,
        add_completion=False,
        # A traceback with local variables would show people's data.
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        callback=_options,
    )
    for verb in verbs:
        module, _, name = VERBS[verb].partition(".")
        found = getattr(import_module(f"groundswell.cli.{module}"), name)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=verb)
        else:
            app.command(verb)(found)
    return app


def main() -> None:
    """What `groundswell` runs."""
    verb = sys.argv[1] if len(sys.argv) > 1 else None
    application([verb] if verb in VERBS else VERBS)()
