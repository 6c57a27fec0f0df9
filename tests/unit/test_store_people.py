"""Members as commands look at them: one person, lists page by page, counts, the whole ledger."""

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from groundswell.component import Arrival, Delivery
from groundswell.errors import StoreError
from groundswell.members.book import Changes
from groundswell.members.member import Link, LinkState, Member, Statement, Value
from groundswell.store import listing
from groundswell.store.dead_letters import DeadLetter
from groundswell.store.inbox import Accept
from groundswell.store.ledger import LedgerQuery
from groundswell.store.listing import LinkQuery, LinkRow, Sort
from groundswell.store.outbox import Processed, Settlement
from groundswell.store.store import Store
from groundswell.store.traces import Identity

NOW = 1_777_719_609_000
STATES: tuple[LinkState, ...] = get_args(LinkState)


def member(number: int, email: str | None = None, **fields: str) -> Member:
    given = fields | ({} if email is None else {"email": email})
    return Member(number, f"+1503555{number:04}", {name: Value(value, 1.0, "crm") for name, value in given.items()})


async def commit(store: Store, *kept: Member | Link | Statement, at: int = NOW, groups: Any = ()) -> None:
    changes = Changes(groups=dict.fromkeys(groups, True))
    for one in kept:
        match one:
            case Member():
                changes.members[one.id] = one
            case Link():
                changes.links[one.account, one.remote_id] = one
            case Statement():
                changes.statements.append(one)
    await store.process(Processed(at, None, changes=changes))


async def all_pages(store: Store, query: LinkQuery) -> list[LinkRow]:
    found: list[LinkRow] = []
    after = query.after
    while True:
        page = await store.people.list_links(
            LinkQuery(query.account, query.state, query.search, query.sort, query.limit, after)
        )
        assert len(page.rows) <= query.limit
        found += page.rows
        if page.next is None:
            return found
        assert page.next != after
        after = page.next


def said(number: int, phone: str = "+15035550001") -> Statement:
    return Statement(phone, "unknown", "yes", "yes", "Y", "changed", "crm", f"r/{number}", number, number)


# ---- one person ----


async def test_a_person_is_shown_with_links_duplicates_consents_and_groups(store: Store) -> None:
    rosa = member(1, "Rosa@example.org")
    link, twin = Link("crm", "1", 1, "synced"), Link("crm", "2", None, "duplicate", of=1)
    await commit(store, rosa, member(2), link, twin, Link("crm", "3", 2, "synced"), said(1), said(2, "+15035550002"))
    await commit(store, groups=[("signed", 1), ("called", 2)])
    (person,) = await store.people.persons(phone=rosa.phone)
    assert (person.member, person.links, person.consents, person.groups) == (
        rosa,
        [link, twin],
        [said(1)],
        {"signed": NOW},
    )
    assert await store.people.persons(email=" ROSA@example.org ") == [person]


async def test_everybody_with_an_email_is_shown_the_unlinked_last(store: Store) -> None:
    known = Link("network", "a", None, "ineligible", "no_phone", email="Rosa@example.org")
    other = Link("network", "b", 3, "synced", email="rosa@example.org")
    await commit(store, member(1, "rosa@example.org"), member(2, "ROSA@example.org"), member(3), known, other)
    persons = await store.people.persons(email="rosa@example.org")
    assert sorted(person.member.id for person in persons[:-1] if person.member) == [1, 2, 3]
    assert (persons[-1].member, persons[-1].links) == (None, [known])


async def test_a_phone_of_no_member_is_found_in_the_account_that_has_it(store: Store) -> None:
    link = Link("crm", "1", None, "ineligible", "no_opt_in", phone="+15035550001")
    await commit(store, link, said(1))
    (person,) = await store.people.persons(phone="+15035550001")
    assert (person.member, person.links, person.consents) == (None, [link], [said(1)])


async def test_nobody_is_nobody(store: Store) -> None:
    assert await store.people.persons(phone="+15035550001") == []
    assert await store.people.persons(email="rosa@example.org") == []
    assert await store.people.persons() == []


