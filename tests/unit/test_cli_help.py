"""The command line as a newcomer meets it: every verb there, each with an example, in the order of use."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from groundswell import __version__
from groundswell.cli.main import VERBS, application
from groundswell.ops.operations import OPERATIONS, Operation

ROOT: Any = get_command(application())


def leaves(command: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every verb there is, with how it is called."""
    for name, inner in command.commands.items():
        if hasattr(inner, "commands"):
            yield from leaves(inner, (*path, name))
        else:
            yield (*path, name), inner


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(application(), arguments, env={"COLUMNS": "120"})
    return result.exit_code, re.sub(r"\x1b\[[0-9;]*m", "", result.output)


def test_help_lists_the_verbs_in_the_order_of_use() -> None:
    code, output = run("--help")
    assert code == 0
    listed = re.findall(r"^│ ([a-z]+) {2,}", output, re.MULTILINE)
    assert listed == list(VERBS)


@pytest.mark.parametrize(
    ("path", "command"), list(leaves()), ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_verb_says_what_it_does_and_gives_an_example_of_itself(path: tuple[str, ...], command: Any) -> None:
    code, output = run(*path, "--help")
    assert code == 0
    unwrapped = " ".join(output.split())
    assert re.search(rf"Examples?: .*groundswell {' '.join(path)}", unwrapped)
    assert all(parameter.help for parameter in command.params if parameter.name != "help")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_has_a_verb_that_takes_config_and_json(operation: Operation[Any, Any]) -> None:
    verb = dict(leaves())[tuple(operation.name.split())]
    options = {option for parameter in verb.params for option in parameter.opts}
    assert {"--config", "-c", "--json"} <= options


def test_the_version_is_the_packages() -> None:
    assert run("--version") == (0, f"groundswell {__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("status", "--nonsense"),
        ("dead", "show"),
        ("dead", "show", "x"),
        ("dead", "show", "0"),
        ("dead", "list", "--limit", "0"),
        ("dead", "retry"),
        ("dead", "retry", "1", "--all"),
        ("dead", "drop", "--all", "--reason", "rejected"),
        ("reconcile", "gifts"),
        ("reconcile", "gifts", "file", "--lag", "soon"),
        ("reconcile", "gifts", "file", "--since", "yesterday"),
        ("reconcile", "gifts", "file", "--limit", "1001"),
        ("person",),
        ("person", "rosa"),
        ("forget", "12"),
        ("members", "list", "--status", "well"),
        ("members", "list", "--sort", "age"),
        ("members", "list", "--limit", "1001"),
        ("consents", "export", "--xml"),
        ("replay", "signups"),
        ("replay", "signups", "--since", "yesterday"),
        ("backfill", "people"),
        ("backfill", "people", "--since", "yesterday"),
        ("backfill", "people", "--since", "3d", "--cancel"),
        ("backfill", "people", "--cancel", "--collection", "people"),
        ("keys", "create", "two words"),
        ("keys", "create", "-c"),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2(arguments: tuple[str, ...]) -> None:
    code, _ = run(*arguments)
    assert code == 2
