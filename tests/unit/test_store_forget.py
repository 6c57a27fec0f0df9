"""Forgetting a person: nothing names them afterwards, in no table and in no byte; everybody else is as they were."""

import contextlib
import sqlite3
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec
import pytest

from groundswell.component import Arrival, Delivery
from groundswell.errors import NotFoundError, RequestError, StoreError, StoreFullError
from groundswell.members.book import Changes
from groundswell.members.member import Link, Member, Statement, Value
from groundswell.store import erasure
from groundswell.store.dead_letters import DeadLetter, Selection
from groundswell.store.erasure import ROWS_PER_LOOK, Erased, Forget
from groundswell.store.inbox import Accept, Replay
from groundswell.store.ledger import LedgerQuery
from groundswell.store.outbox import Processed, Settlement
from groundswell.store.retention import Purge
from groundswell.store.store import Store
from groundswell.store.traces import Identity, Traces

NOW = 1_777_719_609_000
PHONE, EMAIL, NAME = "+15035550144", "Rosa.Quintanilla@example.org", "Quintanilla"
UUID = "5a1f0c9e-77ab-4c2f-9d31-0b6d2c1e8f55"
OTHER_PHONE, OTHER_EMAIL = "+15035550145", "ken@example.org"
TRACES = (b"5035550144", b"503) 555-0144", b"Quintanilla", b"quintanilla", UUID.encode())
SIZE = 2**40


def rosa(email: str = EMAIL, filling: str = "") -> Member:
    fields = {"email": Value(email, 1.0, "crm"), "last_name": Value(NAME, 1.0, "crm")}
    return Member(1, PHONE, fields | {"custom.story": Value(filling, 1.0, "crm")}, "yes")


def ken(email: str = OTHER_EMAIL) -> Member:
    return Member(2, OTHER_PHONE, {"email": Value(email, 1.0, "crm")}, "yes")


def said(phone: str, new: Any = "yes") -> Statement:
    return Statement(phone, "unknown", new, new, "Y", "changed", "crm", "actionkit:user/4411@1", 1.0, 2.0)


def raw(**parts: Any) -> bytes:
    return msgspec.json.encode(parts)


def changes(
    members: Sequence[Member] = (), links: Sequence[Link] = (), said: Sequence[Statement] = (), **groups: int
) -> Changes:
    return Changes(
        {member.id: member for member in members},
        {(link.account, link.remote_id): link for link in links},
        list(said),
        dict.fromkeys(groups.items(), True),
    )


async def commit(store: Store, *members: Member, links: Sequence[Link] = (), lines: Sequence[Statement] = ()) -> None:
    await store.process(Processed(NOW, None, changes=changes(members, links, lines)))


async def accepted(store: Store, *bodies: bytes, ids: Sequence[str] = ()) -> list[int]:
    first = await store.last_accepted()
    names = ids or [f"r/{first + n}" for n in range(1, len(bodies) + 1)]
    arrivals = [Arrival(name, body) for name, body in zip(names, bodies, strict=True)]
    return [entry.seq for entry in await store.accept(Accept("signups", NOW, arrivals))]


class Forgotten(NamedTuple):
    """What was erased, and whether the log is empty too."""

    erased: Erased
    is_log_empty: bool


async def forget(
    store: Store, *, phone: str | None = PHONE, email: str | None = None, words: Sequence[str] = ()
) -> Forgotten:
    erased = await store.people.forget(Forget(NOW + 1, phone, email, words), nullcontext)
    return Forgotten(erased, await store.people.empty_log())


def rows(store: Store, query: str) -> list[Any]:
    with contextlib.closing(sqlite3.connect(store.path)) as connection:
        return connection.execute(query).fetchall()


def bytes_of(store: Store) -> bytes:
    """Every byte of the state file and of what stands beside it."""
    return b"".join(path.read_bytes() for path in sorted(store.path.parent.iterdir()))


def found_in(content: bytes) -> list[bytes]:
    return [trace for trace in TRACES if trace in content]


