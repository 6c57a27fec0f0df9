"""With a step stopped, memory holds exactly what the bounds say, and the rest waits on disk."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from aiohttp import web

from groundswell.component import Arrival
from groundswell.runtime.daemon import Daemon
from groundswell.runtime.delivery import WINDOW_RECORDS_MIN
from groundswell.store.inbox import Accept
from tests.running import FREE_PORTS, running, until

NOW = 1_777_719_609_000
QUEUE = 300
BATCH = 5
CONCURRENCY = 2
WINDOW = max(WINDOW_RECORDS_MIN, 2 * CONCURRENCY * BATCH)
"""How far a sink looks ahead, those at the sink included."""


class Receiver:
    """An HTTP endpoint that answers only when it is let."""

    def __init__(self) -> None:
        self.is_open = anyio.Event()
        self.got: list[int] = []
        """Records in each request, in order of arrival."""
        self.url = ""

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.got.append(int(request.headers["Groundswell-Records"]))
        await request.read()
        await self.is_open.wait()
        return web.Response()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    runner = web.ServerRunner(web.Server(receiver.answer), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield receiver
    finally:
        receiver.is_open.set()
        await runner.cleanup()


def pipeline(url: str, *, queue_bytes_max: str = "8MiB") -> str:
    return f"""
        [daemon]
        queue_records_max = {QUEUE}
        queue_bytes_max = "{queue_bytes_max}"
        drain = "1s"
        {FREE_PORTS}
        [sources.signups]
        type = "http.webhook"
        auth = "none"
        format = "record"
        [sinks.crm]
        type = "http"
        inputs = ["signups"]
        url = "{url}"
        concurrency = {CONCURRENCY}
        batch = {{ records = {BATCH} }}
    """


def arrivals(first: int, count: int, padding: int = 0) -> list[Arrival]:
    raw = b'{"id":"r/%d","kind":"action","source":"s","action":{"source_code":"%s"}}'
    return [Arrival(f"r/{n}", raw % (n, b"x" * (padding or 1))) for n in range(first, first + count)]


async def accept(daemon: Daemon, count: int, *, first: int = 0, padding: int = 0) -> None:
    for start in range(first, first + count, 100):
        await daemon.store.accept(
            Accept("signups", NOW, arrivals(start, min(100, first + count - start), padding=padding))
        )


async def all_processed(daemon: Daemon, count: int) -> None:
    await until(lambda: daemon.supervisor.sinks["crm"].waiting == count, deadline_s=100)


def in_memory(daemon: Daemon) -> dict[str, float]:
    """The gauge groundswell_queue_records, as an operator sees it."""
    return {
        labels[0]: value for name, labels, value in daemon.supervisor.samples() if name == "groundswell_queue_records"
    }


async def test_with_the_sink_stopped_memory_holds_exactly_its_window_and_its_queue(tmp_path: Path) -> None:
    count = 5 * (QUEUE + WINDOW)
    async with receiving() as receiver, running(pipeline(receiver.url), tmp_path) as daemon:
        await accept(daemon, count)
        await all_processed(daemon, count)
        assert in_memory(daemon) == {"accept": 0, "inbox": 0, "crm": QUEUE + WINDOW}
        assert receiver.got == [1] + [BATCH] * (CONCURRENCY - 1) or receiver.got == [BATCH] * CONCURRENCY
        assert (await daemon.store.backlogs())["crm"].records == count

        receiver.is_open.set()
        await all_processed(daemon, 0)
        assert sum(receiver.got) == count
        assert in_memory(daemon) == {"accept": 0, "inbox": 0, "crm": 0}


async def test_after_a_restart_memory_holds_exactly_the_window(tmp_path: Path) -> None:
    count = 3 * (QUEUE + WINDOW)
    async with receiving() as receiver:
        async with running(pipeline(receiver.url), tmp_path) as daemon:
            await daemon.supervisor.pause("crm")
            await accept(daemon, count)
            await all_processed(daemon, count)
        async with running(pipeline(receiver.url), tmp_path) as daemon:
            sink = daemon.supervisor.sinks["crm"]
            await until(lambda: sink.lanes.records == WINDOW)
            assert in_memory(daemon) == {"accept": 0, "inbox": 0, "crm": WINDOW}
            assert sink.waiting == count
            receiver.is_open.set()
            await daemon.supervisor.resume("crm")
            await all_processed(daemon, 0)
        assert sum(receiver.got) == count


async def test_with_processing_stopped_the_inbox_holds_exactly_its_queue(tmp_path: Path) -> None:
    async with receiving() as receiver, running(pipeline(receiver.url), tmp_path) as daemon:
        receiver.is_open.set()
        async with daemon.supervisor.processor.lock:
            await accept(daemon, 4 * QUEUE)
            assert in_memory(daemon) == {"accept": 0, "inbox": QUEUE, "crm": 0}
            assert (await daemon.store.inbox_waiting())[0] == 4 * QUEUE
        await until(lambda: sum(receiver.got) == 4 * QUEUE)
        await all_processed(daemon, 0)


async def test_large_records_are_bounded_by_bytes(tmp_path: Path) -> None:
    size, queue_bytes = 100_000, 2**20
    config = pipeline("http://127.0.0.1:9/", queue_bytes_max="1MiB")
    async with running(config, tmp_path) as daemon:
        await daemon.supervisor.pause("crm")
        for first in range(0, 100, 10):
            await accept(daemon, 10, first=first, padding=size)
        await all_processed(daemon, 100)
        sink = daemon.supervisor.sinks["crm"]
        body = sink.lanes.bytes // sink.lanes.records
        fits, window = (
            queue_bytes // body,
            queue_bytes // body + 1,
        )  # the window takes the one that passes its bound too
        assert (len(sink.tail), sink.lanes.records) == (fits, window)
        assert daemon.supervisor.inbox.bytes == 0


def resident_mb() -> float:
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_memory_stays_flat_while_200_000_wait_on_disk(tmp_path: Path) -> None:
    config = pipeline("http://127.0.0.1:9/")
    used: list[float] = []
    async with running(config, tmp_path) as daemon:
        await daemon.supervisor.pause("crm")
        for first in range(0, 200_000, 20_000):
            await accept(daemon, 20_000, first=first, padding=300)
            await all_processed(daemon, first + 20_000)
            used.append(resident_mb())
            assert in_memory(daemon)["crm"] == QUEUE + WINDOW
    async with running(config, tmp_path) as daemon:
        await until(lambda: daemon.supervisor.sinks["crm"].lanes.records == WINDOW)
        assert daemon.supervisor.sinks["crm"].waiting == 200_000
        used.append(resident_mb())
    # The first 40,000 warm it up: SQLite's cache, Python's arenas. The other 160,000 would be 100 MB and more.
    assert max(used[2:]) - used[1] < 8, used
