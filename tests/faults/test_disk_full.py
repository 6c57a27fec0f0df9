"""A full disk: 503, nothing lost, and it goes on by itself when there is room again."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import aiohttp
import anyio
import pytest

from groundswell.clock import SystemClock
from groundswell.connectors.http.simulator import Fault, Receiver, serving
from tests.faults.process import Process, running
from tests.faults.traffic import Sender

PATH = "/webhooks/9f86d081884c7d659a2feaa0c55ad015"
PIPELINE = """
[sources.signups]
type = "action_network.webhook"
path = "/webhooks/9f86d081884c7d659a2feaa0c55ad015"

[sinks.crm]
type = "http"
inputs = ["signups"]
url = "{url}/records"
concurrency = 16
batch = {{ records = 50 }}
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_full_disk_refuses_loses_nothing_and_recovers(small_disk: Path) -> None:
    receiver = Receiver(SystemClock(), Random(1))
    receiver.fault = Fault(status=503)
    async with serving(receiver) as url:
        # Without the early warning of disk_free_min: SQLite itself runs into the wall.
        process = Process(small_disk, PIPELINE.format(url=url), daemon='disk_free_min = "0B"')
        sender = Sender(process.url + PATH, Random(1))
        async with running(process):
            with anyio.move_on_after(60):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(sender.run)
                    while sender.statuses[503] < 50 or await _readiness(process) != 503:
                        await anyio.sleep(0.05)
                    tasks.cancel_scope.cancel()
            assert sender.statuses[503] >= 50
            assert await _readiness(process) == 503
            subprocess.run(["mount", "-o", "remount,size=40m", str(small_disk)], check=True)
            receiver.fault = Fault()
            await sender.run(each=3)
            await process.drained()
            assert await _readiness(process) == 200
            assert await process.stop() == 0
    assert sender.ids - set(receiver.received.times) == set()
    assert process.rows("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_state_file_at_its_bound_refuses_what_comes_and_still_delivers_what_is_there(tmp_path: Path) -> None:
    receiver = Receiver(SystemClock(), Random(1))
    receiver.fault = Fault(status=503)
    async with serving(receiver) as url:
        process = Process(tmp_path, PIPELINE.format(url=url), daemon='state_max = "8MiB"')
        sender = Sender(process.url + PATH, Random(2))
        async with running(process):
            with anyio.move_on_after(60):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(sender.run)
                    while sender.statuses[503] < 50:
                        await anyio.sleep(0.05)
                    tasks.cancel_scope.cancel()
            assert sender.statuses[503] >= 50
            assert process.state.stat().st_size <= 8 * 2**20
            receiver.fault = Fault()
            await process.drained()
    assert sender.ids - set(receiver.received.times) == set()


async def _readiness(process: Process) -> int:
    """What /readyz says, once it is sure (it looks once a second)."""
    seen = []
    async with aiohttp.ClientSession() as session:
        with anyio.fail_after(10):
            while len(seen) < 3 or len(set(seen[-3:])) > 1:
                async with session.get(f"http://127.0.0.1:{process.ops}/readyz") as answer:
                    seen.append(answer.status)
                await anyio.sleep(0.5)
    return seen[-1]
