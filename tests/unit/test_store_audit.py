"""The audit log as the state file keeps it."""

import sqlite3
from contextlib import closing

import pytest

from groundswell.store import audit
from groundswell.store.audit import Act, ActEnded
from groundswell.store.store import Store

OLD, YOUNG = 1_777_000_000_000, 1_777_000_002_000


def act(operation: str, at: int = OLD) -> Act:
    return Act(at, "password", None, "192.0.2.1", operation, b'{"name":"crm"}')


async def test_lines_come_back_newest_first_and_in_parts(store: Store) -> None:
    numbers = [await store.audit.begin(act(name)) for name in ("pause", "resume", "reload")]
    await store.audit.end(ActEnded(numbers[1], "done", None))
    await store.audit.end(ActEnded(numbers[2], "refused", "the configuration is wrong"))
    found = await store.audit.newest(2**62, 2)
    assert [(line.act.operation, line.outcome, line.note) for line in found] == [
        ("reload", "refused", "the configuration is wrong"),
        ("resume", "done", None),
    ]
    (last,) = await store.audit.newest(found[-1].id, 2)
    assert (last.act, last.outcome) == (act("pause"), None), "how it ended is not known"


async def test_what_is_old_is_forgotten_and_nothing_else(store: Store) -> None:
    for at in (OLD, YOUNG, OLD):
        await store.audit.begin(act("pause", at))
    assert await store.audit.purge(YOUNG) == 2
    assert await store.audit.purge(YOUNG) == 0
    assert [line.act.at for line in await store.audit.newest(2**62, 10)] == [YOUNG]


async def test_there_are_only_so_many_lines(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "LINES_MAX", 3)
    monkeypatch.setattr(audit, "LINES_PER_STEP", 2)
    for _ in range(6):
        await store.audit.begin(act("pause"))
    assert [await store.audit.purge(0) for _ in range(3)] == [2, 1, 0]
    assert [line.id for line in await store.audit.newest(2**62, 10)] == [6, 5, 4]


async def test_it_is_a_table_of_its_own(store: Store) -> None:
    await store.audit.begin(act("pause"))
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("SELECT arguments FROM audit").fetchall() == [('{"name":"crm"}',)]
