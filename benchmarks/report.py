"""From samples to Markdown: medians with their range, ratios, and which goals are met."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from measure import Numbers
from variants import ACCEPT, BARE, BATCHES, CEILING, NODE_RED_FLOW, ONE_COMMIT, SINGLES, Variant

RATE: Final = 1_000
"""Events a second of the open loop."""


@dataclass
class Results:
    """Every sample of a run, by measurement and variant, and why some could not be taken."""

    samples: dict[tuple[str, str], list[Numbers]] = field(default_factory=dict)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, measurement: str, variant: str, numbers: Numbers) -> None:
        self.samples.setdefault((measurement, variant), []).append(numbers)

    def all(self, measurement: str, variant: Variant, number: str) -> list[float]:
        samples = self.samples.get((measurement, variant.name), [])
        return [sample[number] for sample in samples if number in sample]

    def median(self, measurement: str, variant: Variant, number: str) -> float | None:
        values = self.all(measurement, variant, number)
        return statistics.median(values) if values else None

    def ratio(self, of: tuple[str, Variant, str], to: tuple[str, Variant, str]) -> float | None:
        """Median over median; None when either was not measured."""
        above, below = self.median(*of), self.median(*to)
        return above / below if above is not None and below else None


@dataclass(frozen=True, slots=True)
class Goal:
    """What must hold, and the number that tells."""

    text: str
    limit: float
    is_at_least: bool
    value: Callable[[Results], float | None]

    def row(self, results: Results) -> Sequence[str]:
        value = self.value(results)
        if value is None:
            return (self.text, self._wanted(), "", "not measured")
        is_met = value >= self.limit if self.is_at_least else value <= self.limit
        return (self.text, self._wanted(), f"{value:.2f}", "yes" if is_met else "**no**")

    def _wanted(self) -> str:
        return f"{'≥' if self.is_at_least else '≤'} {self.limit:g}"


def _speed(of: tuple[str, Variant], to: tuple[str, Variant]) -> Callable[[Results], float | None]:
    return lambda results: results.ratio((*of, "per_s"), (*to, "per_s"))


def _median(measurement: str, variant: Variant, number: str) -> Callable[[Results], float | None]:
    return lambda results: results.median(measurement, variant, number)


GOALS: Final = (
    Goal("accept with commit, times the bare handler", 0.50, True, _speed(("accept", ACCEPT), ("accept", BARE))),
    Goal(
        "accept with commit, times one commit a request", 3.5, True, _speed(("accept", ACCEPT), ("accept", ONE_COMMIT))
    ),
    Goal("whole path in batches, times the bare handler", 0.35, True, _speed(("path", BATCHES), ("accept", BARE))),
    Goal("whole path in batches, times Node-RED", 5.0, True, _speed(("path", BATCHES), ("path", NODE_RED_FLOW))),
    Goal("one POST an event, times Node-RED", 2.0, True, _speed(("path", SINGLES), ("path", NODE_RED_FLOW))),
    Goal(f"answer p99 at {RATE:,}/s, ms", 10.0, False, _median("latency", BATCHES, "answer_p99")),
    Goal(f"webhook to sink p99 at {RATE:,}/s, ms", 25.0, False, _median("latency", BATCHES, "sink_p99")),
    Goal("read and transform, times the parsing of the body", 2.5, False, _median("cost", BATCHES, "times_parse")),
    Goal("memory idle, MB", 70.0, False, _median("memory", BATCHES, "idle_mb")),
    Goal("memory with every queue full, MB", 120.0, False, _median("memory", BATCHES, "full_mb")),
)

_BUSY: Final = 0.9
_SPREAD_MAX: Final = 1.5

_COLUMNS: Final[dict[str, tuple[str, tuple[tuple[str, str, str], ...]]]] = {
    "accept": (
        "Webhooks answered (closed loop, 64 connections)",
        (
            ("per_s", "events/s", ",.0f"),
            ("answer_p50", "p50 ms", ".2f"),
            ("answer_p99", "p99 ms", ".2f"),
            ("refused", "refused", ",.0f"),
            ("cpu_us", "CPU µs an event", ".1f"),
            ("server_cpu", "server core", ".0%"),
            ("generator_cpu", "generator core", ".0%"),
            ("peak_mb", "peak MB", ".0f"),
        ),
    ),
    "path": (
        "Webhook to sink (closed loop, 64 connections, until the last event is at the sink)",
        (
            ("per_s", "events/s", ",.0f"),
            ("events_per_post", "events a POST", ".1f"),
            ("lost", "lost", ",.0f"),
            ("repeats", "repeated", ",.0f"),
            ("refused", "refused", ",.0f"),
            ("cpu_us", "CPU µs an event", ".1f"),
            ("server_cpu", "server core", ".0%"),
            ("generator_cpu", "generator core", ".0%"),
            ("peak_mb", "peak MB", ".0f"),
        ),
    ),
    "latency": (
        f"At {RATE:,} events/s (open loop, latency from the moment an event was due)",
        (
            ("answer_p50", "answer p50 ms", ".2f"),
            ("answer_p99", "answer p99 ms", ".2f"),
            ("sink_p50", "sink p50 ms", ".2f"),
            ("sink_p99", "sink p99 ms", ".2f"),
            ("sink_max", "sink max ms", ".1f"),
            ("late_p99", "generator late p99 ms", ".2f"),
            ("lost", "lost", ",.0f"),
            ("refused", "refused", ",.0f"),
            ("server_cpu", "server core", ".0%"),
        ),
    ),
    "cost": (
        "One record, in process, microseconds",
        (
            ("parse", "parse the body", ".2f"),
            ("accept", "parse and accept", ".2f"),
            ("read", "read", ".2f"),
            ("transform", "three transforms", ".2f"),
            ("write", "write", ".2f"),
            ("transform_times_parse", "transforms / parse", ".2f"),
            ("times_parse", "(read + transforms) / parse", ".2f"),
        ),
    ),
    "memory": (
        "Resident memory",
        (
            ("idle_mb", "idle MB", ".0f"),
            ("full_mb", "highest, queues full, MB", ".0f"),
            ("accepted", "accepted meanwhile", ",.0f"),
            ("refused", "answered 503 meanwhile", ",.0f"),
        ),
    ),
}


def goals_table(results: Results) -> str:
    return _table(("goal", "wanted", "measured", "met"), [goal.row(results) for goal in GOALS])


def measurement_table(results: Results, measurement: str, variants: Sequence[Variant]) -> str:
    """One row a variant: medians, of the first column also lowest and highest and the ratio to the bare handler."""
    title, columns = _COLUMNS[measurement]
    has_speed = columns[0][0] == "per_s"
    header = ["", *(name for _, name, _ in columns)]
    if has_speed:
        header.insert(2, "x bare")
    rows = [_row(results, measurement, variant, columns, has_speed) for variant in variants]
    return f"### {title}\n\n{_table(header, rows)}"


def _row(
    results: Results, measurement: str, variant: Variant, columns: Sequence[tuple[str, str, str]], has_speed: bool
) -> list[str]:
    key = (measurement, variant.name)
    if key not in results.samples:
        return [variant.title, f"not measured: {results.failures.get(key, 'left out')}"]
    cells = [variant.title]
    for place, (number, _, form) in enumerate(columns):
        values = results.all(measurement, variant, number)
        cell = f"{statistics.median(values):{form}}" if values else ""
        if place == 0 and len(values) > 1:
            cell += f" ({min(values):{form}}..{max(values):{form}})"
        cells.append(cell)
    if has_speed:
        ratio = results.ratio((measurement, variant, "per_s"), ("accept", BARE, "per_s"))
        cells.insert(2, f"{ratio:.2f}" if ratio is not None else "")
    return cells


def doubts(results: Results, filesystem: str) -> list[str]:
    """What makes this run worth less than it seems."""
    found = []
    if filesystem in ("tmpfs", "ramfs", "overlay"):
        found.append(f"State files are on {filesystem}: a commit costs nothing there, or is not what a server pays.")
    for (measurement, name), samples in results.samples.items():
        where = f"{measurement}, {name}"
        if any(sample.get("lost") for sample in samples):
            found.append(f"{where}: events that were answered 200 never reached the sink.")
        if name != CEILING.name and any(sample.get("generator_cpu", 0) > _BUSY for sample in samples):
            found.append(f"{where}: the generator's core was full, so the server may be faster than shown.")
        speeds = [sample["per_s"] for sample in samples if "per_s" in sample]
        if speeds and max(speeds) > _SPREAD_MAX * min(speeds):
            found.append(f"{where}: rounds differ by {max(speeds) / min(speeds):.1f}x; the machine was not quiet.")
    if any(cpu < _BUSY for cpu in results.all("accept", BARE, "server_cpu")):
        found.append("accept, bare: its core was not full, so something else had the processor.")
    if 0.0 in results.all("memory", BATCHES, "refused"):
        found.append("memory, batches: nothing was refused, so the queues were not full.")
    return found


def facts_table(facts: Sequence[tuple[str, str]]) -> str:
    return _table(("", "measured on"), facts)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join([*line, *[''] * (len(header) - len(line))])} |" for line in lines)
