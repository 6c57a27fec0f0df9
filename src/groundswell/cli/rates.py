"""`groundswell rates`: how fast a component works, and how fast it did."""

from typing import Annotated

import typer

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import NOTHING, print_json, say, table
from groundswell.ops.amounts import lasting, measured
from groundswell.ops.live_messages import AskRates, Window
from groundswell.ops.operations import RATES


def command(
    component: Annotated[str, typer.Argument(metavar="COMPONENT", help="Its name.")],
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Show how fast a component works: the least, the most and the latest of the last hour and the last day.

    With --json every point is there. The daemon notes them in memory, since it started. Exit codes: 0 done, 1 failed.

    Examples: groundswell rates crm; groundswell rates signups --json
    """
    found = ask(config, RATES, AskRates(component))
    if as_json:
        print_json(found)
        return
    for title, window in (("The last hour", found.hour), ("The last day", found.day)):
        say(
            table(
                f"{title}, {_length(window)}",
                ["what", "least", "most", "now"],
                _rows(window),
                numbers=["least", "most", "now"],
            )
        )


def _length(window: Window) -> str:
    points = max((len(series.points) for series in window.series), default=0)
    return f"of which {lasting(points * window.step_s)} are known" if points else "nothing known yet"


def _rows(window: Window) -> list[tuple[str, ...]]:
    return [
        (
            series.what.removesuffix("_s").replace("_", " "),
            *(
                NOTHING if value is None else measured(value, series.unit)
                for value in (series.least, series.most, series.now)
            ),
        )
        for series in window.series
    ]
