"""`groundswell simulate action-network --url URL`: Action Network's webhooks without Action Network."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Final

import aiohttp
import anyio
from yarl import URL

from groundswell.clock import Clock, SystemClock
from groundswell.connectors.action_network.simulator.events import events, send_test_message, upload_storm
from groundswell.connectors.action_network.simulator.sender import Ledger, WebhookSender
from groundswell.errors import RequestError

REPORT_EVERY_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class WebhookOptions:
    """What to send, where and how fast."""

    url: str
    rate_per_s: float = 50.0
    """Messages a second. Each is one POST, if it is answered."""
    count: int | None = 1_000
    """Events, besides the storm; None: until interrupted."""
    seed: int = 1
    speed: float = 300.0
    """How much faster than real time their delay (5 minutes) and their retries (an hour) pass."""
    storm: int = 0
    """This many uploads at the start, all at once, as when somebody uploads a list."""
    twins: float = 0.02
    """Share of messages that a second webhook sends too, under another idempotency key."""
    lost_answers: float = 0.01
    """Share of answers that get lost, so that the message comes again."""
    is_test: bool = False
    """Begin with what the "Send Test" button sends."""
    concurrency: int = 64


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of it."""

    ledger: Ledger
    seed: int
    took_s: float

    def lines(self) -> list[str]:
        """For the terminal; no personal data."""
        ledger = self.ledger
        size = f"{ledger.events} events in {ledger.messages} messages, {ledger.posts} POSTs"
        left = f", {ledger.waiting} not sent yet" if ledger.waiting else ""
        half, nearly_all = percentile_ms(ledger, 50), percentile_ms(ledger, 99)
        return [
            f"{size} in {self.took_s:.1f} s (seed {self.seed})",
            f"{ledger.answered} answered 200 in time, {ledger.dropped} dropped after three tries{left}",
            f"tries that failed: {_failures(ledger)}",
            f"answers: half within {half:.1f} ms, 99 % within {nearly_all:.1f} ms",
        ]


def progress_line(ledger: Ledger) -> str:
    """How far it is, in one line."""
    return (
        f"{ledger.posts} sent  {ledger.answered} answered  {ledger.waiting} waiting  {ledger.dropped} dropped  "
        f"failed: {_failures(ledger)}  p99 {percentile_ms(ledger, 99):.1f} ms"
    )


async def simulate_webhooks(
    options: WebhookOptions,
    *,
    clock: Clock | None = None,
    report: Callable[[Ledger], None] | None = None,
    stop: anyio.Event | None = None,
) -> Summary:
    """Send webhooks to `options.url` until all are answered or dropped.

    Args:
        report: Called a few times a second with the ledger so far, for a line of progress.
        stop: Once set, nothing more is sent; the summary says how much was not.

    Raises:
        RequestError: an option makes no sense; says which and why.
    """
    url = _checked(options)
    clock = clock or SystemClock()
    started = clock.monotonic()
    connector = aiohttp.TCPConnector(limit=options.concurrency)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        sender = WebhookSender(
            url,
            session,
            clock,
            Random(options.seed),
            speed=options.speed,
            rate_per_s=options.rate_per_s,
            lost_answers=options.lost_answers,
            concurrency=options.concurrency,
            is_keeping_entries=options.count is not None,
        )
        start = datetime.fromtimestamp(clock.now(), UTC)
        if options.is_test:
            sender.happen_at_once([send_test_message()])
        sender.happen_at_once(upload_storm(options.seed, options.storm, start))
        async with anyio.create_task_group() as tasks:
            if report is not None:
                tasks.start_soon(_report, report, sender.ledger, clock)
            if stop is not None:
                tasks.start_soon(_cancel_when, stop, tasks.cancel_scope)
            every_s = 1 / options.rate_per_s
            await sender.run(
                events(options.seed, count=options.count, start=start, every_s=every_s, twins=options.twins)
            )
            tasks.cancel_scope.cancel()
    return Summary(sender.ledger, options.seed, clock.monotonic() - started)


def percentile_ms(ledger: Ledger, percent: int) -> float:
    """Within how many milliseconds that share of the answers came; 0.0 without any."""
    times = sorted(ledger.answer_times_s)
    return times[(len(times) - 1) * percent // 100] * 1000 if times else 0.0


def _failures(ledger: Ledger) -> str:
    return ", ".join(f"{how} {times}" for how, times in sorted(ledger.failures.items())) or "none"


def checked_url(text: str) -> URL:
    """The address webhooks go to.

    Raises:
        RequestError: it is none, or holds a password.
    """
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise RequestError(
            "simulate: --url is not an address to post to; write the one the daemon listens on, such as "
            "http://127.0.0.1:8080/webhooks/signups"
        )
    if url.user is not None or url.password is not None:
        raise RequestError("simulate: --url holds a user name; Action Network sends none, leave it out")
    return url


def _checked(options: WebhookOptions) -> URL:
    for name, value, least in (
        ("--rate", options.rate_per_s, 0.001),
        ("--speed", options.speed, 0.001),
        ("--count", options.count if options.count is not None else 0, 0),
        ("--storm", options.storm, 0),
        ("--concurrency", options.concurrency, 1),
    ):
        if value < least:
            raise RequestError(f"simulate: {name} is {value}; it must be at least {least}")
    return checked_url(options.url)


async def _report(report: Callable[[Ledger], None], ledger: Ledger, clock: Clock) -> None:
    while True:
        report(ledger)
        await clock.sleep(REPORT_EVERY_S)


async def _cancel_when(stop: anyio.Event, scope: anyio.CancelScope) -> None:
    await stop.wait()
    scope.cancel()
