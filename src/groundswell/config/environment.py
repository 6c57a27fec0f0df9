"""`${NAME}` in the strings of a configuration: resolved after parsing, so no value can change what the file says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from groundswell.config.problems import TomlPath, quoted

_DOLLAR: Final = re.compile(r"\$(?:(\$)|\{([^}]*)(\}?))")
_REFERENCE: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


@dataclass(slots=True)
class Resolved:
    """A value whose strings have been resolved."""

    value: Any = None
    touched: set[TomlPath] = field(default_factory=set)
    """Strings that name a variable: what they hold now was not in the file, and is not to be shown."""
    unresolved: dict[TomlPath, str] = field(default_factory=dict)
    """Strings that could not be resolved, and why; they stand in `value` as they were written."""


def resolve(value: Any, environ: Mapping[str, str]) -> Resolved:
    """`value` with `${NAME}` and `${NAME:-default}` replaced in every string in it, and `$$` by one dollar sign.

    A default counts when the variable is unset or empty, as in a shell. Any other dollar sign stays as it is.
    """
    resolved = Resolved()
    resolved.value = _resolve(value, (), environ, resolved)
    return resolved


def _resolve(value: Any, path: TomlPath, environ: Mapping[str, str], resolved: Resolved) -> Any:
    if isinstance(value, dict):
        return {key: _resolve(inner, (*path, key), environ, resolved) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolve(inner, (*path, place), environ, resolved) for place, inner in enumerate(value)]
    if not isinstance(value, str) or "$" not in value:
        return value
    try:
        text = _DOLLAR.sub(lambda match: _replacement(match, environ), value)
    except ValueError as exc:
        resolved.unresolved[path] = str(exc)
        return value
    if names_variable(value):
        resolved.touched.add(path)
    return text


def names_variable(text: str) -> bool:
    """Whether `${` stands in it, and not only `$${`."""
    return any(match[1] is None for match in _DOLLAR.finditer(text))


def _replacement(match: re.Match[str], environ: Mapping[str, str]) -> str:
    dollar, inside, closed = match.groups()
    if dollar:
        return "$"
    reference = _REFERENCE.fullmatch(inside) if closed else None
    if reference is None:
        raise ValueError('"${" starts the name of an environment variable, as in "${NAME}"; write "$${" to mean itself')
    name, default = reference.groups()
    found = environ.get(name)
    if found or (found is not None and default is None):
        return found
    if default is None:
        fallback = quoted("${" + name + ":-...}")
        raise ValueError(f"the environment variable {name} is not set; set it, or give a default with {fallback}")
    return str(default)
