"""kill -9 while a poller reads people who change under it, over a bad network: all arrive, as they are at the end."""

from pathlib import Path
from random import Random

import anyio
import msgspec
import pytest

from groundswell.clock import SystemClock
from groundswell.connectors.action_network.polling.marks import read_marks
from groundswell.connectors.action_network.simulator.faults import FaultRates
from groundswell.connectors.action_network.simulator.server import Server, simulator
from groundswell.connectors.action_network.simulator.state.behaviour import FRIENDLIEST
from tests.faults.process import Process

PEOPLE = 10_000
KILLS = 8
LIVELY_S = 15.0
PIPELINE = """
[accounts.network]
type = "action_network"
token = "{key}"
rate = "200/s"
base_url = "{url}"

[sources.people]
type = "action_network.poll"
account = "network"
collections = ["people"]
every = "1s"
overlap = "10s"

[sinks.archive]
type = "jsonl"
inputs = ["people"]
path = "people.jsonl"
"""
BEHAVIOUR = msgspec.structs.replace(FRIENDLIEST, index_lag_s=(0.0, 5.0))
RATES = FaultRates(
    too_many=0.004, server_error=0.004, server_error_page=0.004, unavailable=0.004, dropped=0.004, answer_lost=0.004
)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_everybody_arrives_as_they_are_in_the_end_whatever_was_killed_and_lost_meanwhile(tmp_path: Path) -> None:
    random = Random(20261121)
    async with simulator(people=PEOPLE, behaviour=BEHAVIOUR, rates=RATES) as server:
        process = Process(tmp_path, PIPELINE.format(key=server.key, url=server.base_url))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_be_lively, server, random)
            for _ in range(KILLS):
                await process.start()
                await anyio.sleep(random.uniform(1.0, 4.0))
                process.kill()
        await process.start()
        await _polled(process, until=SystemClock().now())
        await process.drained()
        assert await process.stop() == 0
        everybody = [server.world.people.now.get(number) for number in range(server.world.people.count)]
        wanted = {
            person.uuid: str(server.control.person(person.uuid)["modified_date"])
            for person in everybody
            if person is not None
        }

    found: dict[str, str] = {}
    ids: list[str] = []
    for line in (tmp_path / "people.jsonl").read_bytes().splitlines():
        record = msgspec.json.decode(line)
        ids.append(record["id"])
        uuid = record["person"]["ids"]["action_network"]
        found[uuid] = max(record["occurred_at"], found.get(uuid, ""))
    accepted = process.rows("SELECT count(*), count(DISTINCT id) FROM inbox")[0]
    assert accepted[0] == accepted[1]
    assert found == wanted
    assert len(wanted) > PEOPLE
    assert process.rows("SELECT count(*) FROM dead_letters") == [(0,)]
    # A kill may repeat what was delivered and not settled: at most a batch each time.
    assert len(ids) - len(set(ids)) <= KILLS * 500


async def _be_lively(server: Server, random: Random) -> None:
    began = anyio.current_time()
    while anyio.current_time() < began + LIVELY_S:
        server.control.edit_some(random.randrange(8))
        server.control.add_people(random.randrange(3))
        server.control.reorder(random.randrange(20))
        await anyio.sleep(0.1)


async def _polled(process: Process, until: float) -> None:
    """Return once everything that was changed before this moment has been read."""
    with anyio.fail_after(180):
        while True:
            rows = process.rows("SELECT cursor FROM cursors WHERE source = 'people'")
            marks = read_marks(str(rows[0][0])) if rows else None
            if marks is not None and (marks.mark("people").to or 0) > until:
                return
            await anyio.sleep(0.2)
