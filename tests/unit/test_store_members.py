"""Members, links, consents and groups in the state file."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from groundswell.component import Arrival, Delivery
from groundswell.errors import StoreError
from groundswell.members.book import Book, Changes
from groundswell.members.member import Link, Member, Statement, Value, counterpart_in, write_id
from groundswell.store.database import migrations
from groundswell.store.dead_letters import DeadLetter
from groundswell.store.inbox import Accept
from groundswell.store.ledger import LedgerQuery
from groundswell.store.listing import LinkQuery
from groundswell.store.outbox import Processed, Settlement
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
    assert shelf.link("crm", "4411") == LINK
    assert shelf.links_of(1) == [LINK]
    assert (shelf.member(2), shelf.link("crm", "1"), shelf.links_of(2)) == (None, None, [])


async def test_a_change_replaces_what_was_there(store: Store) -> None:
    await commit(store, ROSA, LINK)
    moved = Member(1, ROSA.phone, {"email": Value("new@example.org", 2.0, "crm")})
    unlinked = Link("crm", "4411", None, "gone", "gone", of=1)
    await commit(store, moved, unlinked)
    assert store.shelf.member(1) == moved
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


async def test_another_user_takes_the_place_of_one_who_left_in_the_same_batch(store: Store) -> None:
    # Each member has one link in an account: whoever came first in the batch was written over the one who left.
    await commit(store, ROSA, LINK)
    heir = Link("crm", "4500", 1, "synced")
    left = Link("crm", "4411", None, "gone", "gone", of=1)
    await commit(store, heir, left)
    assert store.shelf.links_of(1) == [heir]
    assert store.shelf.link("crm", "4411") == left


async def test_two_users_of_one_account_are_never_linked_to_one_member(store: Store) -> None:
    await commit(store, ROSA, LINK)
    with pytest.raises(StoreError, match="UNIQUE"):
        await commit(store, Link("crm", "4500", 1, "synced"))
    assert store.shelf.links_of(1) == [LINK]
    assert store.shelf.link("crm", "4500") is None


async def test_a_batch_is_written_whole_or_not_at_all(store: Store) -> None:
    await commit(store, ROSA)
    (entry,) = await store.accept(Accept("signups", NOW, [Arrival("r/1", b"{}")]))
    ken = Member(2, "+15035550145")
    doomed = changes_of(ken, Link("crm", "9", 2, "synced"), SAID, Member(3, ROSA.phone))
    doomed.groups["signed", 2] = True
    made = [("sms", entry.seq, Delivery("r/1", "action", "x", b"{}"))]
    with pytest.raises(StoreError, match="UNIQUE"):
        await store.process(Processed(NOW, entry.seq, made, changes=doomed))
    assert (store.shelf.member(2), store.shelf.link("crm", "9"), store.shelf.groups_of(2)) == (None, None, set())
    assert (await store.people.ledger(LedgerQuery())).lines == []
    assert await store.people.counts() == {}
    assert (await store.position(), await store.pending_after("sms", 0, 10, 2**40)) == (0, [])
    assert store.shelf.next_member() == 2


async def test_what_changes_is_found_by_what_it_says_now(store: Store, tmp_path: Path) -> None:
    await commit(store, ROSA, LINK)
    for email in ("a@example.org", None, "b@example.org"):
        fields = {} if email is None else {"email": Value(email, 1.0, "crm")}
        await commit(store, Member(1, ROSA.phone, fields), msgspec.structs.replace(LINK, email=email))
        with sqlite3.connect(tmp_path / "state.db") as connection:
            found = connection.execute("SELECT m.email, l.email FROM members m JOIN links l").fetchall()
        assert found == [(email, email)]


async def test_a_link_that_only_learnt_something_keeps_when_it_came_into_its_state(store: Store) -> None:
    states = [(NOW, LINK), (NOW + 5, msgspec.structs.replace(LINK, remote_at=9.0)), (NOW + 6, LINK),
              (NOW + 7, msgspec.structs.replace(LINK, email="new@example.org")),
              (NOW + 8, msgspec.structs.replace(LINK, state="error", reason="rejected"))]  # fmt: skip
    since = []
    for at, link in states:
        await store.process(Processed(at, None, changes=changes_of(link)))
        (row,) = (await store.people.list_links(LinkQuery("crm"))).rows
        assert row.link == link
        since.append(row.since - NOW)
    assert since == [0, 0, 0, 0, 8]


async def test_no_line_of_the_ledger_is_ever_changed(store: Store, tmp_path: Path) -> None:
    await commit(store, SAID)
    with (
        sqlite3.connect(tmp_path / "state.db") as connection,
        pytest.raises(sqlite3.IntegrityError, match="never chan"),
    ):
        connection.execute("UPDATE consents SET after = 'no'")


WRITE_UNTIL_KILLED = """
import asyncio, sys
from pathlib import Path
from groundswell.component import Arrival
from groundswell.members.book import Changes
from groundswell.members.member import Link, Member, Statement
from groundswell.store.inbox import Accept
from groundswell.store.inbox import Accept
from groundswell.store.listing import LinkQuery
from groundswell.store.outbox import Processed, Settlement
from groundswell.store.store import Store

