"""SIGHUP while the work goes on: what changed is changed, what did not is left alone, and no record notices."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import anyio
import pytest
from structlog.testing import capture_logs

from groundswell.clock import SystemClock
from groundswell.connectors.http.simulator import Fault, Receiver, serving
from groundswell.errors import NotFoundError
from groundswell.record import from_json
from groundswell.runtime.build import Builder
from groundswell.runtime.daemon import Daemon
from groundswell.store.dead_letters import Selection
from tests.running import FREE_PORTS, post, running, until, webhook_url, write_config

SIGNUPS = """
    [sources.signups]
    type = "http.webhook"
    auth = "none"
    id_field = "id"
"""


def sink(name: str, url: str, *inputs: str, more: str = "") -> str:
    listed = ", ".join(f'"{name}"' for name in inputs or ("signups",))
    return f"""
    [sinks.{name}]
    type = "http"
    inputs = [{listed}]
    url = "{url}/{name}"
    {more}
    """


def tidy(city: str) -> str:
    return f"""
    [transforms.tidy]
    type = "map_fields"
    inputs = ["signups"]
    fields = {{ city = {{ value = "{city}" }} }}
    """


class Place:
    """A directory with a configuration, and a receiver to deliver to."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.receiver = Receiver(SystemClock(), Random(1), keep_bodies=True)
        self.url = ""

    def write(self, *parts: str, ports: str = FREE_PORTS) -> str:
        text = ports + "".join(parts)
        write_config(self.directory, text)
        return text

    def times(self) -> dict[str, int]:
        return dict(self.receiver.received.times)


@asynccontextmanager
async def place(directory: Path) -> AsyncIterator[Place]:
    made = Place(directory)
    async with serving(made.receiver) as made.url:
        yield made


async def reloaded(daemon: Daemon) -> dict[str, list[str]]:
    """What a reload did; it must have succeeded."""
    result = await daemon.reload()
    assert result.error is None
    assert result.changes is not None
    changes = {name: getattr(result.changes, name) for name in ("started", "stopped", "restarted", "needs_restart")}
    return {name: names for name, names in changes.items() if names}


