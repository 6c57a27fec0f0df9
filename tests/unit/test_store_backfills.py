"""Backfills in the state file: one under way for each source, with a cursor that moves with what it brings."""

import pytest

from groundswell.component import Arrival
from groundswell.errors import RequestError
from groundswell.store.backfills import KEPT_MAX, Backfill, BackfillEnded, NewBackfill
from groundswell.store.brought import Bringing
from groundswell.store.inbox import Accept
from groundswell.store.store import Store

ASKED = NewBackfill("people", ["people", "gifts"], 1_000, 2_000, 3_000)


def batch(backfill: int | None, cursor: str | None, *numbers: int) -> Accept:
    bringing = None if backfill is None else Bringing(backfill)
    return Accept("people", 4_000, [Arrival(f"r/{number}", b"{}") for number in numbers], cursor, bringing)


async def found(store: Store) -> Backfill:
    backfill = await store.backfill("people")
    assert backfill is not None
    return backfill


async def test_it_is_kept_as_it_was_asked_for(store: Store) -> None:
    number = await store.begin_backfill(ASKED)
    assert await found(store) == Backfill(
        asked=ASKED,
        id=number,
        is_paused=False,
        cursor=None,
        records=0,
        accepted=0,
        sent=0,
        known=0,
        dead=0,
        state="running",
        ended_at=None,
        error=None,
    )
    assert await store.backfill("members") is None


async def test_a_batch_moves_its_cursor_and_counts_and_not_the_source_s(store: Store) -> None:
    number = await store.begin_backfill(ASKED)
    await store.accept(batch(None, "own", 1))
    await store.accept(batch(number, "a", 1, 2))
    await store.accept(batch(number, None, 3))
    backfill = await found(store)
    assert (backfill.cursor, backfill.records, backfill.accepted) == ("a", 3, 2)
    assert await store.cursor("people") == "own"


async def test_batches_of_both_in_one_commit_move_each_its_own(store: Store) -> None:
    number = await store.begin_backfill(ASKED)
    writes = [
        store.accept(batch(None, "own", 1)),
        store.accept(batch(number, "its", 1)),
        store.accept(batch(None, "2")),
    ]
    for write in writes:
        await write
    backfill = await found(store)
    assert (backfill.cursor, backfill.records, backfill.accepted) == ("its", 1, 0)
    assert await store.cursor("people") == "2"


async def test_a_second_one_is_refused_until_the_first_has_ended_and_then_takes_its_place(store: Store) -> None:
    first = await store.begin_backfill(ASKED)
    with pytest.raises(RequestError, match="under way already"):
        await store.begin_backfill(ASKED)
    await store.begin_backfill(NewBackfill("members", ["people"], 1_000, 2_000, 3_000))
    assert await store.end_backfill(BackfillEnded(first, "finished", 5_000))
    second = await store.begin_backfill(ASKED)
    assert second != first
    assert [(one.asked.source, one.state) for one in await store.backfills()] == [
        ("members", "running"),
        ("people", "running"),
    ]
    assert (await found(store)).id == second


async def test_what_is_late_from_one_that_ended_does_not_move_the_next(store: Store) -> None:
    first = await store.begin_backfill(ASKED)
    await store.end_backfill(BackfillEnded(first, "cancelled", 5_000))
    await store.begin_backfill(ASKED)
    await store.accept(batch(first, "late", 1))
    backfill = await found(store)
    assert (backfill.cursor, backfill.records) == (None, 0)


async def test_it_ends_once(store: Store) -> None:
    number = await store.begin_backfill(ASKED)
    assert await store.end_backfill(BackfillEnded(number, "failed", 5_000, "gifts cannot be asked for a time"))
    assert not await store.end_backfill(BackfillEnded(number, "finished", 6_000))
    backfill = await found(store)
    assert (backfill.state, backfill.ended_at, backfill.error) == ("failed", 5_000, "gifts cannot be asked for a time")


async def test_it_rests_and_goes_on_until_it_has_ended(store: Store) -> None:
    number = await store.begin_backfill(ASKED)
    assert await store.pause_backfill(number, is_paused=True)
    assert (await found(store)).is_paused
    assert await store.pause_backfill(number, is_paused=False)
    assert not (await found(store)).is_paused
    await store.end_backfill(BackfillEnded(number, "finished", 5_000))
    assert not await store.pause_backfill(number, is_paused=True)


async def test_of_each_source_the_last_ones_are_kept_newest_first(store: Store) -> None:
    numbers = []
    for source in ("people", "members"):
        for place in range(KEPT_MAX + 3):
            new = NewBackfill(source, ["people"], place, 2_000, 3_000, resends=place % 2 == 1, subscribes=True)
            numbers.append(await store.begin_backfill(new))
            await store.end_backfill(BackfillEnded(numbers[-1], "finished", 5_000))
    of_people = await store.backfill_history("people", 100)
    assert [one.id for one in of_people] == numbers[: KEPT_MAX + 3][: -KEPT_MAX - 1 : -1]
    assert of_people[0].asked == NewBackfill("people", ["people"], KEPT_MAX + 2, 2_000, 3_000, subscribes=True)
    everybody = await store.backfill_history(None, 100)
    assert [one.asked.source for one in everybody] == ["members"] * KEPT_MAX + ["people"] * KEPT_MAX
    assert len(await store.backfills()) == 2
