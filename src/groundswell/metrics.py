"""Every metric there is, in one place. Labels are component names and short codes; never anything about a person.

Counters are moved once per batch, not per record. What can be read off the running daemon (depths, ages, states) is
read when somebody asks, by the function handed to `observe`. docs/metrics.md lists them all; a test holds it to this.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

GAUGES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "groundswell_up": ("1 while the daemon accepts, 0 while it refuses or drains.", ()),
    "groundswell_component_state": ("1 for the state a component is in.", ("component", "state")),
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

Sample = tuple[str, tuple[str, ...], float]
"""(gauge name, label values, value)."""


class Metrics:
    """The counters of one daemon."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        component = ("component",)
        self._accepted = Counter(
            "groundswell_source_accepted_records",
            "Records accepted: on disk before the answer.",
            component,
            registry=registry,
        )
        self._duplicates = Counter(
            "groundswell_source_duplicate_records",
            "Records whose id was accepted before.",
            component,
            registry=registry,
        )
        self._requests = Counter(
            "groundswell_source_requests", "Webhook requests answered.", ("component", "status"), registry=registry
        )
        self._request_seconds = Histogram(
            "groundswell_source_request_seconds",
            "From the whole body read to the answer, commit included.",
            component,
            buckets=SECONDS,
            registry=registry,
        )
        self._source_failures = Counter(
            "groundswell_source_failures",
            "Times a running source stopped with an error.",
            ("component", "reason"),
            registry=registry,
        )
        self._processed = Counter(
            "groundswell_processed_records", "Records processed.", ("component", "kind"), registry=registry
        )
        self._filtered = Counter(
            "groundswell_transform_filtered_records",
            "Records a transform dropped on purpose.",
            component,
            registry=registry,
        )
        self._notes = Gauge(
            "groundswell_transform_notes",
            "Things a transform met, since the start.",
            ("component", "note"),
            registry=registry,
        )
        self._buried = Counter(
            "groundswell_dead_letters_made", "Dead letters made.", ("component", "reason"), registry=registry
        )
        self._delivered = Counter(
            "groundswell_sink_delivered_records", "Deliveries the sink took.", ("component", "kind"), registry=registry
        )
        self._skipped = Counter(
            "groundswell_sink_skipped_records",
            "Deliveries that would have changed nothing.",
            ("component", "reason"),
            registry=registry,
        )
        self._coalesced = Counter(
            "groundswell_sink_coalesced_records",
            "Deliveries taken along by a later one of the same person.",
            component,
            registry=registry,
        )
        self._retried = Counter(
            "groundswell_sink_retried_records", "Tries that failed for now.", ("component", "reason"), registry=registry
        )
        self._sink_seconds = Histogram(
            "groundswell_sink_write_seconds", "One write to a sink.", component, buckets=SECONDS, registry=registry
        )
        self._http_seconds = Histogram(
            "groundswell_http_request_seconds",
            "One outgoing HTTP request.",
            ("host", "status"),
            buckets=SECONDS,
            registry=registry,
        )
        self._http_wait = Counter(
            "groundswell_http_wait_seconds",
            "Time outgoing requests waited for a rate limit.",
            ("component",),
            registry=registry,
        )
        self._commits = Counter("groundswell_state_file_commits", "Transactions committed.", registry=registry)
        self._build = Gauge(
            "groundswell_build_info",
            "1; the labels say what is running.",
            ("version", "python", "config"),
            registry=registry,
        )
        # Children looked up once: labels() costs more than inc().
        self._children: dict[tuple[object, ...], Counter] = {}
        self._histograms: dict[tuple[object, ...], Histogram] = {}
        self._seen_commits = 0

    def _count(self, metric: Counter, amount: float, *labels: str) -> None:
        if not amount:
            return
        child = self._children.get((metric, *labels))
        if child is None:
            child = self._children[metric, *labels] = metric.labels(*labels)
        child.inc(amount)

    def _observe(self, metric: Histogram, seconds: float, *labels: str) -> None:
        child = self._histograms.get((metric, *labels))
        if child is None:
            child = self._histograms[metric, *labels] = metric.labels(*labels)
        child.observe(seconds)

    def accepted(self, source: str, fresh: int, duplicates: int) -> None:
        self._count(self._accepted, fresh, source)
        self._count(self._duplicates, duplicates, source)

    def answered(self, source: str, status: int, seconds: float | None = None) -> None:
        self._count(self._requests, 1, source, str(status))
        if seconds is not None:
            self._observe(self._request_seconds, seconds, source)

    def source_failed(self, source: str, reason: str) -> None:
        self._count(self._source_failures, 1, source, reason)

    def processed(
        self, kinds: Mapping[tuple[str, str], int], filtered: Mapping[str, int], dead: Iterable[tuple[str, str]]
    ) -> None:
        """`kinds` counts by (source, kind), `filtered` by transform; `dead` has (component, reason) of each letter."""
        for (source, kind), count in kinds.items():
            self._count(self._processed, count, source, kind)
        for transform, count in filtered.items():
            self._count(self._filtered, count, transform)
        for component, reason in dead:
            self.buried(component, reason)

    def buried(self, component: str, reason: str) -> None:
        self._count(self._buried, 1, component, reason)

    def noted(self, transform: str, notes: Mapping[str, int]) -> None:
        for note, count in notes.items():
            self._notes.labels(transform, note).set(count)

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
        self._count(self._coalesced, coalesced, sink)
        for metric, words in (
            (self._delivered, delivered),
            (self._skipped, skipped),
            (self._retried, retried),
            (self._buried, dead),
        ):
            for word, count in Tally(words).items() if words else ():
                self._count(metric, count, sink, word)

    def sink_seconds(self, sink: str, seconds: float) -> None:
        self._observe(self._sink_seconds, seconds, sink)

    def http_seconds(self, host: str, seconds: float, status: str) -> None:
        self._observe(self._http_seconds, seconds, host, status)

    def http_waited(self, component: str, seconds: float) -> None:
        self._count(self._http_wait, seconds, component)

    def committed(self, commits: int) -> None:
        """Take note of how many transactions there have been since the start."""
        self._commits.inc(commits - self._seen_commits)
        self._seen_commits = commits

    def built(self, version: str, python: str, config: str) -> None:
        self._build.clear()
        self._build.labels(version, python, config).set(1)

    def observe(self, read: Callable[[], Iterable[Sample]]) -> None:
        """Have the gauges read by `read` whenever somebody asks for metrics."""
        self.registry.register(_Gauges(read))

    def text(self) -> bytes:
        """What /metrics answers."""
        return generate_latest(_WithoutCreated(self.registry))

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
        for family in self.registry.collect():
            word = wanted.get(family.name)
            if word is None:
                continue
            for sample in family.samples:
                if sample.name.endswith("_total") and sample.labels.get("status", "400") >= "400":
                    counts = totals.setdefault(sample.labels["component"], {})
                    counts[word] = counts.get(word, 0) + sample.value
        return totals


class _WithoutCreated(CollectorRegistry):
    """The same metrics without the time each counter was made, which the client adds and nobody reads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._whole = registry

    def collect(self) -> Iterable[Metric]:
        for family in self._whole.collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family


class _Gauges(Collector):
    def __init__(self, read: Callable[[], Iterable[Sample]]) -> None:
        self._read = read

    def collect(self) -> Iterable[GaugeMetricFamily]:
        families = {name: GaugeMetricFamily(name, text, labels=labels) for name, (text, labels) in GAUGES.items()}
        for name, labels, value in self._read():
            families[name].add_metric(labels, value)
        return families.values()
