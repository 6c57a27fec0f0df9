"""A file that lines are appended to: all of them or none, on disk when `append` returns. Blocking; called in a thread.

What a crash can leave behind is half a write at the end, never promised to anybody. The next start cuts off the torn
last line, so that no two lines run together; the whole lines before it stay, and are then written once more.
"""

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
import structlog

MODE: Final = 0o600
"""Of a new file: it holds what people told an organisation about themselves."""
DIRECTORY_MODE: Final = 0o700
RECORD_START: Final = b'{"id":"'
"""How every line of ours begins."""
TORN_BYTES_MAX: Final = 2**26
_BLOCK_BYTES: Final = 2**16

log = structlog.get_logger()


class AppendFile:
    """Opens its file when first needed, and anew after any trouble."""

    def __init__(self, path: Path, bytes_max: int, keep_files: int, component: str) -> None:
        """`bytes_max` is the size a file may reach; `component` is whose file it is, for the log."""
        self._path = path
        self._bytes_max = bytes_max
        self._keep_files = keep_files
        self._component = component
        self._fd: int | None = None

    def append(self, lines: bytes) -> None:
        """Write whole lines.

        Raises:
            OSError: no room, no right, another program has the file. Nothing of `lines` is left in it.
        """
        try:
            fd = self._open_file()
            size = os.fstat(fd).st_size
            if size and size + len(lines) > self._bytes_max:
                self._rotate()
                fd, size = self._open_file(), 0
            self._write(fd, lines, size)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file. The next `append` opens it again."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    def _write(self, fd: int, lines: bytes, size: int) -> None:
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(fd, rest) :]
            os.fsync(fd)
        except BaseException:
            # After a failed fsync nobody knows what is on the disk: take it all back, the sink will send it again.
            with suppress(OSError):
                os.ftruncate(fd, size)
            raise

    def _open_file(self) -> int:
        if self._fd is not None and not self._is_still_named():
            self.close()  # somebody renamed or deleted it, as logrotate does
        if self._fd is None:
            self._fd = self._opened()
        return self._fd

    def _opened(self) -> int:
        self._path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        is_new = not self._path.exists()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
        fd = os.open(self._path, flags, MODE)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError(0, "it is not a plain file")
            self._lock(fd)
            self._mend_last_line(fd)
            if is_new:
                self._flush_directory()
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _lock(self, fd: int) -> None:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(0, "another sink or program is writing to it") from None

    def _is_still_named(self) -> bool:
        assert self._fd is not None
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        mine = os.fstat(self._fd)
        return (named.st_ino, named.st_dev) == (mine.st_ino, mine.st_dev)

    def _rotate(self) -> None:
        """PATH becomes PATH.1, PATH.1 becomes PATH.2, up to the first gap. A crash in between leaves a gap, no loss."""
        self.close()
        free = 1
        while free <= self._keep_files and self._numbered(free).exists():
            free += 1
        for number in range(min(free, self._keep_files), 1, -1):
            self._numbered(number - 1).replace(self._numbered(number))
        self._path.replace(self._numbered(1))
        self._delete_from(self._keep_files + 1)
        self._flush_directory()

    def _delete_from(self, number: int) -> None:
        """There are such files when `keep_files` was larger once."""
        while self._numbered(number).exists():
            self._numbered(number).unlink()
            number += 1

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _mend_last_line(self, fd: int) -> None:
        size = os.fstat(fd).st_size
        start = _end_of_last_line(fd, size)
        if start == size:
            return
        kept = _kept_of(os.pread(fd, min(size - start, TORN_BYTES_MAX + 1), start), size - start)
        if kept < size - start:
            os.ftruncate(fd, start + kept)
        if kept:
            os.write(fd, b"\n")
        os.fsync(fd)
        log.warning(
            "torn_line_mended",
            component=self._component,
            path=str(self._path),
            at_byte=start,
            cut_off_bytes=size - start - kept,
            then="what was being written when the daemon stopped is written again",
        )

    def _flush_directory(self) -> None:
        """So that a new name survives a power cut."""
        fd = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _end_of_last_line(fd: int, size: int) -> int:
    """The byte after the last line end; 0 when there is none."""
    end = size
    while end > 0:
        start = max(0, end - _BLOCK_BYTES)
        found = os.pread(fd, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _kept_of(line: bytes, size: int) -> int:
    """How much to keep of a last line that has no line end; `line` is it, or its beginning.

    The beginning of a record of ours is cut off, and so are the zeros a power cut can leave. A whole record stays, and
    so does what is not ours to cut off: somebody may have pointed the sink at a file of theirs.
    """
    written = line.rstrip(b"\0")
    if not written.startswith(RECORD_START[: len(written)]) or size > TORN_BYTES_MAX:
        return size
    try:
        msgspec.json.decode(written)
    except msgspec.DecodeError:
        return 0
    except (UnicodeDecodeError, RecursionError):
        return size
    return len(written)