# ---- what came in lately ----


ROSA = Identity(frozenset({"+15035550001"}), frozenset())
BODY = b'{"phone":"503-555-0001"}'


async def arrive(store: Store, *bodies: bytes, at: int = NOW) -> list[int]:
    first = await store.last_accepted()
    arrivals = [Arrival(f"r/{first + n}", body) for n, body in enumerate(bodies, 1)]
    return [entry.seq for entry in await store.accept(Accept("signups", at, arrivals))]


async def test_what_came_lately_is_told_with_what_became_of_it_the_newest_first(store: Store) -> None:
    seqs = await arrive(store, BODY, b'{"phone":"503-555-0002"}', BODY, BODY)
    made = [
        ("crm", seqs[0], Delivery("r/1", "person", "x", b"{}")),
        ("sms", seqs[2], Delivery("r/3", "person", "x", b"")),
    ]
    dead = [DeadLetter("process", "mapped", "bad_value", "no", "r/3", NOW, inbox_seq=seqs[2])]
    (first, _) = await store.process(Processed(NOW, seqs[2], made, dead))
    await store.settle(Settlement(NOW + 5, delivered=[first.seq]))
    lately = await store.people.lately(ROSA, 10)
    assert [one.record_id for one in lately.happened] == ["r/4", "r/3", "r/1"]
    assert [one.is_processed for one in lately.happened] == [False, True, True]
    assert [one.settled for one in lately.happened] == [[], [], [("crm", "delivered", None, 1, NOW + 5)]]
    assert [one.waiting for one in lately.happened] == [[], [("sms", 0, 0)], []]
    assert [len(one.dead) for one in lately.happened] == [0, 1, 0]
    assert (lately.looked_at, lately.since, lately.is_all) == (4, NOW, True)


async def test_no_more_is_told_than_asked_for(store: Store) -> None:
    await arrive(store, *[BODY] * 5)
    lately = await store.people.lately(ROSA, 2)
    assert [one.record_id for one in lately.happened] == ["r/5", "r/4"]
    assert not lately.is_all


