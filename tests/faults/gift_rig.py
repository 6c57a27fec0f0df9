"""ActBlue, a CRM and a real daemon between the two: what the tests of a whole ledger have in common."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
from msgspec import Struct

from groundswell.clock import SystemClock
from groundswell.connectors.actblue.simulator import faults as actblue_faults
from groundswell.connectors.actblue.simulator import server as actblue
from groundswell.connectors.actblue.simulator.behaviour import Behaviour as CsvBehaviour
from groundswell.connectors.actblue.simulator.ledger import Ledger
from groundswell.connectors.actblue.simulator.messages import Message
from groundswell.connectors.actblue.simulator.sender import Pace, Target
from groundswell.connectors.actionkit.simulator import server as actionkit
from groundswell.connectors.actionkit.simulator.faults import FaultRates
from groundswell.connectors.actionkit.simulator.server import Server
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from groundswell.ops import reach
from groundswell.ops.messages import AskBackfill, PickLetters, Sends
from groundswell.ops.operations import BACKFILL, DEAD_RETRY, Operation
from groundswell.ops.place import place_of
from tests.faults.process import Process

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)
ROOT = Path(__file__).parents[2]
LOGIN = "actblue:typed-in-once"
BEHAVIOUR = Behaviour(retry_after_s=0.5)
"""A 429 that does not say for how long holds for a minute."""
QUICK_CSVS = CsvBehaviour(calls_per_minute=None, polls=0)
PIPELINE = """
[accounts.crm]
type = "actionkit"
host = "{crm.root}"
username = "{crm.user}"
password = "{crm.password}"
rate = "60000/min"
at_once = 8

[accounts.actblue]
type = "actblue"
client_uuid = "{actblue.api.client}"
client_secret = "{actblue.api.secret}"
host = "{actblue.root}"
rate = "1000/s"

[sources.gifts]
type = "actblue.webhook"
auth = {{ type = "basic", username = "actblue", password = "typed-in-once" }}
entities = [{own}]

[sources.history]
type = "actblue.csv"
account = "actblue"
entities = [{own}]

[transforms.phone]
type = "normalise_phone"
inputs = ["gifts", "history"]

[transforms.opt_in]
type = "normalise_opt_in"
inputs = ["phone"]
"""
MONEY = """
[sinks.money]
type = "actionkit.donations"
inputs = ["opt_in"]
account = "crm"
enabled = true
payment_account = "Default ActBlue"
page = "actblue_{action.page.id}"
page_without_form = "actblue_other"
action_fields = { refcode2 = "donation.refcodes.refcode2" }
concurrency = 8
wait_for_gift = "1s"
"""


class Rig:
    """Both vendors, simulated in this process, and the daemon, a process of its own."""

    def __init__(self, ledger: Ledger, crm: Server, given_at: actblue.Server, process: Process) -> None:
        self.ledger = ledger
        self.crm = crm
        self.actblue = given_at
        self.process = process
        assert given_at.sender is not None
        self.sender = given_at.sender
        self.within_s = 60 + len(ledger.gifts) / 10
        """How long all of it may take."""

    async def cli(self, *arguments: str) -> str:
        """What a verb prints."""
        done = await anyio.to_thread.run_sync(self.process.cli, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def ask(self, operation: Operation[Q, A], request: Q) -> A:
        """What the daemon answers: as a verb does it, without a process for each."""
        return await reach.ask(place_of([self.process.file], {}), SystemClock(), operation, request)

    async def backfill(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        collections: list[str] | None = None,
        sends: Sends = "unsent",
    ) -> None:
        """Have the past fetched, all of it unless said otherwise, and return when it is where it goes."""
        asked = AskBackfill("history", since, until, collections, all=since is None, sends=sends)
        await self.ask(BACKFILL, asked)
        with anyio.fail_after(self.within_s):
            while self.process.rows("SELECT 1 FROM backfills WHERE state = 'running'"):
                self.process.check()
                await anyio.sleep(0.02)
        await self.process.drained(self.within_s)

    async def retry(self, reason: str) -> None:
        """Have dead letters tried again, as a person does, and return when that has been done."""
        await self.ask(DEAD_RETRY, PickLetters(reason=reason))
        await self.process.drained(self.within_s)

    async def told(self, messages: Sequence[Message]) -> None:
        """Have ActBlue send these, and return when all that came of it is where it goes."""
        await self.sender.send(messages)
        await self.process.drained(self.within_s)

    def accepted(self, kind: str) -> set[int]:
        """Numbers of the line items of which there is a record of this kind, such as "contribution"."""
        start = f"actblue:{kind}/"
        rows = self.process.rows("SELECT substr(id, ?) FROM inbox WHERE id LIKE ?", len(start) + 1, f"{start}%")
        return {int(str(number)) for (number,) in rows}

    def dead(self) -> dict[str, str]:
        """Why, by record."""
        return dict(self.process.rows("SELECT record_id, reason FROM dead_letters"))  # type: ignore[arg-type]

    def unaccounted(self) -> set[object]:
        """Accepted records of which nothing became: neither delivered, nor skipped for a reason, nor a dead letter."""
        return {
            record_id
            for (record_id,) in self.process.rows(
                "SELECT id FROM inbox WHERE seq NOT IN (SELECT inbox_seq FROM deliveries WHERE outcome = 'delivered' "
                "OR (outcome = 'skipped' AND note IS NOT NULL)) AND seq NOT IN (SELECT inbox_seq FROM dead_letters)"
            )
        }


@asynccontextmanager
async def rig(
    directory: Path,
    ledger: Ledger,
    sink: str = MONEY,
    *,
    rates: FaultRates | None = None,
    webhook_rates: actblue_faults.FaultRates | None = None,
    pace: Pace | None = None,
) -> AsyncIterator[Rig]:
    """Everything but the daemon is under way; that is killed at the end, if it runs."""
    environ = {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    process = Process(directory, "", environ=environ, module="tests.faults.without_waiting")
    target = Target.all_at(f"http://{LOGIN}@127.0.0.1:{process.webhooks}/webhooks/gifts")
    async with (
        actionkit.simulator(behaviour=BEHAVIOUR, rates=rates) as crm,
        actblue.simulator(ledger, behaviour=QUICK_CSVS, rates=webhook_rates, webhooks=target, pace=pace) as given_at,
    ):
        text = PIPELINE.format(crm=crm, actblue=given_at, own=ledger.own.id) + sink
        process.file.write_text(process.file.read_text() + text)
        try:
            yield Rig(ledger, crm, given_at, process)
        finally:
            process.end()
