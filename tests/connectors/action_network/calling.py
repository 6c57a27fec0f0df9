"""An Action Network client that calls a simulator over loopback, and what a component of it is built with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from groundswell.component import Context
from groundswell.connectors.action_network.account import ActionNetworkAccount, ActionNetworkAccountSettings
from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.simulator.server import Server, simulator
from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from groundswell.connectors.action_network.transport import Caller
from groundswell.http.client import Client, new_session
from tests.virtual_time import VirtualClock

CALLER = Caller("network")


class NoKeys:
    async def is_valid(self, account_id: str, secret: str) -> bool:
        return False


@dataclass(frozen=True)
class Line:
    """A running simulator, and the way to it. Time is the simulator's and ours; it stands still."""

    server: Server
    client: ActionNetwork
    context: Context
    clock: VirtualClock

    @property
    def calls(self) -> dict[str, int]:
        """What was called since `hush`, such as {"GET people/*": 1}."""
        return dict(self.server.counts.by_call)

    def hush(self) -> None:
        """Forget what was called until now."""
        self.server.control.reset_counts()


@asynccontextmanager
async def calling(
    people: int = 0, *, seed: int = 1, name: str = "network", is_limited: bool = False, **switches: Any
) -> AsyncIterator[Line]:
    """The simulator as it is by default, the hardest it can be on a client, but for the switches and the rate."""
    clock = VirtualClock()
    # Tests do not wait for their turn, so the limit is another test's.
    behaviour = msgspec.structs.replace(Behaviour(), **(switches if is_limited else {"calls_per_s": None, **switches}))
    async with (
        simulator(people=people, seed=seed, clock=clock, behaviour=behaviour, records=0) as server,
        new_session() as session,
    ):
        context = Context(name, clock, Random(1), Client(session, clock), NoKeys(), Path("/nowhere"))
        settings = ActionNetworkAccountSettings.model_validate(
            {"type": "action_network", "token": server.key, "base_url": server.base_url, "rate": "100000/s"}
        )
        account = ActionNetworkAccount(settings, context)
        await clock.advance(5)  # a limiter begins with waiting for the window before it
        context = Context(name, clock, Random(1), context.http, context.keys, context.directory, account)
        yield Line(server, account.client, context, clock)
