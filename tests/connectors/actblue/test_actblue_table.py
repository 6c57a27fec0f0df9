"""CSV files as tables: whatever is in their cells, in bounded memory, and never half a file for a whole one."""

import csv
import io
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.actblue.table import BrokenOffError, Row, Table, TableError

NAMES = ["Lineitem ID", "Receipt ID", "Reserved", "Comments", "Reserved"]
NEEDED = (("Lineitem ID", "Date"), ("Lineitem ID", "Receipt ID"))
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
ROWS = st.lists(st.lists(CELLS, min_size=len(NAMES), max_size=len(NAMES)), max_size=30)


def table(content: bytes, *, is_end_known: bool = True) -> Table:
    return Table(io.BytesIO(content), NEEDED, is_end_known=is_end_known)


def rows_of(content: bytes, *, is_end_known: bool = True, most: int = 7) -> list[Row]:
    found = []
    with table(content, is_end_known=is_end_known) as opened:
        while rows := opened.next_rows(most):
            found += rows
    return found


def written(rows: list[list[str]], line_end: str = "\r\n") -> bytes:
    text = io.StringIO()
    # Python's writer would leave a "\\r" bare where lines end with "\\n", and nobody could tell it from a line end.
    quoting = csv.QUOTE_MINIMAL if "\r" in line_end else csv.QUOTE_ALL
    csv.writer(text, lineterminator=line_end, quoting=quoting).writerows([NAMES, *rows])
    return text.getvalue().encode()


def kept(cells: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in zip(NAMES, cells, strict=True):
        if value.strip():
            found.setdefault(name, value.strip())
    return found


@given(rows=ROWS, line_end=st.sampled_from(["\n", "\r\n"]), mark=st.booleans())
def test_what_is_written_comes_back_row_by_row(rows: list[list[str]], line_end: str, mark: bool) -> None:
    found = rows_of(b"\xef\xbb\xbf" * mark + written(rows, line_end))
    assert [row.cells for row in found] == [kept(row) for row in rows if any(row)]
    assert all(row.problem is None for row in found)


@given(rows=ROWS.filter(any), cut=st.integers(1, 4_000))
def test_a_file_cut_anywhere_is_noticed_or_ends_with_a_whole_row(rows: list[list[str]], cut: int) -> None:
    content = written(rows)
    content = content[: max(len(written([])), len(content) - cut)]
    try:
        found = rows_of(content, is_end_known=False)
    except BrokenOffError:
        return
    assert content[-1:] in b"\r\n"
    assert [row.cells for row in found] == [kept(row) for row in rows if any(row)][: len(found)]


@pytest.mark.parametrize("end", [b'7,AB7,,"half of a', b"7,AB7,", b"7", b",", b'7,AB7,,"two\nlines'])
def test_a_torn_last_row_is_never_handed_over(end: bytes) -> None:
    for is_end_known in (True, False):
        with pytest.raises(BrokenOffError):
            rows_of(written([["1", "AB1", "", "", ""]]) + end, is_end_known=is_end_known)


def test_a_last_row_without_a_line_end_is_whole_only_where_the_end_is_known() -> None:
    content = written([["1", "AB1", "", "", "x"]]).rstrip()
    assert len(rows_of(content)) == 1
    with pytest.raises(BrokenOffError):
        rows_of(content, is_end_known=False)


def test_of_columns_with_one_name_the_first_that_holds_something_counts() -> None:
    assert rows_of(written([["1", "AB1", "", "", "second"]]))[0].cells["Reserved"] == "second"
    assert rows_of(written([["1", "AB1", "first", "", "second"]]))[0].cells["Reserved"] == "first"


def test_a_row_with_other_cells_than_names_is_told_and_stops_no_other() -> None:
    first, second, third = rows_of(written([]) + b"1,AB1\n2,AB2,,,,,more\n3,AB3,,,\n")
    assert first.problem == "it has 2 cells under 5 names of columns"
    assert second.problem == "it has 7 cells under 5 names of columns"
    assert third.problem is None


def test_a_row_that_is_not_utf_8_is_told() -> None:
    first, second = rows_of(written([]) + b"1,AB1,,Jos\xe9,\n2,AB2,,,\n")
    assert first.problem is not None
    assert "UTF-8" in first.problem
    first.cells["Comments"].encode()
    assert second.problem is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"<html>\n", 'no column "Lineitem ID"'),
        (b"Lineitem ID,Amount\n", 'no column "Date"'),
        (b"Receipt ID;Lineitem ID\n", 'no column "Lineitem ID"'),
        (b",".join([b"x"] * 2_000) + b"\n", "more than 1000 columns"),
    ],
)
def test_what_is_not_a_file_of_theirs_is_refused_with_what_is_missing(content: bytes, said: str) -> None:
    with pytest.raises(TableError, match=said):
        table(content)


def test_a_quotation_mark_that_is_never_closed_is_refused_in_bounded_memory() -> None:
    endless = written([]) + b'1,AB1,,"' + b"row after row\n" * 100_000
    with pytest.raises(TableError, match=r"row 1 cannot be read|quotation mark"):
        rows_of(endless)
    with pytest.raises(TableError, match="longer"):
        rows_of(written([]) + b"x" * 3_000_000)


def test_a_file_of_any_size_is_read_in_little_memory() -> None:
    line = b"1,AB1,," + b"a comment of some length " * 10 + b",\n"
    with tempfile.TemporaryFile() as file:
        file.write(written([]))
        for _ in range(400):
            file.write(line * 500)
        assert file.tell() > 50_000_000
        file.seek(0)
        count = 0
        tracemalloc.start()
        try:
            with Table(file, NEEDED, is_end_known=True) as opened:
                while rows := opened.next_rows(200):
                    count += len(rows)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert count == 200_000
    assert peak < 1_000_000


def test_letting_go_of_a_table_leaves_its_file_open(tmp_path: Path) -> None:
    with (tmp_path / "file.csv").open("wb+") as file:
        file.write(written([["1", "AB1", "", "", ""]]))
        for _ in range(2):
            file.seek(0)
            with Table(file, NEEDED, is_end_known=True) as opened:
                assert len(opened.next_rows(9)) == 1
