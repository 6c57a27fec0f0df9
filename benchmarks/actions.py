"""Measure how fast actions are recorded at ActionKit, against a bare loop that posts the same bodies.

    python benchmarks/actions.py

Everybody records actions at the same simulated ActionKit, a process of its own, eight calls at once, once where it
answers at once, once after 50 ms, which is nearer to what a vendor far away takes. Each action is somebody new's, with
an address and a phone. The bare loop is eight workers with aiohttp: made bodies in, status and JSON out, nothing else.
The `actionkit.actions` sink by itself reads records, makes the bodies, and looks for its keys first, one report for 25.
The whole daemon also commits every record to its inbox, to its outbox, and what became of it; it is measured from the
first action the simulator sees to the last. The simulator has core 0, whoever records has core 1.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec

from groundswell.connectors.actionkit.actions_settings import ActionKitActionsSettings
from groundswell.connectors.actionkit.parameters import email_of, parameters_of
from groundswell.connectors.actionkit.simulator.instance import PASSWORD, USER
from groundswell.connectors.actionkit.writing.ours import key_of
from groundswell.record import Action, Page, Person, Record, to_json
from machine import facts
from processes import CLIENT_CORE, SERVER_CORE, Process, StartError, can_pin, free_port, pinned, running
from report import facts_table

HERE: Final = Path(__file__).parent
PAGE: Final = "signup"
AT_ONCE: Final = 8
SLOW_S: Final = 0.05
WANTED: Final = 0.7
"""Of the bare loop's speed."""
_LOOK_EVERY_S: Final = 0.05
_GIVE_UP_S: Final = 300.0

PIPELINE: Final = """
[daemon]
state = "bench.db"
[ops]
listen = "127.0.0.1:{ops}"
[webhooks]
listen = "127.0.0.1:{webhooks}"
[accounts.crm]
type = "actionkit"
host = "{url}"
username = "{user}"
password = "{password}"
rate = "100000/s"
at_once = {at_once}
[sources.people]
type = "jsonl"
path = "records.jsonl"
[sinks.actions]
type = "actionkit.actions"
inputs = ["people"]
account = "crm"
page = "{page}"
concurrency = {at_once}
settle = "0s"
"""


