"""The history of rates, as it is told."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from groundswell.ops.live_messages import RatesShown, Series, Window
from groundswell.ops.messages import moment
from groundswell.ops.place import Part
from groundswell.runtime.rates import COUNTED, FOLD, STANDING, STEP_S, Rates

_DIGITS: Final = 3
_UNITS: Final[Mapping[str, Literal["records", "s"]]] = {"waiting": "records", "oldest_waiting_s": "s"}


def rates_of(part: Part, rates: Rates) -> RatesShown:
    """What was noted of one component."""
    lines = rates.lines(part.name)
    kept = [(what, lines.get(what)) for what in (*COUNTED[part.role], *STANDING[part.role])]
    return RatesShown(
        component=part.name,
        role=part.role,
        hour=Window(
            STEP_S, moment(rates.until * 1000), [_series(what, line.hour if line else ()) for what, line in kept]
        ),
        day=Window(
            STEP_S * FOLD,
            moment(rates.day_until * 1000),
            [_series(what, line.day if line else ()) for what, line in kept],
        ),
    )


def _series(what: str, points: Sequence[float]) -> Series:
    shown = [round(point, _DIGITS) for point in points]
    return Series(
        what=what,
        unit=_UNITS.get(what, "records/s"),
        least=min(shown, default=None),
        most=max(shown, default=None),
        now=shown[-1] if shown else None,
        points=shown,
    )
