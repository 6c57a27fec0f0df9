"""`groundswell demo`: the main job, whole, in about twenty seconds, with no account and no server.

A real daemon runs pipeline.toml, the Action Network simulator sends webhooks to it, and a receiver takes what comes
out; for a few seconds in the middle it does not, so that one sees what happens then.
"""

import os
import shutil
import signal
import tempfile
from dataclasses import replace
from importlib import resources
from pathlib import Path
from random import Random
from typing import Annotated, Final

import anyio
import typer

from groundswell import logs
from groundswell.cli.demo_view import DemoView
from groundswell.cli.options import load_or_exit
from groundswell.clock import SystemClock
from groundswell.config.model import Config
from groundswell.connectors.action_network.simulator.webhooks import WebhookOptions, simulate_webhooks
from groundswell.connectors.http.simulator import NO_FAULT, Fault, Receiver, serving
from groundswell.ops.server import OpsServer
from groundswell.runtime.daemon import Daemon
from groundswell.runtime.sd_notify import ServiceManager
from groundswell.settings import Listen

RATE_PER_S: Final = 150
EVENTS: Final = 2_400
STORM: Final = 400
AWAY_FROM_S: Final = 6.0
AWAY_FOR_S: Final = 4.0
REFRESH_EVERY_S: Final = 0.25
SETTLE_MAX_S: Final = 30.0
KEEP_RATE_PER_S: Final = 5
SPEED: Final = 300.0
"""Action Network's five minutes pass in a second."""


def command(
    file: Annotated[
        Path | None, typer.Argument(help="The pipeline to run.", show_default="pipeline.toml, or the one installed")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Stay up, with a little traffic, until Ctrl-C.")] = False,
) -> None:
    """Run the main job for about 20 seconds: simulated webhooks in, a real daemon, records out. Needs nothing.

    Examples: groundswell demo; groundswell demo --keep
    """
    logs.configure("error")
    pipeline = _pipeline(file)
    anyio.run(_run, pipeline, keep)


def _pipeline(file: Path | None) -> Path:
    """The file named, else the one in this directory, else the one that was installed with groundswell."""
    here = file or Path("pipeline.toml")
    return here if file or here.exists() else Path(str(resources.files("groundswell.cli") / "pipeline.toml"))


async def _run(pipeline: Path, keep: bool) -> None:
    clock = SystemClock()
    receiver = Receiver(clock, Random(1))
    async with serving(receiver) as url:
        os.environ["CRM_URL"] = f"{url}/records"
        config = _moved(load_or_exit([pipeline]), _fresh_directory())
        ops = OpsServer(config)
        daemon = Daemon(
            config,
            lambda: config,
            clock=clock,
            random=Random(),
            ops=ops,
            manager=ServiceManager({}),
        )
        async with anyio.create_task_group() as tasks:
            await tasks.start(daemon.run)
            tasks.start_soon(_stop_on_interrupt, daemon, tasks.cancel_scope)
            typer.echo(f"The dashboard, within a minute: {ops.login_code().url}\n")
            await _show(daemon, receiver, pipeline.name)
            if keep:
                typer.echo(f"\nThe dashboard, within a minute: {ops.login_code().url}")
                await _stay(daemon)
            daemon.stop()
            await daemon.ended.wait()
            tasks.cancel_scope.cancel()


def _fresh_directory() -> Path:
    """Where this demo's state file and output go; an earlier demo's are thrown away."""
    directory = Path(tempfile.gettempdir()) / f"groundswell-demo-{os.getuid()}"
    if directory.is_symlink() or (directory.exists() and directory.stat().st_uid != os.getuid()):
        return Path(tempfile.mkdtemp(prefix="groundswell-demo-"))
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory


def _moved(config: Config, directory: Path) -> Config:
    """The same pipeline, with its files in this directory and on free ports."""
    free = Listen(host="127.0.0.1", port=0)
    return replace(
        config,
        directory=directory,
        components={name: replace(part, directory=directory) for name, part in config.components.items()},
        webhooks=config.webhooks.model_copy(update={"listen": free}),
        ops=config.ops.model_copy(update={"listen": free}),
    )


async def _show(daemon: Daemon, receiver: Receiver, pipeline: str) -> None:
    view = DemoView(daemon)
    view.say(f"A daemon runs {pipeline}. Simulated Action Network webhooks come in, {RATE_PER_S} a second, after an")
    view.say(f"uploaded list of {STORM}. Records go out to an HTTP receiver and a file. From second {AWAY_FROM_S:g} to")
    view.say(f"{AWAY_FROM_S + AWAY_FOR_S:g} the receiver answers 503: watch what waits, and that nothing is lost.\n")
    options = WebhookOptions(
        url=_webhook_url(daemon), rate_per_s=RATE_PER_S, count=EVENTS, storm=STORM, is_test=True, speed=SPEED
    )
    with view.live():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_keep_showing, view, daemon)
            tasks.start_soon(_go_away_for_a_while, receiver, daemon)
            summary = await simulate_webhooks(options)
            with anyio.move_on_after(SETTLE_MAX_S):
                while view.waiting():
                    await daemon.clock.sleep(REFRESH_EVERY_S / 5)
            tasks.cancel_scope.cancel()
        view.refresh()
    await view.conclude(summary.ledger, receiver.received)


async def _keep_showing(view: DemoView, daemon: Daemon) -> None:
    while True:
        view.refresh()
        await daemon.clock.sleep(REFRESH_EVERY_S)


async def _go_away_for_a_while(receiver: Receiver, daemon: Daemon) -> None:
    await daemon.clock.sleep(AWAY_FROM_S)
    receiver.fault = Fault(status=503)
    await daemon.clock.sleep(AWAY_FOR_S)
    receiver.fault = NO_FAULT


def _webhook_url(daemon: Daemon) -> str:
    webhooks = daemon.supervisor.webhooks
    return f"http://127.0.0.1:{webhooks.port}{next(iter(webhooks.routes))}"


async def _stay(daemon: Daemon) -> None:
    typer.echo(f"\nStaying up with a little traffic, on {_webhook_url(daemon)}. Ctrl-C ends.")
    options = WebhookOptions(url=_webhook_url(daemon), rate_per_s=KEEP_RATE_PER_S, count=None, seed=2, speed=SPEED)
    await simulate_webhooks(options)


async def _stop_on_interrupt(daemon: Daemon, scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            daemon.stop()
            await daemon.ended.wait()
            scope.cancel()
