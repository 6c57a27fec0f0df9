"""filter: which records go on."""

import tomllib
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_records import built, problem_with, records, shown, signature

from groundswell.record import Record

ODD = {
    "n": 25,
    "money": "25.00",
    "yes": True,
    "list": ["a", 3, {"x": 1}],
    "none": None,
    "empty": [],
    "object": {"a": 1},
    "day": "2026-05-02",
    "paris": "2026-05-02T01:00:00+02:00",
    "seconds": 1777719609,
    "long": "b" * 4096 + "a",
}


def passes(mode: str = "all", /, record: Record | None = None, **condition: Any) -> bool:
    record = signature(custom=ODD) if record is None else record
    result = built("filter", where=[condition], mode=mode).apply(record)
    assert result is record or result is None
    return result is record


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"field": "action.type", "equals": "signature"}, True),
        ({"field": "action.type", "equals": "Signature"}, False),
        ({"field": "action.type", "not_equals": "signature"}, False),
        ({"field": "city", "equals": "Portland"}, False),
        ({"field": "city", "not_equals": "Portland"}, True),
        ({"field": "custom.n", "equals": 25}, True),
        ({"field": "custom.n", "equals": "25"}, True),
        ({"field": "custom.money", "equals": 25}, True),
        ({"field": "custom.money", "equals": "25"}, False),
        ({"field": "custom.yes", "equals": True}, True),
        ({"field": "custom.yes", "equals": "true"}, True),
        ({"field": "custom.yes", "equals": 1}, False),
        ({"field": "custom.object", "equals": "a"}, False),
        ({"field": "zip", "in": ["97201", "97202"]}, True),
        ({"field": "zip", "in": [97201]}, True),
        ({"field": "zip", "not_in": ["97202"]}, True),
        ({"field": "state", "not_in": ["OR"]}, True),
        ({"field": "action.tags", "equals": "volunteer"}, True),
        ({"field": "action.tags", "in": ["donor", "member"]}, True),
        ({"field": "action.tags", "not_equals": "volunteer"}, False),
        ({"field": "action.tags", "matches": "^mem"}, True),
        ({"field": "custom.list", "above": 2}, True),
        ({"field": "phone", "exists": True}, True),
        ({"field": "city", "exists": True}, False),
        ({"field": "city", "exists": False}, True),
        ({"field": "custom.none", "exists": True}, False),
        ({"field": "custom.empty", "exists": True}, False),
        ({"field": "custom.none", "known": True}, True),
        ({"field": "city", "known": True}, False),
        ({"field": "city", "known": False}, True),
        ({"field": "email", "matches": r"@example\.org$"}, True),
        ({"field": "email", "matches": "^example"}, False),
        ({"field": "email", "matches": "(?i)ROSA"}, True),
        ({"field": "email", "not_matches": "spam"}, True),
        ({"field": "city", "matches": ""}, False),
        ({"field": "city", "not_matches": "x"}, True),
        ({"field": "custom.n", "matches": "^25$"}, True),
        ({"field": "custom.long", "matches": "b"}, True),
        ({"field": "custom.long", "matches": "a"}, False),
        ({"field": "occurred_at", "after": "2026-01-01"}, True),
        ({"field": "occurred_at", "after": "2026-05-02T11:00:09Z"}, True),
        ({"field": "occurred_at", "before": "2026-05-02T11:00:09Z"}, False),
        ({"field": "occurred_at", "after": "2026-05-02", "before": "2026-05-03"}, True),
        ({"field": "occurred_at", "after": "2026-05-02", "before": "2026-05-02"}, False),
        ({"field": "custom.day", "before": "2026-05-02T00:00:01Z"}, True),
        ({"field": "custom.paris", "before": "2026-05-02"}, True),
        ({"field": "custom.seconds", "after": "2026-05-02T11:00:09Z"}, True),
        ({"field": "email", "after": "2026-01-01"}, False),
        ({"field": "city", "before": "2026-01-01"}, False),
        ({"field": "custom.money", "above": 24.99}, True),
        ({"field": "custom.money", "above": 25}, False),
        ({"field": "custom.money", "at_least": "25"}, True),
        ({"field": "custom.n", "below": 25}, False),
        ({"field": "custom.n", "at_most": 25}, True),
        ({"field": "email", "above": 0}, False),
        ({"field": "custom.yes", "at_least": 0}, False),
        ({"field": "city", "below": 1}, False),
    ],
)
def test_a_condition_holds_or_not_and_negated_the_other_way_round(condition: Any, holds: bool) -> None:
    assert passes(**condition) is holds
    assert passes(**condition, negate=True) is not holds


