"""ActBlue's values: amounts are exact or refused, and every moment has its offset."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from groundswell.connectors.actblue.values import (
    AMOUNT_BELOW,
    amount_of,
    exact,
    flag_of,
    moment_of,
    number_of,
    side_amount_of,
    side_moment_of,
    side_number_of,
    text_of,
)
from groundswell.errors import RecordError

decode = msgspec.json.Decoder(float_hook=exact).decode


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        (b'"5.0"', "5.00"),
        (b'"25.77"', "25.77"),
        (b'"50"', "50.00"),
        (b'" 50.0 "', "50.00"),
        (b"25.77", "25.77"),
        (b"5.0", "5.00"),
        (b"5", "5.00"),
        (b"1e2", "100.00"),
        (b'"1e2"', "100.00"),
        (b"257.70e-1", "25.77"),
        (b"0", "0.00"),
        (b'"0.10"', "0.10"),
        (b"0.3000", "0.30"),
        (b'"1.125"', "1.125"),
        (b"99999999.99", "99999999.99"),
    ],
)
def test_an_amount_is_read_from_text_or_number_to_the_cent(sent: bytes, known: str) -> None:
    assert amount_of(decode(sent)) == known


@pytest.mark.parametrize(
    "sent",
    [
        b'"NaN"', b'"-5.00"', b"-5", b"-0.0", b'"Infinity"', b"1e9", b"1e999999999", b"1e99999999999999999999", b"1e-7",
        b"1e-999999999", b'"100000000"', b'"12.3456789"', b'"five"', b'"$5.00"', b'"1,000.00"', b"true", b"[]", b"{}",
        b'"' + b"9" * 5000 + b'"', '"٥.٠"'.encode(), b'"5.00 USD"',
    ],
)  # fmt: skip
def test_what_is_no_amount_anybody_gives_is_refused_and_never_guessed(sent: bytes) -> None:
    with pytest.raises(RecordError, match="nothing was guessed") as refused:
        amount_of(decode(sent))
    assert refused.value.reason == "bad_amount"


@given(st.decimals(0, AMOUNT_BELOW - 1, allow_nan=False, places=2))
def test_an_amount_is_never_a_cent_off_whether_it_comes_as_text_or_as_a_number(amount: Decimal) -> None:
    text = f"{amount:.2f}"
    assert amount_of(text) == amount_of(decode(text.encode())) == text


def test_an_amount_that_is_only_kept_is_written_alike_and_left_as_it_came_when_it_is_odd() -> None:
    assert [side_amount_of(one) for one in ("14.4", Decimal("-0.4"), "n/a", None, "")] == [
        "14.40",
        "-0.4",
        "n/a",
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        ("2026-08-03T09:14:11-04:00", "2026-08-03T13:14:11Z"),
        ("2026-08-03T09:14:11.987-04:00", "2026-08-03T13:14:11Z"),
        ("2026-08-03T13:14:11Z", "2026-08-03T13:14:11Z"),
        ("2026-08-03T09:14:11-0400", "2026-08-03T13:14:11Z"),
        ("2026-08-03t09:14-04:00", "2026-08-03T13:14:00Z"),
        ("2026-08-03T09:14:11", "2026-08-03T13:14:11Z"),
        ("2026-01-03 09:14:11", "2026-01-03T14:14:11Z"),
        # The clocks go back at two on 1 November: half past one comes twice, and the first is taken.
        ("2026-11-01T00:30:00", "2026-11-01T04:30:00Z"),
        ("2026-11-01T01:30:00", "2026-11-01T05:30:00Z"),
        ("2026-11-01T02:30:00", "2026-11-01T07:30:00Z"),
        # With an offset there is nothing to choose.
        ("2026-11-01T01:30:00-04:00", "2026-11-01T05:30:00Z"),
        ("2026-11-01T01:30:00-05:00", "2026-11-01T06:30:00Z"),
        # They go forward at two on 8 March: half past two never is, and is taken as half past three.
        ("2026-03-08T02:30:00", "2026-03-08T07:30:00Z"),
        ("2026-03-08T03:30:00", "2026-03-08T07:30:00Z"),
    ],
)
def test_a_moment_without_an_offset_is_eastern_time(sent: str, known: str) -> None:
    assert moment_of(sent) == known


@pytest.mark.parametrize(
    "sent",
    [
        "yesterday", "2026-08-03", "2026-13-03T09:14:11Z", "2026-08-03T25:14:11Z", "2026-08-03T09:14:60Z", 1785763451,
        True, {}, [], "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "20260803T091411Z",
        "٢٠٢٦-08-03T09:14:11Z",
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(sent: Any) -> None:
    with pytest.raises(RecordError, match="nothing was guessed") as refused:
        moment_of(sent)
    assert refused.value.reason == "bad_time"
    assert side_moment_of(sent) == sent


def test_absent_null_and_empty_are_told_apart() -> None:
    for read in (text_of, amount_of, moment_of):
        assert [read(value) for value in (UNSET, None, "")] == [UNSET, None, None]


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        (990011223, "990011223"), ("990011223", "990011223"), (" 0990011223 ", "990011223"), (True, None), (None, None),
        ("", None), ("null", None), ("n/a", None), ("0", None), (-5, None), (Decimal("5.0"), None), ([], None),
        ("9" * 19, None), ("r.okafor@example.org", None),
    ],
)  # fmt: skip
def test_only_digits_number_a_thing(sent: Any, known: str | None) -> None:
    assert number_of(sent) == known


def test_flags_come_as_words_too() -> None:
    assert [flag_of(value) for value in (True, "true", "False", None, "yes", 1)] == [
        True,
        True,
        False,
        None,
        UNSET,
        UNSET,
    ]


def test_a_count_is_a_number_however_it_was_sent() -> None:
    assert [side_number_of(value) for value in (12, "12", "infinite", "", None)] == [12, 12, "infinite", None, None]
