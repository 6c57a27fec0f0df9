"""Members, links, consents and groups in the state file: read one by one while processing, written with its batch."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from groundswell.members.book import Changes, email_of
from groundswell.members.member import MEMBER, Consent, Link, Member, counterpart_in
from groundswell.record import Person
from groundswell.store import ledger
from groundswell.store.stones import stone_of

SAME_PHONE_MAX: Final = 100

K = TypeVar("K", Member, Link)

_encoder: Final = msgspec.msgpack.Encoder()
_member_of: Final = msgspec.msgpack.Decoder(Member)
_link_of: Final = msgspec.msgpack.Decoder(Link)


def consent_of(connection: sqlite3.Connection, person: Person) -> Consent:
    """What the member said whom a record is about, by its phone or their number in it."""
    number = person.ids.get(MEMBER)
    found = connection.execute(
        "SELECT body FROM members WHERE phone = ? OR id = ?",
        (person.phone if isinstance(person.phone, str) else None, number if number and number.isdecimal() else None),
    ).fetchall()
    said = {_member_of.decode(body).consent for (body,) in found}
    return "no" if "no" in said else "yes" if "yes" in said else "unknown"


class MemberShelf:
    """What is committed. Its connection opens with the first question, and is used by one thread at a time."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._opened: sqlite3.Connection | None = None
        self._salt = b""
        self._lock = threading.Lock()

    def member(self, number: int) -> Member | None:
        return self._one(_member_of, "SELECT body FROM members WHERE id = ?", number)

    def by_phone(self, phone: str) -> Member | None:
        return self._one(_member_of, "SELECT body FROM members WHERE phone = ?", phone)

    def link(self, account: str, remote_id: str) -> Link | None:
        return self._one(_link_of, _LINK_BODY, account, remote_id)

    def links_of(self, member: int) -> Sequence[Link]:
        return self._all(_link_of, "SELECT body FROM links WHERE member = ? ORDER BY account", member)

    def duplicates_of(self, member: int, account: str) -> Sequence[Link]:
        statement = f"SELECT body FROM links WHERE kin = ? AND account = ? ORDER BY remote_id LIMIT {SAME_PHONE_MAX}"
        return self._all(_link_of, statement, member, account)

    def groups_of(self, member: int) -> set[str]:
        return {name for (name,) in self._rows("SELECT name FROM member_groups WHERE member = ?", member)}

    def is_forgotten(self, word: str, at: float | None = None) -> bool:
        if not self._salt:
            self._salt = self._rows("SELECT salt FROM salt")[0][0]
        found = self._rows("SELECT at FROM stones WHERE hash = ?", stone_of(word, self._salt))
        return bool(found) and (at is None or found[0][0] / 1000 >= at)

    def delivered_at(self, sink: str, inbox_seq: int) -> float | None:
        found = self._rows(_DELIVERED_AT, inbox_seq, sink)
        return found[0][0] / 1000 if found else None

    def next_member(self) -> int:
        newest = self._rows("SELECT seq FROM sqlite_sequence WHERE name = 'members'")
        return 1 + (newest[0][0] if newest else 0)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _one(self, decoder: msgspec.msgpack.Decoder[K], statement: str, *arguments: Any) -> K | None:
        found = self._rows(statement, *arguments)
        return decoder.decode(found[0][0]) if found else None

    def _all(self, decoder: msgspec.msgpack.Decoder[K], statement: str, *arguments: Any) -> list[K]:
        return [decoder.decode(body) for (body,) in self._rows(statement, *arguments)]

    def _rows(self, statement: str, *arguments: Any) -> list[Any]:
        with self._lock:
            if self._opened is None:
                self._opened = self._connect()
            return self._opened.execute(statement, arguments).fetchall()


def write(connection: sqlite3.Connection, changes: Changes, at: int) -> None:
    """Commit-time half of a batch: what it changed. `at`: milliseconds since 1970.

    Who was forgotten after the batch had read them stays so: nothing that names them is written.
    """
    if not changes:
        return
    gone = _gone(connection, changes)
    _put(connection, [_row_of(one) for one in changes.members.values() if one.id not in gone], _SAME_EMAIL, _PUT_MEMBER)
    dropped = [key for key, link in changes.links.items() if link is None]
    connection.executemany("DELETE FROM links WHERE account = ? AND remote_id = ?", dropped)
    kept = [link for link in changes.links.values() if link is not None]
    links = [_columns(link, at) for link in kept if link.member not in gone and link.of not in gone]
    # Who is linked no more, or to another member, goes first: a member has one link in an account, and another user may
    # have taken its place.
    links.sort(key=_is_linked)
    connection.executemany(_LEAVE, [(row[0], row[1], row[2]) for row in links if row[2] is not None])
    _put(connection, links, _SAME_PLACE, _PUT_LINK)
    phones = {changes.members[number].phone for number in gone & changes.members.keys()}
    phones |= {link.phone for link in kept if link.phone and (link.member in gone or link.of in gone)}
    ledger.append(connection, [one for one in changes.statements if one.phone not in phones])
    for (name, member), is_in in changes.groups.items():
        if not is_in:
            connection.execute("DELETE FROM member_groups WHERE member = ? AND name = ?", (member, name))
        elif member not in gone:
            connection.execute(_JOIN, (member, name, at))


