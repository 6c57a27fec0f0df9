"""A small chart of one series, as SVG has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from groundswell.ops.amounts import measured
from groundswell.ops.live_messages import RatesShown, Series
from groundswell.runtime.rates import POINTS

WIDTH: Final = 240
HEIGHT: Final = 56
TOP: Final = 3
"""Room for the line at its highest."""


@dataclass(frozen=True, slots=True)
class Chart:
    """What a template needs of one."""

    series: Series
    line: str
    """Empty where nothing is known yet."""

    @property
    def title(self) -> str:
        """ "oldest waiting" """
        return self.series.what.removesuffix("_s").replace("_", " ")

    @property
    def area(self) -> str:
        """What is under the line: groundswell.js makes it of a line in the same way."""
        return f"{self.line}V{HEIGHT}H{self.line[1:].partition(' ')[0]}Z" if self.line else ""

    @property
    def words(self) -> str:
        """The same, for who does not see it."""
        series = self.series
        if series.least is None or series.most is None or series.now is None:
            return "nothing known yet"
        least, most, last = (measured(value, series.unit) for value in (series.least, series.most, series.now))
        return f"least {least}, most {most}, last {last}"


def charts_of(component: str, rates: RatesShown) -> dict[str, str]:
    """What of the charts of a component moves. Names are "COMPONENT.chart.hour.WHAT.line", and the like."""
    texts = {}
    for name, window in (("hour", rates.hour), ("day", rates.day)):
        key = f"{component}.chart.{name}"
        texts[f"{key}.until"] = f"{window.until:%Y-%m-%d %H:%M:%S} UTC"
        for chart in map(chart_of, window.series):
            texts[f"{key}.{chart.series.what}.line"] = chart.line
            texts[f"{key}.{chart.series.what}.words"] = chart.words
    return texts


def chart_of(series: Series) -> Chart:
    """The newest point stands at the right edge, the least possible, zero, at the bottom."""
    columns = _columns(series.points)
    if not columns:
        return Chart(series, "")
    most = max(columns) or 1.0
    left = WIDTH - len(columns)
    heights = [round(HEIGHT - 1 - (HEIGHT - 1 - TOP) * value / most, 1) for value in columns]
    line = f"M{left} {heights[0]:g}" + "".join(f"L{left + place + 1} {y:g}" for place, y in enumerate(heights))
    return Chart(series, line)


def _columns(points: Sequence[float]) -> list[float]:
    """One value for each unit of width, counted from the right: the highest, so that no peak is lost."""
    each = POINTS // WIDTH
    ends = range(len(points), 0, -each)
    return [max(points[max(0, end - each) : end]) for end in ends][::-1]
