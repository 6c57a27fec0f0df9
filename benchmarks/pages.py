"""Every page of the dashboard over one full state file: how long each takes, asked over loopback, one after the other.

    python benchmarks/pages.py --rounds 20

Fails where a page takes longer than 100 ms at the median. What goes over everything by its nature (a download, the
comparison of two sources) is asked for apart.
"""

import argparse
import logging
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import quote, urlencode

import anyio
import structlog
import uvloop
from aiohttp import ClientSession

import full
from groundswell.clock import SystemClock
from groundswell.config.load import load
from groundswell.ops import token_file
from groundswell.ops.dashboard.pages import PAGES
from groundswell.ops.server import OpsServer
from groundswell.runtime.daemon import Daemon
from groundswell.runtime.sd_notify import ServiceManager
from groundswell.store.store import Store

P50_MS_MAX: Final = 100.0
APART_ROUNDS: Final = 3
CONFIG: Final = """
[daemon]
keep = "3650d"
[webhooks]
listen = "127.0.0.1:0"
[ops]
listen = "127.0.0.1:0"
[accounts.actionkit]
type = "actionkit"
host = "http://127.0.0.1:9"
username = "x"
password = "${PASSWORD}"
[sync.kit]
account = "actionkit"
import_page = "import"
enabled = false
primary_group = "Everybody"
pages = ["*"]
[sync.kit.fields]
first_name = "populate"
last_name = "populate"
email = "populate"
city = "populate"
zip = "two_way"
[sources.signups]
type = "http.webhook"
auth = "none"
kind = "person"
id_field = "id"
[sources.people]
type = "actionkit.poll"
account = "actionkit"
every = "1h"
[transforms.phones]
type = "normalise_phone"
inputs = ["signups"]
[sinks.crm]
type = "http"
inputs = ["phones"]
url = "http://127.0.0.1:9/"
[sinks.archive]
type = "http"
inputs = ["phones", "people"]
url = "http://127.0.0.1:9/"
"""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to a page."""

    url: str
    what: str = ""
    form: Mapping[str, str] | None = None
    is_apart: bool = False


def asks(members: int, dead: int) -> dict[str, list[Ask]]:
    """By path of the page, as the dashboard has them."""
    middle = members // 2

    def find(what: str, search: str, **others: str) -> Ask:
        form = {"form": "members list", "limit": "50", "search": search, **others}
        return Ask("/members", f"search, {what}", form)

    return {
        "/": [Ask("/")],
        "/components/{name}": [Ask(f"/components/{name}") for name in ("signups", "people", "phones", "crm")],
        "/accounts": [Ask("/accounts")],
        "/accounts/{name}": [Ask("/accounts/actionkit")],
        "/backfills": [
            Ask("/backfills"),
            Ask("/backfills?source=people&extent=days&first=2026-01-01&look=1", "before one begins"),
        ],
        "/reconcile": [
            Ask("/reconcile"),
            Ask("/reconcile?one=signups&other=people&lag_s=0", "two sources compared", is_apart=True),
        ],
        "/members": [
            Ask("/members"),
            Ask("/members?account=actionkit&status=ineligible"),
            Ask("/members?status=synced&sort=email"),
            Ask("/members?sort=email"),
            Ask("/members?sort=newest"),
            find("a phone", full.phone_of(middle)),
            find("an email", full.email_of(middle)),
            find("a part of many names", "Nguyen-4"),
            find("a part of many names, by email", "Nguyen-4", sort="email"),
            find("what everybody has, newest", "@example", sort="newest"),
            find("a name of forty", f"nguyen-{middle % 5_000}"),
            find("a name of nobody", "nobody at all"),
            find("a name of nobody, by email", "nobody at all", sort="email"),
            find("a name of nobody, of one state", "nobody at all", status="synced", sort="newest"),
        ],
        "/members/households": [Ask("/members/households")],
        "/members/link": [Ask("/members/link?account=actionkit&number=20000001")],
        "/members/{member:[0-9]{1,15}}": [Ask(f"/members/{middle}")],
        "/syncs": [Ask("/syncs")],
        "/syncs/{name}": [Ask("/syncs/kit")],
        "/groups": [Ask("/groups")],
        "/groups/members": [
            Ask("/groups/members?name=Everybody"),
            Ask(f"/groups/members?name=Everybody&after={middle}", "group of everybody, the middle"),
            Ask(f"/groups/members?name={quote('Page 7')}"),
        ],
        "/consents": [
            Ask("/consents"),
            Ask("/consents?order=oldest"),
            Ask("/consents?decision=older", "consents, a decision there is none of"),
            Ask(
                "/consents",
                "consents, of a phone",
                {"form": "consents export", "limit": "50", "phone": full.phone_of(middle)},
            ),
        ],
        "/consents/export.{kind:csv|jsonl}": [
            Ask("/consents/export.csv", "the ledger as CSV", is_apart=True),
            Ask("/consents/export.jsonl", "the ledger as JSON lines", is_apart=True),
        ],
        "/records": [
            Ask("/records"),
            Ask("/records?source=signups&sink=crm"),
            Ask("/records?source=people", "records, of a source that brought none"),
            Ask("/records?state=dead"),
            Ask("/records?state=waiting&sink=archive"),
            Ask("/records?state=delivered"),
            Ask("/records?state=dropped", "records, dropped (there are none)"),
            Ask("/records?state=nowhere", "records, sent nowhere (there are none)"),
            Ask("/records", "one record", {"form": "record", "id": "signups:500"}),
        ],
        "/dead": [
            Ask("/dead"),
            Ask("/dead?component=crm&reason=gave_up"),
            Ask(f"/dead?component=crm&after={dead * 4 // 5}", "dead letters, far down"),
        ],
        "/dead/{number}": [Ask(f"/dead/{dead // 2}")],
        "/settings": [Ask("/settings")],
        "/audit": [Ask("/audit"), Ask("/audit?operation=forget")],
        "/tap": [Ask("/tap")],
        "/help/metrics": [Ask("/help/metrics")],
    }


@asynccontextmanager
async def running(file: Path) -> AsyncIterator[Daemon]:
    environ = {"PASSWORD": "y"}
    config = load([file], environ)
    daemon = Daemon(
        config,
        lambda: config,
        clock=SystemClock(),
        random=Random(1),
        ops=OpsServer(config),
        manager=ServiceManager({}),
    )
    async with anyio.create_task_group() as tasks:
        await tasks.start(daemon.run)
        yield daemon
        daemon.stop()


async def took(session: ClientSession, base: str, ask: Ask) -> tuple[float, int]:
    """Milliseconds, and bytes."""
    begun_s = time.perf_counter()
    if ask.form is None:
        answer = session.get(base + ask.url)
    else:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = session.post(base + ask.url, data=urlencode(ask.form), headers=headers)
    async with answer as response:
        body = await response.read()
    if response.status != 200:
        raise RuntimeError(f"{ask.url} answered {response.status}: {re.sub('<[^>]+>', '', body.decode())[-300:]}")
    return (time.perf_counter() - begun_s) * 1000, len(body)


async def timed(session: ClientSession, base: str, ask: Ask, rounds: int) -> float:
    """The median in milliseconds; the line is printed."""
    times = []
    for _ in range(rounds):
        ms, size = await took(session, base, ask)
        times.append(ms)
    times.sort()
    p50 = statistics.median(times)
    name = f"`{ask.url}`" if not ask.what else ask.what
    print(f"| {name} | {p50:.1f} | {times[int(len(times) * 0.95)]:.1f} | {size / 1024:.0f} |", flush=True)
    return p50


async def measure(directory: Path, asked: argparse.Namespace) -> list[str]:
    """The questions that took too long."""
    file = directory / "pipeline.toml"
    file.write_text(CONFIG)
    everything = asks(asked.members, asked.dead)
    missing = {page.path for page in PAGES} ^ everything.keys()
    if missing:
        raise SystemExit(f"these pages are asked for here or in the dashboard, and not in both: {', '.join(missing)}")
    every = [ask for ones in everything.values() for ask in ones]
    async with running(file) as daemon:
        reach = token_file.read(token_file.beside(daemon.store.path))
        assert reach is not None
        base = f"http://{reach.address}"
        async with ClientSession(headers={"Authorization": f"Bearer {reach.token}", "Accept": "text/html"}) as session:
            for ask in every:
                await took(session, base, ask)
            print("| page | p50 ms | p95 ms | KB |\n|---|---|---|---|")
            slow = [
                f"{ask.what or ask.url}: {p50:.0f} ms"
                for ask in every
                if not ask.is_apart and (p50 := await timed(session, base, ask, asked.rounds)) > P50_MS_MAX
            ]
            print("\n| apart | p50 ms | p95 ms | KB |\n|---|---|---|---|")
            for ask in every:
                if ask.is_apart:
                    await timed(session, base, ask, APART_ROUNDS)
    return slow


async def main(asked: argparse.Namespace) -> list[str]:

    with tempfile.TemporaryDirectory(dir=asked.directory) as name:
        directory = Path(name)
        begun_s = time.perf_counter()
        async with Store(directory / "groundswell.db") as store:
            await full.fill_people(store, asked.members)
            await full.fill_records(store, asked.records, asked.dead, asked.waiting)
            await full.fill_audit(store, asked.audited)
            size = await store.size()
        print(f"filled in {time.perf_counter() - begun_s:.0f} s, {size / 2**20:.0f} MiB; load {os.getloadavg()}")
        slow = await measure(directory, asked)
        print(f"load {os.getloadavg()}")
        return slow


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=200_000)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--dead", type=int, default=10_000)
    parser.add_argument("--waiting", type=int, default=20_000)
    parser.add_argument("--audited", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--directory", type=Path, help="where the state file is made; on a real disk")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    too_slow = uvloop.run(main(parser.parse_args()))
    if too_slow:
        sys.exit(f"above {P50_MS_MAX:.0f} ms: {'; '.join(too_slow)}")
