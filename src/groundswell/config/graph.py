"""The components of a configuration and how records flow between them: as plain text, Mermaid, or data."""

from collections.abc import Mapping
from graphlib import TopologicalSorter
from typing import Any, Final

from groundswell.config.model import Component, Config, Role

_SHAPES: Final[Mapping[Role, tuple[str, str]]] = {"source": ("([", "])"), "transform": ("[", "]"), "sink": ("[(", ")]")}
"""How Mermaid draws each: a pill, a box, a drum."""
_HEADINGS: Final = ("", "name", "type", "takes from", "gives to")


def in_flow_order(config: Config) -> list[Component]:
    """Every component after all it takes from; where that leaves a choice, in the order of the file."""
    sorter = TopologicalSorter({name: component.takes_from for name, component in config.components.items()})
    sorter.prepare()
    place = {name: number for number, name in enumerate(config.components)}
    waiting: list[str] = []
    ordered: list[Component] = []
    while sorter.is_active():
        waiting = sorted([*waiting, *sorter.get_ready()], key=lambda name: _turn(config.components[name], place))
        name = waiting.pop(0)
        ordered.append(config.components[name])
        sorter.done(name)
    return ordered


def as_text(config: Config) -> str:
    """A table, one component a line, in the order in which records pass them."""
    ordered = in_flow_order(config)
    rows = [_HEADINGS, *(_row(component, ordered) for component in ordered)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def as_mermaid(config: Config) -> str:
    """A Mermaid flowchart, from left to right."""
    ordered = in_flow_order(config)
    lines = ["flowchart LR"]
    for component in ordered:
        opening, closing = _SHAPES[component.role]
        lines.append(f'  {_node(component)}{opening}"{component.name}<br/>{component.type}"{closing}')
    for component in ordered:
        lines += [f"  {_node(config.components[name])} --> {_node(component)}" for name in component.takes_from]
    return "\n".join(lines)


def as_data(config: Config) -> list[dict[str, Any]]:
    """The same for programs."""
    ordered = in_flow_order(config)
    return [
        {
            "name": component.name,
            "role": component.role,
            "type": component.type,
            "inputs": list(component.takes_from),
            "outputs": _outputs(component, ordered),
        }
        for component in ordered
    ]


def _turn(component: Component, place: Mapping[str, int]) -> tuple[int, int]:
    return ({"source": 0, "transform": 1, "sink": 2}[component.role], place[component.name])


def _row(component: Component, ordered: list[Component]) -> tuple[str, ...]:
    takes, gives = ", ".join(component.takes_from), ", ".join(_outputs(component, ordered))
    return (component.role, component.name, component.type, takes or "-", gives or "-")


def _outputs(component: Component, ordered: list[Component]) -> list[str]:
    return [other.name for other in ordered if component.name in other.takes_from]


def _node(component: Component) -> str:
    """With the role in front: `end` and `style` are words of Mermaid's own."""
    return f"{component.role}_{component.name}"
