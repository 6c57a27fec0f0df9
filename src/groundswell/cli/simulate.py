"""`groundswell simulate VENDOR`: the other side, to develop against and to try things with."""

import signal
import sys
from collections.abc import Awaitable, Callable
from random import Random
from typing import Annotated

import anyio
import typer

from groundswell.clock import SystemClock
from groundswell.connectors.action_network.simulator.sender import Ledger
from groundswell.connectors.action_network.simulator.webhooks import WebhookOptions, progress_line, simulate_webhooks
from groundswell.connectors.http.simulator import Fault, simulate_receiver
from groundswell.errors import RequestError
from groundswell.settings import parse_rate

app = typer.Typer(help="Be the other side: send webhooks as a vendor does, or take records as a receiver does.")


@app.command("action-network")
def action_network(
    url: Annotated[str, typer.Option(help="Where the daemon listens for these webhooks.")],
    rate: Annotated[str, typer.Option(help="Messages per time.")] = "50/s",
    count: Annotated[int, typer.Option(help="Events to send, besides a storm; 0 goes on until Ctrl-C.")] = 1_000,
    seed: Annotated[int, typer.Option(help="The same seed sends the same events.")] = 1,
    speed: Annotated[float, typer.Option(help="How much faster its five minutes' delay and its retries pass.")] = 300.0,
    storm: Annotated[int, typer.Option(help="So many uploads at once at the start, as when a list is uploaded.")] = 0,
    test: Annotated[bool, typer.Option("--test", help='Begin with what the "Send Test" button sends.')] = False,
) -> None:
    """Send webhooks as Action Network does: arrays, out of order, 500 ms for an answer, three tries, then dropped.

    Example: groundswell simulate action-network --url http://127.0.0.1:8080/webhooks/signups --rate 200/s
    """
    try:
        per = parse_rate(rate)
    except ValueError as exc:
        raise typer.BadParameter(f"{rate!r} {exc}", param_hint="--rate") from exc
    options = WebhookOptions(
        url=url,
        rate_per_s=per.calls / per.per_s,
        count=count or None,
        seed=seed,
        speed=speed,
        storm=storm,
        is_test=test,
    )

    async def send() -> None:
        stop = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_set_on_interrupt, stop)
            summary = await simulate_webhooks(options, report=_show_progress, stop=stop)
            tasks.cancel_scope.cancel()
        _clear_line()
        for line in summary.lines():
            typer.echo(line)

    _run(send)


@app.command("http")
def http(
    port: Annotated[int, typer.Option(help="Where to listen, on 127.0.0.1; 0 takes a free port.")] = 8099,
    fail: Annotated[float, typer.Option(help="Share of requests that fail, 0 to 1.", min=0, max=1)] = 0.0,
    status: Annotated[int, typer.Option(help="What a failing request is answered.", min=400, max=599)] = 500,
    delay: Annotated[float, typer.Option(help="Seconds a failing request takes.", min=0)] = 0.0,
    seed: Annotated[int, typer.Option(help="The same seed fails the same requests.")] = 1,
) -> None:
    """Take records from an `http` sink, whatever the path, and count them. GET /received tells what came.

    Example: groundswell simulate http --port 8099 --fail 0.1 --status 503
    """

    async def receive() -> None:
        fault = Fault(status=status, delay_s=delay)
        stop = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_set_on_interrupt, stop)
            tasks.start_soon(_receive, port, fail, fault, seed)
            await stop.wait()
            tasks.cancel_scope.cancel()

    _run(receive)


async def _receive(port: int, fail: float, fault: Fault, seed: int) -> None:
    def announce(url: str) -> None:
        typer.echo(f"taking records at {url}; {url}/received tells what came; Ctrl-C ends")

    await simulate_receiver(port, SystemClock(), Random(seed), announce, chance=fail, fault=fault)


def _run(main: Callable[[], Awaitable[None]]) -> None:
    """Run to the end; what was asked wrongly exits 2, what could not be done exits 1."""
    code = 0
    try:
        anyio.run(main)
    except* RequestError as group:
        code = _say(group, "{}", 2)
    except* OSError as group:
        code = _say(group, "simulate: {}; choose another --port", 1)
    sys.exit(code)


def _say(group: BaseExceptionGroup[BaseException], words: str, code: int) -> int:
    for exc in group.exceptions:
        typer.echo(words.format(getattr(exc, "strerror", None) or exc), err=True)
    return code


async def _set_on_interrupt(stop: anyio.Event) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            stop.set()


def _show_progress(ledger: Ledger) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\r\033[K{progress_line(ledger)}", nl=False, err=True)


def _clear_line() -> None:
    if sys.stderr.isatty():
        typer.echo("\r\033[K", nl=False, err=True)
