"""`groundswell simulate actionkit`: an ActionKit to develop against, until it is interrupted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import anyio
import msgspec
from yarl import URL

from groundswell.clock import Clock, SystemClock
from groundswell.connectors.actionkit.simulator.faults import FaultRates
from groundswell.connectors.actionkit.simulator.instance import PASSWORD, USER
from groundswell.connectors.actionkit.simulator.push.sender import PushTarget
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from groundswell.errors import RequestError

Switches = TypeVar("Switches", bound=msgspec.Struct)
REPORT_EVERY_S: Final = 0.5
_AT_ONCE_MAX: Final = 1_000
_WAITING_MAX: Final = 20_000
"""Pushes not sent yet. Beyond that nothing happens by itself for a while: a dead receiver costs no memory."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What to serve, and what happens there by itself."""

    port: int
    users: int = 10_000
    seed: int = 1
    user: str = USER
    password: str = PASSWORD
    rate_per_s: float = 0.0
    """How many things happen there a second besides the calls: actions, edits, unsubscribes."""
    count: int | None = None
    """After so many of them no more happen; None: never."""
    url: str | None = None
    """Where its pushes go."""
    speed: float = 1.0
    """How much faster than real time the waits between tries of a push pass."""
    behaviour: dict[str, str] = field(default_factory=dict)
    """Switches of `Behaviour`, as text."""
    faults: dict[str, str] = field(default_factory=dict)
    """Shares of `FaultRates`, as text."""


async def serve(
    options: ServeOptions,
    *,
    clock: Clock | None = None,
    announce: Callable[[str], None] = lambda line: None,
    report: Callable[[Server], None] | None = None,
    stop: anyio.Event | None = None,
) -> list[str]:
    """Serve until `stop` is set, or for ever; then lines that say what came.

    Args:
        announce: Called with each of a few lines once it can be reached.
        report: Called now and then, for a line of progress.

    Raises:
        RequestError: an option makes no sense; says which and why.
        OSError: the port cannot be had.
    """
    clock = clock or SystemClock()
    if options.users < 0:
        raise RequestError(f"simulate: --users is {options.users}; it must be at least 0")
    if not options.user or ":" in options.user:
        raise RequestError("simulate: --user must be a name without a colon")
    async with simulator(
        users=options.users,
        seed=options.seed,
        clock=clock,
        behaviour=_given(options.behaviour, Behaviour(), "--behave"),
        rates=_given(options.faults, FaultRates(), "--fail"),
        user=options.user,
        password=options.password,
        pushes=_target(options),
        port=options.port,
    ) as server:
        for line in _greeting(server):
            announce(line)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_live, server, options, clock)
            if report is not None:
                tasks.start_soon(_report, report, server, clock)
            await (stop.wait() if stop is not None else anyio.sleep_forever())
            tasks.cancel_scope.cancel()
        return summary(server)


def progress(server: Server) -> str:
    """How it stands, in one line."""
    counts = server.counts
    parts = [
        f"{counts.calls} calls",
        f"{counts.refused} refused",
        f"at most {counts.most_at_once} at once",
        f"{server.control.users} users",
    ]
    if server.pusher is not None and server.ledger is not None:
        state = "connected" if server.pusher.is_connected else "Not Connected"
        parts.append(f"push {state}, {server.ledger.answered} of {server.ledger.messages} answered")
    return "  ".join(parts)


def summary(server: Server) -> list[str]:
    """What came, in a few lines. No personal data, and no password."""
    counts = server.counts
    lines = [f"{counts.calls} calls, {counts.refused} refused, at most {counts.most_at_once} at once"]
    if counts.by_call:
        lines.append("most: " + ", ".join(f"{call} {times}" for call, times in counts.by_call.most_common(5)))
    if counts.anonymous_actions:
        lines.append(f"actions from nobody with a good password: {counts.anonymous_actions}")
    for title, counted in (
        ("made to fail", counts.faults),
        ("donations answered 201 that failed", counts.failed_donations),
        ("reports", counts.reports),
        ("uploaded rows", counts.uploads),
    ):
        if counted:
            lines.append(f"{title}: " + ", ".join(f"{word} {times}" for word, times in counted.items()))
    if server.ledger is not None:
        ledger = server.ledger
        lines.append(
            f"pushes: {ledger.messages} messages in {ledger.posts} POSTs, {ledger.answered} answered, "
            f"{ledger.refused} refused for good, {ledger.dropped} given up, {ledger.lost} lost on purpose, "
            f"{ledger.waiting} not answered yet, {ledger.not_connected} before it was connected"
        )
    return lines


def _greeting(server: Server) -> list[str]:
    login = f"log in as {server.user} with {server.password}"
    lines = [
        f"ActionKit at {server.base_url} with {server.control.users} users; {login}",
        f"takes ActBlue's webhooks at {server.actblue_url}?account=Default%20ActBlue",
        f"counts and controls under {server.root}/_simulator/counts; Ctrl-C ends",
    ]
    if server.pusher is not None:
        lines.insert(1, f"pushes what happens once the receiver has confirmed; topic {server.pusher.topic.arn}")
    return lines


async def _live(server: Server, options: ServeOptions, clock: Clock) -> None:
    """Let things happen at the rate asked for."""
    if options.rate_per_s <= 0:
        return
    began, happened = clock.monotonic(), 0
    while options.count is None or happened < options.count:
        due = min(int((clock.monotonic() - began) * options.rate_per_s) - happened, _AT_ONCE_MAX)
        if server.ledger is not None and server.ledger.waiting > _WAITING_MAX:
            due = 0
        if options.count is not None:
            due = min(due, options.count - happened)
        server.control.happen(due)
        happened += due
        await clock.sleep(max(0.02, 1 / options.rate_per_s / 2))


async def _report(report: Callable[[Server], None], server: Server, clock: Clock) -> None:
    while True:
        report(server)
        await clock.sleep(REPORT_EVERY_S)


def _target(options: ServeOptions) -> PushTarget | None:
    if options.url is None:
        return None
    try:
        url = URL(options.url)
        is_good = url.scheme in ("http", "https") and bool(url.host)
    except ValueError:
        is_good = False
    if not is_good:
        raise RequestError("simulate: --url is not an address; it looks like http://ACCOUNT:SECRET@127.0.0.1:8080/...")
    if options.speed <= 0:
        raise RequestError(f"simulate: --speed is {options.speed:g}; it must be more than 0")
    return PushTarget(options.url, speed=options.speed, is_keeping_entries=False)


def _given(written: dict[str, str], usual: Switches, option: str) -> Switches:
    known = msgspec.structs.asdict(usual)
    try:
        return msgspec.convert(known | {name: _value(text) for name, text in written.items()}, type(usual))
    except msgspec.ValidationError as exc:
        raise RequestError(f"simulate: {option}: {exc}; there is {', '.join(known)}") from None


def _value(text: str) -> Any:
    """A JSON value, or the text as it is: true, 0.1, null, replaced."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
