"""`groundswell pause`, `resume` and `poll`: hold a component, let it go on, have it look now."""

from typing import Annotated

import typer

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json
from groundswell.ops.messages import NameComponent
from groundswell.ops.operations import PAUSE, POLL, RESUME

NAME = Annotated[str, typer.Argument(metavar="NAME", help="A sink, or a source that goes and looks.")]


def pause(name: NAME, config: CONFIG = None, as_json: JSON = False) -> None:
    """Hold a sink, or a source that goes and looks, until `resume`, over restarts too. What waits for it is kept.

    Example: groundswell pause crm
    """
    held = ask(config, PAUSE, NameComponent(name))
    if as_json:
        print_json(held)
    else:
        hint = f"; groundswell resume {held.name} lets it go on" if held.state == "paused" else ""
        typer.echo(f"{held.name} is {held.state}{hint}")


def resume(name: NAME, config: CONFIG = None, as_json: JSON = False) -> None:
    """Let a component go on, now: also what was waiting for a later try is tried at once.

    Example: groundswell resume crm
    """
    freed = ask(config, RESUME, NameComponent(name))
    if as_json:
        print_json(freed)
    else:
        typer.echo(f"{freed.name} is {freed.state}" + ("; it goes on when a daemon runs" * (freed.state == "stopped")))


def poll(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A source that goes and looks.")],
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Have a source look now, and not when it is due; one that failed is tried again at once.

    Example: groundswell poll people
    """
    told = ask(config, POLL, NameComponent(name))
    if as_json:
        print_json(told)
    else:
        typer.echo(f"{told.name} is looking already" if told.was_looking else f"{told.name} looks now")
