"""Forgetting a person: every table that names them, in steps; the person last, so that a try cut short can be repeated.

Arrivals stay with their number and id and without their body, so that the vendor's next reading of the same record is
still known as a duplicate. Deliveries under way are settled as `forgotten`. What stays beyond that is a stone for each
phone and email, and one line in the ledger with the hash in the place of the phone.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

from groundswell.errors import RequestError
from groundswell.members.book import email_of
from groundswell.members.member import Link, Member
from groundswell.store import ledger, outbox, stones
from groundswell.store.ids import Ids
from groundswell.store.outbox import Settlement
from groundswell.store.traces import Identity, Traces, words_of

Table = Literal["inbox", "brought", "outbox", "dead_letters"]
TABLES: Final[tuple[Table, ...]] = ("inbox", "brought", "outbox", "dead_letters")
"""Where bodies are."""
ROWS_PER_LOOK: Final = 1_000
_LIST: Final = "SELECT value FROM json_each(?)"
_link_of: Final = msgspec.msgpack.Decoder(Link).decode
_member_of: Final = msgspec.msgpack.Decoder(Member).decode


class Forget(Struct, frozen=True):
    """Whom to forget, by one of these, and when that is (milliseconds since 1970)."""

    at: int
    phone: str | None = None
    """E.164."""
    email: str | None = None
    words: Sequence[str] = ()
    """What else names them and nobody else, such as a vendor's path of the user; not shorter than needed for that."""


class Erased(Struct, frozen=True):
    """What is gone now."""

    rows: dict[str, int] = {}
    """By table."""
    deliveries: Sequence[int] = ()
    """Numbers of deliveries that were waiting; a sink that has one in memory may still send it."""

    def __add__(self, other: "Erased") -> "Erased":
        tables = sorted(self.rows.keys() | other.rows.keys())
        rows = {table: self.rows.get(table, 0) + other.rows.get(table, 0) for table in tables}
        return Erased(rows, [*self.deliveries, *other.deliveries])


class Look(Struct, frozen=True):
    """What one look through a table found."""

    numbers: Sequence[int]
    """Rows that name the person."""
    last: int | None
    """The last row looked at; None: there are no more."""


class Part(Struct, frozen=True):
    """Rows of one table that name the person."""

    table: Table
    numbers: Sequence[int]
    traces: Traces
    at: int


class LastPart(Struct, frozen=True):
    """The person, and what came in since the tables were looked through to these numbers."""

    asked: Forget
    identity: Identity
    looked_to: dict[Table, int]


# ---- looking: on a connection that reads ----


def identify(connection: sqlite3.Connection, asked: Forget) -> Identity:
    """Who that is, with every email that is no other member's too.

    Raises:
        RequestError: several members have the email.
    """
    email = asked.email.strip().casefold() if asked.email else None
    numbers = {number for link in _with_email(connection, email) for number in _numbers_of(link)}
    found = connection.execute(_MEMBERS, (asked.phone, email, _json(numbers))).fetchall()
    members = [_member_of(row[0]) for row in found]
    if len(members) > 1:
        raise RequestError(f"{len(members)} members have this email address; forget each of them by phone")
    ids = {member.id for member in members}
    links = [_link_of(row[0]) for row in connection.execute(_LINKS, (asked.phone, _json(ids)))]
    held = {*map(email_of, members), *map(_email_in, links)}
    emails = {one for one in held if one and not _is_shared(connection, one, ids)} | ({email} if email else set())
    links += [link for one in emails for link in _with_email(connection, one)]
    phones = {member.phone for member in members} | {link.phone for link in links if link.phone}
    return Identity(
        frozenset(phone for phone in phones | {asked.phone} if phone and not _is_of_another(connection, phone, ids)),
        frozenset(emails),
        frozenset(ids),
        frozenset((link.account, link.remote_id) for link in links),
        words_of(asked.words),
    )


def look(connection: sqlite3.Connection, table: Table, traces: Traces, after: int) -> Look:
    """Look through the next rows of a table."""
    numbers, last, count = [], None, 0
    for number, *texts in connection.execute(_TEXTS[table], (after, ROWS_PER_LOOK)):
        last, count = number, count + 1
        if traces.are_in(*texts):
            numbers.append(number)
    return Look(numbers, last if count == ROWS_PER_LOOK else None)


_MEMBERS: Final = f"SELECT body FROM members WHERE phone = ?1 OR email = ?2 OR id IN ({_LIST.replace('?', '?3')})"
_LINKS: Final = (
    "SELECT body FROM links WHERE phone = ?1 "
    f"UNION SELECT body FROM links WHERE member IN ({_LIST.replace('?', '?2')}) "
    f"UNION SELECT body FROM links WHERE kin IN ({_LIST.replace('?', '?2')})"
)
_TEXTS: Final[dict[Table, str]] = {
    "inbox": "SELECT seq, id, raw FROM inbox WHERE seq > ? ORDER BY seq LIMIT ?",
    "brought": "SELECT id, raw FROM brought WHERE id > ? ORDER BY id LIMIT ?",
    "outbox": "SELECT seq, record_id, lane, body FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?",
    "dead_letters": "SELECT id, record_id, lane, message, body FROM dead_letters WHERE id > ? ORDER BY id LIMIT ?",
}


