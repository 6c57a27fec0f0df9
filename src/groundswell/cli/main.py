"""The command line: every verb, in the order in which one needs them."""

from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from groundswell import __version__
from groundswell.cli import check, dead, demo, graph, keys, pause, record, reload, replay, run, simulate, status, test

VERBS: Final = (
    *("demo", "check", "graph", "test", "run"),
    *("status", "record", "dead", "replay", "pause", "resume", "reload", "keys"),
    "simulate",
)


class _InOrder(TyperGroup):
    """Lists the verbs as VERBS does, and not commands before groups."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=VERBS.index)


app = typer.Typer(
    name="groundswell",
    cls=_InOrder,
    rich_markup_mode="markdown",  # "rich" would take [daemon] for a style
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would show people's data.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"groundswell {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """One daemon that keeps an organising group's systems in step.

    Try it: groundswell demo. Use it: groundswell check, groundswell run, groundswell status.
    """


app.command("demo")(demo.command)
app.command("check")(check.command)
app.command("graph")(graph.command)
app.command("test")(test.command)
app.command("run")(run.command)
app.command("status")(status.command)
app.command("record")(record.command)
app.add_typer(dead.app, name="dead")
app.command("replay")(replay.command)
app.command("pause")(pause.pause)
app.command("resume")(pause.resume)
app.command("reload")(reload.command)
app.add_typer(keys.app, name="keys")
app.add_typer(simulate.app, name="simulate")


def main() -> None:
    """What `groundswell` runs."""
    app()