async def status_of(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.post(url, json={"id": 1}) as answer:
        return answer.status


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ---- under traffic ----


async def test_under_traffic_components_come_go_and_change_and_every_record_is_delivered_once(tmp_path: Path) -> None:
    async with place(tmp_path) as at:
        crm, letters = sink("crm", at.url), '[sources.letters]\ntype = "http.webhook"\nauth = "none"\nid_field = "id"\n'
        variants = [
            (SIGNUPS, crm),
            (SIGNUPS, letters, sink("crm", at.url, "signups", "letters")),
            (SIGNUPS, letters, sink("crm", at.url, "signups", "letters", more="batch = { records = 20 }")),
            (SIGNUPS, sink("crm", at.url, more="concurrency = 1")),
            (SIGNUPS, tidy("Salem"), sink("crm", at.url, "tidy")),
        ]
        sent: list[str] = []
        text = at.write(*variants[0])
        async with running(text, tmp_path) as daemon, anyio.create_task_group() as tasks:

            async def send(name: str) -> None:
                number = 0
                while True:
                    number += 1
                    status, _ = await post(daemon, "signups", {"id": f"{name}{number}"})
                    assert status == 200
                    sent.append(f"signups:{name}{number}")

            for name in "abcd":
                tasks.start_soon(send, name)
            for round_ in range(15):
                before = len(sent)
                await until(lambda before=before: len(sent) >= before + 10)  # type: ignore[misc]
                at.write(*variants[round_ % len(variants)])
                await reloaded(daemon)
            tasks.cancel_scope.cancel()
        async with running(at.write(*variants[0]), tmp_path) as daemon:
            await until(lambda: daemon.supervisor.sinks["crm"].waiting == 0)
    assert set(sent) <= set(at.times())  # one that was being answered at the end may be there too
    assert set(at.times().values()) == {1}
    assert len(at.times()) <= len(sent) + 4


# ---- what changes and what does not ----


async def test_a_new_sink_gets_what_comes_from_now_on_and_the_others_are_left_alone(tmp_path: Path) -> None:
    async with place(tmp_path) as at, running(at.write(SIGNUPS, sink("crm", at.url)), tmp_path) as daemon:
        await post(daemon, "signups", {"id": 1})
        await until(lambda: at.times() == {"signups:1": 1})
        crm, port = daemon.supervisor.sinks["crm"], daemon.supervisor.webhooks.port
        at.write(SIGNUPS, sink("crm", at.url), sink("log", at.url))
        assert await reloaded(daemon) == {"started": ["log"]}
        assert daemon.supervisor.sinks["crm"] is crm
        assert daemon.supervisor.webhooks.port == port
        await post(daemon, "signups", {"id": 2})
        await until(lambda: at.times() == {"signups:1": 1, "signups:2": 2})


async def test_what_waits_for_a_sink_that_is_removed_waits_until_it_is_back(tmp_path: Path) -> None:
    async with place(tmp_path) as at:
        both = (SIGNUPS, sink("crm", at.url), sink("log", at.url))
        async with running(at.write(*both), tmp_path) as daemon:
            at.receiver.fault = Fault(status=503)
            await post(daemon, "signups", [{"id": n} for n in range(20)])
            await until(lambda: daemon.supervisor.sinks["log"].waiting == 20)
            at.write(SIGNUPS, sink("crm", at.url))
            assert await reloaded(daemon) == {"stopped": ["log"]}
            at.receiver.fault = Fault()
            await daemon.supervisor.resume("crm")
            await until(lambda: daemon.supervisor.sinks["crm"].waiting == 0)
            assert (await daemon.store.backlogs())["log"].records == 20
            at.write(*both)
            assert await reloaded(daemon) == {"started": ["log"]}
            await daemon.supervisor.resume("log")
            await until(lambda: daemon.supervisor.sinks["log"].waiting == 0)
        assert set(at.times().values()) == {2}


async def test_what_waits_for_a_sink_that_moves_goes_to_its_new_address(tmp_path: Path) -> None:
    async with place(tmp_path) as at:
        wrong = sink("crm", f"http://127.0.0.1:{free_port()}")
        async with running(at.write(SIGNUPS, wrong), tmp_path) as daemon:
            await post(daemon, "signups", [{"id": n} for n in range(20)])
            await until(lambda: daemon.supervisor.sinks["crm"].gate.state == "away")
            at.write(SIGNUPS, sink("crm", at.url))
            assert await reloaded(daemon) == {"restarted": ["crm"]}
            await daemon.supervisor.resume("crm")  # those tried before wait for their time
            await until(lambda: daemon.supervisor.sinks["crm"].waiting == 0)
        assert set(at.times().values()) == {1}
        assert len(at.times()) == 20


async def test_a_delivery_under_way_is_finished_before_its_sink_changes(tmp_path: Path) -> None:
    async with place(tmp_path) as at, running(at.write(SIGNUPS, sink("crm", at.url)), tmp_path) as daemon:
        at.receiver.fault = Fault(delay_s=0.3)
        await post(daemon, "signups", {"id": 1})
        await until(lambda: at.receiver.received.requests == 1)
        at.write(SIGNUPS, sink("crm", at.url, more="concurrency = 2"))
        await reloaded(daemon)
        assert at.times() == {"signups:1": 1}
        assert daemon.supervisor.sinks["crm"].waiting == 0


async def test_a_changed_transform_does_what_it_says_from_now_on(tmp_path: Path) -> None:
    async with place(tmp_path) as at:
        text = at.write(SIGNUPS, tidy("Salem"), sink("crm", at.url, "tidy"))
        async with running(text, tmp_path) as daemon:
            await post(daemon, "signups", {"id": 1})
            await until(lambda: len(at.times()) == 1)
            at.write(SIGNUPS, tidy("Portland"), sink("crm", at.url, "tidy"))
            assert await reloaded(daemon) == {"restarted": ["tidy"]}
            await post(daemon, "signups", {"id": 2})
            await until(lambda: len(at.times()) == 2)
        people: list[Any] = [from_json(body).person for body in at.receiver.received.bodies.values()]
        assert [person.city for person in people] == ["Salem", "Portland"]


async def test_other_inputs_are_no_reason_to_restart_a_sink(tmp_path: Path) -> None:
    drop = '[transforms.none]\ntype = "filter"\ninputs = ["signups"]\nwhere = [{ field = "city", exists = true }]\n'
    async with place(tmp_path) as at, running(at.write(SIGNUPS, sink("crm", at.url)), tmp_path) as daemon:
        crm = daemon.supervisor.sinks["crm"]
        at.write(SIGNUPS, drop, sink("crm", at.url, "none"))
        assert await reloaded(daemon) == {"started": ["none"]}
        assert daemon.supervisor.sinks["crm"] is crm
        await post(daemon, "signups", {"id": 1})
        await until(lambda: daemon.metrics.totals().get("none", {}).get("filtered") == 1)
        assert at.times() == {}


async def test_a_removed_source_is_404_and_what_it_had_accepted_can_be_had_once_it_is_back(tmp_path: Path) -> None:
    letters = '[sources.letters]\ntype = "http.webhook"\nauth = "none"\nid_field = "id"\n'
    async with place(tmp_path) as at:
        both = (SIGNUPS, letters, sink("crm", at.url, "signups", "letters"))
        async with running(at.write(*both), tmp_path) as daemon:
            url = webhook_url(daemon, "letters")
            at.write(SIGNUPS, sink("crm", at.url))
            lock = daemon.supervisor.processor.lock
            async with anyio.create_task_group() as tasks, lock:
                tasks.start_soon(reloaded, daemon)
                await until(lambda: lock.statistics().tasks_waiting == 1)
                await post(daemon, "letters", {"id": 1})  # accepted before the reload, processed after it
            assert await status_of(url) == 404
            await until(lambda: daemon.metrics.totals()["letters"].get("dead") == 1)
            (row,) = await daemon.store.dead_list(Selection(), 10)
            assert (row.letter.component, row.letter.reason, at.times()) == ("letters", "no_source", {})
            at.write(*both)
            await reloaded(daemon)
            await daemon.store.retry_dead(Selection(), 0)
            daemon.supervisor.processor.look_for_replays()
            await until(lambda: at.times() == {"letters:1": 1})


async def test_a_running_source_that_changes_goes_on_where_it_was(tmp_path: Path) -> None:
    def source(every: str) -> str:
        return f"""
        [sources.file]
        type = "jsonl"
        path = "in.jsonl"
        format = "json"
        id_field = "id"
        follow = true
        every = "{every}"
        """

    file = tmp_path / "in.jsonl"
    file.write_text("".join(f'{{"id": {n}}}\n' for n in range(50)))
    async with (
        place(tmp_path) as at,
        running(at.write(source("10ms"), sink("crm", at.url, "file")), tmp_path) as daemon,
    ):
        await until(lambda: len(at.times()) == 50)
        at.write(source("20ms"), sink("crm", at.url, "file"))
        assert await reloaded(daemon) == {"restarted": ["file"]}
        with file.open("a") as more:
            more.write("".join(f'{{"id": {n}}}\n' for n in range(50, 80)))
        await until(lambda: len(at.times()) == 80)
        assert daemon.metrics.totals()["file"].get("duplicates", 0) == 0
        assert set(at.times().values()) == {1}


async def test_a_paused_sink_stays_paused_when_it_changes(tmp_path: Path) -> None:
    async with place(tmp_path) as at, running(at.write(SIGNUPS, sink("crm", at.url)), tmp_path) as daemon:
        await daemon.supervisor.pause("crm")
        at.write(SIGNUPS, sink("crm", at.url, more="concurrency = 1"))
        await reloaded(daemon)
        assert daemon.supervisor.states()["crm"] == "paused"
        await post(daemon, "signups", {"id": 1})
        await until(lambda: daemon.supervisor.sinks["crm"].waiting == 1)
        await daemon.supervisor.resume("crm")
        await until(lambda: at.times() == {"signups:1": 1})


async def test_what_is_gone_cannot_be_paused(tmp_path: Path) -> None:
    async with place(tmp_path) as at:
        text = at.write(SIGNUPS, sink("crm", at.url), sink("log", at.url))
        async with running(text, tmp_path) as daemon:
            at.write(SIGNUPS, sink("crm", at.url))
            await reloaded(daemon)
            with pytest.raises(NotFoundError, match="there is crm"):
                await daemon.supervisor.pause("log")


# ---- refused ----


@pytest.mark.parametrize(
    "wrong",
    [
        '[sinks.crm]\ntype = "htttp"\ninputs = ["signups"]\n',
        '[sinks.crm]\ntype = "http"\ninputs = ["signup"]\nurl = "http://x/"\n',
        "[sinks.crm\n",
    ],
    ids=["an unknown type", "an input that is not there", "not TOML"],
)
async def test_a_wrong_configuration_changes_nothing(tmp_path: Path, wrong: str) -> None:
    async with place(tmp_path) as at, running(at.write(SIGNUPS, sink("crm", at.url)), tmp_path) as daemon:
        before = (daemon.config, daemon.supervisor.sinks["crm"], daemon.supervisor.webhooks.routes)
        at.write(SIGNUPS, wrong)
        with capture_logs() as lines:
            result = await daemon.reload()
        assert result.changes is None
        assert result.error
        assert result.problems
        assert {line["event"] for line in lines} == {"reload_refused"}
        assert (daemon.config, daemon.supervisor.sinks["crm"], daemon.supervisor.webhooks.routes) == before
        await post(daemon, "signups", {"id": 1})
        await until(lambda: at.times() == {"signups:1": 1})
        at.write(SIGNUPS, sink("crm", at.url), sink("log", at.url))
        assert await reloaded(daemon) == {"started": ["log"]}


async def test_a_component_that_cannot_be_built_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = Builder.build

    def breaks_for_log(self: Builder, component: Any, accounts: Any) -> Any:
        if component.name == "log":
            raise ValueError(f"cannot make sense of {component.settings.url.reveal()}")
        return build(self, component, accounts)

    monkeypatch.setattr(Builder, "build", breaks_for_log)
    async with place(tmp_path) as at, running(at.write(SIGNUPS, sink("crm", at.url)), tmp_path) as daemon:
        crm = daemon.supervisor.sinks["crm"]
        at.write(SIGNUPS, sink("crm", at.url, more="concurrency = 1"), sink("log", at.url))
        with capture_logs() as lines:
            result = await daemon.reload()
        assert result.error is not None
        assert "sinks.log" in result.error
        assert f"{at.url}/log" not in str((lines, result.error))
        assert daemon.supervisor.sinks == {"crm": crm}
        await post(daemon, "signups", {"id": 1})
        await until(lambda: at.times() == {"signups:1": 1})


async def test_an_address_that_is_taken_changes_nothing(tmp_path: Path) -> None:
    async with place(tmp_path) as at, running(at.write(SIGNUPS, sink("crm", at.url)), tmp_path) as daemon:
        before = (daemon.config, daemon.supervisor.sinks["crm"], daemon.supervisor.webhooks)
        taken = f'[webhooks]\nlisten = "{at.url.removeprefix("http://")}"\n[ops]\nlisten = "127.0.0.1:0"\n'
        at.write(SIGNUPS, sink("crm", at.url, more="concurrency = 1"), sink("log", at.url), ports=taken)
        result = await daemon.reload()
        assert result.error is not None
        assert "Address already in use" in result.error
        assert (daemon.config, daemon.supervisor.sinks["crm"], daemon.supervisor.webhooks) == before
        assert list(daemon.supervisor.sinks) == ["crm"]
        await post(daemon, "signups", {"id": 1})
        await until(lambda: at.times() == {"signups:1": 1})


# ---- the listener ----


async def test_it_moves_to_another_address_and_takes_new_sources_along(tmp_path: Path) -> None:
    # The new listener asked for a source that was only built later, and the daemon went down.
    port = free_port()
    letters = '[sources.letters]\ntype = "http.webhook"\nauth = "none"\nid_field = "id"\n'
    async with place(tmp_path) as at, running(at.write(SIGNUPS, sink("crm", at.url)), tmp_path) as daemon:
        old = webhook_url(daemon, "signups")
        ports = f'[webhooks]\nlisten = "127.0.0.1:{port}"\n[ops]\nlisten = "127.0.0.1:0"\n'
        at.write(SIGNUPS, letters, sink("crm", at.url, "signups", "letters"), ports=ports)
        assert await reloaded(daemon) == {"started": ["letters"]}
        assert daemon.supervisor.webhooks.port == port
        assert await status_of(webhook_url(daemon, "letters")) == 200
        assert await status_of(webhook_url(daemon, "signups")) == 200
        with pytest.raises(aiohttp.ClientConnectorError):
            await status_of(old)
        await until(lambda: at.times() == {"letters:1": 1, "signups:1": 1})


async def test_bounds_of_the_listener_change_without_a_new_one(tmp_path: Path) -> None:
    # It wanted to listen on the address it was listening on, and the reload was refused.
    def ports(body_max: str) -> str:
        return f'[webhooks]\nlisten = "127.0.0.1:{port}"\nbody_max = "{body_max}"\n[ops]\nlisten = "127.0.0.1:0"\n'

    port = free_port()
    async with place(tmp_path) as at:
        text = at.write(SIGNUPS, sink("crm", at.url), ports=ports("1KiB"))
        async with running(text, tmp_path) as daemon:
            body = {"id": 1, "text": "x" * 5_000}
            assert (await post(daemon, "signups", body))[0] == 413
            at.write(SIGNUPS, sink("crm", at.url), ports=ports("10KiB"))
            assert await reloaded(daemon) == {}
            assert (await post(daemon, "signups", body))[0] == 200


# ---- what needs a restart ----


async def test_what_only_a_restart_applies_is_said_every_time_until_then(tmp_path: Path) -> None:
    async with place(tmp_path) as at, running(at.write(SIGNUPS, sink("crm", at.url)), tmp_path) as daemon:
        limits = '[daemon]\nqueue_records_max = 7\nkeep = "1d"\ndrain = "1s"\n'
        for _ in range(2):
            at.write(limits, SIGNUPS, sink("crm", at.url))
            assert await reloaded(daemon) == {"needs_restart": ["daemon.queue_records_max"]}
        at.write(SIGNUPS, sink("crm", at.url))
        assert await reloaded(daemon) == {}


async def test_reloads_asked_for_at_the_same_time_come_one_after_the_other(tmp_path: Path) -> None:
    async with place(tmp_path) as at, running(at.write(SIGNUPS, sink("crm", at.url)), tmp_path) as daemon:
        at.write(SIGNUPS, sink("crm", at.url, more="concurrency = 1"), sink("log", at.url))
        results = []

        async def reload() -> None:
            results.append(await daemon.reload())

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(reload)
        assert [result.error for result in results] == [None] * 3
        await post(daemon, "signups", {"id": 1})
        await until(lambda: at.times() == {"signups:1": 2})