_DELIVERED_AT: Final = (
    "SELECT max(settled_at) FROM deliveries WHERE inbox_seq = ?1 AND sink = ?2 HAVING count(*) > 0 "
    "AND min(outcome IN ('delivered', 'coalesced')) = 1 "
    "AND NOT EXISTS (SELECT 1 FROM outbox WHERE sink = ?2 AND inbox_seq = ?1)"
)


def note_failed(connection: sqlite3.Connection, record_id: str, reason: str) -> None:
    """This became a dead letter at its sink; if it was to write about a counterpart, their link says so."""
    key = counterpart_in(record_id)
    found = None if key is None else connection.execute(_LINK_BODY, key).fetchone()
    if found is not None:
        link = msgspec.structs.replace(_link_of.decode(found[0]), state="error", reason=reason)
        connection.execute(_FAILED, (_encoder.encode(link), reason, link.account, link.remote_id))


def _gone(connection: sqlite3.Connection, changes: Changes) -> set[int]:
    """Those whose number was given before and who are not there."""
    numbers = {number for link in changes.links.values() if link for number in (link.member, link.of)}
    numbers |= {*changes.members, *(member for _, member in changes.groups)}
    listed = msgspec.json.encode([number for number in numbers if number is not None]).decode()
    return {number for (number,) in connection.execute(_GONE, (listed,))}


def _put(connection: sqlite3.Connection, values: Sequence[tuple[Any, ...]], update: str, insert: str) -> None:
    """An index is written anew when its column is named, changed or not: so most are updated without naming any."""
    for row in values:
        if connection.execute(update, row).rowcount == 0:
            connection.execute(insert, row)


_LINK_BODY: Final = "SELECT body FROM links WHERE account = ? AND remote_id = ?"
_FAILED: Final = "UPDATE links SET state = 'error', body = ?, reason = ? WHERE account = ? AND remote_id = ?"
_GONE: Final = (
    "SELECT value FROM json_each(?) WHERE value <= (SELECT seq FROM sqlite_sequence WHERE name = 'members') "
    "AND value NOT IN (SELECT id FROM members)"
)
_SAME_EMAIL: Final = "UPDATE members SET changed_at = ?4, body = ?5 WHERE id = ?1 AND email IS ?3"
_PUT_MEMBER: Final = (
    "INSERT INTO members (id, phone, email, changed_at, body) VALUES (?1, ?2, ?3, ?4, ?5) "
    "ON CONFLICT (id) DO UPDATE SET email = excluded.email, changed_at = excluded.changed_at, body = excluded.body"
)
_SAME_PLACE: Final = (
    "UPDATE links SET reason = ?6, body = ?10 WHERE account = ?1 AND remote_id = ?2 AND member IS ?3 AND kin IS ?4 "
    "AND state = ?5 AND phone IS ?7 AND email IS ?8"
)
_LEAVE: Final = "UPDATE links SET member = NULL WHERE account = ? AND remote_id = ? AND member <> ?"
"""Those who go over from one member to another, before anybody takes their place."""
_PUT_LINK: Final = (
    "INSERT INTO links (account, remote_id, member, kin, state, reason, phone, email, since, body) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (account, remote_id) DO UPDATE SET "
    "member = excluded.member, kin = excluded.kin, state = excluded.state, reason = excluded.reason, "
    "phone = excluded.phone, email = excluded.email, body = excluded.body, "
    "since = CASE WHEN state = excluded.state THEN since ELSE excluded.since END"
)
_JOIN: Final = "INSERT OR IGNORE INTO member_groups (member, name, since) VALUES (?, ?, ?)"


def _row_of(member: Member) -> tuple[Any, ...]:
    return (member.id, member.phone, email_of(member), round(member.changed_at * 1000), _encoder.encode(member))


def _columns(link: Link, at: int) -> tuple[Any, ...]:
    email = None if link.email is None else link.email.casefold()
    phone = link.phone if link.member is None and link.of is None else None
    body = _encoder.encode(link)
    return (link.account, link.remote_id, link.member, link.of, link.state, link.reason, phone, email, at, body)


def _is_linked(row: tuple[Any, ...]) -> bool:
    return row[2] is not None
