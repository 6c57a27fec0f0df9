"""Checkpoints beside the writer: the log is kept short, nothing waits for it, and closing never hangs."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundswell.component import Arrival
from groundswell.store import checkpointer
from groundswell.store.checkpointer import Checkpointer
from groundswell.store.inbox import Accept
from groundswell.store.store import Store

NOW = 1_777_719_609_000


class SlowConnection:
    """Stands for a connection whose checkpoint takes until it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.total_changes = 0

    def execute(self, _: str) -> None:
        self.begun.set()
        assert self.let_go.wait(10)

    def close(self) -> None:
        pass


class Rows:
    """Stands for the writing connection: so many rows were changed."""

    def __init__(self, total_changes: int) -> None:
        self.total_changes = total_changes
        self.done: list[str] = []

    def execute(self, statement: str) -> None:
        self.done.append(statement)


def made_of(connection: Any) -> Callable[[], sqlite3.Connection]:
    return lambda: connection


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "groundswell.db-wal"
    file.touch()
    return file


def test_closing_while_a_checkpoint_runs_does_not_hang(log: Path) -> None:
    # The end of the checkpoint took back the signal that closing had just given.
    slow = SlowConnection()
    checkpoints = Checkpointer(made_of(slow), log)
    rows: Any = Rows(checkpointer.ROWS_BETWEEN)
    checkpoints.after_commit(rows)
    assert slow.begun.wait(10)
    closing = threading.Thread(target=checkpoints.close, daemon=True)
    closing.start()
    while not checkpoints._is_closing:
        pass
    slow.let_go.set()
    closing.join(10)
    assert not closing.is_alive()


def test_the_writer_does_the_short_rest_once_the_bulk_is_done(log: Path) -> None:
    slow = SlowConnection()
    checkpoints = Checkpointer(made_of(slow), log)
    rows: Any = Rows(checkpointer.ROWS_BETWEEN)
    checkpoints.after_commit(rows)
    checkpoints.after_commit(rows)
    assert rows.done == []  # the bulk is still under way
    slow.let_go.set()
    assert checkpoints._bulk_is_done.wait(10)
    checkpoints.after_commit(rows)
    checkpoints.after_commit(rows)
    assert rows.done == ["PRAGMA wal_checkpoint(PASSIVE)"]
    checkpoints.close()


@pytest.mark.parametrize("bound", ["ROWS_BETWEEN", "LOG_BYTES_MAX"])
async def test_the_log_stays_short_however_much_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(checkpointer, bound, 200)
    async with Store(tmp_path / "groundswell.db") as store:
        log = tmp_path / "groundswell.db-wal"
        sizes = []
        for batch in range(100):
            arrivals = [Arrival(f"r/{batch}/{n}", b"x" * 1_000) for n in range(100)]
            await store.accept(Accept("signups", NOW, arrivals))
            sizes.append(log.stat().st_size)
        written = 100 * 100 * 1_000
        assert max(sizes) < written / 2
        assert await store.last_accepted() == 10_000
    assert not log.exists()


async def test_without_a_close_everything_is_found_again(tmp_path: Path) -> None:
    """As after a crash: what is only in the log is read from there."""
    async with Store(tmp_path / "groundswell.db") as store:
        await store.accept(Accept("signups", NOW, [Arrival("r/1", b"{}")]))
        copy = tmp_path / "copy"
        copy.mkdir()
        for file in ("groundswell.db", "groundswell.db-wal"):
            (copy / file).write_bytes((tmp_path / file).read_bytes())
    async with Store(copy / "groundswell.db") as store:
        assert await store.last_accepted() == 1
