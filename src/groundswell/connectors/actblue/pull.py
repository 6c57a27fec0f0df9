"""One pull from ActBlue: file by file, rows of a window handed over some at a time, from where a crash left off."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import BinaryIO, Final, cast

import anyio.to_thread
import structlog
from msgspec import Struct
from msgspec.structs import replace

from groundswell.clock import Clock
from groundswell.component import Arrival, Batch, Cursor, Emit, Progress
from groundswell.connectors.actblue import eastern
from groundswell.connectors.actblue.client import ActBlue, ExpiredError, FailedFileError
from groundswell.connectors.actblue.csv_arrivals import Rows, Taken
from groundswell.connectors.actblue.csv_rows import NEEDED
from groundswell.connectors.actblue.table import Table, TableError
from groundswell.connectors.actblue.transport import Caller, MissingError
from groundswell.connectors.actblue.windows import At, Round, Window
from groundswell.errors import UnavailableError

POLL_S: Final = (1.0, 2.0, 4.0, 8.0, 10.0)
"""How long to wait before asking again whether a file is ready; the last one from then on."""
READY_S: Final = 3600.0
"""A file that takes longer to make is given up. Others were seen to wait 17 minutes (C)."""
FILES_MAX: Final = 3
"""So many files are asked for in one go, when the addresses of those before were good no more."""
IN_MEMORY_BYTES: Final = 2**20
"""A larger file goes to a temporary one on disk, which has no name and dies with the process."""

log = structlog.get_logger()

Save = Callable[[Round], Cursor]
"""Where the source is, when its pull is here."""
Tell = Callable[[Round, Sequence[Arrival], float], Awaitable[None]]
"""Hand these over: with what is left now, and how much of the window is done, from 0 to 1."""


class Pull:
    """Pulls, one after another. What was asked for and not fetched yet is remembered while the process lives."""

    def __init__(self, client: ActBlue, caller: Caller, clock: Clock) -> None:
        self._client = client
        self._caller = caller
        self._clock = clock
        self._asked: tuple[Window, str] | None = None
        """The file asked for last, and its id."""
        self._useless: str | None = None
        """The id of one that is not to be had, or not to be read."""

    async def go(self, left: Round, rows: Rows, save: Save, emit: Emit, *, shows: bool) -> Round:
        """Hand over what is left of a round; the round, done.

        Args:
            shows: Whether people are told how far it has come.

        Raises:
            RemoteError: as the client says. Go on from the cursor saved last.
        """
        began_at, days = self._clock.now(), left.days
        before = int(days * left.share_done(0.0))

        async def tell(left: Round, arrivals: Sequence[Arrival], share: float) -> None:
            done = int(days * left.share_done(share))
            progress = Progress("days of files", done, days, began_at, before) if shows else None
            await emit(Batch(arrivals, save(left), progress))

        for window in left.windows():
            async with self._file(window, left.at) as file:
                left = await self._take(left, window, file, rows, tell)
            left = left.after(window)
            await tell(left, (), 0.0)
        return left

    async def _take(self, left: Round, window: Window, file: "File", rows: Rows, tell: Tell) -> Round:
        """Hand over what the file holds that is not taken yet."""
        is_begun = left.at is not None and left.at.window == window
        taken = Taken(left, window, left.at if is_begun else None)
        try:
            with await anyio.to_thread.run_sync(file.table) as table:
                is_same = await anyio.to_thread.run_sync(taken.is_same_so_far, table)
                while is_same and (part := await anyio.to_thread.run_sync(rows.next, table, taken)) is not None:
                    if part:
                        at = At(window, file.id, taken.row, taken.check)
                        left = replace(left, at=at, records=left.records + len(part))
                        await tell(left, part, table.position / max(1, file.size))
        except TableError as exc:
            self._give_up(file.id)
            raise UnavailableError(
                f"{self._caller.component}: reading {window.csv_type} from {self._client.host}: {exc}; it is not taken "
                "for whole, and will be asked for again"
            ) from exc
        if not is_same:  # rows may be gone, or come: what was taken before is known by its id
            return await self._take(replace(left, at=None), window, file, rows, tell)
        if taken.strays:
            log.warning(
                "rows_of_another_time",
                component=self._caller.component,
                csv_type=window.csv_type,
                rows=taken.strays,
                then="left out: they are not of the days that were asked for",
            )
        return left

    @asynccontextmanager
    async def _file(self, window: Window, at: At | None) -> AsyncIterator["File"]:
        """The window's file, fetched: the one asked for before, if it is still to be had."""
        file_id = at.file if at is not None and at.window == window and at.file != self._useless else None
        if self._asked is not None and self._asked[0] == window:
            file_id = self._asked[1]
        for files_left in reversed(range(FILES_MAX)):
            with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as spool:
                stream = cast("BinaryIO", spool)
                try:
                    file_id = file_id or await self._create(window)
                    file = await self._fetched(file_id, stream)
                except (ExpiredError, MissingError) as exc:
                    self._give_up(file_id)
                    file_id = None
                    if not files_left:
                        raise UnavailableError(f"{exc}. It happened {FILES_MAX} times; it will be tried again") from exc
                    continue
                except FailedFileError:
                    self._give_up(file_id)
                    raise
                yield file
                self._asked = None
                return

    def _give_up(self, file_id: str | None) -> None:
        """Another one will be asked for."""
        self._asked, self._useless = None, file_id

    async def _create(self, window: Window) -> str:
        first, end = window.days(eastern.day(self._clock.now()))
        file_id = await self._client.create(self._caller, window.csv_type, first, end)
        self._asked = window, file_id
        return file_id

    async def _fetched(self, file_id: str, spool: BinaryIO) -> "File":
        """Wait until the file is ready, and fetch it at once: its address is good for minutes."""
        began, waits = self._clock.monotonic(), iter(POLL_S)
        while (url := await self._client.address(self._caller, file_id)) is None:
            if self._clock.monotonic() - began > READY_S:
                raise FailedFileError(
                    f"{self._caller.component}: {self._client.host} has not made a file within {READY_S / 60:g} min; "
                    "another will be asked for"
                )
            await self._clock.sleep(next(waits, POLL_S[-1]))
        try:
            got = await self._client.fetch(self._caller, url, spool)
        except OSError as exc:
            raise UnavailableError(
                f"{self._caller.component}: a file cannot be kept while it is read: "
                f"{exc.strerror or type(exc).__name__} in {tempfile.gettempdir()}; make room there, or set TMPDIR to a "
                "place that has it. It will be tried again"
            ) from exc
        return File(file_id, spool, got.size, got.is_end_known)


class File(Struct, frozen=True):
    """A file that was fetched."""

    id: str
    spool: BinaryIO
    size: int
    is_end_known: bool

    def table(self) -> Table:
        """From its beginning. Blocking."""
        self.spool.seek(0)
        return Table(self.spool, NEEDED, is_end_known=self.is_end_known)
