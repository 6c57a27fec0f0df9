"""A sink that writes to a simulated ActionKit, on a clock that both share and a test can move on.

async with sinking("actionkit.actions", page="signup") as it:
    assert await it.deliver(email="rosa@example.org") == Delivered()
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, cast
from unittest.mock import patch

import msgspec

from groundswell.clock import SystemClock
from groundswell.component import Context, Delivery, Keys, Outcome
from groundswell.connectors.actionkit.account import ActionKitAccount, ActionKitAccountSettings
from groundswell.connectors.actionkit.simulator.instance import Arrived
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from groundswell.http.client import Client, new_session
from groundswell.record import Action, Page, Person, Record, lane_of, to_json
from groundswell.registry import SINKS, SYNC_SINKS

SETTLE_S = 15.0
ROSA = "rosa@example.org"


class SkippingClock(SystemClock):
    """Real time, and what a test lets pass besides."""

    skipped_s = 0.0

    def now(self) -> float:
        return super().now() + self.skipped_s

    def monotonic(self) -> float:
        return super().monotonic() + self.skipped_s

    def skip(self, seconds: float) -> None:
        self.skipped_s += seconds


class Sinking:
    """One sink, what it writes to, and the time there."""

    def __init__(self, server: Server, clock: SkippingClock, type_: str, context: Context, settings: Any) -> None:
        self.server = server
        self.clock = clock
        self._type = (SINKS | SYNC_SINKS)[type_]
        self._context = context
        self._settings = {"type": type_, "account": "crm", "inputs": ["people"], **settings}
        self._number = 0
        self.restart()
        self.settle()

    @property
    def client(self) -> Any:
        return self._context.account.client

    def restart(self) -> None:
        """As a daemon that was just started: it remembers nothing."""
        self.sink = self._type.build(self._type.settings(**self._settings), self._context)

    def settle(self) -> None:
        """Let whatever may be under way be over."""
        self.clock.skip(SETTLE_S + 0.1)

    async def deliver(self, **person: Any) -> Outcome:
        """An action of this person, another one with each call."""
        self._number += 1
        return await self.deliver_record(signed(self._number, **person))

    async def deliver_record(self, record: Record, attempts: int = 0) -> Outcome:
        (outcome,) = await self.sink.deliver([delivery_of(record, attempts)])
        return cast("Outcome", outcome)

    async def deliver_together(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """In one batch."""
        return cast("Sequence[Outcome]", await self.sink.deliver([delivery_of(record) for record in records]))

    # ---- what is there ----

    def user(self, email: str = ROSA) -> dict[str, Any]:
        """As the API shows them."""
        (found,) = self.server.control.rows("SELECT id FROM core_user WHERE email = ?", email)
        return self.server.control.user(found["id"])

    def has_user(self, email: str = ROSA) -> bool:
        return bool(self.server.control.rows("SELECT id FROM core_user WHERE email = ?", email))

    def actions(self, email: str = ROSA) -> list[dict[str, Any]]:
        """Their rows, oldest first, each with its page's name and its fields (lists of values)."""
        rows = self.server.control.rows(
            "SELECT a.*, p.name AS page FROM core_action a JOIN core_page p ON p.id = a.page_id "
            "JOIN core_user u ON u.id = a.user_id WHERE u.email = ? ORDER BY a.id",
            email,
        )
        return [dict(row) | {"fields": self._fields(row["id"])} for row in rows]

    def phones(self, email: str = ROSA) -> list[tuple[str, str]]:
        rows = self.server.control.rows(
            "SELECT f.type, f.normalized_phone AS number FROM core_phone f JOIN core_user u ON u.id = f.user_id "
            "WHERE u.email = ? ORDER BY f.id",
            email,
        )
        return [(row["type"], row["number"]) for row in rows]

    def lists(self, email: str = ROSA) -> list[int]:
        rows = self.server.control.rows(
            "SELECT s.list_id FROM core_subscription s JOIN core_user u ON u.id = s.user_id WHERE u.email = ? "
            "ORDER BY s.list_id",
            email,
        )
        return [row["list_id"] for row in rows]

    def writes(self) -> int:
        """Calls that change something, reports aside, since the counts were last reset."""
        calls = self.server.counts.by_call
        return sum(times for call, times in calls.items() if not call.startswith(("GET", "POST report")))

    def _fields(self, action: int) -> dict[str, list[str]]:
        fields: dict[str, list[str]] = {}
        rows = self.server.control.rows("SELECT * FROM core_actionfield WHERE parent_id = ? ORDER BY id", action)
        for row in rows:
            fields.setdefault(row["name"], []).append(row["value"])
        return fields


async def sent_to(it: Sinking, path: str, record: Record) -> tuple[Outcome, list[dict[str, Any]]]:
    """Deliver this; the outcome, and the JSON bodies of all that was posted to this path of the simulator."""
    bodies: list[dict[str, Any]] = []
    take = it.server.instance.take

    def taken(arrived: Arrived) -> Any:
        if (arrived.method, arrived.path) == ("POST", path):
            bodies.append(msgspec.json.decode(arrived.body))
        return take(arrived)

    with patch.object(it.server.instance, "take", taken):
        return await it.deliver_record(record), bodies


def delivery_of(record: Record, attempts: int = 0) -> Delivery:
    return Delivery(record.id, record.kind, lane_of(record), to_json(record), attempts)


@asynccontextmanager
async def sinking(
    type_: str, *, users: int = 0, switches: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Sinking]:
    """The sink with these settings, at a simulator with these switches, else as hard as it can be."""
    clock = SkippingClock()
    behaviour = msgspec.structs.replace(Behaviour(), **(switches or {}))
    async with simulator(users=users, clock=clock, behaviour=behaviour) as server, new_session() as session:
        context = Context("crm", clock, Random(1), Client(session, clock), cast("Keys", None), Path())
        account = ActionKitAccount(
            ActionKitAccountSettings(
                type="actionkit", host=server.root, username=server.user, password=server.password, rate="100000/s"
            ),
            context,
        )
        clock.skip(10)  # its limiter need not wait for the window before it was there
        context = Context("crm", clock, context.random, context.http, context.keys, Path(), account)
        yield Sinking(server, clock, type_, context, settings)


def signed(
    number: int = 1,
    *,
    kind: Any = "action",
    fields: dict[str, Any] | None = None,
    at: str = "17",
    source_code: str | None = None,
    **person: Any,
) -> Record:
    """Something done, by default by somebody with an address."""
    return Record(
        id=f"network:signature/{number}",
        kind=kind,
        source="signups",
        occurred_at="2026-03-01T09:00:00Z",
        person=Person(**(person or {"email": ROSA})),
        action=Action(
            type="signature",
            fields=fields or {},
            page=Page(id=at),
            source_code=msgspec.UNSET if source_code is None else source_code,
        ),
    )
