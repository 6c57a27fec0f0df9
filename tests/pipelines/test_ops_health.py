"""The ops port as monitors see it: alive, ready, counted; and closed to everybody else."""

import re
from pathlib import Path

import anyio
import msgspec
import pytest

from groundswell.clock import SystemClock
from groundswell.ops.listening import CONNECTIONS_MAX
from groundswell.ops.messages import Nothing
from groundswell.ops.operations import STATUS
from tests.pipelines.ops_pipeline import Answer, ask, call, receiving
from tests.running import basic, post, running, token_of, until


def told(answer: Answer) -> dict[str, object]:
    assert answer.headers["Content-Type"] == "application/json"
    parsed: dict[str, object] = msgspec.json.decode(answer.body)
    return parsed


async def test_a_running_daemon_is_alive_and_ready(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        alive = await call(daemon, "GET", "/healthz", login=False)
        ready = await call(daemon, "GET", "/readyz", login=False)
    assert (alive.status, told(alive)) == (200, {"alive": True})
    assert (ready.status, told(ready)) == (200, {"ready": True, "reasons": [], "states": []})


async def test_without_room_it_is_alive_and_not_ready(tmp_path: Path) -> None:
    reason = "the disk is nearly full ([daemon] disk_free_min)"
    full = '[daemon]\ndisk_free_min = "1000000GiB"\n'
    async with receiving() as (_, pipeline), running(full + pipeline, tmp_path) as daemon:
        await until(lambda: daemon.supervisor.not_ready() == [reason])
        alive = await call(daemon, "GET", "/healthz", login=False)
        ready = await call(daemon, "GET", "/readyz", login=False)
        status = await ask(tmp_path, STATUS, Nothing())
    assert alive.status == 200
    assert ready.status == 503
    assert told(ready) == {"error": f"not ready: {reason}", "ready": False, "reasons": [reason], "states": []}
    assert status.not_ready == [reason]
    assert status.attention == [f"nothing new is accepted: {reason}; make room"]


async def test_while_it_drains_it_is_not_ready(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        daemon.supervisor.accept.is_draining = True
        ready = await call(daemon, "GET", "/readyz", login=False)
    assert (ready.status, told(ready)["reasons"]) == (503, ["stopping"])


async def test_a_sink_in_trouble_leaves_it_ready_and_is_named(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        await daemon.supervisor.pause("crm")
        ready = await call(daemon, "GET", "/readyz", login=False)
    assert (ready.status, told(ready)["states"]) == (200, ["crm is paused"])


async def test_on_loopback_health_and_metrics_need_no_login_and_the_api_does(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        answers = {
            path: await call(daemon, "GET", path, login=False)
            for path in ("/healthz", "/readyz", "/metrics", "/api/status", "/api/openapi.json")
        }
        allowed = await call(daemon, "GET", "/api/status")
    assert {path: answer.status for path, answer in answers.items()} == {
        "/healthz": 200,
        "/readyz": 200,
        "/metrics": 200,
        "/api/status": 401,
        "/api/openapi.json": 401,
    }
    assert answers["/api/status"].headers["WWW-Authenticate"] == 'Bearer realm="groundswell"'
    assert allowed.status == 200


async def test_on_another_address_metrics_need_the_password_too(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        opened = pipeline.replace(
            '[ops]\nlisten = "127.0.0.1:0"', '[ops]\nlisten = "0.0.0.0:0"\npassword = "${PASSWORD}"'
        )
        async with running(opened, tmp_path, environ={"PASSWORD": "sesame"}) as daemon:
            open_to_all = [(await call(daemon, "GET", path, login=False)).status for path in ("/healthz", "/readyz")]
            stranger = await call(daemon, "GET", "/metrics", login=False)
            scraper = await call(daemon, "GET", "/metrics", login=False, headers=basic("prometheus", "sesame"))
            guesser = await call(daemon, "GET", "/metrics", login=False, headers=basic("prometheus", "simsim"))
            elsewhere = await call(daemon, "GET", "/healthz", login=False, headers={"Host": "ops.example.org"})
    assert open_to_all == [200, 200]
    assert (stranger.status, scraper.status, guesser.status, elsewhere.status) == (401, 200, 401, 200)
    assert stranger.headers["WWW-Authenticate"] == 'Basic realm="groundswell", Bearer realm="groundswell"'


async def test_on_another_address_readiness_names_nothing_to_whoever_is_not_logged_in(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        opened = pipeline.replace(
            '[ops]\nlisten = "127.0.0.1:0"', '[ops]\nlisten = "0.0.0.0:0"\npassword = "${PASSWORD}"'
        )
        async with running(opened, tmp_path, environ={"PASSWORD": "sesame"}) as daemon:
            await daemon.supervisor.pause("crm")
            stranger = await call(daemon, "GET", "/readyz", login=False)
            known = await call(daemon, "GET", "/readyz", login=False, headers=basic("me", "sesame"))
            guesser = await call(daemon, "GET", "/readyz", login=False, headers=basic("me", "simsim"))
            daemon.supervisor.accept.is_draining = True
            later = await call(daemon, "GET", "/readyz", login=False)
    assert (stranger.status, told(stranger)) == (200, {"ready": True})
    assert (known.status, told(known)) == (200, {"ready": True, "reasons": [], "states": ["crm is paused"]})
    assert guesser.status == 401
    assert (later.status, told(later)) == (503, {"error": "not ready", "ready": False})


async def test_readiness_uses_no_word_of_status_for_something_else(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        ready = told(await call(daemon, "GET", "/readyz", login=False))
        status = told(await call(daemon, "GET", "/api/status"))
    assert ready.keys() & status.keys() == set()


@pytest.mark.parametrize("host", ["evil.example.org", "evil.example.org:9464", "127.0.0.1.evil.example.org", "[", ""])
async def test_a_request_addressed_to_another_name_is_refused_on_loopback(host: str, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        answer = await call(daemon, "GET", "/api/status", headers={"Host": host})
    assert answer.status == 403
    assert told(answer).keys() == {"error"}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9464", "127.0.0.1", "127.8.8.8:1", "[::1]:9464"])
async def test_every_name_of_this_machine_is_answered(host: str, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        assert (await call(daemon, "GET", "/api/status", headers={"Host": host})).status == 200


async def test_after_ten_wrong_passwords_a_place_has_to_wait_and_the_token_still_lets_in(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        guarded = pipeline.replace("[ops]", '[ops]\npassword = "${PASSWORD}"')
        async with running(guarded, tmp_path, environ={"PASSWORD": "sesame"}) as daemon:
            statuses = [
                (await call(daemon, "GET", "/api/status", login=False, headers=basic("me", "guess"))).status
                for _ in range(11)
            ]
            right = await call(daemon, "GET", "/api/status", login=False, headers=basic("me", "sesame"))
            token = await call(daemon, "GET", "/api/status")
    assert statuses == [401] * 10 + [429]
    assert right.status == 429
    assert 0 < int(right.headers["Retry-After"]) <= 61
    assert token.status == 200


async def test_nothing_but_so_many_connections_stays_open(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        host, _, port = token_of(daemon).address.rpartition(":")
        streams = [await anyio.connect_tcp(host, int(port)) for _ in range(CONNECTIONS_MAX)]
        beyond = await anyio.connect_tcp(host, int(port))
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            with anyio.fail_after(5):
                await beyond.receive()
        for stream in (beyond, *streams):
            await stream.aclose()


async def test_a_taken_address_is_said_and_nothing_is_left_behind(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    async with receiving() as (_, pipeline), running(pipeline, one) as first:
        port = token_of(first).address.rpartition(":")[2]
        taken = pipeline.replace('[ops]\nlisten = "127.0.0.1:0"', f'[ops]\nlisten = "127.0.0.1:{port}"')
        with pytest.raises(ExceptionGroup) as caught:
            async with running(taken, two):
                pass
    (error,) = leaves(caught.value)
    assert isinstance(error, OSError)
    assert error.strerror == f"127.0.0.1:{port} ([ops] listen) cannot be listened on: Address already in use"
    assert not (two / "groundswell.db.token").exists()


def leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf for exc in group.exceptions for leaf in (leaves(exc) if isinstance(exc, BaseExceptionGroup) else [exc])
    ]


async def test_what_was_accepted_just_now_is_in_the_metrics(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline), running(pipeline, tmp_path) as daemon:
        await post(daemon, "signups", [{"id": 1, "zip": "97201"}, {"id": 2, "zip": ["no text"]}, {"id": 3}])
        await until(lambda: receiver.received.records == 1 and daemon.supervisor.sinks["crm"].waiting == 0)
        shown = samples(await call(daemon, "GET", "/metrics", login=False))
    assert shown['groundswell_source_accepted_records_total{component="signups"}'] == 3
    assert shown['groundswell_transform_filtered_records_total{component="adults"}'] == 1
    assert shown['groundswell_sink_delivered_records_total{component="crm",kind="person"}'] == 1
    assert shown['groundswell_dead_letters{component="mapped",reason="bad_value"}'] == 1
    assert shown['groundswell_sink_waiting_records{component="crm"}'] == 0
    assert shown['groundswell_sink_oldest_waiting_seconds{component="crm"}'] == 0
    assert shown["groundswell_inbox_waiting_records"] == 0
    assert shown["groundswell_state_file_bytes"] > 4096
    assert shown["groundswell_state_file_commits_total"] >= 3
    assert shown["groundswell_up"] == 1
    assert shown["groundswell_config_reload_failed"] == 0


def samples(answer: Answer) -> dict[str, float]:
    lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_metrics_ask_the_disk_at_most_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class StoppedClock(SystemClock):
        at = 1000.0

        def monotonic(self) -> float:
            return self.at

    clock = StoppedClock()
    async with receiving() as (_, pipeline), running(pipeline, tmp_path, clock=clock) as daemon:
        asked = []
        groups = daemon.store.dead_groups

        async def counting() -> object:
            asked.append(clock.at)
            return await groups()

        monkeypatch.setattr(daemon.store, "dead_groups", counting)
        for at in (1000.0, 1000.5, 1000.99, 1001.0, 1001.5):
            clock.at = at
            await call(daemon, "GET", "/metrics")
    assert asked == [1000.0, 1001.0]


async def test_a_refused_reload_shows_in_the_metrics(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        (tmp_path / "pipeline.toml").write_text("[sinks]")
        await daemon.reload()
        shown = samples(await call(daemon, "GET", "/metrics"))
        ready = told(await call(daemon, "GET", "/readyz"))
    assert shown["groundswell_config_reload_failed"] == 1
    assert shown["groundswell_config_reloaded_timestamp_seconds"] == pytest.approx(daemon.started_at, abs=5)
    assert ready["states"] == ["the last reload was refused"]


async def test_metrics_shows_every_metric_of_the_page_and_no_other(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        answer = await call(daemon, "GET", "/metrics", login=False)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    shown = re.findall(r"^# TYPE (\S+) ", answer.body.decode(), re.MULTILINE)
    assert shown == re.findall(r"^\| `(groundswell_\w+)` \| (?:counter|gauge|histogram)", page, re.MULTILINE)
    assert b"_created" not in answer.body
