"""The configuration as one JSON Schema, for editors that complete and check TOML."""

from collections.abc import Callable
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, SchemaError, SchemaSerializer
from pydantic_core.core_schema import WithDefaultSchema

from groundswell.config.model import (
    CONNECT,
    CONNECT_DESCRIPTION,
    DaemonSettings,
    OpsSettings,
    TestSettings,
    WebhooksSettings,
)
from groundswell.registry import REGISTRY, ComponentType, Registry
from groundswell.settings import Settings
from groundswell.sync.settings import SyncSettings

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_NAME: Final = "^[a-z][a-z0-9_]*$"
_VARIABLE: Final = {"type": "string", "pattern": r"\$\{"}
OfType = Callable[[str, type[Settings], dict[str, Any]], dict[str, Any]]
"""Makes the schema of one type: of its name, its settings, and the definitions it refers to."""
_LIMITS: Final = frozenset({"pattern", "enum", "minLength", "maxLength"})


def config_schema(registry: Registry = REGISTRY) -> dict[str, Any]:
    """What a configuration file may hold. Any value may also be text that names an environment variable."""
    definitions: dict[str, Any] = {}
    tables = {
        "daemon": _table(DaemonSettings, definitions),
        "webhooks": _table(WebhooksSettings, definitions),
        "ops": _table(OpsSettings, definitions),
        "accounts": _named(registry.accounts, definitions, of_type=_of_account_type),
        "sources": _named(registry.sources, definitions),
        "transforms": _named(registry.transforms, definitions),
        "sinks": _named(registry.sinks, definitions),
        "sync": {
            "type": "object",
            "propertyNames": {"pattern": _NAME},
            "additionalProperties": _table(SyncSettings, definitions),
        },
        "tests": {"type": "array", "items": _table(TestSettings, definitions)},
    }
    return {
        "$schema": DIALECT,
        "title": "Groundswell configuration",
        "type": "object",
        "properties": {name: _or_variable(table) for name, table in tables.items()},
        "additionalProperties": False,
        "$defs": {name: _or_variable(definition) for name, definition in sorted(definitions.items())},
    }


def settings_schema(model: type[Settings]) -> dict[str, Any]:
    """One table, without the text that names a variable; what it refers to is under its `$defs`."""
    return model.model_json_schema(schema_generator=_Generator)


class _Generator(GenerateJsonSchema):
    """As pydantic has it, but without titles made of field names and with defaults written as in TOML."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        json_schema = super().default_schema(schema)
        default = schema["default_factory"]() if "default_factory" in schema else schema.get("default")  # type: ignore[call-arg]
        if default is None:  # TOML has no null: such a line is left out
            json_schema.pop("default", None)
            return json_schema
        try:
            written = SchemaSerializer(schema["schema"]).to_python(default, mode="json", by_alias=True)
        except SchemaError:  # it refers to definitions made elsewhere: models, which know how they are written
            written = self.encode_default(default)
        json_schema["default"] = _without_none(written)
        return json_schema

    def nullable_schema(self, schema: Any) -> JsonSchemaValue:
        inner: CoreSchema = schema["schema"]
        return self.generate_inner(inner)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return value


def _table(model: type[Settings], definitions: dict[str, Any]) -> dict[str, Any]:
    schema = settings_schema(model)
    schema.pop("title", None)
    definitions.update(schema.pop("$defs", {}))
    return schema


def _named(types: Any, definitions: dict[str, Any], of_type: OfType | None = None) -> dict[str, Any]:
    """Tables with names, each of one of the types."""
    kinds: dict[str, ComponentType] = dict(sorted(types.items()))
    choices = [(of_type or _of_type)(name, kind.settings, definitions) for name, kind in kinds.items()]
    # The type first and alone: without it, an editor that finds no match complains about every type at once.
    known = {"type": "object", "required": ["type"], "properties": {"type": {"enum": list(kinds)}}}
    return {
        "type": "object",
        "propertyNames": {"pattern": _NAME},
        "additionalProperties": {**known, "oneOf": choices} if choices else False,
    }


def _of_type(name: str, model: type[Settings], definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _table(model, definitions)
    return {**schema, "title": name, "properties": {"type": {"const": name}, **_without_type(schema)}}


def _of_account_type(name: str, model: type[Settings], definitions: dict[str, Any]) -> dict[str, Any]:
    """As of any type; where `connect` is true, the others may be missing."""
    schema = _of_type(name, model, definitions)
    required = schema.pop("required", [])
    connect = {"type": "boolean", "default": False, "description": CONNECT_DESCRIPTION}
    later = {"properties": {CONNECT: {"const": True}}, "required": [CONNECT]}
    properties = {**schema["properties"], CONNECT: connect}
    return {
        **schema,
        "properties": properties,
        "if": later,
        "then": {"required": ["type"]},
        "else": {"required": required},
    }


def _without_type(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.get("properties", {}).items() if name != "type"}


def _or_variable(schema: Any) -> Any:
    """The schema with `"${NAME}"` allowed wherever a value is not free text anyway."""
    if isinstance(schema, list):
        return [_or_variable(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if _is_narrow(schema):
        about = {key: schema[key] for key in ("description", "default", "examples") if key in schema}
        return {**about, "anyOf": [{key: value for key, value in schema.items() if key not in about}, _VARIABLE]}
    return {key: _or_variable_inside(key, value) for key, value in schema.items()}


def _or_variable_inside(key: str, value: Any) -> Any:
    if key in ("properties", "$defs"):  # here the keys are names, not words of JSON Schema
        return {name: _or_variable(inner) for name, inner in value.items()}
    return value if key in ("default", "examples", "enum", "discriminator") else _or_variable(value)


def _is_narrow(schema: dict[str, Any]) -> bool:
    """Whether it describes a number, a truth value, or text of a certain shape."""
    kind = schema.get("type")
    return kind in ("integer", "number", "boolean") or (kind == "string" and bool(_LIMITS & set(schema)))
