"""How many members have a value in which field: of a sample, since looking at all of them takes seconds."""

import sqlite3
from collections import Counter
from typing import Final

import msgspec
from msgspec import Struct

from groundswell.members.member import Member


class Filled(Struct, frozen=True):
    """What a sample of the members has."""

    looked_at: int
    is_all: bool
    """Whether that is everybody."""
    fields: dict[str, int]
    """By canonical name, how many of them have a value."""


def filled(connection: sqlite3.Connection, sample: int) -> Filled:
    """Look at everybody, or at so many members, spread evenly over all numbers."""
    (count,) = connection.execute("SELECT count(*) FROM (SELECT 1 FROM members LIMIT ?)", (sample + 1,)).fetchone()
    is_all = count <= sample
    if is_all:
        bodies = connection.execute("SELECT body FROM members").fetchall()
    else:
        first, last = connection.execute("SELECT min(id), max(id) FROM members").fetchone()
        picked = [first + (last - first) * place // (sample - 1) for place in range(sample)]
        bodies = connection.execute(_PICKED, (msgspec.json.encode(picked).decode(),)).fetchall()
    counted: Counter[str] = Counter()
    for (body,) in bodies:
        counted.update(name for name, known in _member_of(body).fields.items() if known.value is not None)
    return Filled(len(bodies), is_all, dict(counted))


# Where numbers are missing, the next one is met twice: it counts once.
_PICKED: Final = (
    "SELECT body FROM members WHERE id IN "
    "(SELECT (SELECT id FROM members WHERE id >= value ORDER BY id LIMIT 1) FROM json_each(?))"
)
_member_of: Final = msgspec.msgpack.Decoder(Member).decode