async def everywhere(store: Store) -> None:
    """Rosa and Ken, in each table that can name somebody."""
    links = [
        Link("crm", "4411", 1, "synced", phone=PHONE, email=EMAIL, seen={"last_name": NAME}),
        Link("crm", "4412", None, "duplicate", "duplicate", of=1, phone=PHONE, seen={"last_name": NAME}),
        Link("network", UUID, None, "ineligible", "no_opt_in", phone=PHONE, email=EMAIL),
        Link("crm", "5000", 2, "synced", phone=OTHER_PHONE, email=OTHER_EMAIL),
    ]
    given = changes([rosa(), ken()], links, [said(PHONE), said(OTHER_PHONE), said(PHONE, "no")], signed=1, called=2)
    bodies = [raw(phone="(503) 555-0144"), raw(email=EMAIL.upper()), raw(email=OTHER_EMAIL), raw(user=UUID)]
    seqs = await accepted(store, *bodies)
    made = [("sms", seq, Delivery(f"r/{seq}", "action", OTHER_PHONE, b"{}")) for seq in seqs]
    made.append(("sms", seqs[2], Delivery("r/x", "action", PHONE, raw(phone=PHONE))))
    dead = [
        DeadLetter("process", "tidy", "bad_value", "no", "r/2", NOW, seqs[1]),
        DeadLetter("process", "tidy", "bad_value", "no", "r/3", NOW, seqs[2]),
    ]
    pending = await store.process(Processed(NOW, seqs[-1], made, dead, changes=given))
    letter = DeadLetter("deliver", "sms", "rejected", "no", "r/1", NOW, 99, "action", PHONE, raw(last_name=NAME))
    await store.settle(Settlement(NOW, [pending[0].seq, pending[2].seq], dead=[(pending[1].seq, letter)]))
    await store.bury(DeadLetter("accept", "signups", "unreadable", "no", "signups:1", NOW, body=b"to=%2B1503-555-0144"))
    await store.replay(Replay(ids=["r/1", "r/3"]))


async def test_a_forgotten_person_is_named_in_no_table_and_in_no_byte(store: Store) -> None:
    await everywhere(store)
    assert len(found_in(bytes_of(store))) == len(TRACES)
    done = await forget(store)
    assert done.is_log_empty
    assert done.erased.rows == {
        "consents": 2, "dead_letters": 3, "deliveries": 2, "inbox": 3, "links": 3, "member_groups": 1, "members": 1,
        "outbox": 2,
    }  # fmt: skip
    assert found_in(bytes_of(store)) == []
    await store.close()
    assert found_in(bytes_of(store)) == []
    await store.open()


async def test_everybody_else_is_as_they_were(store: Store) -> None:
    await everywhere(store)
    await forget(store)
    assert store.shelf.by_phone(OTHER_PHONE) == ken()
    assert [link.remote_id for link in store.shelf.links_of(2)] == ["5000"]
    assert store.shelf.groups_of(2) == {"called"}
    assert await store.people.counts() == {"crm": {"synced": 1}}
    assert (await store.trace("r/3")).raw == raw(email=OTHER_EMAIL)
    assert [row.letter.record_id for row in await store.dead_list(Selection(), 10)] == ["r/3"]
    assert [entry.arrival.id for entry in await store.replays(10, SIZE)] == ["r/3"]


async def test_the_ledger_keeps_one_line_with_a_hash_and_what_was_known_last(store: Store) -> None:
    await everywhere(store)
    await forget(store)
    others, line = (await store.people.ledger(LedgerQuery())).lines
    assert others.phone == OTHER_PHONE
    assert (line.old, line.new, line.decision, line.learnt_at) == ("no", "unknown", "forgotten", (NOW + 1) / 1000)
    assert line.phone.startswith("forgotten:")
    assert len(line.phone) == len("forgotten:") + 32


