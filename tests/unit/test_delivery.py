"""The third step: what goes to a sink and when, what becomes of each answer, and what is written down of it."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from groundswell.clock import milliseconds
from groundswell.component import Delivered, Delivery, Outcome, Rejected, Retry, Skipped
from groundswell.errors import (
    NotYetError,
    OvertookError,
    RateLimitedError,
    RejectedError,
    StoreFullError,
    UnauthorizedError,
    UnavailableError,
)
from groundswell.record import Person, Record, from_json, to_json
from groundswell.runtime.retry import LONGEST_WAIT_S, UNAUTHORIZED_PROBE_S
from groundswell.store.dead_letters import Selection
from groundswell.store.outbox import Settlement
from groundswell.store.store import Store
from tests.delivering import Delivering, FakeSink, delivery

AWAY = UnavailableError("crm: posting 1 record: crm.example answered 502 Bad Gateway")
NO = RejectedError("crm: posting 1 record: crm.example answered 422 Unprocessable Entity")
NOBODY = UnauthorizedError("crm: posting 1 record: crm.example answered 401 Unauthorized")


def rows(store: Store, query: str) -> list[Any]:
    with closing(sqlite3.connect(store.path)) as connection:
        return connection.execute(query).fetchall()


def logged(store: Store) -> list[tuple[str, str, int]]:
    """(outcome, note, attempts) of each delivery settled, in order."""
    return rows(store, "SELECT outcome, note, attempts FROM deliveries ORDER BY seq")


async def dead(store: Store) -> list[Any]:
    return [(await store.dead_show(row.id)).letter for row in await store.dead_list(Selection(), 100)]


def edit(record_id: str, lane: str, **fields: Any) -> Delivery:
    record = Record(id=record_id, kind="person", source="people", person=Person(**fields))
    return Delivery(record_id, "person", lane, to_json(record))


def failing(*ids: str, error: Exception = AWAY) -> Any:
    """Answers with this error whenever one of these is in the batch."""

    def answer(deliveries: Sequence[Delivery]) -> Sequence[Outcome] | Exception:
        return error if any(d.record_id in ids for d in deliveries) else [Delivered()] * len(deliveries)

    return answer


# ---- the usual way ----


async def test_what_is_delivered_is_written_down_and_forgotten(store: Store) -> None:
    made = Delivering(store, FakeSink())
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a"), delivery("b"))
        assert sorted(made.sink.taken) == ["a", "b"]
        assert made.runner.waiting == 0
        tasks.cancel_scope.cancel()
    assert logged(store) == [("delivered", None, 1)] * 2
    assert made.count("delivered") == 2


async def test_what_waited_on_disk_is_delivered_after_a_start(store: Store) -> None:
    before = Delivering(store, FakeSink())
    async with anyio.create_task_group() as tasks:
        await before.start(tasks)
        before.runner.pause()
        await before.put(*(delivery(f"r/{n}") for n in range(50)))
        tasks.cancel_scope.cancel()
    made = Delivering(store, FakeSink(), concurrency=1)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        tasks.cancel_scope.cancel()
    assert made.sink.ids == [[f"r/{n}"] for n in range(50)]


async def test_no_more_writes_at_once_than_its_concurrency(store: Store) -> None:
    made = Delivering(store, FakeSink(), concurrency=3)
    made.sink.is_slow = True
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(*(delivery(f"r/{n}") for n in range(10)))
        assert (len(made.sink.calls), made.runner.in_flight) == (3, 3)
        made.sink.let_go()
        await made.settle()
        tasks.cancel_scope.cancel()
    assert (len(made.sink.calls), made.sink.in_flight_max) == (10, 3)


async def test_batches_hold_what_waits_up_to_their_size(store: Store) -> None:
    made = Delivering(store, FakeSink(), concurrency=1, records=4)
    made.sink.is_slow = True
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("first"))
        await made.put(*(delivery(f"r/{n}") for n in range(6)))
        made.sink.let_go()
        await made.settle()
        tasks.cancel_scope.cancel()
    assert made.sink.ids == [["first"], ["r/0", "r/1", "r/2", "r/3"], ["r/4", "r/5"]]


async def test_of_one_person_only_one_is_in_a_batch(store: Store) -> None:
    made = Delivering(store, FakeSink(), concurrency=1, records=10)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a1", "a"), delivery("b1", "b"), delivery("a2", "a"), delivery("a3", "a"))
        tasks.cancel_scope.cancel()
    assert made.sink.ids == [["a1", "b1"], ["a2"], ["a3"]]


async def test_outcomes_within_a_batch_are_each_their_own(store: Store) -> None:
    outcomes: dict[str, Outcome] = {
        "a": Delivered(),
        "b": Skipped("same"),
        "c": Rejected("no_phone", "crm: it wants a phone"),
        "d": Retry(AWAY),
    }
    made = Delivering(store, FakeSink(lambda ds: [outcomes[d.record_id] for d in ds]), records=4)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(*map(delivery, "abcd"))
        assert made.runner.waiting == 1
        tasks.cancel_scope.cancel()
    assert logged(store) == [("delivered", None, 1), ("skipped", "same", 0), ("dead", "no_phone", 0)]
    (letter,) = await dead(store)
    assert (letter.stage, letter.component, letter.reason, letter.message) == (
        "deliver",
        "crm",
        "no_phone",
        "crm: it wants a phone",
    )
    assert (letter.record_id, letter.lane, letter.body, letter.attempts) == ("c", "c", b"{}", 1)
    assert [made.count(word) for word in ("delivered", "skipped", "dead", "retried")] == [1, 1, 1, 1]


async def test_a_batch_waits_a_moment_to_fill(store: Store) -> None:
    made = Delivering(store, FakeSink(), concurrency=1, records=3, wait_s=5)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a"))
        await made.clock.advance(3)
        await made.put(delivery("b"))
        assert made.sink.calls == []
        await made.clock.advance(1.9)
        assert made.sink.calls == []
        await made.clock.advance(0.2)
        assert made.sink.ids == [["a", "b"]]
        await made.put(delivery("c"), delivery("d"), delivery("e"), delivery("f"))
        assert made.sink.ids[1:] == [["c", "d", "e"]]
        await made.clock.advance(5)
        assert made.sink.ids[2:] == [["f"]]
        tasks.cancel_scope.cancel()


async def test_a_probe_does_not_wait_for_a_batch_to_fill(store: Store) -> None:
    made = Delivering(store, FakeSink(failing("a", "b", "c", error=NOBODY)), concurrency=1, records=3, wait_s=50)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(*map(delivery, "abc"))
        assert made.sink.ids == [["a", "b", "c"]]
        made.sink.answer = failing()
        await made.clock.advance(UNAUTHORIZED_PROBE_S)
        assert [len(ids) for ids in made.sink.ids[:2]] == [3, 1]
        tasks.cancel_scope.cancel()


# ---- tried again ----


async def test_what_fails_for_now_is_tried_again_later_and_says_how_often(store: Store) -> None:
    made = Delivering(store, FakeSink(failing("a")))
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a"))
        assert len(made.sink.calls) == 1
        await made.clock.advance(1.1)
        made.sink.answer = failing()
        await made.clock.advance(2.1)
        assert [call[0].attempts for call in made.sink.calls] == [0, 1, 2]
        assert made.runner.waiting == 0
        tasks.cancel_scope.cancel()
    assert logged(store) == [("delivered", None, 3)]


async def test_attempts_and_the_time_of_the_next_are_on_disk_and_survive_a_restart(store: Store) -> None:
    error = RateLimitedError("crm: posting 1 record: crm.example answered 429", 100.0)
    made = Delivering(store, FakeSink(failing("a", error=error)))
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a"))
        tasks.cancel_scope.cancel()
    ((attempts, due),) = rows(store, "SELECT attempts, next_attempt_at FROM outbox")
    assert attempts == 1
    assert 100_000 <= due - milliseconds(made.clock.now()) <= 101_000

    again = Delivering(store, FakeSink(), clock=made.clock)
    async with anyio.create_task_group() as tasks:
        await again.start(tasks)
        await again.put(delivery("a2", "a"), delivery("b"))
        assert again.sink.ids == [["b"]]
        await again.clock.advance(99.5)
        assert again.sink.ids == [["b"]]
        await again.clock.advance(2)
        assert again.sink.ids == [["b"], ["a"], ["a2"]]
        assert again.sink.calls[1][0].attempts == 1
        tasks.cancel_scope.cancel()


async def test_what_overtook_what_it_is_about_lets_it_go_first_and_is_found_then(store: Store) -> None:
    """A refund that came before its gift stood before it in the donor's lane until it was a dead letter."""
    written: set[str] = set()

    def books(deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        (one,) = deliveries
        if one.record_id == "refund" and "gift" not in written:
            return [Retry(OvertookError("crm: the gift is not there yet", 60.0))]
        written.add(one.record_id)
        return [Delivered()]

    sink = FakeSink(books)
    async with anyio.create_task_group() as tasks:
        delivering = Delivering(store, sink, concurrency=1)
        await delivering.start(tasks)
        await delivering.put(delivery("refund", "rosa"))
        await delivering.put(delivery("gift", "rosa"))
        assert sink.taken == ["refund"], "it is looked for again in a minute"
        await delivering.clock.advance(70)
        assert sink.taken == ["refund", "refund", "gift", "refund"]
        tasks.cancel_scope.cancel()
    assert logged(store) == [("delivered", None, 3), ("delivered", None, 1)]


async def test_nobody_overtakes_in_a_lane_while_its_first_waits_and_others_go_on(store: Store) -> None:
    made = Delivering(store, FakeSink(failing("a1")), concurrency=2)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a1", "a"), delivery("a2", "a"), delivery("b1", "b"))
        await made.put(delivery("a3", "a"), delivery("b2", "b"), delivery("c1", "c"))
        assert made.sink.taken == ["a1", "b1", "b2", "c1"]
        made.sink.answer = failing()
        await made.clock.advance(2)
        assert made.sink.taken[4:] == ["a1", "a2", "a3"]
        tasks.cancel_scope.cancel()


async def test_after_long_enough_it_is_given_up_and_what_stood_behind_goes_on(store: Store) -> None:
    made = Delivering(store, FakeSink(failing("a1")), give_up_after=timedelta(minutes=30))
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a1", "a"), delivery("a2", "a"))
        for _ in range(30):
            await made.clock.advance(LONGEST_WAIT_S)
        assert made.sink.ids[-1] == ["a2"]
        assert made.runner.waiting == 0
        tasks.cancel_scope.cancel()
    (letter,) = await dead(store)
    assert (letter.record_id, letter.reason) == ("a1", "gave_up")
    assert str(AWAY) in letter.message
    assert letter.attempts == len([1 for ids in made.sink.ids if ids == ["a1"]])
    assert [outcome for outcome, _, _ in logged(store)] == ["dead", "delivered"]


async def test_what_may_break_them_becomes_a_dead_letter_after_a_few_tries_and_its_lane_goes_on(store: Store) -> None:
    fault = UnavailableError("crm: posting 1 record: crm.example answered 500", tries_max=3)
    made = Delivering(store, FakeSink(failing("a1", error=fault)))
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a1", "a"), delivery("a2", "a"))
        for _ in range(3):  # the third failure in a row closed the gate for a moment
            await made.clock.advance(LONGEST_WAIT_S)
        assert made.sink.taken == ["a1", "a1", "a1", "a2"]
        assert made.runner.waiting == 0
        tasks.cancel_scope.cancel()
    (letter,) = await dead(store)
    assert (letter.record_id, letter.reason, letter.attempts) == ("a1", "gave_up", 3)
    assert letter.message == f"tried 3 times, the last time: {fault}"
    assert made.count("retried") == 3
    assert [outcome for outcome, _, _ in logged(store)] == ["dead", "delivered"]


async def test_an_outage_does_not_use_up_the_few_tries_of_what_may_break_them(store: Store) -> None:
    # A delivery that had met four 429s was a dead letter after its first 500.
    fault = UnavailableError("crm: posting 1 record: crm.example answered 500", tries_max=3)
    made = Delivering(store, FakeSink(failing("a1", error=AWAY)))
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a1", "a"))
        for _ in range(6):
            await made.clock.advance(LONGEST_WAIT_S)
        tried = len(made.sink.calls)
        assert tried > 3
        made.sink.answer = failing("a1", error=fault)
        for _ in range(6):
            await made.clock.advance(LONGEST_WAIT_S)
        tasks.cancel_scope.cancel()
    assert len(made.sink.calls) == tried + 3
    assert [letter.reason for letter in await dead(store)] == ["gave_up"]


async def test_after_a_restart_what_may_break_them_has_all_its_tries_again(store: Store) -> None:
    """Of tries before it nobody knows why they failed: gifts that had waited for others, or through an outage, were
    dead letters after the first 500 that came after a restart."""
    fault = UnavailableError("crm: posting 1 record: crm.example answered 500", tries_max=3)
    sink = FakeSink(failing("a", error=fault))
    first = Delivering(store, sink)
    async with anyio.create_task_group() as tasks:
        await first.start(tasks)
        await first.put(delivery("a"))
        tasks.cancel_scope.cancel()
    again = Delivering(store, sink, clock=first.clock)
    async with anyio.create_task_group() as tasks:
        await again.start(tasks)
        for _ in range(4):
            await again.clock.advance(LONGEST_WAIT_S)
        tasks.cancel_scope.cancel()
    assert len(sink.calls) == 4
    assert [letter.attempts for letter in await dead(store)] == [4]


async def test_an_outage_makes_no_dead_letter_however_often_it_is_tried(store: Store) -> None:
    plain = UnavailableError("crm: posting 1 record: crm.example answered 503")
    made = Delivering(store, FakeSink(failing("a", error=plain)))
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a"))
        for _ in range(20):
            await made.clock.advance(LONGEST_WAIT_S)
        assert len(made.sink.calls) == 21
        assert made.runner.waiting == 1
        tasks.cancel_scope.cancel()
    assert await dead(store) == []


async def test_what_was_released_is_loaded_also_while_many_others_wait(store: Store) -> None:
    # Those due again were read back only when fewer than 200 were in memory: never, for a sink with large batches.
    made = Delivering(store, FakeSink(failing("a")), concurrency=2, records=100)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a"))
        made.sink.answer, made.sink.is_slow = failing(), True
        await made.put(*(delivery(f"r/{n}") for n in range(1_500)))
        await made.clock.advance(2)
        made.sink.let_go()
        await made.settle()
        tasks.cancel_scope.cancel()
    place = next(n for n, ids in enumerate(made.sink.ids[1:]) if "a" in ids)
    assert place < 13  # of 15: without, it is the last


async def test_a_calendar_set_back_does_not_make_anybody_wait_longer(store: Store) -> None:
    made = Delivering(store, FakeSink(failing("a")))
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a"))
        made.sink.answer = failing()
        made.clock.set_calendar(-86_400)
        await made.clock.advance(2)
        assert len(made.sink.calls) == 2
        tasks.cancel_scope.cancel()


async def test_while_nothing_can_be_done_nothing_is_done(store: Store) -> None:
    # With the sink away and every delivery waiting for its time, the timer woke a hundred times a second.
    made = Delivering(store, FakeSink(failing("a", "b", "c")), concurrency=1)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(*map(delivery, "abc"))
        for _ in range(5_000):
            now, due = made.clock.now(), made.runner.lanes.next_due
            may_probe = made.runner.gate.allows(made.clock.monotonic())
            if may_probe and not made.runner.lanes.ready and due is not None and due / 1000 - now > 5:
                break
            await made.clock.advance(1)
        else:
            pytest.fail("the gate never opened before the next delivery was due")
        before = made.clock.sleeps
        for _ in range(200):
            await made.clock.advance(0.01)
        assert made.clock.sleeps - before <= 5
        tasks.cancel_scope.cancel()


# ---- refused ----


async def test_a_refused_batch_is_halved_until_the_one_at_fault_is_found(store: Store) -> None:
    made = Delivering(store, FakeSink(failing("r/5", error=NO)), concurrency=1, records=8)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(*(delivery(f"r/{n}") for n in range(8)))
        tasks.cancel_scope.cancel()
    assert [len(ids) for ids in made.sink.ids] == [8, 4, 4, 2, 1, 1, 2]
    (letter,) = await dead(store)
    assert (letter.record_id, letter.reason, letter.message) == ("r/5", "rejected", str(NO))
    assert made.count("delivered") == 7
    assert made.runner.gate.state == "running"


async def test_when_it_goes_away_while_a_batch_is_halved_the_rest_is_kept_for_later(store: Store) -> None:
    def answer(deliveries: Sequence[Delivery]) -> Exception:
        return NO if len(deliveries) == 4 else RateLimitedError("crm: 429", 60.0)

    made = Delivering(store, FakeSink(answer), concurrency=1, records=4)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(*map(delivery, "abcd"))
        assert made.sink.ids == [["a", "b", "c", "d"], ["a", "b"]]
        made.sink.answer = failing()
        await made.clock.advance(62)
        tasks.cancel_scope.cancel()
    assert sorted(made.sink.taken[6:]) == ["a", "b", "c", "d"]
    assert await dead(store) == []


# ---- the sink as a whole ----


async def test_a_sink_that_is_away_is_tried_with_one_delivery_at_a_time(store: Store) -> None:
    everything = [f"r/{n}" for n in range(100)]
    made = Delivering(store, FakeSink(failing(*everything)), concurrency=4)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(*map(delivery, everything))
        assert made.runner.gate.state == "away"
        before = len(made.sink.calls)
        assert before <= 3 + 4
        for _ in range(10):
            await made.clock.advance(60)
        assert made.sink.in_flight_max <= 4
        assert len(made.sink.calls) - before <= 10
        made.sink.answer = failing()
        await made.clock.advance(LONGEST_WAIT_S)
        await made.clock.advance(LONGEST_WAIT_S)
        assert made.runner.waiting == 0
        tasks.cancel_scope.cancel()
    assert made.count("delivered") == 100


async def test_its_coming_and_going_is_told_once(store: Store) -> None:
    made = Delivering(store, FakeSink(failing("a", "b", "c")), concurrency=1)
    with capture_logs() as lines:
        async with anyio.create_task_group() as tasks:
            await made.start(tasks)
            await made.put(*map(delivery, "abc"))
            for _ in range(20):
                await made.clock.advance(60)
            made.sink.answer = failing()
            await made.clock.advance(LONGEST_WAIT_S)
            tasks.cancel_scope.cancel()
    assert [line["event"] for line in lines] == ["sink_in_trouble", "sink_came_back"]
    assert (lines[0]["component"], lines[0]["state"], lines[0]["error"]) == ("crm", "away", str(AWAY))


async def test_refused_credentials_pause_it_and_cost_no_delivery_an_attempt(store: Store) -> None:
    made = Delivering(
        store, FakeSink(failing("a", "b", "c", error=NOBODY)), concurrency=2, give_up_after=timedelta(hours=1)
    )
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(*map(delivery, "abc"))
        assert (made.runner.gate.state, len(made.sink.calls)) == ("unauthorized", 1)
        assert rows(store, "SELECT attempts, next_attempt_at FROM outbox") == [(0, 0)] * 3
        await made.clock.advance(UNAUTHORIZED_PROBE_S - 1)
        assert len(made.sink.calls) == 1
        for _ in range(20):
            await made.clock.advance(UNAUTHORIZED_PROBE_S)
        assert len(made.sink.calls) == 1 + 20
        assert await dead(store) == []
        made.sink.answer = failing()
        await made.clock.advance(UNAUTHORIZED_PROBE_S)
        assert made.runner.waiting == 0
        tasks.cancel_scope.cancel()
    assert logged(store) == [("delivered", None, 1)] * 3


async def test_told_to_wait_nothing_is_sent_until_then_and_again_the_second_time(store: Store) -> None:
    wait = RateLimitedError("crm: posting 1 record: crm.example answered 429", 50.0)
    everything = [f"r/{n}" for n in range(20)]
    made = Delivering(store, FakeSink(failing(*everything, error=wait)), concurrency=2)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(*map(delivery, everything))
        sent = [len(made.sink.calls)]
        for _ in range(4):
            await made.clock.advance(49)
            await made.clock.advance(3)
            sent.append(len(made.sink.calls))
        assert [after - before for before, after in pairwise(sent)] == [1, 1, 1, 1]
        tasks.cancel_scope.cancel()


async def test_told_to_wait_for_a_part_of_a_batch_it_waits(store: Store) -> None:
    wait = RateLimitedError("crm: 429", 50.0)
    outcomes = {"a": Delivered(), "b": Retry(wait)}
    made = Delivering(store, FakeSink(lambda ds: [outcomes.get(d.record_id, Delivered()) for d in ds]), records=2)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(*map(delivery, "abcd"))
        assert made.runner.gate.state == "rate_limited"
        assert made.count("delivered") >= 1
        calls = len(made.sink.calls)
        await made.put(delivery("e"))
        await made.clock.advance(49)
        assert len(made.sink.calls) == calls
        tasks.cancel_scope.cancel()


async def test_a_delivery_that_has_to_wait_by_itself_holds_up_nobody_else(store: Store) -> None:
    sink = FakeSink()
    sink.answer = lambda deliveries: [Retry(NotYetError("crm: not yet", 15.0)) if sink.taken == ["a1"] else Delivered()]
    async with anyio.create_task_group() as tasks:
        runner = Delivering(store, sink)
        await runner.start(tasks)
        with capture_logs() as logs:
            await runner.put(delivery("a1"))
            await runner.put(delivery("b1"))
            assert sink.taken == ["a1", "b1"]
            assert runner.runner.gate.state == "running"
            await runner.clock.advance(14)
            assert sink.taken == ["a1", "b1"]
            await runner.clock.advance(3)
        assert sink.taken == ["a1", "b1", "a1"]
        assert logs == []
        tasks.cancel_scope.cancel()
    assert sorted(logged(store)) == [("delivered", None, 1), ("delivered", None, 2)]


async def test_a_probe_that_has_to_wait_by_itself_leaves_the_probing_to_another(store: Store) -> None:
    sink = FakeSink(lambda deliveries: AWAY)
    async with anyio.create_task_group() as tasks:
        runner = Delivering(store, sink, concurrency=1)
        await runner.start(tasks)
        await runner.put(*[delivery(name) for name in ("a1", "b1", "c1", "d1")])
        assert runner.runner.gate.state == "away"
        sink.calls.clear()
        sink.answer = lambda deliveries: (
            [Retry(NotYetError("crm: not yet", 600.0))] if len(sink.calls) == 1 else [Delivered()]
        )
        await runner.clock.advance(120)
        await runner.clock.advance(1)
        assert runner.runner.gate.state == "running"
        assert sorted(sink.taken) == ["a1", "b1", "c1", "d1"]
        tasks.cancel_scope.cancel()


async def test_a_paused_sink_delivers_nothing_keeps_everything_and_goes_on_at_once(store: Store) -> None:
    made = Delivering(store, FakeSink(failing("a")))
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a"))
        made.runner.pause()
        await made.put(delivery("b"))
        await made.clock.advance(3_600)
        assert made.sink.ids == [["a"]]
        made.sink.answer = failing()
        made.runner.resume()
        await made.settle()
        assert sorted(made.sink.taken[1:]) == ["a", "b"]
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("records_max", [3, 100], ids=["mostly on disk", "in memory"])
async def test_what_leaves_the_outbox_is_recalled_and_no_longer_counted(store: Store, records_max: int) -> None:
    made = Delivering(store, FakeSink(failing("r/0")), records_max=records_max)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("r/0", "held"))
        made.runner.pause()
        await made.put(*(delivery(f"r/{n}", "held" if n == 1 else f"lane {n}") for n in range(1, 500)))
        recalled = {entry.seq for entry in await store.pending_after("crm", 0, 500, 2**30) if entry.seq % 2}
        await store.settle(Settlement(0, forgotten=sorted(recalled)))
        made.runner.drop(recalled)
        made.sink.answer = failing()
        made.runner.resume()
        await made.settle()
        assert sorted(made.sink.taken[1:]) == sorted(f"r/{n}" for n in range(1, 500, 2))
        assert made.runner.waiting == 0
        tasks.cancel_scope.cancel()


