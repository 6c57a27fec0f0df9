"""The ledger of consents as a file, and in words."""

import csv
import io
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import pytest

from groundswell.ops.consent_files import WRITERS
from groundswell.ops.consent_words import DECISIONS, said_words
from groundswell.ops.member_messages import ConsentLine, Decision

AT = datetime(2026, 5, 2, 11, 0, 9, tzinfo=UTC)


def line(**more: Any) -> ConsentLine:
    given = {"phone": "+15035550144", "words": "STOP", "source": "kit", "record_id": "r/1", "decision": "changed"}
    given |= {"old": "yes", "new": "no", "said": "no", "said_at": AT, "learnt_at": AT}
    return ConsentLine(**(given | more))


def written(kind: str, *lines: ConsentLine) -> str:
    writer = WRITERS[kind]()
    return writer.heading() + writer.lines(lines[:1]) + writer.lines(lines[1:])


@pytest.mark.parametrize("words", ["=cmd()", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_spreadsheet_runs_what_somebody_texted(words: str) -> None:
    (row,) = csv.DictReader(io.StringIO(written("csv", line(words=words, source=words, record_id=words)), newline=""))
    assert (row["words"], row["source"], row["record_id"]) == (f"'{words}", f"'{words}", f"'{words}")
    assert row["phone"] == "+15035550144"


def test_lines_of_json_are_to_the_letter() -> None:
    lines = [line(words='=cmd("\n,é")'), line(words="N")]
    assert [msgspec.json.decode(one, type=ConsentLine) for one in written("jsonl", *lines).splitlines()] == lines


def test_a_table_has_one_heading_and_a_row_for_each_line() -> None:
    rows = list(csv.reader(io.StringIO(written("csv", line(words='a,"b"\nc'), line()), newline="")))
    assert len(rows) == 3
    assert rows[0] == list(ConsentLine.__struct_fields__)
    assert rows[1][rows[0].index("words")] == 'a,"b"\nc'


@pytest.mark.parametrize("decision", get_args(Decision))
def test_every_decision_has_words(decision: Decision) -> None:
    assert DECISIONS[decision]
    assert not said_words(line(decision=decision)).startswith(decision)


def test_what_was_made_of_it_is_said_in_a_sentence() -> None:
    assert said_words(line()) == "It means no: may be texted was yes, and became no."
    assert "changed nothing: no" in said_words(line(decision="unknown", said="unknown"))
