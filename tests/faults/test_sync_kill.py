"""kill -9 in the middle of a two-way sync: it ends as it would have ended undisturbed, and is quiet then."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import anyio
import pytest

from groundswell.connectors.action_network.simulator.faults import FaultRates as NetworkFaults
from groundswell.connectors.action_network.simulator.server import Server as Network
from groundswell.connectors.action_network.simulator.server import simulator as network_simulator
from groundswell.connectors.action_network.simulator.state.behaviour import FRIENDLIEST as FRIENDLY_NETWORK
from groundswell.connectors.actionkit.simulator.faults import FaultRates as KitFaults
from groundswell.connectors.actionkit.simulator.server import Server as Kit
from groundswell.connectors.actionkit.simulator.server import simulator as kit_simulator
from groundswell.connectors.actionkit.simulator.state.behaviour import FRIENDLIEST as FRIENDLY_KIT
from tests.faults.process import Process
from tests.in_step import account_of, sync_of, writes_at
from tests.town import FIELDS, Town

PEOPLE = 40
EDITS = 48
EDIT_EVERY_S = 0.08
KILLS = (1.3, 1.6)
"""How long each of the daemons that are killed lives once it accepts, seconds: limiters wait for the first of them."""
SEED = 20261121
SHARE = 0.002
QUIET_ROUNDS = 3


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_sync_that_was_killed_again_and_again_ends_as_one_that_was_not(tmp_path: Path) -> None:
    undisturbed = await _ran(_made(tmp_path / "undisturbed"), kills=())
    killed = await _ran(_made(tmp_path / "killed"), kills=KILLS)
    assert killed == undisturbed


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


async def _ran(directory: Path, kills: Sequence[float]) -> Any:
    """How everybody is on both sides in the end."""
    async with (
        kit_simulator(behaviour=FRIENDLY_KIT, rates=KitFaults(*[SHARE] * 7)) as kit,
        network_simulator(behaviour=FRIENDLY_NETWORK, records=0, rates=NetworkFaults(*[SHARE] * 7)) as network,
        anyio.create_task_group() as tasks,
    ):
        town = Town(kit, network, PEOPLE, Random(SEED))
        settings = {"fields": FIELDS, "create_users": True, "create_for": "everybody", "every": "100ms"}
        text = "\n".join(
            (
                account_of(kit, network),
                sync_of("actionkit", "kit", {**settings, "import_page": "groundswell_import"}),
                sync_of("network", "net", settings),
            )
        )
        process = Process(directory, text, module="tests.faults.without_waiting")
        try:
            # They meet, and only then is anything edited: whose word counts when they meet depends on who comes first.
            await _lives_and_dies(process, kills)
            await _quiet(process, kit, network)
            process.kill()
            edited = anyio.Event()
            tasks.start_soon(_edit, town, edited)
            await _lives_and_dies(process, kills)
            await edited.wait()
            await _quiet(process, kit, network)
            assert process.rows("SELECT count(*) FROM dead_letters") == [(0,)]
            assert await process.stop() == 0
        finally:
            process.kill()
        assert town.differences() == {}
        # Nobody was made twice.
        assert (kit.control.users, network.control.people) == (PEOPLE, PEOPLE)
        return town.snapshot()


async def _lives_and_dies(process: Process, kills: Sequence[float]) -> None:
    for lives_s in kills:
        await process.start()
        await anyio.sleep(lives_s)
        process.kill()
    await process.start()


async def _edit(town: Town, edited: anyio.Event) -> None:
    """The same edits in the same order, whoever listens."""
    for number in range(EDITS):
        town.edit(town.people[number * 7 % PEOPLE])
        await anyio.sleep(EDIT_EVERY_S)
    edited.set()


async def _quiet(process: Process, kit: Kit, network: Network) -> None:
    """Return once either side was looked at several times, and nothing was written and nothing waits."""
    with anyio.fail_after(60):
        while True:
            await process.drained()
            written = writes_at(kit.counts.by_call) + writes_at(network.counts.by_call)
            looks = kit.counts.by_call["GET subscriptionhistory"], network.counts.by_call["GET people"]
            while kit.counts.by_call["GET subscriptionhistory"] < looks[0] + QUIET_ROUNDS or network.counts.by_call[
                "GET people"
            ] < looks[1] + QUIET_ROUNDS * (PEOPLE // 25 + 2):
                await anyio.sleep(0.02)
            if written == writes_at(kit.counts.by_call) + writes_at(network.counts.by_call):
                return
