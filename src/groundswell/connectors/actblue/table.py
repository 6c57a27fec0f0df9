"""The rows of a CSV file, some at a time, in bounded memory. Blocking; called in a thread.

Columns go by their names: their order varies, some are repeated, new ones come (C).
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, Self

from msgspec import Struct

LINE_CHARACTERS_MAX: Final = 2**17
ROW_CHARACTERS_MAX: Final = 2**18
"""Over all the lines of a row. The longest row there is has a hundred cells, and a few thousand characters."""
COLUMNS_MAX: Final = 1_000

Cells = dict[str, str]
"""Those of a row that are not empty, by the name of the column; of several columns of one name, the first such cell."""


class TableError(Exception):
    """This is no CSV file, or not one that can be read on. Says what is wrong, without what it holds."""


class BrokenOffError(TableError):
    """The end is missing: of a download that was cut, or of a file that is still being written."""


class Row(Struct, frozen=True):
    """One row. `number` counts from 1, the row of names not included."""

    number: int
    cells: Cells
    problem: str | None = None
    """Why it cannot be read, such as a cell too many. `cells` are then as far as they go."""


class Table:
    """An open file and how far it has been read."""

    def __init__(self, stream: BinaryIO, needed: Sequence[Sequence[str]], *, is_end_known: bool) -> None:
        """Read the names of the columns.

        Args:
            stream: From its beginning.
            needed: Sets of names; all of one of them must be there.
            is_end_known: Whether the end of the stream is surely that of the file. Otherwise it must be a line end.

        Raises:
            TableError: it is no CSV file, or what is needed is missing.
        """
        self._stream = stream
        self._is_end_known = is_end_known
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._text: Final = text
        self._lines = _Lines(text)
        self._reader = csv.reader(self._lines)
        self._number = 0
        names = self._next()
        if names is None:
            raise TableError("it is empty: not even the names of its columns are there")
        if not self._lines.has_line_end and not is_end_known:
            raise BrokenOffError("it breaks off in the names of its columns")
        self.names: Final = tuple(name.strip() for name in names)
        if len(self.names) > COLUMNS_MAX:
            raise TableError(f"it has more than {COLUMNS_MAX} columns")
        _check_names(self.names, needed)

    @property
    def position(self) -> int:
        """About how many bytes have been read."""
        return self._stream.tell()

    def next_rows(self, most: int) -> list[Row]:
        """The next rows; [] at the end.

        Raises:
            BrokenOffError: the end is missing. The rows before it were handed over, if not those of this call.
            TableError: it cannot be read on.
        """
        rows: list[Row] = []
        while len(rows) < most:
            values = self._next()
            if values is None:
                break
            self._check_end(values)
            if any(values):
                self._number += 1
                rows.append(self._row(values))
        return rows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file, leaving it open."""
        self._text.detach()

    def _next(self) -> list[str] | None:
        self._lines.begin_row()
        try:
            values = next(self._reader)
        except StopIteration:
            return None
        except csv.Error as exc:
            # Their words name a limit at most, never what stands in the file.
            raise TableError(f"row {self._number + 1} cannot be read ({exc})") from None
        if self._lines.broke_off:
            raise BrokenOffError(f"it breaks off in the middle of row {self._number + 1}")
        return values

    def _check_end(self, values: list[str]) -> None:
        """A row without a line end is the last one; whole, if it has all its cells and nothing was cut off."""
        if self._lines.has_line_end or (self._is_end_known and len(values) >= len(self.names)):
            return
        raise BrokenOffError(f"it breaks off in row {self._number + 1}")

    def _row(self, values: list[str]) -> Row:
        cells: Cells = {}
        for name, value in zip(self.names, values, strict=False):
            if (kept := value.strip()) and name:
                cells.setdefault(name, kept)
        if len(values) != len(self.names):
            problem = f"it has {len(values)} cells under {len(self.names)} names of columns"
        elif not _is_text(values):
            problem = "it is not UTF-8; save the file as UTF-8"
            cells = {name: value.encode("utf-8", "backslashreplace").decode() for name, value in cells.items()}
        else:
            return Row(self._number, cells)
        return Row(self._number, cells, problem)


class _Lines(Iterator[str]):
    """The lines of a file, none of them longer than allowed, and whether the end came where a row was not over."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._length = 0
        self.broke_off = False
        self.has_line_end = True

    def begin_row(self) -> None:
        self._length = 0

    def __next__(self) -> str:
        line = self._text.readline(LINE_CHARACTERS_MAX)
        if not line:
            self.broke_off = self._length > 0
            raise StopIteration
        self._length += len(line)
        self.has_line_end = line[-1] in "\r\n"
        is_cut = len(line) == LINE_CHARACTERS_MAX and not self.has_line_end
        if is_cut or self._length > ROW_CHARACTERS_MAX:
            raise TableError("it has a row that is longer than any such row; a quotation mark may be missing")
        return line


def _is_text(values: Sequence[str]) -> bool:
    try:
        "".join(values).encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_names(names: Sequence[str], needed: Sequence[Sequence[str]]) -> None:
    there = set(names)
    lacking = min(([name for name in names if name not in there] for names in needed), key=len)
    if lacking:
        raise TableError(f"it has no column {_listed(lacking)}, so it is not one of the files ActBlue makes")


def _listed(names: Sequence[str]) -> str:
    return " and no column ".join(f'"{name}"' for name in names)
