"""Opening the state file: the right one, undamaged, one daemon at a time; and what happens when it is full."""

import asyncio
import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from groundswell.component import Arrival, Delivery
from groundswell.errors import StoreError, StoreFullError, StoreLockedError
from groundswell.store import searched
from groundswell.store.database import APPLICATION_ID, Lock, connect_to_write, migrations
from groundswell.store.inbox import Accept
from groundswell.store.outbox import Processed, Settlement
from groundswell.store.retention import Purge
from groundswell.store.store import Store

NOW = 1_777_719_609_000


async def fill(store: Store, count: int = 300, size: int = 1_000) -> None:
    await store.accept(Accept("signups", NOW, [Arrival(f"r/{n}", os.urandom(size)) for n in range(count)]))


def pragma(path: Path, name: str) -> Any:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def content(path: Path) -> bytes:
    return path.read_bytes()


def modes(directory: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()}


async def refusal(path: Path) -> str:
    """Why this file is refused. It must be as it was, and nobody may hold it afterwards."""
    before = content(path)
    with pytest.raises(StoreError) as refused:
        await Store(path).open()
    assert content(path) == before
    lock = Lock(path)
    lock.acquire()
    lock.release()
    assert str(path) in str(refused.value)
    return str(refused.value)


async def test_a_new_file_is_made_with_the_right_settings(tmp_path: Path) -> None:
    path = tmp_path / "groundswell.db"
    async with Store(path):
        pass
    assert pragma(path, "application_id") == APPLICATION_ID
    assert pragma(path, "user_version") == migrations()[-1][0]
    assert pragma(path, "journal_mode") == "wal"
    assert pragma(path, "auto_vacuum") == 2  # incremental


