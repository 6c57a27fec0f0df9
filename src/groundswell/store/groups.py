"""Groups of members as they are looked at: how many are in each, and who."""

import sqlite3
from typing import Final

import msgspec
from msgspec import Struct

from groundswell.members.member import Member


class InGroup(Struct, frozen=True):
    """A member of a group."""

    member: Member
    since: int
    """In it since then; milliseconds since 1970."""


def sizes(connection: sqlite3.Connection, after: str, count: int) -> list[tuple[str, int]]:
    """The next groups by name after this one, with how many members each has; one without members is none."""
    return connection.execute(_SIZES, (after, count)).fetchall()


def size(connection: sqlite3.Connection, name: str) -> int:
    """How many members it has."""
    (found,) = connection.execute("SELECT count(*) FROM member_groups WHERE name = ?", (name,)).fetchone()
    return int(found)


def members(connection: sqlite3.Connection, name: str, after: int, count: int) -> list[InGroup]:
    """The next members of a group, in the order of their numbers."""
    found = connection.execute(_MEMBERS, (name, after, count))
    return [InGroup(_member_of(body), since) for body, since in found]


_SIZES: Final = "SELECT name, count(*) FROM member_groups WHERE name > ? GROUP BY name ORDER BY name LIMIT ?"
_MEMBERS: Final = (
    "SELECT m.body, g.since FROM member_groups g INDEXED BY members_of_group JOIN members m ON m.id = g.member "
    "WHERE g.name = ? AND g.member > ? ORDER BY g.member LIMIT ?"
)
_member_of: Final = msgspec.msgpack.Decoder(Member).decode
