"""The dashboard's pages about people, with many of them: how long each takes to answer, from a running daemon.

    python benchmarks/people_pages.py --members 200000

The members, their links, a line of the ledger and groups for each are put into a state file through the store, as
processing does; then a daemon runs on it, and every page is asked for over loopback, one request after the other.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import quote, urlencode

import anyio
import uvloop
from aiohttp import ClientSession

from groundswell.clock import SystemClock
from groundswell.config.load import load
from groundswell.members.book import Changes
from groundswell.members.member import Link, Member, Statement, Value
from groundswell.members.opt_in import OPT_IN
from groundswell.members.values import normal
from groundswell.ops import token_file
from groundswell.ops.server import OpsServer
from groundswell.runtime.daemon import Daemon
from groundswell.runtime.sd_notify import ServiceManager
from groundswell.store.outbox import Processed
from groundswell.store.store import Store

ACCOUNT: Final = "actionkit"
AT_S: Final = 1_777_719_609.0
FILL_BATCH: Final = 5_000
PAGES: Final = 200
"""Groups of pages; each member is in one, and in the primary group."""
NAMES: Final = ("Rosa", "Ken", "Amara", "Wei", "Olga", "José", "Fatima", "Sam")
CITIES: Final = ("Portland", "Oakland", "Ann Arbor", "El Paso", "Albuquerque")
CONFIG: Final = """
[webhooks]
listen = "127.0.0.1:0"
[ops]
listen = "127.0.0.1:0"
[accounts.actionkit]
type = "actionkit"
host = "http://127.0.0.1:9"
username = "x"
password = "${PASSWORD}"
[sync.crm]
account = "actionkit"
import_page = "import"
enabled = false
primary_group = "Everybody"
pages = ["*"]
[sources.signups]
type = "http.webhook"
auth = "none"
kind = "person"
id_field = "id"
[sinks.out]
type = "jsonl"
inputs = ["signups"]
path = "out.jsonl"
"""


def phone_of(number: int) -> str:
    """Of an area code for each 800,000; no number that is in use has a 0 or a 1 after it."""
    return f"+1503{2_000_000 + number}"


def person(number: int) -> tuple[Member, Link, Statement]:
    first = NAMES[number % len(NAMES)]
    values = {
        "first_name": first,
        "last_name": f"Nguyen-{number % 5_000}",
        "email": f"{first.lower()}.{number}@example.org",
        "city": CITIES[number % len(CITIES)],
        "state": "OR",
        "zip": f"{number % 100_000:05}",
    }
    fields = {name: Value(value, AT_S, "crm") for name, value in values.items()}
    member = Member(number, phone_of(number), fields, "yes", AT_S, AT_S, AT_S)
    link = Link(
        ACCOUNT,
        str(10_000_000 + number),
        number,
        "synced",
        email=values["email"],
        remote_at=AT_S,
        seen={**values, OPT_IN: "true"},
        base={name: normal(name, value) for name, value in values.items()},
    )
    said = Statement(
        member.phone, "unknown", "yes", "yes", "true", "changed", "crm", f"actionkit:user/{number}", AT_S, AT_S
    )
    return member, link, said


def others(count: int) -> Iterator[Link]:
    """Who is no member: one in twenty has no phone, one in fifty the phone of another."""
    for number in range(count // 20):
        yield Link(ACCOUNT, str(20_000_000 + number), None, "ineligible", "no_phone", email=f"x{number}@example.org")
    for number in range(count // 50):
        yield Link(ACCOUNT, str(30_000_000 + number), None, "duplicate", "duplicate", of=number * 50 + 1)


async def fill(store: Store, count: int) -> None:
    for start in range(1, count + 1, FILL_BATCH):
        changes = Changes()
        for number in range(start, min(start + FILL_BATCH, count + 1)):
            member, link, said = person(number)
            changes.members[number] = member
            changes.links[link.account, link.remote_id] = link
            changes.statements.append(said)
            changes.groups["Everybody", number] = changes.groups[f"Page {number % PAGES}", number] = True
        await store.process(Processed(int(AT_S * 1000), None, changes=changes))
    links = {(link.account, link.remote_id): link for link in others(count)}
    await store.process(Processed(int(AT_S * 1000), None, changes=Changes(links=links)))


@asynccontextmanager
async def running(file: Path) -> AsyncIterator[Daemon]:
    environ = {"PASSWORD": "y"}
    config = load([file], environ)
    ops = OpsServer(config)
    daemon = Daemon(
        config,
        lambda: load([file], environ),
        clock=SystemClock(),
        random=Random(1),
        ops=ops,
        manager=ServiceManager({}),
    )
    async with anyio.create_task_group() as tasks:
        await tasks.start(daemon.run)
        yield daemon
        daemon.stop()


async def asked(
    session: ClientSession, url: str, form: Mapping[str, str] | None, times: int
) -> tuple[float, float, int]:
    """Milliseconds at the median and at most, and bytes."""
    took, size = [], 0
    for _ in range(times):
        begun_s = time.perf_counter()
        if form is None:
            async with session.get(url) as response:
                size = len(await response.read())
        else:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            async with session.post(url, data=urlencode(form), headers=headers) as response:
                size = len(await response.read())
        assert response.status == 200, (url, response.status)
        took.append((time.perf_counter() - begun_s) * 1000)
    return statistics.median(took), max(took), size


async def measure(directory: Path, count: int, times: int) -> None:
    file = directory / "pipeline.toml"
    file.write_text(CONFIG)
    async with Store(directory / "groundswell.db") as store:
        begun_s = time.perf_counter()
        await fill(store, count)
        took_s, size = time.perf_counter() - begun_s, await store.size()
        print(f"filled with {count:,} members in {took_s:.0f} s, {size / 2**20:.0f} MiB")
    find = {"form": "members list", "limit": "50"}
    lines = {"form": "consents export", "limit": "50"}
    middle = count // 2
    asks: list[tuple[str, str, Mapping[str, str] | None]] = [
        ("members", "/members", None),
        ("members, one state", "/members?account=actionkit&status=ineligible", None),
        ("members, by email", "/members?sort=email", None),
        ("members, newest", "/members?sort=newest", None),
        ("members, a phone", "/members", find | {"search": phone_of(middle)}),
        ("members, an email", "/members", find | {"search": person(middle)[0].fields["email"].value or ""}),
        ("members, part of a name", "/members", find | {"search": "Nguyen-4"}),
        ("members, a name of few", "/members", find | {"search": f"nguyen-{middle % 5_000}"}),
        ("members, a name of nobody", "/members", find | {"search": "nobody at all"}),
        ("shared phones", "/members/households", None),
        ("one person", f"/members/{middle}", None),
        ("one person of an account", "/members/link?account=actionkit&number=20000001", None),
        ("fields", "/syncs", None),
        ("fields of a sync", "/syncs/crm", None),
        ("groups", "/groups", None),
        ("group of everybody", "/groups/members?name=Everybody", None),
        ("group of everybody, the middle", f"/groups/members?name=Everybody&after={middle}", None),
        ("group of a page", f"/groups/members?name={quote('Page 7')}", None),
        ("consents, newest", "/consents", None),
        ("consents, oldest", "/consents?order=oldest", None),
        ("consents, of a phone", "/consents", lines | {"phone": phone_of(middle)}),
        ("consents, a rare decision", "/consents?decision=older", None),
    ]
    async with running(file) as daemon:
        reach = token_file.read(token_file.beside(daemon.store.path))
        assert reach is not None
        async with ClientSession(headers={"Authorization": f"Bearer {reach.token}", "Accept": "text/html"}) as session:
            for name, path, form in asks:
                await asked(session, f"http://{reach.address}{path}", form, 1)
                median, most, size = await asked(session, f"http://{reach.address}{path}", form, times)
                print(f"{name:34} {median:8.1f} ms  {most:8.1f} at most  {size / 1024:7.1f} KiB", flush=True)
            for kind in ("csv", "jsonl"):
                took, _, size = await asked(session, f"http://{reach.address}/consents/export.{kind}", None, 1)
                print(f"{'the ledger as ' + kind:34} {took:8.0f} ms  {size / 2**20:7.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=200_000)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--directory", type=Path, help="where the state file is made; on a real disk")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        uvloop.run(measure(Path(directory), options.members, options.times))


if __name__ == "__main__":
    main()
