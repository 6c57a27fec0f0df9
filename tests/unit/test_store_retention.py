"""Forgetting what is old: only that, in small steps, and the room is given back."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from groundswell.component import Arrival, Delivery
from groundswell.record import Record, to_json
from groundswell.store.database import PAGE_BYTES
from groundswell.store.dead_letters import DeadLetter, Selection
from groundswell.store.inbox import Accept, Replay
from groundswell.store.outbox import Processed, Settlement
from groundswell.store.retention import FREE_PAGES_KEPT, PAGES_PER_STEP, ROWS_PER_STEP, Purge
from groundswell.store.store import Store

OLD = 1_777_000_000_000
CUT = OLD + 1_000
YOUNG = OLD + 2_000


async def accept(store: Store, count: int, at: int = OLD, raw: bytes = b"{}") -> list[int]:
    first = await store.last_accepted()
    arrivals = [Arrival(f"r/{first + n}", raw) for n in range(1, count + 1)]
    return [entry.seq for entry in await store.accept(Accept("signups", at, arrivals))]


async def process(store: Store, seqs: Sequence[int], at: int = OLD, dead: Sequence[int] = ()) -> list[int]:
    made = [("crm", seq, Delivery(f"r/{seq}", "action", "rosa", b"{}")) for seq in seqs if seq not in dead]
    letters = [
        DeadLetter("process", "tidy", "no_phone", "it has no phone", f"r/{seq}", at, seq) for seq in seqs if seq in dead
    ]
    return [pending.seq for pending in await store.process(Processed(at, seqs[-1], made, letters))]


async def purge(store: Store, before: int = CUT) -> list[int]:
    """Purge to the end; the rows forgotten in each step."""
    steps = []
    step: Purge | None = Purge(before)
    while step is not None:
        done = await store.purge(step)
        steps.append(done.rows)
        step = done.next
    return steps


async def inbox(store: Store) -> list[int]:
    return [entry.seq for entry in await store.arrivals_after(0, 100_000, 2**40)]


def column(store: Store, query: str) -> list[Any]:
    with closing(sqlite3.connect(store.path)) as connection:
        return [row[0] for row in connection.execute(query)]


async def test_what_is_old_and_done_is_forgotten_and_nothing_else(store: Store) -> None:
    old = await accept(store, 5)
    young = await accept(store, 5, at=YOUNG)
    deliveries = await process(store, old + young)
    await store.settle(Settlement(OLD, delivered=deliveries[:5]))
    await store.settle(Settlement(YOUNG, delivered=deliveries[5:]))
    assert await purge(store) == [10]
    assert await inbox(store) == young
    assert column(store, "SELECT seq FROM deliveries") == deliveries[5:]


async def test_what_waits_to_be_processed_is_kept_however_old(store: Store) -> None:
    seqs = await accept(store, 5)
    await process(store, seqs[:3])
    await purge(store)
    assert await inbox(store) == seqs[3:]


async def test_what_waits_to_be_delivered_is_kept_however_old(store: Store) -> None:
    seqs = await accept(store, 5)
    await process(store, seqs)
    await purge(store)
    assert [pending.seq for pending in await store.pending_after("crm", 0, 10, 2**40)] == [1, 2, 3, 4, 5]


async def test_what_a_dead_letter_of_processing_needs_is_kept(store: Store) -> None:
    seqs = await accept(store, 5)
    await process(store, seqs, dead=[2, 4])
    await purge(store)
    assert await inbox(store) == [2, 4, 5]  # 5 is the newest
    await store.drop_dead(Selection(ids=[1]))
    await purge(store)
    assert await inbox(store) == [4, 5]
    assert (await store.retry_dead(Selection(), YOUNG)).process == 1
    await purge(store)
    assert [entry.seq for entry in await store.replays(10, 2**40)] == [4]


async def test_what_is_to_be_replayed_is_kept(store: Store) -> None:
    seqs = await accept(store, 5)
    await process(store, seqs)
    await store.replay(Replay(ids=["r/2"]))
    await purge(store)
    assert await inbox(store) == [2, 5]


async def test_dead_letters_themselves_are_never_forgotten(store: Store) -> None:
    seqs = await accept(store, 3)
    (first, *_) = await process(store, seqs)
    body = to_json(Record("r/1", "action", "signups"))
    letter = DeadLetter("deliver", "crm", "rejected", "no", "r/1", OLD, 1, "action", "rosa", body)
    await store.settle(Settlement(OLD, dead=[(first, letter)]))
    await store.bury(DeadLetter("accept", "signups", "unreadable", "not JSON", "signups:1", OLD, body=b"{"))
    await purge(store)
    assert len(await store.dead_list(Selection(), 10)) == 2
    assert (await store.dead_show(1)).letter.body == body
    assert (await store.retry_dead(Selection(ids=[1]), YOUNG)).deliver == {"crm": 1}


async def test_numbers_never_start_again_after_everything_was_forgotten(store: Store) -> None:
    seqs = await accept(store, 5)
    deliveries = await process(store, seqs)
    await store.settle(Settlement(OLD, delivered=deliveries))
    await purge(store)
    more = await accept(store, 2, at=YOUNG)
    assert more == [6, 7]
    assert await process(store, more) == [6, 7]


async def test_numbers_never_start_again_across_a_restart_after_a_purge(store: Store) -> None:
    seqs = await accept(store, 5)
    await store.settle(Settlement(OLD, delivered=await process(store, seqs)))
    await purge(store)
    await store.close()
    await store.open()
    assert await accept(store, 1, at=YOUNG) == [6]
    assert await process(store, [6]) == [6]


async def test_a_forgotten_id_is_new_again_and_a_kept_one_is_not(store: Store) -> None:
    await process(store, await accept(store, 3))
    await purge(store)
    entries = await store.accept(Accept("signups", YOUNG, [Arrival(f"r/{n}", b"{}") for n in (1, 2, 3)]))
    assert [entry.arrival.id for entry in entries] == ["r/1", "r/2"]


async def test_each_step_is_small_and_all_of_them_forget_all(store: Store) -> None:
    count = 3 * ROWS_PER_STEP + 7
    seqs = await accept(store, count)
    await store.settle(Settlement(OLD, delivered=await process(store, seqs)))
    steps = await purge(store)
    assert len(steps) == 4
    assert max(steps) <= 2 * ROWS_PER_STEP
    assert sum(steps) == 2 * (count - 1)


async def test_old_rows_behind_many_that_are_kept_are_found(store: Store) -> None:
    seqs = await accept(store, 2 * ROWS_PER_STEP + 20)
    await process(store, seqs, dead=seqs[: 2 * ROWS_PER_STEP])
    await purge(store)
    assert await inbox(store) == [*seqs[: 2 * ROWS_PER_STEP], seqs[-1]]


async def test_with_nothing_old_one_look_is_enough(store: Store) -> None:
    await process(store, await accept(store, 3 * ROWS_PER_STEP, at=YOUNG))
    assert await purge(store) == [0]


async def test_the_file_shrinks_when_much_was_forgotten(store: Store) -> None:
    raw = b"x" * 4_000
    for _ in range(10):
        await process(store, await accept(store, 300, raw=raw))
    await store.close()
    await store.open()
    before = store.path.stat().st_size
    steps = await purge(store)
    await store.close()
    after = store.path.stat().st_size
    await store.open()
    pages = 1_500  # two rows to each, about
    assert before > pages * PAGE_BYTES
    assert after < (FREE_PAGES_KEPT + 500) * PAGE_BYTES
    assert len(steps) >= (pages - FREE_PAGES_KEPT) // PAGES_PER_STEP


async def test_little_room_is_kept_in_the_file_for_what_comes_next(store: Store) -> None:
    await process(store, await accept(store, 300, raw=b"x" * 2_000))
    before = await store.size()
    await purge(store)
    assert await store.size() == before
