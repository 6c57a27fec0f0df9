"""kill -9 at random moments while a source fetches a time again: it goes on each time, loses nothing, ends once."""

import os
from pathlib import Path
from random import Random

import anyio
import msgspec
import pytest

from groundswell.clock import SystemClock
from groundswell.connectors.action_network.simulator.faults import FaultRates
from groundswell.connectors.action_network.simulator.server import simulator
from groundswell.connectors.action_network.simulator.state.behaviour import FRIENDLIEST
from groundswell.connectors.http.simulator import Receiver, serving
from tests.faults.process import Process
from tests.faults.slow_source import PER_PAGE

KILLS = 10
PAGES = 1_000
PIPELINE = f"""
[sources.people]
type = "slow"
pages = {PAGES}

[sinks.crm]
type = "http"
inputs = ["people"]
url = "URL/records"
batch = {{ records = 50 }}
"""
ROOT = Path(__file__).parents[2]


def brought(process: Process) -> int:
    """Records of the backfill that are on disk."""
    ((count,),) = process.rows("SELECT accepted FROM backfills")
    assert isinstance(count, int)
    return count


async def brings(process: Process, records: int) -> None:
    """Return once so many are on disk."""
    with anyio.fail_after(60):
        while brought(process) < records:
            await anyio.sleep(0.01)


async def ended(process: Process) -> None:
    with anyio.fail_after(100):
        while process.rows("SELECT 1 FROM backfills WHERE state = 'running'"):
            await anyio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("seed", [20261121])
