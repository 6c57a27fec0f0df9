"""A sink that records at a simulated Action Network, on a clock that both share and a test can move on."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, cast

import anyio
import msgspec

from groundswell.clock import SystemClock
from groundswell.component import Context, Delivery, Keys, Outcome
from groundswell.connectors.action_network.account import ActionNetworkAccount, ActionNetworkAccountSettings
from groundswell.connectors.action_network.simulator.server import Server, simulator
from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from groundswell.connectors.action_network.simulator.state.thing import Thing
from groundswell.http.client import Client, new_session
from groundswell.record import Action, Donation, Page, Person, Record, lane_of, to_json
from groundswell.registry import SINKS

STRICT = Behaviour(calls_per_s=None, index_lag_s=(5.0, 5.0))
"""As hard on a client as it may be, but for the rate; and lists are as late as they were ever seen."""
SETTLE_S = 15.0


class SkippingClock(SystemClock):
    """Real time, and what a test lets pass besides."""

    skipped_s = 0.0

    def now(self) -> float:
        return super().now() + self.skipped_s

    def monotonic(self) -> float:
        return super().monotonic() + self.skipped_s

    def skip(self, seconds: float) -> None:
        self.skipped_s += seconds


class Recording:
    """One sink, what it writes to, and the time there."""

    def __init__(self, server: Server, clock: SkippingClock, type_: str, context: Context, settings: Any) -> None:
        self.server = server
        self.clock = clock
        self._type = SINKS[type_]
        self._context = context
        self._settings = {"type": type_, "account": "network", "inputs": ["people"], **settings}
        self.start()

    @property
    def client(self) -> Any:
        return self._context.account.client

    def start(self) -> None:
        """As a daemon that was just started: it remembers nothing."""
        self.sink = self._type.build(self._type.settings(**self._settings), self._context)

    def settle(self) -> None:
        """Let everything show that was written so far."""
        self.clock.skip(SETTLE_S + 0.1)

    async def deliver(self, record: Record, attempts: int = 0) -> Outcome:
        (outcome,) = await self.sink.deliver([delivery_of(record, attempts)])
        return cast("Outcome", outcome)

    async def deliver_together(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """In one batch."""
        return cast("Sequence[Outcome]", await self.sink.deliver([delivery_of(record) for record in records]))

    async def deliver_side_by_side(self, records: Sequence[Record]) -> list[Outcome]:
        """In as many calls at once."""
        outcomes: list[Outcome] = []

        async def one(record: Record) -> None:
            outcomes.append(await self.deliver(record))

        async with anyio.create_task_group() as tasks:
            for record in records:
                tasks.start_soon(one, record)
        return outcomes

    def on(self, page: str, kind: str, records: str) -> list[Thing]:
        """What is on a page now, whatever lists show."""
        return list(self.server.world.shelves.all(kind, page, records))

    def person(self, email: str) -> dict[str, Any]:
        """A person as the API would show them now."""
        found = self.server.world.people.now.by_email(email)
        assert found is not None, "nobody has that address"
        return self.server.control.person(found.uuid)


def delivery_of(record: Record, attempts: int = 0) -> Delivery:
    return Delivery(record.id, record.kind, lane_of(record), to_json(record), attempts)


@asynccontextmanager
async def recording(
    type_: str = "action_network.records",
    *,
    people: int = 0,
    behaviour: Behaviour = STRICT,
    switches: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Recording]:
    """`settings` may hold functions of the server: the number of a page is known only when it is there."""
    clock = SkippingClock()
    behaviour = msgspec.structs.replace(behaviour, **(switches or {}))
    async with (
        simulator(people=people, clock=clock, behaviour=behaviour, records=0) as server,
        new_session() as session,
    ):
        context = Context("crm", clock, Random(1), Client(session, clock), cast("Keys", None), Path())
        account = ActionNetworkAccount(
            ActionNetworkAccountSettings(
                type="action_network", token=server.key, rate="10000/s", base_url=server.base_url
            ),
            context,
        )
        clock.skip(10)  # its limiter need not wait for the window before it was there
        context = Context("crm", clock, context.random, context.http, context.keys, Path(), account)
        known = {name: value(server) if callable(value) else value for name, value in settings.items()}
        yield Recording(server, clock, type_, context, known)


def page(kind: str, *, is_api_made: bool = False) -> Any:
    """For the settings: the number of a page that is there from the start."""
    return lambda server: page_number(server, kind, is_api_made=is_api_made)


def page_number(server: Server, kind: str, *, is_api_made: bool = False) -> str:
    return next(one.uuid for one in server.world.shelves.all(kind) if one.is_api_made == is_api_made)


def action(
    type_: str = "signature",
    *,
    number: int = 1,
    tags: Sequence[str] = (),
    fields: dict[str, Any] | None = None,
    at: str | None = None,
    **person: Any,
) -> Record:
    """Something done, by default by somebody with an address."""
    return Record(
        id=f"crm:action/{number}",
        kind="action",
        source="crm",
        person=Person(**(person or {"email": "rosa@example.org"})),
        action=Action(type=type_, tags=list(tags), fields=fields or {}, page=Page(id=at or "17")),
    )


def gift(number: int = 1, amount: str = "25.00", **person: Any) -> Record:
    return Record(
        id=f"crm:donation/{number}",
        kind="donation",
        source="crm",
        occurred_at="2026-03-01T09:00:00Z",
        person=Person(**(person or {"email": "rosa@example.org", "email_opt_in": True})),
        donation=Donation(amount=amount, currency="USD"),
    )


def status(person: dict[str, Any], entries: str = "email_addresses") -> str:
    return str(person[entries][0]["status"])
