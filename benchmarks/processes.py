"""Processes under measurement: started on a core of their own, watched, and stopped by their own id."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SERVER_CORE: Final = 0
CLIENT_CORE: Final = 1
_STOP_S: Final = 15.0
_STDERR_LINES_SHOWN: Final = 5


class StartError(Exception):
    """A variant cannot be measured here; the message says why and what would change that."""


class Process:
    """A running program with what it wrote to stderr."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path) -> None:
        self._popen = popen
        self._log = log
        self.pid = popen.pid

    def check(self) -> None:
        """Raises StartError with the last lines of its stderr once it has ended."""
        if self._popen.poll() is not None:
            lines = self._log.read_text(errors="replace").strip().splitlines()[-_STDERR_LINES_SHOWN:]
            said = "; ".join(lines) or "it said nothing"
            raise StartError(f"{Path(str(self._popen.args[0])).name} ended with status {self._popen.returncode}: {said}")  # type: ignore[index]

    def memory_mb(self) -> dict[str, float]:
        """Resident memory, now and at its highest, in MB of 1,000,000 bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return {name: int(fields[key].split()[0]) * 1024 / 1e6 for name, key in (("now", "VmRSS"), ("peak", "VmHWM"))}

    def stop(self) -> None:
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
            try:
                self._popen.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        self._popen.wait()


@contextmanager
def running(
    command: Sequence[str], *, directory: Path, core: int | None, environment: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """Start a program in `directory`, on one core or on any (None), and stop it at the end whatever happens."""
    log = directory / f"stderr-{Path(command[-1]).name}.log"
    with log.open("wb") as stderr:
        popen = subprocess.Popen(
            pinned(command, core),
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    process = Process(popen, log)
    try:
        yield process
    finally:
        process.stop()


def pinned(command: Sequence[str], core: int | None) -> list[str]:
    return list(command) if core is None else ["taskset", "--cpu-list", str(core), *command]


def can_pin() -> bool:
    return shutil.which("taskset") is not None and len(os.sched_getaffinity(0)) > CLIENT_CORE


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
