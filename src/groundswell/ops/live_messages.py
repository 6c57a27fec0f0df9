"""What an operator may ask about the work going on, and what they are told: rates, looking now, metrics."""

from typing import Literal

from msgspec import Struct

from groundswell.ops.messages import Moment, Name, Role


class AskRates(Struct, frozen=True):
    """Of which component."""

    component: Name


class Series(Struct, frozen=True):
    """One thing over time. Shorter than the others, it began later: all end at the same moment."""

    what: str
    unit: Literal["records/s", "records", "s"]
    least: float | None
    most: float | None
    now: float | None
    """null, all three: nothing is known yet."""
    points: list[float]
    """Oldest first."""


class Window(Struct, frozen=True):
    """Some time, up to now, in equal steps."""

    step_s: float
    until: Moment
    """The end of the last step."""
    series: list[Series]


class RatesShown(Struct, frozen=True):
    """How fast a component worked since the daemon started, at most for an hour and for a day."""

    component: str
    role: Role
    hour: Window
    """Averages over five seconds; what waits, at the end of each."""
    day: Window
    """Averages over two minutes; of what waits, the most."""


class Polled(Struct, frozen=True):
    """Whether a source that was told to look now was not doing so anyway."""

    name: str
    was_looking: bool


class MetricSample(Struct, frozen=True):
    """One value of a metric."""

    labels: dict[str, str]
    value: float
    """Of a histogram: how often."""
    sum_s: float | None = None
    """Of a histogram: how long in all."""


class MetricShown(Struct, frozen=True):
    """One metric, what it means, and what it is now."""

    name: str
    """As a query names it; a histogram has _bucket, _count and _sum after it."""
    type: Literal["counter", "gauge", "histogram"]
    labels: list[str]
    meaning: str
    samples: list[MetricSample]


class MetricsShown(Struct, frozen=True):
    """Every metric there is, with those that have no value yet."""

    metrics: list[MetricShown]
