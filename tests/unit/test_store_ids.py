"""An id is accepted once: whether it is in memory, in the index, read back after a crash, or shares its hash."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.component import Arrival
from groundswell.errors import NotFoundError
from groundswell.store import ids, inbox
from groundswell.store.ids import Ids
from groundswell.store.inbox import Accept, Replay
from groundswell.store.outbox import Processed
from groundswell.store.retention import Purge
from groundswell.store.store import Store


@pytest.fixture
def few_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The index is used from the start."""
    monkeypatch.setattr(ids, "NEWEST_MAX", 4)


@pytest.fixture
def one_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """All ids share a hash."""
    monkeypatch.setattr(ids, "key_of", lambda _: -8)


async def _accepted(store: Store, *record_ids: str) -> Sequence[str]:
    entries = await store.accept(Accept("signups", 1, [Arrival(one, b"{}") for one in record_ids]))
    return [entry.arrival.id for entry in entries]


async def _replayed(store: Store, *record_ids: str) -> list[str]:
    await store.process(Processed(at=1, position=await store.last_accepted()))
    await store.replay(Replay(ids=list(record_ids)))
    return [entry.arrival.id for entry in await store.replays(100, 10_000)]


def _in_index(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        return int(connection.execute("SELECT count(*) FROM id_index").fetchone()[0])


async def test_ids_with_one_hash_are_all_kept_and_their_duplicates_are_not(
    tmp_path: Path, one_hash: None, few_in_memory: None
) -> None:
    async with Store(tmp_path / "state.db") as store:
        assert await _accepted(store, "a", "b", "a", "c") == ["a", "b", "c"]
        assert await _accepted(store, "c", "d", "b", "e", "f") == ["d", "e", "f"]
        assert await _accepted(store, "c", "g", "a", "f") == ["g"]
        assert [entry.arrival.id for entry in await store.arrivals_after(0, 10, 10_000)] == list("abcdefg")
        assert _in_index(store.path) > 0


async def test_ids_with_one_hash_are_found_each_by_its_own(tmp_path: Path, one_hash: None, few_in_memory: None) -> None:
    async with Store(tmp_path / "state.db") as store:
        for record_id in "abcdefgh":
            await _accepted(store, record_id)
        await store.process(Processed(at=1, position=8))
        assert (await store.trace("b")).record_id == "b"
        assert (await store.trace("h")).record_id == "h"
        with pytest.raises(NotFoundError):
            await store.trace("z")
        assert await _replayed(store, "b", "h", "z") == ["b", "h"]


async def test_every_id_is_found_wherever_it_is_kept(tmp_path: Path, few_in_memory: None) -> None:
    names = [f"action_network:signature/{number}" for number in range(100)]
    async with Store(tmp_path / "state.db") as store:
        for name in names:
            await _accepted(store, name)
        assert 80 < _in_index(store.path) < 100
        for name in names:
            assert (await store.trace(name)).record_id == name
        assert await _replayed(store, *names) == names
        assert await _accepted(store, *names, "new") == ["new"]


async def test_what_is_written_nowhere_but_in_the_inbox_is_known_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    async with Store(path) as store:
        await _accepted(store, "a", "b")
        assert _in_index(path) == 0
    async with Store(path) as store:
        assert await _accepted(store, "a", "b", "c") == ["c"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.lists(st.integers(0, 40), max_size=12),  # accept these
            st.just("restart"),
            st.just("roll back"),
            st.just("purge"),
        ),
        max_size=30,
    )
)
def test_an_id_has_one_number_as_long_as_it_is_in_the_inbox(steps: list[list[int] | str]) -> None:
    """Against a plain set, with restarts, transactions that come to nothing, and purges in between."""
    before, ids.NEWEST_MAX = ids.NEWEST_MAX, 6  # type: ignore[misc]
    try:
        _follow(steps)
    finally:
        ids.NEWEST_MAX = before  # type: ignore[misc]


def _follow(steps: list[list[int] | str]) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(
        "CREATE TABLE inbox (seq INTEGER PRIMARY KEY, id TEXT);"
        "CREATE TABLE progress (name TEXT PRIMARY KEY, seq INTEGER);"
        "INSERT INTO progress VALUES ('id_index', 0);"
        "CREATE TABLE id_index (key INTEGER, seq INTEGER, PRIMARY KEY (key, seq)) WITHOUT ROWID;"
    )
    known = Ids()
    expected: dict[str, int] = {}
    last, undo = 0, False
    for step in steps:
        if step == "restart":
            known = Ids()
            known.load(connection)
        elif step == "roll back":
            undo = True
        elif step == "purge":
            connection.execute("BEGIN")
            old = [(name, seq) for name, seq in expected.items() if seq < last - 3]
            known.forget(connection, old)
            connection.executemany("DELETE FROM inbox WHERE id = ?", [(name,) for name, _ in old])
            connection.execute("COMMIT")
            known.ended(is_committed=True)
            for name, _ in old:
                del expected[name]
        else:
            assert not isinstance(step, str)
            names = [f"id/{number}" for number in step]
            connection.execute("BEGIN")
            numbers = known.number(connection, names, last)
            rows = [(seq, name) for name, seq in zip(names, numbers, strict=True) if seq > 0]
            assert [name for _, name in rows] == [name for name in dict.fromkeys(names) if name not in expected]
            now = expected | {name: seq for seq, name in rows}
            assert [abs(seq) for seq in numbers] == [now[name] for name in names]
            connection.executemany("INSERT INTO inbox VALUES (?, ?)", rows)
            if undo:
                connection.execute("ROLLBACK")
                known.ended(is_committed=False)
                undo = False
                continue
            connection.execute("COMMIT")
            known.ended(is_committed=True)
            assert [seq for seq, _ in rows] == list(range(last + 1, last + 1 + len(rows)))
            last += len(rows)
            expected |= {name: seq for seq, name in rows}
    connection.close()


async def test_a_purged_id_leaves_nothing_behind(tmp_path: Path, few_in_memory: None) -> None:
    async with Store(tmp_path / "state.db") as store:
        for number in range(50):
            await _accepted(store, f"a/{number}")
        await store.process(Processed(at=1, position=50))
        await store.purge(Purge(before=10))
        assert [entry.arrival.id for entry in await store.arrivals_after(0, 100, 10_000)] == ["a/49"]
        assert _in_index(store.path) <= 1
        assert await _accepted(store, "a/3", "a/49") == ["a/3"]
        for number in range(100):
            await _accepted(store, f"b/{number}")
        assert await _accepted(store, "a/3", "a/49", "b/50") == []


async def test_memory_holds_no_more_than_it_may_however_large_the_batches(tmp_path: Path) -> None:
    async with Store(tmp_path / "state.db") as store:
        for batch in range(3):
            await _accepted(store, *(f"{batch}/{number}" for number in range(10_000)))
            await _accepted(store, f"{batch}/more")
        assert store._ids._count <= ids.NEWEST_MAX + 1
        assert await _accepted(store, "0/17", "1/9999", "2/0", "2/more") == []


async def test_a_replay_by_time_takes_small_steps_and_finds_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "REPLAY_STEP_ROWS", 7)
    async with Store(tmp_path / "state.db") as store:
        for batch in range(5):
            arrivals = [Arrival(f"{batch}/{number}", b"{}") for number in range(7)]
            await store.accept(Accept("odd" if batch % 2 else "even", batch, arrivals))
        await store.process(Processed(at=1, position=30))
        commits = store.commits
        assert await store.replay(Replay(["even"], since=1)) == 7 + 2
        assert store.commits == commits + 6
        assert await store.replay(Replay()) == 30 - 9
