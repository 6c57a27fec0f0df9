"""The newest records and how far each has come, and dead letters mended by hand."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from groundswell.component import Arrival, Delivery
from groundswell.errors import NotFoundError, RequestError
from groundswell.record import Person, Record, from_json, lane_of, to_json
from groundswell.store import records
from groundswell.store.dead_letters import DeadLetter, Selection
from groundswell.store.editing import Edit
from groundswell.store.inbox import Accept, Replay
from groundswell.store.outbox import Processed, Settlement
from groundswell.store.records import RecordQuery, RecordState
from groundswell.store.store import Store

NOW = 1_777_719_609_000
ROSA = Record("r/1", "action", "signups", person=Person(phone="+15035550144", zip="9720", sms_opt_in=True))


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store(tmp_path / "groundswell.db") as opened:
        yield opened


async def accept(store: Store, *record_ids: str, source: str = "signups") -> int:
    """Accept these; the number of the last."""
    entries = await store.accept(Accept(source, NOW, [Arrival(one, b"{}") for one in record_ids]))
    return entries[-1].seq


def dead(record: Record = ROSA, sink: str = "crm", seq: int = 1, stage: Any = "deliver") -> DeadLetter:
    body = to_json(record) if stage == "deliver" else None
    return DeadLetter(
        stage, sink, "rejected", "it said no", record.id, NOW + 5, seq, record.kind, lane_of(record), body, 2
    )


async def send(store: Store, seq: int, *sinks: str, record: Record = ROSA) -> list[int]:
    """Process up to this arrival, with a delivery of it for each of these sinks."""
    made = [(sink, seq, Delivery(record.id, record.kind, lane_of(record), to_json(record))) for sink in sinks]
    return [pending.seq for pending in await store.process(Processed(NOW + 1, seq, made))]


async def states(store: Store, **asked: Any) -> dict[str, RecordState]:
    return {row.record_id: row.state for row in (await store.records(RecordQuery(**asked))).rows}


async def one_of_each(store: Store) -> None:
    """Six records, each in another state; the last is not processed yet."""
    await accept(store, "delivered", "to_retry", "buried", "dropped", "filtered", source="signups")
    for number, name in enumerate(("delivered", "to_retry", "buried", "dropped"), 1):
        seqs = await send(store, number, "crm", "archive", record=Record(name, "action", "signups"))
        await store.settle(Settlement(NOW + 2, delivered=seqs[1:]))
        if name == "delivered":
            await store.settle(Settlement(NOW + 2, delivered=seqs[:1]))
        elif name != "to_retry":
            letter = dead(Record(name, "action", "signups"), seq=number)
            await store.settle(Settlement(NOW + 2, dead=[(seqs[0], letter)]))
    await store.process(Processed(NOW, 5))
    await store.drop_dead(Selection(ids=[2]))
    await accept(store, "new", source="letters")


async def test_each_record_is_in_the_state_that_says_most(store: Store) -> None:
    await one_of_each(store)
    assert await states(store) == {
        "new": "waiting",
        "filtered": "nowhere",
        "dropped": "dropped",
        "buried": "dead",
        "to_retry": "waiting",
        "delivered": "delivered",
    }
    assert next(iter(await states(store))) == "new", "the newest first"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"source": "letters"}, ["new"]),
        ({"sink": "archive"}, ["dropped", "buried", "to_retry", "delivered"]),
        ({"sink": "archive", "state": "delivered"}, ["dropped", "buried", "to_retry", "delivered"]),
        ({"sink": "crm", "state": "delivered"}, ["delivered"]),
        ({"state": "dead"}, ["buried"]),
        ({"state": "dead", "sink": "archive"}, []),
        ({"state": "waiting"}, ["new", "to_retry"]),
        ({"state": "waiting", "sink": "crm"}, ["to_retry"]),
        ({"state": "nowhere"}, ["filtered"]),
        ({"state": "dropped", "source": "letters"}, []),
    ],
    ids=str,
)
async def test_a_filter_leaves_only_what_is_meant(asked: dict[str, Any], found: list[str], store: Store) -> None:
    await one_of_each(store)
    assert list(await states(store, **asked)) == found


async def test_what_is_processed_once_more_waits(store: Store) -> None:
    await one_of_each(store)
    await store.replay(Replay(ids=["delivered"]))
    assert (await states(store))["delivered"] == "waiting"
    assert (await states(store, state="waiting"))["delivered"] == "waiting"
    assert (await states(store, sink="crm"))["delivered"] == "delivered", "nobody knows yet where it goes"


async def test_a_long_list_comes_in_parts_and_nothing_twice(store: Store) -> None:
    await accept(store, *(f"r/{number}" for number in range(7)))
    found, before = [], 2**62
    while True:
        page = await store.records(RecordQuery(before=before, limit=3))
        found += [row.record_id for row in page.rows]
        if page.next_before is None:
            break
        before = page.next_before
    assert found == [f"r/{number}" for number in reversed(range(7))]


async def test_a_rare_one_is_looked_for_in_parts_of_a_bounded_size(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "LOOKED_AT_MAX", 4)
    await accept(store, "rare", source="letters")
    await accept(store, *(f"r/{number}" for number in range(6)))
    first = await store.records(RecordQuery(source="letters"))
    assert (first.rows, first.next_before, first.looked_at) == ([], 4, 4)
    rest = await store.records(RecordQuery(source="letters", before=first.next_before or 0))
    assert ([row.record_id for row in rest.rows], rest.next_before, rest.looked_at) == (["rare"], None, 3)


async def test_a_look_says_how_many_it_looked_at_and_when_they_were_accepted(store: Store) -> None:
    for minute in range(4):
        await store.accept(Accept("signups", NOW + minute * 60_000, [Arrival(f"r/{minute}", b"{}")]))
    some = await store.records(RecordQuery(limit=2))
    none = await store.records(RecordQuery(state="nowhere"))
    nothing = await store.records(RecordQuery(before=1))
    assert (some.looked_at, some.times) == (2, (NOW + 120_000, NOW + 180_000))
    assert (none.rows, none.looked_at, none.times) == ([], 4, (NOW, NOW + 180_000))
    assert (nothing.rows, nothing.next_before, nothing.looked_at, nothing.times) == ([], None, 0, None)


async def test_what_is_found_late_ends_the_page_where_it_was_found(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "ROWS_PER_READ", 2)
    for number in range(9):
        await accept(store, f"r/{number}", source="letters" if number % 4 == 0 else "signups")
    first = await store.records(RecordQuery(source="letters", limit=2))
    assert ([row.record_id for row in first.rows], first.next_before, first.looked_at) == (["r/8", "r/4"], 5, 5)
    rest = await store.records(RecordQuery(source="letters", before=5, limit=2))
    assert ([row.record_id for row in rest.rows], rest.next_before) == (["r/0"], None)


# ---- mended by hand ----


async def buried(store: Store) -> None:
    """Rosa's delivery to the CRM, refused: dead letter 1."""
    (seq,) = await send(store, await accept(store, "r/1"), "crm")
    await store.settle(Settlement(NOW + 5, dead=[(seq, dead())]))


