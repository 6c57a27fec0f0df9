"""Which backfills are shown."""

import pytest
from msgspec.structs import replace

from groundswell.ops.backfills import SHOWN_S, status_of_backfills
from groundswell.store.backfills import Backfill

NOW = 1_777_719_609.0
ENDED = Backfill(
    id=1,
    source="people",
    collections=["people"],
    since=1_000,
    until=2_000,
    asked_at=3_000,
    cursor=None,
    records=5,
    accepted=4,
    state="finished",
    ended_at=int(NOW * 1000),
    error=None,
)


@pytest.mark.parametrize(("after_s", "count"), [(0.0, 1), (SHOWN_S - 1, 1), (SHOWN_S + 1, 0)])
def test_one_that_ended_is_shown_for_a_while(after_s: float, count: int) -> None:
    assert len(status_of_backfills([ENDED], {}, NOW + after_s, is_running=True)) == count


def test_one_under_way_is_shown_however_old_it_is() -> None:
    old = replace(ENDED, state="running", ended_at=None)
    (shown,) = status_of_backfills([old], {}, NOW + 100 * SHOWN_S, is_running=False)
    assert (shown.state, shown.records, shown.accepted) == ("stopped", 5, 4)
