"""Which files to ask for: spans of time cut into windows that ActBlue gives, and how far they have been taken."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from groundswell.component import Cursor
from groundswell.connectors.actblue import eastern
from groundswell.connectors.actblue.client import CANCELLED, CSV_TYPES, MANAGED, PAID, REFUNDED

CONTRIBUTIONS: Final = "contributions"
REFUNDS: Final = "refunds"
CANCELLATIONS: Final = "cancellations"
MANAGED_FORMS: Final = "managed_forms"
COLLECTIONS: Final = (CONTRIBUTIONS, REFUNDS, CANCELLATIONS, MANAGED_FORMS)

WINDOW_DAYS: Final = 175
"""ActBlue gives six months at most (C). The shortest six have 181 days, and some days around are asked for as well."""


class Window(Struct, frozen=True):
    """What is taken from one file: rows of this time, seconds since 1970, `end` not included."""

    csv_type: str
    start: int
    end: int

    def days(self, today: date) -> tuple[date, date]:
        """The days to ask for, Eastern, the second not included: all that the window touches.

        One more at the end, for nobody says whose midnight it is that they mean; but none that has not begun yet.
        """
        last = eastern.day(self.end - 1)
        end = min(eastern.next_day(last, 2), eastern.next_day(today))
        return eastern.day(self.start), max(end, eastern.next_day(last))


class At(Struct, frozen=True, omit_defaults=True):
    """Where in a window's file we are."""

    window: Window
    file: str
    """Its id there."""
    row: int = 0
    """So many rows are taken."""
    check: str = ""
    """Of what these rows are: in another file of the same window they may not be the first, or not be there at all."""


class Round(Struct, frozen=True, omit_defaults=True):
    """One pull: what is left of it, window by window."""

    since: int
    until: int
    """What happened in this time is taken, `until` not included."""
    wanted: tuple[str, ...]
    """Collections."""
    next: dict[str, int]
    """By type of file: where its next window begins."""
    goals: dict[str, int]
    """By type of file: where its last window ends."""
    at: At | None = None
    records: int = 0
    """Handed over so far."""

    def windows(self) -> Iterator[Window]:
        """Those that are left, in order."""
        for csv_type in CSV_TYPES:
            start, goal = self.next.get(csv_type, 0), self.goals.get(csv_type, 0)
            while start < goal:
                end = min(goal, int(eastern.midnight(eastern.next_day(eastern.day(start), WINDOW_DAYS))))
                yield Window(csv_type, start, end)
                start = end

    def after(self, window: Window) -> "Round":
        """What is left when this window is done."""
        return replace(self, next={**self.next, window.csv_type: window.end}, at=None)

    def share_done(self, share_of_window: float) -> float:
        """How much of the whole pull is done, from 0 to 1, by the time it spans."""
        whole = self._spanned_s
        left = sum(window.end - window.start for window in self.windows())
        current = next(self.windows(), None)
        here = 0.0 if current is None else share_of_window * (current.end - current.start)
        return 1.0 if whole <= 0 else min(1.0, max(0.0, (whole - left + here) / whole))

    @property
    def days(self) -> int:
        """How many days of files are asked for, each type of file by itself."""
        return -(-self._spanned_s // 86_400)

    @property
    def _spanned_s(self) -> int:
        return sum(goal - self.since for goal in self.goals.values())


def backfill_round(wanted: Sequence[str], since: int, until: int, now: int) -> Round:
    """What is asked for of the past.

    A gift that was paid back since is no longer in the file of gifts; only the file of refunds has it, that of the time
    it was paid back in. So where gifts are asked for, refunds are looked through up to now.
    """
    goals: dict[str, int] = {}
    if CONTRIBUTIONS in wanted:
        goals[PAID] = until
        goals[REFUNDED] = max(until, now)
    if REFUNDS in wanted:
        goals.setdefault(REFUNDED, until)
    if MANAGED_FORMS in wanted:
        goals[MANAGED] = until
    if CANCELLATIONS in wanted:
        goals[CANCELLED] = until
    return Round(since, until, tuple(wanted), dict.fromkeys(goals, since), goals)


class Marks(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How far the source's own running is: what its cursor says."""

    began: dict[str, int] = {}
    """By type of file: nothing before this is asked for."""
    to: dict[str, int] = {}
    """By type of file: everything before this has been looked through."""
    looked: int | None = None
    """When the last round began."""
    round: Round | None = None
    """Under way."""

    def started(self, csv_types: Sequence[str], since: int) -> "Marks":
        """With a beginning for types that have none: the first run, or one that was switched on since."""
        new = {csv_type: since for csv_type in csv_types if csv_type not in self.to}
        return replace(self, began={**self.began, **new}, to={**self.to, **new})

    def due_in_s(self, every_s: float, now: float) -> float:
        """How long until the next round. A mark that lies ahead was made while our clock was wrong."""
        return 0.0 if self.looked is None else max(0.0, min(every_s, self.looked + every_s - now))

    def next_round(self, csv_types: Sequence[str], wanted: Sequence[str], now: int, overlap_s: int) -> Round:
        """From a while before where the last one ended, up to now."""
        starts = {
            # A mark that lies ahead was made while our clock was wrong.
            csv_type: max(self.began.get(csv_type, 0), min(self.to[csv_type], now) - overlap_s)
            for csv_type in csv_types
        }
        goals = dict.fromkeys(csv_types, now)
        return Round(min(starts.values(), default=now), now, tuple(wanted), starts, goals)

    def cursor_within(self, left: Round) -> Cursor:
        return to_cursor(replace(self, round=left))

    def done(self, taken: Round) -> "Marks":
        return replace(self, to={**self.to, **taken.goals}, looked=taken.until, round=None)


def to_cursor(marks: Marks | Round) -> Cursor:
    return msgspec.json.encode(marks).decode()


def marks_of(cursor: Cursor) -> Marks | None:
    """None if it is not to be understood."""
    try:
        return msgspec.json.decode(cursor, type=Marks)
    except msgspec.DecodeError:
        return None


def round_of(cursor: Cursor) -> Round | None:
    """None if it is not to be understood."""
    try:
        return msgspec.json.decode(cursor, type=Round)
    except msgspec.DecodeError:
        return None
