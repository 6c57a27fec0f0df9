"""The `[[tests]]` of a configuration: what came out, held against what was expected."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from groundswell.component import Arrival
from groundswell.config.model import PipelineTest
from groundswell.config.problems import counted
from groundswell.errors import RecordError
from groundswell.members.book import Book, EmptyShelf
from groundswell.record import Record, to_json

_SHOWN_MAX: Final = 200


class Traced(Protocol):
    """What shows the way of a record through the pipeline: `runtime.plan.Plan`."""

    def trace(self, source: str, arrival: Arrival, book: Book) -> Mapping[str, Sequence[Record] | RecordError]:
        """What each component lets through, by name, and what reaches each sink; absent is filtered.

        Raises:
            RecordError: the source cannot read it.
        """
        ...


@dataclass(frozen=True, slots=True)
class TestResult:
    """How one test went."""

    __test__ = False  # pytest takes every class called Test... for one of its own

    name: str
    differences: tuple[str, ...]
    """What was not as expected, one sentence each."""

    @property
    def passed(self) -> bool:
        return not self.differences


def run_test(test: PipelineTest, pipeline: Traced) -> TestResult:
    """Send the input of a test through the pipeline and compare. A dead letter that is not expected fails the test."""
    came: dict[str, list[Any]] = {}
    dead = {name: list(reasons) for name, reasons in test.dead.items()}
    differences: list[str] = []
    book = Book(EmptyShelf())
    for number, raw in enumerate(test.input, 1):
        try:
            traced = pipeline.trace(test.source, Arrival(f"test/{number}", raw), book)
        except RecordError as exc:
            differences += _refused(test.source, f"cannot read input {number}", exc, dead)
            continue
        except Exception as exc:
            # A defect of ours, in one component; the other tests are still worth running.
            differences.append(f"input {number} made a component fail with {type(exc).__name__}: {exc}")
            continue
        for name, result in traced.items():
            if isinstance(result, RecordError):
                differences += _refused(name, f"refuses input {number}", result, dead)
            else:
                came.setdefault(name, []).extend(msgspec.json.decode(to_json(one)) for one in result)
    for name, expected in test.expect.items():
        differences += _compared(name, expected, came.get(name, []))
    for name, reasons in dead.items():
        differences += [f'{name}: expected a dead letter, reason "{reason}", and there is none' for reason in reasons]
    return TestResult(test.name, tuple(differences))


def _refused(name: str, what: str, error: RecordError, dead: Mapping[str, list[str]]) -> Iterator[str]:
    """What is wrong with a dead letter; nothing, if it is the next one expected here."""
    expected = dead.get(name)
    if not expected:
        yield f"{name} {what}: {error} (reason {error.reason})"
    elif (reason := expected.pop(0)) != error.reason:
        yield f'{name} {what} for the reason "{error.reason}", and should for "{reason}": {error}'


def _compared(name: str, expected: Sequence[Any], came: Sequence[Any]) -> Iterator[str]:
    if len(expected) != len(came):
        yield f"{name}: expected {counted(len(expected), 'record')}, got {len(came)}"
    for number, (wanted, got) in enumerate(zip(expected, came, strict=False), 1):
        for difference in differences_between(wanted, got):
            yield f"{name}, record {number}: {difference}"


def differences_between(expected: Any, got: Any, path: str = "") -> Iterator[str]:
    """Where `got` is not as `expected`: tables compared only on the keys expected, everything else whole."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key, wanted in expected.items():
            place = f"{path}.{key}" if path else key
            if key in got:
                yield from differences_between(wanted, got[key], place)
            else:
                yield f"{place} should be {_shown(wanted)}, and is unknown"
    elif not _is_same(expected, got):
        yield f"{path} should be {_shown(expected)}, and is {_shown(got)}"


def _is_same(expected: Any, got: Any) -> bool:
    """Equality as JSON has it: true is not 1, but 1 is 1.0."""
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(_is_same, expected, got))
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(_is_same(value, got[key]) for key, value in expected.items())
    return isinstance(expected, bool) == isinstance(got, bool) and bool(expected == got)


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 3] + "..."
