"""What operators change: keys, pauses, the configuration. Through a running daemon, and on the state file alone."""

from pathlib import Path

import pytest

from groundswell.errors import NotFoundError, RefusedError, RequestError
from groundswell.ops.client import OpsError
from groundswell.ops.messages import KeyCreated, NameComponent, NameKey, Nothing, RevokeKey
from groundswell.ops.operations import KEYS_CREATE, KEYS_LIST, KEYS_REVOKE, PAUSE, RELOAD, RESUME
from groundswell.runtime.daemon import Daemon
from tests.pipelines.ops_pipeline import ask, receiving
from tests.running import basic, post, running, until, write_config


def locked(pipeline: str) -> str:
    """The same with API keys for the source."""
    return pipeline.replace('auth = "none"', 'auth = "basic"')


async def post_with(daemon: Daemon, key: KeyCreated) -> int:
    status, _ = await post(daemon, "signups", {"id": 1}, headers=basic(key.account_id, key.secret))
    return status


async def test_a_key_works_from_the_moment_it_is_made_to_the_moment_it_is_revoked(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(locked(pipeline), tmp_path) as daemon:
        nobody, _ = await post(daemon, "signups", {"id": 1})
        key = await ask(tmp_path, KEYS_CREATE, NameKey("actblue"))
        made = [await post_with(daemon, key), await post_with(daemon, key)]
        await ask(tmp_path, KEYS_REVOKE, RevokeKey("actblue"))
        revoked = await post_with(daemon, key)
        keys = (await ask(tmp_path, KEYS_LIST, Nothing())).keys
    assert (nobody, made, revoked) == (401, [200, 200], 401)
    assert [(listed.name, listed.account_id, listed.created_at) for listed in keys] == [
        ("actblue", key.account_id, key.created_at)
    ]
    assert keys[0].revoked_at is not None


async def test_a_refused_pair_is_taken_at_once_when_it_becomes_a_key(tmp_path: Path) -> None:
    """The daemon remembers refusals for a while; a new key must not have to wait for that."""
    async with receiving() as (_, pipeline), running(locked(pipeline), tmp_path) as daemon:
        key = await ask(tmp_path, KEYS_CREATE, NameKey("actblue"))
        await ask(tmp_path, KEYS_REVOKE, RevokeKey(key.account_id))
        assert await post_with(daemon, key) == 401
        again = await ask(tmp_path, KEYS_CREATE, NameKey("actblue"))
        assert await post_with(daemon, again) == 200
        assert await post_with(daemon, key) == 401


async def test_a_key_made_before_the_first_start_works(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        write_config(tmp_path, locked(pipeline))
        key = await ask(tmp_path, KEYS_CREATE, NameKey("actblue"))
        with pytest.raises(RequestError, match='there is a key named "actblue" already'):
            await ask(tmp_path, KEYS_CREATE, NameKey("actblue"))
        async with running(locked(pipeline), tmp_path) as daemon:
            assert await post_with(daemon, key) == 200
        await ask(tmp_path, KEYS_REVOKE, RevokeKey(key.account_id))
        with pytest.raises(NotFoundError, match='no key "actblue" in force'):
            await ask(tmp_path, KEYS_REVOKE, RevokeKey("actblue"))
        async with running(locked(pipeline), tmp_path) as daemon:
            assert await post_with(daemon, key) == 401


@pytest.mark.parametrize("name", ["", "two words", "-dash", "a" * 65, "a/b", "zoë"])
async def test_a_name_no_key_can_have_is_refused_with_and_without_a_daemon(name: str, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        async with running(pipeline, tmp_path):
            with pytest.raises(RefusedError, match="cannot be asked"):
                await ask(tmp_path, KEYS_CREATE, NameKey(name))
        with pytest.raises(RefusedError, match="cannot be asked"):
            await ask(tmp_path, KEYS_CREATE, NameKey(name))


async def test_the_secret_is_in_no_other_answer_and_not_in_the_state_file(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path):
        key = await ask(tmp_path, KEYS_CREATE, NameKey("actblue"))
        assert key.secret not in repr(await ask(tmp_path, KEYS_LIST, Nothing()))
    assert key.secret.encode() not in (tmp_path / "groundswell.db").read_bytes()


async def test_a_paused_sink_holds_what_comes_over_restarts_until_it_is_resumed(tmp_path: Path) -> None:
    async with receiving() as (receiver, pipeline):
        async with running(pipeline, tmp_path) as daemon:
            paused = await ask(tmp_path, PAUSE, NameComponent("crm"))
            await post(daemon, "signups", [{"id": 1, "zip": "97201"}])
            await until(lambda: daemon.supervisor.sinks["crm"].waiting == 1)
        async with running(pipeline, tmp_path) as daemon:
            assert daemon.supervisor.states()["crm"] == "paused"
            assert receiver.received.records == 0
            resumed = await ask(tmp_path, RESUME, NameComponent("crm"))
            await until(lambda: receiver.received.records == 1)
    assert (paused.state, resumed.state) == ("paused", "running")


async def test_without_a_daemon_pause_and_resume_hold_for_the_next_one(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        write_config(tmp_path, pipeline)
        await ask(tmp_path, PAUSE, NameComponent("crm"))
        async with running(pipeline, tmp_path) as daemon:
            assert daemon.supervisor.states()["crm"] == "paused"
        await ask(tmp_path, RESUME, NameComponent("crm"))
        async with running(pipeline, tmp_path) as daemon:
            assert daemon.supervisor.states()["crm"] == "running"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cmr", 'nothing is called "cmr"; did you mean "crm"'),
        ("signups", r"signups \(source, http.webhook\) cannot be paused; crm can be paused"),
        ("mapped", r"mapped \(transform, map_fields\) cannot be paused"),
    ],
)
async def test_only_sinks_and_running_sources_can_be_paused(name: str, message: str, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        async with running(pipeline, tmp_path):
            with pytest.raises(OpsError, match=message):
                await ask(tmp_path, PAUSE, NameComponent(name))
        with pytest.raises(RequestError, match=message):
            await ask(tmp_path, PAUSE, NameComponent(name))


async def test_a_running_source_can_be_paused_with_and_without_a_daemon(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").touch()
    async with receiving() as (_, pipeline):
        with_file = pipeline.replace('["signups"]', '["signups", "file"]')
        with_file += '\n[sources.file]\ntype = "jsonl"\npath = "in.jsonl"\nfollow = true\n'
        async with running(with_file, tmp_path) as daemon:
            assert (await ask(tmp_path, PAUSE, NameComponent("file"))).state == "paused"
            assert daemon.supervisor.states()["file"] == "paused"
        assert (await ask(tmp_path, RESUME, NameComponent("file"))).state == "stopped"
        async with running(with_file, tmp_path) as daemon:
            assert daemon.supervisor.states()["file"] == "running"


async def test_a_reload_says_what_it_changed(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        more = pipeline + '\n[sinks.file]\ntype = "jsonl"\ninputs = ["adults"]\npath = "out.jsonl"\n'
        write_config(tmp_path, more.replace("[ops]", '[daemon]\nkeep = "1d"\n[ops]'))
        reloaded = await ask(tmp_path, RELOAD, Nothing())
        assert reloaded.config == daemon.config.hash
    assert (reloaded.started, reloaded.stopped, reloaded.restarted) == (["file"], [], [])
    assert reloaded.unchanged == ["adults", "crm", "mapped", "signups"]


async def test_a_wrong_configuration_is_refused_with_its_problems_and_the_old_one_stays(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        before = daemon.config.hash
        write_config(tmp_path, pipeline.replace('inputs = ["adults"]', 'inputs = ["adult"]'))
        with pytest.raises(OpsError, match=r"sinks\.crm\.inputs.*adult") as caught:
            await ask(tmp_path, RELOAD, Nothing())
        assert daemon.config.hash == before
    assert caught.value.status == 422


async def test_without_a_daemon_there_is_nothing_to_reload(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        write_config(tmp_path, pipeline)
        with pytest.raises(RequestError, match=r"no groundswell runs on .*groundswell\.db; start one"):
            await ask(tmp_path, RELOAD, Nothing())
        assert not (tmp_path / "groundswell.db").exists()
