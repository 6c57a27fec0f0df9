"""The one writer of the state file: a thread that commits everything waiting in one transaction.

A write is a function and its argument. All writes of one function that wait at the same time are handed to it together,
so a commit of 64 webhooks is one statement and one flush to disk, and everybody who waited is released at once.
Why a thread of our own: docs/decisions/0001-group-commit-in-one-writer-thread.md.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import structlog

from groundswell.errors import StoreError, StoreFullError
from groundswell.logs import without_text
from groundswell.store.checkpointer import Checkpointer

A = TypeVar("A")
R = TypeVar("R")

Apply = Callable[[sqlite3.Connection, Sequence[A]], Sequence[R]]
"""Applies some writes inside the open transaction; one result each, in order. May be called again after a rollback."""

Committed = Callable[[Sequence[A], Sequence[R]], None]


class Ended(Protocol):
    """Told whether a transaction was committed; otherwise nothing of it counts."""

    def __call__(self, *, is_committed: bool) -> None: ...


WRITES_PER_COMMIT_MAX: Final = 2_000

log = structlog.get_logger()

_Waiting = tuple[Apply[Any, Any], Any, "asyncio.Future[Any]"]


class Writer:
    """Owns the writing connection. Open it on the event loop that will wait for it."""

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        connect_again: Callable[[], sqlite3.Connection],
        log: Path,
        ended: Ended,
        check: Callable[[], None],
    ) -> None:
        """`connect` opens the connection that writes, `connect_again` one more, for checkpoints of `log` beside it.

        `ended` is told of the end of every transaction, on the writer's thread. `check` raises StoreError where what
        was just committed is not to be counted on; it is called before those who wait are told.
        """
        self._ended = ended
        self._check = check
        self._connect = connect
        self._connect_again = connect_again
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._listeners: dict[Apply[Any, Any], Committed[Any, Any]] = {}
        self.failed: StoreError | None = None
        """Why nothing is written any more."""
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self.commits = 0

    async def open(self) -> None:
        """Connect, in the writer's own thread. Raises what `connect` raises."""
        opened: asyncio.Future[None] = self._loop.create_future()
        self._opened = opened
        self._thread.start()
        await opened

    def listen(self, apply: Apply[A, R], committed: Committed[A, R]) -> None:
        """Call `committed(arguments, results)` on the event loop after each commit, before those who wait go on."""
        self._listeners[apply] = committed

    def submit(self, apply: Apply[A, R], argument: A) -> "asyncio.Future[R]":
        """Ask for a write. The future is done once it is on disk.

        Raises (from the future):
            StoreFullError: no room; nothing of this write was kept.
            StoreError: the state file failed; every later write fails too.
            Exception: what `apply` itself raised, mostly RequestError; nothing of this write was kept.
        """
        future: asyncio.Future[R] = self._loop.create_future()
        if self.failed is not None:
            future.set_exception(self.failed)
        else:
            self._queue.put((apply, argument, future))
        return future

    async def close(self) -> None:
        """Commit what waits, then close the connection."""
        if self._thread.is_alive():
            self._queue.put(None)
            await self._loop.run_in_executor(None, self._thread.join)

    # ---- on the writer's thread ----

    def _run(self) -> None:
        try:
            connection = self._connect()
            self._checkpointer = Checkpointer(self._connect_again, self._log)
        except Exception as exc:
            self._loop.call_soon_threadsafe(self._opened.set_exception, exc)
            return
        self._loop.call_soon_threadsafe(self._opened.set_result, None)
        with contextlib.closing(connection):
            while (waiting := self._take()) is not None:
                try:
                    self._write(connection, waiting)
                except Exception as exc:
                    self._give_up(waiting, exc)
            self._checkpointer.close()

    def _write(self, connection: sqlite3.Connection, waiting: list[_Waiting]) -> None:
        if self.failed is not None:
            raise self.failed
        self._commit(connection, waiting)
        self._checkpointer.after_commit(connection)

    def _give_up(self, waiting: list[_Waiting], exc: Exception) -> None:
        """Write nothing more. The thread stays, to refuse what was on its way: nobody may wait for ever."""
        if self.failed is None:
            self.failed = _as_failure(exc)
        self._post(self._fail, [future for _, _, future in waiting], self.failed)

    def _take(self) -> list[_Waiting] | None:
        first = self._queue.get()
        if first is None:
            return None
        waiting = [first]
        try:
            while len(waiting) < WRITES_PER_COMMIT_MAX:
                following = self._queue.get_nowait()
                if following is None:
                    self._queue.put(None)
                    break
                waiting.append(following)
        except queue.Empty:
            pass
        return waiting

    def _commit(self, connection: sqlite3.Connection, waiting: list[_Waiting]) -> None:
        groups: dict[Apply[Any, Any], list[tuple[Any, asyncio.Future[Any]]]] = {}
        for apply, argument, future in waiting:
            groups.setdefault(apply, []).append((argument, future))
        try:
            connection.execute("BEGIN IMMEDIATE")
            results = [
                (apply, [argument for argument, _ in group], apply(connection, [argument for argument, _ in group]))
                for apply, group in groups.items()
            ]
            connection.execute("COMMIT")
        except Exception as exc:
            # Whatever it is (a number SQLite cannot hold, a defect of ours), somebody waits to be told of it.
            if connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            self._ended(is_committed=False)
            self._refuse(connection, waiting, exc)
            return
        self._ended(is_committed=True)
        self._check()
        self.commits += 1
        futures = [[future for _, future in group] for group in groups.values()]
        self._post(self._release, results, futures)

    def _refuse(self, connection: sqlite3.Connection, waiting: list[_Waiting], exc: Exception) -> None:
        """One write spoils the transaction of all: try them one by one, so that only the culprit fails."""
        is_of_file = isinstance(exc, sqlite3.Error) and not _is_of_one_write(exc)
        if not is_of_file and len(waiting) > 1:
            for write in waiting:
                self._commit(connection, [write])
            return
        error = _as_store_error(exc) if isinstance(exc, sqlite3.Error) else exc
        if isinstance(error, StoreFullError):
            self._checkpointer.make_room(connection)
        if is_of_file and isinstance(error, StoreError) and not isinstance(error, StoreFullError):
            self.failed = error
        self._post(self._fail, [future for _, _, future in waiting], error)

    def _post(self, callback: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone: the process is being torn down
            self._loop.call_soon_threadsafe(callback, *arguments)

    # ---- back on the event loop ----

    def _release(
        self,
        results: list[tuple[Apply[Any, Any], list[Any], Sequence[Any]]],
        futures: list[list["asyncio.Future[Any]"]],
    ) -> None:
        for (apply, arguments, values), waiters in zip(results, futures, strict=True):
            listener = self._listeners.get(apply)
            if listener is not None:
                listener(arguments, values)
            for waiter, value in zip(waiters, values, strict=True):
                if not waiter.done():
                    waiter.set_result(value)

    def _fail(self, futures: list["asyncio.Future[Any]"], error: Exception) -> None:
        for future in futures:
            if not future.done():
                future.set_exception(error)


_FAULTS_OF_ONE_WRITE: Final = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


def _is_of_one_write(exc: sqlite3.Error) -> bool:
    """Whether an error says something of a write and nothing of the file."""
    return isinstance(exc, _FAULTS_OF_ONE_WRITE) or getattr(exc, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR


def _as_failure(exc: Exception) -> StoreError:
    """What stopped the writer, as everybody hears of it who asks for a write."""
    if isinstance(exc, StoreError):
        return exc
    if isinstance(exc, sqlite3.Error):
        return _as_store_error(exc)
    if isinstance(exc, OSError):
        return StoreError(f"looking after the state file failed: {exc.strerror or type(exc).__name__}")
    log.error("store_defect", exception=without_text(exc), then="nothing more is written, and groundswell ends")
    return StoreError(f"writing the state file failed: {type(exc).__name__}; this is a defect, please report it")


def _as_store_error(exc: sqlite3.Error) -> StoreError:
    code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreFullError("the state file has no room to grow (disk full, or [daemon] state_max reached)")
    return StoreError(f"writing the state file failed ({getattr(exc, 'sqlite_errorname', type(exc).__name__)}: {exc})")
