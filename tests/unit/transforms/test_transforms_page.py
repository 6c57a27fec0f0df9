"""docs/transforms.md: every example does what the page says, and every field and setting is on it."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from sample_records import TYPES, built, shown

from groundswell.members.book import Book, EmptyShelf
from groundswell.members.stage import Stage
from groundswell.record import Record, from_json
from groundswell.transforms import paths
from groundswell.transforms.conditions import Condition
from groundswell.transforms.field_spec import FieldSpec
from groundswell.transforms.paths import parse_path

PAGE = (Path(__file__).parents[3] / "docs" / "transforms.md").read_text("utf-8")
IDENTITY = {"id": "vendor:thing/1", "kind": "action", "source": "signups"}


def _examples() -> list[tuple[dict[str, Any], str, str]]:
    """The settings of a transform, a record that goes in, and what comes out, from the page's blocks in turn."""
    found: list[tuple[dict[str, Any], str, str]] = []
    settings: dict[str, Any] = {}
    going_in: str | None = None
    for language, block in re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        if language == "toml":
            (settings,) = tomllib.loads(block)["transforms"].values()
        elif going_in is None:
            going_in = block
        else:
            found.append((settings, going_in, block))
            going_in = None
    assert going_in is None, "a record goes in and nothing is said of what comes out"
    return found


def _record(block: str) -> Record:
    return from_json(json.dumps({**IDENTITY, **json.loads(block)}))


@pytest.mark.parametrize(("settings", "going_in", "coming_out"), _examples())
def test_an_example_does_what_the_page_says(settings: dict[str, Any], going_in: str, coming_out: str) -> None:
    arguments = {name: value for name, value in settings.items() if name != "type"}
    transform = built(settings["type"], **arguments)
    if isinstance(transform, Stage):
        result = next(iter(transform.apply(_record(going_in), Book(EmptyShelf()))), None)
    else:
        result = transform.apply(_record(going_in))
    if json.loads(coming_out) is None:
        assert result is None
    else:
        raw = {name: value for name, value in json.loads(going_in).items() if name == "raw"}
        assert shown(result) == shown(_record(json.dumps({**json.loads(coming_out), **raw})))


def test_every_transform_has_examples() -> None:
    assert {settings["type"] for settings, _, _ in _examples()} == set(TYPES)


@pytest.mark.parametrize("model", [*(settings for settings, _ in TYPES.values()), FieldSpec, Condition])
def test_every_setting_is_on_the_page(model: type[BaseModel]) -> None:
    names = {field.alias or name for name, field in model.model_fields.items()} - {"type", "inputs"}
    assert [name for name in names if f"`{name}`" not in PAGE and f"`{name} = " not in PAGE] == []


def test_the_table_of_fields_is_complete_and_every_field_in_it_exists() -> None:
    table = PAGE.split("| path | what it is |")[1].split("\n\n")[0]
    listed = [path for line in table.splitlines()[2:] for path in re.findall(r"`([^`]+)`", line.split("|")[1])]
    for path in listed:
        parse_path(path)
    assert set(paths.FIELDS) <= set(listed)
    assert all(any(path.startswith(prefix) for path in listed) for prefix in paths.TABLES)


def test_every_note_a_transform_counts_is_on_the_page() -> None:
    sources = Path(paths.__file__).parent.glob("*.py")
    notes = {note for source in sources for note in re.findall(r'counts\["(\w+)"\]', source.read_text("utf-8"))}
    assert notes > {"unusable_phone", "unknown_opt_in", "no_consent"}
    assert all(f"(`{note}`)" in PAGE for note in notes)
