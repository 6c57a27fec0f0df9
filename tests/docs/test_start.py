"""docs/start.md, done as it stands there: its commands in their order, and what it says of them comes true."""

import json
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, CompletedProcess, Popen, run
from typing import Any

import pytest

from tests.docs.pages import ROOT, blocks
from tests.faults.process import free_port

PAGE = ROOT / "docs" / "start.md"
PORTS = ("8080", "9464", "8099")
"""Those of pipeline.toml and the page; others are taken, since these may be in use."""
DEADLINE_S = 20.0


class Reader:
    """Somebody who types what the page says, in a directory with the pipeline.toml that is here."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ports = {port: str(free_port()) for port in PORTS}
        (directory / "pipeline.toml").write_text(self._elsewhere((ROOT / "pipeline.toml").read_text()))
        typed = [line for _, text in blocks(PAGE, "sh") for line in text.splitlines()]
        self.commands = [self._elsewhere(line) for line in typed if line.startswith("groundswell ")]

    def typed(self, start: str, place: int = 0) -> list[str]:
        """A command of the page that begins so, the first if not another, as a process is started."""
        line = [line for line in self.commands if line.startswith(f"groundswell {start}")][place]
        return [sys.executable, "-m", *shlex.split(line)]

    def does(self, start: str, place: int = 0) -> str:
        """What it says; it must end well."""
        done = self._run(self.typed(start, place))
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout

    @contextmanager
    def leaves_running(self, start: str) -> Iterator["Popen[bytes]"]:
        with Popen(self.typed(start), cwd=self._directory, stdout=DEVNULL, stderr=DEVNULL) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)

    def sees(self, component: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """What `status` says of a component, as soon as this holds of it."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            done = self._run([*self.typed("status"), "--json"])
            listed = json.loads(done.stdout)["components"] if done.returncode == 0 else []
            for found in listed:
                if found["name"] == component and holds(found):
                    return dict(found)
            assert time.monotonic() < deadline, (done.stdout, done.stderr)

    def _run(self, command: list[str]) -> "CompletedProcess[str]":
        return run(command, cwd=self._directory, capture_output=True, text=True, timeout=60, check=False)

    def _elsewhere(self, text: str) -> str:
        for port, other in self._ports.items():
            text = text.replace(f":{port}", f":{other}").replace(f"--port {port}", f"--port {other}")
        return text


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_first_five_minutes_go_as_the_page_says(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    assert [line.split()[1] for line in reader.commands] == [
        "check",
        "simulate",
        "run",
        "simulate",
        "status",
        "simulate",
    ]
    reader.does("check")
    with reader.leaves_running("run") as daemon:
        with reader.leaves_running("simulate http"):
            reader.sees("signups", lambda it: it["state"] == "running")
            reader.does("simulate action-network")
            reader.sees("crm", lambda it: it["delivered"] > 150 and not it["waiting"])
        reader.does("simulate action-network", 1)
        reader.sees("crm", lambda it: it["state"] == "away" and it["waiting"] > 0)
        assert "away" in reader.does("status")
        daemon.kill()
        daemon.wait()
    with reader.leaves_running("run"), reader.leaves_running("simulate http"):
        reader.sees("crm", lambda it: it["state"] == "running" and it["delivered"] > 0 and not it["waiting"])
