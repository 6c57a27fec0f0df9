"""The ledger of money, and what a backfill makes of what is known already."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from groundswell.store.database import APPLICATION_ID, migrations
from groundswell.store.dead_letters import Selection
from groundswell.store.erasure import Forget
from groundswell.store.inbox import Replay
from groundswell.store.sent import MONEY, held_back, key_of, note
from groundswell.store.store import Store
from tests.unit.sending import Sending

ONE, TWO, THREE = (f"actblue:contribution/{number}" for number in (1, 2, 3))


@pytest.fixture
async def sending(tmp_path: Path) -> AsyncIterator[Sending]:
    opened = await Sending(tmp_path, ["crm", "archive"]).open()
    yield opened
    await opened.store.close()


def looked(sending: Sending, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(sending.store.path)) as connection:
        return connection.execute(query).fetchall()


# ---- ordinary acceptance ----


async def test_a_gift_that_comes_again_after_it_was_forgotten_is_not_delivered_again_and_the_log_says_why(
    sending: Sending,
) -> None:
    await sending.arrive(ONE)
    await sending.deliver_all()
    await sending.arrive(TWO)  # the newest is never forgotten
    await sending.forget()
    assert await sending.arrive(ONE) == 1
    await sending.deliver_all()
    assert sending.times(ONE) == [1, 1]
    settled = (await sending.store.trace(ONE)).settled
    assert [(sink, outcome, why) for sink, outcome, why, *_ in settled] == [
        ("crm", "skipped", "already_sent"),
        ("archive", "skipped", "already_sent"),
    ]


async def test_a_gift_that_waits_for_a_sink_or_lies_in_its_dead_letters_is_not_sent_there_twice(
    sending: Sending,
) -> None:
    await sending.arrive(ONE, TWO)
    await sending.process()
    await sending.deliver("crm", "dead", "retry")
    await sending.forget()
    await sending.arrive(ONE, TWO, THREE)
    await sending.process()
    assert looked(sending, "SELECT record_id, sink, count(*) FROM outbox GROUP BY 1, 2 HAVING count(*) > 1") == []
    await sending.retry_dead()
    await sending.deliver_all()
    assert sending.times(ONE, TWO, THREE) == [1] * 6


async def test_what_is_no_money_is_delivered_again_once_it_is_forgotten_as_before(tmp_path: Path) -> None:
    sending = await Sending(tmp_path, kind="action").open()
    for record_id in (ONE, TWO, ONE):
        await sending.arrive(record_id)
        await sending.deliver_all()
        await sending.forget()
    assert sending.times(ONE) == [2]
    assert looked(sending, "SELECT count(*) FROM sent") == [(0,)]
    await sending.store.close()


async def test_only_what_a_sink_has_is_in_the_ledger(sending: Sending) -> None:
    await sending.arrive(ONE, TWO, THREE)
    await sending.process()
    await sending.deliver("crm", "already_there", "not_enabled", "retry")
    assert looked(sending, "SELECT name, count(*) FROM sent JOIN sinks ON sinks.id = sink") == [("crm", 1)]


async def test_what_is_retried_from_the_dead_letters_goes_to_nobody_who_has_it(sending: Sending) -> None:
    await sending.arrive(ONE)
    await sending.deliver_all()
    await sending.arrive(TWO)
    await sending.forget()
    await sending.add_sink("late")
    await sending.arrive(ONE)
    await sending.process(failing=[ONE])
    await sending.retry_dead()
    await sending.deliver_all()
    assert [sending.got[sink, ONE] for sink in ("crm", "archive", "late")] == [1, 1, 1]


async def test_a_replay_is_asked_for_and_delivers_whatever_the_ledger_says(sending: Sending) -> None:
    await sending.arrive(ONE)
    await sending.deliver_all()
    await sending.store.replay(Replay(ids=[ONE]))
    await sending.deliver_all()
    assert sending.times(ONE) == [2, 2]


# ---- unsent ----


async def test_unsent_brings_what_is_new_and_skips_what_every_sink_has(sending: Sending) -> None:
    await sending.arrive(ONE)
    await sending.deliver_all()
    assert await sending.backfill(ONE, TWO) == (1, 1, 0)
    assert await sending.backfill(ONE, TWO) == (0, 2, 0)
    assert sending.times(ONE, TWO) == [1] * 4
    assert sending.processed == [], "what every sink has is skipped before it is read"


async def test_a_sink_that_is_added_later_gets_everything_once_as_the_backfill_brings_it(sending: Sending) -> None:
    await sending.arrive(ONE, TWO)
    await sending.deliver_all()
    await sending.add_sink("late")
    assert await sending.backfill(ONE, TWO) == (2, 0, 0)
    assert await sending.backfill(ONE, TWO) == (0, 2, 0)
    assert sending.times(ONE, TWO) == [1] * 6
    assert sending.processed == [("history", b'{"a": 1}')] * 2


async def test_what_a_sink_skipped_because_it_was_off_is_sent_once_it_is_on(sending: Sending) -> None:
    await sending.arrive(ONE)
    await sending.process()
    await sending.deliver("crm", "not_enabled")
    await sending.deliver_all()
    assert sending.times(ONE) == [0, 1]
    assert await sending.backfill(ONE) == (1, 0, 0)
    assert sending.times(ONE) == [1, 1]


async def test_dead_letters_are_left_to_whoever_retries_them_and_counted(sending: Sending) -> None:
    await sending.arrive(ONE, TWO)
    await sending.process(failing=[TWO])
    await sending.deliver("crm", "dead")
    await sending.deliver_all()
    assert await sending.backfill(ONE, TWO) == (0, 0, 2)
    assert sending.times(ONE, TWO) == [0, 0, 1, 0]
    await sending.retry_dead()
    await sending.deliver_all()
    assert sending.times(ONE, TWO) == [1] * 4


async def test_a_dead_letter_that_was_dropped_counts_as_never_sent(sending: Sending) -> None:
    await sending.arrive(ONE)
    await sending.process()
    await sending.deliver("crm", "dead")
    await sending.deliver_all()
    await sending.store.drop_dead(Selection(component="crm"))
    assert await sending.backfill(ONE) == (1, 0, 0)
    assert sending.times(ONE) == [1, 1]


async def test_what_is_no_money_goes_only_to_a_sink_that_was_not_there_yet(tmp_path: Path) -> None:
    sending = await Sending(tmp_path, kind="person").open()
    await sending.arrive(ONE)
    await sending.process()
    await sending.deliver("crm", "unchanged")
    await sending.add_sink("late")
    await sending.arrive(TWO)
    await sending.process()
    await sending.deliver("crm", "unchanged")
    await sending.deliver("late", "unchanged")
    for expected in ((1, 1, 0), (0, 2, 0)):
        assert await sending.backfill(ONE, TWO) == expected
    assert sending.times(ONE, TWO) == [0, 0, 1, 0]
    await sending.store.close()


async def test_what_is_on_its_way_is_not_sent_once_more(sending: Sending) -> None:
    await sending.arrive(ONE)
    number = await sending.begin()
    await sending.bring(number, ONE, TWO, TWO)
    await sending.process(count=1)
    await sending.bring(number, ONE, TWO)
    await sending.end(number)
    assert looked(sending, "SELECT record_id, sink, count(*) FROM outbox GROUP BY 1, 2 HAVING count(*) > 1") == []
    await sending.deliver_all()
    assert sending.times(ONE, TWO) == [1] * 4


# ---- resend ----


async def test_resend_delivers_everything_to_everybody_once_more(sending: Sending) -> None:
    await sending.arrive(ONE, TWO)
    await sending.deliver_all()
    await sending.forget()
    assert await sending.backfill(ONE, TWO, resends=True) == (2, 0, 0)
    assert sending.times(ONE, TWO) == [2] * 4
    assert await sending.backfill(ONE, TWO, resends=True) == (2, 0, 0)
    assert sending.times(ONE, TWO) == [3] * 4
    assert looked(sending, "SELECT count(*) FROM resent") == [(0,)]


async def test_a_page_that_a_crash_makes_it_bring_twice_is_sent_again_once(sending: Sending) -> None:
    await sending.arrive(ONE)
    await sending.deliver_all()
    number = await sending.begin(resends=True)
    await sending.bring(number, ONE, TWO, ONE)
    await sending.deliver_all()
    await sending.restart()
    await sending.bring(number, ONE, TWO, cursor="2")
    await sending.end(number)
    await sending.deliver_all()
    assert sending.times(ONE, TWO) == [2, 1, 2, 1]


async def test_what_is_not_processed_yet_goes_the_ordinary_way_before_it_is_sent_again(sending: Sending) -> None:
    await sending.arrive(ONE)
    number = await sending.begin(resends=True)
    await sending.bring(number, ONE)
    assert await sending.store.again(10, 2**20) is None
    await sending.end(number)
    await sending.deliver_all()
    assert sending.times(ONE) == [2, 2]


# ---- around it ----


async def test_nothing_is_sent_of_somebody_who_was_forgotten(sending: Sending) -> None:
    await sending.arrive(ONE)
    await sending.process()
    with closing(sqlite3.connect(sending.store.path)) as connection:
        connection.execute("UPDATE inbox SET raw = x''")
        connection.commit()
    assert await sending.backfill(ONE, resends=True) == (0, 0, 0)


async def test_whoever_is_forgotten_is_so_in_what_was_brought_too(sending: Sending) -> None:
    await sending.arrive(ONE, TWO)
    await sending.deliver_all()
    number = await sending.begin(resends=True)
    await sending.bring(number, ONE, raw=b'{"email": "rosa@example.org"}')
    await sending.bring(number, TWO, raw=b'{"email": "noam@example.org"}')
    await sending.store.people.forget(Forget(sending.now, email="rosa@example.org"), nullcontext)
    await sending.end(number)
    assert sending.processed == [("history", b'{"email": "noam@example.org"}')]


async def test_what_was_brought_is_not_forgotten_before_it_is_processed(sending: Sending) -> None:
    await sending.arrive(ONE)
    await sending.deliver_all()
    await sending.add_sink("late")
    number = await sending.begin()
    await sending.bring(number, ONE, TWO)
    await sending.forget()
    await sending.end(number)
    await sending.deliver_all()
    assert sending.times(ONE, TWO) == [1] * 6


async def test_sinks_of_different_names_share_nothing_and_kinds_of_money_are_three(sending: Sending) -> None:
    assert {"donation", "refund", "cancellation"} == MONEY
    with closing(sqlite3.connect(sending.store.path)) as connection:
        note(connection, [("crm", ONE), ("crm", ONE)])
        many = [("crm", f"r/{n}") for n in range(300)] + [("crm", ONE), ("archive", ONE)]
        assert held_back(connection, many) == {("crm", ONE): "already_sent"}
    assert key_of(ONE, b"a" * 32) != key_of(ONE, b"b" * 32)


async def test_an_older_file_keeps_its_backfills_and_its_sinks_are_not_young(tmp_path: Path) -> None:
    """As files were before there was a ledger: version 2."""
    path = tmp_path / "groundswell.db"
    with closing(sqlite3.connect(path)) as connection:
        for number, script in migrations():
            if number <= 2:
                connection.executescript(script)
        connection.executescript(
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 2;"
            "INSERT INTO backfills (id, source, collections, since, until, asked_at, cursor, records, accepted) "
            "VALUES (7, 'history', '[\"gifts\"]', 1, 2, 3, 'c', 5, 4);"
            "INSERT INTO deliveries (seq, sink, inbox_seq, outcome, attempts, created_at, settled_at) "
            "VALUES (1, 'crm', 1, 'delivered', 1, 1, 1);"
            "UPDATE progress SET seq = 9 WHERE name = 'processor'"
        )
    async with Store(path) as store:
        await store.meet_sinks(["crm", "late"])
        (kept,) = await store.backfills()
    assert (kept.id, kept.cursor, kept.records, kept.asked.resends) == (7, "c", 5, False)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name, since FROM sinks").fetchall() == [("crm", 0), ("late", 9)]
