"""A sink of Action Network against a simulated one, delivery by delivery."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, cast

import anyio.lowlevel

from groundswell.clock import SystemClock
from groundswell.component import Context, Delivery, Keys, Outcome
from groundswell.connectors.action_network.account import ActionNetworkAccount, ActionNetworkAccountSettings
from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.simulator.server import Server
from groundswell.connectors.action_network.transport import Caller
from groundswell.http.client import Client, new_session
from groundswell.record import Person, Record, lane_of, to_json
from groundswell.registry import SINKS

CALLER = Caller("test")


class Writing:
    """One sink, and the account it writes with."""

    def __init__(self, type_: str, context: Context, settings: dict[str, Any]) -> None:
        self._type = SINKS[type_]
        self._context = context
        self._settings = {"type": type_, "account": "network", "inputs": ["people"], **settings}
        self.sink = self.built()
        self.client: ActionNetwork = context.account.client

    def built(self) -> Any:
        """Another one, as after a restart: it remembers nothing."""
        return self._type.build(self._type.settings(**self._settings), self._context)

    def restart(self) -> None:
        self.sink = self.built()

    async def deliver(self, record: Record, attempts: int = 0) -> Outcome:
        delivery = Delivery(record.id, record.kind, lane_of(record), to_json(record), attempts)
        (outcome,) = await self.sink.deliver([delivery])
        return cast("Outcome", outcome)

    async def person(self, **fields: Any) -> Outcome:
        return await self.deliver(Record(id="crm:person/1", kind="person", source="crm", person=Person(**fields)))


class QuickClock(SystemClock):
    """Real time that leaps ahead when somebody waits. Give the simulator the same one."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def now(self) -> float:
        return super().now() + self._ahead_s

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead_s

    async def sleep(self, seconds: float) -> None:
        self._ahead_s += max(0.0, seconds)
        await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def writing(server: Server, type_: str, **settings: Any) -> AsyncIterator[Writing]:
    clock = server.world.clock
    async with new_session() as session:
        context = Context("crm", clock, Random(1), Client(session, clock), cast("Keys", None), Path())
        account = ActionNetworkAccount(
            ActionNetworkAccountSettings(
                type="action_network", token=server.key, rate="10000/s", base_url=server.base_url
            ),
            context,
        )
        context = Context("crm", clock, Random(1), context.http, context.keys, Path(), account)
        yield Writing(type_, context, settings)


def found(server: Server, email: str) -> dict[str, Any]:
    """A person as the API would show them now."""
    person = server.world.people.now.by_email(email)
    assert person is not None, "nobody has that address"
    return cast("dict[str, Any]", server.control.person(person.uuid))