async def test_only_the_newest_are_looked_through(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundswell.store.lately.ROWS_PER_LOOK", 10)
    monkeypatch.setattr("groundswell.store.people.LOOKED_AT_MAX", 20)
    await arrive(store, BODY, at=NOW - 1)
    await arrive(store, *[b"{}"] * 24)
    lately = await store.people.lately(ROSA, 5)
    assert (lately.happened, lately.looked_at, lately.since, lately.is_all) == ([], 20, NOW, False)


async def test_of_large_bodies_fewer_are_looked_through(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("lately", "people"):
        monkeypatch.setattr(f"groundswell.store.{module}.LOOKED_AT_BYTES_MAX", 1_000)
    await arrive(store, BODY, *[b'"' + b"x" * 400 + b'"'] * 9)
    lately = await store.people.lately(ROSA, 5)
    assert (lately.happened, lately.looked_at, lately.is_all) == ([], 3, False)


# ---- lists ----


async def many(store: Store, count: int, seed: int = 1) -> list[tuple[Link, int]]:
    """Links in all states, with the time at which each came into it."""
    random = Random(seed)
    made = []
    for number in random.sample(range(1, 10 * count), count):
        email = random.choice((None, f"{number % 7}@example.org", f"A{number}@example.org"))
        link = Link(
            "crm", str(number), None, random.choice(STATES), email=email, seen={"last_name": f"Ng{number % 10}"}
        )
        made.append((link, NOW + random.randrange(20)))
        await commit(store, link, at=made[-1][1])
    await commit(store, Link("network", "x", None, "synced", email="x@example.org"))
    return made


def sorted_as(sort: Sort, rows: list[tuple[Link, int]]) -> list[str]:
    if sort == "newest":
        rows = sorted(rows, key=lambda row: (row[1], row[0].remote_id), reverse=True)
    elif sort == "email":
        rows = sorted((r for r in rows if r[0].email), key=lambda r: ((r[0].email or "").casefold(), r[0].remote_id))
    else:
        rows = sorted(rows, key=lambda row: row[0].remote_id)
    return [link.remote_id for link, _ in rows]


@pytest.mark.parametrize("sorted_max", [10_000, 3])
@pytest.mark.parametrize("sort", get_args(Sort))
async def test_pages_together_are_the_whole_list_in_order(
    store: Store, monkeypatch: pytest.MonkeyPatch, sort: Sort, sorted_max: int
) -> None:
    monkeypatch.setattr(listing, "SORTED_MAX", sorted_max)
    made = await many(store, 60)
    for state in (None, *STATES):
        for search in ("", "ng3", " A", "nobody"):
            wanted = [
                (link, since)
                for link, since in made
                if state in (None, link.state)
                and search.strip().casefold() in f"{link.remote_id} {link.email} {link.seen['last_name']}".casefold()
            ]
            for limit in (1, 7, 100):
                found = await all_pages(store, LinkQuery("crm", state, search, sort, limit))
                assert [row.link.remote_id for row in found] == sorted_as(sort, wanted)
                assert {(row.link.remote_id, row.since) for row in found} <= {(a.remote_id, b) for a, b in made}


async def test_a_last_page_that_is_full_is_known_to_be_the_last(store: Store) -> None:
    await commit(store, *(Link("crm", str(n), None, "gone") for n in range(4)))
    page = await store.people.list_links(LinkQuery("crm", limit=4))
    assert (len(page.rows), page.next) == (4, None)


async def test_an_account_without_links_has_an_empty_list(store: Store) -> None:
    for sort in get_args(Sort):
        for state in (None, "error"):
            page = await store.people.list_links(LinkQuery("crm", state, sort=sort))
            assert (page.rows, page.next) == ([], None)


async def test_a_search_looks_at_the_member_as_well_and_a_row_shows_whose_phone_it_is(store: Store) -> None:
    rosa = member(1, "rosa@example.org", first_name="Rosa", last_name="Ñandú")
    await commit(
        store,
        rosa,
        Link("crm", "1", 1, "synced"),
        Link("crm", "2", None, "duplicate", of=1),
        Link("crm", "3", None, "gone"),
    )
    for search in ("ROSA@", "ñandÚ", "5550001"):
        found = await all_pages(store, LinkQuery("crm", search=search))
        assert [(row.link.remote_id, row.member) for row in found] == [("1", rosa), ("2", rosa)]


# ---- counts ----


async def test_counts_are_what_counting_would_find_whatever_happened(store: Store) -> None:
    random = Random(3)
    for _ in range(40):
        await commit(
            store,
            *(
                Link(random.choice(("crm", "network")), str(random.randrange(30)), None, random.choice(STATES))
                for _ in range(10)
            ),
        )
    counted: dict[str, dict[str, int]] = {}
    with closing(sqlite3.connect(store.path)) as connection:
        for account, state, links in connection.execute("SELECT account, state, count(*) FROM links GROUP BY 1, 2"):
            counted.setdefault(account, {})[state] = links
    assert await store.people.counts() == counted


# ---- plans: what is read must not grow with what there is ----


@pytest.mark.parametrize(
    ("query", "plan"),
    [
        ("SELECT body FROM members WHERE phone = 'x'", "USING INDEX sqlite_autoindex_members_1"),
        ("SELECT body FROM members WHERE email = ?", "USING INDEX members_by_email"),
        ("SELECT body FROM links WHERE email = ?", "USING INDEX links_by_email"),
        ("SELECT body FROM links WHERE phone = ?", "USING INDEX links_by_phone"),
        ("SELECT body FROM links WHERE member IN (SELECT value FROM json_each(?))", "USING INDEX links_of_member"),
        ("SELECT body FROM links WHERE kin IN (SELECT value FROM json_each(?))", "USING INDEX links_of_kin"),
        ("SELECT id FROM consents WHERE phone = ? ORDER BY id", "USING COVERING INDEX consents_of_phone"),
    ],
)
async def test_what_is_looked_up_has_an_index(store: Store, query: str, plan: str) -> None:
    with closing(sqlite3.connect(store.path)) as connection:
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", ("x",) * query.count("?"))]
    assert any(plan in step for step in steps)
    assert not any(step.startswith(("SCAN links", "SCAN members", "SCAN consents")) for step in steps)


# ---- the ledger ----


async def whole_ledger(store: Store, query: LedgerQuery) -> list[Statement]:
    found: list[Statement] = []
    place: int | None = 0
    while place is not None:
        page = await store.people.ledger(replace(query, after=place))
        assert len(page.lines) <= query.count
        found += page.lines
        place = page.next
    return found


@pytest.mark.parametrize("is_newest_first", [False, True], ids=["oldest first", "newest first"])
async def test_the_whole_ledger_comes_in_order_and_a_few_lines_at_a_time(is_newest_first: bool, store: Store) -> None:
    for start in range(0, 203, 50):
        await commit(store, *(said(n) for n in range(start, min(start + 50, 203))))
    lines = await whole_ledger(store, LedgerQuery(count=20, is_newest_first=is_newest_first))
    names = [f"r/{n}" for n in range(203)]
    assert [line.record_id for line in lines] == (names[::-1] if is_newest_first else names)


async def test_lines_that_come_meanwhile_come_last(store: Store) -> None:
    await commit(store, *map(said, range(4)))
    first = await store.people.ledger(LedgerQuery(count=3))
    await commit(store, said(4))  # nobody who writes waits for an export
    assert first.next is not None
    rest = await store.people.ledger(LedgerQuery(first.next))
    assert ([line.record_id for line in rest.lines], rest.next) == (["r/3", "r/4"], None)


@pytest.mark.parametrize("is_newest_first", [False, True], ids=["oldest first", "newest first"])
async def test_a_rare_decision_is_found_over_several_looks(
    is_newest_first: bool, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundswell.store.ledger.LOOKED_AT_MAX", 10)
    await commit(store, *(replace(said(n), decision="older" if n % 37 == 0 else "changed") for n in range(100)))
    first = await store.people.ledger(LedgerQuery(count=2, decision="older", is_newest_first=is_newest_first))
    assert len(first.lines) < 2
    assert first.next is not None
    found = await whole_ledger(store, LedgerQuery(count=2, decision="older", is_newest_first=is_newest_first))
    names = ["r/0", "r/37", "r/74"]
    assert [line.record_id for line in found] == (names[::-1] if is_newest_first else names)


async def test_the_ledger_of_some_phones_comes_alone_and_in_order(store: Store) -> None:
    other = "+15035550002"
    await commit(store, said(0), said(1, other), said(2), said(3, other))
    first = await store.people.ledger(LedgerQuery(0, 1, [other]))
    assert (first.lines, first.next is None) == ([said(1, other)], False)
    assert await whole_ledger(store, LedgerQuery(0, 1, [other])) == [said(1, other), said(3, other)]
    assert await whole_ledger(store, LedgerQuery(0, 1, [])) == []


async def test_lines_come_back_as_they_were_said(store: Store) -> None:
    line = Statement("+15035550001", "yes", "no", "no", "  STOP ☎ ", "changed", "crm", "r/1", 1.25, 2.5)
    await commit(store, line)
    assert (await store.people.ledger(LedgerQuery())).lines == [line]


async def test_a_store_opened_to_look_shows_people_too(store: Store, tmp_path: Path) -> None:
    await commit(store, member(1))
    looking = await Store(store.path).open_to_read()
    try:
        assert len(await looking.people.persons(phone=member(1).phone)) == 1
    finally:
        await looking.close()


async def test_a_file_that_cannot_be_read_is_said_so(store: Store) -> None:
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("DROP TABLE link_counts")
    with pytest.raises(StoreError, match=r"reading the state file .* failed"):
        await store.people.counts()
