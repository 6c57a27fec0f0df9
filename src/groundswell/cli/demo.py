"""`groundswell demo`: the whole of it in half a minute, with no account and no server.

A real daemon runs demo.toml, which lies beside this file. Simulated vendors send to it and are asked by it: Action
Network's webhooks go to a receiver that is away for some seconds; ActBlue's gifts go to ActionKit; ActionKit and Action
Network are kept in step.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Annotated, Final

import anyio
import typer
from yarl import URL

from groundswell import logs
from groundswell.cli.demo_gifts import Gifts
from groundswell.cli.demo_town import PEOPLE, Town
from groundswell.cli.demo_view import DemoView
from groundswell.clock import SystemClock
from groundswell.config.load import load
from groundswell.connectors.action_network.simulator.server import Server as NetworkServer
from groundswell.connectors.action_network.simulator.server import simulator as network_simulator
from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from groundswell.connectors.action_network.simulator.webhooks import WebhookOptions, simulate_webhooks
from groundswell.connectors.actionkit.simulator.server import Server as ActionKitServer
from groundswell.connectors.actionkit.simulator.server import simulator as actionkit_simulator
from groundswell.connectors.http.simulator import NO_FAULT, Fault, Receiver, serving
from groundswell.ops.server import OpsServer
from groundswell.runtime.daemon import Daemon
from groundswell.runtime.sd_notify import ServiceManager
from groundswell.store.database import Lock

CONFIG: Final = Path(__file__).with_name("demo.toml")
RATE_PER_S: Final = 100
EVENTS: Final = 1_600
STORM: Final = 400
AWAY_FROM_S: Final = 6.0
AWAY_FOR_S: Final = 4.0
EDIT_AT_S: Final = 8.0
REFRESH_EVERY_S: Final = 0.25
SETTLE_MAX_S: Final = 40.0
KEEP_RATE_PER_S: Final = 5
QUICK: Final = Behaviour(calls_per_s=40, index_lag_s=(0.0, 1.0))
"""Ten times the calls that Action Network allows, so that one need not wait for it."""
SPEED: Final = 300.0
"""Action Network's five minutes pass in a second."""


def command(
    keep: Annotated[bool, typer.Option("--keep", help="Stay up, with a little traffic, until Ctrl-C.")] = False,
) -> None:
    """Run everything for half a minute: simulated vendors, a real daemon, and a dashboard to look at. Needs nothing.

    Examples: groundswell demo; groundswell demo --keep
    """
    logs.configure("error")
    anyio.run(_run, keep)


@dataclass(frozen=True, slots=True)
class _World:
    """Who is outside of the daemon."""

    receiver: Receiver
    town: Town
    kit: ActionKitServer
    network: NetworkServer
    reached: Mapping[str, str]
    """Where they are and how one logs in there, by the names that demo.toml has for it."""


async def _run(keep: bool) -> None:
    password = os.urandom(12).hex()
    async with _world(password) as world:
        file = _written(_fresh_directory(), world.reached)
        config = load([file], {})
        ops = OpsServer(config)
        daemon = Daemon(
            config,
            lambda: load([file], {}),
            clock=SystemClock(),
            random=Random(),
            ops=ops,
            manager=ServiceManager({}),
        )
        async with anyio.create_task_group() as tasks:
            await tasks.start(daemon.run)
            tasks.start_soon(_stop_on_interrupt, daemon, tasks.cancel_scope)
            typer.echo(f"The dashboard, while this runs: {ops.login_code().url} (lets in once, within a minute)")
            typer.echo(f"In another terminal: groundswell status -c {file}\n")
            gifts_url = URL(daemon.supervisor.webhooks.url("/webhooks/gifts"))
            await _show(daemon, world, Gifts(gifts_url.with_user("actblue").with_password(password)))
            if keep:
                typer.echo(f"\nThe dashboard: {ops.login_code().url} (lets in once, within a minute)")
                typer.echo(f"Another link: groundswell dashboard -c {file}")
                await _stay(daemon)
            daemon.stop()
            await daemon.ended.wait()
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def _world(password: str) -> AsyncIterator[_World]:
    """The receiver and the simulated vendors."""
    receiver, town = Receiver(SystemClock(), Random(1)), Town()
    async with (
        serving(receiver) as url,
        actionkit_simulator(clock=town.clock) as kit,
        network_simulator(clock=town.clock, records=0, behaviour=QUICK) as network,
    ):
        town.settle_in(kit, network)
        reached = {
            "CRM_URL": f"{url}/records",
            "ACTIONKIT_URL": kit.root,
            "ACTIONKIT_USER": kit.user,
            "ACTIONKIT_PASSWORD": kit.password,
            "NETWORK_URL": network.base_url,
            "NETWORK_KEY": network.key,
            "ACTBLUE_PASSWORD": password,
        }
        yield _World(receiver, town, kit, network, reached)