class Site:
    """A simulator that is up, a directory for whoever records there, and everybody's own people."""

    def __init__(self, url: str, directory: Path, core: int | None) -> None:
        self.url = url
        self.directory = directory
        self.core = core
        self._people = 0

    def prepare(self, actions: int) -> tuple[Path, Path]:
        """So many records, and the bodies that the sink makes of them, of people nobody had before."""
        records, bodies = self.directory / "records.jsonl", self.directory / "bodies.jsonl"
        with records.open("wb") as lines, bodies.open("wb") as made:
            for record in signatures(self._people, actions):
                lines.write(to_json(record) + b"\n")
                made.write(msgspec.json.encode(body_of(record)) + b"\n")
        self._people += actions
        self.counts("DELETE")
        return records, bodies

    def counts(self, method: str = "GET") -> dict[str, Any]:
        request = urllib.request.Request(f"{self.url}/_simulator/counts", method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                counts: dict[str, Any] = json.load(answer)
                return counts
        except OSError as error:
            raise StartError(f"the simulator does not answer: {error}") from error

    def recorded(self) -> int:
        return int(self.counts()["by_call"].get("POST action", 0))

    def check(self, actions: int) -> None:
        """Raises StartError unless exactly so many actions were posted, and each was taken."""
        counts = self.counts()
        posted, taken = counts["by_call"].get("POST action", 0), counts["statuses"].get("201", 0)
        if (posted, taken) != (actions, actions):
            raise StartError(f"{posted} actions were posted and {taken} taken, not {actions}")


def signatures(first: int, count: int) -> Iterator[Record]:
    for number in range(first, first + count):
        yield Record(
            id=f"action_network:signature/{number:08x}",
            kind="action",
            source="people",
            occurred_at="2026-05-02T11:00:09Z",
            person=Person(
                first_name="Rosa",
                last_name="Quill",
                email=f"rosa.quill{number}@example.org",
                phone=f"+1503{200 + number // 10_000 % 700:03d}{number % 10_000:04d}",
                address1="12 Alder Street",
                city="Portland",
                state="OR",
                zip="97201",
                country="US",
            ),
            action=Action(
                type="signature",
                page=Page(id="77ab90c4"),
                fields={"comments": "Please fix the crossing before school starts."},
                source_code="may-email",
            ),
        )


def body_of(record: Record) -> dict[str, Any]:
    """What the sink posts for it."""
    assert isinstance(record.person, Person)
    settings = ActionKitActionsSettings(type="actionkit.actions", account="crm", inputs=["people"], page=PAGE)
    body = parameters_of(record, PAGE, key_of(record.id, PAGE), settings.rules()).body
    return {**body, "email": email_of(record.person)}


def whole(site: Site, actions: int) -> dict[str, float]:
    """The daemon, from the first action that arrives to the last."""
    with tempfile.TemporaryDirectory(dir=site.directory) as own:
        directory = Path(own)
        text = PIPELINE.format(
            ops=free_port(),
            webhooks=free_port(),
            url=site.url,
            user=USER,
            password=PASSWORD,
            at_once=AT_ONCE,
            page=PAGE,
        )
        (directory / "pipeline.toml").write_text(text)
        (site.directory / "records.jsonl").rename(directory / "records.jsonl")
        command = [str(Path(sys.executable).parent / "groundswell"), "run", "pipeline.toml"]
        with running(command, directory=directory, core=site.core) as daemon:
            first, began_s, began_cpu_s = _await(site, daemon, 1)
            last, ended_s, ended_cpu_s = _await(site, daemon, actions)
            site.check(actions)
            seconds, done = ended_s - began_s, last - first
            memory_mb = daemon.memory_mb()["peak"]
        return {"per_s": done / seconds, "cpu_us": (ended_cpu_s - began_cpu_s) / done * 1e6, "memory_mb": memory_mb}


def _await(site: Site, daemon: Process, actions: int) -> tuple[int, float, float]:
    """How many were recorded once it is so many, when that was, and the CPU the daemon had used by then."""
    deadline_s = time.perf_counter() + _GIVE_UP_S
    while (done := site.recorded()) < actions:
        daemon.check()
        if time.perf_counter() > deadline_s:
            raise StartError(f"{done} of {actions} actions after {_GIVE_UP_S:.0f} s")
        time.sleep(_LOOK_EVERY_S)
    return done, time.perf_counter(), daemon.cpu_s()


def script(name: str, site: Site, file: Path, actions: int) -> dict[str, float]:
    """One of the scripts beside this one, by its own clock."""
    command = [sys.executable, str(HERE / name), site.url, USER, PASSWORD, str(file), str(AT_ONCE)]
    done = subprocess.run(pinned(command, site.core), capture_output=True, text=True)
    if done.returncode:
        raise StartError((done.stderr.strip().splitlines() or ["it said nothing"])[-1][:200])
    site.check(actions)
    result: dict[str, float] = json.loads(done.stdout)
    return {"per_s": actions / result["seconds"], "cpu_us": result["cpu_seconds"] / actions * 1e6}


def measure(who: str, site: Site, actions: int) -> dict[str, float]:
    records, bodies = site.prepare(actions)
    match who:
        case "groundswell, whole":
            return whole(site, actions)
        case "groundswell's sink":
            return script("actions_only.py", site, records, actions)
        case _:
            return script("bare_actions.py", site, bodies, actions)


RECORDERS: Final = ("bare loop", "groundswell's sink", "groundswell, whole")


def main() -> None:
    options = _options()
    is_pinned = can_pin()
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="groundswell-bench-") as name:
        directory = Path(name)
        print(facts_table(facts(directory, is_pinned=is_pinned, node=None)), end="\n\n")
        for slow_s, actions in ((0.0, options.actions), (SLOW_S, options.slow_actions)):
            port = free_port()
            command = [str(Path(sys.executable).parent / "groundswell"), "simulate", "actionkit", "--users", "100"]
            command += ["--port", str(port), "--behave", f"latency_s={slow_s}"]
            with running(command, directory=directory, core=SERVER_CORE if is_pinned else None) as simulator:
                site = Site(f"http://127.0.0.1:{port}", directory, CLIENT_CORE if is_pinned else None)
                _wait_for(site, simulator)
                results = _rounds(site, actions, options.rounds)
            print(f"### {actions:,} actions, every answer after {slow_s * 1000:.0f} ms\n\n{_table(results)}\n")


def _rounds(site: Site, actions: int, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Everybody once a round, every other round backwards."""
    results: dict[str, list[dict[str, float]]] = {who: [] for who in RECORDERS}
    for number in range(rounds):
        for who in RECORDERS[:: 1 if number % 2 == 0 else -1]:
            print(f"round {number + 1} of {rounds}: {who}", file=sys.stderr, flush=True)
            try:
                results[who].append(measure(who, site, actions))
            except StartError as error:
                print(f"{who}: {error}", file=sys.stderr, flush=True)
    return results


def _table(results: dict[str, list[dict[str, float]]]) -> str:
    bare = [one["per_s"] for one in results["bare loop"]]
    lines = ["| who | actions/s | x bare | wanted | CPU us an action | memory MB |", "|---|---|---|---|---|---|"]
    for who, found in results.items():
        if not found or not bare:
            lines.append(f"| {who} | not measured | | | | |")
            continue
        speeds = [one["per_s"] for one in found]
        speed = f"{median(speeds):,.0f} ({min(speeds):,.0f}..{max(speeds):,.0f})"
        ratio = median(speeds) / median(bare)
        wanted = "" if who == "bare loop" else f">= {WANTED:.2f}, {'met' if ratio >= WANTED else 'NOT met'}"
        memory = [one["memory_mb"] for one in found if "memory_mb" in one]
        shown = f"{max(memory):.0f}" if memory else ""
        cpu = median(one["cpu_us"] for one in found)
        lines.append(f"| {who} | {speed} | {ratio:.2f} | {wanted} | {cpu:,.0f} | {shown} |")
    return "\n".join(lines)


def _wait_for(site: Site, simulator: Process) -> None:
    while True:
        simulator.check()
        try:
            site.counts()
        except StartError:
            time.sleep(0.05)
        else:
            return


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--actions", type=int, default=6_000, help="of each measurement; best a multiple of 8 x 25")
    parser.add_argument("--slow-actions", type=int, default=1_600, help="the same where answers take 50 ms")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", type=Path, help="for state files; must be on the disk that counts, not tmpfs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
