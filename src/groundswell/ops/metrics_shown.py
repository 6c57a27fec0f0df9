"""Every metric with its meaning and its value now, for people who are not Prometheus."""

from collections.abc import Mapping
from typing import Final, Literal

from prometheus_client import Metric

from groundswell.metrics import COUNTERS, GAUGES, HISTOGRAMS, TOLD, Metrics
from groundswell.ops.live_messages import MetricSample, MetricShown, MetricsShown

_TABLES: Final[
    tuple[tuple[Literal["counter", "gauge", "histogram"], Mapping[str, tuple[str, tuple[str, ...]]]], ...]
] = (
    ("counter", COUNTERS),
    ("histogram", HISTOGRAMS),
    ("gauge", {**TOLD, **GAUGES}),
)
"""In the order of docs/metrics.md."""


def metrics_shown(metrics: Metrics) -> MetricsShown:
    """What /metrics would answer, without the buckets of histograms."""
    families = {family.name: family for family in metrics.registry.collect()}
    return MetricsShown(
        [
            MetricShown(
                name=f"{name}_total" if kind == "counter" else name,
                type=kind,
                labels=list(labels),
                meaning=meaning,
                samples=_samples(families[name], kind),
            )
            for kind, table in _TABLES
            for name, (meaning, labels) in table.items()
        ]
    )


def _samples(family: Metric, kind: str) -> list[MetricSample]:
    if kind != "histogram":
        return [MetricSample(one.labels, one.value) for one in family.samples]
    sums = {tuple(one.labels.items()): one.value for one in family.samples if one.name.endswith("_sum")}
    return [
        MetricSample(one.labels, one.value, sums[tuple(one.labels.items())])
        for one in family.samples
        if one.name.endswith("_count")
    ]
