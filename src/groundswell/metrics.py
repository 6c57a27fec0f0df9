"""Every metric there is, in one place. Labels are component names and short codes; never anything about a person.

What happens is tallied in plain dictionaries, which costs little, and becomes prometheus-client's metrics when somebody
asks. What can be read off the running daemon (depths, ages, states) is read at that moment too, by the function handed
to `observe`. docs/metrics.md lists them all; a test holds it to this.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

GAUGES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "groundswell_up": ("1 while the daemon accepts, 0 while it refuses or drains.", ()),
    "groundswell_component_state": ("1 for the state a component is in.", ("component", "state")),
    "groundswell_account_state": ("1 for the state an account is in.", ("account", "state")),
    "groundswell_source_failing_seconds": (
        "For how long a source that goes and looks has not been able to read; 0 when it is well.",
        ("component",),
    ),
    "groundswell_queue_records": ("Records in memory, by step: accept, inbox, or a sink's name.", ("queue",)),
    "groundswell_queue_bytes": ("Bytes in memory, by step.", ("queue",)),
    "groundswell_inbox_waiting_records": ("Accepted records not processed yet, in memory and on disk.", ()),
    "groundswell_sink_waiting_records": ("Deliveries not settled yet, in memory and on disk.", ("component",)),
    "groundswell_sink_oldest_waiting_seconds": ("Age of the oldest delivery not settled yet.", ("component",)),
    "groundswell_dead_letters": ("Dead letters waiting for a person.", ("component", "reason")),
    "groundswell_state_file_bytes": ("Size of the state file.", ()),
    "groundswell_config_reloaded_timestamp_seconds": ("When the configuration in force was read.", ()),
    "groundswell_config_reload_failed": ("1 when the last reload was refused and the old one is in force.", ()),
}
"""Gauges read off the daemon when asked: name -> (help, labels)."""

COUNTERS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "groundswell_source_accepted_records": ("Records accepted: on disk before the answer.", ("component",)),
    "groundswell_source_duplicate_records": ("Records whose id was accepted before.", ("component",)),
    "groundswell_source_requests": ("Webhook requests answered.", ("component", "status")),
    "groundswell_source_failures": ("Times a running source stopped with an error.", ("component", "reason")),
    "groundswell_processed_records": ("Records processed.", ("component", "kind")),
    "groundswell_transform_filtered_records": ("Records a transform dropped on purpose.", ("component",)),
    "groundswell_dead_letters_made": ("Dead letters made.", ("component", "reason")),
    "groundswell_sink_delivered_records": ("Deliveries the sink took.", ("component", "kind")),
    "groundswell_sink_skipped_records": ("Deliveries that would have changed nothing.", ("component", "reason")),
    "groundswell_sink_coalesced_records": (
        "Deliveries taken along by a later one of the same person.",
        ("component",),
    ),
    "groundswell_sink_retried_records": ("Tries that failed for now.", ("component", "reason")),
    "groundswell_http_wait_seconds": ("Time outgoing requests waited for a rate limit.", ("component",)),
    "groundswell_state_file_commits": ("Transactions committed.", ()),
}
"""Counters: name without "_total" -> (help, labels)."""

HISTOGRAMS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "groundswell_source_request_seconds": (
        "From the whole body read to the answer, commit included.",
        ("component",),
    ),
    "groundswell_sink_write_seconds": ("One write to a sink.", ("component",)),
    "groundswell_http_request_seconds": ("One outgoing HTTP request.", ("host", "status")),
}
"""Histograms of seconds: name -> (help, labels)."""

TOLD: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "groundswell_transform_notes": ("Things a transform met, since the start.", ("component", "note")),
    "groundswell_build_info": ("1; the labels say what is running.", ("version", "python", "config")),
}
"""Gauges that are told, not read: name -> (help, labels)."""

Sample = tuple[str, tuple[str, ...], float]
"""(gauge name, label values, value)."""
Labels = tuple[str, ...]


class _Times:
    """How long something took, each time."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(SECONDS) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.sum += seconds

    def buckets(self) -> list[tuple[str, float]]:
        return list(zip((*map(str, map(float, SECONDS)), "+Inf"), accumulate(self.counts), strict=True))


