"""kill -9 at random moments, many times: what was answered 200 arrives, in order, and twice only where it must."""

from pathlib import Path
from random import Random

import anyio
import msgspec
import pytest

from groundswell.clock import SystemClock
from groundswell.connectors.http.simulator import Fault, Receiver, serving
from tests.faults.process import Process
from tests.faults.traffic import Sender

KILLS = 50
CONCURRENCY = 8
PIPELINE = """
[sources.signups]
type = "action_network.webhook"
path = "/webhooks/9f86d081884c7d659a2feaa0c55ad015"

[transforms.phone]
type = "normalise_phone"
inputs = ["signups"]

[sinks.crm]
type = "http"
inputs = ["phone"]
url = "{url}/records"
concurrency = 8

[sinks.archive]
type = "jsonl"
inputs = ["phone"]
path = "out/records.jsonl"
"""


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [20261120])
async def test_fifty_kills_under_load_lose_nothing_and_repeat_only_what_was_under_way(
    seed: int, tmp_path: Path
) -> None:
    random = Random(seed)
    receiver = Receiver(SystemClock(), Random(seed))
    receiver.fail(0.02, Fault(status=503))
    unsettled: set[str] = set()
    async with serving(receiver) as url:
        process = Process(tmp_path, PIPELINE.format(url=url))
        sender = Sender(f"{process.url}/webhooks/9f86d081884c7d659a2feaa0c55ad015", random)
        for _ in range(KILLS):
            await process.start()
            with anyio.move_on_after(random.uniform(0.02, 0.6)):
                await sender.run()
            process.kill()
            unsettled |= _unsettled(process)
        await process.start()
        await process.drained()
        assert await process.stop() == 0

    assert len(sender.ids) > 20 * KILLS, f"seed {seed}: hardly anything was sent"
    received = receiver.received
    assert sender.ids - set(received.times) == set(), f"seed {seed}: answered 200 and lost"
    repeated = {record_id for record_id, times in received.times.items() if times > 1}
    assert repeated <= unsettled, f"seed {seed}: sent again although its delivery was on disk"
    assert len(repeated) <= KILLS * CONCURRENCY, f"seed {seed}: more sent again than can have been under way"
    assert received.key_problems == 0
    _assert_in_order(sender, received.order)
    archived = [msgspec.json.decode(line)["id"] for line in (tmp_path / "out/records.jsonl").read_bytes().splitlines()]
    assert sender.ids - set(archived) == set()
    assert process.rows("SELECT count(*) FROM dead_letters") == [(0,)]
    assert process.rows("PRAGMA integrity_check") == [("ok",)]


def _unsettled(process: Process) -> set[str]:
    """Deliveries to the receiver whose outcome was not on disk when the process died."""
    return {str(row[0]) for row in process.rows("SELECT record_id FROM outbox WHERE sink = 'crm'")}


def _assert_in_order(sender: Sender, order: dict[str, list[str]]) -> None:
    """Of each person, what arrived for the first time arrived in the order in which it was sent."""
    for person, sent in sender.accepted.items():
        arrived = list(dict.fromkeys(order[f"p{person}@example.org"]))
        accepted = set(sent)
        assert [one for one in arrived if one in accepted] == sent