# ---- defects of a connector ----


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: ValueError("cannot make sense of Rosa Parks"),
        lambda _: [],
        lambda ds: [Delivered()] * (len(ds) + 1),
        lambda ds: [None] * len(ds),
    ],
    ids=["raises", "too few outcomes", "too many outcomes", "no outcomes"],
)
async def test_a_defect_of_a_connector_is_logged_without_personal_data_and_tried_again(
    store: Store, answer: Any
) -> None:
    # With the wrong number of outcomes the daemon went down.
    made = Delivering(store, FakeSink(answer))
    with capture_logs() as lines:
        async with anyio.create_task_group() as tasks:
            await made.start(tasks)
            await made.put(delivery("a"))
            made.sink.answer = failing()
            await made.clock.advance(2)
            assert made.runner.waiting == 0
            tasks.cancel_scope.cancel()
    assert logged(store) == [("delivered", None, 2)]
    (line,) = [line for line in lines if line["event"] == "sink_defect"]
    assert (line["log_level"], line["component"]) == ("error", "crm")
    assert "delivery.py" in line["exception"]
    assert "Rosa" not in str(lines)


# ---- coalescing ----


async def test_edits_of_a_person_that_wait_go_as_one_and_all_are_settled(store: Store) -> None:
    made = Delivering(store, FakeSink(), concurrency=1)
    made.sink.is_slow = True
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(edit("p/1", "rosa", city="Portland"))
        await made.put(edit("p/2", "rosa", zip="97201"), edit("p/3", "rosa", city="Salem"))
        made.sink.let_go()
        await made.settle()
        assert made.runner.waiting == 0
        tasks.cancel_scope.cancel()
    assert made.sink.ids == [["p/1"], ["p/3"]]
    person = from_json(made.sink.calls[1][0].body).person
    assert person == Person(zip="97201", city="Salem")
    assert logged(store) == [("delivered", None, 1), ("coalesced", None, 0), ("delivered", None, 1)]
    assert (made.count("delivered"), made.count("coalesced")) == (2, 1)


