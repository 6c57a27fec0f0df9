"""A configuration as people may see it: what was written, what is a default, and no secret.

Nothing from the environment is shown either: a value that was written with `${NAME}` is shown as it was written.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any, Final

import msgspec

from groundswell.config.asked import secrets_of
from groundswell.config.environment import names_variable
from groundswell.config.model import ShownSetting, ShownTable
from groundswell.config.problems import TomlPath, path_text
from groundswell.config.tables import Table
from groundswell.settings import Settings, WebhookSourceSettings

MASK: Final = "***"
"""What settings write in the place of a secret."""


def shown_tables(
    tables: Sequence[Table], settings: Mapping[TomlPath, Settings | type[Settings]]
) -> tuple[ShownTable, ...]:
    """The tables that have settings, in order; those that stand in no file (all defaults) first.

    Of an account that is connected later, the file does not have all settings: then there is only their model.
    """
    written = {table.path: table.values for table in tables}
    missing = [path for path in settings if path not in written]
    paths = [*missing, *(table.path for table in tables if table.path in settings)]
    return tuple(shown_table(path_text(path), settings[path], written.get(path, {})) for path in paths)


def shown_table(heading: str, settings: Settings | type[Settings], written: Mapping[str, Any]) -> ShownTable:
    """One table as people may see it."""
    if isinstance(settings, type):
        return ShownTable(heading, tuple(_settings(_of_model(settings, written), written, ())))
    values = settings.model_dump(mode="json", by_alias=True)
    if isinstance(settings, WebhookSourceSettings) and settings.path is not None and not _is_guarded(settings, values):
        values["path"] = MASK  # to know it is to be let in
    return ShownTable(heading, tuple(_settings(values, written, ())))


def _of_model(model: type[Settings], written: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the file, the defaults, and null for what has neither."""
    defaults = model.model_construct().model_dump(mode="json", by_alias=True, warnings=False)
    names = [field.alias or name for name, field in model.model_fields.items()]
    secrets = secrets_of(model)
    stands = {name: MASK if name in secrets else value for name, value in written.items()}
    return dict.fromkeys(names) | defaults | stands


def _is_guarded(settings: WebhookSourceSettings, values: Mapping[str, Any]) -> bool:
    """Whether more is asked of senders than to know the path."""
    return settings.sender_can_sign and values.get("auth") != {"type": "none"}


def _settings(values: Mapping[str, Any], written: Any, path: TomlPath) -> Iterator[ShownSetting]:
    """The type first: it says what the others are."""
    for name, value in sorted(values.items(), key=lambda entry: entry[0] != "type"):
        here, is_written = (*path, name), isinstance(written, Mapping) and name in written
        source = written[name] if is_written else None
        if isinstance(value, Mapping) and value and (isinstance(source, Mapping) or not is_written):
            yield from _settings(value, source, here)
        else:
            text = None if value is None else _toml(_as_written(value, source) if is_written else value)
            yield ShownSetting(path_text(here), text, is_written)


def _as_written(value: Any, written: Any) -> Any:
    """The value, with what came from the environment as it stands in the file, and without defaults."""
    if value == MASK:
        return MASK
    if isinstance(value, Mapping) and isinstance(written, Mapping):
        return {name: _as_written(inner, written[name]) for name, inner in value.items() if name in written}
    if isinstance(value, list) and isinstance(written, list) and len(value) == len(written):
        return [_as_written(inner, source) for inner, source in zip(value, written, strict=True)]
    if isinstance(value, Mapping | list):  # written short, such as one name in the place of a list of them
        return MASK if _holds(value, _is_mask) else written
    if isinstance(written, str):
        return written if names_variable(written) else value
    return MASK if _holds(written, names_variable) else value


def _holds(value: Any, is_such: Callable[[str], bool]) -> bool:
    """Whether such a text is anywhere in it."""
    if isinstance(value, Mapping):
        return any(_holds(inner, is_such) for inner in value.values())
    if isinstance(value, list):
        return any(_holds(inner, is_such) for inner in value)
    return isinstance(value, str) and is_such(value)


def _is_mask(text: str) -> bool:
    return text == MASK


def _toml(value: Any) -> str:
    """One value on one line. Text, numbers and truths are written as in JSON."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{path_text((name,))} = {_toml(of)}" for name, of in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return value.isoformat() if isinstance(value, date | time) else msgspec.json.encode(value).decode()
