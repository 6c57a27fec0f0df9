"""docs/operating.md and the dashboard explain every reason that a dead letter can have."""

import ast
from collections.abc import Iterator
from pathlib import Path

import groundswell
from groundswell.errors import RejectedError
from groundswell.ops.reasons import REASONS
from groundswell.registry import REGISTRY

SOURCE = Path(groundswell.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "operating.md"
RAISED = {"RecordError", "Rejected", "DeadLetter", "_error", "_bury"}
"""What takes the reason of a dead letter as a word."""


def test_the_table_of_the_page_is_the_one_of_the_code() -> None:
    lines = PAGE.read_text().partition("| reason | meaning | what to do |\n|---|---|---|\n")[2].partition("\n\n")[0]
    rows = {code: f"| `{code}` | {reason.meaning} | {reason.what_to_do} |" for code, reason in REASONS.items()}
    assert lines.splitlines() == list(rows.values())


def test_every_reason_that_the_code_gives_is_explained_and_no_other() -> None:
    assert REGISTRY.sources, "all connectors are imported"
    given = set(words_given()) | {kind.reason for kind in kinds_of(RejectedError)}
    # Given where a variable says which: by the sink after `give_up_after`, and for whatever no connector foresaw.
    assert given | {"defect", "gave_up"} == REASONS.keys()


def words_given() -> Iterator[str]:
    """Every plain word that stands where the reason of a dead letter stands."""
    for file in SOURCE.rglob("*.py"):
        if "simulator" in file.parts or file.name == "simulator.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and name_of(node.func) in RAISED:
                arguments = [*node.args, *(word.value for word in node.keywords if word.arg == "reason")]
                yield from (
                    one.value
                    for one in arguments
                    if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value.isidentifier()
                )


def name_of(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def kinds_of(kind: type[RejectedError]) -> Iterator[type[RejectedError]]:
    yield kind
    for inner in kind.__subclasses__():
        yield from kinds_of(inner)
