"""What is said of a request that cannot be read."""

from typing import Any

import pytest

from groundswell.config.problems import able
from groundswell.errors import RefusedError
from groundswell.ops.messages import NameKey
from groundswell.ops.openapi import openapi
from groundswell.ops.operations import OPERATIONS, STREAMS
from groundswell.ops.requests import of_form
from groundswell.ops.values import MUST_BE


def patterns_in(part: Any) -> set[str]:
    """Every pattern in a document."""
    if isinstance(part, list):
        return set().union(*map(patterns_in, part))
    if not isinstance(part, dict):
        return set()
    own = {part["pattern"]} if isinstance(part.get("pattern"), str) else set()
    return own.union(*map(patterns_in, part.values()))


def test_every_pattern_of_every_operation_has_words() -> None:
    assert patterns_in(openapi(OPERATIONS, STREAMS)) == set(MUST_BE)


def test_a_name_that_does_not_fit_is_said_in_words_without_what_was_typed() -> None:
    with pytest.raises(RefusedError) as refused:
        of_form({"name": ["act blue!"]}, NameKey)
    assert str(refused.value) == (
        "the request cannot be read: name must be letters, digits and . _ -, begin with one of the first two, "
        "and have at most 64"
    )


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "nothing here can be paused"),
        (["crm"], "crm can be paused"),
        (["crm", "archive"], "crm and archive can be paused"),
        (["crm", "archive", "file"], "crm, archive and file can be paused"),
        ([f"s{number}" for number in range(20)], f"{', '.join(f's{n}' for n in range(16))}, ... can be paused"),
    ],
)
def test_what_can_be_done_instead_is_a_sentence(names: list[str], said: str) -> None:
    assert able(names, "be paused") == said
