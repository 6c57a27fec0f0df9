"""How fast each component works: the last hour and the last day, in memory, noted whether or not anybody looks."""

from array import array
from collections.abc import Callable, Mapping
from typing import Final

from groundswell.clock import Clock
from groundswell.config.model import Role
from groundswell.metrics import Metrics
from groundswell.runtime.since import Since
from groundswell.runtime.supervisor import Supervisor
from groundswell.store.store import Store

STEP_S: Final = 5.0
"""One point of the hour."""
FOLD: Final = 24
"""Points of the hour that make one of the day: two minutes."""
POINTS: Final = 720
"""Of each window; so an hour, and a day. A component has at most seven lines of twice as many points, of 4 bytes."""

COUNTED: Final[Mapping[Role, tuple[str, ...]]] = {
    "source": ("accepted", "duplicates", "processed"),
    "transform": ("filtered",),
    "sink": ("delivered", "skipped", "retried"),
}
"""What happens: kept as records a second. The words are those of `Metrics.totals`."""
STANDING: Final[Mapping[Role, tuple[str, ...]]] = {
    "source": (),
    "transform": (),
    "sink": ("waiting", "oldest_waiting_s"),
}
"""What is there at a moment: kept as it is; of the day, the highest of each step."""

Amounts = Mapping[str, Mapping[str, float]]
"""By component, by what is meant."""


class Line:
    """One thing about one component, oldest point first."""

    __slots__ = ("_fold", "day", "hour")

    def __init__(self, fold: Callable[["array[float]"], float]) -> None:
        self.hour = array("f")
        self.day = array("f")
        self._fold = fold

    def add(self, value: float, *, ends_day_step: bool) -> None:
        _append(self.hour, value)
        if ends_day_step:
            _append(self.day, self._fold(self.hour[-FOLD:]))


class Rates:
    """What was noted of each component that there is now. All lines end at `until`; younger ones are shorter."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._steps = 0
        self._before: dict[str, Mapping[str, float]] = {}
        self._lines: dict[str, dict[str, Line]] = {}
        self.until = clock.now()
        """When the last step ended, in seconds since 1970."""
        self.day_until = clock.now()
        """Likewise of the day."""

    def lines(self, component: str) -> Mapping[str, Line]:
        """By what is meant; none before the first step."""
        return self._lines.get(component, {})

    def latest(self, component: str) -> dict[str, float]:
        """Records a second of what happens, over the last step."""
        return {what: line.hour[-1] for what, line in self.lines(component).items() if what in _COUNTED_ANYWHERE}

    def next_in_s(self) -> float:
        """Seconds until the next step ends."""
        return max(0.0, self._began + (self._steps + 1) * STEP_S - self._clock.monotonic())

    def note(self, roles: Mapping[str, Role], totals: Amounts, standing: Amounts) -> None:
        """End the step: `totals` are counts since the start, `standing` is what is there now.

        What happened while nobody could note it (the machine was busy) is spread evenly over the steps it took.
        """
        missed = int((self._clock.monotonic() - self._began) / STEP_S) - self._steps
        if missed < 1:
            return
        self._lines = {name: self._of_role(name, role) for name, role in roles.items()}
        per_s = {name: self._per_s(name, totals.get(name, {}), missed * STEP_S) for name in roles}
        for _ in range(min(missed, POINTS)):
            self._step(per_s, standing)
        self._steps += missed - min(missed, POINTS)
        self._before = {name: totals.get(name, {}) for name in roles}

    def _of_role(self, name: str, role: Role) -> dict[str, Line]:
        known = self._lines.get(name, {})
        lines = {what: known.get(what) or Line(_mean) for what in COUNTED[role]}
        return lines | {what: known.get(what) or Line(max) for what in STANDING[role]}

    def _per_s(self, name: str, totals: Mapping[str, float], seconds: float) -> dict[str, float]:
        before = self._before.get(name, {})
        return {
            what: max(0.0, totals.get(what, 0.0) - before.get(what, 0.0)) / seconds
            for what in self._lines[name]
            if what in _COUNTED_ANYWHERE
        }

    def _step(self, per_s: Amounts, standing: Amounts) -> None:
        self._steps += 1
        ends_day_step = self._steps % FOLD == 0
        for name, lines in self._lines.items():
            values = {**standing.get(name, {}), **per_s[name]}
            for what, line in lines.items():
                line.add(values.get(what, 0.0), ends_day_step=ends_day_step)
        self.until = self._clock.now()
        if ends_day_step:
            self.day_until = self.until


async def keep_rates(
    rates: Rates, since: Since, supervisor: Supervisor, store: Store, metrics: Metrics, clock: Clock
) -> None:
    """Note what everything does, step by step, until cancelled."""
    while True:
        await clock.sleep(rates.next_in_s())
        oldest = await store.oldest_waiting(list(supervisor.sinks))
        now = clock.now()
        since.note(supervisor.states(), now)
        standing = {
            name: {
                "waiting": float(sink.waiting),
                "oldest_waiting_s": max(0.0, now - oldest[name] / 1000) if name in oldest else 0.0,
            }
            for name, sink in supervisor.sinks.items()
        }
        roles = {name: component.role for name, component in supervisor.config.components.items()}
        rates.note(roles, metrics.totals(), standing)


_COUNTED_ANYWHERE: Final = frozenset(what for those in COUNTED.values() for what in those)


def _append(points: "array[float]", value: float) -> None:
    points.append(value)
    if len(points) > POINTS:
        del points[0]


def _mean(points: "array[float]") -> float:
    return sum(points) / len(points)
