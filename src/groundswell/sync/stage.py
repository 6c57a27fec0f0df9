"""The stage of a sync: whom a record is about, what changes about the member, and what is to be written where.

A state of a person at the vendor is held against the member behind their phone. What changes the member is written to
every account the member is linked in, by the rules of that account's sync.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Final

import msgspec
from msgspec import UNSET, Struct

from groundswell.component import Context
from groundswell.connectors.common.canonical import value_at
from groundswell.members.book import Book, email_of
from groundswell.members.consent import Ruling, line_of
from groundswell.members.identity import Prefer, candidate
from groundswell.members.linked import Edit, Step, SyncRules, in_step, read
from groundswell.members.member import CREATING, Link, Member, marker_of
from groundswell.members.merge import FieldRule
from groundswell.members.modes import MODES
from groundswell.members.opt_in import OPT_IN, WORDS, heard
from groundswell.members.stage import Stage
from groundswell.places.zips import state_of_zip
from groundswell.record import Action, Page, Person, Record, seconds_of
from groundswell.settings import Settings
from groundswell.sync.records import create_record, group_record, member_record, with_member, write_record
from groundswell.sync.settings import SyncSettings
from groundswell.sync.sides import SIDES, Side
from groundswell.transforms.normalise_phone import e164_reader

AHEAD_S: Final = 86_400.0
"""No clock of theirs is so far ahead of ours."""


class Sync(Struct, frozen=True):
    """One sync, with what its settings come to."""

    name: str
    settings: SyncSettings
    side: Side
    rules: SyncRules

    @property
    def sink(self) -> str:
        return f"{self.name}_write"


def sync_of(name: str, settings: SyncSettings, side: Side) -> Sync:
    fields = [
        FieldRule(field, MODES[settings.field(field).mode], settings.field(field).clear) for field in settings.fields
    ]
    return Sync(name, settings, side, SyncRules(name, settings.account, fields))


Watch = Callable[[str, Member, str | None, Sequence[Edit]], None]
"""(sync, member, remote id, or None for somebody who is to be made, what they get)."""


class SyncStageSettings(Settings):
    """All the syncs there are: what one changes of a member, the others have to know."""

    own: str
    """The name of this one."""
    syncs: dict[str, SyncSettings]
    vendors: dict[str, str]
    """The type of account of each."""


class SyncStage(Stage):
    """What `[sync.NAME]` does with what its source brings."""

    def __init__(self, settings: SyncStageSettings, context: Context) -> None:
        self.counts: Counter[str] = Counter()
        self.watch: Watch | None = None
        """Told of everything that changes, where somebody wants to know."""
        self._syncs = {
            one.account: sync_of(name, one, SIDES[settings.vendors[name]]) for name, one in settings.syncs.items()
        }
        self._own = self._syncs[settings.syncs[settings.own].account]
        self._clock = context.clock
        self._parse = e164_reader(self._own.settings.region)

    def apply(self, record: Record, book: Book) -> Sequence[Record]:
        person = record.person
        if not isinstance(person, Person):
            return ()
        remote_id = person.ids.get(self._own.side.vendor)
        if remote_id is None:
            return ()
        now = self._clock.now()
        if record.kind == "person":
            return list(self._state(record, person, remote_id, book, now))
        if record.kind == "action":
            return list(self._action(record, remote_id, book, now))
        return ()

    def told(self, members: Sequence[Member], book: Book) -> Sequence[Record]:
        """What was said elsewhere, a stop above all, is written to this account too."""
        now = self._clock.now()
        for member in members:
            link = book.linked(member.id, self._own.rules.account)
            if link is None:
                continue
            after, (step,) = in_step(member, [(self._own.rules, link)], book.seq)
            if after != member:
                book.put(msgspec.structs.replace(after, changed_at=now))
            if step.edits or step.link != link:
                self._keep(step, self._own, after, book, now)
        return ()

    @property
    def vendor(self) -> str:
        """As in `Person.ids`."""
        return self._own.side.vendor

    @property
    def prefer(self) -> Prefer:
        """Which of several people with one phone is linked, when nobody is."""
        return self._own.settings.prefer

    def values(self, person: Person) -> dict[str, str | None]:
        """What one of theirs has of the fields that are kept in step, and their word for the opt-in."""
        values: dict[str, str | None] = {}
        for how in self._own.rules.fields:
            value = value_at(person, self._own.settings.remote_name(how.field))
            values[how.field] = None if value is UNSET else value  # they were read whole: what is not there is empty
        zip_code = values.get("zip")
        if values.get("state", "") is None and zip_code is not None and person.country in (None, UNSET, "US"):
            # Vendors make the state of the ZIP code by themselves: it stands there, or will, and is not to be written.
            values["state"] = state_of_zip(zip_code)
        word = self._own.side.opt_in(person, self._own.settings.opt_in_field)
        return values if word is UNSET else values | {OPT_IN: word}

    # ---- a person as they are there ----

    def _state(self, record: Record, person: Person, remote_id: str, book: Book, now: float) -> Iterator[Record]:
        own = self._own
        at = _modified_at(record, now)
        known = book.link(own.rules.account, remote_id)
        if known is not None and at < known.remote_at:
            self.counts["older_state"] += 1
            return
        link = known or Link(own.rules.account, remote_id, None, "ineligible")
        email = person.email if isinstance(person.email, str) else link.email
        link = msgspec.structs.replace(link, email=email)
        values, written_at = self.values(person), partial(book.delivered_at, own.sink)
        word = values.get(OPT_IN, UNSET)
        before = None if link.member is None else book.member(link.member)
        is_new_link = before is None
        if before is None:
            link, before = self._identified(link, person, isinstance(word, str), at, book, now)
            if before is None:
                book.put_link(msgspec.structs.replace(link, remote_at=at))
                self.counts[link.reason] += 1
                return
        member = before
        if word is not UNSET:
            # Whoever was made by us has what their system gives to newcomers: nobody said that.
            was_made = is_new_link and book.link(own.rules.account, marker_of(member.id)) is not None
            contact = own.settings.first_contact if is_new_link and before.consent != "unknown" else None
            ruling = None if was_made else heard(member, link, word, at, written_at, contact)
            if ruling is not None:
                member = self._ruled(record, member, link, ruling, word, at, now, book)
        link = read(link, values, at, written_at)
        member = yield from self._settled(before, member, link, book, now)
        if is_new_link:
            yield from self._linked(record, member, link, book, now)
        if own.settings.primary_group is not None:
            yield from self._join(record, member, own.settings.primary_group, book, now)
        yield from self._usergroups(record, person, member, book, now)

    def _identified(
        self, link: Link, person: Person, has_opt_in: bool, at: float, book: Book, now: float
    ) -> tuple[Link, Member | None]:
        """The member they are, made if there is none; None where they are no member, with the reason in the link."""
        own = self._own
        found = candidate(own.side.phones(person), own.settings.phone_types, self._parse, has_opt_in=has_opt_in)
        emails = [link.email.casefold()] if link.email else []
        if any(book.is_forgotten(one, at) for one in ([found.phone] if found.phone else []) + emails):
            # Nothing is kept of somebody who is to be forgotten, but that this number is theirs.
            return Link(link.account, link.remote_id, None, "ineligible", "forgotten"), None
        link = msgspec.structs.replace(link, phone=found.phone)
        if found.phone is None or found.reason:
            return msgspec.structs.replace(link, state="ineligible", reason=found.reason, of=None), None
        member = book.by_phone(found.phone)
        if member is not None and book.linked(member.id, link.account) is not None:
            return msgspec.structs.replace(link, state="duplicate", reason="duplicate", of=member.id), None
        if member is None:
            member = Member(book.new_number(), found.phone, created_at=now, changed_at=now)
        return msgspec.structs.replace(link, member=member.id, state="synced", reason="", of=None), member

    def _ruled(
        self,
        record: Record,
        member: Member,
        link: Link,
        ruling: Ruling,
        word: str | None,
        at: float,
        now: float,
        book: Book,
    ) -> Member:
        """The member, with what their word made of the consent; it is in the ledger, too."""
        if ruling.decision != "same" and not (ruling.decision == "unknown" and not word):
            name, words = self._own.name, word or ""
            line = line_of(member, ruling, words, source=name, record_id=record.id, said_at=at, learnt_at=now)
            book.state(line)
        if self.watch is not None and ruling.consent != member.consent:
            edit = Edit(OPT_IN, "member", WORDS.get(member.consent), WORDS.get(ruling.consent), "remote_changed")
            self.watch(self._own.name, member, link.remote_id, [edit])
        if ruling.decision in ("older", "first_contact"):
            self.counts[f"opt_in_{ruling.decision}"] += 1
        if (ruling.consent, ruling.at) == (member.consent, member.consent_at):
            return member
        return msgspec.structs.replace(member, consent=ruling.consent, consent_at=ruling.at)

    # ---- what comes of it ----

    def _settled(
        self, before: Member, member: Member, link: Link, book: Book, now: float
    ) -> Generator[Record, None, Member]:
        """Bring what was read and the member into step; if the member changed, every other account too."""
        syncs = [self._own]
        after, steps = in_step(member, [(self._own.rules, link)], book.seq)
        is_new = book.member(member.id) is None
        if after != before or is_new:
            others = [
                (other, linked)
                for linked in book.links_of(member.id)
                if linked.account != link.account
                and (other := self._syncs.get(linked.account)) is not None
                and other.settings.enabled
            ]
            if others:
                syncs += [other for other, _ in others]
                rules = [(self._own.rules, link), *((other.rules, linked) for other, linked in others)]
                after, steps = in_step(member, rules, book.seq)
        if after != before or is_new:
            after = msgspec.structs.replace(after, changed_at=now)
            book.put(after)
        for sync, step in zip(syncs, steps, strict=True):
            self._keep(step, sync, after, book, now)
        if after != before or is_new:
            yield member_record(after, self._ids(after, book), self._own.name)
        self._create(after, book, now)
        return after

    def _keep(self, step: Step, sync: Sync, member: Member, book: Book, now: float) -> None:
        link, writes = step.link, step.writes
        if self.watch is not None and step.edits:
            self.watch(sync.name, member, link.remote_id, step.edits)
        if writes:
            book.write(sync.sink, write_record(member, link, sync.side.vendor, writes, sync.name, now))
        state = "pending" if link.pending else "synced"
        if link.state in ("synced", "pending", "error"):
            link = msgspec.structs.replace(link, state=state, reason="")
        book.put_link(link)

    def _linked(self, record: Record, member: Member, link: Link, book: Book, now: float) -> Iterator[Record]:
        """They were no member of this account before: what they did there counts from now on."""
        book.drop_link(link.account, marker_of(member.id))
        for group in link.groups:
            yield from self._join(record, member, group, book, now)

    def _create(self, member: Member, book: Book, now: float) -> None:
        """Somebody who is not there and is to be made there, once."""
        linked = {link.account for link in book.links_of(member.id)}
        for account, sync in self._syncs.items():
            settings = sync.settings
            if account in linked or not (settings.create_users and settings.enabled) or email_of(member) is None:
                continue
            is_meant = settings.create_for == "everybody" or (
                settings.primary_group is not None and book.is_in(settings.primary_group, member.id)
            )
            if not is_meant or book.link(account, marker_of(member.id)) is not None:
                continue
            if any(link.state == "gone" for link in book.duplicates_of(member.id, account)):
                continue  # somebody deleted them there, and had a reason
            values = {
                how.field: member.fields[how.field].value for how in sync.rules.fields if how.field in member.fields
            }
            known = member.fields["email"].value
            record = create_record(member, account, values | {"email": known}, sync.name, now)
            if self.watch is not None:
                wanted = {**values, "phone": member.phone, OPT_IN: WORDS.get(member.consent)}
                edits = [Edit(field, "remote", None, value, "fill_remote") for field, value in wanted.items() if value]
                self.watch(sync.name, member, None, edits)
            book.write(sync.sink, record)
            book.put_link(
                Link(account, marker_of(member.id), None, "pending", CREATING, of=member.id, phone=member.phone)
            )

    def _ids(self, member: Member, book: Book) -> dict[str, str]:
        return {
            self._syncs[link.account].side.vendor: link.remote_id
            for link in book.links_of(member.id)
            if link.account in self._syncs
        }

    # ---- groups ----

    def _action(self, record: Record, remote_id: str, book: Book, now: float) -> Iterator[Record]:
        """Whoever did something joins its groups; who is not a member yet, once they are."""
        if isinstance(record.action, Action) and self._own.settings.member_field in record.action.fields:
            return  # an action of ours, on the import page
        groups = list(self._groups_of(record))
        link = book.link(self._own.rules.account, remote_id)
        member = None if link is None or link.member is None else book.member(link.member)
        if member is None:
            known = link or Link(self._own.rules.account, remote_id, None, "ineligible", "not_seen")
            more = tuple(dict.fromkeys((*known.groups, *groups)))
            if more != known.groups:
                book.put_link(msgspec.structs.replace(known, groups=more))
            self.counts["action_of_no_member"] += 1
            return
        for group in groups:
            yield from self._join(record, member, group, book, now)
        yield with_member(record, member)

    def _groups_of(self, record: Record) -> Iterator[str]:
        action = record.action if isinstance(record.action, Action) else Action()
        page = action.page if isinstance(action.page, Page) else Page()
        called = {name for name in (page.id, page.title) if isinstance(name, str)}
        title = page.title if isinstance(page.title, str) else page.id
        if isinstance(title, str) and ("*" in self._own.settings.pages or called & set(self._own.settings.pages)):
            yield title
        for group in self._own.settings.groups:
            if group.page is not None and group.page not in called:
                continue
            value = action.fields.get(group.field)
            values = [one for one in (value if isinstance(value, list) else [value]) if one not in (None, "")]
            if group.value in values or (group.value is None and values):
                yield group.name

    def _usergroups(self, record: Record, person: Person, member: Member, book: Book, now: float) -> Iterator[Record]:
        """Usergroups of ActionKit, mirrored: who left one leaves it here."""
        wanted = self._own.settings.usergroups
        listed = person.custom.get("usergroups")
        theirs = {name for name in listed if isinstance(name, str)} if isinstance(listed, list) else set()
        for name in wanted:
            yield from self._join(record, member, name, book, now, is_in=name in theirs)

    def _join(
        self, record: Record, member: Member, group: str, book: Book, now: float, *, is_in: bool = True
    ) -> Iterator[Record]:
        if book.is_in(group, member.id) == is_in:
            return
        book.join(group, member.id, is_in=is_in)
        yield group_record(member, group, is_in=is_in, source=self._own.name, because=record.id, at=now)
        self._create(member, book, now)


def _modified_at(record: Record, now: float) -> float:
    """When they say it was; now, where they do not, or say what no clock does: later states must not be older."""
    at = seconds_of(record.occurred_at)
    return now if at is None or at > now + AHEAD_S else at
