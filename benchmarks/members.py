"""A million members in the state file, and a poll that brings some of them changed: how fast, how large.

Each changed user goes through what processing does with it: the link and the member are looked up, the rules decide,
and the batch is written back with its position. Half of the users have a new city, the others are read again unchanged.

    python benchmarks/members.py --members 1000000 --changed 10000
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from random import Random
from typing import Final, get_args

import anyio.to_thread
import uvloop
from msgspec.structs import replace

from groundswell.members.book import Book, Changes
from groundswell.members.linked import SyncRules, in_step, read
from groundswell.members.member import Link, Member, Value
from groundswell.members.merge import FieldRule
from groundswell.members.modes import MODES
from groundswell.members.opt_in import OPT_IN
from groundswell.members.values import normal
from groundswell.runtime.processor import BATCH_RECORDS_MAX
from groundswell.store.erasure import Forget
from groundswell.store.listing import LinkQuery, Sort
from groundswell.store.outbox import Processed
from groundswell.store.store import Store

ACCOUNT: Final = "actionkit"
AT_S: Final = 1_777_719_609.0
AT_MS: Final = int(AT_S * 1000)
FILL_BATCH: Final = 5_000
FIELDS: Final = ("first_name", "last_name", "email", "city", "state", "zip", "custom.shirt_size")
RULES: Final = SyncRules(ACCOUNT, ACCOUNT, [FieldRule(field, MODES["two_way"]) for field in FIELDS])
NAMES: Final = ("Rosa", "Ken", "Amara", "Wei", "Olga", "José", "Fatima", "Sam")
CITIES: Final = ("Portland", "Oakland", "Ann Arbor", "El Paso", "Albuquerque")


def batched(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


def values_of(number: int) -> dict[str, str | None]:
    name = NAMES[number % len(NAMES)]
    return {
        "first_name": name,
        "last_name": f"Nguyen-{number % 5_000}",
        "email": f"{name.lower()}.{number}@example.org",
        "city": CITIES[number % len(CITIES)],
        "state": "OR",
        "zip": f"{number % 100_000:05}",
        "custom.shirt_size": "M" if number % 3 else None,
    }


def person(number: int) -> tuple[Member, Link]:
    phone = f"+1{2_000_000_000 + number}"
    values = values_of(number)
    member = Member(
        number,
        phone,
        {name: Value(value, AT_S, ACCOUNT) for name, value in values.items() if value is not None},
        "yes",
        AT_S,
        AT_S,
        AT_S,
    )
    link = Link(
        ACCOUNT,
        str(10_000_000 + number),
        number,
        "synced",
        phone=phone,
        email=values["email"],
        remote_at=AT_S,
        seen=values | {OPT_IN: "true"},
        base={name: normal(name, value) for name, value in values.items()},
    )
    return member, link


async def fill(store: Store, count: int) -> float:
    """Seconds to put so many members with their links into the store."""
    begun_s = time.perf_counter()
    for numbers in batched(range(1, count + 1), FILL_BATCH):
        changes = Changes()
        for member, link in map(person, numbers):
            changes.members[member.id] = member
            changes.links[link.account, link.remote_id] = link
        await store.process(Processed(AT_MS, None, changes=changes))
    return time.perf_counter() - begun_s


def apply_rules(book: Book, numbers: Sequence[int], at: float) -> None:
    for number in numbers:
        link = book.link(ACCOUNT, str(10_000_000 + number))
        assert link is not None
        assert link.member is not None
        member = book.member(link.member)
        assert member is not None
        values = values_of(number) | {OPT_IN: "true"}
        if number % 2:
            values["city"] = "Rio Rancho"
        after, (step,) = in_step(member, [(RULES, read(link, values, at, lambda _: None))], book.seq)
        if after != member:
            book.put(replace(after, changed_at=at))
        if step.link != link:
            book.put_link(step.link)
        book.keep()


async def flow(store: Store, numbers: Sequence[int], at: float) -> float:
    """Seconds to process these users, in the batches and the threads in which the daemon does."""
    begun_s = time.perf_counter()
    for batch in batched(numbers, BATCH_RECORDS_MAX):
        book = Book(store.shelf)
        await anyio.to_thread.run_sync(apply_rules, book, batch, at)
        await store.process(Processed(AT_MS, None, changes=book.changes))
    return time.perf_counter() - begun_s


def memory_mb() -> Iterator[tuple[str, float]]:
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, amount = line.partition(":")
        if name in ("VmRSS", "VmHWM"):
            yield name, int(amount.split()[0]) / 1024


async def timed(what: str, store: Store, query: LinkQuery) -> None:
    begun_s = time.perf_counter()
    found = await store.people.list_links(query)
    print(f"{what:44} {(time.perf_counter() - begun_s) * 1000:8.1f} ms, {len(found.rows)} found")


async def measure(directory: Path, members: int, changed: int, seed: int) -> None:
    async with Store(directory / "groundswell.db") as store:
        print(f"memory before                                {dict(memory_mb())['VmRSS']:8.0f} MB")
        filled_s = await fill(store, members)
        size = await store.size()
        print(f"filled                                       {members / filled_s:8,.0f} members/s")
        print(f"state file                                   {size / members:8.0f} bytes a member with one link")
        print(f"memory after                                 {dict(memory_mb())['VmRSS']:8.0f} MB")
        random = Random(seed)
        for turn in range(3):
            numbers = random.sample(range(1, members + 1), changed)
            took_s = await flow(store, numbers, AT_S + 60 * (turn + 1))
            print(f"changed users, spread over all, turn {turn + 1}       {changed / took_s:8,.0f} records/s")
        for turn in range(2):
            first = random.randrange(1, members - changed + 1)
            took_s = await flow(store, range(first, first + changed), AT_S + 600 * (turn + 1))
            print(f"changed users, next to each other, turn {turn + 1}    {changed / took_s:8,.0f} records/s")
        print(f"memory after                                 {dict(memory_mb())['VmHWM']:8.0f} MB at most")
        begun_s = time.perf_counter()
        counts = await store.people.counts()
        print(
            f"counts by state                              {(time.perf_counter() - begun_s) * 1000:8.1f} ms, {counts}"
        )
        middle = str(10_000_000 + members // 2)
        await timed("first page", store, LinkQuery(ACCOUNT))
        await timed("page in the middle", store, LinkQuery(ACCOUNT, after=(middle, middle)))
        await timed("page of a state there is none of", store, LinkQuery(ACCOUNT, "error"))
        for sort in get_args(Sort):
            await timed(f"search for nobody, {sort}", store, LinkQuery(ACCOUNT, search="nobody at all", sort=sort))
            await timed(f"search for many, {sort}", store, LinkQuery(ACCOUNT, search="nguyen-4", sort=sort))
        for turn in range(2):
            begun_s = time.perf_counter()
            done = await store.people.forget(Forget(AT_MS, person(turn + 1)[0].phone), nullcontext)
            took_s = time.perf_counter() - begun_s
            print(f"one person forgotten, turn {turn + 1}                 {took_s:8.1f} s, {done.rows}")
        print(f"memory after                                 {dict(memory_mb())['VmHWM']:8.0f} MB at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--changed", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--directory", type=Path, help="where the state file is made; on a real disk")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        uvloop.run(measure(Path(directory), options.members, options.changed, options.seed))


if __name__ == "__main__":
    main()
