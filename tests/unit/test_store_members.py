"""Members, links, consents and groups in the state file."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from groundswell.members.book import Book, Changes
from groundswell.members.member import Link, Member, Statement, Value
from groundswell.store.database import migrations
from groundswell.store.outbox import Processed
from groundswell.store.store import Store

NOW = 1_777_719_609_000
ROSA = Member(
    1,
    "+15035550144",
    {"email": Value("Rosa@example.org", 1.5, "crm"), "first_name": Value("Rosa", 1.5, "crm")},
    consent="yes",
    consent_at=2.0,
    changed_at=3.0,
)
LINK = Link("crm", "4411", 1, "synced", phone=ROSA.phone, seen={"first_name": "Rosa", "zip": None}, base={"zip": None})
SAID = Statement("+15035550144", "unknown", "yes", "yes", "Y", "changed", "crm", "actionkit:user/4411@1", 1.0, 2.0)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store(tmp_path / "state.db") as opened:
        yield opened


def changes_of(*kept: Member | Link | Statement) -> Changes:
    changes = Changes()
    for one in kept:
        match one:
            case Member():
                changes.members[one.id] = one
            case Link():
                changes.links[one.account, one.remote_id] = one
            case Statement():
                changes.statements.append(one)
    return changes


async def commit(store: Store, *kept: Member | Link | Statement) -> None:
    await store.process(Processed(NOW, None, changes=changes_of(*kept)))


async def test_what_a_batch_changed_is_read_back_as_it_was(store: Store) -> None:
    assert store.shelf.by_phone(ROSA.phone) is None
    await commit(store, ROSA, LINK, SAID)
    shelf = store.shelf
    assert shelf.member(1) == shelf.by_phone(ROSA.phone) == ROSA
    assert shelf.by_email("rosa@example.org") == [ROSA]
    assert shelf.link("crm", "4411") == LINK
    assert shelf.links_of(1) == [LINK]
    assert (shelf.member(2), shelf.link("crm", "1"), shelf.links_of(2)) == (None, None, [])


async def test_a_change_replaces_what_was_there(store: Store) -> None:
    await commit(store, ROSA, LINK)
    moved = Member(1, ROSA.phone, {"email": Value("new@example.org", 2.0, "crm")})
    unlinked = Link("crm", "4411", None, "gone", "gone", of=1)
    await commit(store, moved, unlinked)
    assert store.shelf.member(1) == moved
    assert (store.shelf.by_email("rosa@example.org"), store.shelf.by_email("new@example.org")) == ([], [moved])
    assert store.shelf.links_of(1) == []
    assert store.shelf.duplicates_of(1, "crm") == [unlinked]


async def test_links_of_each_state_are_counted(store: Store, tmp_path: Path) -> None:
    await commit(store, *(Link("crm", str(n), n, "synced") for n in range(1, 4)))
    await commit(store, Link("crm", "3", None, "gone", "gone"), Link("crm", "9", None, "ineligible", "no_phone"))
    with sqlite3.connect(tmp_path / "state.db") as connection:
        counted = connection.execute("SELECT state, links FROM link_counts WHERE account = 'crm' ORDER BY state")
        assert dict(counted.fetchall()) == {"gone": 1, "ineligible": 1, "synced": 2}


async def test_the_ledger_holds_every_line_in_order(store: Store, tmp_path: Path) -> None:
    await commit(store, SAID, SAID)
    with sqlite3.connect(tmp_path / "state.db") as connection:
        lines = connection.execute("SELECT phone, before, after, words, said_at, learnt_at FROM consents").fetchall()
    assert lines == [("+15035550144", "unknown", "yes", "Y", 1000, 2000)] * 2


async def test_groups_are_joined_and_left(store: Store) -> None:
    for is_in in (True, True, False):
        book = Book(store.shelf)
        book.join("signed", 1, is_in=is_in)
        assert book.is_in("signed", 1) == is_in
        book.keep()
        await store.process(Processed(NOW, None, changes=book.changes))
        assert store.shelf.groups_of(1) == ({"signed"} if is_in else set())


async def test_two_members_never_have_one_phone(store: Store) -> None:
    await commit(store, ROSA)
    with pytest.raises(Exception, match="UNIQUE"):
        await commit(store, Member(2, ROSA.phone))
    assert store.shelf.by_phone(ROSA.phone) == ROSA


async def test_a_number_is_never_given_twice(store: Store, tmp_path: Path) -> None:
    assert store.shelf.next_member() == 1
    await commit(store, ROSA)
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("DELETE FROM members")
    assert store.shelf.next_member() == 2


async def test_a_state_file_of_the_format_before_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as old:
        number, script = migrations()[0]
        async with Store(tmp_path / "new.db"):
            pass
        application_id = sqlite3.connect(tmp_path / "new.db").execute("PRAGMA application_id").fetchone()[0]
        old.executescript(f"{script};PRAGMA application_id = {application_id};PRAGMA user_version = {number};")
        old.execute("INSERT INTO inbox VALUES (1, 'r/1', 'signups', 5, x'7b7d')")
    async with Store(path) as store:
        assert await store.last_accepted() == 1
        await commit(store, ROSA)
        assert store.shelf.member(1) == ROSA


# ---- the book over it ----


async def test_a_book_shows_what_this_batch_changed_over_what_is_kept(store: Store) -> None:
    await commit(store, ROSA, LINK)
    book = Book(store.shelf)
    assert book.new_number() == 2
    ken = Member(2, "+15035550145", {"email": Value("rosa@example.org", 1.0, "crm")})
    book.put(ken)
    book.put_link(Link("network", "a", 1, "synced"))
    assert book.by_phone(ken.phone) == ken
    assert {member.id for member in book.by_email("rosa@example.org")} == {1, 2}
    assert {link.account for link in book.links_of(1)} == {"crm", "network"}
    book.put_link(Link("crm", "4411", None, "gone", "gone"))
    assert {link.account for link in book.links_of(1)} == {"network"}
    assert book.new_number() == 3


async def test_what_a_record_changed_is_undone_and_what_was_kept_stays(store: Store) -> None:
    book = Book(store.shelf)
    book.put(ROSA)
    book.keep()
    book.put(Member(1, ROSA.phone, consent="no"))
    book.put(Member(2, "+15035550145"))
    book.state(SAID)
    book.undo()
    assert book.by_phone(ROSA.phone) == ROSA
    assert book.by_phone("+15035550145") is None
    assert (list(book.changes.members), book.changes.statements) == ([1], [])


async def test_two_of_one_account_may_change_places_in_one_batch(store: Store) -> None:
    """Whoever was written first met the other, who was still there, and the batch could never be committed."""
    ken = Member(2, "+15035550145")
    await commit(store, ROSA, ken, Link("crm", "a", 1, "synced"), Link("crm", "b", 2, "synced"))
    await commit(store, Link("crm", "a", 2, "synced"), Link("crm", "b", 1, "synced"))
    assert [link.remote_id for link in store.shelf.links_of(1)] == ["b"]
    assert [link.remote_id for link in store.shelf.links_of(2)] == ["a"]
