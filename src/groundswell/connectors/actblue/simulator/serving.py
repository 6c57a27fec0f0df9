"""`groundswell simulate actblue`: an ActBlue to develop against, until it is interrupted or has sent everything."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import anyio
import msgspec

from groundswell.clock import Clock, SystemClock
from groundswell.connectors.actblue.simulator.behaviour import Behaviour
from groundswell.connectors.actblue.simulator.csv_api import CLIENT, SECRET
from groundswell.connectors.actblue.simulator.faults import FaultRates
from groundswell.connectors.actblue.simulator.ledger import Ledger
from groundswell.connectors.actblue.simulator.messages import Shapes, messages
from groundswell.connectors.actblue.simulator.sender import Pace, Target
from groundswell.connectors.actblue.simulator.server import Server, simulator
from groundswell.errors import RequestError

Switches = TypeVar("Switches", bound=msgspec.Struct)
REPORT_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What was given, where it is served, and where it is sent."""

    port: int | None
    """None: only send, and end when that is done."""
    gifts: int = 2_000
    seed: int = 1
    days: int = 400
    """The last gift was given before today, the first so many days earlier."""
    client: str = CLIENT
    secret: str = SECRET
    webhooks: Target | None = None
    pace: Pace = field(default_factory=Pace)
    managed_forms: bool = True
    """Whether gifts to others on forms of ours are sent."""
    declined: bool = False
    """Whether declined and pending payments are sent."""
    behaviour: dict[str, str] = field(default_factory=dict)
    """Switches of `Behaviour` and `Shapes`, as text."""
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
    """Serve until `stop` is set, and send meanwhile; then lines that say what came of it.

    Args:
        announce: Called with each of a few lines once it can be reached.
        report: Called now and then, for a line of progress.

    Raises:
        RequestError: an option makes no sense; says which and why.
        OSError: the port cannot be had.
    """
    clock = clock or SystemClock()
    behaviour, shapes = _switches(options.behaviour)
    rates = _given(options.faults, FaultRates(), "--fail")
    async with simulator(
        _ledger(options, clock),
        clock=clock,
        behaviour=behaviour,
        rates=rates,
        client=options.client,
        secret=options.secret,
        webhooks=options.webhooks,
        pace=options.pace,
        port=options.port or 0,
    ) as server:
        notices = server.ledger.notices(managed_forms=options.managed_forms, declined=options.declined)
        prepared = messages(server.ledger, notices, shapes) if server.sender is not None else []
        for line in _greeting(server, options):
            announce(line)
        async with anyio.create_task_group() as tasks:
            if report is not None:
                tasks.start_soon(_report, report, server, clock)
            if stop is not None:
                tasks.start_soon(_cancel_when, stop, tasks.cancel_scope)
            if server.sender is not None:
                await server.sender.send(prepared)
                announce(f"sent all {len(prepared)} messages")
            if options.port is not None:
                await anyio.sleep_forever()
            tasks.cancel_scope.cancel()
        return summary(server)


def progress(server: Server) -> str:
    """How it stands, in one line."""
    counts = server.counts
    parts = [f"{counts.calls} calls", f"{counts.refused} refused", f"{counts.downloads['done']} downloads"]
    if server.sender is not None:
        answers = server.sender.answers
        parts.append(f"{answers.outcomes['acknowledged']} of {len(answers.entries)} webhooks acknowledged")
    return "  ".join(parts)


def summary(server: Server) -> list[str]:
    """What came of it, in a few lines. No personal data, and no secret."""
    counts = server.counts
    logins = f"{counts.unauthorized} with a wrong login, at most {counts.most_in_a_minute} in one minute"
    lines = [f"{counts.calls} calls, {counts.refused} refused, {logins}"] if counts.calls or not server.sender else []
    for title, counted in (
        ("exports", counts.exports),
        ("downloads", counts.downloads),
        ("made to fail", counts.faults),
    ):
        if counted:
            lines.append(f"{title}: " + ", ".join(f"{word} {times}" for word, times in counted.items()))
    if server.sender is not None:
        answers = server.sender.answers
        lines.append(
            f"webhooks: {len(answers.entries)} messages in {answers.posts} POSTs, "
            f"{answers.outcomes['acknowledged']} acknowledged, {answers.outcomes['given_up']} given up, "
            f"{answers.outcomes['lost']} lost on purpose, {answers.waiting} not sent yet"
        )
        said = ", ".join(f"{said} {times}" for said, times in answers.by_status.most_common())
        half, nearly_all = answers.percentile_ms(50), answers.percentile_ms(99)
        lines.append(f"answers: {said or 'none'}; half within {half:.1f} ms, 99 % within {nearly_all:.1f} ms")
    return lines


def _ledger(options: ServeOptions, clock: Clock) -> Ledger:
    if options.days < 1:
        raise RequestError(f"simulate: --days is {options.days}; it must be at least 1")
    if not options.client or ":" in options.client:
        raise RequestError("simulate: --client must be a name without a colon")
    until = datetime.fromtimestamp(clock.now(), UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Ledger.make(options.seed, options.gifts, until - timedelta(days=options.days), until)


def _greeting(server: Server, options: ServeOptions) -> list[str]:
    totals = server.ledger.totals()
    gifts = (
        f"{len(totals.by_lineitem)} gifts to entity {server.ledger.own.id}, ${totals.paid}, ${totals.refunded} refunded"
    )
    if options.port is None:
        return [f"ActBlue with {gifts}; sends and then ends"]
    return [
        f"ActBlue's CSV API at {server.base_url}; client {server.api.client}, secret {server.api.secret}",
        f"knows of {gifts}",
        f"counts and controls under {server.root}/_simulator/counts; Ctrl-C ends",
    ]


async def _report(report: Callable[[Server], None], server: Server, clock: Clock) -> None:
    while True:
        report(server)
        await clock.sleep(REPORT_EVERY_S)


async def _cancel_when(stop: anyio.Event, scope: anyio.CancelScope) -> None:
    await stop.wait()
    scope.cancel()


def _switches(written: dict[str, str]) -> tuple[Behaviour, Shapes]:
    """Those of the CSV API and those of the messages; no name is in both."""
    shapes = Shapes()
    named = {name: text for name, text in written.items() if name in msgspec.structs.asdict(shapes)}
    rest = {name: text for name, text in written.items() if name not in named}
    more = ", ".join(msgspec.structs.asdict(shapes))
    return _given(rest, Behaviour(), "--behave", more), _given(named, shapes, "--behave")


def _given(written: dict[str, str], usual: Switches, option: str, more: str = "") -> Switches:
    known = msgspec.structs.asdict(usual)
    try:
        return msgspec.convert(known | {name: _value(text) for name, text in written.items()}, type(usual))
    except msgspec.ValidationError as exc:
        there = ", ".join([*known, *([more] if more else [])])
        raise RequestError(f"simulate: {option}: {exc}; there is {there}") from None


def _value(text: str) -> Any:
    """A JSON value, or the text as it is: true, 0.1, null, newer."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
