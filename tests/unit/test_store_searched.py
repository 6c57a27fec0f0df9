"""Searching people: whoever has the word is found, whoever has not is not, whatever happened to them before."""

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.members.book import Changes
from groundswell.members.member import Link, LinkState, Member, Value
from groundswell.store import listing, members
from groundswell.store.database import APPLICATION_ID, connect_to_write, migrations
from groundswell.store.erasure import TABLES, Erasure, Forget, LastPart, identify
from groundswell.store.ids import Ids
from groundswell.store.listing import LinkQuery, Place, Sort
from groundswell.store.searched import searched, words_of_link

SIZE = 2**30
STATES = get_args(LinkState)
ACCOUNTS = ("kit", "net")
LETTERS = "abA ßsSéİ%_\\'\"\0\n🌱"


def text(random: Random) -> str | None:
    return random.choice((None, "", "".join(random.choices(LETTERS, k=random.randint(1, 5)))))


def member(number: int, **fields: str | None) -> Member:
    return Member(number, f"+1503555{number:04}", {name: Value(value, 1.0, "kit") for name, value in fields.items()})


def people(connection: sqlite3.Connection) -> tuple[dict[int, Member], dict[tuple[str, str], Link]]:
    """All that is kept, as it is read when nobody searches."""
    found = [msgspec.msgpack.decode(b, type=Member) for (b,) in connection.execute("SELECT body FROM members")]
    links = [msgspec.msgpack.decode(b, type=Link) for (b,) in connection.execute("SELECT body FROM links")]
    return {one.id: one for one in found}, {(one.account, one.remote_id): one for one in links}


def whose(link: Link) -> int | None:
    return link.of if link.member is None else link.member


def happen(connection: sqlite3.Connection, random: Random, at: int) -> None:
    """Some people are made, edited, linked, linked to others or to nobody, dropped, or forgotten."""
    known, links = people(connection)
    if known and random.random() < 0.2:
        asked = Forget(at, random.choice(list(known.values())).phone)
        part = LastPart(asked, identify(connection, asked), dict.fromkeys(TABLES, 0))
        assert Erasure(Ids()).erase_last(connection, [part]) != [None]
        return
    first = max([0, *known, *(row[0] for row in connection.execute("SELECT seq FROM sqlite_sequence"))]) + 1
    changes = Changes()
    for number in random.sample([*known, first, first + 1], k=random.randint(0, 2)):
        fields = {name: text(random) for name in ("first_name", "last_name", "email", "city") if random.random() < 0.7}
        changes.members[number] = known[number] = member(number, **fields)
    for _ in range(random.randint(0, 4)):
        key = (random.choice(ACCOUNTS), str(random.randint(1, 6)))
        number = random.choice((None, *known))
        is_linked = random.random() < 0.6
        before = [old for old in links.values() if old.account == key[0] and number and old.member == number]
        for old in before if is_linked else ():
            left = msgspec.structs.replace(old, member=None, of=random.choice((None, number)), state="duplicate")
            links[old.account, old.remote_id] = changes.links[old.account, old.remote_id] = left
        changes.links[key] = links[key] = Link(
            *key,
            number if is_linked else None,
            random.choice(STATES),
            of=None if is_linked else number,
            phone=random.choice((None, "+15035550999")),
            email=text(random),
            seen={"first_name": text(random), "last_name": text(random), "city": "Nowhere"},
        )
    if links and random.random() < 0.2:
        changes.links[random.choice(list(links))] = None
    members.write(connection, changes, at)


def expected(connection: sqlite3.Connection, query: LinkQuery) -> list[str]:
    known, links = people(connection)
    since = dict(connection.execute("SELECT remote_id, since FROM links WHERE account = ?", (query.account,)))
    keys: dict[Sort, dict[str, str | int | None]] = {
        "remote_id": {one.remote_id: one.remote_id for one in links.values()},
        "email": {o.remote_id: o.email and o.email.casefold() for o in links.values() if o.account == query.account},
        "newest": since,
    }
    key = keys[query.sort]
    needle = query.search.strip().casefold()
    found = [
        link.remote_id
        for link in links.values()
        if link.account == query.account
        and query.state in (None, link.state)
        and key[link.remote_id] is not None
        and needle in searched(words_of_link(link), known.get(whose(link) or 0))
    ]
    return sorted(found, key=lambda one: (key[one], one), reverse=query.sort == "newest")


