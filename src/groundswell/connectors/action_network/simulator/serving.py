"""`groundswell simulate action-network --port N`: an Action Network to develop against, until it is interrupted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import msgspec

from groundswell.clock import Clock, SystemClock
from groundswell.connectors.action_network.simulator.events import send_test_message
from groundswell.connectors.action_network.simulator.network import KEY
from groundswell.connectors.action_network.simulator.server import Server, WebhookTarget, simulator
from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from groundswell.connectors.action_network.simulator.webhooks import checked_url
from groundswell.errors import RequestError

REPORT_EVERY_S: Final = 0.5
_AT_ONCE_MAX: Final = 1_000
_WAITING_MAX: Final = 20_000
"""Webhooks not sent yet. Beyond that nothing happens by itself for a while: a dead receiver costs no memory."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What to serve, and what happens there by itself."""

    port: int
    people: int = 10_000
    seed: int = 1
    key: str = KEY
    rate_per_s: float = 0.0
    """How many things happen there a second besides the calls: actions, edits, unsubscribes."""
    count: int | None = None
    """After so many of them no more happen; None: never."""
    url: str | None = None
    """Where its webhooks go."""
    speed: float = 300.0
    """How much faster than real time the delay of webhooks and their retries pass."""
    storm: int = 0
    """So many people are uploaded at the start."""
    is_test: bool = False
    """Begin with what the "Send Test" button sends."""
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
    behaviour = _behaviour(options.behaviour)
    target = None
    if options.url is not None:
        target = WebhookTarget(str(checked_url(options.url)), options.speed, is_keeping_entries=False)
    if options.people < 0:
        raise RequestError(f"simulate: --people is {options.people}; it must be at least 0")
    async with simulator(
        people=options.people,
        seed=options.seed,
        clock=clock,
        behaviour=behaviour,
        key=options.key,
        webhooks=target,
        port=options.port,
    ) as server:
        _fail(server, options.faults)
        for line in _greeting(server):
            announce(line)
        if options.is_test and server.sender is not None:
            server.sender.happen_at_once([send_test_message()])
        server.control.upload(options.storm)
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
        f"at most {counts.most_in_one_second} in one second",
        f"{server.control.people} people",
    ]
    if server.ledger is not None:
        parts.append(f"{server.ledger.answered} of {server.ledger.messages} webhooks answered")
    return "  ".join(parts)


def summary(server: Server) -> list[str]:
    """What came, in a few lines. No personal data, and no key."""
    counts = server.counts
    pace = f"{counts.refused} refused for coming too fast, at most {counts.most_in_one_second} in one second"
    lines = [f"{counts.calls} calls, {pace}"]
    if counts.by_call:
        lines.append("most: " + ", ".join(f"{call} {times}" for call, times in counts.by_call.most_common(5)))
    if counts.faults:
        lines.append("made to fail: " + _listed(counts.faults))
    if counts.silent_failures:
        lines.append("answered 200 and {} because of: " + _listed(counts.silent_failures))
    if counts.background:
        lines.append("background requests: " + _listed(counts.background))
    if server.ledger is not None:
        ledger = server.ledger
        lines.append(
            f"webhooks: {ledger.messages} messages, {ledger.answered} answered 200 in time, {ledger.dropped} dropped "
            f"after three tries, {ledger.waiting} not sent yet, {counts.webhooks['lost']} lost on purpose"
        )
    return lines


def _greeting(server: Server) -> list[str]:
    return [
        f"Action Network at {server.base_url} with {server.control.people} people; key: {server.key}",
        f"counts and controls under {server.root}/_simulator/counts; Ctrl-C ends",
    ]


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


def _behaviour(written: dict[str, str]) -> Behaviour:
    known = msgspec.structs.asdict(Behaviour())
    changes = {name: _value(text) for name, text in written.items()}
    try:
        return msgspec.convert(known | changes, Behaviour)
    except msgspec.ValidationError as exc:
        raise RequestError(f"simulate: --behave: {exc}; there is {', '.join(known)}") from None


def _fail(server: Server, written: dict[str, str]) -> None:
    try:
        server.control.fail(**{name: _value(text) for name, text in written.items()})
    except msgspec.ValidationError as exc:
        known = ", ".join(msgspec.structs.asdict(server.faults.rates))
        raise RequestError(f"simulate: --fail: {exc}; there is {known}") from None


def _value(text: str) -> Any:
    """A JSON value, or the text as it is: true, 0.1, [0, 5], null, empty."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{word} {times}" for word, times in counts.items())
