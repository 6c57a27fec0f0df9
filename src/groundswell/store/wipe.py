"""Wiping what SQLite leaves in the unused middle of its pages.

`secure_delete` wipes what is deleted. But when a full page is divided, what moves to its neighbour may stay behind as
well, between the page's list of cells and its first cell: of a few hundred forgotten people, one could still be read
there. SQLite's file format calls that part unallocated; it means nothing, and here it is filled with zeros.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from groundswell.store.database import PAGE_BYTES, connect_to_checkpoint, log_of

PAGES_PER_STEP: Final = 1_024
"""Pages (8 MiB) that are looked at, and for which the writer waits if there is something to wipe, at a time."""
TRIES: Final = 50
PAUSE_S: Final = 0.02
WAIT_MS: Final = 50
"""For whoever reads at this moment; the writer waits as well."""
_FILE_HEADER: Final = 100
_RESERVED_AT: Final = 20
_HEADER_OF: Final = {2: 12, 5: 12, 10: 8, 13: 8}
"""Length of the header by kind of page: interior and leaf, of an index and of a table."""
_LOCK_PAGE: Final = 2**30 // PAGE_BYTES + 1
"""SQLite never writes this page."""
_PAGES_PER_MAP: Final = PAGE_BYTES // 5 + 1
"""Page 2, and every so many after it, says where pages are referred to from."""
_PAGES_MAX: Final = 2**24
"""With so many pages, a page of overflow may begin like one of a tree."""


class Wipe:
    """Of one state file, while it is open.

    A process that closes a file gives up all its locks on it, SQLite's too. So the file is opened here at the first use
    and closed when no connection is left.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def run(self) -> bool:
        """Wipe all of the file, and empty its log. Takes about a second a gigabyte; the writer waits for small parts.

        Returns:
            False when others kept the log from being emptied; then something may be left.
        """
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR)
        if not _is_alone(self._path):
            return False
        pages = os.fstat(self._file).st_size // PAGE_BYTES
        if pages >= _PAGES_MAX or (pages and os.pread(self._file, 1, _RESERVED_AT) != b"\0"):
            return False
        for first in range(1, pages + 1, PAGES_PER_STEP):
            if any(_stains(self._file, first)) and not self._wipe(self._file, first):
                return False
        return _is_alone(self._path)

    def _wipe(self, file: int, first: int) -> bool:
        """Nobody writes meanwhile, and no page has a newer version in the log, or nothing is done."""
        for _ in range(TRIES):
            with closing(connect_to_checkpoint(self._path)) as connection:
                if _has_emptied_log(connection) and _has_begun(connection):
                    if log_of(self._path).stat().st_size == 0:
                        for start, length in _stains(file, first):
                            os.pwrite(file, bytes(length), start)
                        os.fsync(file)
                        # Who has a page in memory would write it back as it was: after any commit all are read anew.
                        connection.execute("UPDATE progress SET seq = seq WHERE name = 'processor'")
                        connection.execute("COMMIT")
                        return True
                    connection.execute("ROLLBACK")
            time.sleep(PAUSE_S)
        return False

    def close(self) -> None:
        """When no connection is left."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _has_begun(connection: sqlite3.Connection) -> bool:
    """Whether the writer now has to wait for us."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    return True


def _is_alone(path: Path) -> bool:
    """Whether the log could be emptied; whoever reads does so for an instant only."""
    with closing(connect_to_checkpoint(path)) as connection:
        for _ in range(TRIES):
            if _has_emptied_log(connection):
                return True
            time.sleep(PAUSE_S)
    return False


def _has_emptied_log(connection: sqlite3.Connection) -> bool:
    connection.execute(f"PRAGMA busy_timeout = {WAIT_MS}")
    is_busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return not is_busy


def _stains(file: int, first: int) -> Iterator[tuple[int, int]]:
    """Where in the file (offset, length) the next pages have something in their unused middle."""
    read = os.pread(file, PAGES_PER_STEP * PAGE_BYTES, (first - 1) * PAGE_BYTES)
    for start in range(0, len(read) - PAGE_BYTES + 1, PAGE_BYTES):
        number = first + start // PAGE_BYTES
        if number == _LOCK_PAGE or (number - 2) % _PAGES_PER_MAP == 0:
            continue
        at = start + (_FILE_HEADER if number == 1 else 0)
        header = _HEADER_OF.get(read[at])
        if header is None:
            continue
        begin = at + header + 2 * int.from_bytes(read[at + 3 : at + 5], "big")
        end = start + int.from_bytes(read[at + 5 : at + 7], "big")
        if begin < end <= start + PAGE_BYTES and read.count(0, begin, end) < end - begin:
            yield (first - 1) * PAGE_BYTES + begin, end - begin