def listed(connection: sqlite3.Connection, query: LinkQuery) -> list[str]:
    """Page by page; none of them empty but the only one."""
    found: list[str] = []
    after: Place | None = None
    while True:
        page = listing.page(connection, msgspec.structs.replace(query, after=after))
        found += [row.link.remote_id for row in page.rows]
        if page.next is None:
            assert page.rows or after is None
            return found
        assert len(page.rows) == query.limit
        after = page.next


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.sampled_from([0, 10_000]))
def test_a_search_finds_just_those_who_have_the_words_whatever_happened(seed: int, steps: int, sorted_max: int) -> None:
    random = Random(seed)
    with (
        TemporaryDirectory() as directory,
        closing(connect_to_write(Path(directory) / "groundswell.db", SIZE)) as connection,
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setattr(listing, "SORTED_MAX", sorted_max)
        for step in range(steps):
            connection.execute("BEGIN")
            happen(connection, random, 1_000 + step)
            connection.execute("COMMIT")
        known, links = people(connection)
        words = [searched(words_of_link(one), known.get(whose(one) or 0)) for one in links.values()] or ["x"]
        for _ in range(20):
            word = random.choice((random.choice(words), text(random) or ""))
            start = random.randint(0, len(word))
            needle = random.choice((str.upper, str.lower))(word[start : start + random.randint(0, 6)])
            for sort in get_args(Sort):
                query = LinkQuery(
                    random.choice(ACCOUNTS),
                    random.choice((None, *STATES)),
                    needle,
                    sort,
                    random.choice((1, 2, 50)),
                    others=random.choice(((), ("1", "4"))),
                )
                wanted = [one for one in expected(connection, query) if one not in query.others]
                assert listed(connection, query) == wanted


@pytest.mark.parametrize("is_linked", [True, False])
@pytest.mark.parametrize(
    "search",
    ["ROSA quint", "rosa@example.org", "@EXAMPLE", "5550007", "44", "old@", "strauss", "josé", "é strauß", "o'n 100%"],
)
def test_somebody_is_found_by_what_the_account_and_the_member_have(
    search: str, is_linked: bool, tmp_path: Path
) -> None:
    rosa = member(7, first_name="Rosa", last_name="Quintanilla", email="Rosa@example.org")
    link = Link(
        *("kit", "4411", 7 if is_linked else None, "synced"),
        of=None if is_linked else 7,
        email="old@example.org",
        seen={"first_name": "José", "last_name": "Strauß O'N 100%"},
    )
    with closing(connect_to_write(tmp_path / "groundswell.db", SIZE)) as connection:
        members.write(connection, Changes({7: rosa}, {("kit", "4411"): link}), 1)
        assert listed(connection, LinkQuery("kit", search=search)) == ["4411"]
        assert listed(connection, LinkQuery("kit", search=f"{search}x")) == []


@pytest.mark.parametrize("search", ["%", "_", "*", "?", "\\", "[a-z]", "' OR 1 --"])
def test_no_letter_stands_for_others(search: str, tmp_path: Path) -> None:
    links = {("kit", str(n)): Link("kit", str(n), None, "gone", seen={"last_name": "Ng"}) for n in range(3)}
    links["kit", "9"] = Link("kit", "9", None, "gone", seen={"last_name": f"N{search}g"})
    with closing(connect_to_write(tmp_path / "groundswell.db", SIZE)) as connection:
        members.write(connection, Changes(links=links), 1)  # type: ignore[arg-type]
        assert listed(connection, LinkQuery("kit", search=search)) == ["9"]


def test_people_of_a_file_from_before_searching_are_found(tmp_path: Path) -> None:
    rosa = member(7, first_name="Rosa", last_name="Quintanilla")
    links = [
        Link("kit", "1", 7, "synced", email="other@example.org"),
        Link("kit", "2", None, "duplicate", of=7),
        Link("kit", "3", None, "gone", seen={"last_name": "Ng"}),
    ]
    encoded = msgspec.msgpack.encode
    with closing(sqlite3.connect(tmp_path / "groundswell.db", isolation_level=None)) as connection:
        for number, script in migrations()[:7]:
            connection.executescript(f"{script}; PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("INSERT INTO members VALUES (7, ?, NULL, 1, ?)", (rosa.phone, encoded(rosa)))
        connection.executemany(
            "INSERT INTO links VALUES (?, ?, ?, ?, ?, '', NULL, ?, 1, ?)",
            [(one.account, one.remote_id, one.member, one.of, one.state, one.email, encoded(one)) for one in links],
        )
    with closing(connect_to_write(tmp_path / "groundswell.db", SIZE)) as connection:
        for search, found in (("quintan", ["1", "2"]), ("5550007", ["1", "2"]), ("other@", ["1"]), ("NG", ["3"])):
            assert listed(connection, LinkQuery("kit", search=search)) == found
        renamed = member(7, first_name="Rosa", last_name="Ng")
        members.write(connection, Changes({7: renamed}), 2)
        assert listed(connection, LinkQuery("kit", search="rosa ng")) == ["1", "2"]
        assert listed(connection, LinkQuery("kit", search="quintan")) == []


def test_who_is_changed_but_not_renamed_is_not_written_to_an_index(tmp_path: Path) -> None:
    """Most changes are of that kind, and to write an index anew takes longer than all the rest."""
    rosa = member(7, first_name="Rosa", city="Oakland")
    link = Link("kit", "1", 7, "synced", seen={"first_name": "Rosa", "city": "Oakland"})
    with closing(connect_to_write(tmp_path / "groundswell.db", SIZE)) as connection:
        members.write(connection, Changes({7: rosa}, {("kit", "1"): link}), 1)
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        moved = msgspec.structs.replace(link, seen={"first_name": "Rosa", "city": "Portland"})
        members.write(connection, Changes({7: member(7, first_name="Rosa", city="Portland")}, {("kit", "1"): moved}), 2)
        connection.set_trace_callback(None)
        assert sum(one.startswith(("UPDATE members", "UPDATE links SET reason")) for one in statements) == 2
        assert not any("words =" in one.partition("WHERE")[0] or one.startswith("INSERT") for one in statements)
        assert people(connection)[1]["kit", "1"] == moved
