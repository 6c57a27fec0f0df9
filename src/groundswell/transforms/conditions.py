"""One condition of a filter: a field, and what must hold for its value."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Annotated, Any, Final, Self

from msgspec import UNSET
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from groundswell.settings import Settings
from groundswell.transforms.paths import SourcePath
from groundswell.transforms.values import moment, number, plain_text

Test = Callable[[Any], bool]
"""Whether something holds for a value; UNSET is unknown, None is known to be empty."""

MATCHED_CHARACTERS_MAX: Final = 4096
"""A regular expression sees this much of a text, so that no sender can make one run for long."""


def _comparable(value: Any) -> Any:
    if value == "":
        raise ValueError('is "", which no field ever is; to ask whether a field is empty, write exists = false')
    plain_text(value)
    return value


Plain = Annotated[str | bool | int | float, AfterValidator(_comparable)]


def _pattern(value: Any) -> Any:
    if isinstance(value, re.Pattern):
        return value
    try:
        return re.compile(value)
    except (re.error, TypeError) as exc:
        raise ValueError(f"is not a regular expression ({exc}); write one such as '@example\\.org$'") from exc


def _moment(value: Any) -> Any:
    """TOML's own dates and times are taken too."""
    read = moment(value.isoformat() if isinstance(value, date) else value)
    if read is None:
        raise ValueError('is not a date or time; write "2026-05-02" or "2026-05-02T11:00:09Z"')
    return read


def _number(value: Any) -> Any:
    read = number(value)
    if read is None:
        raise ValueError('is not a number; write 25, 99.5 or "25.00"')
    return read


Pattern = Annotated[
    re.Pattern[str],
    BeforeValidator(_pattern),
    PlainSerializer(lambda pattern: pattern.pattern, when_used="unless-none"),
    WithJsonSchema({"type": "string", "format": "regex"}),
]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "examples": ["2026-05-02", "2026-05-02T11:00:09Z"]}),
]
Number = Annotated[Decimal, BeforeValidator(_number), WithJsonSchema({"type": ["number", "string"]})]


class Condition(Settings):
    """A field and what must hold for it. Several operators must all hold."""

    field: SourcePath = Field(description="The field it is about.")
    equals: Plain | None = Field(None, description="It is this. A number compares as a number, all else as text.")
    not_equals: Plain | None = Field(None, description="It is not this; it may be unknown.")
    in_: list[Plain] | None = Field(None, alias="in", min_length=1, description="It is one of these.")
    not_in: list[Plain] | None = Field(None, min_length=1, description="It is none of these; it may be unknown.")
    matches: Pattern | None = Field(None, description="This regular expression is found in it.")
    not_matches: Pattern | None = Field(None, description="This one is not; it may be unknown.")
    exists: bool | None = Field(None, description="It is known and not empty; with false, it is unknown or empty.")
    known: bool | None = Field(None, description="It is known, if only to be empty; with false, it is unknown.")
    after: Moment | None = Field(None, description="It is this moment or a later one.")
    before: Moment | None = Field(None, description="It is an earlier moment.")
    above: Number | None = Field(None, description="It is a number and more than this.")
    at_least: Number | None = Field(None, description="It is a number and this or more.")
    below: Number | None = Field(None, description="It is a number and less than this.")
    at_most: Number | None = Field(None, description="It is a number and this or less.")
    negate: bool = Field(False, description="The condition holds when the rest of it does not.")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self._tests():
            raise ValueError(
                f'asks nothing about {self.field}; give it an operator, such as equals = "OR" or exists = true'
            )
        return self

    def test(self) -> Test:
        """Whether the operators hold for a value; `negate` is left to the caller."""
        tests = self._tests()
        return tests[0] if len(tests) == 1 else lambda value: all(test(value) for test in tests)

    def _tests(self) -> list[Test]:
        given = ((make, getattr(self, name)) for name, make in _OPERATORS.items())
        return [make(operand) for make, operand in given if operand is not None]


def _of_any_item(test: Test) -> Test:
    """On a list, such as `action.tags`, an operator holds when it holds for one item."""
    return lambda value: any(map(test, value)) if type(value) is list else test(value)


def _not(test: Test) -> Test:
    return lambda value: not test(value)


def _is_one_of(operands: list[Plain]) -> Test:
    texts = frozenset(map(plain_text, operands))
    numbers = frozenset(number(operand) for operand in operands if not isinstance(operand, str | bool))

    def test(value: Any) -> bool:
        if value is UNSET or value is None:
            return False
        if type(value) is str and not numbers:
            return value in texts
        return _plain_text(value) in texts or number(value) in numbers

    return _of_any_item(test)


def _is_found(pattern: re.Pattern[str]) -> Test:
    def test(value: Any) -> bool:
        text = value if type(value) is str else _plain_text(value)
        return text is not None and pattern.search(text, 0, MATCHED_CHARACTERS_MAX) is not None

    return _of_any_item(test)


def _is_moment(limit_compares: Callable[[Any, Any], bool]) -> Callable[[Any], Test]:
    return lambda limit: _of_any_item(_compared(moment, limit_compares, limit))


def _is_number(limit_compares: Callable[[Any, Any], bool]) -> Callable[[Any], Test]:
    return lambda limit: _of_any_item(_compared(number, limit_compares, limit))


def _compared(read: Callable[[Any], Any], limit_compares: Callable[[Any, Any], bool], limit: Any) -> Test:
    return lambda value: (found := read(value)) is not None and limit_compares(limit, found)


def _exists(value: Any) -> bool:
    return value is not UNSET and value is not None and value != "" and value != [] and value != {}


def _is_known(value: Any) -> bool:
    return value is not UNSET


def _plain_text(value: Any) -> str | None:
    """None for what has no plain text: unknown, empty, a list, an object."""
    try:
        return plain_text(value)
    except ValueError:
        return None


_OPERATORS: Final[dict[str, Callable[[Any], Test]]] = {
    "equals": lambda operand: _is_one_of([operand]),
    "not_equals": lambda operand: _not(_is_one_of([operand])),
    "in_": _is_one_of,
    "not_in": lambda operands: _not(_is_one_of(operands)),
    "matches": _is_found,
    "not_matches": lambda pattern: _not(_is_found(pattern)),
    "exists": lambda operand: _exists if operand else _not(_exists),
    "known": lambda operand: _is_known if operand else _not(_is_known),
    "after": _is_moment(le),
    "before": _is_moment(gt),
    "above": _is_number(lt),
    "at_least": _is_number(le),
    "below": _is_number(gt),
    "at_most": _is_number(ge),
}
"""How each operator makes its test. The comparisons read "the limit is ... what was found"."""
