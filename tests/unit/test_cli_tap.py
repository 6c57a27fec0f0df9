"""A line of `groundswell tap`, as people read it."""

from datetime import UTC, datetime
from typing import Any

from groundswell.cli.tap import rendered
from groundswell.ops.tap_messages import TapRecord
from groundswell.runtime.taps import Fate

NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)


def line(record: dict[str, Any], fate: Fate = "passed", why: str | None = None) -> str:
    return rendered(TapRecord(NOON, "crm", fate, why, record)).plain


def test_a_line_says_when_where_what_became_of_it_and_what_is_there() -> None:
    person = {"first_name": "text(4)", "last_name": None, "sms_opt_in": True, "custom": {"Shirt size": "text(1)"}}
    record = {"id": "x:y/1", "kind": "action", "source": "signups", "person": person, "action": {"tags": ["text(9)"]}}
    assert line(record, "retried", "unavailable") == (
        "12:00:00 crm retried (unavailable) action x:y/1 first_name=text(4) last_name=null sms_opt_in=true "
        'custom.Shirt size=text(1) action.tags=["text(9)"]'
    )


def test_nothing_that_was_sent_upsets_the_terminal() -> None:
    bad = "\x1b[2J\n\u202e"
    shown = line({"id": bad, "kind": bad, "person": {bad: bad, "custom": {"list": [bad]}}}, why=bad)
    assert shown.isprintable()
