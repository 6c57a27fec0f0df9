"""What stages read and write of the members while a batch is processed: it is committed with the batch, or none of it.

A book is what is kept (the shelf), with what this batch has changed laid over it. A record that fails takes back what
it changed.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct, field

from groundswell.members.member import Link, Member, Statement
from groundswell.record import Record


class Shelf(Protocol):
    """What was committed before this batch. Quick: asked for every record."""

    def member(self, number: int) -> Member | None: ...

    def by_phone(self, phone: str) -> Member | None: ...

    def link(self, account: str, remote_id: str) -> Link | None: ...

    def links_of(self, member: int) -> Sequence[Link]:
        """Those linked to this member, in any account."""
        ...

    def duplicates_of(self, member: int, account: str) -> Sequence[Link]:
        """Those of this account that have the member's phone too, at most a hundred."""
        ...

    def groups_of(self, member: int) -> set[str]: ...

    def is_forgotten(self, word: str, at: float | None = None) -> bool:
        """Whether a person with this phone or email (in small letters) asked to be forgotten, at this moment or later;
        None: ever."""
        ...

    def delivered_at(self, sink: str, inbox_seq: int) -> float | None:
        """When what this entry of the inbox made for that sink was delivered, all of it; seconds since 1970."""
        ...

    def next_member(self) -> int:
        """A number that no member has had."""
        ...


class EmptyShelf:
    """Nobody is known yet."""

    def member(self, _: int) -> None:
        return None

    def by_phone(self, _: str) -> None:
        return None

    def link(self, _account: str, _remote_id: str) -> None:
        return None

    def links_of(self, _: int) -> Sequence[Link]:
        return ()

    def duplicates_of(self, _member: int, _account: str) -> Sequence[Link]:
        return ()

    def groups_of(self, _: int) -> set[str]:
        return set()

    def is_forgotten(self, _word: str, _at: float | None = None) -> bool:
        return False

    def delivered_at(self, _sink: str, _inbox_seq: int) -> None:
        return None

    def next_member(self) -> int:
        return 1


class Changes(Struct):
    """What a batch has changed, to be committed with it."""

    members: dict[int, Member] = field(default_factory=dict)
    links: dict[tuple[str, str], Link | None] = field(default_factory=dict)
    """None: it is no more."""
    statements: list[Statement] = field(default_factory=list)
    groups: dict[tuple[str, int], bool] = field(default_factory=dict)
    """(group, member): whether they are in it now."""
    writes: list[tuple[str, Record]] = field(default_factory=list)
    """(sink, record): what is to be written where."""

    def __len__(self) -> int:
        return len(self.members) + len(self.links) + len(self.statements) + len(self.groups)


class Book:
    """The members as they are after all that came before, in this batch too."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._kept = Changes()
        """Of the records that went through."""
        self._new = Changes()
        """Of the record at hand."""
        self._phones: dict[str, int] = {}
        """Of members in `_kept` and `_new`. One whose record failed may stay here: it is looked up, and not found."""
        self._number = 0
        self.seq = 0
        """The entry of the inbox that is being processed."""

    # ---- reading ----

    def member(self, number: int) -> Member | None:
        return self._new.members.get(number) or self._kept.members.get(number) or self._shelf.member(number)

    def by_phone(self, phone: str) -> Member | None:
        number = self._phones.get(phone)
        found = None if number is None else self._new.members.get(number) or self._kept.members.get(number)
        return found or self._shelf.by_phone(phone)

    def link(self, account: str, remote_id: str) -> Link | None:
        key = (account, remote_id)
        for changes in (self._new, self._kept):
            if key in changes.links:
                return changes.links[key]
        return self._shelf.link(*key)

    def links_of(self, member: int) -> list[Link]:
        """Those linked to this member, one an account at most."""
        return self._links(self._shelf.links_of(member), lambda link: link.member == member)

    def linked(self, member: int, account: str) -> Link | None:
        """The one of this account that is linked to this member."""
        return next((link for link in self.links_of(member) if link.account == account), None)

    def duplicates_of(self, member: int, account: str) -> list[Link]:
        """Those of this account that have the member's phone too."""
        return self._links(
            self._shelf.duplicates_of(member, account), lambda link: link.of == member and link.account == account
        )

    def is_in(self, group: str, member: int) -> bool:
        key = (group, member)
        changed = self._new.groups.get(key, self._kept.groups.get(key))
        return group in self._shelf.groups_of(member) if changed is None else changed

    def is_forgotten(self, word: str, at: float | None = None) -> bool:
        """Whether what happened at this moment is to be forgotten, since who it names asked for that later."""
        return self._shelf.is_forgotten(word, at)

    def delivered_at(self, sink: str, inbox_seq: int) -> float | None:
        return self._shelf.delivered_at(sink, inbox_seq)

    def _links(self, shelved: Sequence[Link], fits: Callable[[Link], bool]) -> list[Link]:
        changed = self._kept.links | self._new.links
        unchanged = [link for link in shelved if (link.account, link.remote_id) not in changed]
        return [*(link for link in changed.values() if link is not None and fits(link)), *unchanged]

    # ---- writing ----

    def new_number(self) -> int:
        """For a new member."""
        self._number = max(self._number + 1, self._shelf.next_member())
        return self._number

    def put(self, member: Member) -> None:
        self._new.members[member.id] = member
        self._phones[member.phone] = member.id

    def put_link(self, link: Link) -> None:
        self._new.links[link.account, link.remote_id] = link

    def drop_link(self, account: str, remote_id: str) -> None:
        self._new.links[account, remote_id] = None

    def state(self, statement: Statement) -> None:
        """Into the ledger of consents."""
        self._new.statements.append(statement)

    def join(self, group: str, member: int, *, is_in: bool = True) -> None:
        self._new.groups[group, member] = is_in

    def write(self, sink: str, record: Record) -> None:
        """Have this delivered to that sink."""
        self._new.writes.append((sink, record))

    # ---- one record after the other ----

    def changed(self) -> list[Member]:
        """Members that the record at hand has changed so far."""
        return list(self._new.members.values())

    def keep(self) -> list[tuple[str, Record]]:
        """The record went through: what it changed counts. Returns what is to be written where, of this record."""
        new, self._new = self._new, Changes()
        self._kept.members |= new.members
        self._kept.links |= new.links
        self._kept.statements += new.statements
        self._kept.groups |= new.groups
        return new.writes

    def undo(self) -> None:
        """The record failed: nothing it changed counts."""
        self._new = Changes()

    @property
    def changes(self) -> Changes:
        """Of all records that went through."""
        return self._kept


def email_of(member: Member) -> str | None:
    """In small letters."""
    email = member.fields.get("email")
    return email.value.casefold() if email is not None and email.value is not None else None
