"""Which sources brought a thing: noted once each, found again wherever its id is kept, and gone when it is."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Awaitable, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from groundswell.component import Arrival
from groundswell.store import ids
from groundswell.store.database import APPLICATION_ID, migrations
from groundswell.store.erasure import Forget
from groundswell.store.inbox import Accept
from groundswell.store.outbox import Processed
from groundswell.store.retention import Purge
from groundswell.store.sightings import Sighting
from groundswell.store.store import Store

R = TypeVar("R")
AT = 1_777_000_000_000
VERSION_BEFORE = 4
"""The last one that noted nothing."""


async def bring(store: Store, source: str, *record_ids: str, at: int = AT, raw: bytes = b"{}") -> int:
    """How many of these were new."""
    return len(await store.accept(Accept(source, at, [Arrival(one, raw) for one in record_ids])))


async def noted(store: Store, one: str = "hook", other: str = "csv", *, lone: bool = False) -> list[Sighting]:
    found: list[Sighting] = []
    await store.sightings.walk(one, other, await store.last_accepted(), found.append, lone=lone)
    return found


def times(found: Sequence[Sighting]) -> dict[str, tuple[int | None, int | None]]:
    return {one.record_id: (one.one_at, one.other_at) for one in found}


def rows(store: Store) -> list[tuple[int, str, int]]:
    with closing(sqlite3.connect(store.path)) as connection:
        return connection.execute("SELECT seq, source, at FROM sightings ORDER BY seq, source").fetchall()


async def test_each_further_source_is_noted_once_with_its_first_time(store: Store) -> None:
    await bring(store, "hook", "r/1", "r/2", "r/3")
    assert await bring(store, "csv", "r/2", "r/4", at=AT + 5) == 1
    await bring(store, "csv", "r/2", at=AT + 9)
    await bring(store, "poll", "r/2", at=AT + 9)
    assert rows(store) == [(2, "csv", AT + 5), (2, "poll", AT + 9)]
    assert times(await noted(store)) == {
        "r/1": (AT, None), "r/2": (AT, AT + 5), "r/3": (AT, None), "r/4": (None, AT + 5),
    }  # fmt: skip
    assert [one.record_id for one in await noted(store, lone=True)] == ["r/1", "r/3", "r/4"]
    assert times(await noted(store, "poll", "csv")) == {"r/2": (AT + 9, AT + 5), "r/4": (None, AT + 5)}


async def test_a_source_that_repeats_itself_is_not_noted(store: Store) -> None:
    await bring(store, "hook", "r/1", "r/1")
    await bring(store, "hook", "r/1", at=AT + 5)
    assert rows(store) == []


async def test_two_sources_in_one_transaction_are_both_noted(store: Store) -> None:
    await asyncio.gather(*[store.accept(Accept(one, AT, [Arrival("r/1", b"{}")])) for one in ("hook", "csv", "hook")])
    assert rows(store) == [(1, "csv", AT)]


async def test_what_was_accepted_long_ago_or_before_a_restart_is_found_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ids, "NEWEST_MAX", 4)
    names = [f"r/{number}" for number in range(40)]
    async with Store(tmp_path / "state.db") as store:
        for name in names:
            await bring(store, "hook", name)
    async with Store(tmp_path / "state.db") as store:
        assert await bring(store, "csv", *names) == 0
        assert [seq for seq, _, _ in rows(store)] == list(range(1, 41))


async def test_what_was_forgotten_is_not_shown_and_not_noted_again(store: Store) -> None:
    body = b'{"email": "rosa@example.org"}'
    await bring(store, "hook", "r/1", raw=body)
    await bring(store, "hook", "r/2")
    await bring(store, "csv", "r/1", "r/2", raw=body)
    await store.people.forget(Forget(AT, email="rosa@example.org"), nullcontext)
    assert rows(store) == [(2, "csv", AT)]
    assert await bring(store, "csv", "r/1", raw=body) == 0, "it is still known as a duplicate"
    assert rows(store) == [(2, "csv", AT)]
    assert list(times(await noted(store))) == ["r/2"]


async def test_a_file_of_a_version_that_noted_nothing_opens_and_says_up_to_where(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for number, script in migrations():
            if number <= VERSION_BEFORE:
                connection.executescript(f"{script}; PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.executemany("INSERT INTO inbox VALUES (?, ?, 'hook', 1, x'7b7d')", [(7, "r/7"), (9, "r/9")])
    async with Store(path) as store:
        assert await store.sightings.noted_after() == 9
        assert await bring(store, "csv", "r/9", "r/10") == 1
        assert rows(store) == [(9, "csv", AT)]
    async with Store(tmp_path / "new.db") as store:
        assert await store.sightings.noted_after() == 0


class TwoSources(RuleBasedStateMachine):
    """Three sources bring the same few things in any order, with restarts, and what is old is purged."""

    @initialize()
    def start(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.kept, ids.NEWEST_MAX = ids.NEWEST_MAX, 3  # type: ignore[misc]
        self.now = AT
        self.first: dict[str, str] = {}
        """Who brought each thing first."""
        self.brought: dict[str, dict[str, int]] = {}
        """When each source brought each thing first."""
        self.store: Store
        self.open()

    def open(self) -> None:
        async def opened() -> Store:
            return await Store(self.directory / "groundswell.db").open()

        self.store = self.runner.run(opened())

    def run(self, awaitable: Awaitable[R]) -> R:
        async def waited() -> R:
            return await awaitable

        return self.runner.run(waited())

    @rule(
        batches=st.lists(
            st.tuples(st.sampled_from(["hook", "csv", "poll"]), st.lists(st.integers(0, 15), max_size=6)),
            min_size=1,
            max_size=4,
        )
    )
    def bring(self, batches: list[tuple[str, list[int]]]) -> None:
        """Together, so that several go into one transaction."""
        self.now += 1

        async def brought() -> None:
            waiting = [
                self.store.accept(Accept(source, self.now, [Arrival(f"r/{number}", b"{}") for number in numbers]))
                for source, numbers in batches
            ]
            await asyncio.gather(*waiting)

        self.runner.run(brought())
        for source, numbers in batches:
            for name in [f"r/{number}" for number in numbers]:
                self.first.setdefault(name, source)
                self.brought.setdefault(name, {}).setdefault(source, self.now)

    @rule()
    def purge(self) -> None:
        """All that was processed; the newest always stays."""

        async def purged() -> set[str]:
            last = await self.store.last_accepted()
            await self.store.process(Processed(self.now, last))
            step: Purge | None = Purge(self.now + 1)
            while step is not None:
                step = (await self.store.purge(step)).next
            return await self.store.known(list(self.first))

        known = self.runner.run(purged())
        assert len(known) <= 1
        self.first = {name: source for name, source in self.first.items() if name in known}
        self.brought = {name: sources for name, sources in self.brought.items() if name in known}

    @rule()
    def reopen(self) -> None:
        self.run(self.store.close())
        self.open()

    @invariant()
    def every_pair_of_sources_is_told_what_both_brought(self) -> None:
        if not hasattr(self, "store"):
            return
        for one, other in (("hook", "csv"), ("poll", "hook")):
            found = self.run(noted(self.store, one, other))
            expected = {
                name: (sources.get(one), sources.get(other))
                for name, sources in self.brought.items()
                if one in sources or other in sources
            }
            assert times(found) == expected
            assert {sighting.record_id: sighting.source for sighting in found} == {
                name: self.first[name] for name in expected
            }

    @invariant()
    def nothing_is_noted_of_what_is_gone(self) -> None:
        if hasattr(self, "store"):
            assert len(rows(self.store)) == sum(len(sources) - 1 for sources in self.brought.values())

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.run(self.store.close())
            self.runner.close()
            shutil.rmtree(self.directory)
            ids.NEWEST_MAX = self.kept  # type: ignore[misc]


TestTwoSources = TwoSources.TestCase
TestTwoSources.settings = settings(max_examples=25, stateful_step_count=20)
