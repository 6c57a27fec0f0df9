"""Every component that exists: any value in any of its settings is taken, or refused in plain words."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.config.problems import Findings
from groundswell.config.schema import settings_schema
from groundswell.config.tables import ConfigFile, Table
from groundswell.config.validate import Validator
from groundswell.registry import REGISTRY, ComponentType

TYPES = {
    f"{kind}.{name}": (name, type_)
    for kind in ("accounts", "sources", "transforms", "sinks")
    for name, type_ in getattr(REGISTRY, kind).items()
}
WORDS = st.sampled_from(
    [
        *("type", "basic", "bearer", "none", "from", "value", "template", "field", "equals", "matches", "file", "${A}"),
        *(
            "email",
            "custom.x",
            "{email}",
            "{",
            "(",
            "10m",
            "1/s",
            "https://example.org",
            "a",
            "record",
            "json",
            "phone",
        ),
    ]
)
VALUES = st.recursive(
    WORDS | st.text() | st.booleans() | st.integers() | st.floats() | st.datetimes() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("which", TYPES)
@given(data=st.data())
def test_its_settings_take_or_refuse_any_value_in_plain_words(which: str, data: st.DataObject) -> None:
    name, kind = TYPES[which]
    fields = settings_schema(kind.settings)["properties"]
    values = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(fields, VALUES)))
    findings = _findings(name, kind, {**values, "type": name})
    for problem in findings.problems({}):
        assert not any(word in problem.message for word in ("Input should", "pydantic", "function-", "Value error"))


@pytest.mark.parametrize("which", TYPES)
def test_every_setting_of_it_says_what_it_is_for(which: str) -> None:
    name, kind = TYPES[which]
    schema = settings_schema(kind.settings)
    tables = {name: schema, **schema.get("$defs", {})}
    silent = [
        f"{table}.{field}"
        for table, inner in tables.items()
        for field, setting in inner.get("properties", {}).items()
        if field != "type" and "description" not in setting and "$ref" not in setting
    ]
    assert not silent
    assert kind.settings.__doc__


@pytest.mark.parametrize("which", TYPES)
def test_an_unknown_key_of_it_is_told_with_what_there_is(which: str) -> None:
    name, kind = TYPES[which]
    messages = [problem.message for problem in _findings(name, kind, {"type": name, "colour": 1}).problems({})]
    assert any(message.startswith(f"is not a setting of {name}; ") for message in messages)


@pytest.mark.parametrize("which", TYPES)
def test_its_settings_cannot_be_changed_once_read(which: str) -> None:
    _, kind = TYPES[which]
    assert kind.settings.model_config.get("frozen") is True
    assert kind.settings.model_config.get("extra") == "forbid"


def _findings(name: str, kind: ComponentType, values: dict[str, Any]) -> Findings:
    findings = Findings()
    validator = Validator({"A": "a"}, findings)
    table = Table(ConfigFile(Path("a.toml"), b"", {}), ("sinks", "x"), values)
    validator.settings(table, validator.resolved(table), kind.settings, name)
    return findings