async def test_stones_are_left_for_the_phone_and_the_email(store: Store) -> None:
    await everywhere(store)
    assert not store.shelf.is_forgotten(PHONE)
    await forget(store)
    assert store.shelf.is_forgotten(PHONE)
    assert store.shelf.is_forgotten(EMAIL.casefold())
    assert not store.shelf.is_forgotten(OTHER_PHONE)
    assert await store.people.forgotten_at(email=EMAIL) == NOW + 1
    assert await store.people.forgotten_at(phone=OTHER_PHONE) is None
    assert rows(store, "SELECT kind, at FROM stones ORDER BY kind") == [("email", NOW + 1), ("phone", NOW + 1)]


async def test_two_state_files_have_different_stones(tmp_path: Path) -> None:
    stones = []
    for name in ("a", "b"):
        async with Store(tmp_path / f"{name}.db") as store:
            await forget(store)
            stones.append(rows(store, "SELECT hash FROM stones"))
    assert stones[0] != stones[1]


async def test_a_person_is_found_by_email_as_well(store: Store) -> None:
    await everywhere(store)
    await forget(store, phone=None, email=f" {EMAIL.upper()} ")
    assert found_in(bytes_of(store)) == []
    assert store.shelf.is_forgotten(PHONE)


async def test_an_email_of_several_members_is_refused_and_nothing_is_erased(store: Store) -> None:
    await commit(store, rosa(), ken(EMAIL))
    with pytest.raises(RequestError, match="2 members have this email address; forget each of them by phone"):
        await forget(store, phone=None, email=EMAIL)
    assert store.shelf.member(1) == rosa()


async def test_an_email_that_somebody_else_has_too_stays_with_them(store: Store) -> None:
    await commit(store, rosa(), ken(EMAIL))
    seqs = await accepted(store, raw(phone=PHONE), raw(email=EMAIL))
    await store.process(Processed(NOW, seqs[-1]))
    await forget(store)
    assert store.shelf.by_phone(OTHER_PHONE) == ken(EMAIL)
    assert not store.shelf.is_forgotten(EMAIL.casefold())
    assert (await store.trace("r/2")).raw == raw(email=EMAIL)


async def test_somebody_nobody_knows_gets_a_stone_all_the_same(store: Store) -> None:
    assert set((await forget(store)).erased.rows.values()) == {0}
    assert store.shelf.is_forgotten(PHONE)


async def test_what_no_pattern_would_find_is_found_by_the_words_given(store: Store) -> None:
    seqs = await accepted(store, raw(user="/rest/v1/user/4411/"), raw(user="/rest/v1/user/44110/"))
    await store.process(Processed(NOW, seqs[-1]))
    assert (await forget(store, words=["/user/4411/", " "])).erased.rows["inbox"] == 1
    with pytest.raises(NotFoundError, match="somebody who was forgotten"):
        await store.trace("r/1")
    await store.trace("r/2")


async def test_the_same_record_is_still_known_as_a_duplicate(store: Store) -> None:
    await accepted(store, raw(phone=PHONE), raw(phone=OTHER_PHONE))
    await forget(store)
    assert await accepted(store, raw(phone=PHONE), ids=["r/1"]) == []
    await store.close()
    await store.open()
    assert await accepted(store, raw(phone=PHONE), ids=["r/1"]) == []


async def test_an_id_that_names_the_person_goes_too(store: Store) -> None:
    await accepted(store, raw(phone=PHONE), ids=[f"form/{PHONE}"])
    await forget(store)
    assert found_in(bytes_of(store)) == []
    assert await accepted(store, raw(phone=PHONE), ids=[f"form/{PHONE}"]) == [2]


async def test_what_was_not_processed_yet_is_not_waited_for(store: Store) -> None:
    await accepted(store, raw(phone=PHONE), raw(phone=OTHER_PHONE), raw(phone=PHONE))
    await forget(store)
    assert [entry.seq for entry in await store.arrivals_after(0, 10, SIZE)] == [2]
    assert await store.inbox_waiting() == (1, NOW)
    await store.process(Processed(NOW, 2))
    assert await store.inbox_waiting() == (0, None)
    assert await store.replay(Replay()) == 1
    assert await accepted(store, b"{}") == [4]