def mended(**person: Any) -> Record:
    known = {"phone": "+15035550144", "zip": "97201", "sms_opt_in": True}
    return Record("r/1", "action", "signups", person=Person(**(known | person)))


async def test_a_mended_letter_goes_again_and_the_log_says_what_was_changed(store: Store) -> None:
    await buried(store)
    edited = await store.edit_dead(Edit(1, mended(city="Portland"), NOW + 9))
    assert (edited.sink, edited.changed) == ("crm", ["person.zip", "person.city"])
    (pending,) = await store.pending_after("crm", 0, 10, 2**40)
    assert from_json(pending.delivery.body) == mended(city="Portland")
    assert await store.dead_groups() == []
    trace = await store.trace("r/1")
    assert [(sink, outcome, note) for sink, outcome, note, *_ in trace.settled] == [
        ("crm", "dead", "rejected"),
        ("crm", "edited", "dead letter 1, by hand: person.zip, person.city"),
    ]
    assert [sink for sink, *_ in trace.waiting] == ["crm"]
    await store.settle(Settlement(NOW + 10, delivered=[pending.seq]))
    assert await states(store) == {"r/1": "delivered"}


async def test_with_another_phone_it_takes_the_turn_of_that_phone(store: Store) -> None:
    await buried(store)
    await store.edit_dead(Edit(1, mended(phone="+15035550155", sms_opt_in=False), NOW))
    (pending,) = await store.pending_after("crm", 0, 10, 2**40)
    assert pending.delivery.lane == "+15035550155"


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (Record("r/2", "action", "signups"), "its id is not that"),
        (Record("r/1", "donation", "signups"), "its kind is not that"),
        (Record("r/1", "action", "letters"), "its source is not that"),
        (Record("r/1", "action", "signups", raw={}), '"raw" is never delivered'),
        (mended(email_opt_in=True), "only the person can say yes"),
        (mended(sms_opt_in="yes"), "only the person can say yes"),
        (mended(phone="+15035550155"), "for the phone it was said for"),
        (Record("r/1", "action", "signups", person=Person(sms_opt_in=True)), "for the phone it was said for"),
    ],
    ids=str,
)
async def test_it_stays_what_it_is_and_nobody_says_yes_for_another(record: Record, why: str, store: Store) -> None:
    await buried(store)
    with pytest.raises(RequestError, match=why):
        await store.edit_dead(Edit(1, record, NOW))
    assert (await store.dead_show(1)).letter == dead(), "nothing was changed"


async def test_the_same_phone_written_better_keeps_its_yes(store: Store) -> None:
    record = Record("r/1", "action", "signups", person=Person(phone="(503) 555-0144", sms_opt_in=True))
    await accept(store, "r/1")
    await store.bury(dead(record))
    await store.edit_dead(Edit(1, mended(), NOW))
    (pending,) = await store.pending_after("crm", 0, 10, 2**40)
    assert from_json(pending.delivery.body) == mended()


async def test_only_what_a_sink_refused_can_be_mended(store: Store) -> None:
    await accept(store, "r/1")
    await store.bury(dead(stage="process"))
    with pytest.raises(RequestError, match="never on its way to a sink"):
        await store.edit_dead(Edit(1, ROSA, NOW))
    with pytest.raises(NotFoundError, match="no dead letter 7"):
        await store.edit_dead(Edit(7, ROSA, NOW))


async def test_a_note_of_many_changes_stays_short(store: Store) -> None:
    await buried(store)
    custom = {f"{number:02}" + "x" * 200: 1 for number in range(50)}
    await store.edit_dead(Edit(1, mended(custom=custom), NOW))
    note = (await store.trace("r/1")).settled[-1][2] or ""
    assert len(note) < 2_000
    assert note.endswith("and 31 more")
