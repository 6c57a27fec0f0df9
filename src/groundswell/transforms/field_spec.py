"""Where one field gets its value from: one line in `fields` of `map_fields`."""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Self

from msgspec import UNSET
from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from groundswell.record import Record
from groundswell.settings import Settings
from groundswell.transforms.paths import FieldPath, Get, SourcePath
from groundswell.transforms.template import TemplateText
from groundswell.transforms.values import fit

Empty = Literal["clear", "ignore"]
"""What a source that is known to be empty does: it empties the field, or it counts as unknown."""


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str | FieldPath) else value


def _json_value(value: Any) -> Any:
    """TOML has dates, JSON has not."""
    return value.isoformat() if isinstance(value, date | datetime) else value


_ONE_OR_MORE_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "string", "description": "The field to copy from."},
        {"type": "array", "items": {"type": "string"}, "description": "The first of these that holds something."},
    ]
}


def _or_path(schema: dict[str, Any]) -> None:
    """In the JSON Schema too, a path alone may stand for the table."""
    table = dict(schema)
    schema.clear()
    schema["anyOf"] = [*_ONE_OR_MORE_SCHEMA["anyOf"], table]


class FieldSpec(Settings):
    """Where one field gets its value from: `from`, `value` or `template`, and what to do without."""

    model_config = ConfigDict(json_schema_extra=_or_path)

    from_: Annotated[list[SourcePath], BeforeValidator(_one_or_more), WithJsonSchema(_ONE_OR_MORE_SCHEMA)] = Field(
        [],
        alias="from",
        description="The field to copy from. Of several, the first that holds something.",
    )
    value: Annotated[Any, BeforeValidator(_json_value)] = Field(
        None, description='Always this. "" makes the field known to be empty.'
    )
    template: TemplateText | None = Field(
        None,
        description='Text with fields in braces, such as "{first_name} {last_name}". Unknown while one of them is.',
    )
    default: Annotated[Any, BeforeValidator(_json_value)] = Field(
        None, description="This, where neither what is copied nor the field itself is known."
    )
    empty: Empty | None = Field(None, description="As `empty` of the transform, for this field alone.")

    @model_validator(mode="before")
    @classmethod
    def _paths_alone(cls, value: Any) -> Any:
        if isinstance(value, str | list | FieldPath):
            return {"from": value}
        if isinstance(value, dict | FieldSpec):
            return value
        raise ValueError(
            'does not say where the value is from; give a field, such as "custom.City", or { value = ... }'
        )

    @model_validator(mode="after")
    def _says_where_from(self) -> Self:
        given = {"from": bool(self.from_), "value": self._is_given("value"), "template": self.template is not None}
        ways = [way for way, is_given in given.items() if is_given]
        if len(ways) > 1:
            raise ValueError(f"has both {ways[0]} and {ways[1]}; give one of from, value and template")
        if not ways and not self._is_given("default"):
            raise ValueError("does not say where the value is from; give from, value, template or default")
        return self

    def getter_for(self, target: FieldPath, empty: Empty, is_dropped: bool) -> Get:
        """Reads the value for `target`; UNSET where it is unknown and the field should stay as it is.

        Raises:
            ValueError: a constant is something the target cannot hold. So does the getter, for a template.
        """
        ignores_empty = (self.empty or empty) == "ignore"
        get = _ignoring_empty(self._getter(target)) if ignores_empty else self._getter(target)
        if not self._is_given("default"):
            return get
        default = fit(self.default, target.holds)
        has = unknown if is_dropped else (_ignoring_empty(target.get) if ignores_empty else target.get)
        return lambda record: default if (value := get(record)) is UNSET and has(record) is UNSET else value

    def described(self) -> str:
        """Where the value is from, for messages."""
        if self.template is not None:
            return f'a field in "{self.template}"'
        return " or ".join(path.text for path in self.from_)

    def _getter(self, target: FieldPath) -> Get:
        if self.template is not None:
            return self.template.get
        if self._is_given("value"):
            constant = fit(self.value, target.holds)
            return lambda record: constant
        gets = [path.get for path in self.from_]
        if not gets:
            return unknown
        return gets[0] if len(gets) == 1 else _first_that_holds_something(gets)

    def _is_given(self, name: str) -> bool:
        return name in self.model_fields_set


def unknown(record: Record) -> Any:
    return UNSET


def _ignoring_empty(get: Get) -> Get:
    return lambda record: UNSET if (value := get(record)) is None else value


def _first_that_holds_something(gets: list[Get]) -> Get:
    """The first that is known and not empty; else empty, when one is known to be; else unknown."""

    def get(record: Record) -> Any:
        best: Any = UNSET
        for get_one in gets:
            value = get_one(record)
            if value is not UNSET and value is not None:
                return value
            best = None if value is None else best
        return best

    return get
