"""`groundswell run`: the daemon."""

import os
from pathlib import Path
from random import Random
from typing import Annotated

import anyio
import typer

from groundswell import logs
from groundswell.cli.options import FILES, load_or_exit
from groundswell.clock import SystemClock
from groundswell.config.load import load
from groundswell.ops.server import OpsServer
from groundswell.runtime import garbage
from groundswell.runtime.daemon import Daemon, serve
from groundswell.runtime.sd_notify import ServiceManager


def command(
    files: FILES = None,
    log_level: Annotated[logs.Level, typer.Option(help="The least important lines to print.")] = "info",
) -> None:
    """Run the daemon until SIGTERM or Ctrl-C, then drain.

    SIGHUP reads the configuration again; if it is wrong, the one in force stays. Exit codes: 0 done, 1 failed,
    78 the configuration is wrong.

    Examples: groundswell run; groundswell run /etc/groundswell; groundswell run base.toml sinks.toml
    """
    logs.configure(log_level)
    paths: list[Path] = files or [Path("pipeline.toml")]
    config = load_or_exit(paths)
    garbage.tune()

    async def main() -> int:
        daemon = Daemon(
            config,
            lambda: load(paths, os.environ),
            clock=SystemClock(),
            random=Random(),
            ops=OpsServer(config),
            manager=ServiceManager(os.environ),
        )
        return await serve(daemon)

    raise typer.Exit(anyio.run(main, backend_options={"use_uvloop": _has_uvloop()}))


def _has_uvloop() -> bool:
    try:
        import uvloop  # noqa: F401 - installed where it can be; asyncio's own loop does elsewhere
    except ImportError:
        return False
    return True
