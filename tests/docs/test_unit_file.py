"""systemd/groundswell.service: systemd accepts it, the sandbox is tight, and groundswell can live in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from groundswell.config.model import DaemonSettings
from tests.programs import needs

UNIT = Path(__file__).parents[2] / "systemd" / "groundswell.service"
EXPOSURE_MAX = 1.5

needs_systemd = needs("systemd-analyze", "systemd")


def settings() -> dict[str, list[str]]:
    """What the unit sets, each name with its values in order."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=15, check=False)


@needs_systemd
def test_the_sandbox_leaves_little_exposed() -> None:
    # The threshold counts in tenths; systemd-analyze exits non-zero above it.
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX * 10:.0f}", UNIT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Overall exposure level for groundswell.service" in done.stdout


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    # verify wants the program to be there, so this machine's Python stands in for it.
    program = settings()["ExecStart"][0].split()[0]
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(program, sys.executable))
    done = analyze("verify", "--man=no", unit)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
def test_systemd_would_notice_a_misspelt_setting(tmp_path: Path) -> None:
    """So that the test above can fail."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("WatchdogSec=", "WatchDogSecs="))
    assert "WatchDogSecs" in analyze("verify", "--man=no", unit).stderr


def test_systemd_waits_longer_than_the_daemon_drains() -> None:
    assert float(settings()["TimeoutStopSec"][0]) > DaemonSettings().drain.total_seconds()


def test_a_wrong_configuration_is_not_tried_again() -> None:
    assert settings()["RestartPreventExitStatus"] == ["78"]
    assert settings()["Restart"] == ["on-failure"]


def test_everything_the_daemon_imports_loads_where_no_memory_may_become_executable() -> None:
    """MemoryDenyWriteExecute=, by the kernel's own form of it: systemd's needs a running systemd."""
    assert settings()["MemoryDenyWriteExecute"] == ["yes"]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS_EVERYTHING], capture_output=True, text=True, timeout=20, check=False
    )
    if done.returncode == NO_SUCH_PRCTL:
        pytest.skip("PR_SET_MDWE needs Linux 6.3 or newer")
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


NO_SUCH_PRCTL = 77
IMPORTS_EVERYTHING = f"""
import asyncio, ctypes, importlib, mmap, pkgutil, sys
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
if ctypes.CDLL(None).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0):
    sys.exit({NO_SUCH_PRCTL})
try:
    mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    sys.exit("the kernel does not refuse it")
except PermissionError:
    pass
import groundswell, uvloop
for module in pkgutil.walk_packages(groundswell.__path__, "groundswell."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
uvloop.run(asyncio.sleep(0))
print("alive")
"""
