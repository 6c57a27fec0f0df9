"""How a command finds the daemon: the token file, the lock, and what is said where neither leads anywhere."""

import os
import sqlite3
import stat
from pathlib import Path

import anyio
import msgspec
import pytest
from aiohttp import web

from groundswell.errors import NotFoundError, StoreError
from groundswell.ops import reach, token_file
from groundswell.ops.client import OpsError
from groundswell.ops.messages import NameKey, Nothing
from groundswell.ops.operations import KEYS_CREATE, KEYS_LIST, STATUS
from groundswell.ops.token_file import TokenFile
from groundswell.store.database import Lock
from groundswell.store.store import Store
from tests.pipelines.ops_pipeline import ask, call, receiving
from tests.running import place_in, running, token_of, write_config


async def test_the_token_file_is_its_owners_alone_and_goes_with_the_daemon(tmp_path: Path) -> None:
    path = tmp_path / "groundswell.db.token"
    async with receiving() as (_, pipeline):
        async with running(pipeline, tmp_path) as daemon:
            mode = stat.S_IMODE(path.stat().st_mode)
            content = token_of(daemon)
        assert not path.exists()
    assert mode == 0o600
    assert content.pid == os.getpid()
    assert len(content.token) > 64
    assert content.token not in repr(content)


async def test_every_start_has_another_token_and_the_old_one_lets_nobody_in(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        async with running(pipeline, tmp_path) as daemon:
            old = token_of(daemon)
        async with running(pipeline, tmp_path) as daemon:
            answer = await call(daemon, "GET", "/api/status", headers={"Authorization": f"Bearer {old.token}"})
            assert token_of(daemon).token != old.token
    assert answer.status == 401


async def test_a_token_file_left_behind_by_a_killed_daemon_is_written_over(tmp_path: Path) -> None:
    stale = TokenFile("127.0.0.1:1", "gso_old", 1)
    token_file.write(tmp_path / "groundswell.db.token", stale)
    async with receiving() as (_, pipeline):
        write_config(tmp_path, pipeline)
        with pytest.raises(NotFoundError, match="no groundswell runs here"):
            await ask(tmp_path, STATUS, Nothing())
        async with running(pipeline, tmp_path):
            assert (await ask(tmp_path, STATUS, Nothing())).running


async def test_another_daemons_token_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "groundswell.db.token"
    other = TokenFile("127.0.0.1:1", "gso_other", 1)
    async with receiving() as (_, pipeline):
        async with running(pipeline, tmp_path):
            token_file.write(path, other)
        assert token_file.read(path) == other


async def test_a_daemon_starts_where_it_cannot_write_its_token_file(tmp_path: Path) -> None:
    (tmp_path / "groundswell.db.token").mkdir()
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        assert daemon.supervisor.not_ready() == []


def names_in(directory: Path) -> list[str]:
    return [file.name for file in directory.iterdir()]


async def test_looking_needs_no_lock_and_makes_no_file(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        write_config(tmp_path, pipeline)
        with pytest.raises(NotFoundError, match=r"there is no state file .*groundswell\.db yet"):
            await ask(tmp_path, KEYS_LIST, Nothing())
        assert names_in(tmp_path) == ["pipeline.toml"]
        await ask(tmp_path, KEYS_CREATE, NameKey("actblue"))
        store = await Store(tmp_path / "groundswell.db").open_to_read()
        assert not Lock(tmp_path / "groundswell.db").is_held()
        async with running(pipeline, tmp_path) as daemon:  # a daemon may start while somebody looks
            assert daemon.supervisor.is_started
            assert len(await store.keys()) == 1
        await store.close()


async def test_a_file_that_is_no_state_file_is_not_read(tmp_path: Path) -> None:
    write_config(tmp_path, "")
    (tmp_path / "groundswell.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    with pytest.raises(StoreError):
        await ask(tmp_path, KEYS_LIST, Nothing())


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (999, "was written by a newer groundswell .*; upgrade groundswell, or restore the backup"),
        (1, "was written by an older groundswell .*; start this one once, which brings it up to date"),
    ],
)
async def test_a_state_file_of_another_version_is_not_read(tmp_path: Path, version: int, said: str) -> None:
    write_config(tmp_path, "")
    async with Store(tmp_path / "groundswell.db"):
        pass
    connection = sqlite3.connect(tmp_path / "groundswell.db")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(StoreError, match=said):
        await ask(tmp_path, KEYS_LIST, Nothing())


class TestNobodyAnswers:
    """Somebody holds the state file, and cannot be reached."""

    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reach, "PATIENCE_S", 0.2)

    @pytest.fixture
    def held(self, tmp_path: Path) -> Path:
        write_config(tmp_path, "")
        return tmp_path

    async def refused(self, directory: Path) -> str:
        lock = Lock(directory / "groundswell.db")
        lock.acquire()
        try:
            with pytest.raises(OpsError) as caught:
                await ask(directory, STATUS, Nothing())
        finally:
            lock.release()
        return str(caught.value)

    async def test_without_a_token_file(self, held: Path) -> None:
        message = await self.refused(held)
        assert f"a groundswell is using {held}/groundswell.db" in message
        assert "groundswell.db.token" in message
        assert "look at its log" in message

    async def test_with_a_token_file_cut_short(self, held: Path) -> None:
        (held / "groundswell.db.token").write_text('{"address": "127.')
        assert "is not there" in await self.refused(held)

    async def test_where_nothing_listens(self, held: Path) -> None:
        token_file.write(held / "groundswell.db.token", TokenFile("127.0.0.1:1", "gso_x", 4711))
        message = await self.refused(held)
        assert "nothing answers at 127.0.0.1:1" in message
        assert "process 4711" in message

    async def test_where_something_else_listens(self, held: Path) -> None:
        async def page(_: web.BaseRequest) -> web.StreamResponse:
            return web.Response(text="<html>hello</html>", content_type="text/html")

        runner = web.ServerRunner(web.Server(page))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address = f"127.0.0.1:{runner.addresses[0][1]}"
        token_file.write(held / "groundswell.db.token", TokenFile(address, "gso_x", 4711))
        message = await self.refused(held)
        await runner.cleanup()
        assert f"what answers at {address} (200) does not speak as this groundswell does" in message

    async def test_where_a_daemon_does_not_take_the_token(self, held: Path) -> None:
        (held / "other").mkdir()
        async with receiving() as (_, pipeline), running(pipeline, held / "other") as daemon:
            address = token_of(daemon).address
            token_file.write(held / "groundswell.db.token", TokenFile(address, "gso_x", 4711))
            assert f"the daemon at {address} does not take the token" in await self.refused(held)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
