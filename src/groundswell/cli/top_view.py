"""What `groundswell top` shows, made of the status: fitted into the window, or as plain lines."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from groundswell.cli.pace import COUNTED, Pace
from groundswell.cli.screen import NOTHING, shown, table
from groundswell.ops.amounts import lasting, size
from groundswell.ops.messages import ComponentStatus, Status

ATTENTION_MAX: Final = 4
"""Lines about what needs a person; how many more there are is said."""
KEYS: Final = "q leave   ↑ ↓ choose   p pause   r resume"
_HEADINGS: Final = ("component", "type", "state", "a second", "counts", "in all", "waiting", "oldest", "dead")
_WIDE: Final = 90
"""Columns of a window that has room for all of them; a narrower one shows what cannot be seen elsewhere."""
_NARROW: Final = ("component", "state", "a second", "waiting", "dead")
_ORDER: Final = ("source", "transform", "sink", None)
_WELL: Final = ("running", "finished", "stopped")


def in_order(status: Status) -> list[ComponentStatus]:
    """The components as records go through them, so that each keeps its place."""
    return sorted(status.components, key=lambda component: (_ORDER.index(component.role), component.name))


def view(
    status: Status, pace: Pace, *, chosen: str | None, said: str, rows: int, columns: int, keys: str = KEYS
) -> RenderableType:
    """The whole window, `rows` high and `columns` wide."""
    above = [*_heading(status), *_attention(status)]
    below = [Text(said, style="bold"), Text(keys, style="dim")]
    for line in (*above, *below):
        line.truncate(columns, overflow="ellipsis")
    components = in_order(status)
    room = max(1, rows - len(above) - len(below) - 2)
    part = _window(components, chosen, room)
    return Group(*above, _table(part, status, pace, chosen, is_wide=columns >= _WIDE), *below)


def _heading(status: Status) -> Iterator[Text]:
    if status.running:
        since = lasting((status.now - (status.started_at or status.now)).total_seconds())
        yield Text(f"groundswell {status.version}, running for {since}, configuration {status.config}", style="bold")
    else:
        yield Text("not running; what waits is in the state file", style="bold yellow")
    inbox = f"{shown(status.inbox_waiting)} accepted and not processed"
    if status.inbox_oldest_at is not None:
        inbox += f", the oldest for {lasting((status.now - status.inbox_oldest_at).total_seconds())}"
    yield Text(f"{inbox}; state file {size(status.state_file_bytes)}")


def _attention(status: Status) -> Iterator[Text]:
    if not status.attention:
        yield Text("nothing needs a person", style="green")
        return
    for line in status.attention[:ATTENTION_MAX]:
        yield Text(shown(line), style="red")
    if len(status.attention) > ATTENTION_MAX:
        yield Text(f"and {len(status.attention) - ATTENTION_MAX} more; see `groundswell status`", style="red")


def _window(components: Sequence[ComponentStatus], chosen: str | None, room: int) -> Sequence[ComponentStatus]:
    """As many as there is room for, the chosen one among them."""
    place = next((n for n, component in enumerate(components) if component.name == chosen), 0)
    first = max(0, min(place - room // 2, len(components) - room))
    return components[first : first + room]


def _table(
    components: Sequence[ComponentStatus], status: Status, pace: Pace, chosen: str | None, *, is_wide: bool
) -> Table:
    kept = _HEADINGS if is_wide else _NARROW
    cells = [_cells(component, status, pace) for component in components]
    rows = [[row[heading] for heading in kept] for row in cells]
    made = table("", kept, rows, numbers=("a second", "in all", "waiting", "dead"))
    made.title = None
    for column in made.columns:
        column.no_wrap, column.overflow = True, "ellipsis"
    for row, component in zip(made.rows, components, strict=True):
        row.style = "reverse" if component.name == chosen else None
    return made


def _cells(component: ComponentStatus, status: Status, pace: Pace) -> dict[str, object]:
    word = COUNTED.get(component.role, NOTHING)
    rate = pace.per_second(component)
    oldest = component.oldest_waiting_at
    style = "" if component.state in _WELL else "red" if component.attention else "yellow"
    return {
        "component": component.name,
        "type": component.type,
        "state": Text(component.state.replace("_", " "), style=style),
        "a second": None if rate is None else f"{rate:,.1f}",
        "counts": word,
        "in all": getattr(component, word, None),
        "waiting": component.waiting,
        "oldest": None if oldest is None else lasting((status.now - oldest).total_seconds()),
        "dead": component.dead_letters,
    }


def plain(status: Status, pace: Pace) -> Iterator[str]:
    """A line for each component: name=value, for grep and awk."""
    yield f"{shown(status.now)} inbox waiting={status.inbox_waiting} attention={len(status.attention)}"
    for component in in_order(status):
        rate = pace.per_second(component)
        oldest = component.oldest_waiting_at
        values: dict[str, object] = {
            "state": component.state,
            f"{COUNTED.get(component.role, 'counted')}_per_s": None if rate is None else f"{rate:.1f}",
            "waiting": component.waiting,
            "oldest_s": None if oldest is None else int((status.now - oldest).total_seconds()),
            "dead_letters": component.dead_letters,
        }
        told = " ".join(f"{name}={value}" for name, value in values.items() if value is not None)
        yield f"{shown(status.now)} {shown(component.name)} {told}"
