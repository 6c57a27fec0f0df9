"""The dashboard over a full state file: how long each page takes, asked over loopback, one after the other.

python benchmarks/pages.py --records 100000 --dead 10000 --waiting 20000
"""

import argparse
import logging
import statistics
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Final

import anyio
import structlog
import uvloop
from aiohttp import ClientSession, CookieJar

from groundswell.clock import SystemClock
from groundswell.component import Arrival, Delivery
from groundswell.config.load import load
from groundswell.ops import token_file
from groundswell.ops.server import OpsServer
from groundswell.record import Person, Record, to_json
from groundswell.runtime.daemon import Daemon
from groundswell.runtime.sd_notify import ServiceManager
from groundswell.store.audit import Act, ActEnded
from groundswell.store.dead_letters import DeadLetter
from groundswell.store.inbox import Accept
from groundswell.store.outbox import Processed, Settlement
from groundswell.store.store import Store

AT: Final = 1_777_719_609_000
BATCH: Final = 1_000
AUDITED: Final = 100_000
REASONS: Final = ("rejected", "gave_up", "invalid", "no_email", "email_taken")
PASSWORD: Final = "correct horse battery"
PIPELINE: Final = f"""
[webhooks]
listen = "127.0.0.1:0"
[ops]
listen = "127.0.0.1:0"
password = "{PASSWORD}"
[sources.signups]
type = "http.webhook"
auth = "none"
kind = "person"
[sinks.crm]
type = "http"
inputs = ["signups"]
url = "http://127.0.0.1:9/"
[sinks.archive]
type = "http"
inputs = ["signups"]
url = "http://127.0.0.1:9/"
"""
PAGES: Final = (
    "/records",
    "/records?source=signups&sink=crm",
    "/records?state=dead",
    "/records?state=waiting&sink=archive",
    "/records?state=nowhere",
    "/dead",
    "/dead?component=crm&reason=gave_up",
    "/dead?component=crm&after=8000",
    "/dead/5000",
    "/settings",
    "/audit",
    "/audit?operation=forget",
)


def record(number: int) -> Record:
    person = Person(
        first_name="Rosa",
        phone=f"+1503{number:07}",
        zip="97201",
        custom={f"question_{n}": "answer " * 12 for n in range(12)},  # about 1.4 KB in all
    )
    return Record(f"signups:{number}", "person", "signups", occurred_at="2026-05-02T11:00:09Z", person=person)


async def fill(path: Path, records: int, dead: int, waiting: int) -> None:
    """All are delivered to the archive; of the CRM's, the first are dead letters and the last wait."""
    async with Store(path) as store:
        await store.pause("crm", AT)
        await store.pause("archive", AT)
        for first in range(0, records, BATCH):
            made = [record(number) for number in range(first, min(first + BATCH, records))]
            entries = await store.accept(Accept("signups", AT + first, [Arrival(one.id, to_json(one)) for one in made]))
            bodies = [to_json(one) for one in made]
            deliveries = [
                (sink, entry.seq, Delivery(one.id, "person", one.id, body))
                for entry, one, body in zip(entries, made, bodies, strict=True)
                for sink in ("archive", "crm")
            ]
            pending = await store.process(Processed(AT + first, entries[-1].seq, deliveries))
            letters = []
            delivered = []
            for one in pending:
                if one.sink == "crm" and one.inbox_seq <= dead:
                    letters.append((one.seq, letter(one.inbox_seq, one.delivery)))
                elif one.inbox_seq <= records - waiting:
                    delivered.append(one.seq)
            await store.settle(Settlement(AT + first, delivered=delivered, dead=letters))
        for number in range(AUDITED):
            operation = "forget" if number % 10_000 == 0 else "dead retry"
            line = store.audit.begin(Act(AT, "password", None, "127.0.0.1", operation, b'{"ids":[1]}'))
            if number % BATCH == 0:
                await store.audit.end(ActEnded(await line, "done", None))
        await store.ping()


def letter(seq: int, delivery: Delivery) -> DeadLetter:
    return DeadLetter(
        stage="deliver",
        component="crm",
        reason=REASONS[seq % len(REASONS)],
        message="crm: posting 1 record: crm.example.org answered 422; it will not take this as it is",
        record_id=delivery.record_id,
        created_at=AT,
        inbox_seq=seq,
        kind=delivery.kind,
        lane=delivery.lane,
        body=delivery.body,
        attempts=1,
    )


async def measure(directory: Path, rounds: int) -> None:
    file = directory / "pipeline.toml"
    file.write_text(PIPELINE)
    config = load([file], {})
    daemon = Daemon(
        config,
        lambda: config,
        clock=SystemClock(),
        random=Random(1),
        ops=OpsServer(config),
        manager=ServiceManager({}),
    )
    async with anyio.create_task_group() as tasks, ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        await tasks.start(daemon.run)
        reach = token_file.read(token_file.beside(daemon.store.path))
        assert reach is not None
        base = f"http://{reach.address}"
        await session.post(f"{base}/login", data={"password": PASSWORD}, allow_redirects=False)
        print("| page | p50 ms | p95 ms | KB |\n|---|---|---|---|")
        for page in PAGES:
            took = []
            for _ in range(rounds):
                began = time.perf_counter()
                async with session.get(f"{base}{page}", headers={"Accept": "text/html"}) as response:
                    body = await response.read()
                    assert response.status == 200, (page, response.status)
                took.append((time.perf_counter() - began) * 1000)
            took.sort()
            p50, p95 = statistics.median(took), took[int(len(took) * 0.95)]
            print(f"| `{page}` | {p50:.1f} | {p95:.1f} | {len(body) / 1024:.0f} |", flush=True)
        daemon.stop()


async def main(asked: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        began = time.perf_counter()
        await fill(directory / "groundswell.db", asked.records, asked.dead, asked.waiting)
        size = (directory / "groundswell.db").stat().st_size / 2**20
        print(f"filled in {time.perf_counter() - began:.0f} s, {size:.0f} MiB", flush=True)
        await measure(directory, asked.rounds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--dead", type=int, default=10_000)
    parser.add_argument("--waiting", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=50)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    uvloop.run(main(parser.parse_args()))
