"""How far each collection is done: what the cursor of a poller says."""

from typing import Final

import msgspec
from msgspec import Struct

from groundswell.component import Cursor

VERSION: Final = 1


class Mark(Struct, frozen=True, omit_defaults=True):
    """How far one collection is done. Times are whole seconds since 1970.

    Everything changed before `to` is taken. While a window or a whole pass is under way, `goal` is what `to` becomes
    when it has come to its end, and `step`, `at` and `seen` are where in it we are.
    """

    to: int | None = None
    """None: never, so far."""
    full_to: int | None = None
    """When the last whole pass began."""
    goal: int | None = None
    since: int = 0
    """Where the window under way begins."""
    is_whole: bool = False
    """Not a window: all of it."""
    step: str = ""
    at: int | str | None = None
    """Those up to this number are done, in this step."""
    seen: int = 0
    """How many that are: where to look for the next by offset."""
    records: int = 0
    """Taken in the first run, for people to read."""


class Marks(Struct, frozen=True):
    """The cursor, whole. Collections that are not asked for any more are kept: they may be again."""

    v: int = VERSION
    span: tuple[int, int] | None = None
    """Of a backfill: what was asked for."""
    of: dict[str, Mark] = {}
    """By the resource's name."""

    def mark(self, name: str) -> Mark:
        return self.of.get(name, Mark())

    def with_mark(self, name: str, mark: Mark) -> "Marks":
        return Marks(self.v, self.span, {**self.of, name: mark})

    @property
    def cursor(self) -> Cursor:
        return _encoder.encode(self).decode()


_encoder: Final = msgspec.json.Encoder()


def read_marks(cursor: Cursor | None, span: tuple[int, int] | None = None) -> Marks | None:
    """What the cursor says; None when it is another one's: of another version, another span, or no such thing."""
    if cursor is None:
        return Marks(span=span)
    try:
        marks = msgspec.json.decode(cursor, type=Marks)
    except msgspec.DecodeError:  # of which a ValidationError is one
        return None
    return marks if marks.v == VERSION and marks.span == span else None
