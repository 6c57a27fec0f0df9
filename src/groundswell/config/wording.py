"""What pydantic has to say about settings, in the words of the person who wrote the file.

The value is shown only where it can be no secret: it stands in the file as it is, and the setting takes a number, a
word of a list, a duration or the like.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from groundswell.config.problems import TomlPath, listing, meant, quoted

_MUST_BE: Final = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a table",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller number",
    "int_type": "a whole number",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "list_type": "a list",
    "mapping_type": "a table",
    "model_attributes_type": "a table",
    "model_type": "a table",
    "multiple_of": "a multiple of {multiple_of}",
    "string_too_long": "at most {max_length} letters long",
    "string_too_short": "at least {min_length} letters long",
    "string_type": "text",
    "tuple_type": "a list",
}
_WHOLE: Final = {
    "none_required": "must be left out",
    "string_pattern_mismatch": "does not look right; it must match {pattern}",
    "too_long": "has {actual_length} entries; at most {max_length} are allowed",
    "too_short": "has too few entries; at least {min_length} must be there",
}
_SHOWN_TYPES: Final = frozenset(
    {"bool_parsing", "enum", "float_parsing", "int_parsing", "literal_error", "value_error"}
)
_SHOWN_LETTERS_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing wrong with some settings; `path` starts at their table."""

    path: TomlPath
    message: str


def complaints(
    error: ValidationError,
    model: type[BaseModel],
    values: Mapping[str, Any],
    what: str,
    hidden: Iterable[TomlPath],
    *,
    is_whole: bool = True,
) -> list[Complaint]:
    """Everything wrong with `values`, one complaint a path.

    Args:
        error: What pydantic raised for `values`.
        model: The settings they were to become.
        values: As they were validated.
        what: What the table is called in "is not a setting of ...".
        hidden: Paths whose value is not to be shown.
        is_whole: Whether all settings must be there already.
    """
    found: dict[TomlPath, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        if is_whole or details["type"] != "missing" or len(details["loc"]) > 1:
            found.setdefault(_path(details, values), []).append(details)
    secret = frozenset(hidden)
    return [Complaint(path, _message(group, model, what, path not in secret)) for path, group in found.items()]


def _path(details: ErrorDetails, values: Any) -> TomlPath:
    """Where it stands in the file: pydantic's path without the names it gives to members of unions."""
    path: list[str | int] = []
    for part in details["loc"]:
        if (isinstance(values, Mapping) and part in values) or (isinstance(values, list) and isinstance(part, int)):
            values = values[part]  # type: ignore[index]  # a place in a list, or a key in a table
            path.append(part)
    if details["type"] == "missing":
        path.append(details["loc"][-1])
    if details["type"] in ("union_tag_not_found", "union_tag_invalid") and isinstance(values, Mapping):
        path.append(_tag(details))
    return tuple(path)


def _message(group: list[ErrorDetails], model: type[BaseModel], what: str, is_showable: bool) -> str:
    details = group[0]
    match details["type"]:
        case "missing":
            return _missing(details, model)
        case "extra_forbidden":
            return _unknown_key(details, model, what)
        case "union_tag_not_found":
            return f"is missing; it must be {_tags(details, model)}".rstrip()
        case "union_tag_invalid":
            choices = re.findall(r"'([^']*)'", details["ctx"]["expected_tags"])
            return _bad_choice(details["ctx"]["tag"], choices, is_showable and isinstance(details["input"], Mapping))
    if len(group) == 1 and details["type"] in ("literal_error", "enum") and isinstance(details["input"], str):
        return _bad_choice(details["input"], re.findall(r"'([^']*)'", details["ctx"]["expected"]), is_showable)
    return _sentence(group, is_showable)


def _missing(details: ErrorDetails, model: type[BaseModel]) -> str:
    """What is missing, with what it is for."""
    name = str(details["loc"][-1])
    for candidate in _models_at(model, details["loc"][:-1]):
        if (field := _fields(candidate).get(name)) and field.description:
            return f"is missing. {field.description}"
    return "is missing"


def _unknown_key(details: ErrorDetails, model: type[BaseModel], what: str) -> str:
    *table, name = details["loc"]
    candidates = _models_at(model, tuple(table))
    known = list(dict.fromkeys(field for candidate in candidates for field in _fields(candidate)))
    return f"is not a setting {'here' if table else f'of {what}'}; {meant(str(name), known)}"


def _bad_choice(value: str, choices: list[str], is_showable: bool) -> str:
    if not is_showable or len(value) > _SHOWN_LETTERS_MAX:
        return f"must be one of: {listing(choices)}"
    return f"{quoted(value)} is not one of its values; {meant(value, choices)}"


def _sentence(group: list[ErrorDetails], is_showable: bool) -> str:
    wanted: list[str] = []
    whole: list[str] = []
    for details in group:
        kind, context = details["type"], details.get("ctx", {})
        if kind in ("string_too_short", "too_short") and context["min_length"] == 1:
            whole.append("must not be empty")
        elif kind in _MUST_BE:
            wanted.append(_MUST_BE[kind].format(**context))
        elif kind in ("literal_error", "enum"):
            wanted.append(context["expected"].replace("'", '"'))
        elif kind in ("value_error", "assertion_error"):
            whole.append(str(context["error"]))
        elif kind in _WHOLE:
            whole.append(_WHOLE[kind].format(**context))
        else:
            whole.append(details["msg"].replace("Input should", "must").replace("Value should", "must"))
    if len(group) > 1 and "none_required" in (details["type"] for details in group):
        whole.remove(_WHOLE["none_required"])
    shown = _shown(group) if is_showable else None
    if not wanted:
        message = "; or ".join(dict.fromkeys(whole))
        return f"{shown} {message}" if shown and message.startswith("is not ") else message
    choice = "must be " + " or ".join(dict.fromkeys(wanted))
    if shown:
        choice += f", not {shown}"
    return "; or ".join([choice, *dict.fromkeys(whole)])


def _shown(group: list[ErrorDetails]) -> str | None:
    """The value, if it helps and can be no secret."""
    if any(details["type"] == "secret" for details in group):
        return None
    value = group[0]["input"]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value) if abs(value) < 10**18 else None
    is_plain = all(details["type"] in _SHOWN_TYPES for details in group)
    if isinstance(value, str) and is_plain and len(value) <= _SHOWN_LETTERS_MAX:
        return quoted(value)
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else None


