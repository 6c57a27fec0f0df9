"""`groundswell simulate actblue`: the simulator on its own."""

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
from groundswell.connectors.actblue.simulator.csv_api import CLIENT, SECRET
from groundswell.connectors.actblue.simulator.sender import Pace, Target
from groundswell.connectors.actblue.simulator.server import Server
from groundswell.connectors.actblue.simulator.serving import ServeOptions, progress, serve
from groundswell.errors import RequestError
from tests.conftest import Eventually
from tests.connectors.actblue.receiving import receiving

BACKWARDS = b'{"csv_type": "paid_contributions", "date_range_start": "2026-02-01", "date_range_end": "2026-01-01"}'


async def ask(url: str) -> int:
    """The trick by which credentials are tried out: a range that ends before it begins."""
    headers = {"Authorization": aiohttp.encode_basic_auth(CLIENT, SECRET)}
    async with aiohttp.ClientSession(headers=headers) as session, session.post(f"{url}/csvs", data=BACKWARDS) as answer:
        return answer.status


class Serving:
    """`serve`, started in a task group of the test."""

    def __init__(self, options: ServeOptions) -> None:
        self.options = options
        self.said: list[str] = []
        self.servers: list[Server] = []
        self.summary: list[str] = []
        self.stop = anyio.Event()

    async def run(self) -> None:
        self.summary = await serve(self.options, announce=self.said.append, report=self.servers.append, stop=self.stop)


async def test_it_says_where_it_is_and_how_to_log_in_and_at_the_end_what_came(eventually: Eventually) -> None:
    serving = Serving(ServeOptions(port=0, gifts=50, behaviour={"polls": "7", "columns": "older"}))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serving.run)
        await eventually(lambda: bool(serving.servers))
        (server, *_) = serving.servers
        assert serving.said[0] == f"ActBlue's CSV API at {server.base_url}; client {CLIENT}, secret {SECRET}"
        assert f"${server.ledger.totals().paid}" in serving.said[1]
        assert (server.api.behaviour.polls, server.api.behaviour.columns) == (7, "older")
        assert [await ask(server.base_url) for _ in range(2)] == [422, 422]
        assert progress(server) == "2 calls  0 refused  0 downloads"
        serving.stop.set()
    assert serving.summary == ["2 calls, 0 refused, 0 with a wrong login, at most 2 in one minute"]


async def test_it_sends_while_it_serves_and_goes_on_serving(eventually: Eventually) -> None:
    async with receiving() as receiver:
        options = ServeOptions(
            port=0, gifts=60, webhooks=Target.all_at(receiver.url), behaviour={"numbers": "1"}, declined=True,
            faults={"webhook_lost": "0.1"},
        )  # fmt: skip
        serving = Serving(options)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serving.run)
            await eventually(lambda: any("sent all" in line for line in serving.said))
            (server, *_) = serving.servers
            assert server.sender is not None
            assert len(receiver.raw) == len(server.sender.answers.acknowledged)
            assert all(isinstance(item["amount"], float) for body in receiver.bodies for item in body["lineitems"])
            assert await ask(server.base_url) == 422
            assert f"{len(receiver.raw)} of" in progress(server)
            async with aiohttp.ClientSession() as session, session.get(f"{server.root}/_simulator/counts") as counts:
                assert (await counts.json())["webhooks"]["by_status"] == {"200": len(receiver.raw)}
            serving.stop.set()
    assert f"{len(receiver.raw)} acknowledged, 0 given up" in serving.summary[1]
    assert f"answers: 200 {len(receiver.raw)}; half within" in serving.summary[2]


async def test_without_a_port_it_sends_and_ends() -> None:
    async with receiving() as receiver:
        target = Target(refunds=receiver.url)
        summary = await serve(ServeOptions(port=None, gifts=2_000, webhooks=target, managed_forms=False))
    assert receiver.raw
    assert all("refundedAt" in body["lineitems"][0] for body in receiver.bodies)
    assert f"{len(receiver.raw)} acknowledged" in summary[0]


async def test_stopped_before_the_end_it_says_how_much_was_not_sent(eventually: Eventually) -> None:
    async with receiving() as receiver:
        receiver.answer = receiver.never
        serving = Serving(ServeOptions(port=None, gifts=50, webhooks=Target.all_at(receiver.url)))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serving.run)
            await eventually(lambda: bool(receiver.raw))
            serving.stop.set()
        assert re.search(r"0 acknowledged, 0 given up, 0 lost on purpose, [1-9]\d* not sent yet", serving.summary[0])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gifts": -1}, "gifts is -1"),
        ({"days": 0}, "--days is 0"),
        ({"client": "a:b"}, "--client must be"),
        ({"webhooks": Target.all_at("nonsense")}, "an address to send to is none"),
        ({"webhooks": Target.all_at("http://host/"), "pace": Pace(speed=0)}, "speed is 0"),
        ({"behaviour": {"pols": "4"}}, "polls, build_s"),
        ({"behaviour": {"pols": "4"}}, "two_key_employer"),
        ({"behaviour": {"together": "perhaps"}}, "Expected `bool`"),
        ({"faults": {"webhook_lots": "1"}}, "webhook_lost"),
    ],
)
async def test_an_option_that_makes_no_sense_says_which_and_what_there_is(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match="simulate: ") as caught:
        await serve(ServeOptions(**{"port": 0, "gifts": 0, **changes}))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--port", "0", "--behave", "polls"],
        ["--port", "0", "--rate", "fast"],
        ["--port", "0", "--rate", "0"],
        ["--port", "0", "--retries", "soon"],
        ["--port", "0", "--fail", "x=1"],
        ["--port", "0", "--gifts", "many"],
        ["--url", "nowhere"],
    ],
)
def test_wrong_usage_exits_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(application(), ["simulate", "actblue", *arguments]).exit_code == 2


def test_its_help_has_examples() -> None:
    result = CliRunner().invoke(application(), ["simulate", "actblue", "--help"])
    assert result.exit_code == 0
    assert "groundswell simulate actblue --port 8097" in result.stdout


def test_a_port_that_is_taken_exits_1_and_says_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        arguments = ["simulate", "actblue", "--gifts", "0", "--port", str(taken.getsockname()[1])]
        result = CliRunner().invoke(application(), arguments)
    assert result.exit_code == 1
    assert "choose another --port" in result.stderr


async def test_the_process_serves_and_sends_until_it_is_interrupted() -> None:
    code = "from groundswell.cli.main import main; main()"
    async with receiving() as receiver:
        command = [sys.executable, "-c", code, "simulate", "actblue", "--port", "0", "--url", receiver.url]
        command += ["--gifts", "40", "--rate", "1000", "--retries", "0,0", "--declined", "--fail", "webhook_twice=1"]
        async with await anyio.open_process(command, stderr=None) as process:
            assert process.stdout is not None
            read = b""
            while b"sent all" not in read:
                read += await process.stdout.receive()
            url = re.search(rb"http://\S+/api/v1", read)
            assert url is not None
            assert await ask(url[0].decode()) == 422
            process.send_signal(signal.SIGINT)
            rest = b"".join([chunk async for chunk in process.stdout])
    assert process.returncode == 0
    assert b"1 calls, 0 refused" in rest
    assert len(receiver.raw) == 2 * len(set(receiver.raw)) > 0
    assert f"{len(receiver.raw) // 2} acknowledged, 0 given up".encode() in rest
    assert b"p%3Aw" not in read + rest
