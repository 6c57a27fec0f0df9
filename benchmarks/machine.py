"""What the numbers were taken on."""

import os
import platform
import sqlite3
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Final

_BLOCK: Final = bytes(4096)
_FLUSH_S: Final = 0.5


def facts(directory: Path, *, is_pinned: bool, node: Path | None) -> list[tuple[str, str]]:
    """Name and value of everything a reader needs to compare, `directory` being where the state files are."""
    packages = ("groundswell", "aiohttp", "uvloop", "msgspec", "aiosqlite", "anyio")
    placing = "server on core 0, generator and sink on core 1" if is_pinned else "anywhere (not pinned)"
    rows = [
        ("processor", f"{len(os.sched_getaffinity(0))} x {_processor()}"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("python", f"{platform.python_implementation()} {platform.python_version()}, SQLite {sqlite3.sqlite_version}"),
        ("packages", ", ".join(f"{name} {version(name)}" for name in packages)),
        ("state files", f"{filesystem(directory)}, {flushes_per_s(directory):,.0f} flushes/s (fdatasync of 4 KB)"),
        ("processes", placing),
        ("load before", " ".join(f"{average:.2f}" for average in os.getloadavg())),
    ]
    if node:
        rows.append(("node", subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()))
    return rows


def flushes_per_s(directory: Path) -> float:
    """How often this disk can promise to have kept something: the limit of everything durable."""
    path = directory / "flush"
    with path.open("wb", buffering=0) as file:
        file.write(_BLOCK)
        os.fsync(file.fileno())
        count, begun_s = 0, time.monotonic()
        while time.monotonic() - begun_s < _FLUSH_S:
            os.pwrite(file.fileno(), _BLOCK, 0)
            os.fdatasync(file.fileno())
            count += 1
        elapsed_s = time.monotonic() - begun_s
    path.unlink()
    return count / elapsed_s


def filesystem(directory: Path) -> str:
    """The type of the file system that holds `directory`, such as "ext4"."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    holding = [(mount[1], mount[2]) for mount in mounts if directory.resolve().is_relative_to(mount[1])]
    return max(holding, key=lambda mount: len(mount[0]))[1] if holding else "unknown"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
