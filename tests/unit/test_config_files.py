"""Files that cannot be read, and garbage of every kind: always a ConfigError, never anything else."""

from datetime import date, datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from configurations import REGISTRY, WHOLE, problems
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import json

from groundswell.config.files import DEPTH_MAX, FILE_BYTES_MAX
from groundswell.config.load import load
from groundswell.config.problems import rendered
from groundswell.config.tables import TABLES
from groundswell.errors import ConfigError


def _told(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load([path], {}, REGISTRY)
    return rendered(caught.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert _told(tmp_path / "nope.toml") == (
        f"{tmp_path}/nope.toml: 1 problem\n"
        "  there is no such file; name the configuration file, or go to its directory\n"
    )


def test_naming_no_file_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        load([], {}, REGISTRY)
    assert rendered(caught.value) == "configuration: 1 problem\n  no file was named\n"


def test_a_directory_without_files_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    assert _told(tmp_path) == f"{tmp_path}: 1 problem\n  this directory holds no .toml file\n"


def test_a_file_that_leads_to_itself_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.toml").symlink_to("a.toml")
    assert "cannot be read" in _told(tmp_path / "a.toml")


def test_a_huge_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    assert "is larger than 4 MiB" in _told(tmp_path / "a.toml")


def test_a_syntax_error_is_told_with_its_line_and_column(tmp_path: Path) -> None:
    assert problems(tmp_path, "[daemon]\nstate = = 3") == "line 2, column 9: invalid value; this is not TOML\n"
    assert problems(tmp_path, "[daemon]\nstate") == (
        "end of document: expected '=' after a key in a key/value pair; this is not TOML\n"
    )


def test_a_file_in_another_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes("[daemon]\nstate = 'é'".encode("latin-1"))
    assert "line 2 is not UTF-8 text; save the file as UTF-8" in _told(tmp_path / "a.toml")


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbf" + WHOLE.encode())
    assert load([tmp_path / "a.toml"], {}, REGISTRY).components


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5_000 + "]" * 5_000,
        "daemon" + ".a" * 3_000 + " = 1",
        "[daemon]\nstate = " + "{ a = " * (DEPTH_MAX + 1) + "1" + " }" * (DEPTH_MAX + 1),
        "a = " + "9" * 5_000,
    ],
)
def test_what_no_code_should_walk_is_told(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


@given(st.binary() | st.text().map(str.encode) | st.text(alphabet='[]{}="\n.,# a1').map(str.encode))
def test_no_bytes_do_anything_but_raise_a_config_error(content: bytes) -> None:
    _load(content)


WORDS = st.sampled_from(
    [
        *TABLES,
        *("type", "inputs", "auth", "basic", "none", "user", "password", "path", "fields", "from", "url", "token"),
        *("tokens", "file", "credential", "batch", "wait", "listen", "state_max", "name", "source", "input", "expect"),
        *("hook.webhook", "unsigned.webhook", "poll", "tidy", "post", "a", "b", "c", "10m"),
        *("${A}", "${", "$$", "${B:-x}"),
    ]
)
VALUES = st.recursive(
    WORDS
    | st.text()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.datetimes()
    | st.dates()
    | st.times()
    | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(), inner, max_size=4),
    max_leaves=12,
)
COMPONENTS = st.dictionaries(
    st.sampled_from("abcd"),
    st.dictionaries(WORDS, VALUES, max_size=5)
    | st.fixed_dictionaries(
        {"type": st.sampled_from(["hook.webhook", "unsigned.webhook", "tidy", "post"])},
        optional={
            "inputs": st.lists(st.sampled_from("abcde"), max_size=3),
            "path": VALUES,
            "auth": VALUES,
            "url": VALUES,
            "token": VALUES,
            "tokens": st.lists(VALUES, max_size=3),
            "fields": VALUES,
            "from": VALUES,
            "batch": VALUES,
            "give_up_after": VALUES,
        },
    ),
    max_size=4,
)
TREES = st.dictionaries(WORDS | st.text(), VALUES, max_size=5) | st.fixed_dictionaries(
    {},
    optional={
        "daemon": st.dictionaries(st.sampled_from(["state", "state_max", "keep", "queue_records_max"]), VALUES),
        "ops": st.dictionaries(st.sampled_from(["listen", "password"]), VALUES),
        "sources": COMPONENTS,
        "transforms": COMPONENTS,
        "sinks": COMPONENTS,
        "tests": st.lists(
            st.fixed_dictionaries({}, optional={"name": VALUES, "source": VALUES, "input": VALUES, "expect": VALUES}),
            max_size=2,
        ),
    },
)


@given(TREES)
@example({"sinks": {"a": {"type": "post", "url": {"file": "\0"}}}})
@example({"sources": {"a": {"type": "poll", "pages": 10**400, "rate": "1/0s"}}})
@example({"daemon": {"keep": "9" * 400 + "d", "state_max": "9" * 18 + "GiB"}})
@example({"ops": {"listen": "1:99999999"}})
def test_no_tree_does_anything_but_raise_a_config_error(tree: dict[str, Any]) -> None:
    content = "".join(f"{_key(key)} = {_toml(value)}\n" for key, value in tree.items())
    error = _load(content.encode())
    if error is not None:
        assert error.problems
        assert "pydantic" not in rendered(error)
        assert "Input should" not in rendered(error)


def _load(content: bytes) -> ConfigError | None:
    with TemporaryDirectory() as directory:
        (Path(directory) / "a.toml").write_bytes(content)
        try:
            load([Path(directory)], {"A": "a"}, REGISTRY)
        except ConfigError as error:
            return error
    return None


def _toml(value: Any) -> str:
    """A value in TOML, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    return _key(value) if isinstance(value, str) else str(value)


def _key(text: str) -> str:
    return json.encode(text).decode().replace("\x7f", "\\u007f")