def test_toml_dates_are_dates() -> None:
    condition = tomllib.loads('field = "occurred_at"\nafter = 2026-05-02\nbefore = 2026-05-02T13:00:10+02:00')
    assert passes(**condition)
    assert not passes(**{**condition, "before": "2026-05-02T13:00:09+02:00"})


def test_all_conditions_must_hold_or_any_one() -> None:
    yes, no = {"field": "zip", "equals": "97201"}, {"field": "zip", "equals": "97202"}
    for mode, where, goes_on in (
        ("all", [yes, yes], True),
        ("all", [yes, no], False),
        ("any", [no, yes], True),
        ("any", [no, no], False),
    ):
        assert (built("filter", where=where, mode=mode).apply(signature()) is not None) is goes_on


def test_a_negated_condition_of_several_operators_holds_when_one_does_not() -> None:
    assert passes(field="occurred_at", after="2026-01-01", before="2026-02-01", negate=True)


@pytest.mark.parametrize(
    ("condition", "where", "says"),
    [
        ({"field": "state"}, (), "asks nothing about state"),
        ({"field": "stat", "equals": "OR"}, ("field",), 'did you mean "state"?'),
        ({"field": "state", "equal": "OR"}, ("equal",), "not permitted"),
        ({"field": "state", "equals": ""}, ("equals",), "exists = false"),
        ({"field": "state", "equals": float("inf")}, ("equals",), "too large"),
        ({"field": "state", "in": []}, ("in",), "at least 1"),
        ({"field": "email", "matches": "("}, ("matches",), "is not a regular expression (missing )"),
        ({"field": "email", "matches": 5}, ("matches",), "is not a regular expression"),
        ({"field": "occurred_at", "after": "May"}, ("after",), "is not a date or time"),
        ({"field": "custom.n", "above": "much"}, ("above",), "is not a number"),
    ],
)
def test_conditions_that_make_no_sense_are_refused(condition: Any, where: tuple[Any, ...], says: str) -> None:
    location, message = problem_with("filter", where=[condition])
    assert location == ("where", 0, *where)
    assert says in message


def test_a_filter_without_conditions_is_refused() -> None:
    assert problem_with("filter", where=[])[0] == ("where",)
    assert problem_with("filter", where=[{"field": "zip", "exists": True}], mode="some")[0] == ("mode",)


fields = st.sampled_from(
    [
        "state",
        "action.tags",
        "custom.a",
        "custom.phones",
        "occurred_at",
        "raw.a",
        "donation.amount",
        "sms_opt_in",
        "kind",
    ]
)
plain = st.text(min_size=1, max_size=3) | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5)
dates = st.dates(min_value=date(1000, 1, 2)).map(str)
operators = st.fixed_dictionaries(
    {"field": fields},
    optional={
        "equals": plain,
        "not_equals": plain,
        "in": st.lists(plain, min_size=1, max_size=3),
        "not_in": st.lists(plain, min_size=1, max_size=3),
        "matches": st.sampled_from(["", "a", "^O", r"\d+$"]),
        "not_matches": st.sampled_from(["a", "^O"]),
        "exists": st.booleans(),
        "known": st.booleans(),
        "after": dates,
        "before": dates,
        "above": st.integers(-5, 5),
        "at_most": st.integers(-5, 5),
    },
).filter(lambda condition: len(condition) > 1)


@given(records, operators)
def test_a_record_passes_a_condition_or_its_negation_and_never_both(record: Record, condition: dict[str, Any]) -> None:
    before = shown(record)
    assert passes(record=record, **condition) is not passes(record=record, **condition, negate=True)
    assert passes("any", record=record, **condition) is passes(record=record, **condition)
    assert shown(record) == before


@given(records, fields, plain, dates)
def test_the_not_forms_are_exact_opposites(record: Record, field: str, value: Any, day: str) -> None:
    for operator, opposite, operand in (
        ("equals", "not_equals", value),
        ("in", "not_in", [value]),
        ("matches", "not_matches", "a"),
    ):
        assert passes(record=record, field=field, **{operator: operand}) is not passes(
            record=record, field=field, **{opposite: operand}
        )