async def test_what_root_makes_before_the_first_start_belongs_to_the_owner_of_the_directory(tmp_path: Path) -> None:
    write_config(tmp_path, "")
    os.chown(tmp_path, 65_534, 65_534)
    await ask(tmp_path, KEYS_CREATE, NameKey("actblue"))
    owners = {name: (tmp_path / name).stat().st_uid for name in names_in(tmp_path) if name.startswith("groundswell")}
    assert owners.keys() >= {"groundswell.db", "groundswell.db.lock"}
    assert set(owners.values()) == {65_534}


async def test_a_command_waits_for_a_daemon_that_is_starting(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        content = token_of(daemon)
        path = place_in(tmp_path).token_file
        path.unlink()
        async with anyio.create_task_group() as tasks:

            async def asked() -> None:
                assert (await ask(tmp_path, STATUS, Nothing())).running

            tasks.start_soon(asked)
            await anyio.sleep(0.05)
            token_file.write(path, content)


async def test_ipv6_loopback_is_reached(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        six = pipeline.replace('[ops]\nlisten = "127.0.0.1:0"', '[ops]\nlisten = "[::1]:0"')
        try:
            async with running(six, tmp_path) as daemon:
                assert token_of(daemon).address.startswith("[::1]:")
                assert (await ask(tmp_path, STATUS, Nothing())).running
        except* OSError as group:
            pytest.skip(f"this machine has no IPv6 loopback: {group.exceptions[0]}")


def test_the_token_file_holds_what_the_documentation_says(tmp_path: Path) -> None:
    token_file.write(tmp_path / "token", TokenFile("127.0.0.1:9464", "gso_x", 1))
    assert msgspec.json.decode((tmp_path / "token").read_bytes()) == {
        "address": "127.0.0.1:9464",
        "token": "gso_x",
        "pid": 1,
    }
