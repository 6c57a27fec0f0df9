"""A daemon with everything on it that an operator should never meet all at once: `screenshots.py` takes pictures of it.

Gifts that only a webhook brought and others that only a file did, a backfill under way, dead letters, an account that
is refused, one that is not connected, a sink that is held. `python -m tests.browser.troubled` runs one and says where.
"""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from groundswell.clock import SystemClock
from groundswell.component import Batch, Progress
from groundswell.connectors.actionkit.simulator.server import simulator
from groundswell.connectors.http.simulator import NO_FAULT, Fault
from groundswell.ops.messages import AskBackfill
from groundswell.ops.operations import BACKFILL
from groundswell.runtime.daemon import Daemon
from tests.connectors.actblue import webhook_bodies as told
from tests.connectors.actblue.csv_server import COLUMNS, gift, written
from tests.pipelines.ops_pipeline import PASSWORD, ask, receiving, with_ops
from tests.running import FREE_PORTS, basic, post, running, token_of, until
from tests.vendor import ACCOUNT, POLL, Backfill, Vendor, people

READER = "only for looking"
PAGES, HELD = 60, 21
"""Of the backfill: how many there are, and after how many it stays for the picture."""
MORE = f"""
{ACCOUNT}
{POLL}
[accounts.kit]
type = "actionkit"
host = "KIT"
username = "USER"
password = "WORD"
rate = "100/s"

[accounts.old_kit]
type = "actionkit"
host = "KIT"
username = "USER"
password = "one that was changed there"
rate = "1/s"

[accounts.blue]
type = "actblue"
connect = true

[sources.users]
type = "actionkit.poll"
account = "kit"
collections = ["users"]
every = "1h"

[sources.old_users]
type = "actionkit.poll"
account = "old_kit"
collections = ["users"]

[sources.gift_files]
type = "actblue.csv"
files = ["exports/*.csv"]
every = "1h"

[sources.gift_pulls]
type = "actblue.csv"
account = "blue"

[sinks.archive]
type = "jsonl"
inputs = ["old_users", "gifts", "gift_files", "gift_pulls", "adults"]
path = "archive.jsonl"
"""
GIFTS = """
[sources.gifts]
type = "actblue.webhook"
auth = { type = "basic", username = "actblue", password = "a-password-of-a-test" }

[sinks.ledger]
type = "jsonl"
inputs = [INPUTS]
path = "ledger.jsonl"
"""
GIFTS_TOLD, GIFTS_IN_FILE = (1, 2, 3, 4, 5, 8), (1, 2, 3, 4, 5, 6, 7, 9)
DAYS_AGO = 20


class EarlierClock(SystemClock):
    """So many days before today: since then the webhook has been told of gifts."""

    def now(self) -> float:
        return super().now() - DAYS_AGO * 86_400


@asynccontextmanager
async def troubled(directory: Path) -> AsyncIterator[Daemon]:
    exports = directory / "exports"
    exports.mkdir()
    rows = [gift(n, f"{_day(n):%Y-%m-%d} 14:00:00", Amount=f"{10 + n}.0") for n in GIFTS_IN_FILE]
    (exports / "gifts.csv").write_bytes(written(rows, COLUMNS))
    ledger, gifts = GIFTS.replace("INPUTS", '"gifts", "users", "people"'), GIFTS.replace("INPUTS", '"gifts"')
    async with receiving() as (receiver, pipeline), simulator(users=50) as kit:
        more = MORE.replace("KIT", kit.root).replace("USER", kit.user).replace("WORD", kit.password)
        text = with_ops(pipeline, f'password = "{PASSWORD}"', f'read_password = "{READER}"') + more
        async with running(FREE_PORTS + gifts, directory, clock=EarlierClock()) as daemon:
            await _tell(daemon, GIFTS_TOLD[:1])
        async with running(text + ledger, directory) as daemon:
            await daemon.supervisor.pause("archive")
            await _tell(daemon, GIFTS_TOLD)
            await post(daemon, "signups", b"this is no json")
            await post(daemon, "signups", [{"id": "form-17", "zip": ["no text"]}])
            receiver.fault = Fault(status=422)
            people = [{"id": f"form-{n}", "zip": "9720", "phone": f"+1503555014{n}"} for n in range(4)]
            await post(daemon, "signups", people)
            await until(lambda: daemon.metrics.totals().get("crm", {}).get("dead") == len(people))
            receiver.fault = NO_FAULT
            await post(daemon, "signups", [{"id": f"form-{n}", "zip": "97201"} for n in range(20, 60)])
            await ask(directory, BACKFILL, AskBackfill("people", all=True, sends="resend"))
            await until(lambda: daemon.metrics.totals().get("people", {}).get("accepted", 0) == 50 * HELD)
            yield daemon


async def _lasts(asked: Backfill) -> None:
    """Brings so many pages, and then nothing more."""
    for page in range(1, HELD + 1):
        found = people(*range(50 * page, 50 * page + 50))
        await asked.emit(Batch(found, str(page), Progress("people", 50 * page, 50 * PAGES)))
    await anyio.sleep_forever()


async def _tell(daemon: Daemon, gifts: Sequence[int]) -> None:
    for n in gifts:
        at = f"{_day(n):%Y-%m-%d}T14:00:00-05:00"
        line = told.lineitem(n, paidAt=at, amount=f"{10 + n}.0")
        await post(daemon, "gifts", told.gift(line, createdAt=at), headers=basic("actblue", "a-password-of-a-test"))


def _day(number: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=DAYS_AGO - number)


async def _run() -> None:
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        vendor = Vendor()
        vendor.register(patch)
        vendor.backfill = _lasts
        async with troubled(Path(directory)) as daemon:
            print(f"http://{token_of(daemon).address}", flush=True)  # noqa: T201
            await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(_run)
