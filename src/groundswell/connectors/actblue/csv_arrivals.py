"""From rows of CSV files to arrivals, and back to what a webhook would have told when an arrival is read.

One row may tell of two things: a gift, and that it was paid back. Then there are two arrivals with the same `raw`, and
the id says which of them is meant.
"""

from collections import Counter
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from groundswell.component import Arrival
from groundswell.connectors.actblue.client import PAID, REFUNDED
from groundswell.connectors.actblue.csv_rows import ADDRESS2, LEFT_OUT, LINEITEM_ID, RECEIPT_ID, Told, told_by
from groundswell.connectors.actblue.mapping import Rules, record_of, things_in
from groundswell.connectors.actblue.table import Cells, Row, Table
from groundswell.connectors.actblue.windows import At, Round, Window
from groundswell.errors import RecordError
from groundswell.record import Donation, Person, Record

ROWS_AT_A_TIME: Final = 200
STRAY_S: Final = 3 * 86_400
"""A row this far from its window is none of those asked for."""


class Taken:
    """Which rows of a file are wanted, and how many of them have been looked at."""

    def __init__(self, wanted: Round | None = None, window: Window | None = None, at: At | None = None) -> None:
        """Without a round: everything. `window` is what the file was asked for; `at` is where to go on."""
        self.csv_type = PAID if window is None else window.csv_type
        self.row = 0
        self.check = ""
        """Of what the rows so far were."""
        self.strays = 0
        """Rows that are far from the time that was asked for."""
        self._wanted = wanted
        self._window = window
        self._at = at

    def is_same_so_far(self, table: Table) -> bool:
        """Pass over the rows that were taken before; whether they are still the same ones. Blocking."""
        if self._at is None:
            return True
        self.skip(table, self._at.row)
        return self.row == self._at.row and self.check == self._at.check

    def skip(self, table: Table, rows: int) -> None:
        """Blocking."""
        while self.row < rows and (some := table.next_rows(min(ROWS_AT_A_TIME, rows - self.row))):
            for row in some:
                self.count(row)

    def count(self, row: Row) -> None:
        self.row += 1
        key = f"{self.check}\n{row.cells.get(LINEITEM_ID) or row.cells.get(RECEIPT_ID, '')}"
        self.check = blake2b(key.encode(), digest_size=8).hexdigest()

    def wants(self, told: Told) -> bool:
        """Whether this was asked for."""
        if self._wanted is None:
            return True
        return told.collection in self._wanted.wanted and self._wanted.since <= told.at < self._wanted.until

    def is_of_window(self, at: float) -> bool:
        """Whether a row is one of those the file was asked for; around them there are some more."""
        window = self._window
        if window is None:
            return True
        self.strays += not window.start - STRAY_S <= at < window.end + STRAY_S
        return window.start <= at < window.end


class Rows:
    """Makes arrivals of the rows of one source, and tells what an arrival was made of."""

    def __init__(self, source: str, rules: Rules, counts: Counter[str], *, subscribes: bool = False) -> None:
        """`subscribes`: whether a gift counts as a yes to email, noted in each arrival. `counts` are for `status`."""
        self._source = source
        self._rules = rules
        self._subscribes = subscribes
        self._counts = counts

    def next(self, table: Table, taken: Taken) -> list[Arrival] | None:
        """Arrivals of the next rows that are wanted; None at the end. Blocking."""
        rows = table.next_rows(ROWS_AT_A_TIME)
        if not rows:
            return None
        found: list[Arrival] = []
        for row in rows:
            taken.count(row)
            found += self._arrivals(row, taken)
        self._counts["rows"] += len(rows)
        return found

    def refused(self, name: str, version: str, problem: str) -> Arrival:
        """An arrival that stands for a whole file which cannot be read, or not to its end."""
        content = {"file": name, "problem": f"the file {name} cannot be read: {problem}"}
        return self._unreadable(f"{name}.{version}", content)

    def _arrivals(self, row: Row, taken: Taken) -> list[Arrival]:
        cells = {column: value for column, value in row.cells.items() if column not in LEFT_OUT}
        content: dict[str, Any] = {"csv_type": taken.csv_type, "row": cells}
        key = msgspec.json.encode(cells).decode()
        if row.problem is not None:
            content["problem"] = f"row {row.number} cannot be read: {row.problem}"
            return [self._unreadable(key, content)]
        try:
            told = told_by(taken.csv_type, cells)
        except RecordError:
            return [self._unreadable(key, content)]  # `read` says why
        if not taken.is_of_window(_time_of_row(taken.csv_type, told)):
            return []
        if self._subscribes:
            content["subscribes"] = True
        raw = msgspec.json.encode(content)
        return [Arrival(record_id, raw) for one in told if taken.wants(one) for record_id in self._ids(one)]

    def _ids(self, told: Told) -> list[str]:
        """Of what is ours; the rest is counted."""
        things = things_in(told.body, self._rules)
        self._counts["not_ours"] += sum(word == "not_ours" for _, word in things)
        return [record_id for record_id, word in things if word != "not_ours"]

    def _unreadable(self, key: str, content: dict[str, Any]) -> Arrival:
        self._counts["unreadable"] += 1
        digest = blake2b(key.encode(), digest_size=12).hexdigest()
        return Arrival(f"{self._source}:!{digest}", msgspec.json.encode(content))


def record_in(arrival: Arrival, source: str, rules: Rules) -> Record:
    """The record of an arrival.

    Raises:
        RecordError: the row cannot be read.
    """
    try:
        content = msgspec.json.decode(arrival.raw, type=_Content)
    except msgspec.DecodeError:
        raise RecordError("it is no row of a CSV file: it must have `csv_type` and `row`") from None
    if content.problem is not None:
        raise RecordError(content.problem)
    found = {record_id: one for one in told_by(content.csv_type, content.row) for record_id in _ids_in(one, rules)}
    # Tests of a configuration have no ids of their own: there the row stands for what it tells of last.
    record_id = arrival.id if arrival.id in found else list(found)[-1]
    told = found[record_id]
    record = record_of(told.body, record_id, source, replace(rules, subscribe=content.subscribes))
    return _with_rest(record, told, content.row)


def _ids_in(told: Told, rules: Rules) -> list[str]:
    return [record_id for record_id, _ in things_in(told.body, rules)]


def _with_rest(record: Record, told: Told, cells: Cells) -> Record:
    """And what webhooks do not tell: the second line of the address, and what is kept beside the gift."""
    person, donation = record.person, record.donation
    if isinstance(person, Person) and ADDRESS2 in cells:
        person = replace(person, address2=cells[ADDRESS2])
    if isinstance(donation, Donation):
        donation = replace(donation, fields={**told.rest, **donation.fields})
    return replace(record, person=person, donation=donation)


def _time_of_row(csv_type: str, told: list[Told]) -> float:
    """What a file was asked for by: refunds by when they were paid back, gifts by when they were paid (C)."""
    return told[-1 if csv_type == REFUNDED else 0].at


class _Content(Struct, frozen=True):
    """What an arrival holds."""

    csv_type: str = PAID
    row: Cells = {}
    subscribes: bool = False
    problem: str | None = None
