"""One person per phone: who a record is about, what they said about being texted, and whether there is news in it."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET
from pydantic import Field

from groundswell.component import Context
from groundswell.errors import RecordError
from groundswell.members.book import Book
from groundswell.members.identity import Contender, Prefer, chosen
from groundswell.members.member import MEMBER, Link, Member
from groundswell.members.opt_in import OPT_IN, WORDS
from groundswell.members.saying import Saying, heard, moment_of, said_in, said_in_state, word_of
from groundswell.members.stage import Stage
from groundswell.members.words import consent_in
from groundswell.record import Person, Record, utc_stamp
from groundswell.settings import TransformSettings
from groundswell.transforms.changes import setter
from groundswell.transforms.paths import TargetPath

DUPLICATE_OF: Final = "duplicate_of"
CONTENT: Final = "content"
"""In the state of a link: a hash of what was passed on last."""
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")


class DedupePhoneSettings(TransformSettings):
    """Knows the one person behind each phone, and passes on what is new about them; see docs/transforms.md."""

    duplicates: Literal["pass", "mark", "drop"] = Field(
        "mark",
        description='What becomes of the states of others with a phone that somebody has already: "pass", "mark" (with '
        '`custom.duplicate_of`), "drop".',
    )
    prefer: Prefer = Field(
        "first",
        description='Who of several duplicates takes the place of one who went to another phone: "first" by id, '
        '"newest", "opted_in".',
    )
    without_consent: Literal["hold", "pass"] = Field(
        "hold",
        description='Whether people who did not say yes to texts are held back, "hold" (whoever was passed on before '
        'is passed on once more, with their stop), or not, "pass".',
    )
    without_phone: Literal["pass", "drop"] = Field(
        "pass", description="What becomes of records about people whose phone nobody knows."
    )
    not_compared: list[TargetPath] = Field(
        [], description="Fields that change by themselves: a state in which nothing else is new is not passed on."
    )


class DedupePhone(Stage):
    """Attaches the member behind the phone, keeps the ledger of consents, and passes a state on once per real change.

    What it remembers stands in links: what it knows of each person at a vendor in an account named after the transform
    and the vendor, and of each member it passed on, in one named after the transform alone.
    """

    def __init__(self, settings: DedupePhoneSettings, context: Context) -> None:
        self.counts: Counter[str] = Counter()
        self._settings = settings
        self._name = context.name
        self._clock = context.clock
        self._not_compared = [setter(path) for path in settings.not_compared]

    def apply(self, record: Record, book: Book) -> Sequence[Record]:
        person = record.person
        if not isinstance(person, Person):
            return (record,)
        now = self._clock.now()
        link = self._link(record, person, book)
        member = self._known(person, link, book)
        if member is None and any(book.is_forgotten(word, moment_of(record, now)) for word in _words_for(person)):
            self.counts["forgotten"] += 1
            return ()
        if member is None and isinstance(person.phone, str):
            member = Member(book.new_number(), person.phone, created_at=now, changed_at=now)
            book.put(member)
        if member is None:
            return self._without_phone(record, link, now, book)
        if link is None:
            link = self._unnumbered(member, book)
        at = moment_of(record, now)
        is_state = record.kind == "person"
        is_older = is_state and at is not None and at < link.remote_at
        if is_state:
            saying, link = self._state(person, member, link, at, now, book, is_older=is_older)
        else:
            saying = said_in(record, now)
            if link.member is None and link.of is None:
                link = self._placed(link, member, person, book)
        if saying is not None:
            member = self._heard(record, member, saying, now, book)
        going = self._going(record, member, link, book)
        content = self._content(going) if is_state else None
        passed = self._passed_before(member, book)
        is_withheld = self._is_withheld(member, link, passed, content, is_older=is_older)
        if content is not None and not is_withheld:
            link = msgspec.structs.replace(link, seen={**link.seen, CONTENT: content})
        _keep(link, book)
        return self._told(member, [] if is_withheld else [going], passed, now, book)

    def told(self, members: Sequence[Member], book: Book) -> Sequence[Record]:
        """The last word of members who were passed on, said where this transform does not hear: in a sync, say."""
        now = self._clock.now()
        going: list[Record] = []
        for member in members:
            going += self._told(member, [], self._passed_before(member, book), now, book)
        return going

    # ---- who it is ----

    def _link(self, record: Record, person: Person, book: Book) -> Link | None:
        """What is known of them by their number at the vendor the record is from, else at the first that is named."""
        vendors = [vendor for vendor in person.ids if vendor != MEMBER]
        if not vendors:
            return None
        own = record.id.partition(":")[0]
        vendor = own if own in vendors else vendors[0]
        account, remote_id = f"{self._name}:{vendor}", person.ids[vendor]
        return book.link(account, remote_id) or Link(account, remote_id, None, "ineligible")

    def _unnumbered(self, member: Member, book: Book) -> Link:
        """What is known of whom no vendor numbers: there is one behind the phone."""
        account, remote_id = f"{self._name}:{MEMBER}", str(member.id)
        return book.link(account, remote_id) or Link(account, remote_id, member.id, "synced")

    def _known(self, person: Person, link: Link | None, book: Book) -> Member | None:
        """The member behind the phone of the record; where it has none, whoever this was known to be."""
        if isinstance(person.phone, str):
            if not _E164.fullmatch(person.phone):
                raise RecordError(
                    f"{self._name}: the phone is not in E.164, such as +15035550144, so nobody can tell whose it is; "
                    "put `normalise_phone` before this, then `groundswell dead retry`",
                    "bad_phone",
                )
            return book.by_phone(person.phone)
        number = None if link is None else link.member if link.member is not None else link.of
        return None if number is None else book.member(number)

    def _placed(self, link: Link, member: Member, person: Person, book: Book) -> Link:
        """Linked to the member, or their duplicate: a member is one person at a vendor. Whoever is linked, stays."""
        email = person.email if isinstance(person.email, str) else link.email
        link = msgspec.structs.replace(link, phone=member.phone, email=email)
        if link.member == member.id:
            return link
        if book.linked(member.id, link.account) is None:
            others = [one for one in book.duplicates_of(member.id, link.account) if one.remote_id != link.remote_id]
            contenders = [Contender(one, consent_in(one.seen.get(OPT_IN))) for one in (link, *others)]
            best = chosen(contenders, self._settings.prefer).link
            taken = msgspec.structs.replace(best, member=member.id, of=None, state="synced", reason="")
            if best is link:
                return taken
            book.put_link(taken)
        return msgspec.structs.replace(link, member=None, of=member.id, state="duplicate", reason="duplicate")

    # ---- what they said ----

    def _state(
        self, person: Person, member: Member, link: Link, at: float | None, now: float, book: Book, *, is_older: bool
    ) -> tuple[Saying | None, Link]:
        """What a person as they are at a vendor says that is new, and what is known of them now."""
        is_other = member.id not in (link.member, link.of)
        saying, seen = said_in_state({} if is_other else link.seen, word_of(person), at, now)
        if is_older and is_other:
            return saying, link  # a phone they had before
        if is_older:
            return saying, msgspec.structs.replace(link, seen=seen)
        link = msgspec.structs.replace(link, seen=seen, remote_at=link.remote_at if at is None else at)
        return saying, self._placed(link, member, person, book)

    def _heard(self, record: Record, member: Member, saying: Saying, now: float, book: Book) -> Member:
        after, line = heard(member, saying, record, now)
        if line is not None:
            book.state(line)
        if after != member:
            book.put(after)
        return after

    # ---- what goes on ----

    def _going(self, record: Record, member: Member, link: Link, book: Book) -> Record:
        """The record with the member it is about, and with what they said."""
        assert isinstance(record.person, Person)
        changes: dict[str, Any] = {"ids": {**record.person.ids, MEMBER: str(member.id)}}
        if record.person.phone is UNSET:
            changes["phone"] = member.phone
        if member.consent != "unknown":
            changes["sms_opt_in"] = member.consent == "yes"
        elif isinstance(record.person.sms_opt_in, bool):
            changes["sms_opt_in"] = UNSET
        if link.of == member.id and self._settings.duplicates == "mark":
            first = book.linked(member.id, link.account)
            if first is not None:
                changes["custom"] = {**record.person.custom, DUPLICATE_OF: first.remote_id}
        return msgspec.structs.replace(record, person=msgspec.structs.replace(record.person, **changes))

    def _passed_before(self, member: Member, book: Book) -> Link | None:
        """None: nothing about this member was ever passed on. In its `seen`, the opt-in that was."""
        return book.link(self._name, str(member.id))

    def _is_withheld(
        self, member: Member, link: Link, passed: Link | None, content: str | None, *, is_older: bool
    ) -> bool:
        """Counts why. `content` is None for what happens, which is always news."""
        if is_older:
            self.counts["older_state"] += 1
        elif self._is_held(member, passed):
            self.counts["no_consent"] += 1
        elif content is None:
            return False
        elif link.of == member.id and self._settings.duplicates == "drop":
            self.counts["duplicate"] += 1
        elif content == link.seen.get(CONTENT):
            self.counts["unchanged"] += 1
        else:
            return False
        return True

    def _is_held(self, member: Member, passed: Link | None) -> bool:
        """Whoever was passed on before is passed on with their stop, once."""
        if self._settings.without_consent == "pass" or member.consent == "yes":
            return False
        return passed is None or member.consent == "unknown" or passed.seen.get(OPT_IN) == WORDS["no"]

    def _content(self, record: Record) -> str:
        """A hash of all that is not new by itself."""
        for write in self._not_compared:
            record = write(record, UNSET)
        bare = msgspec.structs.replace(record, id="", source="", occurred_at=UNSET, raw=UNSET)
        return _hash_of(bare)

    def _told(
        self, member: Member, going: list[Record], passed: Link | None, now: float, book: Book
    ) -> Sequence[Record]:
        """What goes on, and what the member said, if those who have the phone from us were not told by any of it."""
        word = WORDS.get(member.consent)
        names_phone = any(isinstance(one.person, Person) and one.person.phone == member.phone for one in going)
        if passed is None and not names_phone:
            return going
        if not names_phone and passed is not None and passed.seen.get(OPT_IN) != word:
            self.counts["opt_in_told"] += 1
            going = [*going, self._notice(member, now, book)]
        _keep(Link(self._name, str(member.id), member.id, "synced", phone=member.phone, seen={OPT_IN: word}), book)
        return going

    def _notice(self, member: Member, now: float, book: Book) -> Record:
        """What a member said, and nothing else."""
        own = f"{self._name}:"
        links = [one for one in book.links_of(member.id) if one.account.startswith(own)]
        ids = {one.account.removeprefix(own): one.remote_id for one in links} | {MEMBER: str(member.id)}
        email = next((one.email for one in links if one.email), None)
        person = Person(
            email=email or UNSET,
            phone=member.phone,
            sms_opt_in=UNSET if member.consent == "unknown" else member.consent == "yes",
            ids=ids,
        )
        at = utc_stamp(datetime.fromtimestamp(now, UTC))
        return Record(
            id=f"groundswell:consent/{member.id}@{at}.{_hash_of([self._name, member.consent, member.consent_at])}",
            kind="person",
            source=self._name,
            occurred_at=at,
            person=person,
        )

    def _without_phone(self, record: Record, link: Link | None, now: float, book: Book) -> Sequence[Record]:
        """Somebody no member can be made of: nobody can text them either."""
        self.counts["no_phone"] += 1
        if self._settings.without_phone == "drop":
            return ()
        if link is None or record.kind != "person":
            return (record,)
        at = moment_of(record, now)
        if at is not None and at < link.remote_at:
            self.counts["older_state"] += 1
            return ()
        content = self._content(record)
        if content == link.seen.get(CONTENT):
            self.counts["unchanged"] += 1
            return ()
        assert isinstance(record.person, Person)
        email = record.person.email if isinstance(record.person.email, str) else link.email
        remote_at = link.remote_at if at is None else at
        known = msgspec.structs.replace(
            link, reason="no_phone", email=email, remote_at=remote_at, seen={CONTENT: content}
        )
        _keep(known, book)
        return (record,)


def _words_for(person: Person) -> list[str]:
    """By which somebody who is to be forgotten is known."""
    email = [person.email.strip().casefold()] if isinstance(person.email, str) else []
    return [person.phone, *email] if isinstance(person.phone, str) else email


def _keep(link: Link, book: Book) -> None:
    if link != book.link(link.account, link.remote_id):
        book.put_link(link)


def _hash_of(value: Any) -> str:
    return blake2b(msgspec.json.encode(value, order="sorted"), digest_size=9).hexdigest()
