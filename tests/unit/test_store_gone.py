"""A state file that goes while it is in use: nothing more is acknowledged, and nobody waits for ever."""

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs

from groundswell.component import Arrival
from groundswell.errors import StoreError
from groundswell.store.checkpointer import Checkpointer
from groundswell.store.inbox import Accept
from groundswell.store.store import Store

NOW = 1_777_719_609_000
CRASH = ValueError("rosa@example.org")


def batch(number: int) -> Accept:
    return Accept("signups", NOW, [Arrival(f"r/{number}", b"{}")])


def moved(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def deleted(path: Path) -> None:
    for file in path.parent.glob("groundswell.db*"):
        file.unlink()


def log_deleted(path: Path) -> None:
    path.with_name("groundswell.db-wal").unlink()


def replaced(path: Path) -> None:
    path.with_name("backup.db").write_bytes(path.read_bytes())
    path.with_name("backup.db").replace(path)


@pytest.mark.parametrize("lose", [moved, deleted, log_deleted, replaced])
async def test_after_it_was_lost_nothing_is_acknowledged(tmp_path: Path, lose: Callable[[Path], None]) -> None:
    path = tmp_path / "groundswell.db"
    async with Store(path) as store:
        assert len(await store.accept(batch(1))) == 1
        store.check()
        lose(path)
        with pytest.raises(StoreError, match="moved, deleted or replaced while groundswell was using it") as lost:
            store.check()
        assert str(path) in str(lost.value)
        for number in (2, 3):
            with anyio.fail_after(5), pytest.raises(StoreError, match="moved, deleted or replaced"):
                await store.accept(batch(number))


async def test_one_that_stays_is_never_taken_for_lost(tmp_path: Path) -> None:
    for _ in range(2):  # made, and opened again
        async with Store(tmp_path / "groundswell.db") as store:
            for number in range(5):
                await store.accept(batch(number))
                store.check()


async def test_whatever_stops_the_writer_everybody_who_waits_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file that was gone when the log was measured ended the thread: whoever came after waited for ever.
    def fail(*_: object) -> None:
        raise CRASH

    async with Store(tmp_path / "groundswell.db") as store:
        monkeypatch.setattr(Checkpointer, "after_commit", fail)
        with capture_logs() as lines, anyio.fail_after(5):
            first = store.accept(batch(1))
            assert len(await first) == 1  # it was committed before
            for number in (2, 3):
                with pytest.raises(StoreError, match="ValueError; this is a defect, please report it"):
                    await store.accept(batch(number))
        with pytest.raises(StoreError):
            store.check()
    assert [line["event"] for line in lines] == ["store_defect"]
    assert "rosa" not in str(lines)


async def test_a_file_that_cannot_be_looked_at_stops_the_writer_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Store(tmp_path / "groundswell.db") as store:
        monkeypatch.setattr(Checkpointer, "after_commit", lambda *_: Path("/nowhere/at/all").stat())
        await store.accept(batch(1))
        with anyio.fail_after(5), pytest.raises(StoreError, match="No such file or directory"):
            await store.accept(batch(2))
