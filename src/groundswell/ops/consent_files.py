"""The ledger of consents as a file: a table with a heading, or one JSON object a line; both UTF-8."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

import msgspec

from groundswell.ops.member_messages import ConsentLine

COLUMNS: Final = ConsentLine.__struct_fields__
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_FREE: Final = ("words", "source", "record_id")
"""Columns that others fill."""


class LedgerWriter(Protocol):
    """Makes the text of a file, a part at a time."""

    def heading(self) -> str: ...

    def lines(self, lines: Iterable[ConsentLine]) -> str: ...


class CsvWriter:
    """A table."""

    def heading(self) -> str:
        return _rows([list(COLUMNS)])

    def lines(self, lines: Iterable[ConsentLine]) -> str:
        return _rows([_cells(line) for line in lines])


class JsonWriter:
    """Lines of JSON, to the letter as it was said."""

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder()

    def heading(self) -> str:
        return ""

    def lines(self, lines: Iterable[ConsentLine]) -> str:
        return "".join(self._encoder.encode(line).decode() + "\n" for line in lines)


WRITERS: Final[Mapping[str, Callable[[], LedgerWriter]]] = {"csv": CsvWriter, "jsonl": JsonWriter}


def _cells(line: ConsentLine) -> list[str]:
    """A spreadsheet runs what begins like a formula, and anybody may text us one: then an apostrophe goes first."""
    cells = msgspec.to_builtins(line)
    for name in _FREE:
        if cells[name].startswith(_FORMULA):
            cells[name] = f"'{cells[name]}"
    return list(cells.values())


def _rows(rows: list[list[str]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)  # a \r would else end a line
    return file.getvalue()
