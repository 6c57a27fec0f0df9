"""Which backfills are shown."""

import pytest
from msgspec.structs import replace

from groundswell.ops.backfills import SHOWN_S, status_of_backfills
from groundswell.store.backfills import Backfill, NewBackfill

NOW = 1_777_719_609.0
ENDED = Backfill(
    asked=NewBackfill("people", ["people"], 1_000, 2_000, 3_000),
    id=1,
    is_paused=False,
    cursor=None,
    records=5,
    accepted=4,
    sent=4,
    known=1,
    dead=0,
    state="finished",
    ended_at=int(NOW * 1000),
    error=None,
)


@pytest.mark.parametrize(("after_s", "count"), [(0.0, 1), (SHOWN_S - 1, 1), (SHOWN_S + 1, 0)])
def test_one_that_ended_is_shown_for_a_while(after_s: float, count: int) -> None:
    assert len(status_of_backfills([ENDED], None, NOW + after_s)) == count


def test_one_under_way_is_shown_however_old_it_is() -> None:
    old = replace(ENDED, state="running", ended_at=None)
    (shown,) = status_of_backfills([old], None, NOW + 100 * SHOWN_S)
    assert (shown.state, shown.records, shown.accepted) == ("stopped", 5, 4)
