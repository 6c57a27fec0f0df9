"""Ids are found by a short hash; ids that share one are told apart all the same."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.component import Arrival
from groundswell.errors import NotFoundError
from groundswell.store import inbox
from groundswell.store.inbox import Accept, Replay, key_of
from groundswell.store.outbox import Processed
from groundswell.store.store import Store


@given(st.text())
def test_a_key_leaves_room_for_others_with_its_hash_and_fits_into_the_file(record_id: str) -> None:
    key = key_of(record_id)
    assert key % inbox.KEYS_OF_HASH == 0
    assert -(2**63) <= key <= 2**63 - inbox.KEYS_OF_HASH


@pytest.fixture
def one_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """All ids share a hash."""
    monkeypatch.setattr(inbox, "key_of", lambda _: -8)


async def _accepted(store: Store, *ids: str) -> Sequence[str]:
    entries = await store.accept(Accept("signups", 1, [Arrival(one, b"{}") for one in ids]))
    return [entry.arrival.id for entry in entries]


@pytest.mark.usefixtures("one_hash")
async def test_ids_with_one_hash_are_all_kept_and_their_duplicates_are_not(tmp_path: Path) -> None:
    async with Store(tmp_path / "state.db") as store:
        assert await _accepted(store, "a", "b", "a", "c") == ["a", "b", "c"]
        assert await _accepted(store, "c", "d", "b") == ["d"]
        assert [entry.arrival.id for entry in await store.arrivals_after(0, 10, 10_000)] == ["a", "b", "c", "d"]


@pytest.mark.usefixtures("one_hash")
async def test_ids_with_one_hash_are_found_each_by_its_own(tmp_path: Path) -> None:
    async with Store(tmp_path / "state.db") as store:
        await _accepted(store, "a", "b", "c")
        await store.process(Processed(at=1, position=3))
        assert (await store.trace("b")).record_id == "b"
        with pytest.raises(NotFoundError):
            await store.trace("z")
        assert await store.replay(Replay(ids=["b", "z"])) == 1
        assert [entry.arrival.id for entry in await store.replays(10, 10_000)] == ["b"]
