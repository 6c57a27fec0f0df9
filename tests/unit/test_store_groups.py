"""Groups and fields as they are counted, and people found by a word, in the state file."""

from groundswell.members.book import Changes
from groundswell.members.member import Link, Member, Value
from groundswell.store.listing import LinkQuery
from groundswell.store.outbox import Processed
from groundswell.store.store import Store

NOW = 1_777_719_609_000


def member(number: int, **fields: str | None) -> Member:
    return Member(number, f"+1503555{number:04}", {name: Value(value, 1.0, "kit") for name, value in fields.items()})


async def commit(store: Store, *members: Member, groups: dict[str, list[int]] | None = None, links: int = 0) -> None:
    joined = {(name, number): True for name, numbers in (groups or {}).items() for number in numbers}
    made = [Link("kit", f"{number:05}", number, "synced") for number in range(1, links + 1)]
    changes = Changes({one.id: one for one in members}, {(one.account, one.remote_id): one for one in made}, [], joined)
    await store.process(Processed(NOW, None, changes=changes))


async def test_groups_come_by_name_with_how_many_are_in_each(store: Store) -> None:
    await commit(store, *map(member, range(1, 4)), groups={"é": [1], "b": [1, 2, 3], "B": [2], "a b": [3]})
    assert await store.people.group_sizes("", 10) == [("B", 1), ("a b", 1), ("b", 3), ("é", 1)]
    assert await store.people.group_sizes("a b", 1) == [("b", 3)]
    assert (await store.people.group_size("b"), await store.people.group_size("c")) == (3, 0)


async def test_members_of_a_group_come_by_their_numbers(store: Store) -> None:
    members = [member(number, first_name=f"N{number}") for number in range(1, 6)]
    await commit(store, *members, groups={"a": [1, 3, 5], "b": [2, 3]})
    first = await store.people.group_members("a", 0, 2)
    rest = await store.people.group_members("a", first[-1].member.id, 2)
    assert [(one.member, one.since) for one in (*first, *rest)] == [(members[n], NOW) for n in (0, 2, 4)]


async def test_a_few_members_are_all_looked_at_for_their_fields(store: Store) -> None:
    await commit(store, member(1, zip="1"), member(2, zip=None), member(9, zip="2", city="x"))
    found = await store.people.filled(3)
    assert (found.looked_at, found.is_all, found.fields) == (3, True, {"zip": 2, "city": 1})


async def test_of_many_members_a_sample_says_how_many_have_a_field(store: Store) -> None:
    numbers = [*range(1, 200), *range(1_000, 1_200)]  # with a gap, as after forgetting
    await commit(store, *(member(number, **({"zip": "1"} if number % 2 else {})) for number in numbers))
    found = await store.people.filled(100)
    assert not found.is_all
    assert 30 < found.looked_at <= 100
    assert 0.2 < found.fields["zip"] / found.looked_at < 0.8


# ---- finding a word ----


async def test_a_name_is_found_among_many_whatever_its_letters(store: Store) -> None:
    names = {300: ("José", "Ünal"), 700: ("Anna", "Strauß"), 900: ("Ольга", "O'Neil")}
    people = [
        member(n, **dict(zip(("first_name", "last_name"), names.get(n, ("x", "y")), strict=True)))
        for n in range(1, 1_001)
    ]
    await commit(store, *people, links=1_000)
    for search, number in (
        *(("josé ünal", 300), ("JOSÉ", 300), ("é ü", 300)),
        *(("strauss", 700), ("STRAUSS", 700), ("Strauß", 700), ("anna strau", 700)),
        *(("ольга", 900), ("ОЛЬГА", 900), ("o'n", 900), ("5550900", 900), ("00900", 900)),
    ):
        page = await store.people.list_links(LinkQuery("kit", search=search, limit=5))
        assert [row.link.member for row in page.rows] == [number], search


async def test_a_whole_phone_email_or_number_is_found_at_once(store: Store) -> None:
    rosa, ken = member(1, email="Rosa@example.org"), member(2, email="ken@example.org")
    links = [
        Link("kit", "1", 1, "synced", email="old@example.org"),
        Link("kit", "2", None, "duplicate", of=1, email="twin@example.org"),
        Link("net", "1", 2, "synced", email="ken@example.org"),
        Link("kit", "9", None, "ineligible", phone="+15035550099"),
    ]
    changes = Changes({1: rosa, 2: ken}, {(link.account, link.remote_id): link for link in links})
    await store.process(Processed(NOW, None, changes=changes))

    async def found(accounts: list[str], **by: str) -> list[tuple[str, str]]:
        asked = {"phone": None, "email": None, "remote_id": "", **by}
        rows = await store.people.exactly(accounts, **asked)  # type: ignore[arg-type]
        return [(row.link.account, row.link.remote_id) for row in rows]

    both = ["kit", "net"]
    assert await found(both, phone=rosa.phone) == [("kit", "1"), ("kit", "2")]
    assert await found(both, phone="+15035550099") == [("kit", "9")]
    assert await found(both, email="ROSA@example.org") == [("kit", "1"), ("kit", "2")]
    assert await found(both, email="old@example.org") == [("kit", "1")]
    assert await found(both, remote_id="1") == [("kit", "1"), ("net", "1")]
    assert await found(["net"], remote_id="1") == [("net", "1")]
    assert await found(["net"], phone=rosa.phone) == []
