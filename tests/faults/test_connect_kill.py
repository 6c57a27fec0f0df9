"""kill -9 while an account is being connected or disconnected: afterwards it is one or the other, whole."""

from contextlib import AsyncExitStack, suppress
from pathlib import Path
from random import Random

import aiohttp
import anyio
import anyio.to_thread
import msgspec
import pytest

from groundswell.connectors.action_network.simulator.server import simulator
from tests.faults.process import Process

KILLS = 6
PIPELINE = """
[accounts.net]
type = "action_network"
connect = true
base_url = "{url}"
rate = "1000/s"

[sources.people]
type = "action_network.poll"
account = "net"
collections = ["people"]
every = "1h"

[sinks.file]
type = "jsonl"
inputs = ["people"]
path = "people.jsonl"
"""


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_killed_at_any_moment_an_account_is_connected_or_not_and_what_was_told_holds(tmp_path: Path) -> None:
    random, seen = Random(20261121), set()
    async with simulator(people=1) as server, AsyncExitStack() as in_the_end:
        process = Process(tmp_path, PIPELINE.format(url=server.base_url))
        in_the_end.callback(process.kill)
        is_connected = False
        for wait_s in (0.0, 2.0, 0.05, 0.0, *(random.uniform(0.0, 1.0) for _ in range(KILLS))):
            await process.start()
            told: list[bool] = []
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_change, process, server.key if not is_connected else None, told)
                await anyio.sleep(wait_s)
                process.kill()
            await process.start()
            listed = await anyio.to_thread.run_sync(process.cli, "accounts", "--json")
            (account,) = msgspec.json.decode(listed.stdout)["accounts"]
            assert account["to_do"] is None or "no credentials yet" in account["to_do"], "what is kept is whole"
            if told:
                assert (account["state"] == "connected") is not is_connected
            is_connected = account["state"] == "connected"
            seen.add(is_connected)
            tried = await anyio.to_thread.run_sync(process.cli, "connect", "net", "--try")
            assert tried.returncode == (0 if is_connected else 1), tried
            process.kill()
        assert seen == {True, False}


async def _change(process: Process, key: str | None, told: list[bool]) -> None:
    """Have the account connected with this key, or disconnected; note when that is answered."""
    token = msgspec.json.decode(process.state.with_name("groundswell.db.token").read_bytes())["token"]
    path, values = ("disconnect", {}) if key is None else ("connect", {"values": {"token": key}, "check": False})
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        with suppress(aiohttp.ClientError, OSError):
            url = f"http://127.0.0.1:{process.ops}/api/{path}"
            async with session.post(url, json={"account": "net", **values}) as answer:
                told.append(answer.status == 200)
