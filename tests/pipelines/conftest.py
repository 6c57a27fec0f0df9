"""The command line, as it is typed beside a running daemon."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import anyio.to_thread
import pytest
import structlog
from typer.testing import CliRunner

from groundswell.cli.main import application


class Said(NamedTuple):
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


Groundswell = Callable[..., Any]


@pytest.fixture
def type_in(tmp_path: Path) -> Groundswell:
    """`await type_in("dead", "list")`: a command in a thread of its own, so that a daemon may run beside it."""

    async def invoke(*arguments: str, typed: str | None = None) -> Said:
        config = ("--config", str(tmp_path / "pipeline.toml"))

        def work() -> Said:
            result = CliRunner().invoke(application(), [*arguments, *config], input=typed)
            if result.exception is not None and not isinstance(result.exception, SystemExit):
                raise result.exception
            return Said(result.exit_code, result.stdout, result.stderr)

        return await anyio.to_thread.run_sync(work)

    return invoke


@pytest.fixture
def no_log() -> Any:
    """The log of a daemon in this process would run into what the commands print."""
    with structlog.testing.capture_logs() as lines:
        yield lines
