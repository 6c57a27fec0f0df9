"""docs/metrics.md, docs/api.md and the states in docs/operating.md say what the code does."""

from pathlib import Path

from groundswell.metrics import COUNTERS, GAUGES, HISTOGRAMS, TOLD
from groundswell.ops.operations import OPERATIONS, STREAMS
from groundswell.ops.states import STATES

DOCS = Path(__file__).parents[2] / "docs"


def rows(page: str, columns: int) -> list[tuple[str, ...]]:
    """The rows of every table of so many columns, without headings, cells without backquotes."""
    found = []
    for line in (DOCS / page).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `") and len(cells) == columns:
            found.append(tuple(cell.replace("`", "") for cell in cells))
    return found


def in_code() -> list[tuple[str, ...]]:
    """Every metric as (name, type, labels, meaning)."""
    of_type = {"counter": COUNTERS, "histogram": HISTOGRAMS, "gauge": {**TOLD, **GAUGES}}
    return [
        (name + ("_total" if kind == "counter" else ""), kind, ", ".join(labels), meaning)
        for kind, metrics in of_type.items()
        for name, (meaning, labels) in metrics.items()
    ]


def test_every_metric_is_in_the_table_as_it_is_in_the_code() -> None:
    assert rows("metrics.md", 4) == in_code()


def test_every_operation_is_in_the_table_of_the_api() -> None:
    asked = [(one.name, one.method, one.path, one.summary) for one in OPERATIONS]
    streamed = [(one.name, one.method, one.path, one.summary) for one in STREAMS]
    assert rows("api.md", 3) == [
        (f"groundswell {name}", f"{method} {path}", summary) for name, method, path, summary in asked + streamed
    ]


def test_the_states_mean_what_the_dashboard_says_they_do() -> None:
    page = (DOCS / "operating.md").read_text().partition("## What the states mean")[2].partition("\n## ")[0]
    cells = [line.strip().strip("|").split("|") for line in page.splitlines() if line.startswith("| `")]
    assert [tuple(cell.strip() for cell in row) for row in cells] == [
        (f"`{state}`", meaning.means, meaning.do) for state, meaning in STATES.items()
    ]
