"""The members for whoever looks at them: one person, lists, counts, the ledger; and forgetting somebody."""

import sqlite3
from asyncio import Future
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, closing
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

import anyio.to_thread
import msgspec
from msgspec import Struct

from groundswell.members.member import Link, LinkState, Member, Statement
from groundswell.store import erasure, filled, groups, lately, ledger, listing, stones
from groundswell.store.database import connect_to_checkpoint
from groundswell.store.erasure import TABLES, Erased, Erasure, Forget, LastPart, Part, Table
from groundswell.store.filled import Filled
from groundswell.store.groups import InGroup
from groundswell.store.lately import LOOKED_AT_BYTES_MAX, LOOKED_AT_MAX, Lately
from groundswell.store.ledger import LedgerPage, LedgerQuery
from groundswell.store.listing import Household, LinkPage, LinkQuery, LinkRow
from groundswell.store.looking import look
from groundswell.store.traces import Identity, Traces

NEWEST: Final = 2**62
"""Above every number of an arrival."""
LOG_TRIES: Final = 40
LOG_PAUSE_S: Final = 0.05
FOUND_MAX: Final = 100
"""People that are shown with one email."""

R = TypeVar("R")


class Person(Struct, frozen=True):
    """Everything that is kept of one person."""

    member: Member | None
    """None: known in an account only."""
    links: list[Link]
    """Also those of others with the same phone."""
    consents: list[Statement]
    """Oldest first."""
    groups: dict[str, int]
    """Name -> in it since (milliseconds since 1970)."""


class People:
    """Reads are made on connections of their own, in threads; nobody waits for them."""

    def __init__(self, path: Path, erasure: Erasure, submit: Callable[[Any, Any], "Future[Any]"]) -> None:
        """`submit` asks the writer."""
        self._path = path
        self._erasure = erasure
        self._submit = submit

    async def persons(self, *, phone: str | None = None, email: str | None = None) -> list[Person]:
        """Who has this phone (E.164) or this email; with an email it may be several."""
        key = None if email is None else email.strip().casefold()
        return await self._look(partial(_persons, phone=phone, email=key))

    async def person(self, number: int) -> Person | None:
        """The member with this number."""
        return await self._look(partial(_numbered, number=number))

    async def counterpart(self, account: str, remote_id: str) -> Person | None:
        """Whoever this person of an account is, with the member if there is one."""
        return await self._look(partial(_counterpart, account=account, remote_id=remote_id))

    async def forgotten_at(self, *, phone: str | None = None, email: str | None = None) -> int | None:
        """When this phone (E.164) or this email was forgotten, if it was; milliseconds since 1970."""
        word = phone or (email or "").strip().casefold()
        return await self._look(partial(stones.forgotten_at, word=word))

    async def list_links(self, query: LinkQuery) -> LinkPage:
        """One page of an account's links."""
        return await self._look(partial(listing.page, query=query))

    async def exactly(
        self, accounts: Sequence[str], *, phone: str | None, email: str | None, remote_id: str
    ) -> list[LinkRow]:
        """Links of these accounts with this phone (E.164), this email or this number there."""
        key = None if email is None else email.casefold()
        find = partial(listing.exactly, accounts=accounts, phone=phone, email=key, remote_id=remote_id)
        return await self._look(find)

    async def households(self, after: int, limit: int) -> list[Household]:
        """Phones that several people of an account have."""
        return await self._look(partial(listing.households, after=after, limit=limit))

    async def linked(self, account: str, count: int | None, random: Random) -> list[str]:
        """Remote ids of people of this account who are linked: so many of them at random, or all."""
        return await self._look(partial(listing.linked, account=account, count=count, random=random))

    async def link(self, account: str, remote_id: str) -> Link | None:
        """One link."""
        return await self._look(partial(listing.link, account=account, remote_id=remote_id))

    async def counts(self) -> dict[str, dict[LinkState, int]]:
        """By account: how many links are in each state. Costs the same however many there are."""
        return await self._look(listing.counts)

    async def ledger(self, query: LedgerQuery) -> LedgerPage:
        """One page of the ledger of consents."""
        return await self._look(partial(ledger.page, query=query))

    async def group_sizes(self, after: str, count: int) -> list[tuple[str, int]]:
        """The next groups by name after this one, with how many members each has."""
        return await self._look(partial(groups.sizes, after=after, count=count))

    async def group_size(self, name: str) -> int:
        """How many members a group has."""
        return await self._look(partial(groups.size, name=name))

    async def group_members(self, name: str, after: int, count: int) -> list[InGroup]:
        """The next members of a group after this number."""
        return await self._look(partial(groups.members, name=name, after=after, count=count))

    async def filled(self, sample: int) -> Filled:
        """How many of a sample of the members have a value in which field."""
        return await self._look(partial(filled.filled, sample=sample))

    async def lately(self, person: Identity, count: int) -> Lately:
        """What came in about somebody lately, at most so many, newest first; only the newest arrivals are looked at."""
        traces, found = Traces(person), Lately([])
        before: int | None = NEWEST
        size = 0
        while before is not None and len(found.happened) < count:
            if found.looked_at >= LOOKED_AT_MAX or size >= LOOKED_AT_BYTES_MAX:
                return found
            left = count - len(found.happened)
            step = await self._look(partial(lately.step, traces=traces, before=before, count=left))
            found.happened += step.happened
            found.looked_at += step.looked_at
            found.since = step.since or found.since
            before, size = step.before, size + step.size
        found.is_all = before is None
        return found

    async def forget(self, asked: Forget, last_step: Callable[[], AbstractAsyncContextManager[None]]) -> Erased:
        """Erase one person from every table, and leave stones. To be asked again when it was cut short.

        Args:
            last_step: Where a daemon runs, nothing may be processed while inside: a batch in hand would be written all
                the same. It is entered for the last part alone, since looking through a large file takes long.

        Raises:
            RequestError: several members have this email.
        """
        erased = Erased()
        done: Erased | None = None
        while done is None:
            identity = await self._look(partial(erasure.identify, asked=asked))
            looked_to: dict[Table, int] = {}
            for table in TABLES:
                looked_to[table], more = await self._erase_from(table, identity, asked.at)
                erased += more
            async with last_step():
                done = await self._submit(self._erasure.erase_last, LastPart(asked, identity, looked_to))
        return erased + done

    async def empty_log(self) -> bool:
        """Empty SQLite's log, which still has what was erased.

        Returns:
            False when somebody read all the time: then it will be written over, sooner or later.
        """
        for _ in range(LOG_TRIES):
            if await anyio.to_thread.run_sync(_is_log_emptied, self._path):
                return True
            await anyio.sleep(LOG_PAUSE_S)
        return False

    async def _erase_from(self, table: Table, identity: Identity, at: int) -> tuple[int, Erased]:
        """Returns the last number looked at as well."""
        traces, erased = Traces(identity), Erased()
        after: int | None = 0
        last = 0
        while after is not None:
            last = after
            found = await self._look(partial(erasure.look, table=table, traces=traces, after=last))
            if found.numbers:
                erased += await self._submit(self._erasure.erase, Part(table, found.numbers, traces, at))
            after = found.last
        return last, erased

    async def _look(self, at: Callable[[sqlite3.Connection], R]) -> R:
        return await look(self._path, at)


