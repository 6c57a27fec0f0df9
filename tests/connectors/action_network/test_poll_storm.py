"""The poller while everything goes on and everything goes wrong: people are edited, added and moved, calls fail, the
process is killed. Nobody may be missed.
"""

from collections.abc import Awaitable, Callable
from random import Random

import pytest

from groundswell.component import Batch
from groundswell.connectors.action_network.simulator.faults import FaultRates
from groundswell.connectors.action_network.simulator.server import Server, simulator
from groundswell.connectors.action_network.simulator.state.behaviour import FRIENDLIEST, Behaviour
from groundswell.connectors.action_network.simulator.state.person import shown_person
from tests.connectors.action_network.polling import Killed, PollClock, Poller, polling, seen

LAGGING = Behaviour(calls_per_s=None, status_bumps=True)
"""Strict and late in every other way."""
FAULTS = FaultRates(
    too_many=0.01,
    too_many_with_retry_after=0.01,
    server_error=0.01,
    server_error_page=0.01,
    unavailable=0.01,
    dropped=0.01,
    answer_lost=0.01,
)


def disturbed(server: Server, random: Random, *, leave_alone: bool = False) -> Callable[[], None]:
    """What happens there now and then."""

    def happen() -> None:
        match random.randrange(6):
            case 0:
                server.control.edit_some(1)
            case 1 if not leave_alone:
                server.control.add_people(1)
            case 2:
                server.control.reorder(3)

    return happen


def between_calls(server: Server, happen: Callable[[], None]) -> None:
    """Let it happen before each call that arrives."""
    arrive = server.network.arrive

    def arriving(method: str, path: str) -> bool:
        happen()
        return arrive(method, path)

    object.__setattr__(server.network, "arrive", arriving)


def killing(random: Random, share: float) -> Callable[[Batch], Awaitable[None]]:
    async def kill(_: Batch) -> None:
        if random.random() < share:
            raise Killed

    return kill


def missing(server: Server, poller: Poller) -> list[str]:
    """The people whose state of now was not handed over."""
    world = server.world
    known: dict[str, list[object]] = {}
    for arrival in poller.inbox.of("person"):
        known.setdefault(uuid_in(arrival.id), []).append(seen(arrival))
    gone = []
    for number in range(world.people.count):
        person = world.people.now.get(number)
        if person is None:
            continue
        now = {name: value for name, value in shown_person(person, world.api).items() if name != "_links"}
        now["identifiers"] = sorted(now["identifiers"])
        if now not in known.get(person.uuid, []):
            gone.append(person.uuid)
    return gone


def uuid_in(arrival_id: str) -> str:
    return arrival_id.partition("/")[2].partition("@")[0]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("behaviour", [FRIENDLIEST, LAGGING], ids=["at once", "index lags"])
async def test_everybody_is_taken_while_people_change_calls_fail_and_the_process_is_killed(
    seed: int, behaviour: Behaviour
) -> None:
    random = Random(seed)
    async with (
        simulator(people=10_000, seed=seed, clock=PollClock(), behaviour=behaviour, rates=FAULTS) as server,
        polling(server, collections=["people"]) as poller,
    ):
        between_calls(server, disturbed(server, random))
        poller.inbox.before = killing(random, 0.02)
        poller.inbox.after = killing(random, 0.02)
        await poller.round(tries=2_000)
        server.control.fail()
        object.__delattr__(server.network, "arrive")
        poller.clock.pass_by(600)
        await poller.round(tries=50)
        assert poller.failures
        assert server.counts.faults
        assert missing(server, poller) == []
        assert server.control.people > 10_000
