"""The lines of one file, from a byte offset on, in bounded pieces. Blocking; the source calls it in a thread.

A cursor is the offset of a line's first byte and a check of what stands before it: the first and the last kilobyte. So
a file is known again wherever it was moved or copied to, and another file under the old name is told from it.
"""

import hashlib
import os
import stat
from collections import deque
from pathlib import Path
from typing import Final, Self

import msgspec
from msgspec import Struct

from groundswell.component import Cursor

LINE_BYTES_MAX: Final = 2**20
"""A longer line is not kept in memory: it is passed over, and `Line.text` is only its beginning."""
LINE_HEAD_BYTES: Final = 2**16
CHUNK_BYTES: Final = 2**18
LINES_MAX: Final = 500
"""Lines handed over at a time."""
CHECK_BYTES: Final = 1024


class Line(Struct, frozen=True):
    """One line, without its line end. `size` is that of the whole line in the file, line end included."""

    offset: int
    size: int
    text: bytes
    is_too_long: bool = False


class _Position(Struct, frozen=True):
    offset: int
    check: str


class LineFile:
    """An open file and how far it has been read. A context manager."""

    def __init__(self, path: Path, cursor: Cursor | None) -> None:
        """Open the file and go to where `cursor` says, or to the start if this is not the file the cursor is about.

        Raises:
            OSError: there is no such file, or it cannot be read, or it is not a plain file.
        """
        # Without O_NONBLOCK the opening of a pipe would wait for whoever writes to it.
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(self._fd).st_mode):
                raise OSError(0, "it is not a plain file")
            position = self._found_again(cursor)
        except BaseException:
            os.close(self._fd)
            raise
        self.is_another = cursor is not None and position is None
        """Whether there was a cursor, and it is about something else than what is here now."""
        self._path = path
        self._offset = position.offset if position else 0
        self.cursor = self._cursor()
        """Where to go on after the lines handed over so far."""
        self._read_to = self._offset
        self._last = os.pread(self._fd, CHECK_BYTES, max(0, self._offset - CHECK_BYTES))[: self._offset]
        self._partial = b""
        self._passed_over = 0
        self._lines: deque[Line] = deque()

    def next_lines(self) -> list[Line]:
        """The next lines, at most `LINES_MAX`, about `CHUNK_BYTES`. Empty at the end, or when the file was replaced."""
        while not self._lines and (chunk := self._chunk()):
            self._split(chunk)
        lines = [self._lines.popleft() for _ in range(min(LINES_MAX, len(self._lines)))]
        if lines:
            self._move_to(lines[-1].offset + lines[-1].size)
        return lines

    def rest(self) -> Line | None:
        """What stands after the last line end, as if the line ended there. Only at the end of the file."""
        if not self._partial:
            return None
        line = self._line(self._offset, self._partial, self._passed_over, line_end=0)
        self._move_to(line.offset + line.size)
        self._partial, self._passed_over = b"", 0
        return line

    def was_replaced(self) -> bool:
        """Whether the name stands for another file now, or this one was cut short or written anew."""
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False  # renamed, and the new one is not there yet: this one may still be written to
        mine = os.fstat(self._fd)
        return (named.st_ino, named.st_dev) != (mine.st_ino, mine.st_dev) or not self._is_as_it_was()

    def close(self) -> None:
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _chunk(self) -> bytes:
        if not self._is_as_it_was():
            return b""
        chunk = os.pread(self._fd, CHUNK_BYTES, self._read_to)
        self._read_to += len(chunk)
        self._last = (self._last + chunk[-CHECK_BYTES:])[-CHECK_BYTES:]
        return chunk

    def _is_as_it_was(self) -> bool:
        """Whether what was read last is still there: a file can be emptied and filled again between two looks."""
        return os.pread(self._fd, len(self._last), self._read_to - len(self._last)) == self._last

    def _split(self, chunk: bytes) -> None:
        *ends, partial = chunk.split(b"\n")
        offset = self._lines_end()
        for end in ends:
            line = self._line(offset, self._partial + end, self._passed_over, line_end=1)
            self._lines.append(line)
            offset += line.size
            self._partial, self._passed_over = b"", 0
        self._partial += partial
        if len(self._partial) > LINE_BYTES_MAX:
            self._passed_over += len(self._partial) - LINE_HEAD_BYTES
            self._partial = self._partial[:LINE_HEAD_BYTES]

    def _line(self, offset: int, text: bytes, passed_over: int, line_end: int) -> Line:
        size = len(text) + passed_over + line_end
        if passed_over or len(text) > LINE_BYTES_MAX:
            return Line(offset, size, text[:LINE_HEAD_BYTES], is_too_long=True)
        return Line(offset, size, text)

    def _lines_end(self) -> int:
        return self._lines[-1].offset + self._lines[-1].size if self._lines else self._offset

    def _move_to(self, offset: int) -> None:
        self._offset = offset
        self.cursor = self._cursor()

    def _cursor(self) -> Cursor:
        return msgspec.json.encode(_Position(self._offset, self._check(self._offset))).decode()

    def _found_again(self, cursor: Cursor | None) -> _Position | None:
        if cursor is None:
            return None
        try:
            position = msgspec.json.decode(cursor, type=_Position)
        except (msgspec.DecodeError, UnicodeEncodeError):
            return None
        is_there = 0 <= position.offset <= os.fstat(self._fd).st_size
        return position if is_there and self._check(position.offset) == position.check else None

    def _check(self, offset: int) -> str:
        first = os.pread(self._fd, min(CHECK_BYTES, offset), 0)
        last = os.pread(self._fd, min(CHECK_BYTES, offset), max(0, offset - CHECK_BYTES))
        return hashlib.sha256(first + b"\n\n" + last).hexdigest()[:16]
