"""Where the poller is: what its cursor holds."""

from typing import Final

import msgspec
from msgspec import Struct

from groundswell.component import Cursor

VERSION: Final = 1


class First(Struct):
    """The first look at everything: how far it has come."""

    done: int = 0
    total: int | None = None


class Under(Struct):
    """A round over the parents of records: the end of the time it reads, and where it is."""

    end: int
    parent: str = ""
    """All parents before this one are done, by number."""
    at: int = 0
    """Of this one, everything before."""


class Places(Struct):
    """Times are whole seconds since 1970, by name of the collection."""

    version: int = VERSION
    done: dict[str, int] = {}
    """Everything that was changed before is read."""
    under: dict[str, Under] = {}
    """Rounds that are going on."""
    passes: dict[str, int] = {}
    """When everything was last read, of what can only be read whole."""
    first: dict[str, First] = {}

    def cursor(self) -> Cursor:
        return msgspec.json.encode(self).decode()


def places_at(cursor: Cursor | None) -> Places:
    """Where a cursor says; the beginning if there is none, or it is not one of ours."""
    if cursor is None:
        return Places()
    try:
        places = msgspec.json.decode(cursor, type=Places)
    except msgspec.DecodeError:
        return Places()
    return places if places.version == VERSION else Places()
