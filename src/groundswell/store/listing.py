"""The links of one account as they are listed: by state, in some order, page by page, however many there are.

A page is found by where the last one ended, never by counting from the start. One look goes over a bounded number of
links: a search for what is not there ends with an empty page that says where to look on.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from groundswell.members.member import Link, LinkState, Member
from groundswell.store.sieve import Sieve

Sort = Literal["remote_id", "email", "newest"]
LOOKED_AT_MAX: Final = 5_000
"""Links that are read for one page when not all of them belong on it."""
ROWS_PER_READ: Final = 1_000
EXACTLY_MAX: Final = 100
"""Links that are listed for one phone, email or number."""
SORTED_MAX: Final = 10_000
"""A state with no more links than this is sorted whole; a larger one is met soon enough on the way through all."""

Place = tuple[str | int, str]
"""Where a page ended: what it is sorted by, and the remote id."""


class LinkQuery(Struct, frozen=True):
    """Which links, in which order."""

    account: str
    state: LinkState | None = None
    search: str = ""
    """A part of the remote id, the phone, the email or the name; capitals mean nothing."""
    sort: Sort = "remote_id"
    """`remote_id` as text; `email` leaves out who has none; `newest`: in their state for the shortest time first."""
    limit: int = 50
    after: Place | None = None


class LinkRow(Struct, frozen=True):
    """One link in a list."""

    link: Link
    since: int
    """When it came into its state; milliseconds since 1970."""
    member: Member | None
    """Whom it is linked to, or whose phone it has too."""


class Household(Struct, frozen=True):
    """People of the accounts who share a phone: whoever is linked, and those who are duplicates."""

    member: Member
    rows: Sequence[LinkRow]


class LinkPage(Struct, frozen=True):
    """Some of them; fewer than asked for, even none, does not mean that there are no more."""

    rows: Sequence[LinkRow]
    next: Place | None
    """Where to look on; None: that was all."""


def linked(connection: sqlite3.Connection, account: str, count: int | None, random: Random) -> list[str]:
    """Remote ids of who is linked: so many at random, each as likely as any other, or all."""
    ids = connection.execute("SELECT remote_id FROM links WHERE account = ? AND member IS NOT NULL", (account,))
    if count is None:
        return [remote_id for (remote_id,) in ids]
    chosen: list[str] = []
    for place, (remote_id,) in enumerate(ids):
        if len(chosen) < count:
            chosen.append(remote_id)
        elif (drawn := random.randint(0, place)) < count:
            chosen[drawn] = remote_id
    return chosen


def link(connection: sqlite3.Connection, account: str, remote_id: str) -> Link | None:
    found = connection.execute("SELECT body FROM links WHERE account = ? AND remote_id = ?", (account, remote_id))
    row = found.fetchone()
    return None if row is None else _link_of(row[0])


def page(connection: sqlite3.Connection, query: LinkQuery) -> LinkPage:
    """One look."""
    known = counts(connection).get(query.account, {})
    states = [state for state in known if query.state in (None, state)]
    is_walk = query.state is not None and query.sort != "newest" and known.get(query.state, 0) > SORTED_MAX
    count = max(query.limit, LOOKED_AT_MAX if query.search or is_walk else 0)
    places = _places(connection, query, None if is_walk else states, count + 1)
    rows: list[LinkRow] = []
    for number, row in _that_fit(connection, query, places[:count]):
        rows.append(row)
        if len(rows) == query.limit:
            return LinkPage(rows, places[number - 1] if number < len(places) else None)
    return LinkPage(rows, places[count - 1] if len(places) > count else None)


def _that_fit(
    connection: sqlite3.Connection, query: LinkQuery, places: Sequence[Place]
) -> Iterator[tuple[int, LinkRow]]:
    """Those that belong on the page, and which of the places theirs is, counted from 1."""
    needle = query.search.strip().casefold()
    sieve = Sieve(needle)
    for start in range(0, len(places), ROWS_PER_READ):
        part = places[start : start + ROWS_PER_READ]
        found = _rows(connection, query.account, [remote_id for _, remote_id in part], sieve)
        for number, (_, remote_id) in enumerate(part, start + 1):
            row = found.get(remote_id)
            if row is not None and query.state in (None, row.link.state) and needle in _searched(row):
                yield number, row


def exactly(
    connection: sqlite3.Connection, accounts: Sequence[str], phone: str | None, email: str | None, remote_id: str
) -> list[LinkRow]:
    """Those of these accounts who have this phone (E.164) or email (in small letters), or this number there."""
    found: dict[str, list[str]] = {account: [] for account in accounts}
    arguments = {"phone": phone, "email": email, "remote_id": remote_id, "accounts": _json(accounts)}
    for account, number in connection.execute(_EXACTLY, arguments):
        found[account].append(number)
    rows = {account: _rows(connection, account, numbers) for account, numbers in found.items()}
    return [rows[account][number] for account, numbers in found.items() for number in numbers]


def households(connection: sqlite3.Connection, after: int, limit: int) -> list[Household]:
    """Shared phones in the order of their members' numbers, after this one."""
    kin = connection.execute(
        "SELECT DISTINCT kin FROM links WHERE kin > ? AND state = 'duplicate' ORDER BY kin LIMIT ?", (after, limit)
    ).fetchall()
    found: list[Household] = []
    for (number,) in kin:
        (body,) = connection.execute("SELECT body FROM members WHERE id = ?", (number,)).fetchone()
        member = _member_of(body)
        links = connection.execute(_OF_HOUSEHOLD, {"member": number})
        found.append(Household(member, [LinkRow(_link_of(link), since, member) for link, since in links]))
    return found


