"""How far each collection is done: what the cursor of a poller says."""

from typing import Final

import msgspec
from msgspec import Struct

from groundswell.component import Cursor

VERSION: Final = 1


class Mark(Struct, frozen=True, omit_defaults=True):
    """How far one collection is done. Times are whole seconds since 1970.

    What has windows: everything changed before `to` is taken. Records under parents: the same, when all parents were
    asked last. What takes no filter: `to` is when the last whole pass ended.
    """

    to: int | None = None
    """None: never, so far."""
    goal: int | None = None
    """What `to` becomes when the round over parents, or the pass, that is under way is finished."""
    at: str = ""
    """Where that is: parents with smaller numbers are done."""
    inside: int | None = None
    """And how far this parent is."""
    is_first: bool = True
    """Not yet been through everything once."""
    records: int = 0
    """Taken in the first run, as far as `to` and `inside` say."""
    total: int | None = None
    """About how many the first run will take; None: nobody knows."""


class Marks(Struct, frozen=True):
    """The cursor, whole. Collections that are not asked for any more are kept: they may be again."""

    v: int = VERSION
    span: tuple[int, int] | None = None
    """Of a backfill: what was asked for."""
    of: dict[str, Mark] = {}
    """By the collection's name."""

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
