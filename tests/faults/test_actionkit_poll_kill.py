"""kill -9 while a poller reads ActionKit users who change under it, over a bad network: all arrive, as they end up."""

from pathlib import Path
from random import Random
from typing import Any

import anyio
import msgspec
import pytest

from groundswell.clock import SystemClock
from groundswell.connectors.actionkit.polling.marks import read_marks
from groundswell.connectors.actionkit.simulator.faults import FaultRates
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from tests.faults.process import Process

USERS = 3000
KILLS = 6
LIVELY_S = 12.0
PIPELINE = """
[accounts.crm]
type = "actionkit"
host = "{host}"
username = "{user}"
password = "{password}"
rate = "100/s"

[sources.users]
type = "actionkit.poll"
account = "crm"
collections = ["users"]
every = "1s"
overlap = "10s"

[sinks.archive]
type = "jsonl"
inputs = ["users"]
path = "users.jsonl"
"""
RATES = FaultRates(too_many=0.005, server_error=0.005, server_error_page=0.005, unavailable=0.005, dropped=0.005)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_every_user_arrives_as_they_are_in_the_end_whatever_was_killed_and_lost_meanwhile(tmp_path: Path) -> None:
    random = Random(20261121)
    async with simulator(users=USERS, rates=RATES) as server:
        text = PIPELINE.format(host=server.root, user=server.user, password=server.password)
        process = Process(tmp_path, text)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_be_lively, server)
            for _ in range(KILLS):
                await process.start()
                await anyio.sleep(random.uniform(1.0, 4.0))
                process.kill()
        await process.start()
        await _polled(process, until=SystemClock().now())
        await process.drained()
        assert await process.stop() == 0
        wanted = {str(number): _told(server, number) for number in server.control.user_ids}

    found: dict[str, tuple[Any, ...]] = {}
    for line in (tmp_path / "users.jsonl").read_bytes().splitlines():
        person = msgspec.json.decode(line)["person"]
        custom = person.get("custom", {})
        found[person["ids"]["actionkit"]] = (
            person["email"],
            person["first_name"] or "",
            person["last_name"] or "",
            custom.get("favorite_color", ""),
            _sorted(custom.get("mobile_phone", [])),
        )
    assert found == wanted
    accepted = process.rows("SELECT count(*), count(DISTINCT id) FROM inbox")[0]
    assert accepted[0] == accepted[1]
    assert process.rows("SELECT count(*) FROM dead_letters") == [(0,)]


def _told(server: Server, number: int) -> tuple[Any, ...]:
    user = server.control.user(number)
    phones = server.control.rows("SELECT phone FROM core_phone WHERE user_id = ? AND type = 'mobile'", number)
    return (
        user["email"],
        user["first_name"],
        user["last_name"],
        user["fields"].get("favorite_color", ""),
        sorted(row["phone"] for row in phones),
    )


def _sorted(phones: Any) -> list[str]:
    return sorted([phones] if isinstance(phones, str) else phones)


async def _be_lively(server: Server) -> None:
    with anyio.move_on_after(LIVELY_S):
        while True:
            server.control.happen(2)
            await anyio.sleep(0.05)


async def _polled(process: Process, until: float) -> None:
    """Return once everything that changed before this moment was taken."""
    with anyio.fail_after(120):
        while True:
            rows = process.rows("SELECT cursor FROM cursors WHERE source = 'users'")
            marks = read_marks(str(rows[0][0])) if rows else None
            if marks is not None and (marks.mark("user").to or 0) > until and marks.mark("user").goal is None:
                return
            await anyio.sleep(0.2)
