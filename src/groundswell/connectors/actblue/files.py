"""CSV files that somebody exported from the dashboard: those that are new or have changed, read row by row."""

import glob
import os
import stat
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import anyio.to_thread
import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from groundswell.clock import Clock
from groundswell.component import Batch, Cursor, Emit
from groundswell.connectors.actblue.csv_arrivals import Rows, Taken
from groundswell.connectors.actblue.csv_rows import NEEDED, csv_type_of
from groundswell.connectors.actblue.table import BrokenOffError, Table, TableError
from groundswell.errors import UnavailableError

FILES_MAX: Final = 1_000
"""That match. More would make the cursor large, which is written with every batch."""
STILL_WRITTEN_S: Final = 5.0
"""A file whose end is missing is looked at again after this: it may be written at the moment."""

log = structlog.get_logger()


class FileAt(Struct, frozen=True):
    """Where in a file we are."""

    name: str
    version: str
    row: int


class FileMarks(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which files are read: what the cursor says."""

    read: dict[str, str] = {}
    """By name, the version that was read."""
    at: FileAt | None = None
    """In the middle of one."""

    @property
    def cursor(self) -> Cursor:
        return msgspec.json.encode(self).decode()


def file_marks_of(cursor: Cursor | None) -> FileMarks | None:
    """None if it is not to be understood."""
    try:
        return FileMarks() if cursor is None else msgspec.json.decode(cursor, type=FileMarks)
    except msgspec.DecodeError:
        return None


class Folder:
    """The files that match some patterns, read once each for as long as they stay as they are."""

    def __init__(self, name: str, directory: Path, patterns: Sequence[str], clock: Clock, rows: Rows) -> None:
        """`name` is that of the source; patterns are relative to `directory`."""
        self._name = name
        self._directory = directory
        self._patterns = patterns
        self._clock = clock
        self._rows = rows

    async def look(self, marks: FileMarks, taken: Callable[[], Taken], emit: Emit) -> FileMarks:
        """Hand over what is new. `taken` says which rows are wanted.

        Raises:
            UnavailableError: a file cannot be opened, or too many match. What could be read was handed over.
        """
        names = await anyio.to_thread.run_sync(self._matching)
        gone = marks.read.keys() - set(names)
        if gone:
            marks = replace(marks, read={name: version for name, version in marks.read.items() if name not in gone})
        closed: list[str] = []
        for name in names:
            try:
                marks = await self._one(name, marks, taken, emit)
            except OSError as exc:
                closed.append(f"{name} ({exc.strerror or type(exc).__name__})")
        if closed:
            others = f" and {len(closed) - 1} more" if len(closed) > 1 else ""
            raise UnavailableError(f"{self._name}: {closed[0]}{others} cannot be read; it will be tried again")
        return marks

    def _matching(self) -> list[str]:
        found: set[str] = set()
        for pattern in self._patterns:
            there = glob.iglob(pattern, root_dir=self._directory, recursive=True)  # noqa: PTH207 # absolute ones, too
            found.update(islice((name for name in there if (self._directory / name).is_file()), FILES_MAX + 1))
        if len(found) > FILES_MAX:
            raise UnavailableError(
                f"{self._name}: more than {FILES_MAX} files match `files`; move those away that were read"
            )
        return sorted(found)

    async def _one(self, name: str, marks: FileMarks, taken: Callable[[], Taken], emit: Emit) -> FileMarks:
        """Read one file, if it is not the version that was read before."""
        version = await anyio.to_thread.run_sync(_version, self._directory / name)
        if marks.read.get(name) == version:
            return marks
        try:
            try:
                marks = await self._read(name, version, marks, taken(), emit, is_end_known=False)
            except BrokenOffError:
                await self._clock.sleep(STILL_WRITTEN_S)
                if await anyio.to_thread.run_sync(_version, self._directory / name) != version:
                    return marks  # it is being written; the next look finds it changed
                marks = await self._read(name, version, marks, taken(), emit, is_end_known=True)
        except TableError as exc:
            log.error("file_refused", component=self._name, path=name, error=str(exc), then="it is a dead letter")
            await emit(Batch([self._rows.refused(name, version, str(exc))]))
        marks = FileMarks({**marks.read, name: version})
        await emit(Batch((), marks.cursor))
        return marks

    async def _read(
        self, name: str, version: str, marks: FileMarks, taken: Taken, emit: Emit, *, is_end_known: bool
    ) -> FileMarks:
        with (
            await anyio.to_thread.run_sync(_open, self._directory / name) as stream,
            await anyio.to_thread.run_sync(partial(Table, stream, NEEDED, is_end_known=is_end_known)) as table,
        ):
            taken.csv_type = csv_type_of(table.names)
            at = marks.at
            if at is not None and (at.name, at.version) == (name, version):
                await anyio.to_thread.run_sync(taken.skip, table, at.row)
            while (part := await anyio.to_thread.run_sync(self._rows.next, table, taken)) is not None:
                marks = replace(marks, at=FileAt(name, version, taken.row))
                if part:
                    await emit(Batch(part, marks.cursor))
        return marks


def _version(path: Path) -> str:
    """Changes when the file does."""
    found = path.stat()
    return f"{found.st_size:x}.{found.st_mtime_ns:x}"


def _open(path: Path) -> BinaryIO:
    stream = path.open("rb")
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(0, "it is not a plain file")
    return stream