class Metrics:
    """The counters of one daemon."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[Labels, float]] = {name: defaultdict(float) for name in COUNTERS}
        self._times: dict[str, dict[Labels, _Times]] = {name: defaultdict(_Times) for name in HISTOGRAMS}
        self._told: dict[str, dict[Labels, float]] = {name: {} for name in TOLD}
        self._read: Callable[[], Iterable[Sample]] = tuple
        self.committed(0)
        # What every webhook moves, looked up once.
        self._requests = self._counts["groundswell_source_requests"]
        self._request_times = self._times["groundswell_source_request_seconds"]
        self.registry = CollectorRegistry()
        self.registry.register(_Families(self._families))

    def accepted(self, source: str, fresh: int, duplicates: int) -> None:
        self._count("groundswell_source_accepted_records", fresh, source)
        self._count("groundswell_source_duplicate_records", duplicates, source)

    def answered(self, source: str, status: int, seconds: float | None = None) -> None:
        self._requests[source, _STATUS.get(status) or str(status)] += 1
        if seconds is not None:
            self._request_times[source,].add(seconds)

    def source_failed(self, source: str, reason: str) -> None:
        self._count("groundswell_source_failures", 1, source, reason)

    def processed(
        self, kinds: Mapping[tuple[str, str], int], filtered: Mapping[str, int], dead: Iterable[tuple[str, str]]
    ) -> None:
        """`kinds` counts by (source, kind), `filtered` by transform; `dead` has (component, reason) of each letter."""
        for (source, kind), count in kinds.items():
            self._count("groundswell_processed_records", count, source, kind)
        for transform, count in filtered.items():
            self._count("groundswell_transform_filtered_records", count, transform)
        for component, reason in dead:
            self.buried(component, reason)

    def buried(self, component: str, reason: str) -> None:
        self._count("groundswell_dead_letters_made", 1, component, reason)

    def noted(self, transform: str, notes: Mapping[str, int]) -> None:
        for note, count in notes.items():
            self._told["groundswell_transform_notes"][transform, note] = count

    def settled(
        self,
        sink: str,
        *,
        delivered: Sequence[str],
        skipped: Sequence[str],
        coalesced: int,
        retried: Sequence[str],
        dead: Sequence[str],
    ) -> None:
        """What became of a batch: `delivered` by kind, the others by reason, an entry a delivery."""
        self._count("groundswell_sink_coalesced_records", coalesced, sink)
        for metric, words in (
            ("groundswell_sink_delivered_records", delivered),
            ("groundswell_sink_skipped_records", skipped),
            ("groundswell_sink_retried_records", retried),
            ("groundswell_dead_letters_made", dead),
        ):
            counts = self._counts[metric]
            for word in words:
                counts[sink, word] += 1

    def held_back(self, sink: str, count: int) -> None:
        """Of so many no deliveries were made, since the sink has them."""
        self._count("groundswell_sink_skipped_records", count, sink, "already_sent")

    def sink_seconds(self, sink: str, seconds: float) -> None:
        self._times["groundswell_sink_write_seconds"][sink,].add(seconds)

    def http_seconds(self, host: str, seconds: float, status: str) -> None:
        self._times["groundswell_http_request_seconds"][host, status].add(seconds)

    def http_waited(self, component: str, seconds: float) -> None:
        self._count("groundswell_http_wait_seconds", seconds, component)

    def committed(self, commits: int) -> None:
        """Take note of how many transactions there have been since the start."""
        self._counts["groundswell_state_file_commits"][()] = commits

    def built(self, version: str, python: str, config: str) -> None:
        self._told["groundswell_build_info"] = {(version, python, config): 1}

    def observe(self, read: Callable[[], Iterable[Sample]]) -> None:
        """Have the gauges read by `read` whenever somebody asks for metrics."""
        self._read = read

    def text(self) -> bytes:
        """What /metrics answers."""
        return generate_latest(self.registry)

    def totals(self) -> dict[str, dict[str, float]]:
        """Counters by component, for `status`: {"signups": {"accepted": 12, ...}}."""
        wanted = {
            "groundswell_source_accepted_records": "accepted",
            "groundswell_source_duplicate_records": "duplicates",
            "groundswell_processed_records": "processed",
            "groundswell_transform_filtered_records": "filtered",
            "groundswell_sink_delivered_records": "delivered",
            "groundswell_sink_skipped_records": "skipped",
            "groundswell_sink_coalesced_records": "coalesced",
            "groundswell_sink_retried_records": "retried",
            "groundswell_dead_letters_made": "dead",
            "groundswell_source_requests": "refused_requests",
        }
        totals: dict[str, dict[str, float]] = {}
        for name, word in wanted.items():
            labels = COUNTERS[name][1]
            for values, count in self._counts[name].items():
                if dict(zip(labels, values, strict=True)).get("status", "400") >= "400":
                    counts = totals.setdefault(values[0], {})
                    counts[word] = counts.get(word, 0) + count
        return totals

    def _count(self, name: str, amount: float, *labels: str) -> None:
        if amount:
            self._counts[name][labels] += amount

    def _families(self) -> Iterator[Metric]:
        for name, (text, labels) in COUNTERS.items():
            counter = CounterMetricFamily(name, text, labels=labels)
            for values, count in self._counts[name].items():
                counter.add_metric(values, count)
            yield counter
        for name, (text, labels) in HISTOGRAMS.items():
            histogram = HistogramMetricFamily(name, text, labels=labels)
            for values, times in self._times[name].items():
                histogram.add_metric(values, times.buckets(), times.sum)
            yield histogram
        gauges = {
            name: GaugeMetricFamily(name, text, labels=labels) for name, (text, labels) in {**TOLD, **GAUGES}.items()
        }
        told = ((name, values, value) for name, those in self._told.items() for values, value in those.items())
        for name, values, value in (*told, *self._read()):
            gauges[name].add_metric(values, value)
        yield from gauges.values()


_STATUS: Final = {status: str(status) for status in (200, 400, 401, 404, 413, 415, 503)}


class _Families(Collector):
    def __init__(self, families: Callable[[], Iterator[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families()
