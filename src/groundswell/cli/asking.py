"""How every verb of an operator gets its answer; a refusal becomes a message on stderr and the exit code."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn, TypeVar

import anyio
import typer
from msgspec import Struct

from groundswell.cli.options import EXIT_CONFIG
from groundswell.clock import SystemClock
from groundswell.config.problems import rendered
from groundswell.errors import ConfigError, GroundswellError
from groundswell.ops import reach
from groundswell.ops.client import OpsError
from groundswell.ops.operations import Operation
from groundswell.ops.place import Place, place_of

EXIT_FAILED: Final = 1
_UNPROCESSABLE: Final = 422
"""What the API answers when it is the configuration that is wrong."""

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)


def ask(files: Sequence[Path] | None, operation: Operation[Q, A], request: Q) -> A:
    """Have it done, by the running daemon or on the state file; where it cannot be, say why and exit."""
    return ask_at(place_or_exit(files), operation, request)


def ask_at(place: Place, operation: Operation[Q, A], request: Q) -> A:
    """The same, for who asks more than once."""
    try:
        return answer_at(place, operation, request)
    except GroundswellError as exc:
        fail(exc)


def answer_at(place: Place, operation: Operation[Q, A], request: Q) -> A:
    """The same; where it cannot be done, the error."""
    return anyio.run(reach.ask, place, SystemClock(), operation, request)


def place_or_exit(files: Sequence[Path] | None) -> Place:
    """Where these files (pipeline.toml) keep the state; when they cannot say, the problems on stderr and exit 78."""
    try:
        return place_of(files or [Path("pipeline.toml")], os.environ)
    except ConfigError as exc:
        fail(exc)


def fail(exc: GroundswellError) -> NoReturn:
    """Say why, and exit."""
    if isinstance(exc, ConfigError):
        sys.stderr.write(rendered(exc))
        raise typer.Exit(EXIT_CONFIG) from exc
    typer.echo(str(exc), err=True)
    is_config = isinstance(exc, ConfigError) or (isinstance(exc, OpsError) and exc.status == _UNPROCESSABLE)
    raise typer.Exit(EXIT_CONFIG if is_config else EXIT_FAILED) from exc
