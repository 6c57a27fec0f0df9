"""A terminal, for what is only done on one: a process in it, what it shows, and keys."""

import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]")
DEADLINE_S = 15.0


class Terminal:
    """The window of one process."""

    def __init__(self, leader: int, process: anyio.abc.Process) -> None:
        self.leader = leader
        self.process = process
        self.raw = b""
        """Everything it wrote."""

    @property
    def screen(self) -> str:
        """What it drew last, without colours."""
        drawn = re.split(rb"\x1b\[H", self.raw)[-1]
        return _CONTROL.sub("", drawn.decode(errors="replace"))

    def press(self, keys: bytes) -> None:
        os.write(self.leader, keys)

    async def until(self, holds: Callable[[str], bool]) -> str:
        """Return what is drawn once this holds for it."""
        with anyio.fail_after(DEADLINE_S):
            while not holds(self.screen):
                await self._read()
        return self.screen

    async def ended(self) -> int:
        """How the process ended."""
        with anyio.fail_after(DEADLINE_S):
            with suppress(OSError):
                while True:
                    await self._read()
            return await self.process.wait()

    async def _read(self) -> None:
        """Raises OSError at the end."""
        await anyio.wait_readable(self.leader)
        self.raw += os.read(self.leader, 65_536)


@asynccontextmanager
async def in_terminal(directory: Path, *arguments: str, rows: int = 30, columns: int = 110) -> AsyncIterator[Terminal]:
    """`groundswell ...` in a window of this size."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    command = [sys.executable, "-m", "groundswell", *arguments, "--config", str(directory / "pipeline.toml")]
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(rows)}
    try:
        process = await anyio.open_process(
            command, stdin=follower, stdout=follower, stderr=follower, env=environ, start_new_session=True
        )
        os.close(follower)
        async with process:
            yield Terminal(leader, process)
            with suppress(ProcessLookupError):
                process.terminate()
    finally:
        os.close(leader)