def _is_log_emptied(path: Path) -> bool:
    with closing(connect_to_checkpoint(path)) as connection:
        is_busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not is_busy


_link_of: Final = msgspec.msgpack.Decoder(Link).decode
_member_of: Final = msgspec.msgpack.Decoder(Member).decode


def _persons(connection: sqlite3.Connection, phone: str | None, email: str | None) -> list[Person]:
    found = connection.execute(
        "SELECT body FROM members WHERE phone = ?1 UNION SELECT body FROM members WHERE email = ?2 "
        "UNION SELECT m.body FROM links l JOIN members m ON m.id = coalesce(l.member, l.kin) WHERE l.email = ?2 "
        "LIMIT ?3",
        (phone, email, FOUND_MAX),
    ).fetchall()
    persons = [_person(connection, _member_of(body)) for (body,) in found]
    unlinked = connection.execute(
        "SELECT body FROM links WHERE phone = ?1 "
        "UNION SELECT body FROM links WHERE email = ?2 AND member IS NULL AND kin IS NULL LIMIT ?3",
        (phone, email, FOUND_MAX),
    ).fetchall()
    links = [_link_of(body) for (body,) in unlinked]
    consents = ledger.of_phone(connection, phone) if phone and not persons else []
    if links or consents:
        persons.append(Person(None, links, consents, {}))
    return persons


def _numbered(connection: sqlite3.Connection, number: int) -> Person | None:
    found = connection.execute("SELECT body FROM members WHERE id = ?", (number,)).fetchone()
    return None if found is None else _person(connection, _member_of(found[0]))


def _counterpart(connection: sqlite3.Connection, account: str, remote_id: str) -> Person | None:
    link = listing.link(connection, account, remote_id)
    if link is None:
        return None
    number = link.of if link.member is None else link.member
    found = None if number is None else _numbered(connection, number)
    if found is not None:
        return found
    return Person(None, [link], ledger.of_phone(connection, link.phone) if link.phone else [], {})


def _person(connection: sqlite3.Connection, member: Member) -> Person:
    links = connection.execute(
        "SELECT body FROM links WHERE member = ?1 UNION ALL SELECT body FROM links WHERE kin = ?1 LIMIT ?2",
        (member.id, FOUND_MAX),
    ).fetchall()
    groups = connection.execute("SELECT name, since FROM member_groups WHERE member = ? ORDER BY name", (member.id,))
    return Person(
        member,
        [_link_of(body) for (body,) in links],
        ledger.of_phone(connection, member.phone),
        dict(groups.fetchall()),
    )
