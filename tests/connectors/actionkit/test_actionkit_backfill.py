"""A time that is past, fetched again from a simulated ActionKit."""

import msgspec
import pytest

from groundswell.component import Batch
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from groundswell.connectors.actionkit.times import seconds_of
from groundswell.errors import RequestError
from tests.connectors.actionkit.polling import FILTERED, STRICT, Killed, PollClock, polling, shaky

FROM, UNTIL = 1_577_836_800.0, 1_704_067_200.0
"""2020 to 2024."""
WAYS = pytest.mark.parametrize(
    ("behaviour", "reports"),
    [(STRICT, True), (FILTERED, True), (FILTERED, False), (STRICT, False)],
    ids=["by report", "by filter and report", "by filter", "by reading all"],
)


def within(server: Server, table: str) -> set[int]:
    rows = server.control.rows(f"SELECT id, updated_at FROM {table}")
    return {row["id"] for row in rows if FROM <= (seconds_of(row["updated_at"]) or 0) < UNTIL}


@WAYS
async def test_it_hands_over_what_was_last_changed_in_that_time(behaviour: Behaviour, reports: bool) -> None:
    async with (
        simulator(users=400, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["users", "actions"], reports=reports) as poller,
    ):
        await poller.backfill(["actions"], FROM, UNTIL)
        assert set(poller.inbox.numbers("action")) == within(server, "core_action")
        assert 0 < len(poller.inbox.ids) < server.control.rows("SELECT count(*) AS n FROM core_action")[0]["n"]
        poller.inbox.cursor = None
        await poller.backfill(["users"], FROM, UNTIL)
        assert set(poller.inbox.numbers("user")) >= within(server, "core_user")


@WAYS
async def test_it_goes_on_after_faults_and_kills(behaviour: Behaviour, reports: bool) -> None:
    async with (
        simulator(users=1200, clock=PollClock(), behaviour=behaviour) as server,
        polling(server, collections=["users"], reports=reports) as poller,
    ):
        commits = 0

        async def after(_: Batch) -> None:
            nonlocal commits
            commits += 1
            if commits % 3 == 0:
                raise Killed

        poller.inbox.after = after
        server.control.fail(**msgspec.structs.asdict(shaky(0.01)))
        await poller.backfill(["users"], FROM, UNTIL, tries=300)
        assert set(poller.inbox.numbers("user")) >= within(server, "core_user")


async def test_it_says_which_collections_there_are() -> None:
    async with simulator(clock=PollClock()) as server, polling(server) as poller:
        with pytest.raises(RequestError, match="there is user_fields, lists"):
            await poller.backfill(["people"], FROM, UNTIL)


async def test_a_cursor_of_another_time_is_not_taken_for_its_own() -> None:
    async with (
        simulator(users=300, clock=PollClock()) as server,
        polling(server, collections=["users"]) as poller,
    ):
        await poller.backfill(["users"], FROM, FROM + 1)
        assert not poller.inbox.of("user")
        await poller.backfill(["users"], FROM, UNTIL)
        assert set(poller.inbox.numbers("user")) >= within(server, "core_user")
