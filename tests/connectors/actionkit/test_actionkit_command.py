"""`groundswell simulate actionkit`: the simulator on its own."""

import re
import signal
import socket
import sys
from typing import Any

import aiohttp
import anyio
import pytest
from typer.testing import CliRunner

from groundswell.cli.main import application
from groundswell.connectors.actionkit.simulator.instance import PASSWORD, USER
from groundswell.connectors.actionkit.simulator.server import Server
from groundswell.connectors.actionkit.simulator.serving import ServeOptions, progress, serve
from groundswell.errors import RequestError
from tests.conftest import Eventually


async def call(url: str) -> int:
    headers = {"Authorization": aiohttp.encode_basic_auth(USER, PASSWORD)}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        await answer.read()
        return answer.status


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
    serving = Serving(ServeOptions(port=0, users=50, behaviour={"limit_max": "7"}, faults={"slow": "0"}))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serving.run)
        await eventually(lambda: bool(serving.servers))
        (server, *_) = serving.servers
        assert serving.greeting[0] == f"ActionKit at {server.base_url} with 50 users; log in as {USER} with {PASSWORD}"
        assert [await call(f"{server.base_url}user/") for _ in range(2)] == [200, 200]
        assert progress(server) == "2 calls  0 refused  at most 1 at once  50 users"
        serving.stop.set()
    assert serving.summary == ["2 calls, 0 refused, at most 1 at once", "most: GET user 2"]


async def test_what_happens_there_goes_on_by_itself(eventually: Eventually) -> None:
    options = ServeOptions(port=0, users=20, rate_per_s=1_000.0, count=30, url="http://a:b@127.0.0.1:1/", speed=1e6)
    serving = Serving(options)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serving.run)
        await eventually(lambda: bool(serving.servers))
        ledger = serving.servers[0].ledger
        assert ledger is not None
        await eventually(lambda: ledger.not_connected > 15 and ledger.dropped == 1)
        assert "push Not Connected, 0 of 1 answered" in progress(serving.servers[0])
        serving.stop.set()
    assert "0 answered, 0 refused for good, 1 given up" in serving.summary[-1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"users": -1}, "--users is -1"),
        ({"user": "a:b"}, "--user must be"),
        ({"url": "nonsense"}, "--url is not an address"),
        ({"url": "http://127.0.0.1/", "speed": 0.0}, "--speed is 0"),
        ({"behaviour": {"calls_per_s": "4"}}, "simultaneous, latency_s"),
        ({"behaviour": {"simultaneous": "many"}}, "Expected `int | null`"),
        ({"faults": {"unavailble": "1"}}, "unavailable"),
    ],
)
async def test_an_option_that_makes_no_sense_says_which_and_what_there_is(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match="simulate: ") as caught:
        await serve(ServeOptions(**{"port": 0, "users": 0, **changes}))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "arguments", [["--behave", "simultaneous"], ["--rate", "fast"], ["--fail", "x=1"], ["--users", "many"]]
)
def test_wrong_usage_exits_2(arguments: list[str]) -> None:
    arguments = ["simulate", "actionkit", "--port", "0", *arguments]
    assert CliRunner().invoke(application(), arguments).exit_code == 2


def test_a_port_that_is_taken_exits_1_and_says_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        arguments = ["simulate", "actionkit", "--users", "0", "--port", str(taken.getsockname()[1])]
        result = CliRunner().invoke(application(), arguments)
    assert result.exit_code == 1
    assert "choose another --port" in result.stderr


async def test_the_process_serves_a_hundred_thousand_users_until_it_is_interrupted() -> None:
    code = "from groundswell.cli.main import main; main()"
    command = [sys.executable, "-c", code, "simulate", "actionkit", "--port", "0", "--users", "100000"]
    async with await anyio.open_process(command, stderr=None) as process:
        assert process.stdout is not None
        read = b""
        while b"\n" not in read:
            read += await process.stdout.receive()
        url = re.search(rb"http://\S+/rest/v1/", read)
        assert url is not None
        assert b"100000 users" in read
        assert await call(f"{url[0].decode()}user/?_limit=100&_offset=99900&order_by=id") == 200
        process.send_signal(signal.SIGINT)
        rest = b"".join([chunk async for chunk in process.stdout])
    assert process.returncode == 0
    assert b"1 calls, 0 refused" in rest
