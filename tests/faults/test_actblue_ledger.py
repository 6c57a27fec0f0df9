"""ActBlue into ActionKit, to the cent: webhooks late, lost, twice and in disorder, kill -9, faults on both sides, CSVs.

Some three hundred gifts here; `LEDGER_GIFTS=20000` does the same with twenty thousand, and says what it cost.
"""

import os
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import anyio
import anyio.to_thread
import msgspec
import pytest

from groundswell.connectors.actblue.simulator import faults as actblue_faults
from groundswell.connectors.actblue.simulator.ledger import SINCE, Ledger
from groundswell.connectors.actblue.simulator.messages import messages
from groundswell.connectors.actblue.simulator.sender import Pace
from groundswell.connectors.actionkit.simulator.faults import FaultRates
from groundswell.ops.reconcile_messages import LISTED_MAX
from tests.faults.gift_books import at_actionkit, differences, given, has_email, ours
from tests.faults.gift_rig import Rig, rig
from tests.faults.process import Process

GIFTS = int(os.environ.get("LEDGER_GIFTS", "300"))
KILLS = max(2, GIFTS // 1_000)
PER_S = 250.0
"""Webhooks, on the average: bursts come faster."""
WITHIN_S = 60 + GIFTS / 10
RATES = FaultRates(too_many=0.01, server_error=0.01, server_error_done=0.005, dropped=0.005, answer_lost=0.005)
WEBHOOK_FAULTS = actblue_faults.FaultRates(
    webhook_lost=0.1, webhook_twice=0.1, webhook_late=0.2, webhook_late_s=1.0, webhook_ahead=0.3
)


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
        await all_.backfill(SINCE)
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
