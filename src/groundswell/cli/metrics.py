"""`groundswell metrics`: every metric, what it means and what it is now."""

from collections.abc import Iterator

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json, say, table
from groundswell.ops.live_messages import MetricShown
from groundswell.ops.messages import Nothing
from groundswell.ops.operations import METRICS


def command(config: CONFIG = None, as_json: JSON = False) -> None:
    """List every metric with its meaning and its values now, as /metrics has them for Prometheus.

    Of a histogram it is how often, and how long in all. Exit codes: 0 done, 1 failed.

    Examples: groundswell metrics; groundswell metrics --json
    """
    found = ask(config, METRICS, Nothing())
    if as_json:
        print_json(found)
        return
    rows = [row for metric in found.metrics for row in _rows(metric)]
    say(table("", ["metric", "of", "value", "meaning"], rows, numbers=["value"]))


def _rows(metric: MetricShown) -> Iterator[tuple[object, ...]]:
    if not metric.samples:
        yield metric.name, None, None, metric.meaning
    for sample in metric.samples:
        total = "" if sample.sum_s is None else f" in {sample.sum_s:.3f} s"
        labels = ", ".join(f"{name} {value}" for name, value in sample.labels.items())
        yield metric.name, labels, f"{sample.value:,.10g}{total}", metric.meaning