async def test_a_coalesced_delivery_that_fails_is_tried_again_with_what_came_meanwhile(store: Store) -> None:
    made = Delivering(store, FakeSink(failing("p/2")), concurrency=1)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        made.runner.pause()
        await made.put(edit("p/1", "rosa", city="Portland"), edit("p/2", "rosa", zip="97201"))
        made.runner.resume()
        await made.settle()
        await made.put(edit("p/3", "rosa", city="Salem"))
        assert made.sink.ids == [["p/2"]]
        await made.clock.advance(2)
        assert made.sink.ids == [["p/2"], ["p/3"]]
        assert from_json(made.sink.calls[1][0].body).person == Person(zip="97201", city="Salem")
        assert made.sink.calls[1][0].attempts == 1
        tasks.cancel_scope.cancel()
    assert [outcome for outcome, _, _ in logged(store)] == ["coalesced", "coalesced", "delivered"]


async def test_a_coalesced_delivery_that_is_refused_is_one_dead_letter_with_all_in_it(store: Store) -> None:
    made = Delivering(store, FakeSink(failing("p/2", error=NO)), concurrency=1)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        made.runner.pause()
        await made.put(edit("p/1", "rosa", city="Portland"), edit("p/2", "rosa", zip="97201"))
        made.runner.resume()
        await made.settle()
        assert made.runner.waiting == 0
        tasks.cancel_scope.cancel()
    (letter,) = await dead(store)
    assert from_json(letter.body).person == Person(city="Portland", zip="97201")
    assert [outcome for outcome, _, _ in logged(store)] == ["coalesced", "dead"]


