"""A source that cannot read is seen to fail for as long as it does, by whoever watches, and not for longer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import pytest
from aiohttp import web

from groundswell.ops.messages import ComponentStatus, Nothing
from groundswell.ops.operations import STATUS
from groundswell.ops.status import FAILING_S
from groundswell.runtime.daemon import Daemon
from groundswell.runtime.retry import LONGEST_WAIT_S, UNAUTHORIZED_PROBE_S
from tests.in_step import SkippingClock
from tests.pipelines.ops_pipeline import ask
from tests.running import FREE_PORTS, running, until
from tests.unit.test_notify import served

NOBODY = {"total_pages": 1, "per_page": 25, "page": 1, "_embedded": {"osdi:people": []}}
PIPELINE = (
    FREE_PORTS
    + """
[accounts.network]
type = "action_network"
token = "key"
rate = "1000/s"
timeout = "50ms"
base_url = "URL"
[sources.people]
type = "action_network.poll"
account = "network"
every = "1m"
[sinks.file]
type = "jsonl"
inputs = ["people"]
path = "out.jsonl"
"""
)


class Vendor:
    """Takes every call. Answers none while it `hangs`; then with `status`."""

    def __init__(self) -> None:
        self.hangs = True
        self.status = 200
        self.calls = 0

    async def answer(self, _: web.Request) -> web.Response:
        self.calls += 1
        if self.hangs:
            await anyio.sleep_forever()
        return web.json_response(NOBODY if self.status == 200 else {"error": "no"}, status=self.status)


@asynccontextmanager
async def vendor() -> AsyncIterator[tuple[Vendor, str]]:
    made = Vendor()
    application = web.Application()
    application.router.add_get("/{path:.*}", made.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield made, f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def failures(daemon: Daemon) -> int:
    found = [metric for metric in daemon.metrics.registry.collect() if metric.name == "groundswell_source_failures"]
    return int(sum(sample.value for metric in found for sample in metric.samples))


def failing_s(daemon: Daemon) -> float:
    (value,) = [value for name, _, value in daemon.supervisor.samples() if name == "groundswell_source_failing_seconds"]
    return value


async def people(directory: Path) -> ComponentStatus:
    status = await ask(directory, STATUS, Nothing())
    return next(one for one in status.components if one.name == "people")


async def fail_on(daemon: Daemon, clock: SkippingClock, wait_s: float, times: int) -> set[str]:
    """Let it fail so many times more; the states it was in meanwhile."""
    seen: set[str] = set()

    def has_failed(before: int) -> bool:
        seen.add(daemon.supervisor.states()["people"])
        return failures(daemon) > before

    for _ in range(times):
        before = failures(daemon)
        clock.skip(wait_s)
        await until(partial(has_failed, before))
    return seen


async def test_a_source_whose_vendor_never_answers_fails_steadily_and_people_hear_of_it_once(tmp_path: Path) -> None:
    # It looked as if it ran whenever it was tried again, so that nothing which asks for half an hour ever told anybody.
    clock, notes = SkippingClock(), []

    async def take(request: web.Request) -> web.Response:
        notes.append((await request.json())["text"])
        return web.Response()

    async with vendor() as (other, url), served(take) as hook:
        told = f'[[ops.notify]]\ntype = "webhook"\nurl = "{hook}/hook"\nafter = "2m"\n'
        async with running(PIPELINE.replace("URL", url) + told, tmp_path, clock=clock) as daemon:
            await until(lambda: failures(daemon) == 1)
            assert (await people(tmp_path)).attention is None
            assert await fail_on(daemon, clock, LONGEST_WAIT_S, 7) == {"waiting"}
            assert failing_s(daemon) >= FAILING_S
            failing = await people(tmp_path)
            assert (failing.state, failing.attention) == (
                "waiting",
                "it has not been able to read for 35 minutes; its last error says why",
            )
            assert failing.last_error is not None
            assert "did not answer within 0.05 s" in failing.last_error
            assert await fail_on(daemon, clock, LONGEST_WAIT_S, 12) == {"waiting"}
            await until(lambda: len(notes) == 1)
            assert "people: it has not been able to read for" in notes[0]
            other.hangs = False
            clock.skip(LONGEST_WAIT_S)
            await until(lambda: daemon.supervisor.states()["people"] == "running")
            assert failing_s(daemon) == 0
            well = await people(tmp_path)
            assert (well.attention, well.last_error) == (None, None)
    assert len(notes) == 1


async def test_refused_credentials_stay_so_while_they_are_probed(tmp_path: Path) -> None:
    clock = SkippingClock()
    async with vendor() as (other, url):
        other.hangs, other.status = False, 401
        async with running(PIPELINE.replace("URL", url), tmp_path, clock=clock) as daemon:
            await until(lambda: failures(daemon) == 1)
            assert await fail_on(daemon, clock, UNAUTHORIZED_PROBE_S, 3) == {"unauthorized"}


async def test_the_first_call_that_is_not_answered_is_the_first_trouble(tmp_path: Path) -> None:
    # How many people there are was asked first, and that it got no answer was passed over: twice the time went by.
    async with vendor() as (other, url), running(PIPELINE.replace("URL", url), tmp_path) as daemon:
        await until(lambda: failures(daemon) == 1)
        assert other.calls == 1


@pytest.mark.parametrize("is_paused", [False, True])
async def test_a_source_that_reads_nothing_new_is_well_however_long(tmp_path: Path, is_paused: bool) -> None:
    clock = SkippingClock()
    async with vendor() as (other, url):
        other.hangs = False
        async with running(PIPELINE.replace("URL", url), tmp_path, clock=clock) as daemon:
            await until(lambda: other.calls > 0)
            if is_paused:
                other.hangs = True
                await until(lambda: clock.skip(60) or failures(daemon) > 0)
                await daemon.supervisor.pause("people")
            clock.skip(7_200)
            assert failing_s(daemon) == 0
            assert (await people(tmp_path)).attention is None
