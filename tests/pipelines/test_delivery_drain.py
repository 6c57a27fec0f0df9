"""The end of a daemon: what is here is delivered, nothing new is taken, and it does not take longer than allowed."""

from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import anyio
import pytest

from groundswell.clock import SystemClock
from groundswell.connectors.http.simulator import Fault, Receiver, serving
from tests.running import FREE_PORTS, post, running, until

SIGNUPS = """
    [sources.signups]
    type = "http.webhook"
    auth = "none"
    id_field = "id"
"""


def pipeline(url: str, *, sources: str = SIGNUPS, drain: str = "5s", more: str = "", inputs: str = "signups") -> str:
    return f"""
    [daemon]
    drain = "{drain}"
    {FREE_PORTS}
    {sources}
    [sinks.crm]
    type = "http"
    inputs = ["{inputs}"]
    url = "{url}/crm"
    {more}
    """


@pytest.fixture
def receiver() -> Receiver:
    return Receiver(SystemClock(), Random(1))


async def test_what_was_accepted_is_delivered_before_it_ends(tmp_path: Path, receiver: Receiver) -> None:
    receiver.fault = Fault(delay_s=0.02)
    async with serving(receiver) as url:
        async with running(pipeline(url), tmp_path) as daemon:
            await post(daemon, "signups", [{"id": n} for n in range(100)])
        assert daemon.supervisor.sinks["crm"].waiting == 0
    assert set(receiver.received.times.values()) == {1}
    assert len(receiver.received.times) == 100


async def test_a_batch_that_waits_to_fill_is_delivered_before_it_ends(tmp_path: Path, receiver: Receiver) -> None:
    more = 'batch = { records = 50, wait = "1h" }'
    async with serving(receiver) as url:
        async with running(pipeline(url, more=more), tmp_path) as daemon:
            await post(daemon, "signups", {"id": 1})
            await until(lambda: daemon.supervisor.sinks["crm"].in_flight == 1)
            began = anyio.current_time()
        assert anyio.current_time() - began < 3
    assert receiver.received.times == {"signups:1": 1}


async def test_while_it_drains_webhooks_are_told_to_come_back(tmp_path: Path, receiver: Receiver) -> None:
    receiver.fault = Fault(delay_s=0.5)
    async with serving(receiver) as url, AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(running(pipeline(url), tmp_path))
        await post(daemon, "signups", {"id": 1})
        await until(lambda: receiver.received.requests == 1)
        daemon.stop()
        await until(lambda: daemon.supervisor.accept.is_draining)
        assert daemon.supervisor.not_ready() == ["stopping"]
        assert (await post(daemon, "signups", {"id": 2}))[0] == 503
    assert receiver.received.times == {"signups:1": 1}


async def test_a_running_source_stops_first_and_goes_on_at_the_next_start(tmp_path: Path, receiver: Receiver) -> None:
    # It went on reading while the daemon drained, which then never had an empty queue.
    count = 20_000
    (tmp_path / "in.jsonl").write_text("".join(f'{{"id": {n}}}\n' for n in range(count)))
    source = '[sources.file]\ntype = "jsonl"\npath = "in.jsonl"\nformat = "json"\nid_field = "id"\n'
    async with serving(receiver) as url:
        config = pipeline(url, sources=source, inputs="file", more="batch = { records = 100 }")
        async with running(config, tmp_path) as daemon:
            await until(lambda: receiver.received.records > 500)
        accepted = daemon.metrics.totals()["file"]["accepted"]
        assert accepted < count
        assert daemon.supervisor.sinks["crm"].waiting == 0
        assert receiver.received.records == accepted
        async with running(config, tmp_path) as daemon:
            await until(lambda: len(receiver.received.times) == count)
            assert daemon.metrics.totals()["file"].get("duplicates", 0) == 0
    assert receiver.received.records == count


async def test_a_sink_that_hangs_is_waited_for_as_long_as_allowed_and_no_longer(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.fault = Fault(delay_s=60)
    async with serving(receiver) as url:
        async with running(pipeline(url, drain="500ms"), tmp_path) as daemon:
            await post(daemon, "signups", {"id": 1})
            await until(lambda: receiver.received.requests == 1)
            began = anyio.current_time()
        took = anyio.current_time() - began
        assert 0.5 <= took < 4
        receiver.fault = Fault()
        async with running(pipeline(url), tmp_path):
            await until(lambda: receiver.received.times == {"signups:1": 1})


async def test_a_sink_that_is_away_is_not_waited_for(tmp_path: Path, receiver: Receiver) -> None:
    receiver.fault = Fault(status=503)
    async with serving(receiver) as url:
        async with running(pipeline(url, drain="60s"), tmp_path) as daemon:
            await post(daemon, "signups", [{"id": n} for n in range(20)])
            await until(lambda: daemon.supervisor.sinks["crm"].gate.state == "away")
            began = anyio.current_time()
        assert anyio.current_time() - began < 5
        assert daemon.supervisor.sinks["crm"].waiting == 20
