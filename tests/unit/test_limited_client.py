"""Calls with a limiter, over loopback, against a server that counts what arrives."""

import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from aiohttp import web
from yarl import URL

from groundswell.clock import SystemClock
from groundswell.errors import RateLimitedError, UnavailableError
from groundswell.http.client import Client, new_session
from groundswell.http.limits import Limiter, Priority
from groundswell.settings import Rate
from tests.unit.test_http_client import answering


@asynccontextmanager
async def client(waits: list[tuple[str, float]] | None = None) -> AsyncIterator[Client]:
    async with new_session() as session:
        noted = waits.append if waits is not None else None
        yield Client(session, SystemClock(), waited=lambda *wait: noted(wait) if noted else None)


def limiter(calls: int, per_s: float) -> Limiter:
    return Limiter(Rate(calls=calls, per_s=per_s), SystemClock())


class Counting:
    """Answers 200 and remembers when each call arrived."""

    def __init__(self, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.arrivals: list[float] = []
        self.paths: list[str] = []
        self.connections: set[object] = set()
        self.status = status
        self.headers = headers

    async def handle(self, request: web.Request) -> web.Response:
        self.arrivals.append(time.monotonic())
        self.paths.append(request.path)
        self.connections.add(request.transport)
        return web.Response(status=self.status, headers=self.headers, body=b"{}")


async def test_no_window_of_a_real_server_sees_more_than_the_rate() -> None:
    server = Counting()
    async with answering(server.handle) as url, client() as http, anyio.create_task_group() as tasks:
        limit = limiter(5, 0.1)

        async def call() -> None:
            await http.request("GET", url, what="test", limiter=limit)

        for _ in range(60):
            tasks.start_soon(call)
    arrivals = sorted(server.arrivals)
    assert len(arrivals) == 60
    assert min(after - before for before, after in zip(arrivals, arrivals[5:], strict=False)) >= 0.1


async def test_many_who_wait_open_few_connections() -> None:
    server = Counting()
    async with answering(server.handle) as url, client() as http, anyio.create_task_group() as tasks:
        limit = limiter(4, 0.05)
        for _ in range(40):
            tasks.start_soon(_get, http, url, limit)
    assert len(server.connections) <= 8  # four that are under way, four that wait for their turn


async def test_a_live_call_passes_polls_that_hold_a_connection_already() -> None:
    server = Counting()
    async with answering(server.handle) as url, client() as http, anyio.create_task_group() as tasks:
        limit = limiter(1, 0.2)
        for number in range(4):
            tasks.start_soon(_get, http, url / f"poll{number}", limit, Priority.POLL)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(_get, http, url / "live", limit, Priority.LIVE)
    assert server.paths[0] == "/hook/live"


async def test_waiting_for_the_turn_is_counted_and_is_no_part_of_the_time_a_call_may_take() -> None:
    server, waits = Counting(), list[tuple[str, float]]()
    async with answering(server.handle) as url, client(waits) as http, anyio.create_task_group() as tasks:
        limit = limiter(1, 0.3)
        for _ in range(3):
            tasks.start_soon(_get, http, url, limit, Priority.LIVE, 0.25)
    assert len(server.arrivals) == 3
    assert {component for component, _ in waits} == {"crm"}
    assert max(wait for _, wait in waits) > 0.25


async def test_an_answer_that_does_not_come_is_given_up_after_the_time_allowed_and_keeps_its_permit_for_a_window() -> (
    None
):
    arrivals: list[float] = []

    async def silent(request: web.Request) -> web.Response:
        arrivals.append(time.monotonic())
        if len(arrivals) == 1:
            await anyio.sleep_forever()
        return web.Response()

    async with answering(silent) as url, client() as http:
        limit = limiter(1, 0.2)
        with pytest.raises(UnavailableError, match=r"did not answer within 0\.1 s"):
            await _get(http, url, limit, Priority.LIVE, 0.1)
        await _get(http, url, limit)
    assert arrivals[1] - arrivals[0] >= 0.3


async def test_429_stops_everybody_for_as_long_as_was_asked() -> None:
    server = Counting(429, {"Retry-After": "1"})
    async with answering(server.handle) as url, client() as http:
        limit = limiter(10, 0.1)
        with pytest.raises(RateLimitedError):
            await _get(http, url, limit)
        server.status = 200
        await _get(http, url, limit)
    assert server.arrivals[1] - server.arrivals[0] >= 0.99


async def test_429_without_a_time_stops_everybody_for_one_window() -> None:
    server = Counting(429)
    async with answering(server.handle) as url, client() as http:
        limit = limiter(10, 0.3)
        with pytest.raises(RateLimitedError):
            await _get(http, url, limit)
        server.status = 200
        await _get(http, url, limit)
    assert server.arrivals[1] - server.arrivals[0] >= 0.29


async def test_a_connection_that_broke_while_it_waited_costs_a_permit_of_its_own() -> None:
    """aiohttp sends an idempotent call once more when the connection it reused turns out to be closed."""
    arrivals: list[float] = []

    async def handler(request: web.Request) -> web.Response:
        arrivals.append(time.monotonic())
        if len(arrivals) == 2:
            assert request.transport is not None
            request.transport.abort()
        return web.Response()

    async with answering(handler) as url, client() as http:
        limit = limiter(1, 0.15)
        await _get(http, url, limit)
        await _get(http, url, limit)
    assert len(arrivals) == 3
    assert min(after - before for before, after in itertools.pairwise(arrivals)) >= 0.15


async def test_whoever_stops_waiting_leaves_everything_as_it_was() -> None:
    server = Counting()
    async with answering(server.handle) as url, client() as http:
        limit = limiter(1, 0.2)
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(_get, http, url, limit)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        assert server.arrivals == []
        await _get(http, url, limit)
    assert len(server.arrivals) == 1
    assert limit.waiting == 0


async def _get(
    http: Client, url: URL, limit: Limiter, priority: Priority = Priority.LIVE, timeout_s: float = 10.0
) -> None:
    await http.request(
        "GET", url, what="crm: test", limiter=limit, priority=priority, component="crm", timeout_s=timeout_s
    )
