"""A sink that writes at a simulated ActionKit, on a clock that both share and a test can move on."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, cast

import anyio
import anyio.lowlevel
import msgspec

from groundswell.clock import SystemClock
from groundswell.component import Context, Delivery, Keys, Outcome
from groundswell.connectors.actionkit.account import ActionKitAccount, ActionKitAccountSettings
from groundswell.connectors.actionkit.simulator.faults import FaultRates
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.http.client import Client, new_session
from groundswell.record import Donation, Person, Record, lane_of, to_json
from groundswell.registry import SINKS

SETTLE_S = 30.0


class SkippingClock(SystemClock):
    """Real time, and what a test lets pass besides."""

    skipped_s = 0.0

    def now(self) -> float:
        return super().now() + self.skipped_s

    def monotonic(self) -> float:
        return super().monotonic() + self.skipped_s

    def skip(self, seconds: float) -> None:
        self.skipped_s += seconds


class LeapingClock:
    """The same time, for the daemon: it passes at once where somebody sleeps."""

    def __init__(self, clock: SkippingClock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        self._clock.skip(seconds)
        await anyio.lowlevel.checkpoint()


class Giving:
    """One sink, what it writes to, and the time there."""

    def __init__(self, server: Server, clock: SkippingClock, type_: str, context: Context, settings: Any) -> None:
        self.server = server
        self.clock = clock
        self._type = SINKS[type_]
        self._context = context
        self._settings = {"type": type_, "account": "crm", "inputs": ["gifts"], **settings}
        self.start()

    def start(self) -> None:
        """As a daemon that was just started: it remembers nothing."""
        self.sink = self._type.build(self._type.settings(**self._settings), self._context)

    def restart_with(self, **settings: Any) -> None:
        """As a daemon that was stopped for a while, and started with these settings instead."""
        fixed = {name: self._settings[name] for name in ("type", "account", "inputs")}
        self._settings = {**fixed, **settings}
        self.start()
        self.settle()

    def settle(self) -> None:
        """Let everything be over that was under way."""
        self.clock.skip(SETTLE_S + 0.1)

    async def deliver(self, record: Record, attempts: int = 0) -> Outcome:
        (outcome,) = await self.deliver_together([record], attempts)
        return outcome

    async def deliver_together(self, records: Sequence[Record], attempts: int = 0) -> Sequence[Outcome]:
        """In one batch."""
        deliveries = [Delivery(one.id, one.kind, lane_of(one), to_json(one), attempts) for one in records]
        return cast("Sequence[Outcome]", await self.sink.deliver(deliveries))

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return self.server.world.db.rows(sql, *values)

    def totals(self) -> list[str]:
        """Of the orders that count."""
        return [
            row["total"] for row in self.rows("SELECT total FROM core_order WHERE status = 'completed' ORDER BY id")
        ]

    def payments(self) -> list[tuple[str, str, str]]:
        """Number, amount and status of every sale."""
        sql = "SELECT trans_id, amount, status FROM core_transaction WHERE type = 'sale' ORDER BY id"
        return [(row["trans_id"], row["amount"], row["status"]) for row in self.rows(sql)]

    def field(self, sql: str, *values: Any) -> Any:
        return self.server.world.db.value(sql, *values)


@asynccontextmanager
async def giving(
    type_: str = "actionkit.donations",
    *,
    users: int = 0,
    rates: FaultRates | None = None,
    switches: dict[str, Any] | None = None,
    settled: bool = True,
    **settings: Any,
) -> AsyncIterator[Giving]:
    """`switches` of the simulator; what is not switched is as hard on a client as it may be."""
    clock = SkippingClock()
    behaviour = msgspec.structs.replace(Behaviour(), **(switches or {}))
    async with (
        simulator(users=users, clock=clock, behaviour=behaviour, rates=rates) as server,
        new_session() as session,
    ):
        ours = LeapingClock(clock)
        context = Context("crm", ours, Random(1), Client(session, ours), cast("Keys", None), Path())
        account = ActionKitAccount(
            ActionKitAccountSettings(
                type="actionkit", host=server.root, username=server.user, password=server.password, rate="10000/s"
            ),
            context,
        )
        context = Context("crm", ours, context.random, context.http, context.keys, Path(), account)
        made = Giving(server, clock, type_, context, settings)
        if settled:
            made.settle()
        yield made


def gift(
    number: int = 1,
    amount: str = "25.00",
    *,
    kind: str = "donation",
    at: str = "2026-05-02T11:00:09Z",
    person: dict[str, Any] | None = None,
    **donation: Any,
) -> Record:
    """A donation as an ActBlue source would make it."""
    who = {"first_name": "Ada", "last_name": "Quill", "email": "ada@example.org", **(person or {})}
    id_ = f"actblue:{'contribution' if kind == 'donation' else kind}/{number}"
    told = {"amount": amount, "currency": "USD", "lineitem_id": str(number), **donation}
    return Record(
        id=id_,
        kind=cast("Any", kind),
        source="actblue",
        occurred_at=at,
        person=Person(**who),
        donation=Donation(**told),
    )


def monthly(number: int, amount: str = "10.00", *, series: str = "AB7", **more: Any) -> Record:
    """A payment of a recurring donation."""
    return gift(number, amount, recurring=True, period="monthly", order_id=series, **more)
