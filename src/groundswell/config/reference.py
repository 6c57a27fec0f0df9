"""The reference page of the configuration, made from the settings: `python -m groundswell.config.reference`."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final, NamedTuple

from groundswell.config.asked import is_secret
from groundswell.config.model import (
    CONNECT,
    CONNECT_DESCRIPTION,
    DaemonSettings,
    OpsSettings,
    TestSettings,
    WebhooksSettings,
)
from groundswell.config.schema import settings_schema
from groundswell.registry import REGISTRY, ComponentType, Registry
from groundswell.settings import Settings
from groundswell.sync.settings import SyncSettings

_SCALARS: Final = {"integer": "whole number", "number": "number", "boolean": "true or false", "string": "text"}
_KINDS: Final = ("duration", "size", "rate", "address")
"""Titles that say more than "text" does; the page explains them."""
_PLURALS: Final = {
    "address": "addresses",
    "duration": "durations",
    "list": "lists",
    "rate": "rates",
    "secret": "secrets",
    "size": "sizes",
    "table": "tables",
}
_BOUNDS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
}


def reference(registry: Registry = REGISTRY) -> str:
    """The page, as Markdown."""
    parts = [
        files(__package__).joinpath("introduction.md").read_text("utf-8").rstrip("\n"),
        _section("## `[daemon]`", DaemonSettings),
        _section("## `[webhooks]`", WebhooksSettings),
        _section("## `[ops]`", OpsSettings),
        _section("## `[[tests]]`", TestSettings),
        *_components("Accounts", "accounts", registry.accounts, (_CONNECT,)),
        *_components("Sources", "sources", registry.sources),
        *_components("Transforms", "transforms", registry.transforms),
        *_components("Sinks", "sinks", registry.sinks),
        "## Two-way sync\n\nWhat it does: [Two-way sync](sync.md).",
        _section("### `[sync.NAME]`", SyncSettings),
    ]
    return "\n\n".join(parts) + "\n"


class _Row(NamedTuple):
    """One setting."""

    path: str
    type: str
    default: str
    description: str


_CONNECT: Final = _Row(CONNECT, _SCALARS["boolean"], "`false`", CONNECT_DESCRIPTION)


def _components(
    heading: str, table: str, types: Mapping[str, ComponentType], more: Sequence[_Row] = ()
) -> Iterator[str]:
    if types:
        yield f"## {heading}"
    for name, kind in sorted(types.items()):
        yield _section(f'### `[{table}.NAME]` with `type = "{name}"`', kind.settings, more)


def _section(heading: str, model: type[Settings], more: Sequence[_Row] = ()) -> str:
    schema = settings_schema(model)
    # The type of a component is in the heading.
    rows = [row for row in _rows(schema, schema.get("$defs", {}), "", "", {}, ()) if row.path != "type"]
    rows += more
    lines = [heading, "", schema.get("description", ""), "", "| setting | type | default | |", "|---|---|---|---|"]
    lines += [f"| `{row.path}` | {_cell(row.type)} | {_cell(row.default)} | {_cell(row.description)} |" for row in rows]
    return "\n".join(lines)


def _rows(
    table: Mapping[str, Any],
    definitions: Mapping[str, Any],
    prefix: str,
    condition: str,
    defaults: Mapping[str, Any],
    inside: tuple[str, ...],
) -> Iterator[_Row]:
    """The settings of a table, each followed by those of the tables in it.

    Args:
        table: Its schema.
        definitions: What the schema refers to.
        prefix: The path of the table, with a dot.
        condition: When these settings count, if not always.
        defaults: What they are where the whole table is left out.
        inside: The definitions this table stands in, so that a table that may hold its like is told once.
    """
    for name, field in sorted(table.get("properties", {}).items(), key=lambda item: _rank(item[0])):
        found = _followed(field, definitions)
        if prefix and "const" in found:  # told as the condition of its neighbours
            continue
        default = defaults.get(name, field.get("default"))
        shown = "required" if name in table.get("required", ()) else _written(default)
        yield _Row(prefix + name, _type(field, definitions), shown, condition + found.get("description", ""))
        inner_defaults = default if isinstance(default, Mapping) else {}
        for path, inner, reference in _tables_in(field, definitions, prefix + name):
            if reference not in inside:
                nested = (*inside, reference)
                yield from _rows(inner, definitions, f"{path}.", _condition(inner), inner_defaults, nested)


def _rank(name: str) -> int:
    """What every component has comes first."""
    return {"type": 0, "inputs": 1}.get(name, 2)


def _followed(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """The schema itself instead of a reference to it; what stands beside the reference wins."""
    reference = schema.get("$ref")
    if reference is None:
        return dict(schema)
    return {**definitions[_name_of(reference)], **{key: value for key, value in schema.items() if key != "$ref"}}


def _name_of(reference: str) -> str:
    return reference.rpartition("/")[2]


def _tables_in(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], path: str
) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The tables that may stand in a setting: where, what they hold, and the name of their definition."""
    found = _followed(schema, definitions)
    if is_secret(found):
        return
    if "properties" in found:
        yield path, found, _name_of(schema.get("$ref", path))
    for choice in (*found.get("anyOf", ()), *found.get("oneOf", ())):
        reference = _name_of(schema.get("$ref", ""))
        for where, inner, name in _tables_in(choice, definitions, path):
            yield where, inner, reference or name
    if isinstance(found.get("items"), Mapping):
        yield from _tables_in(found["items"], definitions, f"{path}[]")
    if isinstance(found.get("additionalProperties"), Mapping):
        yield from _tables_in(found["additionalProperties"], definitions, f"{path}.NAME")


def _condition(table: Mapping[str, Any]) -> str:
    kind = table["properties"].get("type", {}).get("const")
    return f'With type "{kind}": ' if kind else ""


def _type(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    found = _followed(schema, definitions)
    if is_secret(found):
        return str(found.get("title", "secret"))
    if found.get("title") in _KINDS:
        return str(found["title"])
    if "const" in found or "enum" in found:
        return " or ".join(_written(value) for value in found.get("enum", [found.get("const")]))
    if isinstance(found.get("type"), list):
        found = {**found, "anyOf": [{**found, "type": kind} for kind in found["type"]]}
    if choices := found.get("anyOf") or found.get("oneOf"):
        return " or ".join(dict.fromkeys(_type(choice, definitions) for choice in choices))
    if found.get("type") == "array":
        return f"list of {_plural(_type(found.get('items', {}), definitions))}"
    if found.get("type") == "object":
        inner = found.get("additionalProperties")
        return f"table of {_plural(_type(inner, definitions))}" if isinstance(inner, Mapping) else "table"
    bounds = [words.format(found[bound]) for bound, words in _BOUNDS.items() if bound in found]
    return ", ".join([_SCALARS.get(found.get("type", ""), "anything"), *bounds])


def _plural(kind: str) -> str:
    return re.sub(r"\b(list|table|secret|duration|size|rate|address)\b", lambda match: _PLURALS[match[1]], kind)


def _written(value: Any) -> str:
    """A value as it stands in TOML, in code marks; nothing for None."""
    return "" if value is None else f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} = {_toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    sys.stdout.write(reference())
