"""`[[tests]]`: what they compare, and what they say when it differs."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from groundswell.component import Arrival
from groundswell.config.model import PipelineTest
from groundswell.config.pipeline_tests import differences_between, run_test
from groundswell.errors import RecordError
from groundswell.members.book import Book
from groundswell.record import Person, Record


class Pipeline:
    """source -> tidied -> crm, in which an input says itself what becomes of it."""

    def trace(self, source: str, arrival: Arrival, book: Book) -> Mapping[str, Sequence[Record] | RecordError]:
        seen = msgspec.json.decode(arrival.raw)
        match seen["do"]:
            case "misread":
                raise RecordError("it has no events", "no_events")
            case "break":
                raise TypeError("nothing to add")
            case "refuse":
                return {source: [self._record(arrival, source, seen)], "tidied": RecordError("phone cannot be a list")}
            case "filter":
                return {source: [self._record(arrival, source, seen)]}
        record = self._record(arrival, source, seen)
        return {source: [record], "tidied": [record], "crm": [record]}

    def _record(self, arrival: Arrival, source: str, seen: Any) -> Record:
        return Record(id=arrival.id, kind="person", source=source, person=Person(**seen.get("person", {})), raw=seen)


def _differences(inputs: list[Any], **expect: Any) -> tuple[str, ...]:
    test = PipelineTest("a test", "signups", tuple(map(msgspec.json.encode, inputs)), expect)
    result = run_test(test, Pipeline())
    assert result.name == "a test"
    assert result.passed == (not result.differences)
    return result.differences


def test_what_comes_out_as_expected_passes() -> None:
    inputs = [{"do": "pass", "person": {"email": "a@example.org", "zip": "97201"}}, {"do": "filter"}]
    assert not _differences(inputs, crm=[{"person": {"email": "a@example.org"}}], tidied=[{"id": "test/1"}])
    assert not _differences(inputs, signups=[{"id": "test/1"}, {"id": "test/2", "source": "signups"}])


def test_what_is_not_expected_is_not_compared() -> None:
    assert not _differences([{"do": "pass"}], crm=[{}])


def test_too_few_and_too_many_records_are_told() -> None:
    assert _differences([{"do": "filter"}], crm=[{}]) == ("crm: expected 1 record, got 0",)
    assert _differences([{"do": "pass"}, {"do": "pass"}], crm=[]) == ("crm: expected 0 records, got 2",)


def test_every_difference_is_told_with_its_path() -> None:
    inputs = [{"do": "pass", "person": {"email": "a@example.org", "sms_opt_in": True}}]
    expected = {"kind": "action", "person": {"email": "b@example.org", "zip": "97201", "sms_opt_in": 1}, "raw": {}}
    assert _differences(inputs, crm=[expected]) == (
        'crm, record 1: kind should be "action", and is "person"',
        'crm, record 1: person.email should be "b@example.org", and is "a@example.org"',
        'crm, record 1: person.zip should be "97201", and is unknown',
        "crm, record 1: person.sms_opt_in should be 1, and is true",
        "crm, record 1: raw should be {}, and is unknown",
    )


def test_a_record_that_fails_anywhere_fails_the_test() -> None:
    inputs = [{"do": "misread"}, {"do": "break"}, {"do": "refuse"}, {"do": "pass"}]
    assert _differences(inputs, crm=[{"id": "test/4"}]) == (
        "signups cannot read input 1: it has no events (reason no_events)",
        "input 2 made a component fail with TypeError: nothing to add",
        "tidied refuses input 3: phone cannot be a list (reason unreadable)",
    )


@pytest.mark.parametrize(
    ("expected", "got", "is_same"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}, "d": 3}, True),
        ({"a": [1, 2]}, {"a": [1, 2]}, True),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}, False),
        ({"a": 25}, {"a": 25.0}, True),
        ({"a": True}, {"a": 1}, False),
        ({"a": [True]}, {"a": [1]}, False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": {}}, {"a": 1}, False),
        ({"a": {}}, {"a": {"b": 1}}, True),
        ({"a": []}, {"a": {}}, False),
        ({}, {"a": 1}, True),
    ],
)
def test_tables_are_compared_on_the_keys_expected_and_lists_whole(expected: Any, got: Any, is_same: bool) -> None:
    assert bool(list(differences_between(expected, got))) is not is_same


def test_a_long_value_is_cut_short() -> None:
    (difference,) = differences_between({"a": "x" * 10_000}, {"a": "y"})
    assert len(difference) < 300


def test_dead_letters_that_are_expected_pass_and_others_do_not() -> None:
    def run(*does: str, **dead: list[str]) -> tuple[str, ...]:
        inputs = tuple(msgspec.json.encode({"do": what}) for what in does)
        return run_test(PipelineTest("a test", "signups", inputs, {}, dead), Pipeline()).differences

    assert run("misread", "pass", signups=["no_events"]) == ()
    assert run("refuse", "misread", tidied=["unreadable"], signups=["no_events"]) == ()
    assert run("misread", "misread", signups=["no_events"]) == (
        "signups cannot read input 2: it has no events (reason no_events)",
    )
    assert run("misread", signups=["test_event"]) == (
        'signups cannot read input 1 for the reason "no_events", and should for "test_event": it has no events',
    )
    assert run("pass", tidied=["bad_value"]) == (
        'tidied: expected a dead letter, reason "bad_value", and there is none',
    )
