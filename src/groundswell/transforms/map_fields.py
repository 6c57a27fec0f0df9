"""Fill fields of a record from other fields, constants and templates; rename fields; drop fields."""

from collections import Counter
from typing import Annotated, Any, Self

from msgspec import UNSET
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from groundswell.component import Context
from groundswell.errors import RecordError
from groundswell.record import Record
from groundswell.settings import TransformSettings
from groundswell.transforms.changes import KEEP, Change, Writer
from groundswell.transforms.field_spec import Empty, FieldSpec, unknown
from groundswell.transforms.paths import FieldPath, Get, TargetPath, parse_table, parse_target
from groundswell.transforms.values import fit


def _can_be_unknown(path: FieldPath) -> FieldPath:
    if path.holds == "kind":
        raise ValueError("every record has a kind; it can be changed, not dropped or renamed")
    return path


def _dropped(value: Any) -> Any:
    if isinstance(value, str):
        return parse_table(value) or parse_target(value)
    if isinstance(value, FieldPath):
        return value
    raise ValueError('is not a field; write its name in quotes, such as "custom.Shirt size" or "custom.*"')


_OldPath = Annotated[TargetPath, AfterValidator(_can_be_unknown)]
_DroppedPath = Annotated[
    FieldPath,
    BeforeValidator(_dropped),
    AfterValidator(_can_be_unknown),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["custom.Shirt size", "custom.*"]}),
]


class MapFieldsSettings(TransformSettings):
    """Fills, renames and drops fields; see docs/transforms.md."""

    fields: dict[TargetPath, FieldSpec] = Field(
        {},
        description="The field to fill = where its value is from: the path of a field to copy, or a table.",
    )
    rename: dict[TargetPath, _OldPath] = Field(
        {}, description="The new name = the old one. Copies the field, then drops the old one."
    )
    drop: list[_DroppedPath] = Field(
        [],
        description='Fields to make unknown. "custom.*" drops every custom field that is not filled here.',
    )
    empty: Empty = Field(
        "clear",
        description='What a source known to be empty does: "clear" empties the field, "ignore" counts it as unknown.',
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not (self.fields or self.rename or self.drop):
            raise ValueError("changes nothing; give fields, rename or drop")
        for target in self.rename:
            if target in self.fields:
                raise ValueError(f'"{target}" is filled by both fields and rename; take it out of one')
        for target, spec in self.fields.items():
            try:
                spec.getter_for(target, self.empty, is_dropped=False)
            except ValueError as exc:
                raise ValueError(f'the constant for "{target}" {exc}') from exc
        return self

    def filled(self) -> dict[FieldPath, FieldSpec]:
        """Where every field that is filled gets its value from, renamed ones too."""
        return {**self.fields, **{new: FieldSpec.model_validate({"from": old}) for new, old in self.rename.items()}}


class MapFields:
    """Fills, renames and drops fields.

    Everything is read from the record as it came in, so two fields can be swapped; then what is dropped goes; then what
    was read is written. A source that is unknown leaves its field as it was.
    """

    def __init__(self, settings: MapFieldsSettings, context: Context) -> None:
        self.counts: Counter[str] = Counter()
        self._name = context.name
        tables = [path for path in settings.drop if path.holds == "table"]
        gone = dict.fromkeys([*settings.rename.values(), *(path for path in settings.drop if path.holds != "table")])
        filled = settings.filled()
        changes = []
        for target, spec in filled.items():
            get = spec.getter_for(target, settings.empty, is_dropped=target in gone or _is_in(target, tables))
            changes.append(self._filling(target, spec, get, _once_gone(target) if target in gone else KEEP))
        changes += [Change(path, unknown, _as_it_is, _once_gone(path)) for path in gone if path not in filled]
        self._writer = Writer(changes, cleared=tables)

    def apply(self, record: Record) -> Record | None:
        return self._writer.write(record)

    def _filling(self, target: FieldPath, spec: FieldSpec, get: Get, otherwise: Any) -> Change:
        """The change, with errors that say which line of the configuration it was."""

        def fitted(value: Any) -> Any:
            try:
                return fit(value, target.holds)
            except ValueError as exc:
                raise self._cannot_fill(target, spec, exc) from exc

        def filled_in(record: Record) -> Any:
            try:
                return get(record)
            except ValueError as exc:
                raise self._cannot_fill(target, spec, exc) from exc

        return Change(target, get if spec.template is None else filled_in, fitted, otherwise)

    def _cannot_fill(self, target: FieldPath, spec: FieldSpec, problem: ValueError) -> RecordError:
        return RecordError(
            f"{self._name}: cannot fill {target}: {spec.described()} {problem}; correct the line for {target} in "
            f"{self._name}, or what is sent, then retry this dead letter",
            reason="bad_value",
        )


def _as_it_is(value: Any) -> Any:
    return value


def _once_gone(path: FieldPath) -> Any:
    """What a field becomes when it is dropped. There are no unknown tags, only none."""
    return [] if path.holds == "tags" else UNSET


def _is_in(path: FieldPath, tables: list[FieldPath]) -> bool:
    return path.key is not None and any((table.struct, table.slot) == (path.struct, path.slot) for table in tables)
