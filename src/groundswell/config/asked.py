"""What a type of account asks for, and which of that nobody may see: read off its settings."""

from typing import Any, NamedTuple

from groundswell.config.schema import settings_schema
from groundswell.settings import Settings


class Asked(NamedTuple):
    """One setting of a type."""

    name: str
    description: str
    is_secret: bool
    is_required: bool


def asked_of(model: type[Settings]) -> list[Asked]:
    """The settings of a type of account, but `type`, in the order in which it has them."""
    schema = settings_schema(model)
    required = schema.get("required", ())
    return [
        Asked(name, field.get("description", ""), is_secret(field), name in required)
        for name, field in schema.get("properties", {}).items()
        if name != "type"
    ]


def secrets_of(model: type[Settings]) -> frozenset[str]:
    """Names of the settings that hold secrets."""
    return frozenset(asked.name for asked in asked_of(model) if asked.is_secret)


def is_secret(schema: dict[str, Any]) -> bool:
    """Whether this describes a secret: text, or where to read it."""
    return any("credential" in choice.get("properties", ()) for choice in schema.get("anyOf", ()))
