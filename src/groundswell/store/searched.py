"""What a search for people looks through: a few words of each link and of its member, in small letters."""

import sqlite3
from typing import Final

import msgspec

from groundswell.members.member import Link, Member

_link_of: Final = msgspec.msgpack.Decoder(Link).decode
_member_of: Final = msgspec.msgpack.Decoder(Member).decode


def words_of_link(link: Link) -> str:
    """Its own words, which a line ends: number there, phone, email, whole name."""
    name = _name(link.seen.get("first_name"), link.seen.get("last_name"))
    return f"{link.remote_id} {link.phone or ''} {link.email or ''} {name}".casefold() + "\n"


def words_of_member(member: Member) -> str:
    """What can change of what a member adds: the whole name and the email. The phone stays."""
    return " ".join(_own(member)).casefold()


def searched(words: str, member: Member | None) -> str:
    """What is looked through of a link with these words, and of whom it is linked to, or whose phone it has too.

    The link's words come first, whatever follows. What they have already does not come twice.
    """
    if member is None:
        return words
    parts = (part.casefold() for part in (member.phone, *_own(member)))
    return words + " ".join(part for part in parts if part not in words)


def teach(connection: sqlite3.Connection) -> None:
    """Let SQL make the words of what is kept: state files of older versions have none."""
    connection.create_function("searched", 2, _of_bodies, deterministic=True)
    connection.create_function("words_of_member", 1, lambda body: words_of_member(_member_of(body)), deterministic=True)


def _own(member: Member) -> tuple[str, str]:
    first, last, email = map(member.fields.get, ("first_name", "last_name", "email"))
    name = _name(None if first is None else first.value, None if last is None else last.value)
    return name, (None if email is None else email.value) or ""


def _name(first: str | None, last: str | None) -> str:
    return f"{first} {last}" if first and last else first or last or ""


def _of_bodies(link: bytes, member: bytes | None) -> str:
    return searched(words_of_link(_link_of(link)), None if member is None else _member_of(member))