def _tag(details: ErrorDetails) -> str:
    """The name of the key that chooses between several tables."""
    return str(details["ctx"]["discriminator"]).strip("'")


def _tags(details: ErrorDetails, model: type[BaseModel]) -> str:
    """The values that key may have."""
    tags: list[str] = []
    for candidate in _models_at(model, details["loc"]):
        if field := _fields(candidate).get(_tag(details)):
            tags += [quoted(tag) for tag in get_args(field.annotation) if isinstance(tag, str)]
    return " or ".join(tags)


def _models_at(model: type[BaseModel], path: tuple[str | int, ...]) -> list[type[BaseModel]]:
    """The tables that may stand at a path of pydantic's. Several, where a setting takes one of several tables."""
    models = [model]
    for part in path:
        if not isinstance(part, str):
            continue
        fields = [field for candidate in models if (field := _fields(candidate).get(part))]
        inner = [found for field in fields for found in _models(field.annotation)]
        models = inner or [candidate for candidate in models if _is_tagged(candidate, part)] or models
    return models


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for argument in get_args(annotation) for found in _models(argument)]


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields by the names they have in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _is_tagged(model: type[BaseModel], tag: str) -> bool:
    """Whether pydantic means this table by that part of a path."""
    literals = [field.annotation for field in model.model_fields.values() if get_origin(field.annotation) is Literal]
    return model.__name__ == tag or any(tag in get_args(literal) for literal in literals)
