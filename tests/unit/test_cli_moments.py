"""Times as operators write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.cli.moments import parse_moment

NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-05-02T11:00:09Z", datetime(2026, 5, 2, 11, 0, 9, tzinfo=UTC)),
        ("2026-05-02T11:00:09.250Z", datetime(2026, 5, 2, 11, 0, 9, 250_000, tzinfo=UTC)),
        ("2026-05-02T11:00:09-07:00", datetime(2026, 5, 2, 18, 0, 9, tzinfo=UTC)),
        ("2026-05-02T11:00", datetime(2026, 5, 2, 11, tzinfo=UTC)),
        ("2026-05-02 11:00", datetime(2026, 5, 2, 11, tzinfo=UTC)),
        ("2026-05-02", datetime(2026, 5, 2, tzinfo=UTC)),
        ("2h", NOON - timedelta(hours=2)),
        ("3d", NOON - timedelta(days=3)),
        ("90s", NOON - timedelta(seconds=90)),
        ("0s", NOON),
        (" 1.5h ", NOON - timedelta(minutes=90)),
    ],
)
def test_a_moment_a_date_or_how_long_ago(text: str, meant: datetime) -> None:
    assert parse_moment(text, NOON.timestamp()) == meant


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2", "2 h", "-2h", "2026-13-01", "11:00", "2026-05-02T25:00Z", "99999999d"]
)
def test_anything_else_is_refused_with_what_can_be_written(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time; write"):
        parse_moment(text, NOON.timestamp())


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_every_moment_comes_back_as_it_was_and_in_utc(naive: datetime, offset_minutes: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    parsed = parse_moment(moment.isoformat(), NOON.timestamp())
    assert (parsed, parsed.utcoffset()) == (moment, timedelta(0))


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    try:
        assert parse_moment(text, NOON.timestamp()).tzinfo is UTC
    except ValueError as exc:
        assert "is not a time" in str(exc)  # noqa: PT017
