"""What it costs that browsers watch the dashboard: the accept rate with and without, in turns, and the CPU by itself.

    python benchmarks/watching.py --rounds 6 --seconds 2 --browsers 5

The whole daemon as it is run, with a sink that takes everything, on core 0; generator, sink and watchers on core 1. A
watcher is a connection that reads `/events` as a browser does. Turns with and without alternate in one process, which
goes first changes from round to round, and the medians are compared: other work on the machine hits both.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from machine import facts
from measure import CONNECTIONS, Sink
from processes import CLIENT_CORE, SERVER_CORE, can_pin, free_port, pinned, running
from report import facts_table
from variants import BATCHES, HERE, Server, Site, serving

IDLE_S: Final = 10.0
WARM_UP_S: Final = 2.0
EVENTS_A_LOAD: Final = 10_000_000


class Watcher:
    """One page that watches, for as long as it is not left."""

    def __init__(self, directory: Path) -> None:
        reach = json.loads((directory / "groundswell.db.token").read_text())
        url, login = f"http://{reach['address']}/events", {"Authorization": f"Bearer {reach['token']}"}
        self._answer = urllib.request.urlopen(urllib.request.Request(url, headers=login), timeout=30)
        self._is_left = False
        self.messages = 0
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def leave(self) -> None:
        """Go with the next message."""
        self._is_left = True
        self._reading.join()
        self._answer.close()

    def _read(self) -> None:
        while not self._is_left:
            line = self._answer.readline()
            if not line:
                return
            self.messages += line.startswith(b"data: ")


@contextmanager
def watched(directory: Path, browsers: int) -> Iterator[None]:
    """So many watch; each must have been told something by the end."""
    watchers = [Watcher(directory) for _ in range(browsers)]
    try:
        yield
    finally:
        for watcher in watchers:
            watcher.leave()
    if not all(watcher.messages for watcher in watchers):
        raise SystemExit("a watcher was told nothing; what was measured is worth nothing")


def load(server: Server, number: int, seconds: float, *, is_pinned: bool) -> dict[str, Any]:
    """As fast as it answers, each event once."""
    arguments = ("--connections", CONNECTIONS, "--seconds", seconds, "--first", number * EVENTS_A_LOAD)
    command = [sys.executable, str(HERE / "load.py"), server.url, *map(str, arguments)]
    done = subprocess.run(pinned(command, CLIENT_CORE if is_pinned else None), stdout=subprocess.PIPE, check=True)
    server.process.check()
    return dict(json.loads(done.stdout))


def accepted_per_s(server: Server, sink: Sink, number: int, seconds: float, *, is_pinned: bool) -> tuple[float, float]:
    """And the server's CPU for one event, in microseconds, until the sink has it."""
    before_s = server.process.cpu_s()
    told = load(server, number, seconds, is_pinned=is_pinned)
    sink.wait_until_quiet()
    return told["accepted_per_s"], (server.process.cpu_s() - before_s) / told["sent"] * 1e6


def idle_cpu(server: Server) -> float:
    """How much of a core it uses while nothing comes."""
    before_s, began_s = server.process.cpu_s(), time.monotonic()
    time.sleep(IDLE_S)
    return (server.process.cpu_s() - before_s) / (time.monotonic() - began_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--browsers", type=int, default=5)
    options = parser.parse_args()
    is_pinned = can_pin()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="groundswell-bench-")))
        (directory / "sink").mkdir()
        print(facts_table(facts(directory, is_pinned=is_pinned, node=None)), flush=True)
        port = free_port()
        command = [sys.executable, str(HERE / "sink.py"), "--port", str(port)]
        core = CLIENT_CORE if is_pinned else None
        sink = Sink(
            f"http://127.0.0.1:{port}/", stack.enter_context(running(command, directory=directory / "sink", core=core))
        )
        sink.wait_until_up()
        site = Site(directory, free_port(), sink.url, directory)
        server = stack.enter_context(serving(BATCHES, site, SERVER_CORE if is_pinned else None))
        load(server, 1, WARM_UP_S, is_pinned=is_pinned)
        sink.wait_until_quiet()
        idle = {0: idle_cpu(server)}
        with watched(directory, options.browsers):
            idle[options.browsers] = idle_cpu(server)
        found: dict[int, list[tuple[float, float]]] = {0: [], options.browsers: []}
        for number in range(options.rounds):
            for place, browsers in enumerate((0, options.browsers) if number % 2 else (options.browsers, 0)):
                with watched(directory, browsers):
                    turn = 2 + 2 * number + place
                    found[browsers].append(accepted_per_s(server, sink, turn, options.seconds, is_pinned=is_pinned))
    print("\n| watching | accepted a second | CPU us an event | of a core while nothing comes |\n|---|---|---|---|")
    for browsers, turns in found.items():
        rates, costs = sorted(rate for rate, _ in turns), [cost for _, cost in turns]
        middle = f"{statistics.median(rates):,.0f} ({rates[0]:,.0f}..{rates[-1]:,.0f})"
        print(f"| {browsers} | {middle} | {statistics.median(costs):.1f} | {idle[browsers]:.1%} |")
    ratios = [with_them[0] / without[0] for with_them, without in zip(found[options.browsers], found[0], strict=True)]
    print(
        f"\naccept rate with {options.browsers} watching: {statistics.median(ratios):.3f} of that with nobody "
        f"({min(ratios):.3f}..{max(ratios):.3f}, {len(ratios)} rounds)"
    )


if __name__ == "__main__":
    main()
