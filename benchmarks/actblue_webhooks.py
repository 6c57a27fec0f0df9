"""A debate night: 1,000 contributions a second from ActBlue, for a minute, into the daemon as it is run.

    python benchmarks/actblue_webhooks.py            # a minute at 1,000 a second
    python benchmarks/actblue_webhooks.py --short    # five seconds, to see that it works

A real daemon process with HTTP Basic, two transforms and a file as its sink has core 0, the generator core 1. Open
loop: each contribution is due at a fixed time and its latency counts from then. Every one must be answered 200 and be
in the file once; the time to drain is from the last answer to the last write of the file.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any, Final

import gifts
from machine import facts
from processes import CLIENT_CORE, SERVER_CORE, Process, StartError, can_pin, free_port, pinned, running
from report import facts_table

HERE: Final = Path(__file__).resolve().parent
LOGIN: Final = "actblue:of-a-benchmark"
CONNECTIONS: Final = 64
_READY_S: Final = 30.0
_DRAIN_MAX_S: Final = 120.0
_WARM_UP_FIRST: Final = 10_000_000
"""The number of the first contribution of the warm-up; those of the night begin at 0."""

PIPELINE: Final = """
[daemon]
state = "bench.db"
[ops]
listen = "127.0.0.1:{ops}"
[webhooks]
listen = "127.0.0.1:{webhooks}"
[sources.gifts]
type = "actblue.webhook"
auth = {{ type = "basic", username = "{user}", password = "{password}" }}
entities = [90210]
[transforms.phone]
type = "normalise_phone"
inputs = ["gifts"]
region = "US"
[transforms.opt_in]
type = "normalise_opt_in"
inputs = ["phone"]
[sinks.archive]
type = "jsonl"
inputs = ["opt_in"]
path = "records.jsonl"
rotate = "100GiB"
"""


def night(directory: Path, seconds: float, rate: float, *, is_pinned: bool) -> dict[str, Any]:
    """What the generator says, with what became of all of it."""
    port = free_port()
    user, _, password = LOGIN.partition(":")
    text = PIPELINE.format(ops=free_port(), webhooks=port, user=user, password=password)
    (directory / "pipeline.toml").write_text(text)
    url = f"http://127.0.0.1:{port}/webhooks/gifts"
    command = [str(Path(sys.executable).parent / "groundswell"), "run", "pipeline.toml"]
    file = directory / "records.jsonl"
    with running(command, directory=directory, core=SERVER_CORE if is_pinned else None) as daemon:
        _wait_until_up(url, daemon)
        warm_up = _load(url, daemon, _WARM_UP_FIRST, 1.0, rate, is_pinned=is_pinned)
        _wait_for(file, daemon, warm_up["answered"].get("200", 0))
        before = file.stat().st_size if file.exists() else 0
        load = _load(url, daemon, 0, seconds, rate, is_pinned=is_pinned)
        accepted = load["answered"].get("200", 0)
        last_write_ns = _wait_for(file, daemon, warm_up["answered"].get("200", 0) + accepted)
        with file.open("rb") as written:
            written.seek(before)
            delivered = Counter(gifts.numbers_in(written.read()))
        return load | {
            "accepted": accepted,
            "lost": accepted - len(delivered),
            "repeats": delivered.total() - len(delivered),
            "drain_s": max(0.0, (last_write_ns - load["last_answer_ns"]) / 1e9),
            "peak_mb": daemon.memory_mb()["peak"],
        }


def _load(url: str, daemon: Process, first: int, seconds: float, rate: float, *, is_pinned: bool) -> dict[str, Any]:
    arguments = {
        "--seconds": seconds, "--rate": rate, "--connections": CONNECTIONS, "--first": first, "--bodies": "gifts",
        "--login": LOGIN, "--server-pid": daemon.pid,
    }  # fmt: skip
    flat = [str(part) for pair in arguments.items() for part in pair]
    command = pinned([sys.executable, str(HERE / "load.py"), url, *flat], CLIENT_CORE if is_pinned else None)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    daemon.check()
    return dict(json.loads(done.stdout))


def _wait_until_up(url: str, daemon: Process) -> None:
    deadline_s = time.monotonic() + _READY_S
    while time.monotonic() < deadline_s:
        daemon.check()
        try:
            urllib.request.urlopen(urllib.request.Request(url, data=b"{}", method="POST"), timeout=5).close()
        except urllib.error.HTTPError:  # 401: nobody is let in without a login
            return
        except OSError:
            time.sleep(0.05)
    raise StartError(f"the daemon did not answer within {_READY_S:.0f} s")


def _wait_for(file: Path, daemon: Process, records: int) -> int:
    """When the file was written last, by the clock the generator counts on, once it has so many lines."""
    seen, lines, deadline_s = 0, 0, time.monotonic() + _DRAIN_MAX_S
    while lines < records and time.monotonic() < deadline_s:
        daemon.check()
        time.sleep(0.05)
        if file.exists():
            with file.open("rb") as written:
                written.seek(seen)
                while block := written.read(2**20):
                    seen, lines = seen + len(block), lines + block.count(b"\n")
    return time.monotonic_ns() - (time.time_ns() - file.stat().st_mtime_ns)


def table(result: dict[str, Any], rate: float) -> str:
    answers, lateness = result["latency_ms"], result["lateness_ms"]
    rows = [
        (f"due at {rate:,.0f}/s, sent", f"{result['sent']:,}"),
        ("answered 200, each on disk first", f"{result['accepted']:,} ({result['accepted_per_s']:,.0f}/s)"),
        ("answered otherwise, or not", f"{result['sent'] - result['accepted']:,}"),
        ("lost; twice in the file", f"{result['lost']:,}; {result['repeats']:,}"),
        ("answer p50; p99; longest", f"{answers['p50']}; {answers['p99']}; {answers['max']} ms"),
        ("sent late by the generator, p99", f"{lateness['p99']} ms"),
        ("from the last answer until all was in the file", f"{result['drain_s'] * 1000:.0f} ms"),
        ("daemon: of a core; memory at most", f"{result['server_cpu']:.2f}; {result['peak_mb']:.0f} MB"),
        ("generator: of a core", f"{result['generator_cpu']:.2f}"),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=1_000.0, help="contributions a second")
    parser.add_argument("--short", action="store_true", help="five seconds")
    parser.add_argument("--directory", type=Path, help="for state files; must be on the disk that counts, not tmpfs")
    options = parser.parse_args()
    is_pinned = can_pin()
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="groundswell-bench-") as name:
        directory = Path(name)
        print(facts_table(facts(directory, is_pinned=is_pinned, node=None)), end="\n\n")
        result = night(directory, 5.0 if options.short else options.seconds, options.rate, is_pinned=is_pinned)
    print(table(result, options.rate))
    if result["accepted"] < result["sent"] or result["lost"] or result["repeats"]:
        sys.exit("not every contribution was answered 200 and delivered once")


if __name__ == "__main__":
    main()
