"""Lists of records: how long is looked for them, and what a list says of itself and of each."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from groundswell.component import Arrival
from groundswell.ops.record_messages import ListRecords, RecordListed, Records
from groundswell.ops.record_words import how_far, kind_of
from groundswell.ops.records import LOOK_S, RecordsDesk
from groundswell.store import records
from groundswell.store.inbox import Accept
from groundswell.store.records import RecordPage, RecordQuery
from groundswell.store.store import Store
from tests.virtual_time import VirtualClock

NOW = 1_777_719_609_000
EARLY, LATE = datetime(2026, 5, 2, 11, tzinfo=UTC), datetime(2026, 5, 2, 12, tzinfo=UTC)


class SlowStore(Store):
    """Each look takes its time."""

    def __init__(self, path: Path, clock: VirtualClock, look_s: float) -> None:
        super().__init__(path)
        self.looks = 0
        self._virtual, self._look_s = clock, look_s

    async def records(self, query: RecordQuery) -> RecordPage:
        self.looks += 1
        await self._virtual.advance(self._look_s)
        return await super().records(query)


@pytest.mark.parametrize(
    ("look_s", "looks", "found", "looked_at"),
    [(LOOK_S / 100, 5, ["rare"], 9), (LOOK_S / 2, 2, [], 4), (LOOK_S * 10, 1, [], 2)],
    ids=["quick", "slow", "as slow as can be"],
)
async def test_it_is_looked_on_until_something_is_found_or_the_time_is_up(
    look_s: float, looks: int, found: list[str], looked_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "LOOKED_AT_MAX", 2)
    clock = VirtualClock()
    async with SlowStore(tmp_path / "groundswell.db", clock, look_s) as store:
        await store.accept(Accept("letters", NOW, [Arrival("rare", b"{}")]))
        for number in range(8):
            await store.accept(Accept("signups", NOW + 60_000 * number, [Arrival(f"r/{number}", b"{}")]))
        listed = await RecordsDesk(store, clock).list_records(ListRecords(source="letters"))
        further, before = list(listed.records), listed.next_before
        while before is not None:
            rest = await RecordsDesk(store, clock).list_records(ListRecords(source="letters", before=before))
            further, before = [*further, *rest.records], rest.next_before
    assert ([one.id for one in listed.records], listed.looked_at) == (found, looked_at)
    assert (listed.next_before is None) == bool(found)
    assert [one.id for one in further] == ["rare"], "whoever goes on finds it"
    assert store.looks >= looks
    newest = datetime.fromtimestamp((NOW + 420_000) / 1000, UTC)
    assert listed.looked_from == newest
    assert listed.looked_back_to is not None
    assert listed.looked_back_to <= newest


def one(**facts: Any) -> RecordListed:
    given = {"number": 1, "id": "r/1", "source": "signups", "kind": None, "received_at": EARLY, "state": "delivered"}
    return RecordListed(**(given | facts))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"kind": "action"}, "action"),
        ({}, "kept no more"),
        ({"state": "nowhere"}, "kept no more"),
        ({"state": "waiting"}, "not read yet"),
        ({"state": "dead"}, "not known"),
    ],
    ids=str,
)
def test_a_kind_that_nobody_can_say_any_more_is_no_empty_cell(facts: dict[str, Any], said: str) -> None:
    assert kind_of(one(**facts)) == said


@pytest.mark.parametrize(
    ("found", "is_first", "said"),
    [
        (Records([], None), True, "there are none"),
        (Records([], None), False, "there are no older ones"),
        (Records([one()], None, 7, LATE, EARLY), True, None),
        (Records([one(), one()], 5, 7, LATE, EARLY), True, None),
        (
            Records([], 5, 2_000, LATE, EARLY),
            True,
            "there are none among those accepted between 11:00 and 12:00 (2,000 looked at); there may be older ones",
        ),
        (
            Records([one()], 5, 2_000, LATE, EARLY),
            False,
            "these are all of those accepted between 11:00 and 12:00 (2,000 looked at); there may be older ones",
        ),
    ],
)
def test_a_list_says_how_far_was_looked_where_that_is_not_to_be_seen(
    found: Records, is_first: bool, said: str | None
) -> None:
    assert how_far(found, 2, is_first=is_first, at=lambda at: f"{at:%H:%M}") == said