def counts(connection: sqlite3.Connection) -> dict[str, dict[LinkState, int]]:
    """By account: how many links are in each state that has any."""
    counted: dict[str, dict[LinkState, int]] = {}
    for account, state, links in connection.execute(
        "SELECT account, state, links FROM link_counts WHERE links > 0 ORDER BY account, state"
    ):
        counted.setdefault(account, {})[state] = links
    return counted


_BY: Final[dict[Sort, str]] = {"remote_id": "remote_id", "email": "email", "newest": "since"}
_ROWS: Final = (
    "SELECT l.remote_id, l.body, l.since, m.body FROM links l LEFT JOIN members m ON m.id = coalesce(l.member, l.kin) "
    "WHERE l.account = ? AND l.remote_id IN (SELECT value FROM json_each(?))"
)
_EXACTLY: Final = (
    "WITH meant (id) AS "
    "(SELECT id FROM members WHERE phone = :phone UNION SELECT id FROM members WHERE email = :email) "
    "SELECT account, remote_id FROM (SELECT account, remote_id FROM links WHERE email = :email "
    "UNION SELECT account, remote_id FROM links WHERE phone = :phone "
    "UNION SELECT account, remote_id FROM links WHERE member IN meant "
    "UNION SELECT account, remote_id FROM links WHERE kin IN meant "
    "UNION SELECT value, remote_id FROM json_each(:accounts) JOIN links ON account = value AND remote_id = :remote_id) "
    f"WHERE account IN (SELECT value FROM json_each(:accounts)) ORDER BY account, remote_id LIMIT {EXACTLY_MAX}"
)
_OF_HOUSEHOLD: Final = (
    "SELECT body, since FROM links WHERE member = :member OR (kin = :member AND state = 'duplicate') "
    "ORDER BY account, member IS NULL, remote_id"
)
_ALL: Final = Sieve("")
_link_of: Final = msgspec.msgpack.Decoder(Link).decode
_member_of: Final = msgspec.msgpack.Decoder(Member).decode


def _places(
    connection: sqlite3.Connection, query: LinkQuery, states: Sequence[LinkState] | None, count: int
) -> list[Place]:
    """The next few in order: those in these states, or (None) in any."""
    if query.sort == "newest" or (query.state is not None and states is not None):
        found = [place for state in states or () for place in _of_state(connection, query, state, count)]
        return sorted(found, reverse=query.sort == "newest")[:count]
    index = "links_by_email" if query.sort == "email" else "sqlite_autoindex_links_1"
    return _found(connection, query, f"links INDEXED BY {index}", "account = :account", count)


def _of_state(connection: sqlite3.Connection, query: LinkQuery, state: LinkState, count: int) -> Iterable[Place]:
    where = "account = :account AND state = :state"
    return _found(connection, query, "links INDEXED BY links_by_state", where, count, state)


def _found(
    connection: sqlite3.Connection,
    query: LinkQuery,
    table: str,
    where: str,
    count: int,
    state: LinkState | None = None,
) -> list[Place]:
    by = _BY[query.sort]
    beyond, order = ("<", "DESC") if query.sort == "newest" else (">", "ASC")
    after = "" if query.after is None else f" AND ({by}, remote_id) {beyond} (:by, :remote_id)"
    value, remote_id = query.after or (None, None)
    arguments = {"account": query.account, "state": state, "by": value, "remote_id": remote_id, "count": count}
    statement = (
        f"SELECT {by}, remote_id FROM {table} WHERE {where} AND {by} IS NOT NULL{after} "
        f"ORDER BY {by} {order}, remote_id {order} LIMIT :count"
    )
    return connection.execute(statement, arguments).fetchall()


def _rows(
    connection: sqlite3.Connection, account: str, remote_ids: Sequence[str], sieve: Sieve = _ALL
) -> dict[str, LinkRow]:
    """By number; of those that the sieve lets through."""
    return {
        remote_id: LinkRow(_link_of(link), since, None if member is None else _member_of(member))
        for remote_id, link, since, member in connection.execute(_ROWS, (account, _json(remote_ids)))
        if sieve.may_have(link, member)
    }


def _json(texts: Sequence[str]) -> str:
    return msgspec.json.encode(texts).decode()


def _searched(row: LinkRow) -> str:
    """All that a search looks through, in small letters."""
    link, member = row.link, row.member
    names: list[Any] = [link.seen.get("first_name"), link.seen.get("last_name")]
    if member is not None:
        names += [member.fields[name].value for name in ("first_name", "last_name", "email") if name in member.fields]
    phones = (link.phone, None if member is None else member.phone)
    return " ".join(str(part) for part in (link.remote_id, *phones, link.email, *names) if part is not None).casefold()
