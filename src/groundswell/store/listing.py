"""The links of one account as they are listed: by state, by a part of a name, in some order, page by page.

A page is found by where the last one ended, never by counting from the start. Where no index has the order asked for,
one statement goes over all links of the account, in the index that has all it needs: a few bytes of each.
"""

import sqlite3
from collections.abc import Sequence
from random import Random
from typing import Final, Literal

import msgspec
from msgspec import Struct

from groundswell.members.member import Link, LinkState, Member

Sort = Literal["remote_id", "email", "newest"]
EXACTLY_MAX: Final = 100
"""Links that are listed for one phone, email or number."""
SORTED_MAX: Final = 10_000
"""A state with no more links than this is read whole and sorted: these are fewer than all of the account."""

Place = tuple[str | int, str]
"""Where a page ended: what it is sorted by, and the remote id."""


class LinkQuery(Struct, frozen=True):
    """Which links, in which order."""

    account: str
    state: LinkState | None = None
    search: str = ""
    """A part of the remote id, a phone, an email or a name, of the link or its member; capitals mean nothing."""
    sort: Sort = "remote_id"
    """`remote_id` as text; `email` leaves out who has none; `newest`: in their state for the shortest time first."""
    limit: int = 50
    after: Place | None = None
    others: Sequence[str] = ()
    """Remote ids that are not to be listed."""


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
    """The next few of them."""

    rows: Sequence[LinkRow]
    next: Place | None
    """Where the rest begins; None: that was all."""


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
    places = _places(connection, query)
    listed = places[: query.limit]
    rows = _rows(connection, query.account, [remote_id for _, remote_id in listed])
    is_all = len(places) == len(listed)
    return LinkPage([rows[remote_id] for _, remote_id in listed], None if is_all else listed[-1])


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
_link_of: Final = msgspec.msgpack.Decoder(Link).decode
_member_of: Final = msgspec.msgpack.Decoder(Member).decode


def _places(connection: sqlite3.Connection, query: LinkQuery) -> list[Place]:
    """The next few in order, and one more if there is one."""
    needle = query.search.strip().casefold()
    known = counts(connection).get(query.account, {})
    is_by_state = query.sort == "newest" and not needle
    if query.state is not None and (is_by_state or known.get(query.state, 0) <= SORTED_MAX):
        return _found(connection, query, "links_by_state", query.state, needle)
    if query.state is not None or needle:
        return _found(connection, query, "links_searched", query.state, needle)
    if is_by_state:
        found = [place for state in known for place in _found(connection, query, "links_by_state", state)]
        return sorted(found, reverse=True)[: query.limit + 1]
    return _found(connection, query, "links_by_email" if query.sort == "email" else "sqlite_autoindex_links_1")


def _found(
    connection: sqlite3.Connection, query: LinkQuery, index: str, state: LinkState | None = None, needle: str = ""
) -> list[Place]:
    by = _BY[query.sort]
    beyond, order = ("<", "DESC") if query.sort == "newest" else (">", "ASC")
    conditions = ["account = :account", f"{by} IS NOT NULL"]
    conditions += ["state = :state"] if state is not None else []
    conditions += ["instr(words, :needle)"] if needle else []
    conditions += ["remote_id NOT IN (SELECT value FROM json_each(:others))"] if query.others else []
    conditions += [f"({by}, remote_id) {beyond} (:by, :remote_id)"] if query.after is not None else []
    value, remote_id = query.after or (None, None)
    table = f"links INDEXED BY {index} WHERE {' AND '.join(conditions)}"
    if query.sort == "newest" and index == "links_searched":
        # Whoever came last mostly has the highest number. Met first, they keep all others out of what is sorted; LIMIT
        # keeps SQLite from taking the two SELECT for one.
        table = f"(SELECT since, remote_id FROM {table} ORDER BY remote_id DESC LIMIT -1)"
    statement = f"SELECT {by}, remote_id FROM {table} ORDER BY {by} {order}, remote_id {order} LIMIT :count"
    arguments = {
        "account": query.account,
        "state": state,
        "needle": needle,
        "others": _json(query.others),
        "by": value,
        "remote_id": remote_id,
        "count": query.limit + 1,
    }
    return connection.execute(statement, arguments).fetchall()


def _rows(connection: sqlite3.Connection, account: str, remote_ids: Sequence[str]) -> dict[str, LinkRow]:
    """By number."""
    return {
        remote_id: LinkRow(_link_of(link), since, None if member is None else _member_of(member))
        for remote_id, link, since, member in connection.execute(_ROWS, (account, _json(remote_ids)))
    }


def _json(texts: Sequence[str]) -> str:
    return msgspec.json.encode(texts).decode()
