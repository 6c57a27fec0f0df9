"""How the components of a configuration hang together: names, inputs, loops, and what nobody takes from."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Final

from groundswell.config.model import Role
from groundswell.config.problems import Findings, TomlPath, closest, meant, path_text, quoted

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Node:
    """A component as the file has it, whether or not its settings are right."""

    name: str
    role: Role
    file: str
    inputs: tuple[str, ...]
    sync: str | None = None
    """The sync it is a part of."""

    @property
    def path(self) -> TomlPath:
        return (f"{self.role}s", self.name) if self.sync is None else ("sync", self.sync)


@dataclass(frozen=True, slots=True)
class Login:
    """An account as the file has it, whether or not its settings are right."""

    file: str
    type: str | None
    """None when there is no such type, which is reported where it stands."""


@dataclass(frozen=True, slots=True)
class AccountNamed:
    """A component that needs an account, the type of account it needs, and which one it names."""

    node: Node
    type: str
    name: object


def check_names(nodes: Sequence[Node], findings: Findings) -> dict[str, Node]:
    """The components by name; of several with one name, the first."""
    by_name: dict[str, Node] = {}
    for node in nodes:
        if not _NAME.fullmatch(node.name):
            findings.problem(
                node.file,
                node.path,
                "is not a name; names are small letters, digits and _, and start with a letter"
                + (f', such as "{better}"' if (better := _as_name(node.name)) else ""),
            )
        first = by_name.setdefault(node.name, node)
        if first is not node:
            findings.problem(
                node.file,
                node.path,
                f"has the name of {path_text(first.path)}"
                + (f" in {first.file}" if first.file != node.file else "")
                + "; every component needs a name of its own",
            )
    return by_name


def check_inputs(nodes: Mapping[str, Node], findings: Findings) -> None:
    """Report inputs that name nothing or a sink, loops, and components nothing takes from."""
    givers = [name for name, node in nodes.items() if node.role != "sink"]
    taken: set[str] = set()
    for node in nodes.values():
        for place, name in enumerate(node.inputs):
            path = (*node.path, "inputs", place)
            if name in node.inputs[:place]:
                findings.problem(node.file, path, f"{quoted(name)} is named twice; a record would come twice")
            elif name not in nodes:
                findings.problem(node.file, path, f"nothing is called {quoted(name)}; {meant(name, givers)}")
                taken.add(closest(name, givers) or name)
            elif nodes[name].role == "sink":
                findings.problem(node.file, path, f"{quoted(name)} is a sink, and nothing comes out of a sink")
            else:
                taken.add(name)
    _check_loops(nodes, findings)
    if any(node.role == "sink" for node in nodes.values()):
        for name in givers:
            if name not in taken and nodes[name].sync is None:
                _report_unused(nodes[name], findings)


def check_accounts(
    logins: Mapping[str, Login], named: Sequence[AccountNamed], synced: Collection[str], findings: Findings
) -> None:
    """Report accounts that are not there or of another vendor, and warn of those nobody uses. `synced`: by syncs."""
    for each in named:
        if not isinstance(each.name, str):
            continue  # reported where its settings are
        path = (*each.node.path, "account")
        fitting = [name for name, login in logins.items() if login.type == each.type]
        login = logins.get(each.name)
        if login is None and not fitting:
            message = f"there is no account of type {quoted(each.type)}; add [accounts.{each.name}] with its type"
            findings.problem(each.node.file, path, message)
        elif login is None:
            message = f"no account is called {quoted(each.name)}; {meant(each.name, fitting)}"
            findings.problem(each.node.file, path, message)
        elif login.type not in (each.type, None):
            message = f"{quoted(each.name)} is an account of type {quoted(login.type)}; this needs {quoted(each.type)}"
            findings.problem(each.node.file, path, message)
    used = {each.name for each in named if isinstance(each.name, str)} | set(synced)
    for name, login in logins.items():
        if name not in used:
            findings.warning(login.file, ("accounts", name), "no component names this account")


def find_loop(inputs: Mapping[str, Sequence[str]]) -> list[str] | None:
    """A way from a component back to itself in the order records would go, such as ["a", "b", "a"], if there is one."""
    try:
        TopologicalSorter(inputs).prepare()
    except CycleError as exc:
        return [str(name) for name in exc.args[1]]
    return None


def _check_loops(nodes: Mapping[str, Node], findings: Findings) -> None:
    givers = {name: node for name, node in nodes.items() if node.role != "sink"}
    left = {name: [giver for giver in node.inputs if giver in givers] for name, node in givers.items()}
    while loop := find_loop(left):
        start = min(range(len(loop) - 1), key=lambda place: list(nodes).index(loop[place]))
        around = [*loop[start:-1], *loop[:start], loop[start]]
        node = nodes[around[0]]
        findings.problem(node.file, (*node.path, "inputs"), f"records would go round for ever: {' -> '.join(around)}")
        left = {
            name: [giver for giver in givers if giver not in loop] for name, givers in left.items() if name not in loop
        }


def _report_unused(node: Node, findings: Findings) -> None:
    message = f"nothing takes its records; name {quoted(node.name)} in the inputs of a transform or sink, or remove it"
    findings.problem(node.file, node.path, message)


def _as_name(text: str) -> str:
    return re.sub(r"^[^a-z]+|_+$", "", re.sub(r"[^a-z0-9]+", "_", text[:60].lower()))
