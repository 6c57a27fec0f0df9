"""`groundswell simulate VENDOR`: the other side, to develop against and to try things with."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Annotated, NoReturn

import anyio
import typer

from groundswell.cli.interrupt import interrupted
from groundswell.clock import SystemClock
from groundswell.connectors.actblue.simulator import serving as actblue_serving
from groundswell.connectors.actblue.simulator.csv_api import CLIENT, SECRET
from groundswell.connectors.actblue.simulator.sender import Pace, Target
from groundswell.connectors.action_network.simulator.network import KEY
from groundswell.connectors.action_network.simulator.sender import Ledger
from groundswell.connectors.action_network.simulator.server import Server
from groundswell.connectors.action_network.simulator.serving import ServeOptions, progress, serve
from groundswell.connectors.action_network.simulator.webhooks import WebhookOptions, progress_line, simulate_webhooks
from groundswell.connectors.actionkit.simulator import serving as actionkit_serving
from groundswell.connectors.actionkit.simulator.instance import PASSWORD, USER
from groundswell.connectors.http.simulator import Fault, simulate_receiver
from groundswell.errors import RequestError
from groundswell.settings import parse_rate

app = typer.Typer(help="Be the other side: send webhooks as a vendor does, or take records as a receiver does.")


@app.command("action-network")
def action_network(
    port: Annotated[int | None, typer.Option(help="Serve its API here, on 127.0.0.1; 0 takes a free port.")] = None,
    url: Annotated[str | None, typer.Option(help="Where the daemon listens for its webhooks.")] = None,
    people: Annotated[int, typer.Option(help="With --port: how many people there are; a million are fine.")] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed has the same people and sends the same events.")] = 1,
    key: Annotated[str, typer.Option(help="With --port: the API key it takes.")] = KEY,
    rate: Annotated[
        str | None,
        typer.Option(
            help="What happens per time: messages, with --port actions and edits. [default: 50/s, with --port none]"
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(help="Events to send, besides a storm; 0 goes on until Ctrl-C. [default: 1000, with --port 0]"),
    ] = None,
    speed: Annotated[float, typer.Option(help="How much faster its five minutes' delay and its retries pass.")] = 300.0,
    storm: Annotated[int, typer.Option(help="So many uploads at once at the start, as when a list is uploaded.")] = 0,
    test: Annotated[bool, typer.Option("--test", help='Begin with what the "Send Test" button sends.')] = False,
    behave: Annotated[
        list[str] | None, typer.Option(help="With --port: a switch, such as calls_per_s=null or next_keeps_query=true.")
    ] = None,
    fail: Annotated[
        list[str] | None, typer.Option(help="With --port: a share of calls to fail, such as unavailable=0.05.")
    ] = None,
) -> None:
    """Be Action Network: an API to call (--port), webhooks as it sends them (--url), or both.

    With --port there is one Action Network with people, pages and what was done on them; with --url too, what happens
    there, over the API or by itself (--rate), is sent. With --url alone, made-up events are sent.

    Example: groundswell simulate action-network --port 8099 --people 10000 --seed 1

    Example: groundswell simulate action-network --url http://127.0.0.1:8080/webhooks/signups --rate 200/s
    """
    if port is None and url is None:
        raise typer.BadParameter("say where: --port to serve its API, --url to send webhooks, or both")
    rate_per_s = _per_second(rate) if rate is not None else None
    if port is None:
        assert url is not None
        _send_webhooks(
            WebhookOptions(
                url=url,
                rate_per_s=50.0 if rate_per_s is None else rate_per_s,
                count=(1_000 if count is None else count) or None,
                seed=seed,
                speed=speed,
                storm=storm,
                is_test=test,
            )
        )
    options = ServeOptions(
        port=port or 0,
        people=people,
        seed=seed,
        key=key,
        rate_per_s=rate_per_s or 0.0,
        count=count or None,
        url=url,
        speed=speed,
        storm=storm,
        is_test=test,
        behaviour=_named(behave, "--behave"),
        faults=_named(fail, "--fail"),
    )
    _serve_api(options)


def _per_second(rate: str) -> float:
    try:
        per = parse_rate(rate)
    except ValueError as exc:
        raise typer.BadParameter(f"{rate!r} {exc}", param_hint="--rate") from exc
    return float(per.calls / per.per_s)


def _named(written: list[str] | None, option: str) -> dict[str, str]:
    parts = [one.partition("=") for one in written or ()]
    if not all(sign for _, sign, _ in parts):
        raise typer.BadParameter("write it as NAME=VALUE", param_hint=option)
    return {name: value for name, _, value in parts}


def _send_webhooks(options: WebhookOptions) -> NoReturn:
    async def send(stop: anyio.Event) -> Sequence[str]:
        summary = await simulate_webhooks(options, report=_show_webhooks, stop=stop)
        return summary.lines()

    _until_interrupted(send)


def _serve_api(options: ServeOptions) -> NoReturn:
    _until_interrupted(lambda stop: serve(options, announce=typer.echo, report=_show_calls, stop=stop))


@app.command("actionkit")
def actionkit(
    port: Annotated[int, typer.Option(help="Serve its API here, on 127.0.0.1; 0 takes a free port.")] = 8098,
    users: Annotated[int, typer.Option(help="How many there are; a hundred thousand take some seconds.")] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed has the same users, pages and faults.")] = 1,
    user: Annotated[str, typer.Option(help="The staff user it takes.")] = USER,
    password: Annotated[str, typer.Option(help="Its password.")] = PASSWORD,
    url: Annotated[
        str | None,
        typer.Option(help="Where pushes go, with the API key in it: http://ACCOUNT:SECRET@127.0.0.1:8080/..."),
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="What happens there by itself: actions, edits, unsubscribes. [default: none]")
    ] = None,
    count: Annotated[int, typer.Option(help="How many of these; 0 goes on until Ctrl-C.")] = 0,
    speed: Annotated[float, typer.Option(help="How much faster the waits between tries of a push pass.")] = 1.0,
    behave: Annotated[
        list[str] | None, typer.Option(help="A switch, such as simultaneous=null or updated_at_filters=true.")
    ] = None,
    fail: Annotated[list[str] | None, typer.Option(help="A share of calls to fail, such as server_error=0.05.")] = None,
) -> None:
    """Be ActionKit: its API, its receiver of ActBlue's webhooks, and, with --url, what its Push API sends.

    Example: groundswell simulate actionkit --port 8098 --users 100000 --rate 2/s

    Example: groundswell simulate actionkit --url http://ACCOUNT:SECRET@127.0.0.1:8080/webhooks/action_kit/v1/signup
    """
    options = actionkit_serving.ServeOptions(
        port=port,
        users=users,
        seed=seed,
        user=user,
        password=password,
        rate_per_s=_per_second(rate) if rate is not None else 0.0,
        count=count or None,
        url=url,
        speed=speed,
        behaviour=_named(behave, "--behave"),
        faults=_named(fail, "--fail"),
    )

    _until_interrupted(
        lambda stop: actionkit_serving.serve(
            options,
            announce=typer.echo,
            report=lambda server: _show_line(actionkit_serving.progress(server)),
            stop=stop,
        )
    )


@app.command("actblue")
def actblue(
    port: Annotated[
        int | None,
        typer.Option(help="Serve its CSV API here, on 127.0.0.1; 0 takes a free port. Without it, send and end."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="Where all three types of webhook go, with the login in it: http://USER:SECRET@HOST/PATH"),
    ] = None,
    contributions_url: Annotated[str | None, typer.Option(help="Where contributions go, rather than to --url.")] = None,
    refunds_url: Annotated[str | None, typer.Option(help="Where refunds go.")] = None,
    cancellations_url: Annotated[str | None, typer.Option(help="Where cancellations go.")] = None,
    gifts: Annotated[int, typer.Option(help="How many were given, to us and on our forms.")] = 2_000,
    days: Annotated[int, typer.Option(help="In so many days, up to yesterday.")] = 400,
    seed: Annotated[int, typer.Option(help="The same seed has the same gifts on the same day.")] = 1,
    client: Annotated[str, typer.Option(help="The client UUID that the CSV API takes.")] = CLIENT,
    secret: Annotated[str, typer.Option(help="Its secret.")] = SECRET,
    rate: Annotated[str, typer.Option(help="Messages per time, or a second: 50, 600/min.")] = "50/s",
    burst: Annotated[int, typer.Option(help="So many at once, with longer waits between.")] = 1,
    retries: Annotated[str, typer.Option(help="Seconds before each further try; how ActBlue does it is not known.")] = (
        "2,8,30"
    ),
    timeout: Annotated[float, typer.Option(help="Seconds it waits for an answer.")] = 10.0,
    speed: Annotated[float, typer.Option(help="How much faster waits before further tries, and lateness, pass.")] = 1.0,
    managed_forms: Annotated[bool, typer.Option(help="Send gifts to others on our forms, too.")] = True,
    declined: Annotated[bool, typer.Option("--declined", help="Send declined and pending payments, too.")] = False,
    behave: Annotated[
        list[str] | None, typer.Option(help="A switch, such as polls=5, columns=older, together=true or numbers=1.")
    ] = None,
    fail: Annotated[
        list[str] | None, typer.Option(help="A share to go wrong, such as bad_gateway=0.05 or webhook_twice=0.1.")
    ] = None,
) -> None:
    """Be ActBlue: its CSV API (--port), its webhooks (--url), or both, about the same gifts.

    Example: groundswell simulate actblue --port 8097 --gifts 20000

    Example: groundswell simulate actblue --url http://USER:SECRET@127.0.0.1:8080/webhooks/gifts --rate 200/s --declined

    Example: groundswell simulate actblue --port 8097 --url http://USER:SECRET@127.0.0.1:8080/webhooks/gifts \\
    --fail webhook_lost=0.02 --fail webhook_ahead=0.5
    """
    target = Target(contributions_url or url, refunds_url or url, cancellations_url or url)
    if port is None and target == Target():
        raise typer.BadParameter("say where: --port to serve its CSV API, --url to send webhooks, or both")
    options = actblue_serving.ServeOptions(
        port=port,
        gifts=gifts,
        seed=seed,
        days=days,
        client=client,
        secret=secret,
        webhooks=target if target != Target() else None,
        pace=Pace(
            rate_per_s=_per_second(rate if "/" in rate else f"{rate}/s"),
            burst=burst,
            retry_after_s=_waits(retries),
            timeout_s=timeout,
            speed=speed,
        ),
        managed_forms=managed_forms,
        declined=declined,
        behaviour=_named(behave, "--behave"),
        faults=_named(fail, "--fail"),
    )

    _until_interrupted(
        lambda stop: actblue_serving.serve(
            options,
            announce=typer.echo,
            report=lambda server: _show_line(actblue_serving.progress(server)),
            stop=stop,
        )
    )


def _waits(written: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in written.split(",") if part.strip())
    except ValueError:
        raise typer.BadParameter(f"{written!r} is no list of seconds", param_hint="--retries") from None


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

    async def receive(stop: anyio.Event) -> Sequence[str]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_receive, port, fail, Fault(status=status, delay_s=delay), seed)
            await stop.wait()
            tasks.cancel_scope.cancel()
        return ()

    _until_interrupted(receive)


async def _receive(port: int, fail: float, fault: Fault, seed: int) -> None:
    def announce(url: str) -> None:
        typer.echo(f"taking records at {url}; {url}/received tells what came; Ctrl-C ends")

    await simulate_receiver(port, SystemClock(), Random(seed), announce, chance=fail, fault=fault)


def _until_interrupted(work: Callable[[anyio.Event], Awaitable[Sequence[str]]]) -> NoReturn:
    """Have it done until it ends, or until Ctrl-C sets its event; then say what it says.

    What was asked wrongly exits 2, what could not be done exits 1.
    """

    async def main() -> None:
        stop = anyio.Event()

        async def heed() -> None:
            await interrupted()
            stop.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(heed)
            lines = await work(stop)
            tasks.cancel_scope.cancel()
        _clear_line()
        for line in lines:
            typer.echo(line)

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


def _show_webhooks(ledger: Ledger) -> None:
    _show_line(progress_line(ledger))


def _show_calls(server: Server) -> None:
    _show_line(progress(server))


def _show_line(line: str) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\r\033[K{line}", nl=False, err=True)


def _clear_line() -> None:
    if sys.stderr.isatty():
        typer.echo("\r\033[K", nl=False, err=True)