def _with_email(connection: sqlite3.Connection, email: str | None) -> list[Link]:
    return [_link_of(row[0]) for row in connection.execute("SELECT body FROM links WHERE email = ?", (email,))]


def _numbers_of(link: Link) -> set[int]:
    return {number for number in (link.member, link.of) if number is not None}


def _email_in(link: Link) -> str | None:
    return link.email.casefold() if link.email else None


def _is_shared(connection: sqlite3.Connection, email: str, ids: set[int]) -> bool:
    """Whether somebody else has it too: then it stays, with them."""
    members = {number for (number,) in connection.execute("SELECT id FROM members WHERE email = ?", (email,))}
    return not members.union(*map(_numbers_of, _with_email(connection, email))) <= ids


def _is_of_another(connection: sqlite3.Connection, phone: str, ids: set[int]) -> bool:
    return not {number for (number,) in connection.execute("SELECT id FROM members WHERE phone = ?", (phone,))} <= ids


def _json(values: Iterable[int]) -> str:
    return msgspec.json.encode(list(values)).decode()


# ---- erasing: on the writer's thread ----


class Erasure:
    """Used by the writer's thread."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def erase(self, connection: sqlite3.Connection, parts: Sequence[Part]) -> list[Erased]:
        """Erase these rows, and what was made of them."""
        return [self._erase(connection, part) for part in parts]

    def erase_last(self, connection: sqlite3.Connection, parts: Sequence[LastPart]) -> list[Erased | None]:
        """Erase the person. None: they are known by more than when the tables were looked through; look again."""
        return [self._erase_last(connection, part) for part in parts]

    def _erase_last(self, connection: sqlite3.Connection, part: LastPart) -> Erased | None:
        identity = part.identity
        if identify(connection, part.asked) != identity:
            return None
        done, traces, at = Erased(), Traces(identity), part.asked.at
        for table in TABLES:
            after: int | None = part.looked_to[table]
            while after is not None:
                found = look(connection, table, traces, after)
                done += self._erase(connection, Part(table, found.numbers, traces, at))
                after = found.last
        stones.leave(connection, "phone", identity.phones, at)
        stones.leave(connection, "email", identity.emails, at)
        return done + Erased(_erase_person(connection, identity, at))

    def _erase(self, connection: sqlite3.Connection, part: Part) -> Erased:
        if not part.numbers:
            return Erased()
        match part.table:
            case "inbox":
                return self._erase_arrivals(connection, part)
            case "brought":
                return Erased({"brought": _delete(connection, "brought", "id", part.numbers)})
            case "outbox":
                return _settle(connection, part.numbers, part.at)
            case "dead_letters":
                return Erased({"dead_letters": _delete(connection, "dead_letters", "id", part.numbers)})

    def _erase_arrivals(self, connection: sqlite3.Connection, part: Part) -> Erased:
        listed = _json(part.numbers)
        named = [
            (record_id, seq)
            for seq, record_id in connection.execute(f"SELECT seq, id FROM inbox WHERE seq IN ({_LIST})", (listed,))
            if part.traces.are_in(record_id)
        ]
        self._ids.forget(connection, named)
        connection.executemany("UPDATE inbox SET id = 'forgotten:' || seq WHERE seq = ?", [(seq,) for _, seq in named])
        emptied = connection.execute(
            f"UPDATE inbox SET raw = x'' WHERE seq IN ({_LIST}) AND raw <> x''", (listed,)
        ).rowcount
        _delete(connection, "replays", "seq", part.numbers)
        _delete(connection, "sightings", "seq", part.numbers)
        _delete(connection, "brought", "seq", part.numbers)
        # The newest line stays for its number's sake; like the others it names nobody.
        logged = connection.execute(
            f"DELETE FROM deliveries WHERE inbox_seq IN ({_LIST}) AND seq < (SELECT max(seq) FROM deliveries)",
            (listed,),
        ).rowcount
        waiting = connection.execute(f"SELECT seq FROM outbox WHERE inbox_seq IN ({_LIST})", (listed,)).fetchall()
        dead = _delete(connection, "dead_letters", "inbox_seq", part.numbers)
        gone = Erased({"inbox": emptied, "deliveries": logged, "dead_letters": dead})
        return gone + _settle(connection, [seq for (seq,) in waiting], part.at)


def _settle(connection: sqlite3.Connection, seqs: Sequence[int], at: int) -> Erased:
    outbox.settle(connection, [Settlement(at, forgotten=seqs)])
    return Erased({"outbox": len(seqs)}, seqs)


def _erase_person(connection: sqlite3.Connection, identity: Identity, at: int) -> dict[str, int]:
    links = 0
    for key in identity.links:
        links += connection.execute("DELETE FROM links WHERE account = ? AND remote_id = ?", key).rowcount
    return {
        "consents": sum(ledger.forget(connection, phone, at) for phone in sorted(identity.phones)),
        "links": links,
        "member_groups": _delete(connection, "member_groups", "member", identity.members),
        "members": _delete(connection, "members", "id", identity.members),
    }


def _delete(connection: sqlite3.Connection, table: str, column: str, numbers: Iterable[int]) -> int:
    return connection.execute(f"DELETE FROM {table} WHERE {column} IN ({_LIST})", (_json(numbers),)).rowcount
