"""The pipeline as it is, drawn: columns from the sources to the sinks, in an order in which few lines cross."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import Final

WIDTH: Final = 168
HEIGHT: Final = 84
GAP_X: Final = 32
"""So that six columns fit into the page on a laptop."""
GAP_Y: Final = 16
LANE: Final = 18
"""What a line takes that passes by the components of a column."""
MARGIN: Final = 4
SWEEPS: Final = 4
NAME_MAX: Final = 19
"""Letters that fit into a box."""

_Slot = tuple[str, str, int]
"""("component", name, 0), or ("line", "from to", column) for a line that passes by."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where one component stands: its upper left corner."""

    name: str
    x: int
    y: int

    @property
    def short_name(self) -> str:
        return self.name if len(self.name) <= NAME_MAX else f"{self.name[: NAME_MAX - 1]}…"


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes in the order of reading, and the lines between them as SVG has it."""

    boxes: tuple[Box, ...]
    paths: tuple[str, ...]
    width: int
    height: int


def draw(inputs: Mapping[str, Sequence[str]], sinks: Sequence[str]) -> Drawing:
    """`inputs`: of each component, those of the others that it takes from. Sinks stand in the last column."""
    known = {name: [giver for giver in givers if giver in inputs and giver != name] for name, givers in inputs.items()}
    column_of = _columns(known, sinks)
    routes = [_route(giver, name, column_of) for name, givers in known.items() for giver in givers]
    columns = _in_order(column_of, routes)
    height = max((_height(column) for column in columns), default=0)
    places = {slot: place for number, column in enumerate(columns) for slot, place in _placed(column, number, height)}
    return Drawing(
        boxes=tuple(Box(slot[1], *places[slot]) for column in columns for slot in column if slot[0] == "component"),
        paths=tuple(_path([places[slot] for slot in route], route) for route in routes),
        width=max(1, len(columns) * (WIDTH + GAP_X) - GAP_X + 2 * MARGIN),
        height=height + 2 * MARGIN,
    )


def _columns(inputs: Mapping[str, Sequence[str]], sinks: Sequence[str]) -> dict[str, int]:
    column_of: dict[str, int] = {}
    for name in TopologicalSorter(inputs).static_order():
        column_of[name] = max((column_of[giver] + 1 for giver in inputs[name]), default=0)
    last = max(column_of.values(), default=0)
    return {name: last if name in sinks else column_of[name] for name in inputs}


def _route(giver: str, name: str, column_of: Mapping[str, int]) -> list[_Slot]:
    """The slots that a line goes through, both ends included."""
    between = [("line", f"{giver} {name}", column) for column in range(column_of[giver] + 1, column_of[name])]
    return [("component", giver, 0), *between, ("component", name, 0)]


def _in_order(column_of: Mapping[str, int], routes: Sequence[Sequence[_Slot]]) -> list[list[_Slot]]:
    """The columns, each slot near those it is joined to: sweeps to and fro, by the mean place of the neighbours."""
    columns: list[list[_Slot]] = [[] for _ in range(max(column_of.values(), default=-1) + 1)]
    for name, column in column_of.items():
        columns[column].append(("component", name, 0))
    before: dict[_Slot, list[_Slot]] = {}
    after: dict[_Slot, list[_Slot]] = {}
    for route in routes:
        for slot in route[1:-1]:
            columns[slot[2]].append(slot)
        for left, right in pairwise(route):
            before.setdefault(right, []).append(left)
            after.setdefault(left, []).append(right)
    for sweep in range(SWEEPS):
        neighbours, order = (before, columns) if sweep % 2 == 0 else (after, columns[::-1])
        for fixed, moved in pairwise(order):
            place = {slot: (number + 0.5) / len(fixed) for number, slot in enumerate(fixed)}
            own = {slot: (number + 0.5) / len(moved) for number, slot in enumerate(moved)}
            moved.sort(key=lambda slot: _mean([place[other] for other in neighbours.get(slot, [])], own[slot]))
    return columns


def _mean(places: Sequence[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _size(slot: _Slot) -> int:
    return HEIGHT if slot[0] == "component" else LANE


def _height(column: Sequence[_Slot]) -> int:
    return sum(_size(slot) + GAP_Y for slot in column) - GAP_Y


def _placed(column: Sequence[_Slot], number: int, height: int) -> list[tuple[_Slot, tuple[int, int]]]:
    x = MARGIN + number * (WIDTH + GAP_X)
    y = MARGIN + (height - _height(column)) // 2
    placed = []
    for slot in column:
        placed.append((slot, (x, y)))
        y += _size(slot) + GAP_Y
    return placed


def _path(corners: Sequence[tuple[int, int]], route: Sequence[_Slot]) -> str:
    x, y = corners[0][0] + WIDTH, corners[0][1] + HEIGHT // 2
    parts = [f"M{x} {y}"]
    for (to_x, top), slot in zip(corners[1:], route[1:], strict=True):
        to_y, middle = top + _size(slot) // 2, (x + to_x) // 2
        parts.append(f"C{middle} {y} {middle} {to_y} {to_x} {to_y}")
        if slot[0] == "line":
            parts.append(f"H{to_x + WIDTH}")
        x, y = to_x + WIDTH, to_y
    return "".join(parts)
