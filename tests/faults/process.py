"""The real daemon as a process of its own, to be killed, starved and fooled."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import anyio

READY_WITHIN_S = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Process:
    """`groundswell run` over one directory. Ports stay the same from start to start."""

    def __init__(
        self,
        directory: Path,
        pipeline: str,
        *,
        daemon: str = "",
        environ: dict[str, str] | None = None,
        module: str = "groundswell",
    ) -> None:
        """`module` is what runs, where it is not quite `groundswell`."""
        self.directory = directory
        self._module = module
        self.webhooks = free_port()
        self.ops = free_port()
        self.file = directory / "pipeline.toml"
        self.log = directory / "log"
        self.state = directory / "groundswell.db"
        self._environ = {**os.environ, **(environ or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self.file.write_text(
            f'[daemon]\n{daemon}\n[webhooks]\nlisten = "127.0.0.1:{self.webhooks}"\n'
            f'[ops]\nlisten = "127.0.0.1:{self.ops}"\n{pipeline}'
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.webhooks}"

    def launch(self) -> None:
        """Start it, not waiting for anything."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module, "run", str(self.file)], stdout=log, stderr=log, env=self._environ
            )

    async def start(self) -> None:
        """Start it and return once it accepts."""
        self.launch()
        async with aiohttp.ClientSession() as session:
            with anyio.fail_after(READY_WITHIN_S):
                while True:
                    self.check()
                    with suppress(aiohttp.ClientError):
                        async with session.get(f"http://127.0.0.1:{self.ops}/healthz") as answer:
                            if answer.status == 200:
                                return
                    await anyio.sleep(0.02)

    def check(self) -> None:
        """It runs still."""
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()[-3000:]

    def kill(self) -> None:
        """As the kernel does: no chance to do anything."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """Kill it, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """The exit code, once it has ended by itself."""
        process = self._process
        assert process is not None
        with anyio.fail_after(40):
            while process.poll() is None:
                await anyio.sleep(0.02)
        assert process.returncode is not None
        return process.returncode

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another verb on the same file."""
        verb, *rest = arguments
        where = [str(self.file)] if verb in ("check", "graph", "test") else ["--config", str(self.file)]
        return subprocess.run(
            [sys.executable, "-m", "groundswell", verb, *rest, *where],
            capture_output=True,
            text=True,
            env=self._environ,
            check=False,
        )

    def memory_mb(self) -> float:
        """The most it has had, since it was started last."""
        assert self._process is not None
        (line,) = [
            line for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines() if "VmHWM" in line
        ]
        return int(line.split()[1]) * 1024 / 1e6

    def rows(self, query: str, *arguments: object) -> list[tuple[object, ...]]:
        """Look into the state file, running or not."""
        connection = sqlite3.connect(f"file:{self.state}?mode=ro", uri=True)
        try:
            return connection.execute(query, arguments).fetchall()
        finally:
            connection.close()

    async def drained(self, within_s: float = 60.0) -> None:
        """Return once everything accepted is processed and nothing waits."""
        with anyio.fail_after(within_s):
            while self._waits():
                await anyio.sleep(0.05)

    def _waits(self) -> bool:
        return bool(
            self.rows(
                "SELECT 1 FROM outbox UNION ALL SELECT 1 FROM inbox "
                "WHERE seq > (SELECT seq FROM progress WHERE name = 'processor') LIMIT 1"
            )
        )


@asynccontextmanager
async def running(process: Process) -> AsyncIterator[Process]:
    """Start it; kill it at the end, whatever happened."""
    await process.start()
    try:
        yield process
    finally:
        with suppress(AssertionError):
            process.kill()
