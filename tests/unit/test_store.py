"""The state file through its verbs: what is kept, what is refused, what is found again."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from groundswell.component import Arrival, Delivery
from groundswell.errors import NotFoundError, RequestError, StoreError, StoreFullError
from groundswell.members.book import Changes
from groundswell.members.member import Member
from groundswell.record import Person, Record, from_json, to_json
from groundswell.store.dead_letters import UNREADABLE_KEPT_MAX, DeadLetter, Selection
from groundswell.store.inbox import Accept, Replay
from groundswell.store.keys import Key
from groundswell.store.outbox import Processed, Settlement
from groundswell.store.store import Store

NOW = 1_777_719_609_000
SIZE = 2**40


def accept(source: str, *ids: str, cursor: str | None = None, at: int = NOW, raw: bytes = b"{}") -> Accept:
    return Accept(source, at, [Arrival(id_, raw) for id_ in ids], cursor)


BODY = to_json(Record("r/1", "action", "signups"))


def delivery(record_id: str, lane: str = "rosa", body: bytes = BODY) -> Delivery:
    return Delivery(record_id, "action", lane, body)


def letter(stage: Any = "deliver", record_id: str = "r/1", inbox_seq: int | None = 1, **parts: Any) -> DeadLetter:
    given = {
        "component": "crm",
        "reason": "rejected",
        "message": "it said no",
        "created_at": NOW,
        "body": BODY,
    } | parts
    return DeadLetter(stage=stage, record_id=record_id, inbox_seq=inbox_seq, kind="action", lane="rosa", **given)


async def accepted(store: Store, *ids: str, source: str = "signups", at: int = NOW) -> list[int]:
    return [entry.seq for entry in await store.accept(accept(source, *ids, at=at))]


async def processed(store: Store, *ids: str, sinks: Sequence[str] = ("crm",), at: int = NOW) -> list[int]:
    """Accept these and make deliveries of them; the numbers of the deliveries."""
    entries = await store.accept(accept("signups", *ids, at=at))
    made = [(sink, entry.seq, delivery(entry.arrival.id)) for entry in entries for sink in sinks]
    return [p.seq for p in await store.process(Processed(at, entries[-1].seq, made))]


@contextmanager
def looking_into(store: Store) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(store.path)) as connection:
        yield connection


def rows(store: Store, query: str) -> list[Any]:
    with looking_into(store) as connection:
        return connection.execute(query).fetchall()


@contextmanager
def writer_held(store: Store) -> Iterator[None]:
    """Keeps the writer from committing, as a slow disk would, so that writes pile up behind one."""
    held, let_go = threading.Event(), threading.Event()

    def wait(_: Any, waits: Sequence[None]) -> Sequence[None]:
        held.set()
        let_go.wait(10)
        return waits

    waiting = store._writer.submit(wait, None)
    assert held.wait(10)
    try:
        yield
    finally:
        let_go.set()
    assert not waiting.cancelled()


# ---- group commit ----


async def test_everything_that_waits_is_committed_at_once_and_then_released(store: Store) -> None:
    before = store.commits
    with writer_held(store):
        waiting = [store.accept(accept("signups", f"r/{n}")) for n in range(500)]
        await anyio.lowlevel.checkpoint()
        assert not any(write.done() for write in waiting)
    results = await asyncio.gather(*waiting)
    assert [len(result) for result in results] == [1] * 500
    assert store.commits - before == 2  # the one that was held, and one for all
    assert rows(store, "SELECT count(*) FROM inbox") == [(500,)]


async def test_writes_of_different_kinds_share_a_commit(store: Store) -> None:
    (seq,) = await processed(store, "r/1")
    before = store.commits
    with writer_held(store):
        waiting = [
            store.accept(accept("signups", "r/2")),
            store.settle(Settlement(NOW, delivered=[seq])),
            store.process(Processed(NOW, None)),
            store.bury(letter()),
            store.pause("crm", NOW),
            store.ping(),
        ]
    await asyncio.gather(*waiting)
    assert store.commits - before == 2


async def test_one_bad_write_among_many_fails_alone(store: Store) -> None:
    with writer_held(store):
        good = [store.accept(accept("signups", f"r/{n}")) for n in range(10)]
        bad = store.drop_dead(Selection(ids=[7]))
        more = [store.accept(accept("signups", f"r/{n}")) for n in range(10, 20)]
    with pytest.raises(NotFoundError, match="no dead letter 7"):
        await bad
    assert [len(result) for result in await asyncio.gather(*good, *more)] == [1] * 20


async def test_a_write_that_breaks_down_fails_alone_and_the_writer_goes_on(store: Store) -> None:
    # A number SQLite cannot hold raised OverflowError in the writer's thread, and with it the thread was gone.
    with writer_held(store):
        good = store.accept(accept("signups", "r/1"))
        bad = store.replay(Replay(until=2**70))
    with pytest.raises(OverflowError):
        await bad
    assert len(await good) == 1
    assert await accepted(store, "r/2") == [2]


async def test_a_write_that_breaks_a_constraint_fails_alone_and_the_writer_goes_on(store: Store) -> None:
    with writer_held(store):
        bad = store.bury(letter(stage="nowhere"))
        good = store.accept(accept("signups", "r/1"))
    with pytest.raises(StoreError, match="CONSTRAINT"):
        await bad
    assert len(await good) == 1
    assert await accepted(store, "r/2") == [2]


async def test_a_listener_is_told_of_each_commit_before_those_who_wait(store: Store) -> None:
    told: list[str] = []
    store.on_accepted(lambda batches, results: told.append(f"{len(batches)} batches, {len(results)} results"))

    async def one(name: str) -> None:
        await store.accept(accept("signups", name))
        told.append(name)

    async with anyio.create_task_group() as tasks:
        with writer_held(store):
            for name in ("a", "b", "c"):
                tasks.start_soon(one, name)
            await anyio.sleep(0.01)
    assert told[0] == "3 batches, 3 results"
    assert sorted(told[1:]) == ["a", "b", "c"]


async def test_a_write_whose_caller_is_gone_is_committed_all_the_same(store: Store) -> None:
    with writer_held(store):
        store.accept(accept("signups", "r/1")).cancel()
    assert await accepted(store, "r/1") == []


async def test_closing_commits_what_waits(tmp_path: Path) -> None:
    store = await Store(tmp_path / "groundswell.db").open()
    with writer_held(store):
        waiting = [store.accept(accept("signups", f"r/{n}")) for n in range(5)]
    await store.close()
    assert all(write.done() for write in waiting)
    async with Store(tmp_path / "groundswell.db") as store:
        assert await store.last_accepted() == 5


async def test_a_close_that_is_cancelled_still_closes(tmp_path: Path) -> None:
    with anyio.CancelScope() as scope:
        async with Store(tmp_path / "groundswell.db") as store:
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    async with Store(tmp_path / "groundswell.db") as store:
        assert await accepted(store, "r/1") == [1]


async def test_readers_do_not_wait_for_a_long_write(store: Store) -> None:
    await processed(store, "r/1")
    with writer_held(store):
        with anyio.fail_after(5):
            assert await store.position() == 1
            assert len(await store.pending_after("crm", 0, 10, SIZE)) == 1


# ---- accept ----


async def test_what_was_accepted_is_found_again_in_order_as_it_came(store: Store) -> None:
    raw = b'{"a":\t"caf\xc3\xa9 \\u0000", "big": 12345678901234567890}'
    await store.accept(Accept("signups", NOW, [Arrival("r/1", raw, {"seen": 1}), Arrival("r/2", b"[]")]))
    first, second = await store.arrivals_after(0, 10, SIZE)
    assert (first.seq, first.source, first.received_at, first.arrival) == (1, "signups", NOW, Arrival("r/1", raw))
    assert (second.seq, second.arrival.id) == (2, "r/2")


async def test_an_id_is_refused_twice_within_a_batch(store: Store) -> None:
    entries = await store.accept(accept("signups", "r/1", "r/2", "r/1"))
    assert [entry.arrival.id for entry in entries] == ["r/1", "r/2"]


async def test_an_id_is_refused_twice_between_batches_of_one_commit(store: Store) -> None:
    with writer_held(store):
        waiting = [store.accept(accept("signups", "r/1", "r/2")), store.accept(accept("letters", "r/2", "r/3"))]
    first, second = await asyncio.gather(*waiting)
    assert [entry.arrival.id for entry in first] == ["r/1", "r/2"]
    assert [entry.arrival.id for entry in second] == ["r/3"]
    assert [entry.seq for entry in await store.arrivals_after(0, 10, SIZE)] == [e.seq for e in (*first, *second)]


async def test_an_id_is_refused_twice_across_a_restart(tmp_path: Path) -> None:
    for expected in (1, 0):
        async with Store(tmp_path / "groundswell.db") as store:
            assert len(await store.accept(accept("signups", "r/1"))) == expected


async def test_a_large_batch_with_duplicates_everywhere(store: Store) -> None:
    await accepted(store, *(f"r/{n}" for n in range(0, 1_000, 3)))
    fresh = await store.accept(accept("signups", *(f"r/{n}" for n in range(1_000))))
    assert [e.arrival.id for e in fresh] == [f"r/{n}" for n in range(1_000) if n % 3]


async def test_a_cursor_is_saved_with_its_batch(store: Store) -> None:
    assert await store.cursor("people") is None
    await store.accept(accept("people", "r/1", cursor="page 1"))
    await store.accept(accept("people", "r/2"))
    assert await store.cursor("people") == "page 1"
    await store.accept(accept("people", cursor="page 2"))
    assert (await store.cursor("people"), await store.cursor("others")) == ("page 2", None)


async def test_no_cursor_is_saved_when_its_batch_is_not(tmp_path: Path) -> None:
    async with Store(tmp_path / "groundswell.db", size_max=600_000) as store:
        await store.accept(accept("people", "r/0", cursor="page 0"))
        with pytest.raises(StoreFullError):
            await store.accept(accept("people", "r/1", cursor="page 1", raw=b"x" * 1_000_000))
        assert await store.cursor("people") == "page 0"


async def test_reads_end_with_the_entry_that_reaches_the_size_asked_for(store: Store) -> None:
    await store.accept(accept("signups", "r/1", "r/2", "r/3", raw=b"x" * 100))
    sizes = {size: len(await store.arrivals_after(0, 10, size)) for size in (1, 100, 101, 200, 201, 1_000)}
    assert sizes == {1: 1, 100: 1, 101: 2, 200: 2, 201: 3, 1_000: 3}
    assert [e.seq for e in await store.arrivals_after(1, 1, SIZE)] == [2]
    assert await store.arrivals_after(3, 10, SIZE) == []


# ---- process, settle ----


async def test_deliveries_and_the_position_are_written_together(store: Store) -> None:
    await accepted(store, "r/1", "r/2")
    made = [("crm", 1, delivery("r/1")), ("log", 1, delivery("r/1")), ("crm", 2, delivery("r/2", "sam"))]
    pending = await store.process(Processed(NOW, 2, made))
    assert [(p.seq, p.sink, p.inbox_seq, p.created_at) for p in pending] == [
        (1, "crm", 1, NOW),
        (2, "log", 1, NOW),
        (3, "crm", 2, NOW),
    ]
    assert await store.position() == 2
    assert await store.pending_after("crm", 0, 10, SIZE) == [pending[0], pending[2]]


async def test_deliveries_read_back_are_bounded_by_count_and_size(store: Store) -> None:
    await accepted(store, "r/1")
    await store.process(Processed(NOW, 1, [("crm", 1, delivery("r/1", body=b"x" * 50)) for _ in range(5)]))
    assert [p.seq for p in await store.pending_after("crm", 1, 2, SIZE)] == [2, 3]
    assert [p.seq for p in await store.pending_after("crm", 0, 10, 101)] == [1, 2, 3]
    assert [p.seq for p in await store.pending_among([5, 1, 4], SIZE)] == [1, 4, 5]
    assert [p.seq for p in await store.pending_among([5, 1, 4], 50)] == [1]
    assert await store.pending_among([77], SIZE) == []


async def test_what_is_settled_moves_to_the_log(store: Store) -> None:
    await processed(store, *(f"r/{n}" for n in range(1, 6)))
    dead = letter(record_id="r/4", inbox_seq=4, attempts=3)
    await store.settle(Settlement(NOW + 5, delivered=[1], skipped=[(2, "same")], coalesced=[3], dead=[(4, dead)]))
    assert [p.seq for p in await store.pending_after("crm", 0, 10, SIZE)] == [5]
    assert rows(store, "SELECT seq, outcome, note, attempts, settled_at FROM deliveries ORDER BY seq") == [
        (1, "delivered", None, 1, NOW + 5),
        (2, "skipped", "same", 0, NOW + 5),
        (3, "coalesced", None, 0, NOW + 5),
        (4, "dead", "rejected", 0, NOW + 5),
    ]
    (row,) = await store.dead_list(Selection(), 10)
    assert (row.letter.record_id, row.letter.attempts, row.source, row.received_at) == ("r/4", 3, "signups", NOW)


async def test_attempts_and_the_next_try_survive_a_restart(tmp_path: Path) -> None:
    async with Store(tmp_path / "groundswell.db") as store:
        (seq,) = await processed(store, "r/1")
        await store.settle(Settlement(NOW, retries=[(seq, 3, NOW + 60_000)]))
    async with Store(tmp_path / "groundswell.db") as store:
        (pending,) = await store.pending_after("crm", 0, 10, SIZE)
    assert (pending.delivery.attempts, pending.next_attempt_at, pending.created_at) == (3, NOW + 60_000, NOW)


async def test_backlogs_say_what_waits_for_each_sink(store: Store) -> None:
    await processed(store, "r/1", sinks=["crm", "log"])
    await processed(store, "r/2", sinks=["crm"], at=NOW + 1_000)
    await store.settle(Settlement(NOW, delivered=[2]))
    backlogs = await store.backlogs()
    assert set(backlogs) == {"crm"}
    assert (backlogs["crm"].records, backlogs["crm"].oldest_at, backlogs["crm"].oldest_seq) == (2, NOW, 1)


async def test_the_inbox_says_how_many_wait_and_since_when(store: Store) -> None:
    assert await store.inbox_waiting() == (0, None)
    await processed(store, "r/0")
    await accepted(store, "r/1", at=NOW + 1)
    await accepted(store, "r/2", "r/3", at=NOW + 2)
    assert await store.inbox_waiting() == (3, NOW + 1)


# ---- dead letters ----


async def test_a_dead_letter_of_a_sink_goes_back_to_that_sink_as_new(store: Store) -> None:
    await processed(store, "r/1", sinks=["crm", "log"])
    await store.settle(Settlement(NOW, delivered=[2], dead=[(1, letter(attempts=9))]))
    retried = await store.retry_dead(Selection(ids=[1]), NOW + 7)
    assert (retried.process, retried.deliver) == (0, {"crm": 1})
    (pending,) = await store.pending_after("crm", 0, 10, SIZE)
    assert (pending.seq, pending.inbox_seq, pending.created_at, pending.next_attempt_at) == (3, 1, NOW + 7, 0)
    assert (pending.delivery.attempts, pending.delivery.body, pending.delivery.lane) == (0, BODY, "rosa")
    assert await store.dead_groups() == []


@pytest.mark.parametrize("known_by", [{"phone": "+15035550144"}, {"ids": {"groundswell": "7"}}])
@pytest.mark.parametrize(("said_since", "sent"), [("no", False), ("yes", True), ("unknown", True)])
async def test_a_yes_that_is_retried_after_a_stop_is_none_any_more(
    said_since: Any, sent: bool, known_by: Any, store: Store
) -> None:
    yes = to_json(Record("r/1", "person", "signups", person=Person(zip="97201", sms_opt_in=True, **known_by)))
    stop = to_json(Record("r/2", "person", "signups", person=Person(sms_opt_in=False, **known_by)))
    await processed(store, "r/1", "r/2")
    await store.settle(Settlement(NOW, dead=[(1, letter(body=yes)), (2, letter(record_id="r/2", body=stop))]))
    changes = Changes({7: Member(7, "+15035550144", consent=said_since), 8: Member(8, "+15035550145", consent="no")})
    await store.process(Processed(NOW, None, changes=changes))
    await store.retry_dead(Selection(), NOW)
    told = [from_json(pending.delivery.body).person for pending in await store.pending_after("crm", 0, 10, SIZE)]
    assert told == [Person(zip="97201", sms_opt_in=sent, **known_by), Person(sms_opt_in=False, **known_by)]


async def test_a_dead_letter_of_processing_is_processed_again(store: Store) -> None:
    await accepted(store, "r/1")
    await store.process(Processed(NOW, 1, dead=[letter("process", component="tidy", body=None)]))
    assert (await store.retry_dead(Selection(component="tidy"), NOW)).process == 1
    (entry,) = await store.replays(10, SIZE)
    assert entry.arrival.id == "r/1"
    await store.process(Processed(NOW, None, [("crm", 1, delivery("r/1"))], replayed=[1]))
    assert await store.replays(10, SIZE) == []
    assert await store.dead_groups() == []


async def test_a_replay_takes_the_place_of_an_earlier_dead_letter(store: Store) -> None:
    # Left there, it could be retried as well, and would deliver the record a second time.
    await accepted(store, "r/1")
    await store.process(Processed(NOW, 1, dead=[letter("process", body=None)]))
    await store.replay(Replay())
    await store.process(Processed(NOW, None, dead=[letter("process", body=None, reason="still")], replayed=[1]))
    assert [(group.reason, group.count) for group in await store.dead_groups()] == [("still", 1)]


async def test_an_unreadable_body_cannot_be_retried_and_can_be_dropped(store: Store) -> None:
    await store.bury(letter("accept", "signups:sha256-1", None, component="signups", body=b"{"))
    with pytest.raises(RequestError, match="cannot be retried"):
        await store.retry_dead(Selection(ids=[1]), NOW)
    assert (await store.retry_dead(Selection(), NOW)).process == 0
    assert (await store.dead_show(1)).letter.body == b"{"
    assert await store.drop_dead(Selection(ids=[1])) == 1
    with pytest.raises(NotFoundError):
        await store.dead_show(1)


async def test_the_same_unreadable_body_is_kept_once_and_only_so_many_of_a_source(store: Store) -> None:
    many = [letter("accept", f"signups:{n}", None, component="signups") for n in range(UNREADABLE_KEPT_MAX + 5)]
    await asyncio.gather(*map(store.bury, many))
    await store.bury(many[-1])
    await store.bury(letter("accept", "letters:1", None, component="letters"))
    assert {group.component: group.count for group in await store.dead_groups()} == {
        "signups": UNREADABLE_KEPT_MAX,
        "letters": 1,
    }
    assert rows(store, "SELECT min(record_id = 'signups:5') FROM dead_letters WHERE id = 6") == [(1,)]


async def test_numbers_of_dead_letters_are_never_used_again(store: Store) -> None:
    await store.bury(letter())
    await store.drop_dead(Selection())
    await store.bury(letter())
    assert [row.id for row in await store.dead_list(Selection(), 10)] == [2]


async def test_dead_letters_are_listed_by_component_reason_and_page(store: Store) -> None:
    for number in range(6):
        where, why = "crm" if number % 2 else "log", "r" if number < 4 else "s"
        await store.bury(letter(component=where, reason=why, record_id=f"r/{number}"))
    assert [row.id for row in await store.dead_list(Selection(component="crm"), 10)] == [2, 4, 6]
    assert [row.id for row in await store.dead_list(Selection(reason="s"), 10)] == [5, 6]
    assert [row.id for row in await store.dead_list(Selection(), 2, after=3)] == [4, 5]
    assert [row.letter.body for row in await store.dead_list(Selection(), 1)] == [None]
    groups = [(group.component, group.reason, group.count) for group in await store.dead_groups()]
    assert groups == [("crm", "r", 2), ("crm", "s", 1), ("log", "r", 2), ("log", "s", 1)]


async def test_what_a_sink_refuses_again_has_one_letter(store: Store) -> None:
    # Each resend of a past with gifts that cannot be written down added all their letters once more.
    for reason, component in (("no_email", "crm"), ("no_email", "log"), ("no_page", "crm")):
        await store.bury(letter(component=component, reason=reason))
    await store.bury(letter(component="crm", record_id="another"))
    rows = await store.dead_list(Selection(), 10)
    assert [(row.id, row.letter.component, row.letter.reason) for row in rows] == [
        (2, "log", "no_email"), (3, "crm", "no_page"), (4, "crm", letter().reason),
    ]  # fmt: skip


async def test_a_dead_letter_of_processing_shows_what_came(store: Store) -> None:
    await store.accept(accept("signups", "r/1", raw=b'{"as": "it came"}'))
    await store.process(Processed(NOW, 1, dead=[letter("process", body=None)]))
    shown = await store.dead_show(1)
    assert (shown.letter.body, shown.source, shown.received_at) == (b'{"as": "it came"}', "signups", NOW)


async def test_naming_a_dead_letter_that_is_not_there_changes_nothing(store: Store) -> None:
    await store.bury(letter())
    for write in (store.drop_dead(Selection(ids=[1, 9])), store.retry_dead(Selection(ids=[1, 9]), NOW)):
        with pytest.raises(NotFoundError, match="dead letter 9"):
            await write
    assert len(await store.dead_list(Selection(), 10)) == 1


# ---- replay ----


async def test_a_replay_finds_by_source_time_and_id_what_was_processed(store: Store) -> None:
    await accepted(store, "r/1", at=NOW)
    await accepted(store, "r/2", source="letters", at=NOW + 10)
    await accepted(store, "r/3", at=NOW + 20)
    await accepted(store, "r/4", at=NOW + 30)
    await store.process(Processed(NOW, 3))
    assert await store.replay(Replay(["signups"], since=NOW + 1)) == 1
    assert await store.replay(Replay(until=NOW)) == 1
    assert await store.replay(Replay(["letters"])) == 1
    assert await store.replay(Replay()) == 0  # all three are on their way; the fourth was not processed yet
    assert [entry.seq for entry in await store.replays(10, SIZE)] == [1, 2, 3]
    assert [entry.seq for entry in await store.replays(2, SIZE)] == [1, 2]
    assert [entry.seq for entry in await store.replays(10, 1)] == [1]
    await store.process(Processed(NOW, None, replayed=[1, 2, 3]))
    assert await store.replay(Replay(ids=["r/2", "r/4", "r/9"])) == 1


# ---- trace, keys, pauses ----


async def test_a_trace_shows_the_whole_way_of_a_record(store: Store) -> None:
    with pytest.raises(NotFoundError, match="r/1"):
        await store.trace("r/1")
    await accepted(store, "r/1")
    assert not (await store.trace("r/1")).is_processed
    made = [(sink, 1, delivery("r/1")) for sink in ("crm", "log", "sms")]
    await store.process(Processed(NOW + 1, 1, made))
    await store.settle(Settlement(NOW + 2, delivered=[1], retries=[(2, 1, NOW + 99)], dead=[(3, letter())]))
    trace = await store.trace("r/1")
    assert (trace.source, trace.received_at, trace.raw, trace.is_processed) == ("signups", NOW, b"{}", True)
    assert [tuple(waiting) for waiting in trace.waiting] == [("log", 1, NOW + 99, NOW + 1)]
    assert [tuple(settled) for settled in trace.settled] == [
        ("crm", "delivered", None, 1, NOW + 2, NOW + 1),
        ("sms", "dead", "rejected", 0, NOW + 2, NOW + 1),
    ]
    assert trace.dead == [1]


async def test_api_keys_are_kept_and_revoked_and_a_revoked_name_is_free(store: Store) -> None:
    await store.create_key(Key("acc1", "forms", "hash1", NOW))
    with pytest.raises(RequestError, match='named "forms" already'):
        await store.create_key(Key("acc2", "forms", "hash2", NOW))
    await store.revoke_key("forms", NOW + 1)
    with pytest.raises(NotFoundError):
        await store.revoke_key("forms", NOW + 2)
    await store.create_key(Key("acc2", "forms", "hash2", NOW + 3))
    await store.revoke_key("acc2", NOW + 4)
    assert await store.keys() == [Key("acc2", "forms", "hash2", NOW + 3, NOW + 4)]


async def test_paused_components_stay_so_until_resumed(tmp_path: Path) -> None:
    async with Store(tmp_path / "groundswell.db") as store:
        await store.pause("crm", NOW)
        await store.pause("crm", NOW + 1)
        await store.pause("log", NOW)
        await store.resume("log")
    async with Store(tmp_path / "groundswell.db") as store:
        assert await store.paused() == {"crm"}


# ---- numbers ----


async def test_numbers_of_deliveries_never_start_again(tmp_path: Path) -> None:
    async with Store(tmp_path / "groundswell.db") as store:
        await processed(store, "r/1", "r/2")
        await store.settle(Settlement(NOW, delivered=[1, 2]))
    async with Store(tmp_path / "groundswell.db") as store:
        assert await processed(store, "r/3") == [3]
        await store.settle(Settlement(NOW, dead=[(3, letter(record_id="r/3", inbox_seq=3))]))
        await store.retry_dead(Selection(), NOW)
        assert await processed(store, "r/4") == [5]