def _fresh_directory() -> Path:
    """Where this demo's state file and output go; an earlier demo's are thrown away, unless it is still running."""
    directory = Path(tempfile.gettempdir()) / f"groundswell-demo-{os.getuid()}"
    is_ours = not directory.is_symlink() and (not directory.exists() or directory.stat().st_uid == os.getuid())
    if not is_ours or Lock(directory / "groundswell.db").is_held():
        return Path(tempfile.mkdtemp(prefix="groundswell-demo-"))
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory


def _written(directory: Path, reached: Mapping[str, str]) -> Path:
    """The configuration as it is run, for the other verbs: nothing in it is left to the environment."""
    text = CONFIG.read_text()
    for name, value in reached.items():
        text = text.replace(f"${{{name}}}", value)
    file = directory / "pipeline.toml"
    file.touch(mode=0o600)
    file.write_text(text)
    return file


async def _show(daemon: Daemon, world: _World, gifts: Gifts) -> None:
    view = DemoView(daemon)
    back_s = AWAY_FROM_S + AWAY_FOR_S
    view.say(f"- Action Network's webhooks to a receiver: an uploaded list of {STORM}, then {RATE_PER_S} a second.")
    view.say(f"  From second {AWAY_FROM_S:g} to {back_s:g} it answers 503: see what waits, and that nothing is lost.")
    view.say(f"- ActBlue's gifts to ActionKit: {gifts.count} notices, a fifth of them sent twice.")
    view.say(f"- ActionKit and Action Network kept in step: {PEOPLE} people about whom they do not agree.\n")
    options = WebhookOptions(
        url=_webhook_url(daemon), rate_per_s=RATE_PER_S, count=EVENTS, storm=STORM, is_test=True, speed=SPEED
    )
    with view.live():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_keep_showing, view, daemon)
            tasks.start_soon(_go_away_for_a_while, world.receiver, daemon)
            tasks.start_soon(_edit_after_a_while, world.town, daemon)
            async with anyio.create_task_group() as sending:
                sending.start_soon(gifts.send)
                summary = await simulate_webhooks(options)
            with anyio.move_on_after(SETTLE_MAX_S):
                while view.waiting() or not world.town.is_in_step():
                    await daemon.clock.sleep(REFRESH_EVERY_S)
            tasks.cancel_scope.cancel()
        view.refresh()
    await view.conclude(summary.ledger, world.receiver.received)
    view.say("[bold]ActBlue to ActionKit[/bold]")
    view.say(f"  {gifts.words(world.kit)}")
    view.say("[bold]ActionKit and Action Network[/bold]")
    view.say(f"  {world.town.words()}")
    view.say_where_to_look()


async def _keep_showing(view: DemoView, daemon: Daemon) -> None:
    while True:
        view.refresh()
        await daemon.clock.sleep(REFRESH_EVERY_S)


async def _go_away_for_a_while(receiver: Receiver, daemon: Daemon) -> None:
    await daemon.clock.sleep(AWAY_FROM_S)
    receiver.fault = Fault(status=503)
    await daemon.clock.sleep(AWAY_FOR_S)
    receiver.fault = NO_FAULT


async def _edit_after_a_while(town: Town, daemon: Daemon) -> None:
    await daemon.clock.sleep(EDIT_AT_S)
    town.edit()


def _webhook_url(daemon: Daemon) -> str:
    webhooks = daemon.supervisor.webhooks
    path = next(path for path in webhooks.routes if "action_network" in path)
    return webhooks.url(path)


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
