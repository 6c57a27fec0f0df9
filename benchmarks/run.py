"""Measure groundswell against what it could be and against a peer, and say which goals are met.

    python benchmarks/run.py                    everything, about ten minutes
    python benchmarks/run.py --quick            one short round, to see that it works
    python benchmarks/run.py --only accept path only these tables
    python benchmarks/run.py --install-peers    install Node-RED (npm) into benchmarks/.peers first

All variants of a table take turns, round by round, and medians are shown with the lowest and the highest round: read
ratios, not absolute numbers. The server has core 0, the load generator and the sink have core 1 (unless --unpinned).
Everything is on loopback, in a temporary directory that is removed. Leave the machine alone meanwhile.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import report
import variants
from machine import facts, filesystem
from measure import Bench, Numbers
from processes import StartError, can_pin, free_port
from variants import Variant

TABLES: Final[dict[str, tuple[Variant, ...]]] = {
    "accept": (variants.BARE, variants.LOW_LEVEL, variants.ONE_COMMIT, variants.ACCEPT, variants.CEILING),
    "path": (variants.BATCHES, variants.SINGLES, variants.NODE_RED_FLOW, variants.NODE_RED_LEAN),
    "latency": (variants.BATCHES, variants.SINGLES, variants.NODE_RED_FLOW),
    "cost": (variants.BATCHES,),
    "memory": (variants.BATCHES,),
}


def measure(bench: Bench, table: str, variant: Variant) -> Numbers:
    match table:
        case "accept":
            return bench.accept(variant)
        case "path":
            return bench.path(variant)
        case "latency":
            return bench.latency(variant, report.RATE)
        case "cost":
            return transform_cost(bench)
        case _:
            return bench.memory(variant)


def transform_cost(bench: Bench) -> Numbers:
    with tempfile.TemporaryDirectory(dir=bench.directory) as directory:
        site = variants.Site(Path(directory), free_port(), "http://127.0.0.1:9/", bench.peers)
        file = variants.write_pipeline(site, records=100, concurrency=8)
        costs = bench.in_process("transform_cost.py", str(file))
    return {
        **costs,
        "transform_times_parse": costs["transform"] / costs["parse"],
        "times_parse": (costs["read"] + costs["transform"]) / costs["parse"],
    }


def run(bench: Bench, tables: Sequence[str], rounds: int, say: Callable[[str], None]) -> report.Results:
    """Take turns: every variant of every table once a round, every other round backwards, so that no variant always
    finds the machine as the same other one left it. What cannot be measured is not tried again."""
    results = report.Results()
    for number in range(1, rounds + 1):
        for table in tables:
            for variant in TABLES[table][:: 1 if number % 2 else -1]:
                key = (table, variant.name)
                if key in results.failures:
                    continue
                say(f"round {number} of {rounds}: {table}, {variant.title}")
                try:
                    results.add(*key, measure(bench, table, variant))
                except StartError as error:
                    results.failures[key] = str(error)
                except subprocess.CalledProcessError as error:
                    results.failures[key] = f"{Path(error.cmd[-1]).name} failed, see above"
    return results


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    if options.install_peers:
        variants.install_peers(options.peers)
    is_pinned = can_pin() and not options.unpinned
    rounds, seconds, warm_up = (1, 1.0, 0.25) if options.quick else (options.rounds, options.seconds, 1.0)
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="groundswell-bench-") as directory:
        bench = Bench(seconds, warm_up, is_pinned, Path(directory), options.peers.resolve())
        disk = filesystem(bench.directory)
        machine = facts(Path(directory), is_pinned=is_pinned, node=variants.node_of(bench.peers))
        tables = [table for table in TABLES if table in (options.only or TABLES)]
        results = run(bench, tables, rounds, lambda line: print(line, file=sys.stderr, flush=True))
    print(f"## Benchmarks: {rounds} round(s) of {seconds:g} s, taking turns; medians (lowest..highest)\n")
    print(report.facts_table(machine), end="\n\n")
    for table in tables:
        print(report.measurement_table(results, table, TABLES[table]), end="\n\n")
    print("### Goals\n\n" + report.goals_table(results))
    if doubts := report.doubts(results, disk):
        print("\n### Doubts\n\n" + "\n".join(f"- {doubt}" for doubt in doubts))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--quick", action="store_true", help="one round of one second: to try it, not to believe it")
    parser.add_argument("--only", nargs="+", choices=tuple(TABLES), metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--unpinned", action="store_true", help="let the scheduler place the processes")
    parser.add_argument("--directory", type=Path, help="for state files; must be on the disk that counts, not tmpfs")
    parser.add_argument("--peers", type=Path, default=variants.HERE / ".peers", help="where peers are installed")
    parser.add_argument("--install-peers", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
