"""A day between two systems, shortened: edits on both sides over a bad network; in the end they agree, and are quiet.

By hand, with more people: `SYNC_DAY_PEOPLE=50000 python -m pytest -s --timeout 0 tests/pipelines/test_sync_day.py`.
"""

import os
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import anyio
import pytest

from groundswell.connectors.action_network.simulator.faults import FaultRates as NetworkFaults
from groundswell.connectors.actionkit.simulator.faults import FaultRates as KitFaults
from tests.in_step import in_step, looks_at_once, running_in_step
from tests.town import FIELDS, Town

PEOPLE: Final = int(os.environ.get("SYNC_DAY_PEOPLE", "300"))
HOURS: Final = 3
EDITED_AN_HOUR: Final = 0.1
"""Share of the people."""
SEED: Final = 20261121
SHARE: Final = 0.003
KIT_FAULTS: Final = KitFaults(*[SHARE] * 7)
NETWORK_FAULTS: Final = NetworkFaults(*[SHARE] * 7)
"""Of the calls, for each of seven faults."""
ABOVE_LEAST_MAX: Final = 1.05
WITHIN_S: Final = 15.0 + PEOPLE * 0.1


@pytest.mark.timeout(30 + int(PEOPLE * 1.5))
async def test_after_a_day_of_edits_and_faults_both_sides_are_as_they_should_be_for_hardly_more_writes_than_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks_at_once(monkeypatch, settled_s=1)
    settings = {"fields": FIELDS, "create_users": True, "create_for": "everybody", "rate": "10000/s", "every": "5s"}
    async with (
        in_step(tmp_path, actionkit=settings, network=settings) as it,
        anyio.create_task_group() as tasks,
    ):
        it.pages = 2 + PEOPLE // 100  # of those who were edited, and more
        town = Town(it.kit, it.network, PEOPLE, Random(SEED))
        it.kit.faults.rates, it.network.faults.rates = KIT_FAULTS, NETWORK_FAULTS
        # At first everybody lacks something on each side, or is not there.
        least = sum(2 if one.is_on_both else 1 for one in town.people)
        tasks.start_soon(it.clock.hurry)
        async with running_in_step(it) as daemon:
            await it.quiet(WITHIN_S)
            assert (await daemon.store.dead_groups(), town.differences()) == ([], {})
            for _ in range(HOURS):
                it.clock.skip(3600)
                for number, one in enumerate(town.some(int(PEOPLE * EDITED_AN_HOUR))):
                    least += town.edit(one, partial(it.clock.skip, 5) if number % 4 == 0 else None)
                await it.quiet(WITHIN_S)
                assert town.differences() == {}
            totals = daemon.metrics.totals()
        tasks.cancel_scope.cancel()
        sinks = [totals["actionkit_write"], totals["network_write"]]
        # What was written and whose answer was lost is skipped when it comes again.
        written = town.actions() + sinks[1]["delivered"] + it.network.counts.faults["answer lost"]
        say = f"{PEOPLE} people: {least} writes needed, {written:.0f} made at most, with {sum(it.calls())} calls in all"
        print(say)  # noqa: T201 - for whoever runs it by hand
        assert [sink.get("dead", 0) for sink in sinks] == [0, 0]
        assert least <= written <= least * ABOVE_LEAST_MAX + it.network.counts.faults["answer lost"], say
