"""kill -9 while an account is being connected or disconnected: afterwards it is one or the other, whole."""

from pathlib import Path
from random import Random

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
    async with simulator(people=1) as server:
        process = Process(tmp_path, PIPELINE.format(url=server.base_url))
        values = msgspec.json.encode({"account": "net", "values": {"token": server.key}})
        connected = False
        for _ in range(KILLS):
            await process.start()
            asked, answered = ("/api/disconnect", b'{"account": "net"}') if connected else ("/api/connect", values), []
            path, body = asked

            async def ask(path: str = path, body: bytes = body, answered: list[bool] = answered) -> None:
                done = await anyio.to_thread.run_sync(process.post, path, body)
                answered.append(done)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                await anyio.sleep(random.choice((0.02, 0.3, 0.6, 1.2)))
                process.kill()
            await process.start()
            (account,) = msgspec.json.decode(process.cli("accounts", "--json").stdout)["accounts"]
            assert (account["state"], "no credentials yet" in str(account["to_do"])) in (
                ("connected", False),
                ("not_connected", not connected),
                ("not_connected", False),
            ), account
            if answered == [True]:
                assert (account["state"] == "connected") is not connected
            connected = account["state"] == "connected"
            seen.add(connected)
            process.kill()
        assert seen == {True, False}
