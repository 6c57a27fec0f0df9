"""A receiver in every kind of trouble: everything arrives in the end, once where it says so, and nobody else waits."""

from pathlib import Path
from random import Random
from signal import SIGHUP

import aiohttp
import anyio
import pytest

from groundswell.clock import SystemClock
from groundswell.connectors.http.simulator import Fault, Receiver, serving
from tests.faults.process import Process, running
from tests.faults.traffic import Sender

PATH = "/webhooks/9f86d081884c7d659a2feaa0c55ad015"
PIPELINE = """
[sources.signups]
type = "action_network.webhook"
path = "/webhooks/9f86d081884c7d659a2feaa0c55ad015"

[sinks.crm]
type = "http"
inputs = ["signups"]
url = "{url}/records"
auth = {{ type = "bearer", token = "${{CRM_TOKEN}}" }}
concurrency = 8
batch = {{ records = 5 }}

[sinks.archive]
type = "jsonl"
inputs = ["signups"]
path = "out/records.jsonl"
"""
TROUBLES = {
    "server errors": [Fault(status=500), Fault()],
    "bad gateway with a page of HTML": [Fault(status=502, is_html=True), Fault(), Fault()],
    "too many requests": [Fault(status=429, retry_after_s=0.2), Fault(), Fault(), Fault()],
    "too many requests until a date": [Fault(status=429, retry_after_s=1, retry_after_form="date"), *[Fault()] * 20],
    "too many requests without a word": [Fault(status=429), *[Fault()] * 5],
    "answers cut off": [Fault(cut=True), Fault(), Fault()],
    "slow": [Fault(delay_s=0.3), Fault()],
    "flapping": [*[Fault(status=503)] * 6, *[Fault()] * 12],
    "timeouts asked to come again": [Fault(status=408), Fault(), Fault(), Fault(status=425), Fault(), Fault()],
}


@pytest.mark.slow
@pytest.mark.timeout(90)
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_everything_arrives_through(trouble: str, tmp_path: Path) -> None:
    receiver = Receiver(SystemClock(), Random(1), token="right")
    receiver.schedule(TROUBLES[trouble])
    async with serving(receiver) as url:
        process = Process(tmp_path, PIPELINE.format(url=url), environ={"CRM_TOKEN": "right"})
        sender = Sender(process.url + PATH, Random(trouble))
        async with running(process):
            await sender.run(each=6)
            await process.drained()
            assert await process.stop() == 0
    received = receiver.received
    assert sender.ids == set(received.times)
    if trouble != "answers cut off":  # only a lost answer makes a repeat right
        assert received.records == received.distinct
    assert received.key_problems == 0
    for person, sent in sender.accepted.items():
        assert list(dict.fromkeys(received.order[f"p{person}@example.org"])) == sent
    assert process.rows("SELECT count(*) FROM dead_letters") == [(0,)]


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_a_receiver_that_is_down_costs_the_other_sink_nothing_and_is_served_when_it_comes_back(
    tmp_path: Path,
) -> None:
    receiver = Receiver(SystemClock(), Random(1))
    async with serving(receiver) as url:
        port = int(url.rpartition(":")[2])
        process = Process(tmp_path, PIPELINE.format(url=url), environ={"CRM_TOKEN": "any"})
    sender = Sender(process.url + PATH, Random(3))
    async with running(process):
        await sender.run(each=10)
        with anyio.fail_after(10):
            while _archived(tmp_path) < 160:
                await anyio.sleep(0.02)
        assert process.rows("SELECT count(*) FROM outbox WHERE sink = 'crm'") == [(160,)]
        assert await process.stop() == 0  # does not wait out the drain for a sink that is away
        await process.start()
        async with serving(receiver, port):
            await process.drained()
    assert sender.ids == set(receiver.received.times)


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_refused_credentials_pause_the_sink_and_a_mended_secret_lets_it_go_on(tmp_path: Path) -> None:
    receiver = Receiver(SystemClock(), Random(1), token="right")
    secret = tmp_path / "token"
    secret.write_text("wrong")
    secret.chmod(0o600)
    async with serving(receiver) as url:
        pipeline = PIPELINE.format(url=url).replace('"${CRM_TOKEN}"', '{ file = "token" }')
        process = Process(tmp_path, pipeline)
        sender = Sender(process.url + PATH, Random(4))
        async with running(process):
            await sender.run(each=4)
            with anyio.fail_after(10):
                while "unauthorized" not in (await _metrics(process)):
                    await anyio.sleep(0.05)
            assert receiver.received.requests <= 8, "one try of each worker, then it stops trying"
            secret.write_text("right")
            process.signal(SIGHUP)
            await process.drained()
    assert sender.ids == set(receiver.received.times)
    assert process.rows("SELECT count(*) FROM dead_letters") == [(0,)]


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_what_is_refused_for_good_becomes_a_dead_letter_and_its_neighbours_arrive(tmp_path: Path) -> None:
    receiver = Receiver(SystemClock(), Random(1))
    poison = "p3@example.org"
    receiver.refuse_bodies_with(poison.encode())
    async with serving(receiver) as url:
        process = Process(tmp_path, PIPELINE.format(url=url), environ={"CRM_TOKEN": "any"})
        sender = Sender(process.url + PATH, Random(5))
        async with running(process):
            await sender.run(each=3)
            await process.drained()
    assert set(receiver.received.times) == sender.ids - set(sender.accepted[3])
    dead = process.rows("SELECT record_id, reason FROM dead_letters ORDER BY id")
    assert sorted(dead) == sorted((record_id, "rejected") for record_id in sender.accepted[3])


def _archived(directory: Path) -> int:
    file = directory / "out/records.jsonl"
    return len(file.read_bytes().splitlines()) if file.exists() else 0


async def _metrics(process: Process) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{process.ops}/metrics") as answer:
        return await answer.text()
