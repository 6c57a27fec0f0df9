"""What a search for people looks through: a few words of each link and of its member, in small letters."""

import sqlite3
from collections.abc import Iterator
from typing import Final

import msgspec

from groundswell.members.member import Link, Member

_link_of: Final = msgspec.msgpack.Decoder(Link).decode
_member_of: Final = msgspec.msgpack.Decoder(Member).decode


def words_of_link(link: Link, member: Member | None) -> str:
    """The link's number there, and each phone, email and whole name of the two that is not in there yet.

    `member`: whom it is linked to, or whose phone it has too.
    """
    words = link.remote_id.casefold()
    for part in _parts(link, member):
        small = part.casefold()
        if small not in words:
            words = f"{words} {small}"
    return words


def words_of_member(member: Member) -> str:
    """What of a member the words of their links have, but for the phone, which never changes."""
    return " ".join(_own(member)).casefold()


def teach(connection: sqlite3.Connection) -> None:
    """Let SQL make the words of what is kept: state files of older versions have none."""
    connection.create_function("words_of_link", 2, _of_bodies, deterministic=True)
    connection.create_function("words_of_member", 1, lambda body: words_of_member(_member_of(body)), deterministic=True)


def _parts(link: Link, member: Member | None) -> Iterator[str]:
    if link.phone:
        yield link.phone
    if link.email:
        yield link.email
    yield _name(link.seen.get("first_name"), link.seen.get("last_name"))
    if member is not None:
        yield member.phone
        yield from _own(member)


def _own(member: Member) -> Iterator[str]:
    yield _name(_value(member, "first_name"), _value(member, "last_name"))
    yield _value(member, "email") or ""


def _value(member: Member, field: str) -> str | None:
    known = member.fields.get(field)
    return None if known is None else known.value


def _name(first: str | None, last: str | None) -> str:
    return f"{first} {last}" if first and last else first or last or ""


def _of_bodies(link: bytes, member: bytes | None) -> str:
    return words_of_link(_link_of(link), None if member is None else _member_of(member))