async def main():
    async with Store(Path(sys.argv[1])) as store:
        for n in range(1, 100_000):
            await store.accept(Accept("signups", n, [Arrival(f"r/{n}", b"{}")]))
            changes = Changes(
                {n: Member(n, f"+1{n}"), 1: Member(1, "+11", changed_at=n)},
                {("crm", str(n)): Link("crm", str(n), n, "synced")},
                [Statement(f"+1{n}", "unknown", "yes", "yes", "Y", "changed", "crm", "r", n, n)], {("all", n): True},
            )
            await store.process(Processed(n, n, changes=changes))
            print(n, flush=True)

asyncio.run(main())
"""


def killed_once_it_had_done(count: int, path: Path) -> int:
    """The last it said it had done."""
    done = 0
    with subprocess.Popen([sys.executable, "-c", WRITE_UNTIL_KILLED, path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            done = int(line)
            if done == count:
                process.kill()
    assert process.returncode == -signal.SIGKILL
    return done


async def test_a_killed_process_leaves_members_as_far_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "killed.db"
    done = killed_once_it_had_done(60, path)
    async with Store(path) as store:
        position = await store.position()
        assert position >= done >= 60
        first = store.shelf.member(1)
        assert first is not None
        assert (first.changed_at, store.shelf.next_member()) == (position, position + 1)
        assert await store.people.counts() == {"crm": {"synced": position}}
        assert [line.learnt_at for line in (await store.people.ledger(LedgerQuery())).lines] == list(
            range(1, position + 1)
        )
        assert store.shelf.groups_of(position) == {"all"}
        assert store.shelf.links_of(position) == [Link("crm", str(position), position, "synced")]


# ---- the book over it ----


async def test_a_book_shows_what_this_batch_changed_over_what_is_kept(store: Store) -> None:
    await commit(store, ROSA, LINK)
    book = Book(store.shelf)
    assert book.new_number() == 2
    ken = Member(2, "+15035550145", {"email": Value("rosa@example.org", 1.0, "crm")})
    book.put(ken)
    book.put_link(Link("network", "a", 1, "synced"))
    assert book.by_phone(ken.phone) == ken
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


async def test_a_write_that_becomes_a_dead_letter_shows_at_the_link(store: Store) -> None:
    await commit(store, ROSA, LINK)
    record_id = write_id("crm", "4411", "2026-05-02T11:00:09Z", "5f2a")
    delivery = Delivery(record_id, "person", "actionkit:4411", b"{}")
    pending = await store.process(Processed(NOW, None, [("crm_write", 1, delivery)]))
    letter = DeadLetter("deliver", "crm_write", "refused", "no", record_id, NOW, 1, "person", "actionkit:4411", b"{}")
    await store.settle(Settlement(NOW, dead=[(pending[0].seq, letter)]))
    link = store.shelf.link("crm", "4411")
    assert link is not None
    assert (link.state, link.reason, link.member) == ("error", "refused", 1)
    assert await store.people.counts() == {"crm": {"error": 1}}


@pytest.mark.parametrize("remote_id", ["4411", "new:7", "5a1f0c9e-0c1d-4e6e-9d7c-2f8a1b3c4d5e", "odd.@id"])
def test_a_write_says_whom_it_is_about(remote_id: str) -> None:
    assert counterpart_in(write_id("crm", remote_id, "2026-05-02T11:00:09Z", "5f2a")) == ("crm", remote_id)
    assert counterpart_in(f"actionkit:user/{remote_id}@x") is None
