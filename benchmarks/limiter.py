"""Measure how many calls reach a strict server in any one second, and how much of the rate is used.

    python benchmarks/limiter.py                 60 seconds, everything at the same time
    python benchmarks/limiter.py --seconds 600

A server in a process of its own counts calls as they arrive, after a delay that stands for the way there, and answers
after another one for the way back; each is drawn anew for every call. Whoever calls always has calls waiting.
"""

import argparse
import asyncio
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Final

import aiohttp
import anyio
from aiohttp import web
from aiolimiter import AsyncLimiter
from yarl import URL

from groundswell.clock import SystemClock
from groundswell.http.client import Client, new_session
from groundswell.http.limits import Limiter
from groundswell.settings import Rate
from processes import free_port

CALLS: Final = 4
WAYS_MS: Final = ((0, 0), (20, 30), (10, 40), (20, 80))
SETTLED_S: Final = 3.0
"""What is counted begins after so long: every limiter has its own way of starting."""
WORKERS: Final = 16


async def serve(port: int) -> None:
    arrivals: dict[str, list[float]] = {}

    async def call(request: web.Request) -> web.Response:
        low, high = (int(request.query[name]) / 1000 for name in ("low", "high"))
        await asyncio.sleep(random.uniform(low, high))
        arrivals.setdefault(request.query["who"], []).append(time.monotonic())
        await asyncio.sleep(random.uniform(low, high))
        return web.Response()

    async def seen(request: web.Request) -> web.Response:
        return web.json_response(arrivals.get(request.query["who"], []))

    app = web.Application()
    app.add_routes([web.get("/call", call), web.get("/seen", seen)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


class Grid:
    """One call every quarter of a second, by the clock."""

    def __init__(self) -> None:
        self._next = time.monotonic()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        self._next = max(self._next + 1 / CALLS, time.monotonic())
        await asyncio.sleep(self._next - time.monotonic())
        yield


def limiters() -> dict[str, Callable[[], AbstractAsyncContextManager[None]] | None]:
    """How each is asked for a turn; None: groundswell's own, which the client asks."""
    burst, single, grid = AsyncLimiter(CALLS, 1), AsyncLimiter(1, 1 / CALLS), Grid()
    return {
        "groundswell": None,
        "aiolimiter(4, 1)": lambda: burst,
        "aiolimiter(1, 0.25)": lambda: single,
        "fixed grid": grid.turn,
    }


async def flood(who: str, url: URL, turn: Callable[[], AbstractAsyncContextManager[None]] | None) -> None:
    clock = SystemClock()
    async with new_session() as session, anyio.create_task_group() as tasks:
        client, limiter = Client(session, clock), Limiter(Rate(calls=CALLS, per_s=1.0), clock)

        async def work() -> None:
            while True:
                async with turn() if turn else nullcontext():
                    pass
                await client.request("GET", url, what=who, limiter=None if turn else limiter)

        for _ in range(WORKERS):
            tasks.start_soon(work)


async def measure(base: URL, seconds: float) -> list[tuple[str, str, int, int, float]]:
    runs = [(name, low, high, turn) for low, high in WAYS_MS for name, turn in limiters().items()]
    with anyio.move_on_after(seconds + SETTLED_S):
        async with anyio.create_task_group() as tasks:
            for name, low, high, turn in runs:
                who = f"{name} {low}-{high}"
                url = (base / "call").with_query(who=who, low=str(low), high=str(high))
                tasks.start_soon(flood, who, url, turn)
    rows = []
    async with aiohttp.ClientSession() as session:
        for name, low, high, _ in runs:
            async with session.get((base / "seen").with_query(who=f"{name} {low}-{high}")) as answer:
                arrivals = sorted(await answer.json())
            settled = [one for one in arrivals if one >= arrivals[0] + SETTLED_S]
            used = (len(settled) - 1) / (settled[-1] - settled[0]) / CALLS
            most, over = _windows(arrivals)
            rows.append((f"{low} to {high} ms", name, most, over, used * 100))
    return rows


def _windows(arrivals: list[float]) -> tuple[int, int]:
    """The most calls in any second, and how many seconds (each beginning with a call) held too many."""
    most = over = first = 0
    counts = []
    for last, one in enumerate(arrivals):
        while one - arrivals[first] >= 1.0:
            first += 1
        counts.append(last - first + 1)
    most = max(counts)
    over = sum(count > CALLS for count in counts)
    return most, over


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve))
        return
    port = free_port()
    server = subprocess.Popen([sys.executable, __file__, "--serve", str(port)])
    try:
        _wait_for(f"http://127.0.0.1:{port}/seen?who=nobody")
        rows = asyncio.run(measure(URL(f"http://127.0.0.1:{port}"), options.seconds))
    finally:
        server.terminate()
        server.wait()
    print(f"{CALLS} a second, {options.seconds:g} s\n")
    print("| each way takes | limiter | most in a second | seconds with more than 4 | used |\n|---|---|---|---|---|")
    for ways, name, most, over, used in rows:
        print(f"| {ways} | {name} | {most} | {over} | {used:.1f} % |")


def _wait_for(url: str) -> None:
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.05)


if __name__ == "__main__":
    main()