async def test_a_backfill_that_is_killed_again_and_again_brings_everything(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    receiver = Receiver(SystemClock(), Random(seed))
    environ = {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    seen = [0]
    async with serving(receiver) as url:
        pipeline = PIPELINE.replace("URL", url)
        process = Process(tmp_path, pipeline, environ=environ, module="tests.faults.slow_source")
        await process.start()
        asked = await anyio.to_thread.run_sync(process.cli, "backfill", "people", "--since", "3d")
        assert asked.returncode == 0, asked.stderr
        for _ in range(KILLS):
            await anyio.sleep(random.uniform(0.05, 0.5))
            process.kill()
            seen.append(brought(process))
            await process.start()
        assert process.rows("SELECT 1 FROM backfills WHERE state = 'running'"), f"seed {seed}: it was done too soon"
        await ended(process)
        assert await process.stop() == 0
        await process.start()
        await process.drained()
        assert await process.stop() == 0

    past = {f"past-{number}" for number in range(PAGES * PER_PAGE)}
    received = {record_id for record_id in receiver.received.times if record_id.startswith("past-")}
    assert past - received == set(), f"seed {seed}: never delivered"
    assert received - past == set()
    assert process.rows("SELECT state, accepted FROM backfills") == [("finished", len(past))]
    ((records,),) = process.rows("SELECT records FROM backfills")
    assert isinstance(records, int)
    # What a kill made it bring once more is the first half of a page at most.
    assert len(past) <= records <= len(past) + (KILLS + 1) * PER_PAGE // 2
    assert seen == sorted(seen), f"seed {seed}: it began anew"
    assert len(set(seen)) > KILLS // 2, f"seed {seed}: hardly anything came between the kills"
    # The last ones may have come while it stopped: they wait in the file.
    there = {*receiver.received.times, *(str(record_id) for (record_id,) in process.rows(WAITING))}
    live = [one for one in there if one.startswith("live-")]
    assert len(live) == int(str(process.rows("SELECT cursor FROM cursors")[0][0])), "the source's own cursor"
    assert process.rows("SELECT count(*) FROM dead_letters") == [(0,)]


WAITING = (
    "SELECT inbox.id FROM inbox, progress WHERE name = 'processor' AND inbox.seq > progress.seq "
    "UNION SELECT inbox.id FROM outbox JOIN inbox ON inbox_seq = inbox.seq"
)
GIFTS = 200
"""Pages."""
DELIVERED = (
    "SELECT inbox.id, count(*) FROM deliveries JOIN inbox ON inbox_seq = inbox.seq "
    "WHERE outcome = 'delivered' AND inbox.id LIKE 'gift-%' GROUP BY 1"
)


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_gifts_go_out_once_and_once_more_when_sent_again_however_often_it_is_killed(tmp_path: Path) -> None:
    random = Random(20261121)
    receiver = Receiver(SystemClock(), Random(1))
    environ = {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    past = {f"gift-{number}" for number in range(GIFTS * PER_PAGE)}
    async with serving(receiver) as url:
        pipeline = PIPELINE.replace("URL", url).replace(f"pages = {PAGES}", f'pages = {GIFTS}\nkind = "donation"')
        process = Process(tmp_path, pipeline, environ=environ, module="tests.faults.slow_source")
        for mode in ("--unsent", "--resend", "--unsent", "--resend"):
            await process.start()
            asked = await anyio.to_thread.run_sync(process.cli, "backfill", "people", "--all", mode)
            assert asked.returncode == 0, asked.stderr
            for kills in range(3):
                await anyio.sleep(random.uniform(0.05, 0.2))
                process.kill()
                assert kills or process.rows("SELECT 1 FROM backfills WHERE state = 'running'"), "it was done too soon"
                await process.start()
            await ended(process)
            await process.drained()
            assert await process.stop() == 0

    # By the log: what was under way at a kill goes out again, since nobody knows whether it had arrived.
    assert dict(process.rows(DELIVERED)) == dict.fromkeys(past, 3)
    assert past == {record_id for record_id in receiver.received.times if record_id.startswith("gift-")}
    counts = process.rows("SELECT resends, accepted, sent FROM backfills ORDER BY id")
    assert counts == [(0, len(past), len(past)), (1, 0, len(past)), (0, 0, 0), (1, 0, len(past))]
    assert process.rows("SELECT count(*) FROM brought UNION ALL SELECT count(*) FROM resent") == [(0,), (0,)]


PEOPLE = 4_000
POLL = """
[accounts.network]
type = "action_network"
token = "KEY"
rate = "50/s"
base_url = "URL"

[sources.people]
type = "action_network.poll"
account = "network"
since = "2026-10-01"

[sinks.archive]
type = "jsonl"
inputs = ["people"]
path = "people.jsonl"
"""
"""Its own running finds nobody: all that is simulated was changed before."""
RATES = FaultRates(too_many=0.01, server_error_page=0.01, unavailable=0.01, dropped=0.01)


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_a_poller_that_is_killed_while_it_fetches_again_brings_everybody_over_a_bad_network(
    tmp_path: Path,
) -> None:
    random = Random(20261121)
    seen = [0]
    async with simulator(people=PEOPLE, behaviour=FRIENDLIEST, rates=RATES) as server:
        process = Process(tmp_path, POLL.replace("KEY", server.key).replace("URL", server.base_url))
        await process.start()
        span = ("--since", "2010-01-01", "--until", "2026-10-01")
        asked = await anyio.to_thread.run_sync(process.cli, "backfill", "people", *span)
        assert asked.returncode == 0, asked.stderr
        for _ in range(4):
            await brings(process, seen[-1] + random.randrange(300, 700))
            process.kill()
            seen.append(brought(process))
            await process.start()
        await ended(process)
        await process.drained()
        assert await process.stop() == 0
        everybody = [server.world.people.now.get(number) for number in range(server.world.people.count)]
        wanted = {person.uuid for person in everybody if person is not None}

    assert len(wanted) == PEOPLE
    ids = [msgspec.json.decode(line)["id"] for line in (tmp_path / "people.jsonl").read_bytes().splitlines()]
    assert {one.removeprefix("action_network:person/").partition("@")[0] for one in ids} == wanted
    assert process.rows("SELECT state, accepted FROM backfills") == [("finished", PEOPLE)]
    assert process.rows("SELECT count(*) FROM inbox") == [(PEOPLE,)]
    assert seen[-1] < PEOPLE, "it was done too soon"