async def test_what_is_left_of_an_arrival_goes_when_it_is_old(store: Store) -> None:
    seqs = await accepted(store, raw(phone=PHONE), b"{}")
    await store.process(Processed(NOW, seqs[-1]))
    await forget(store)
    await store.purge(Purge(NOW + 1))
    assert rows(store, "SELECT seq FROM inbox") == [(2,)]


async def test_deliveries_that_wait_are_settled_as_forgotten_and_numbers_go_on(store: Store) -> None:
    (seq,) = await accepted(store, b"{}")
    made = [("sms", seq, Delivery("r/1", "action", phone, b"{}")) for phone in (OTHER_PHONE, PHONE)]
    await store.process(Processed(NOW, seq, made))
    assert (await forget(store)).erased.deliveries == [2]
    assert rows(store, "SELECT seq, outcome FROM deliveries") == [(2, "forgotten")]
    assert [p.seq for p in await store.pending_after("sms", 0, 10, SIZE)] == [1]
    assert [p.seq for p in await store.process(Processed(NOW, None, made[:1]))] == [3]


async def test_a_person_far_down_a_long_inbox_is_found(store: Store) -> None:
    others = [raw(phone=f"+1503555{n:04}") for n in range(1_000, 3_500)]
    seqs = await accepted(store, *others, raw(phone="503.555.0144"), *others)
    await store.process(Processed(NOW, seqs[-1]))
    assert len(others) > 2 * ROWS_PER_LOOK
    assert (await forget(store)).erased.rows["inbox"] == 1
    assert found_in(bytes_of(store)) == []


async def test_nobody_comes_back_with_a_batch_that_had_read_them_before(store: Store) -> None:
    await everywhere(store)
    read = store.shelf.by_phone(PHONE)
    assert read is not None
    late = changes(
        [read, ken("new@example.org")], [*store.shelf.links_of(1)], [said(PHONE), said(OTHER_PHONE)], signed=1
    )
    await forget(store)
    await store.process(Processed(NOW, None, changes=late))
    assert store.shelf.by_phone(PHONE) is None
    assert found_in(bytes_of(store)) == []
    assert store.shelf.by_phone(OTHER_PHONE) == ken("new@example.org")
    await commit(store, links=[link for link in late.links.values() if link], lines=[said(PHONE)])
    assert found_in(bytes_of(store)) == []
    assert [line.phone for line in (await store.people.ledger(LedgerQuery())).lines].count(OTHER_PHONE) == 2


async def test_a_member_with_the_phone_of_a_forgotten_one_has_another_number(store: Store) -> None:
    await commit(store, rosa())
    await forget(store)
    assert store.shelf.next_member() == 2
    await commit(store, Member(2, PHONE))
    assert store.shelf.by_phone(PHONE) == Member(2, PHONE)


