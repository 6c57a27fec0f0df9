"""Bad input at a daemon that has work to do: kept where one can look, told to the sender, and nobody else notices."""

import gzip
from pathlib import Path
from random import Random

import msgspec
import pytest

from groundswell.clock import SystemClock
from groundswell.connectors.http.simulator import Receiver, serving
from groundswell.store.dead_letters import Selection
from tests.running import FREE_PORTS, post, running, until

PIPELINE = """
    [sources.signups]
    type = "http.webhook"
    auth = "none"
    id_field = "id"
    [sources.network]
    type = "action_network.webhook"
    path = "/webhooks/an/5f0c2a7be1"
    [sinks.crm]
    type = "http"
    inputs = ["signups", "network"]
    batch = {{ records = 10 }}
    url = "{url}/crm"
"""
UNREADABLE = [
    b"",
    b"{",
    b"null",
    b"7",
    b'"text"',
    b"[1, 2]",
    b'[{"id": 1}, 2]',
    b"[" * 100_000,
    b'{"a":' * 200 + b"1" + b"}" * 200,
    b'{"id": "\xff"}',
    b'{"id": "a\x00"}',
]


@pytest.fixture
def receiver() -> Receiver:
    return Receiver(SystemClock(), Random(1))


async def test_every_unreadable_body_is_400_and_a_dead_letter_and_good_ones_go_through(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with serving(receiver) as url, running(FREE_PORTS + PIPELINE.format(url=url), tmp_path) as daemon:
        for number, body in enumerate(UNREADABLE):
            for source in ("signups", "network"):
                status, said = await post(daemon, source, body)
                assert (status, list(said)) == (400, ["error"])
            assert (await post(daemon, "signups", {"id": number}))[0] == 200
        await until(lambda: len(receiver.received.times) == len(UNREADABLE))
        rows = await daemon.store.dead_list(Selection(reason="unreadable"), 100)
        kept = [(row.letter.component, (await daemon.store.dead_show(row.id)).letter.body) for row in rows]
        assert kept == [(source, body) for body in UNREADABLE for source in ("signups", "network")]
        assert daemon.metrics.totals()["signups"]["dead"] == len(UNREADABLE)
        assert (await post(daemon, "signups", UNREADABLE[1]))[0] == 400  # the same once more replaces the first
        assert len(await daemon.store.dead_list(Selection(), 100)) == len(rows)


async def test_what_is_too_large_or_a_bomb_is_413_and_kept_by_nobody(tmp_path: Path, receiver: Receiver) -> None:
    bomb = gzip.compress(b" " * (64 * 2**20))
    ports = FREE_PORTS.replace("[webhooks]", '[webhooks]\nbody_max = "64KiB"')
    async with serving(receiver) as url, running(ports + PIPELINE.format(url=url), tmp_path) as daemon:
        assert (await post(daemon, "signups", bomb, headers={"Content-Encoding": "gzip"}))[0] == 413
        assert (await post(daemon, "signups", b'"' + b"x" * 2**17 + b'"'))[0] == 413
        assert await daemon.store.dead_list(Selection(), 100) == []
        assert (await post(daemon, "signups", {"id": 1}))[0] == 200
        await until(lambda: receiver.received.times == {"signups:1": 1})


async def test_what_nobody_understands_later_is_accepted_and_a_dead_letter_and_its_neighbours_go_on(
    tmp_path: Path, receiver: Receiver
) -> None:
    """Action Network drops an event for good after three refusals, so none is refused for what it holds."""
    events = [{"osdi:unheard_of": {"a": 1}}, {}, {"osdi:signature": None}]
    async with serving(receiver) as url, running(FREE_PORTS + PIPELINE.format(url=url), tmp_path) as daemon:
        for event in events:
            status, said = await post(daemon, "network", msgspec.json.encode([event]))
            assert (status, said["accepted"]) == (200, 1)
        assert (await post(daemon, "signups", {"id": 1}))[0] == 200
        await until(lambda: receiver.received.times == {"signups:1": 1})
        rows = await daemon.store.dead_list(Selection(), 100)
        assert [(row.letter.stage, row.letter.component) for row in rows] == [("process", "network")] * len(events)
