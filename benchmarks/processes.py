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

from load import process_cpu_s

SERVER_CORE: Final = 0
CLIENT_CORE: Final = 1
_STOP_S: Final = 15.0
_REASON_CHARACTERS_MAX: Final = 200


class StartError(Exception):
    """A variant cannot be measured here; the message says why and what would change that."""


class Process:
    """A running program with what it wrote to stderr."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], log: Path) -> None:
        self._name = name
        self._popen = popen
        self._log = log
        self.pid = popen.pid

    def check(self) -> None:
        """Raises StartError with what it said last once it has ended."""
        if self._popen.poll() is not None:
            lines = self._log.read_text(errors="replace").splitlines() or ["it said nothing"]
            errors = [line for line in lines if "Error: " in line]
            said = (errors or lines)[-1].strip(" |")[:_REASON_CHARACTERS_MAX]
            raise StartError(f"{self._name} ended with status {self._popen.returncode}: {said}")

    def cpu_s(self) -> float:
        """Seconds of CPU it and all its threads have used."""
        return process_cpu_s(self.pid)

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
    log = directory / "stderr.log"
    with log.open("wb") as stderr:
        popen = subprocess.Popen(
            pinned(command, core),
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    process = Process(Path(command[0]).name, popen, log)
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
