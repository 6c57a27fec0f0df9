"""People as operators ask about them: one person whole, lists, the ledger, and forgetting somebody."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from groundswell.clock import Clock, milliseconds
from groundswell.config.problems import meant, quoted
from groundswell.errors import NotFoundError, RequestError
from groundswell.members.member import Link
from groundswell.ops.member_messages import (
    ConsentLines,
    ExportConsents,
    FindPerson,
    Household,
    Households,
    ListHouseholds,
    ListMembers,
    MemberRow,
    Members,
    NamePerson,
    PersonForgotten,
    PersonsShown,
)
from groundswell.ops.messages import Position, moment
from groundswell.ops.people_shown import counts_of, line_of, person_of, row_of
from groundswell.ops.place import Outline
from groundswell.runtime.daemon import Daemon
from groundswell.store.erasure import Forget
from groundswell.store.ledger import LedgerQuery
from groundswell.store.listing import LinkQuery, LinkRow
from groundswell.store.people import Person
from groundswell.store.store import Store
from groundswell.store.traces import Identity
from groundswell.sync.naming import words_naming
from groundswell.sync.settings import DEFAULT_REGION
from groundswell.transforms.normalise_phone import e164_reader

LATELY_MAX: Final = 20
"""Records that are shown of one person."""
PERSONS_MAX: Final = 10
"""People that are shown with one email."""


class _Asked(NamedTuple):
    """Whom somebody asks about: one of these."""

    phone: str | None
    """E.164."""
    email: str | None


class PeopleDesk:
    """Answers what is asked about people."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        outline: Callable[[], Outline],
        daemon: Daemon | None,
        between_batches: Callable[[], AbstractAsyncContextManager[None]],
    ) -> None:
        """Nothing is processed while inside `between_batches`."""
        self._store = store
        self._people = store.people
        self._clock = clock
        self._outline = outline
        self._daemon = daemon
        self._between_batches = between_batches

    async def person(self, named: FindPerson) -> PersonsShown:
        asked, found = await self._found(named)
        shown = []
        for person in found[:PERSONS_MAX]:
            lately = await self._people.lately(self._identity(person, asked), LATELY_MAX)
            shown.append(person_of(person, lately, self._outline().syncs))
        return PersonsShown(shown, len(found))

    async def _found(self, named: FindPerson) -> tuple[_Asked, list[Person]]:
        """Raises NotFoundError."""
        if (named.account is None) != (named.remote_id is None):
            raise RequestError("account and remote_id go together")
        if [named.phone, named.email, named.member, named.account].count(None) != 3:
            raise RequestError("say who in one way: by phone, by email, by member, or by account and remote_id")
        if named.phone is not None or named.email is not None:
            asked = self._read(NamePerson(named.phone, named.email))
            found = await self._people.persons(phone=asked.phone, email=asked.email)
            if not found:
                raise NotFoundError(await self._why_nobody(asked))
            return asked, found
        if named.member is not None:
            one, whom = await self._people.person(named.member), f"member {named.member}"
        else:
            assert named.account is not None
            assert named.remote_id is not None
            one = await self._people.counterpart(named.account, named.remote_id)
            whom = f"{quoted(named.remote_id)} in {quoted(named.account)}"
        if one is None:
            accounts = {*await self._people.counts(), *self._outline().accounts}
            if named.account is not None and named.account not in accounts:
                raise NotFoundError(f"no account is called {quoted(named.account)}; {meant(named.account, accounts)}")
            raise NotFoundError(f"nobody is known as {whom}: they were never seen, or are forgotten")
        return _Asked(None, None), [one]

    async def members(self, asked: ListMembers) -> Members:
        counts = await self._people.counts()
        outline = self._outline()
        known = sorted({*counts, *(sync.account for sync in outline.syncs.values())})
        if asked.account is not None and asked.account not in known:
            raise NotFoundError(f"no sync has an account called {quoted(asked.account)}; {meant(asked.account, known)}")
        accounts = known if asked.account is None else [asked.account]
        rows, following = await self._listed(asked, accounts)
        return Members(
            [counts_of(account, counts.get(account, {})) for account in accounts],
            rows,
            None if following is None else following.token(),
        )

    async def households(self, asked: ListHouseholds) -> Households:
        found = await self._people.households(asked.after, asked.limit)
        shown = [Household(one.member.phone, one.member.id, list(map(row_of, one.rows))) for one in found]
        return Households(shown, found[-1].member.id if len(found) == asked.limit else None)

    async def _listed(self, asked: ListMembers, accounts: list[str]) -> tuple[list[MemberRow], "_Next | None"]:
        """Who has just this phone, email or number first; then account by account. What is said to follow does."""
        exact = await self._exactly(asked, accounts)
        start = _Next.read(asked.after, accounts)
        listed = 0 if start is None else start.listed
        rows = exact[listed : listed + asked.limit]
        listed += len(rows)
        if listed < len(exact):
            return list(map(row_of, rows)), _Next(accounts[0], None, listed)
        for account in accounts if start is None else accounts[accounts.index(start.account) :]:
            place = start.place if start is not None and account == start.account else None
            room = asked.limit - len(rows)
            others = [row.link.remote_id for row in exact if row.link.account == account]
            query = LinkQuery(account, asked.status, asked.search, asked.sort, max(room, 1), place, others)
            page = await self._people.list_links(query)
            if page.rows and not room:
                return list(map(row_of, rows)), _Next(account, place, listed)
            rows += page.rows
            if page.next is not None:
                return list(map(row_of, rows)), _Next(account, page.next, listed)
        return list(map(row_of, rows)), None

    async def _exactly(self, asked: ListMembers, accounts: list[str]) -> list[LinkRow]:
        """Those who have just what is searched for as their phone, email or number: found at once."""
        text = asked.search.strip()
        if not text:
            return []
        email = text if "@" in text.strip("@") else None
        rows = await self._people.exactly(accounts, phone=self._phone_in(text), email=email, remote_id=text)
        return [row for row in rows if asked.status in (None, row.link.state)]

    async def forget(self, named: NamePerson) -> PersonForgotten:
        asked = self._read(named)
        found = await self._people.persons(phone=asked.phone, email=asked.email)
        words = [word for person in found for word in self._words(person, person.links)]
        at = milliseconds(self._clock.now())
        erased = await self._people.forget(Forget(at, asked.phone, asked.email, words), self._nothing_processed)
        recalled = set(erased.deliveries)
        if self._daemon is not None and recalled:
            for runner in self._daemon.supervisor.sinks.values():
                runner.drop(recalled)
        return PersonForgotten(erased.rows, len(recalled), await self._people.empty_log())

    @asynccontextmanager
    async def _nothing_processed(self) -> AsyncIterator[None]:
        """What is in memory of the inbox is as it was before, so the next batch is read from disk, also the one whose
        turn comes while this waits for its own."""
        self._look_again()
        async with self._between_batches():
            yield
            self._look_again()

    def _look_again(self) -> None:
        if self._daemon is not None:
            self._daemon.supervisor.processor.look_again()

    async def consents(self, asked: ExportConsents) -> ConsentLines:
        phones = await self._phones(asked)
        is_newest_first = asked.order == "newest"
        query = LedgerQuery(asked.after, asked.limit, phones, asked.decision, is_newest_first)
        page = await self._people.ledger(query)
        return ConsentLines([line_of(line) for line in page.lines], page.next)

    async def _phones(self, asked: ExportConsents) -> list[str] | None:
        """Whose lines are asked for; None: everybody's."""
        if asked.phone is None and asked.email is None:
            return None
        named = self._read(NamePerson(asked.phone, asked.email))
        if named.phone is not None:
            return [named.phone]
        found = await self._people.persons(email=named.email)
        return [person.member.phone for person in found if person.member is not None]

    # ---- who is meant ----

    def _read(self, named: NamePerson) -> _Asked:
        if (named.phone is None) == (named.email is None):
            raise RequestError("say who by one of phone and email")
        if named.email is not None and "@" not in named.email.strip(" @"):
            raise RequestError("this is no email address; there is no @ with something on both sides of it")
        phone = None if named.phone is None else self._phone(named.phone)
        return _Asked(phone, None if named.email is None else named.email.strip())

    def _phone(self, text: str) -> str:
        """E.164. Raises RequestError."""
        if (number := self._phone_in(text)) is not None:
            return number
        raise RequestError(
            "this is no phone number that is in use anywhere; write it with + and the code of its country, or as it is "
            f"written in {' or '.join(self._regions())}"
        )

    def _phone_in(self, text: str) -> str | None:
        """E.164, or None where this is no phone."""
        found = (e164_reader(region)(text.strip()) for region in self._regions())
        return next((number for number in found if number is not None), None)

    def _regions(self) -> list[str]:
        return list(dict.fromkeys(sync.region for sync in self._outline().syncs.values())) or [DEFAULT_REGION]

    def _identity(self, person: Person, asked: _Asked) -> Identity:
        """All that stands for this person, to look for them in records."""
        member = person.member
        own = [link for link in person.links if member is None or link.member == member.id]
        email = None if member is None else member.fields.get("email")
        emails = {link.email for link in own} | {email.value if email is not None else None, asked.email}
        phones = {link.phone for link in own if link.member is None} | {member.phone if member else None, asked.phone}
        return Identity(
            frozenset(filter(None, phones)),
            frozenset(one.casefold() for one in emails if one),
            frozenset([] if member is None else [member.id]),
            frozenset((link.account, link.remote_id) for link in own),
            frozenset(self._words(person, own)),
        )

    def _words(self, person: Person, links: Sequence[Link]) -> Iterable[str]:
        members = [] if person.member is None else [person.member.id]
        return words_naming(members, [(link.account, link.remote_id) for link in links], self._outline().accounts)

    async def _why_nobody(self, asked: _Asked) -> str:
        what = "phone" if asked.phone is not None else "email address"
        at = await self._people.forgotten_at(phone=asked.phone, email=asked.email)
        if at is not None:
            return (
                f"whoever has this {what} was forgotten on {moment(at):%Y-%m-%d at %H:%M:%SZ}; nothing is kept but a "
                "hash, so that an old record does not bring them back"
            )
        if not self._outline().syncs:
            return f"nobody with this {what} is known, and no [sync.NAME] is there that would make members"
        return (
            f"nobody with this {what} is known: no sync has seen them yet. `groundswell status` shows how far each is; "
            "`groundswell members list --search` finds part of a name, an email or a phone"
        )


class _Next(Struct, frozen=True, array_like=True):
    """Where a list goes on."""

    account: str
    place: tuple[str | Position, str] | None
    """As `listing.Place`, and nothing that SQLite has no room for."""
    listed: Position = 0
    """How many were listed ahead of all others, since they have just what is searched for."""

    def token(self) -> str:
        return msgspec.json.encode(self).hex()

    @classmethod
    def read(cls, token: str | None, accounts: Iterable[str]) -> "_Next | None":
        """Raises RequestError for what no answer held."""
        if token is None:
            return None
        try:
            found = msgspec.json.decode(bytes.fromhex(token), type=cls)
        except (ValueError, msgspec.MsgspecError, RecursionError):
            found = None
        if found is None or found.account not in accounts:
            raise RequestError(
                "`after` is not the `next_after` of an answer to the same question; to begin anew, leave it out"
            )
        return found
