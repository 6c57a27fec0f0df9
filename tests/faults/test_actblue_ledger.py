"""ActBlue into ActionKit, to the cent: webhooks late, lost, twice and in disorder, kill -9, faults on both sides, CSVs.

Some three hundred gifts here; `LEDGER_GIFTS=20000` does the same with twenty thousand, and says what it cost.
"""

import os
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import anyio
import anyio.to_thread
import msgspec
import pytest

from groundswell.connectors.actblue.simulator import faults as actblue_faults
from groundswell.connectors.actblue.simulator import server as actblue
from groundswell.connectors.actblue.simulator.behaviour import Behaviour as CsvBehaviour
from groundswell.connectors.actblue.simulator.ledger import SINCE, Ledger
from groundswell.connectors.actblue.simulator.messages import messages
from groundswell.connectors.actblue.simulator.sender import Pace, Target
from groundswell.connectors.actionkit.simulator import server as actionkit
from groundswell.connectors.actionkit.simulator.faults import FaultRates
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from groundswell.ops.reconcile_messages import LISTED_MAX
from tests.faults.gift_books import at_actionkit, differences, given, has_email, ours
from tests.faults.process import Process

GIFTS = int(os.environ.get("LEDGER_GIFTS", "300"))
KILLS = max(3, GIFTS // 1_000)
PER_S = 250.0
"""Webhooks, on the average: bursts come faster."""
WITHIN_S = 60 + GIFTS / 10
ROOT = Path(__file__).parents[2]
LOGIN = "actblue:typed-in-once"
BEHAVIOUR = Behaviour(retry_after_s=0.5)
"""A 429 that does not say for how long holds for a minute."""
RATES = FaultRates(too_many=0.01, server_error=0.01, server_error_done=0.005, dropped=0.005, answer_lost=0.005)
WEBHOOK_FAULTS = actblue_faults.FaultRates(
    webhook_lost=0.1, webhook_twice=0.1, webhook_late=0.2, webhook_late_s=1.0, webhook_ahead=0.3
)
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

    def __init__(self, ledger: Ledger, crm: actionkit.Server, given_at: actblue.Server, process: Process) -> None:
        self.ledger = ledger
        self.crm = crm
        self.actblue = given_at
        self.process = process
        assert given_at.sender is not None
        self.sender = given_at.sender

    async def cli(self, *arguments: str) -> str:
        """What a verb prints."""
        done = await anyio.to_thread.run_sync(self.process.cli, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def backfill(self, *arguments: str) -> None:
        """Have the past fetched, and return when all of it is where it goes."""
        await self.cli("backfill", "history", *(arguments or ("--since", SINCE.isoformat())))
        with anyio.fail_after(WITHIN_S):
            while self.process.rows("SELECT 1 FROM backfills WHERE state = 'running'"):
                self.process.check()
                await anyio.sleep(0.05)
        await self.process.drained(WITHIN_S)

    async def retry(self, reason: str) -> None:
        """Have dead letters tried again, as a person does, and return when that has been done."""
        await self.cli("dead", "retry", "--reason", reason)
        await self.process.drained(WITHIN_S)

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


@pytest.mark.slow
@pytest.mark.timeout(4 * WITHIN_S)
async def test_every_gift_is_at_actionkit_once_and_to_the_cent_whatever_was_lost_and_killed(tmp_path: Path) -> None:
    random = Random(20261121)
    ledger = Ledger.make(seed=5, gifts=GIFTS)
    notices = ledger.notices()
    pace = Pace(rate_per_s=PER_S, burst=25, retry_after_s=(0.3,) * 500, concurrency=16)
    async with rig(tmp_path, ledger, rates=RATES, webhook_rates=WEBHOOK_FAULTS, pace=pace) as all_:
        process, began = all_.process, anyio.current_time()
        await process.start()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(all_.sender.send, messages(ledger, notices))
            for number in range(KILLS):
                await _acknowledged(all_, (number + random.uniform(0.3, 0.9)) * len(notices) / KILLS * 0.9)
                process.kill()
                await process.start()
        answers = all_.sender.answers
        assert answers.outcomes["given_up"] == 0
        told_s = anyio.current_time() - began
        await process.drained(WITHIN_S)
        written_s = anyio.current_time() - began
        await all_.backfill()
        filled_s = anyio.current_time() - began
        # What was about a gift that had been lost.
        too_early = Counter(all_.dead().values())["no_donation"]
        await all_.retry("no_donation")
        dead, unaccounted = all_.dead(), all_.unaccounted()
        memory_mb = process.memory_mb()
        assert await process.stop() == 0
        since = _told_in_time(process, ledger, answers.acknowledged)
        asked = ("reconcile", "gifts", "history", "--lag", "0s", "--json", "--limit", str(LISTED_MAX))
        reconciled = msgspec.json.decode(await all_.cli(*asked))
        books, right = at_actionkit(all_.crm), given(ours(ledger))
    assert differences(books, right) == {}
    assert books.net == right.net
    assert right.refunded
    assert set(right.series.values()) == {"active", "cancelled"}
    assert dead == _hopeless(ledger)
    assert unaccounted == set()
    _names_what_was_lost(reconciled, ledger, answers.lost, since)
    counts = all_.crm.counts
    assert counts.faults.keys() >= ({"429", "500"} if GIFTS < 1_000 else {"429", "500", "answer lost", "dropped"})
    print(  # noqa: T201 # for whoever runs it for the numbers
        f"\n{len(notices):,} webhooks about {len(ledger.gifts):,} gifts: {len(answers.lost):,} lost, "
        f"{answers.posts:,} POSTs, {KILLS} kills. All told after {told_s:.0f} s, written down after {written_s:.0f} s, "
        f"and whole with the backfill after {filled_s:.0f} s; {too_early} were too early. {counts.calls:,} calls for "
        f"{len(books.paid) + len(books.refunded):,} payments ({dict(counts.by_call)}; made to fail: "
        f"{dict(counts.faults)}). The daemon took {memory_mb:.0f} MB at most."
    )


def _hopeless(ledger: Ledger) -> dict[str, str]:
    """Dead letters that nothing can bring home: of donors whose email address nobody told us."""
    gifts = [gift for gift in ledger.gifts if gift.paid_at and ledger.is_own(gift) and not has_email(gift.order)]
    dead = {f"actblue:contribution/{gift.lineitem_id}": "no_email" for gift in gifts}
    dead |= {f"actblue:refund/{gift.lineitem_id}": "no_donation" for gift in gifts if gift.refund is not None}
    orders = {gift.order for gift in gifts}
    return dead | {
        f"actblue:cancellation/{one.number}": "no_donation" for one in orders if one.cancellation is not None
    }


def _told_in_time(process: Process, ledger: Ledger, told: set[str]) -> datetime:
    """Have the first gift that was told of come when it was given, a year ago: since then webhooks are listened to, and
    what is missing since then was lost. The moment."""
    first = next(one for one in ledger.notices(managed_forms=False, declined=False) if one.key in told)
    with closing(sqlite3.connect(process.state)) as connection:
        key = int(first.at.timestamp() * 1000), f"actblue:{first.key}"
        assert connection.execute("UPDATE inbox SET received_at = ? WHERE id = ?", key).rowcount == 1
        connection.commit()
    return first.at


def _names_what_was_lost(reconciled: Any, ledger: Ledger, lost: set[str], since: datetime) -> None:
    told = {one.key for one in ledger.notices(managed_forms=False, declined=False) if one.at >= since}
    missing = {f"actblue:{key}" for key in lost & told}
    assert missing
    assert reconciled["one"]["lacks"] == len(missing)
    assert {one["id"] for one in reconciled["one"]["lacking"]} <= missing
    assert len(reconciled["one"]["lacking"]) == min(LISTED_MAX, len(missing))
    assert reconciled["other"]["lacks"] == 0


async def _acknowledged(all_: Rig, count: float) -> None:
    with anyio.fail_after(WITHIN_S):
        while all_.sender.answers.outcomes["acknowledged"] < count:
            all_.process.check()
            await anyio.sleep(0.01)
