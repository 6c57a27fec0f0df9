"""Opening the state file: the right file, the right version, one daemon, the right pragmas."""

import fcntl
import os
import sqlite3
from importlib import resources
from pathlib import Path
from typing import Final, TextIO

from groundswell.errors import StoreError, StoreLockedError
from groundswell.store import searched
from groundswell.store.checkpointer import LOG_BYTES_MAX

APPLICATION_ID: Final = 0x4753574C
"""Marks a SQLite file as ours ("GSWL")."""
PAGE_BYTES: Final = 8192
QUICK_CHECK_BYTES_MAX: Final = 256 * 2**20
"""Files up to this size are checked whole at start (about a second); larger ones as they are read."""
BUSY_TIMEOUT_MS: Final = 10_000


class Lock:
    """Held while a process uses the state file for writing. The kernel lets go of it when the process dies."""

    def __init__(self, state: Path) -> None:
        self._path = state.with_name(state.name + ".lock")
        self._file: TextIO | None = None

    def acquire(self) -> None:
        """Raises StoreLockedError when another process holds it, StoreError when the directory cannot be written."""
        try:
            file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        except OSError as exc:
            raise StoreError(
                f"cannot write beside the state file {self._path.with_suffix('')}: {exc.strerror}; "
                "check that the directory exists and belongs to the user groundswell runs as"
            ) from exc
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise StoreLockedError(
                f"another groundswell is using {self._path.with_suffix('')}; stop it first, or give this one "
                "another [daemon] state"
            ) from None
        self._file = file

    def is_held(self) -> bool:
        """Whether a process holds it now; asking changes nothing. Raises StoreError when we may not know."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        except OSError as exc:
            raise StoreError(
                f"cannot see whether a groundswell is using {self._path.with_suffix('')}: {exc.strerror}; "
                "run this as the user groundswell runs as, or as root"
            ) from exc
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def connect_to_write(path: Path, size_max: int) -> sqlite3.Connection:
    """The writing connection: WAL, every commit flushed, the schema brought up to date.

    Raises:
        StoreError: not our file, a newer version's file, a damaged file, or one that cannot be opened.
    """
    _make_private(path)
    try:
        connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        try:
            _check_is_ours(connection, path)
            version = _version_of(connection, path)
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")  # what is deleted is not left to be read in free room
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            connection.execute("PRAGMA cache_size = -8000")
            connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES_MAX}")
            connection.execute("PRAGMA wal_autocheckpoint = 0")  # see checkpointer.py
            connection.execute(f"PRAGMA max_page_count = {size_max // PAGE_BYTES}").fetchone()
            _migrate(connection, version)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as exc:
        raise StoreError(
            f"cannot use the state file {path}: {exc}. If it is damaged, move it away (keep it: accepted records may "
            "be in it) and restore the last backup; see docs/operating.md"
        ) from exc
    return connection


def log_of(path: Path) -> Path:
    """Where SQLite keeps the log (WAL) of a state file while it is in use."""
    return path.with_name(f"{path.name}-wal")


def connect_to_checkpoint(path: Path) -> sqlite3.Connection:
    """A further connection of the process that writes. It may be used in another thread than the one that opened it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that reads what is committed, for whichever thread asks."""
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=64, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA cache_size = -32000")
    return connection


def check_to_read(path: Path, application_id: int, version: int) -> None:
    """Raises StoreError unless a file so marked is one this program can read as it is."""
    if application_id != APPLICATION_ID:
        raise StoreError(f"{path} is no state file of groundswell; see [daemon] state")
    newest = migrations()[-1][0]
    if version > newest:
        raise _is_newer(path, version, newest)
    if version < newest:
        raise StoreError(
            f"{path} was written by an older groundswell (format {version}, this program reads {newest}); start "
            "this one once, which brings it up to date, or use the one that wrote it"
        )


def _make_private(path: Path) -> None:
    """Personal data is in there: the file is the daemon's alone."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as exc:
        raise StoreError(f"cannot open the state file {path}: {exc.strerror}") from exc


def _check_is_ours(connection: sqlite3.Connection, path: Path) -> None:
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application_id != APPLICATION_ID and tables:
        raise StoreError(
            f"{path} is a SQLite file of some other program; name another [daemon] state, nothing was changed in it"
        )
    if tables and path.stat().st_size <= QUICK_CHECK_BYTES_MAX:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"it is damaged ({verdict})")


def migrations() -> list[tuple[int, str]]:
    """The numbered scripts, in order: (version after it, SQL)."""
    folder = resources.files("groundswell.store") / "sql"
    scripts = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda e: e.name)
    return [(int(script.name.split("_")[0]), script.read_text()) for script in scripts]


def _version_of(connection: sqlite3.Connection, path: Path) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    newest = migrations()[-1][0]
    if version > newest:
        raise _is_newer(path, version, newest)
    return version


def _is_newer(path: Path, version: int, newest: int) -> StoreError:
    return StoreError(
        f"{path} was written by a newer groundswell (format {version}, this program knows up to {newest}); "
        "upgrade groundswell, or restore the backup made before the upgrade. Nothing was changed in it"
    )


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    searched.teach(connection)
    for number, script in migrations():
        if number > version:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{script}\nPRAGMA application_id = {APPLICATION_ID};\n"
                f"PRAGMA user_version = {number};\nCOMMIT;"
            )