async def test_a_try_that_was_cut_short_can_be_repeated(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await everywhere(store)

    def cut_short(*_: object) -> None:
        raise StoreError("cut short")

    monkeypatch.setattr(erasure, "_erase_person", cut_short)
    with pytest.raises(StoreError, match="cut short"):
        await forget(store)
    monkeypatch.undo()
    assert store.shelf.by_phone(PHONE) == rosa()
    assert not store.shelf.is_forgotten(PHONE)
    assert (await forget(store)).erased.rows["members"] == 1
    assert found_in(bytes_of(store)) == []


async def test_whoever_became_known_by_more_meanwhile_is_looked_for_by_that_too(store: Store) -> None:
    await commit(store, rosa())
    seqs = await accepted(store, raw(email="rosa@work.example.org"))
    await store.process(Processed(NOW, seqs[-1]))
    empty = store.people._erase_from
    late = Link("crm", "4411", 1, "synced", email="rosa@work.example.org")

    async def learn(*arguments: Any) -> Any:
        if store.shelf.link("crm", "4411") is None and not store.shelf.is_forgotten(PHONE):
            await commit(store, links=[late])
        return await empty(*arguments)

    store.people._erase_from = learn  # type: ignore[method-assign]
    assert (await forget(store)).erased.rows["inbox"] == 1
    assert rows(store, "SELECT raw FROM inbox") == [(b"",)]


@pytest.mark.parametrize("seed", range(4))
async def test_what_was_written_over_moved_and_deleted_before_leaves_nothing_either(store: Store, seed: int) -> None:
    # Rows that grow are moved within their page, pages are split and freed: secure_delete wipes what is left behind.
    random = Random(seed)
    number = 2
    for turn in range(30):
        changed = [rosa(f"quintanilla{turn}@example.org", "x" * random.randrange(9_000))]
        for _ in range(40):
            number += 1
            filling = Value("y" * random.randrange(3_000), 1.0, "crm")
            changed.append(Member(number, f"+1206555{number:04}", {"custom.story": filling}))
        email = changed[0].fields["email"].value
        link = Link(
            "crm", "4411", 1, "synced", phone=PHONE, email=email, seen={"last_name": NAME * random.randrange(300)}
        )
        seqs = await accepted(store, raw(phone=PHONE, more="z" * random.randrange(20_000)), raw(n="z" * 500))
        made = [("sms", seq, Delivery("r/1", "action", PHONE, raw(last_name=NAME, n="z" * 700))) for seq in seqs]
        given = changes(changed, [link], [said(PHONE)])
        pending = await store.process(Processed(NOW, seqs[-1], made, changes=given))
        await store.settle(Settlement(NOW, delivered=[one.seq for one in pending]))
        if random.random() < 0.3:
            await store.purge(Purge(NOW + 1))
    await store.close()
    assert found_in(bytes_of(store))
    await store.open()
    await forget(store)
    assert found_in(bytes_of(store)) == []


def large(number: int) -> Member:
    return Member(number, f"+1206555{number:04}", {"custom.story": Value("y" * 9_000, 1.0, "crm")})


async def test_a_person_can_be_forgotten_when_the_file_is_full(tmp_path: Path) -> None:
    async with Store(tmp_path / "groundswell.db", size_max=2 * 2**20) as store:
        await commit(store, rosa())
        with pytest.raises(StoreFullError):
            await commit(store, *map(large, range(2, 1_000)))
        last = 2
        with contextlib.suppress(StoreFullError):
            while True:
                await commit(store, large(last))
                last += 1
        with pytest.raises(StoreFullError):
            await commit(store, large(last))
        assert (await forget(store)).erased.rows["members"] == 1
        assert found_in(bytes_of(store)) == []
        for number in range(2, 20):
            await forget(store, phone=large(number).phone)
        await commit(store, large(last))


# ---- how a person is recognised ----


def names(text: bytes | str, phone: str = PHONE, email: str = "ann@example.org") -> bool:
    return Traces(Identity(frozenset({phone}), frozenset({email}))).are_in(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"phone": "+15035550144"}', b'{"phone": 15035550144}', b'"(503) 555-0144"', b"503.555.0144",
        b"1-503-555-0144",
        b"001 503 555 0144", "503\u00a0555\u00a00144", b'{"email": "ann@example.org"}', b"Ann <ANN@Example.ORG>.",
        rb'"ann\u0040example.org"', rb'"to:\nann@example.org"', b"to=ann%40example.org&x=1",
        rb'"{\"message\": \"{\\\"email\\\": \\\"ann@example.org\\\"}\"}"', b"phone=%28503%29+555-0144",
    ],
)  # fmt: skip
def test_a_person_is_recognised_however_it_is_written(text: bytes | str) -> None:
    assert names(text)


@pytest.mark.parametrize(
    "text",
    [
        b"joann@example.org", b"ann@example.organic", b"ann@example.org.au", b"x.ann@example.org", b"25035550144",
        b"50355501441", b"5035550145", b'{"a": 503555, "b": "0144"}', b"", rb"\u00", b"%zz", b"\xff\xfe",
    ],
)  # fmt: skip
def test_somebody_else_is_not(text: bytes) -> None:
    assert not names(text)


@pytest.mark.parametrize("text", [b"+447400123456", b"07400 123456", b"+44 (0)7400 123456", b"0044 7400 123 456"])
def test_phones_of_other_countries_are_recognised(text: bytes) -> None:
    assert names(text, phone="+447400123456")
