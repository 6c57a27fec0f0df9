"""`status` against known traffic, with and without a daemon."""

import socket
from pathlib import Path

import pytest
from aiohttp import web

from groundswell.connectors.action_network.simulator.events import send_test_message
from groundswell.connectors.http.simulator import Fault
from groundswell.ops import notify
from groundswell.ops.messages import ComponentStatus, Nothing, PickLetters, Status
from groundswell.ops.operations import DEAD_DROP, STATUS
from tests.in_step import SkippingClock
from tests.pipelines.ops_pipeline import ask, receiving
from tests.running import post, running, until, write_config
from tests.unit.test_notify import served


def of(status: Status, name: str) -> ComponentStatus:
    (found,) = (component for component in status.components if component.name == name)
    return found


PEOPLE = [
    {"id": 1, "zip": "97201"},
    {"id": 2, "zip": "97202"},
    {"id": 2, "zip": "97202"},
    {"id": 3},
    {"id": 4, "zip": ["no text"]},
]


async def test_every_record_is_counted_where_it_went(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        assert await post(daemon, "signups", PEOPLE) == (200, {"accepted": 4, "duplicates": 1})
        await post(daemon, "signups", b"no json")
        await until(lambda: daemon.metrics.totals().get("crm", {}).get("delivered") == 2)
        status = await ask(tmp_path, STATUS, Nothing())
    assert status.running
    assert status.not_ready == []
    assert status.config == daemon.config.hash
    assert status.started_at is not None
    assert status.inbox_waiting == 0
    signups, mapped, adults, crm = (of(status, name) for name in ("signups", "mapped", "adults", "crm"))
    assert (signups.accepted, signups.duplicates, signups.processed, signups.refused_requests) == (4, 1, 4, 1)
    assert (signups.role, signups.type, signups.state) == ("source", "http.webhook", "running")
    assert (signups.delivered, signups.waiting) == (None, None)
    assert (adults.filtered, adults.dead_letters) == (1, 0)
    assert (mapped.filtered, mapped.dead_letters) == (0, 1)
    assert (crm.delivered, crm.retried, crm.waiting, crm.oldest_waiting_at) == (2, 0, 0, None)


async def test_what_needs_a_person_comes_first(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        receiver.fault = Fault(status=401)
        await post(daemon, "signups", [{"id": 1, "zip": "97201"}])
        await until(lambda: daemon.supervisor.states()["crm"] == "unauthorized")
        status = await ask(tmp_path, STATUS, Nothing())
    assert [component.name for component in status.components] == ["crm", "signups", "mapped", "adults"]
    crm = status.components[0]
    assert crm.waiting == 1
    assert crm.last_error is not None
    assert "answered 401" in crm.last_error
    assert status.attention == [
        "crm: it is refused; mend what its last error names, then `groundswell resume crm` tries at once"
    ]


async def test_dead_letters_need_a_person(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        await post(daemon, "signups", [{"id": 4, "zip": ["no text"]}])
        await until(lambda: daemon.metrics.totals().get("mapped", {}).get("dead") == 1)
        status = await ask(tmp_path, STATUS, Nothing())
    assert status.attention == ["mapped: 1 dead letter; look with `groundswell dead list --component mapped`"]


async def test_a_vendor_s_test_event_is_listed_and_needs_nobody(tmp_path: Path) -> None:
    # "Send Test" in Action Network turned everything red.
    hook = '[sources.hook]\ntype = "action_network.webhook"\npath = "/webhooks/9f86d081884c7d659a2feaa0c55ad015"\n'
    async with receiving() as (_, pipeline):
        pipeline = hook + pipeline.replace('inputs = ["signups"]', 'inputs = ["signups", "hook"]')
        async with running(pipeline, tmp_path) as daemon:
            await post(daemon, "hook", send_test_message())
            await until(lambda: daemon.metrics.totals().get("hook", {}).get("dead") == 1)
            tested = await ask(tmp_path, STATUS, Nothing())
            await post(daemon, "hook", [{"osdi:nobody_knows": {}}])
            await until(lambda: daemon.metrics.totals()["hook"]["dead"] == 2)
            misread = await ask(tmp_path, STATUS, Nothing())
    assert (of(tested, "hook").dead_letters, tested.attention) == (1, [])
    assert of(misread, "hook").dead_letters == 2
    assert misread.attention == ["hook: 1 dead letter; look with `groundswell dead list --component hook`"]


async def test_a_sink_the_configuration_no_longer_has_is_shown_with_what_waits_for_it(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        receiver.fault = Fault(status=503)
        await post(daemon, "signups", [{"id": 1, "zip": "97201"}])
        await until(lambda: daemon.supervisor.sinks["crm"].waiting == 1)
        write_config(tmp_path, pipeline.replace("[sinks.crm]", "[sinks.other]"))
        await daemon.reload()
        online = await ask(tmp_path, STATUS, Nothing())
    offline = await ask(tmp_path, STATUS, Nothing())
    for status in (online, offline):
        crm = of(status, "crm")
        assert (crm.role, crm.type, crm.state, crm.waiting) == (None, None, "removed", 1)
        assert crm.oldest_waiting_at is not None
        assert status.attention == ["crm: 1 delivery waits for it, and the configuration no longer has it; put it back"]


async def test_without_a_daemon_it_shows_what_waits_on_disk(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline):
        async with running(pipeline, tmp_path) as daemon:
            receiver.fault = Fault(status=503)
            await post(daemon, "signups", PEOPLE)
            await until(lambda: daemon.supervisor.sinks["crm"].waiting == 2)
            await daemon.supervisor.pause("crm")
        status = await ask(tmp_path, STATUS, Nothing())
    assert not status.running
    assert status.not_ready == ["no daemon runs"]
    assert (status.started_at, status.config, status.last_reload) == (None, None, None)
    crm = of(status, "crm")
    assert (crm.state, crm.waiting, crm.delivered) == ("paused", 2, None)
    assert crm.oldest_waiting_at is not None
    assert of(status, "signups").state == "stopped"
    assert of(status, "mapped").dead_letters == 1


async def test_a_refused_reload_is_told_until_one_succeeds(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        write_config(tmp_path, pipeline + "[sinks.crm2]\n")
        await daemon.reload()
        refused = await ask(tmp_path, STATUS, Nothing())
        write_config(tmp_path, pipeline)
        await daemon.reload()
        mended = await ask(tmp_path, STATUS, Nothing())
    assert refused.last_reload is not None
    assert refused.last_reload.error is not None
    assert len(refused.attention) == 1
    assert mended.last_reload is not None
    assert (mended.last_reload.error, mended.attention) == (None, [])


async def test_people_are_told_when_something_needs_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(notify, "QUIET_S", 0.0)
    notes: list[str] = []

    async def take(request: web.Request) -> web.Response:
        notes.append((await request.json())["text"])
        return web.Response()

    async with receiving() as (_, pipeline), served(take) as url:
        told = f'[[ops.notify]]\ntype = "webhook"\nurl = "{url}/hook"\nafter = "0s"\n'
        async with running(pipeline + told, tmp_path) as daemon:
            await post(daemon, "signups", [{"id": 4, "zip": ["no text"]}])
            await until(lambda: len(notes) == 1)
            await ask(tmp_path, DEAD_DROP, PickLetters(all=True))
            await until(lambda: len(notes) == 2)
    line = "mapped: 1 dead letter; look with `groundswell dead list --component mapped`"
    host = socket.gethostname()
    assert notes == [
        f"Groundswell on {host} needs somebody\n- {line}",
        f"Groundswell on {host} is well again\n- over: {line}",
    ]


async def test_what_has_waited_for_long_needs_somebody(tmp_path: Path) -> None:
    clock = SkippingClock()
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path, clock=clock) as daemon:
        receiver.fault = Fault(status=503)
        await post(daemon, "signups", [{"id": 1, "zip": "97201"}])
        await until(lambda: daemon.metrics.totals().get("crm", {}).get("retried", 0) > 0)
        before = (await ask(tmp_path, STATUS, Nothing())).attention
        clock.skip(2 * 3_600)
        late = (await ask(tmp_path, STATUS, Nothing())).attention
    assert before == []
    assert len(late) == 1
    assert late[0].startswith("crm: 1 delivery waits, the oldest for 2 hours: ")
