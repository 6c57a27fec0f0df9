"""One measurement of one variant, from starting it to stopping it. Each returns plain numbers by name."""

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from processes import CLIENT_CORE, SERVER_CORE, Process, free_port, pinned, running
from variants import HERE, Server, Site, Variant, serving

Numbers = dict[str, float]

CONNECTIONS: Final = 64
_EVENTS_A_LOAD: Final = 10_000_000
"""Each load of one server has this many event numbers to itself."""
_IDLE_S: Final = 3.0
_NOTHING_CAME_S: Final = 20.0
_FULL_EVENTS_PER_REQUEST: Final = 100


@dataclass(frozen=True, slots=True)
class Bench:
    """How this run measures: for how long, where the state files are, and whether each process has its own core."""

    seconds: float
    warm_up: float
    """Times the warm-up of each variant."""
    is_pinned: bool
    directory: Path
    peers: Path

    def accept(self, variant: Variant) -> Numbers:
        """Closed loop, as fast as it answers 200."""
        with self._up(variant, "http://127.0.0.1:9/") as server:
            self._load(server, 1, seconds=variant.warm_up_s * self.warm_up)
            before_s = server.process.cpu_s()
            load = self._load(server, 2, seconds=self.seconds)
            return {
                "per_s": load["accepted_per_s"],
                "refused": load["sent"] - load["answered"].get("200", 0),
                "cpu_us": (server.process.cpu_s() - before_s) / load["sent"] * 1e6,
                **_latency(load["latency_ms"], "answer"),
                **_effort(load, server.process),
            }

    def path(self, variant: Variant) -> Numbers:
        """Closed loop, until everything that was answered 200 has come out at the sink."""
        with self._sink() as sink, self._up(variant, sink.url) as server:
            self._load(server, 1, seconds=variant.warm_up_s * self.warm_up)
            sink.wait_until_quiet()
            sink.ask("reset")
            before_s = server.process.cpu_s()
            load = self._load(server, 2, seconds=self.seconds)
            accepted = load["answered"].get("200", 0)
            counts = sink.wait_for(accepted)
            elapsed_s = (counts["last_ns"] - load["first_sent_ns"]) / 1e9
            return {
                "per_s": counts["different"] / elapsed_s if elapsed_s > 0 else 0.0,
                "lost": accepted - counts["different"],
                "repeats": counts["records"] - counts["different"],
                "refused": load["sent"] - accepted,
                "events_per_post": counts["records"] / max(counts["requests"], 1),
                "cpu_us": (server.process.cpu_s() - before_s) / max(counts["different"], 1) * 1e6,
                **_effort(load, server.process),
            }

    def latency(self, variant: Variant, rate: float) -> Numbers:
        """Open loop at a fixed rate: how long until the answer, and until the sink."""
        with self._sink() as sink, self._up(variant, sink.url) as server:
            self._load(server, 1, seconds=variant.warm_up_s * self.warm_up)
            sink.wait_until_quiet()
            sink.ask("reset")
            load = self._load(server, 2, seconds=self.seconds, rate=rate)
            accepted = load["answered"].get("200", 0)
            counts = sink.wait_for(accepted)
            return {
                "lost": accepted - counts["different"],
                "refused": load["sent"] - accepted,
                **_latency(load["latency_ms"], "answer"),
                **_latency(sink.ask("latencies"), "sink"),
                "late_p99": load["lateness_ms"].get("p99", 0.0),
                **_effort(load, server.process),
            }

    def memory(self, variant: Variant) -> Numbers:
        """Resident memory some seconds after the start, and at its highest with a sink that never answers while
        requests of a hundred events come in from every connection. `refused` shows that the queues were full."""
        with self._sink() as sink, self._up(variant, sink.url) as server:
            sink.wait_until_quiet()
            time.sleep(_IDLE_S)
            idle_mb = server.process.memory_mb()["now"]
            sink.ask("hold")
            load = self._load(server, 1, seconds=self.seconds, events_per_request=_FULL_EVENTS_PER_REQUEST)
            return {
                "idle_mb": idle_mb,
                "full_mb": server.process.memory_mb()["peak"],
                "accepted": load["answered"].get("200", 0),
                "refused": load["answered"].get("503", 0),
            }

    def in_process(self, script: str, *arguments: str) -> Numbers:
        """What a script that measures inside its own process prints."""
        return dict(self._run(script, *arguments, core=SERVER_CORE))

    @contextmanager
    def _up(self, variant: Variant, sink_url: str) -> Iterator[Server]:
        with tempfile.TemporaryDirectory(dir=self.directory) as directory:
            site = Site(Path(directory), free_port(), sink_url, self.peers)
            with serving(variant, site, SERVER_CORE if self.is_pinned else None) as server:
                yield server

    @contextmanager
    def _sink(self) -> Iterator["Sink"]:
        port = free_port()
        command = [sys.executable, str(HERE / "sink.py"), "--port", str(port)]
        with (
            tempfile.TemporaryDirectory(dir=self.directory) as directory,
            running(command, directory=Path(directory), core=CLIENT_CORE if self.is_pinned else None) as process,
        ):
            sink = Sink(f"http://127.0.0.1:{port}/", process)
            sink.wait_until_up()
            yield sink

    def _load(
        self, server: Server, turn: int, *, seconds: float, rate: float | None = None, events_per_request: int = 1
    ) -> dict[str, Any]:
        arguments = {
            "--seconds": seconds,
            "--connections": CONNECTIONS,
            "--events-per-request": events_per_request,
            "--first": turn * _EVENTS_A_LOAD,
            "--server-pid": server.process.pid,
        } | ({"--rate": rate} if rate else {})
        flat = [str(part) for pair in arguments.items() for part in pair]
        result = self._run("load.py", server.url, *flat, core=CLIENT_CORE)
        server.process.check()
        return result

    def _run(self, script: str, *arguments: str, core: int) -> dict[str, Any]:
        command = pinned([sys.executable, str(HERE / script), *arguments], core if self.is_pinned else None)
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        return dict(json.loads(done.stdout))


class Sink:
    """The receiver, asked over HTTP."""

    def __init__(self, url: str, process: Process) -> None:
        self.url = url
        self._process = process

    def ask(self, what: str) -> dict[str, Any]:
        with urllib.request.urlopen(self.url + what, timeout=10) as answer:
            return dict(json.load(answer))

    def wait_until_up(self) -> None:
        while True:
            self._process.check()
            try:
                self.ask("counts")
            except OSError:
                time.sleep(0.05)
            else:
                return

    def wait_until_quiet(self) -> None:
        """Until nothing has come for half a second."""
        before = -1
        while (now := self.ask("counts")["records"]) != before:
            before = now
            time.sleep(0.5)

    def wait_for(self, events: int) -> dict[str, Any]:
        """Until so many different events have come, or none for 20 seconds: what is missing then is lost."""
        best, last_change_s = -1, time.monotonic()
        while True:
            counts = self.ask("counts")
            if counts["different"] > best:
                best, last_change_s = counts["different"], time.monotonic()
            if best >= events or time.monotonic() - last_change_s > _NOTHING_CAME_S:
                return counts
            time.sleep(0.1)


def _latency(percentiles: dict[str, float], name: str) -> Numbers:
    return {f"{name}_{point}": value for point, value in percentiles.items()}


def _effort(load: dict[str, Any], process: Process) -> Numbers:
    """How busy both sides were (1.0 is a whole core) and the server's memory at its highest."""
    return {
        "server_cpu": load["server_cpu"],
        "generator_cpu": load["generator_cpu"],
        "peak_mb": process.memory_mb()["peak"],
    }
