"""A daemon on both sides of one Action Network: webhooks and polls agree, and what it wrote itself comes to rest."""

from collections import Counter
from pathlib import Path

import anyio
import msgspec

from groundswell.clock import SystemClock
from groundswell.connectors.action_network.simulator.faults import FaultRates
from groundswell.connectors.action_network.simulator.server import Server, WebhookTarget, simulator
from groundswell.connectors.action_network.simulator.state.behaviour import FRIENDLIEST
from tests.faults.process import free_port
from tests.running import post, running, until

WEBHOOK = "/webhooks/action_network/v1/9f86d081884c7d659a2feaa0c55ad015"
WORDS = {
    "signatures": "signature",
    "attendances": "attendance",
    "submissions": "submission",
    "donations": "donation",
    "outreaches": "outreach",
    "responses": "response",
}


class BehindClock(SystemClock):
    """Two minutes behind: what happens at Action Network now is old enough to be polled, and need not be waited for."""

    def now(self) -> float:
        return super().now() - 120.0


def pipeline(server: Server, port: int, more: str) -> str:
    return f"""
        [webhooks]
        listen = "127.0.0.1:{port}"
        [ops]
        listen = "127.0.0.1:0"
        [accounts.network]
        type = "action_network"
        token = "{server.key}"
        rate = "200/s"
        base_url = "{server.base_url}"
        [sources.hooks]
        type = "action_network.webhook"
        path = "{WEBHOOK}"
        {more}
    """


POLL = """
        [sources.poll]
        type = "action_network.poll"
        account = "network"
        collections = [{collections}]
        every = "300ms"
        overlap = "5m"
        full_every = "30m"
"""


async def test_an_event_seen_by_both_is_delivered_once_and_a_poll_repairs_what_webhooks_lost(tmp_path: Path) -> None:
    port = free_port()
    target = WebhookTarget(f"http://127.0.0.1:{port}{WEBHOOK}", speed=1e6)
    collections = ", ".join(f'"{name}"' for name in ("people", "campaign_events", *WORDS))
    async with simulator(
        people=40,
        records=10,
        clock=BehindClock(),
        behaviour=FRIENDLIEST,
        rates=FaultRates(webhook_lost=0.4),
        webhooks=target,
    ) as server:
        text = pipeline(
            server,
            port,
            POLL.format(collections=collections)
            + """
        [sinks.archive]
        type = "jsonl"
        inputs = ["hooks", "poll"]
        path = "records.jsonl"
        """,
        )
        async with running(text, tmp_path) as daemon:
            archive = tmp_path / "records.jsonl"
            await until(lambda: _ids(archive) >= _happened(server))
            server.control.happen(150)
            await until(lambda: _ids(archive) >= _happened(server))
            totals = daemon.metrics.totals()
            counts = Counter(line["id"] for line in _lines(archive))
        assert server.counts.webhooks["lost"] > 10
        assert totals["hooks"]["accepted"] > 10
        assert totals["poll"]["accepted"] > totals["hooks"]["accepted"]
        assert totals["poll"]["duplicates"] + totals["hooks"]["duplicates"] > 10
        assert {one for one, times in counts.items() if times > 1} == set()


async def test_a_daemon_that_reads_and_writes_one_account_goes_quiet(tmp_path: Path) -> None:
    port = free_port()
    target = WebhookTarget(f"http://127.0.0.1:{port}{WEBHOOK}", speed=1e6)
    behaviour = msgspec.structs.replace(FRIENDLIEST, locality_lost=0.5, same_again_bumps=True)
    async with simulator(people=20, records=0, clock=BehindClock(), behaviour=behaviour, webhooks=target) as server:
        text = pipeline(
            server,
            port,
            POLL.format(collections='"people"')
            + """
        [sources.crm]
        type = "http.webhook"
        auth = "none"
        kind = "person"
        id_field = "id"
        [transforms.fields]
        type = "map_fields"
        inputs = ["crm"]
        fields = { first_name = "raw.first", email = "raw.email", phone = "raw.phone", city = "raw.city" }
        [transforms.phone]
        type = "normalise_phone"
        inputs = ["fields", "hooks", "poll"]
        [sinks.back]
        type = "action_network.people"
        account = "network"
        inputs = ["phone"]
        """,
        )
        async with running(text, tmp_path) as daemon:
            await until(lambda: daemon.metrics.totals().get("back", {}).get("skipped", 0) >= 20)
            for number in range(10):
                person = {"id": number, "first": "Rosa", "email": f"rosa{number}@example.org", "city": "portland"}
                await post(daemon, "crm", {**person, "phone": f"503-555-01{number:02}"})
            await until(lambda: server.control.people == 30)
            for uuid in server.control.uuids()[:5]:
                server.control.edit(uuid, given_name="Zora", custom={"is_member": "0"})
            await _quiet(server)
            written = _writes(server)
            rounds = server.counts.by_call["GET people"]
            await until(lambda: server.counts.by_call["GET people"] > rounds + 10)
            assert _writes(server) == written
            assert daemon.metrics.totals()["back"].get("dead", 0) == 0
        # Ten newcomers, and a second try for each city that did not stick; nothing for what people did there.
        assert written <= 20


def _writes(server: Server) -> int:
    return sum(count for call, count in server.counts.by_call.items() if not call.startswith("GET"))


async def _quiet(server: Server) -> None:
    """Until nothing has been written for some polls."""
    with anyio.fail_after(15):
        while True:
            before, rounds = _writes(server), server.counts.by_call["GET people"]
            while server.counts.by_call["GET people"] < rounds + 8:
                await anyio.sleep(0.05)
            if _writes(server) == before:
                return


def _lines(file: Path) -> list[dict[str, str]]:
    lines = file.read_bytes().splitlines(keepends=True) if file.exists() else []
    return [msgspec.json.decode(line) for line in lines if line.endswith(b"\n")]


def _ids(file: Path) -> set[str]:
    return {line["id"] for line in _lines(file)}


def _happened(server: Server) -> set[str]:
    """The ids of everything anybody did there."""
    found = {
        f"action_network:{WORDS[place[-1]]}/{one.uuid}"
        for place in server.world.shelves.places()
        if place[-1] in WORDS
        for one in server.world.shelves.all(*place)
    }
    assert len(found) > 50
    return found
