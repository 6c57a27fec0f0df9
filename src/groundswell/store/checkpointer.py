"""Moving committed pages from SQLite's log (the WAL) into the state file while the writer goes on writing.

SQLite does this by itself inside a commit: with a small bound often, with a large one seldom but for tens of
milliseconds in which every webhook waits. Here a second thread does the bulk of it, and the writer only the short rest
that came meanwhile, after which the log begins anew.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROWS_BETWEEN: Final = 16_000
"""Rows changed between two checkpoints: some 15 to 30 MB of log."""
ROWS_BETWEEN_LOOKS: Final = 64
"""Rows changed between two looks at the size of the log."""
LOG_BYTES_MAX: Final = 64 * 2**20
"""When rows are large, a checkpoint comes earlier: when the log is larger than this. It begins anew no larger."""
_STEP: Final = "PRAGMA wal_checkpoint(PASSIVE)"


class Checkpointer:
    """Used by the writer's thread only; has a thread of its own for the long part."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], log: Path) -> None:
        """`connect` opens another connection to the same file, whose log is `log`."""
        self._connect = connect
        self._log = log
        self._due = threading.Event()
        self._bulk_is_done = threading.Event()
        self._is_closing = False
        self._rows_before = 0
        self._rows_looked_at = 0
        self._thread = threading.Thread(target=self._run, name="store-checkpointer", daemon=True)
        self._thread.start()

    def after_commit(self, connection: sqlite3.Connection) -> None:
        """Start a checkpoint when it is time; finish the one whose bulk is done. For the writer, between commits."""
        if self._bulk_is_done.is_set():
            self._bulk_is_done.clear()
            with contextlib.suppress(sqlite3.Error):  # a full disk: the next commit says so
                connection.execute(_STEP)
        elif not self._due.is_set() and self._is_time(connection.total_changes):
            self._rows_before = connection.total_changes
            self._due.set()

    def _is_time(self, rows: int) -> bool:
        if rows - self._rows_before >= ROWS_BETWEEN:
            return True
        if rows - self._rows_looked_at < ROWS_BETWEEN_LOOKS:
            return False
        self._rows_looked_at = rows
        return self._log.stat().st_size > LOG_BYTES_MAX

    def make_room(self, connection: sqlite3.Connection) -> None:
        """Empty the log altogether, if that can be done: it may be what fills the disk."""
        with contextlib.suppress(sqlite3.Error):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """End the thread."""
        self._is_closing = True
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(self._connect()) as connection:
            while not self._is_closing:
                self._due.wait()
                if self._is_closing:
                    return
                with contextlib.suppress(sqlite3.Error):
                    connection.execute(_STEP)
                self._due.clear()
                self._bulk_is_done.set()
