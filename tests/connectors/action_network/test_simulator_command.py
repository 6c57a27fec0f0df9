"""`groundswell simulate action-network --port`: the simulator on its own."""

import re
import signal
import socket
import sys
from typing import Any

import aiohttp
import anyio
import pytest
from aiohttp import web
from anyio.abc import Process
from typer.testing import CliRunner

from groundswell.cli.main import application
from groundswell.connectors.action_network.simulator.network import KEY
from groundswell.connectors.action_network.simulator.server import Server
from groundswell.connectors.action_network.simulator.serving import ServeOptions, progress, serve
from groundswell.errors import RequestError
from tests.conftest import Eventually
from tests.connectors.action_network.simulated import person_of

ROSA = {"person": person_of(email="rosa@example.org")}


async def call(url: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(headers={"OSDI-API-Token": KEY}) as session,
        session.request(method, url, json=body) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


class Serving:
    """`serve`, started in a task group of the test."""

    def __init__(self, options: ServeOptions) -> None:
        self.options = options
        self.greeting: list[str] = []
        self.servers: list[Server] = []
        self.summary: list[str] = []
        self.stop = anyio.Event()

    async def run(self) -> None:
        self.summary = await serve(
            self.options, announce=self.greeting.append, report=self.servers.append, stop=self.stop
        )


async def test_it_says_where_it_is_and_at_the_end_what_came(eventually: Eventually) -> None:
    serving = Serving(ServeOptions(port=0, people=50, behaviour={"calls_per_s": "2"}, faults={"unavailable": "0"}))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serving.run)
        await eventually(lambda: bool(serving.servers))
        (server, *_) = serving.servers
        assert serving.greeting[0] == f"Action Network at {server.base_url} with 50 people; key: {KEY}"
        statuses = [(await call(f"{server.base_url}people"))[0] for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert progress(server) == "3 calls  1 refused  at most 3 in one second  50 people"
        serving.stop.set()
    assert serving.summary == [
        "3 calls, 1 refused for coming too fast, at most 3 in one second",
        "most: GET people 3",
    ]


async def test_a_silent_failure_is_explained_at_the_end(eventually: Eventually) -> None:
    serving = Serving(ServeOptions(port=0, people=0))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serving.run)
        await eventually(lambda: bool(serving.servers))
        assert await call(f"{serving.servers[0].base_url}people", "POST", {"person": {}}) == (200, {})
        serving.stop.set()
    assert serving.summary[-1] == "answered 200 and {} because of: neither an email nor a mobile number 1"


async def test_with_an_address_what_happens_there_is_sent(eventually: Eventually) -> None:
    got: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        got.append(await request.read())
        return web.json_response({})

    receiver = web.Application()
    receiver.router.add_post("/hook", take)
    runner = web.AppRunner(receiver, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        options = ServeOptions(
            port=0, people=20, url=url, speed=100_000.0, storm=4, is_test=True, rate_per_s=500.0, count=40
        )
        serving = Serving(options)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serving.run)
            await eventually(lambda: bool(serving.servers))
            server = serving.servers[0]
            await call(f"{server.base_url}people", "POST", ROSA)
            await eventually(lambda: b"rosa@example.org" in b"".join(got))
            ledger = server.ledger
            assert ledger is not None
            await eventually(lambda: ledger.messages > 6 and ledger.answered == ledger.messages)
            serving.stop.set()
    finally:
        await runner.cleanup()
    assert any(b"jsmith@mail.com" in body for body in got), "what the test button sends"
    assert re.search(r"webhooks: (\d+) messages, \1 answered 200 in time, 0 dropped", serving.summary[-1])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"people": -1}, "--people is -1"),
        ({"url": "nonsense"}, "--url is not an address"),
        ({"behaviour": {"calls_per_second": "4"}}, "calls_per_s, refused_calls_count"),
        ({"behaviour": {"calls_per_s": "many"}}, "Expected `int | null`"),
        ({"faults": {"unavailble": "1"}}, "unavailable"),
    ],
)
async def test_an_option_that_makes_no_sense_says_which_and_what_there_is(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match="simulate: ") as caught:
        await serve(ServeOptions(**{"port": 0, **changes}))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--port", "0", "--behave", "calls_per_s"],
        ["--port", "0", "--rate", "fast"],
        ["--port", "0", "--fail", "x=1"],
    ],
)
def test_wrong_usage_exits_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(application(), ["simulate", "action-network", *arguments]).exit_code == 2


def test_a_port_that_is_taken_exits_1_and_says_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(application(), ["simulate", "action-network", "--port", port])
    assert result.exit_code == 1
    assert "choose another --port" in result.stderr


async def test_the_process_serves_until_it_is_interrupted() -> None:
    code = "from groundswell.cli.main import main; main()"
    command = [sys.executable, "-c", code, "simulate", "action-network", "--port", "0", "--people", "1000000"]
    async with await anyio.open_process(command, stderr=None) as process:
        first = await _line(process)
        url = re.search(r"http://\S+", first)
        assert url is not None
        assert "1000000 people" in first
        status, page = await call(f"{url[0]}people?page=39999")
        assert (status, len(page["_embedded"]["osdi:people"])) == (200, 25)
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        rest = b"".join([chunk async for chunk in process.stdout])
    assert process.returncode == 0
    assert b"1 calls, 0 refused" in rest


async def _line(process: Process) -> str:
    assert process.stdout is not None
    read = b""
    while b"\n" not in read:
        read += await process.stdout.receive()
    return read.partition(b"\n")[0].decode()
