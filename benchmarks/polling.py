"""Measure how fast people are read from an Action Network without a rate limit, against a bare loop, Parsons and dlt.

    python benchmarks/polling.py                    all, three rounds, taking turns
    python benchmarks/polling.py --install-peers    install dlt into benchmarks/.peers first

All read the same simulated Action Network, once answering at once, once after 50 ms, which is nearer to what a vendor
far away takes. The peers and the bare loop read pages and drop them, and so does groundswell's poller by itself. The
whole daemon commits every person to its inbox, makes records, and delivers them to a file: its time is from the start
of the process to the last line in that file, two seconds of waiting for the rate included; the others' leaves out their
start. The simulator has core 0, whoever reads has core 1.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median
from typing import Final

from machine import facts
from processes import CLIENT_CORE, SERVER_CORE, Process, StartError, can_pin, free_port, pinned, running
from report import facts_table

HERE: Final = Path(__file__).parent
KEY: Final = "benchmark-key"
SLOW_S: Final = 0.05
_GIVE_UP_S: Final = 300.0
_DLT: Final = "dlt==1.31.0"

PIPELINE: Final = """
[daemon]
state = "bench.db"
[ops]
listen = "127.0.0.1:{ops}"
[webhooks]
listen = "127.0.0.1:{webhooks}"
[accounts.network]
type = "action_network"
token = "{key}"
rate = "100000/s"
base_url = "{url}/"
[sources.people]
type = "action_network.poll"
account = "network"
collections = ["people"]
[sinks.out]
type = "jsonl"
inputs = ["people"]
path = "people.jsonl"
batch = {{ records = 1000 }}
"""


def groundswell(url: str, people: int, directory: Path, core: int | None) -> dict[str, float]:
    """Seconds until every person is in the file, and the memory it took."""
    text = PIPELINE.format(ops=free_port(), webhooks=free_port(), key=KEY, url=url)
    (directory / "pipeline.toml").write_text(text)
    out = directory / "people.jsonl"
    began_s = time.perf_counter()
    command = [str(Path(sys.executable).parent / "groundswell"), "run", "pipeline.toml"]
    with running(command, directory=directory, core=core) as daemon:
        lines, place = 0, 0
        while lines < people:
            daemon.check()
            time.sleep(0.01)
            if out.exists() and out.stat().st_size > place:
                with out.open("rb") as file:
                    file.seek(place)
                    lines += (new := file.read()).count(b"\n")
                    place += len(new)
            if time.perf_counter() - began_s > _GIVE_UP_S:
                raise StartError(f"groundswell: {lines} of {people} people after {_GIVE_UP_S:.0f} s")
        return {"seconds": time.perf_counter() - began_s, "memory_mb": daemon.memory_mb()["peak"]}


def script(python: Path, name: str, url: str, people: int, core: int | None) -> dict[str, float]:
    """Seconds one of the scripts beside this one took."""
    if not python.exists():
        raise StartError("not installed; see --install-peers")
    done = subprocess.run(
        pinned([str(python), "-W", "ignore", str(HERE / name), url, KEY], core), capture_output=True, text=True
    )
    if done.returncode:
        raise StartError((done.stderr.strip().splitlines() or ["it said nothing"])[-1][:200])
    result = json.loads(done.stdout)
    if result["people"] != people:
        raise StartError(f"read {result['people']} of {people} people")
    return {"seconds": result["seconds"]}


def measure(reader: str, url: str, people: int, peers: Path, core: int | None) -> dict[str, float]:
    match reader:
        case "groundswell, whole":
            with tempfile.TemporaryDirectory(prefix="groundswell-bench-") as directory:
                return groundswell(url, people, Path(directory), core)
        case "groundswell's poller":
            return script(Path(sys.executable), "poll_only.py", url, people, core)
        case "Parsons":
            return script(Path(sys.executable), "peers/parsons_people.py", url, people, core)
        case "dlt":
            return script(peers / "dlt/bin/python", "peers/dlt_people.py", url, people, core)
        case _:
            return script(Path(sys.executable), "bare_paging.py", url, people, core)


READERS: Final = ("bare loop", "groundswell's poller", "groundswell, whole", "Parsons", "dlt")


def main() -> None:
    options = _options()
    if options.install_peers:
        subprocess.run([sys.executable, "-m", "venv", options.peers / "dlt"], check=True)
        subprocess.run([options.peers / "dlt/bin/python", "-m", "pip", "install", "--quiet", _DLT], check=True)
    is_pinned = can_pin()
    with tempfile.TemporaryDirectory(prefix="groundswell-bench-") as directory:
        print(facts_table(facts(Path(directory), is_pinned=is_pinned, node=None)), end="\n\n")
        for slow_s, people in ((0.0, options.people), (SLOW_S, options.people // 2)):
            port = free_port()
            command = [str(Path(sys.executable).parent / "groundswell"), "simulate", "action-network", "--key", KEY]
            command += ["--port", str(port), "--people", str(people), "--behave", "calls_per_s=null"]
            command += [
                "--behave",
                "index_lag_s=[0,0]",
                "--fail",
                f"slow={1 if slow_s else 0}",
                "--fail",
                f"slow_s={slow_s}",
            ]
            with running(command, directory=Path(directory), core=SERVER_CORE if is_pinned else None) as simulator:
                url = f"http://127.0.0.1:{port}/api/v2"
                _wait_for(url, simulator)
                results = _rounds(url, people, options, CLIENT_CORE if is_pinned else None)
            print(f"### {people:,} people, every answer after {slow_s * 1000:.0f} ms\n\n{_table(results, people)}\n")


def _rounds(url: str, people: int, options: argparse.Namespace, core: int | None) -> dict[str, list[dict[str, float]]]:
    """Everybody once a round, every other round backwards."""
    results: dict[str, list[dict[str, float]]] = {reader: [] for reader in READERS}
    for number in range(options.rounds):
        for reader in READERS[:: 1 if number % 2 == 0 else -1]:
            print(f"round {number + 1} of {options.rounds}: {reader}", file=sys.stderr, flush=True)
            try:
                results[reader].append(measure(reader, url, people, options.peers, core))
            except StartError as error:
                print(f"{reader}: {error}", file=sys.stderr, flush=True)
    return results


def _table(results: dict[str, list[dict[str, float]]], people: int) -> str:
    bare_s = median(one["seconds"] for one in results["bare loop"])
    lines = ["| who | people/s | time, times the bare loop's | memory MB |", "|---|---|---|---|"]
    for reader, found in results.items():
        if not found:
            lines.append(f"| {reader} | not measured | | |")
            continue
        seconds = [one["seconds"] for one in found]
        rate = f"{people / median(seconds):,.0f} ({people / max(seconds):,.0f}..{people / min(seconds):,.0f})"
        memory = [one["memory_mb"] for one in found if "memory_mb" in one]
        shown = f"{max(memory):.0f}" if memory else ""
        lines.append(f"| {reader} | {rate} | {median(seconds) / bare_s:.2f} | {shown} |")
    return "\n".join(lines)


def _wait_for(url: str, simulator: Process) -> None:
    while True:
        simulator.check()
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.05)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=Path, default=HERE / ".peers", help="where peers are installed")
    parser.add_argument("--install-peers", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