# ---- commits ----


class Spy:
    """A store whose settlements wait until they are let go."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.let_go = anyio.Event()
        self.full = 0
        self.settlements: list[Settlement] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def settle(self, settlement: Settlement) -> None:
        self.settlements.append(settlement)
        await self.let_go.wait()
        if self.full:
            self.full -= 1
            raise StoreFullError("no room")
        await self._store.settle(settlement)


async def test_an_outcome_is_on_disk_before_its_lane_goes_on(store: Store) -> None:
    spy: Any = Spy(store)
    made = Delivering(spy, FakeSink())
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a1", "a"), delivery("a2", "a"))
        assert (made.sink.ids, len(spy.settlements)) == ([["a1"]], 1)
        spy.let_go.set()
        await made.settle()
        assert made.sink.ids == [["a1"], ["a2"]]
        tasks.cancel_scope.cancel()


async def test_without_room_an_outcome_waits_for_it_and_nothing_is_sent_twice(store: Store) -> None:
    spy: Any = Spy(store)
    spy.let_go.set()
    spy.full = 3
    made = Delivering(spy, FakeSink())
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a"))
        for _ in range(3):
            await made.clock.advance(1)
        assert (made.sink.ids, len(spy.settlements), made.runner.waiting) == ([["a"]], 4, 0)
        tasks.cancel_scope.cancel()
    assert logged(store) == [("delivered", None, 1)]


# ---- dead letters set going again ----


async def test_a_retried_dead_letter_is_found_before_newer_deliveries(store: Store) -> None:
    made = Delivering(store, FakeSink(failing("a1", error=NO)), concurrency=1)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a1", "a", to_json(Record("a1", "action", "signups"))))
        made.sink.answer = failing()
        retried = await store.retry_dead(Selection(), milliseconds(made.clock.now()))
        made.runner.look_on_disk(retried.deliver["crm"])
        await made.put(delivery("a2", "a"))
        assert made.sink.ids == [["a1"], ["a1"], ["a2"]]
        assert made.runner.waiting == 0
        tasks.cancel_scope.cancel()


# ---- the end ----


async def test_stopping_takes_nothing_more_and_waits_for_what_is_at_the_sink(store: Store) -> None:
    made = Delivering(store, FakeSink(), concurrency=2)
    made.sink.is_slow = True
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(*map(delivery, "abcd"))
        stopped = anyio.Event()

        async def stop() -> None:
            await made.runner.stop()
            stopped.set()

        tasks.start_soon(stop)
        await made.settle()
        assert not stopped.is_set()
        made.sink.let_go()
        with anyio.fail_after(5):
            await stopped.wait()
        await made.settle()
        assert sorted(made.sink.taken) == ["a", "b"]
        assert rows(store, "SELECT record_id FROM outbox ORDER BY seq") == [("c",), ("d",)]
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("how", ["stop", "hurry"])
async def test_a_batch_that_waits_to_fill_is_delivered_at_once_at_the_end(store: Store, how: str) -> None:
    # It counted neither as waiting nor as under way: a daemon that drained ended without delivering it.
    made = Delivering(store, FakeSink(), records=10, wait_s=3_600)
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        await made.put(delivery("a"))
        assert not made.runner.is_idle
        if how == "stop":
            await made.runner.stop()
        else:
            made.runner.hurry()
        await made.settle()
        assert made.sink.ids == [["a"]]
        assert made.runner.is_idle
        tasks.cancel_scope.cancel()


async def test_idle_is_when_nothing_can_be_delivered_now(store: Store) -> None:
    made = Delivering(store, FakeSink(failing("a")))
    async with anyio.create_task_group() as tasks:
        await made.start(tasks)
        assert made.runner.is_idle
        await made.put(delivery("a"))
        assert made.runner.is_idle  # it waits for its time, on disk
        made.sink.is_slow = True
        await made.put(delivery("b"))
        assert not made.runner.is_idle
        made.sink.let_go()
        await made.settle()
        assert made.runner.is_idle
        made.runner.pause()
        await made.put(delivery("c"))
        assert made.runner.is_idle
        tasks.cancel_scope.cancel()
