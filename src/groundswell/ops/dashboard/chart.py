"""A small chart of one series, as SVG has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from groundswell.ops.live_messages import Series
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
    area: str

    @property
    def title(self) -> str:
        """ "oldest waiting" """
        return self.series.what.removesuffix("_s").replace("_", " ")


def chart_of(series: Series) -> Chart:
    """The newest point stands at the right edge, the least possible, zero, at the bottom."""
    columns = _columns(series.points)
    if not columns:
        return Chart(series, "", "")
    most = max(columns) or 1.0
    left = WIDTH - len(columns)
    heights = [round(HEIGHT - 1 - (HEIGHT - 1 - TOP) * value / most, 1) for value in columns]
    line = f"M{left} {heights[0]:g}" + "".join(f"L{left + place + 1} {y:g}" for place, y in enumerate(heights))
    return Chart(series, line, f"{line}V{HEIGHT}H{left}Z")


def _columns(points: Sequence[float]) -> list[float]:
    """One value for each unit of width, counted from the right: the highest, so that no peak is lost."""
    each = POINTS // WIDTH
    ends = range(len(points), 0, -each)
    return [max(points[max(0, end - each) : end]) for end in ends][::-1]
