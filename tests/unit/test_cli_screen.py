"""What operators read, and what must not reach their terminal."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.cli.screen import shown
from groundswell.ops.amounts import lasting, size
from groundswell.ops.pretty import pretty


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0s"),
        (0, "0s"),
        (45.9, "45s"),
        (60, "1m 0s"),
        (185, "3m 5s"),
        (7_500, "2h 5m"),
        (86_399, "23h 59m"),
        (273_600, "3d 4h"),
    ],
)
def test_how_long_something_lasts(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (1023, "1023 B"), (12_900_000, "12.3 MiB"), (8 * 2**30, "8.0 GiB"), (2**44, "16384.0 GiB")],
)
def test_how_large_something_is(count: int, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "-"),
        (True, "yes"),
        (1234567, "1,234,567"),
        (datetime(2026, 5, 2, 11, 0, 9, 999_999, tzinfo=UTC), "2026-05-02T11:00:09Z"),
        ("zoë", "zoë"),
        ("\x1b[2J\x07\u009b1m\r\n\u202e", "\\u001b[2J\\u0007\\u009b1m\\u000d\\u000a\\u202e"),
    ],
)
def test_a_value_for_a_person(value: object, words: str) -> None:
    assert shown(value) == words


@given(st.text())
def test_no_text_reaches_a_terminal_with_control_characters(text: str) -> None:
    assert shown(text).isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_pretty_json_holds_no_control_characters_and_says_the_same(value: object) -> None:
    text = pretty(msgspec.json.encode(value))
    assert text.replace("\n", "").isprintable()
    assert msgspec.json.decode(text) == value