async def test_the_file_and_what_stands_beside_it_are_for_nobody_else(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with Store(tmp_path / "groundswell.db") as store:
            await fill(store)
            found = modes(tmp_path)
    finally:
        os.umask(before)
    assert found == dict.fromkeys(
        ("groundswell.db", "groundswell.db-wal", "groundswell.db-shm", "groundswell.db.lock"), 0o600
    )


async def test_every_commit_is_flushed_to_disk(tmp_path: Path) -> None:
    with closing(connect_to_write(tmp_path / "groundswell.db", 2**30)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # full
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


async def test_an_empty_file_is_taken_as_new(tmp_path: Path) -> None:
    (tmp_path / "groundswell.db").touch()
    async with Store(tmp_path / "groundswell.db") as store:
        assert await store.position() == 0


async def test_a_path_with_odd_letters_is_opened_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a?b#c%41 é.db"
    async with Store(path) as store:
        await fill(store, 1)
    assert path.exists()
    async with Store(path) as store:
        assert await store.last_accepted() == 1


async def test_a_file_of_a_newer_groundswell_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "groundswell.db"
    async with Store(path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")
    said = await refusal(path)
    assert "newer groundswell (format 999" in said
    assert "upgrade groundswell" in said


async def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")
    assert "some other program" in await refusal(path)


@pytest.mark.parametrize("content", [b"PK\x03\x04" + b"\0" * 5_000, b"[daemon]\n" * 1_000, b"\xff" * 20])
async def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "groundswell.db"
    path.write_bytes(content)
    assert "file is not a database" in await refusal(path)


async def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "groundswell.db"
    async with Store(path) as store:
        await fill(store)
    with path.open("r+b") as file:
        for page in (3, 5, 20, 40):
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)
    said = await refusal(path)
    assert "damaged" in said or "malformed" in said
    assert "restore the last backup" in said


async def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "groundswell.db"
    async with Store(path) as store:
        await fill(store)
    os.truncate(path, path.stat().st_size // 2)
    assert "restore the last backup" in await refusal(path)


async def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"check that the directory exists"):
        await Store(tmp_path / "nowhere" / "groundswell.db").open()


async def test_a_directory_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "groundswell.db").mkdir()
    with pytest.raises(StoreError, match=r"cannot open the state file .*Is a directory"):
        await Store(tmp_path / "groundswell.db").open()


async def test_a_second_store_in_this_process_is_locked_out(store: Store) -> None:
    with pytest.raises(StoreLockedError, match="another groundswell is using"):
        await Store(store.path).open()
    await fill(store, 1)


async def test_a_second_process_is_locked_out_until_the_first_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "groundswell.db"
    try_it = (
        "import sys; from pathlib import Path; from groundswell.store.database import Lock;"
        "Lock(Path(sys.argv[1])).acquire()"
    )
    command = [sys.executable, "-c", try_it, str(path)]
    async with Store(path):
        locked_out = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "StoreLockedError" in locked_out.stderr
    assert subprocess.run(command, check=False).returncode == 0


# ---- full ----


async def test_deliveries_leave_room_to_write_down_what_became_of_them(tmp_path: Path) -> None:
    async with Store(tmp_path / "groundswell.db", size_max=2 * 2**20) as store:
        pending = []
        with contextlib.suppress(StoreFullError):
            while True:
                made = [("crm", 1, Delivery(f"r/{n}", "action", f"r/{n}", os.urandom(1_000))) for n in range(10)]
                pending += await store.process(Processed(NOW, None, made))
        assert len(pending) > 1_000
        with pytest.raises(StoreFullError):
            await fill(store, count=1)
        for entry in pending[:500]:
            await store.settle(Settlement(NOW, [entry.seq]))
        await fill(store, count=1)


async def test_a_full_file_refuses_more_keeps_what_it_has_and_recovers(tmp_path: Path) -> None:
    path = tmp_path / "groundswell.db"
    async with Store(path, size_max=2 * 2**20) as store:
        batches = [
            store.accept(Accept("signups", NOW, [Arrival(f"r/{number}/{n}", os.urandom(1_000)) for n in range(20)]))
            for number in range(500)
        ]
        results = await asyncio.gather(*batches, return_exceptions=True)
        accepted = sum(len(result) for result in results if isinstance(result, list))
        refused = [result for result in results if not isinstance(result, list)]
        assert {(type(result), "state_max" in str(result)) for result in refused} == {(StoreFullError, True)}
        assert path.stat().st_size <= 2 * 2**20
        assert await store.lacks_room() is not None
        assert len(await store.arrivals_after(0, 10_000, 2**40)) == accepted
        with pytest.raises(StoreFullError):
            await fill(store)

        await store.process(Processed(NOW, await store.last_accepted()))
        step: Purge | None = Purge(NOW + 1)
        while step is not None:
            step = (await store.purge(step)).next
        assert await store.lacks_room() is None
        await fill(store)


async def test_what_was_accepted_can_still_be_processed_when_nothing_new_is_taken(tmp_path: Path) -> None:
    async with Store(tmp_path / "groundswell.db", size_max=8 * 2**20) as store:
        while await store.lacks_room() is None:
            batch = [Arrival(f"r/{await store.last_accepted()}/{n}", os.urandom(1_000)) for n in range(20)]
            await store.accept(Accept("signups", NOW, batch))
        position = 0
        while entries := await store.arrivals_after(position, 100, 2**40):
            position = entries[-1].seq
            made = [("crm", e.seq, Delivery(e.arrival.id, "action", e.arrival.id, b"x" * 1_000)) for e in entries]
            pending = await store.process(Processed(NOW, position, made))
            await store.settle(Settlement(NOW, delivered=[p.seq for p in pending]))
        assert await store.position() == await store.last_accepted()


async def test_a_disk_with_too_little_room_is_said_to_be_nearly_full(tmp_path: Path) -> None:
    async with Store(tmp_path / "groundswell.db", disk_free_min=2**60) as store:
        assert "disk is nearly full" in str(await store.lacks_room())
    async with Store(tmp_path / "groundswell.db") as store:
        assert await store.lacks_room() is None


# ---- versions ----


def schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()


def test_versions_are_numbered_from_one_without_gaps() -> None:
    assert [number for number, _ in migrations()] == list(range(1, len(migrations()) + 1))


@pytest.mark.parametrize("version", [number for number, _ in migrations()])
def test_a_file_of_any_earlier_version_is_brought_up_to_the_schema_of_a_new_one(tmp_path: Path, version: int) -> None:
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        searched.teach(connection)
        for number, script in migrations()[:version]:
            connection.executescript(script)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    with (
        closing(connect_to_write(old, 2**30)) as upgraded,
        closing(connect_to_write(tmp_path / "new.db", 2**30)) as fresh,
    ):
        assert schema(upgraded) == schema(fresh)
        for name in ("user_version", "application_id", "auto_vacuum"):
            assert upgraded.execute(f"PRAGMA {name}").fetchone() == fresh.execute(f"PRAGMA {name}").fetchone()


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "groundswell.db"
    connect_to_write(path, 2**30).close()
    scripts = migrations()
    broken = [*scripts, (scripts[-1][0] + 1, "CREATE TABLE extra (a TEXT) STRICT; CREATE TABLE inbox (a TEXT) STRICT;")]
    monkeypatch.setattr("groundswell.store.database.migrations", lambda: broken)
    with pytest.raises(StoreError, match="inbox already exists"):
        connect_to_write(path, 2**30)
    monkeypatch.undo()
    with closing(connect_to_write(path, 2**30)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'extra'").fetchone() == (0,)
        assert connection.execute("PRAGMA user_version").fetchone() == (scripts[-1][0],)
