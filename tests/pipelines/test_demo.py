"""`groundswell demo`, as somebody runs it who has nothing yet."""

import os
import re
import sys
from pathlib import Path
from subprocess import PIPE, Popen, run
from typing import IO

import pytest


def demo(directory: Path) -> "Popen[str]":
    """Running; it has said where its dashboard is. `directory` is where this machine keeps temporary files."""
    command = [sys.executable, "-u", "-m", "groundswell", "demo"]
    environ = os.environ | {"TMPDIR": str(directory)}
    started = Popen(command, env=environ, stdout=PIPE, stderr=PIPE, text=True)
    assert "/login#" in stdout_of(started).readline()
    return started


def verb(name: str, config: str) -> str:
    """What another verb says to the demo whose configuration this is."""
    command = [sys.executable, "-m", "groundswell", name, "-c", config]
    return run(command, stdout=PIPE, text=True, check=True).stdout


def stdout_of(process: "Popen[str]") -> IO[str]:
    assert process.stdout is not None
    return process.stdout


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_two_at_once_lose_nothing_keep_every_stop_and_leave_each_other_alone(tmp_path: Path) -> None:
    """The second took away the state file of the first, and which account was read first decided about a stop."""
    running = [demo(tmp_path) for _ in range(2)]
    for one in running:
        *_, config = stdout_of(one).readline().split()
        assert "gifts" in verb("status", config)
        assert "/login#" in verb("dashboard", config)
    for one in running:
        said, complained = one.communicate()
        assert (one.returncode, complained) == (0, "")
        ((given, back, known, known_back),) = re.findall(
            r"gifts of (\$\S+), (\$\S+) of it given back; at ActionKit \d+ of (\$\S+), (\$\S+) given back", said
        )
        assert (given, back) == (known, known_back)
        assert "  0 lost\n" in said
        assert "30 of 30 people have one name, one ZIP code and one opt-in at both" in said
        assert "which is kept everywhere" in said
    assert len(list(tmp_path.glob("groundswell-demo-*/groundswell.db"))) == 2
