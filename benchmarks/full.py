"""A full state file: members with links, consents and groups, records on their way, dead letters, audit.

They are put there through the store, as processing does.
"""

from collections.abc import Iterator
from typing import Final

from groundswell.component import Arrival, Delivery
from groundswell.members.book import Changes
from groundswell.members.member import Link, Member, Statement, Value
from groundswell.members.opt_in import OPT_IN
from groundswell.members.values import normal
from groundswell.record import Person, Record, to_json
from groundswell.store.audit import Act, ActEnded
from groundswell.store.dead_letters import DeadLetter
from groundswell.store.inbox import Accept
from groundswell.store.outbox import Processed, Settlement
from groundswell.store.store import Store

ACCOUNT: Final = "actionkit"
AT_S: Final = 1_777_719_609.0
AT: Final = int(AT_S * 1000)
BATCH: Final = 1_000
GROUPS: Final = 200
"""Each member is in one of them, and in the primary group."""
REASONS: Final = ("rejected", "gave_up", "invalid", "no_email", "email_taken")
NAMES: Final = ("Rosa", "Ken", "Amara", "Wei", "Olga", "José", "Fatima", "Sam")
CITIES: Final = ("Portland", "Oakland", "Ann Arbor", "El Paso", "Albuquerque")


def phone_of(number: int) -> str:
    """Of an area code for each 800,000; no number that is in use has a 0 or a 1 after it."""
    return f"+1503{2_000_000 + number}"


def email_of(number: int) -> str:
    return f"{NAMES[number % len(NAMES)].lower()}.{number}@example.org"


# ---- people ----


def person(number: int) -> tuple[Member, Link, Statement]:
    values = {
        "first_name": NAMES[number % len(NAMES)],
        "last_name": f"Nguyen-{number % 5_000}",
        "email": email_of(number),
        "city": CITIES[number % len(CITIES)],
        "state": "OR",
        "zip": f"{number % 100_000:05}",
    }
    fields = {name: Value(value, AT_S, "kit") for name, value in values.items()}
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
        member.phone, "unknown", "yes", "yes", "true", "changed", "kit", f"actionkit:user/{number}", AT_S, AT_S
    )
    return member, link, said


def others(count: int) -> Iterator[Link]:
    """Who is no member: one in twenty has no phone, one in fifty the phone of another."""
    for number in range(count // 20):
        yield Link(ACCOUNT, str(20_000_000 + number), None, "ineligible", "no_phone", email=f"x{number}@example.org")
    for number in range(count // 50):
        yield Link(ACCOUNT, str(30_000_000 + number), None, "duplicate", "duplicate", of=number * 50 + 1)


async def fill_people(store: Store, count: int) -> None:
    for start in range(1, count + 1, BATCH):
        changes = Changes()
        for number in range(start, min(start + BATCH, count + 1)):
            member, link, said = person(number)
            changes.members[number] = member
            changes.links[link.account, link.remote_id] = link
            changes.statements.append(said)
            changes.groups["Everybody", number] = changes.groups[f"Page {number % GROUPS}", number] = True
        await store.process(Processed(AT, None, changes=changes))
    links: dict[tuple[str, str], Link | None] = {(link.account, link.remote_id): link for link in others(count)}
    await store.process(Processed(AT, None, changes=Changes(links=links)))


# ---- records ----


def record(number: int) -> Record:
    one = Person(
        first_name="Rosa",
        phone=phone_of(number),
        zip="97201",
        custom={f"question_{n}": "answer " * 12 for n in range(12)},  # about 1.4 KB in all
    )
    return Record(f"signups:{number}", "person", "signups", occurred_at="2026-05-02T11:00:09Z", person=one)


async def fill_records(store: Store, records: int, dead: int, waiting: int) -> None:
    """All but the last are delivered to the archive; of the CRM's, the first are dead letters."""
    await store.pause("crm", AT)
    await store.pause("archive", AT)
    for first in range(0, records, BATCH):
        made = [record(number) for number in range(first, min(first + BATCH, records))]
        bodies = [to_json(one) for one in made]
        arrivals = [Arrival(one.id, body) for one, body in zip(made, bodies, strict=True)]
        entries = await store.accept(Accept("signups", AT + first, arrivals))
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


async def fill_audit(store: Store, lines: int) -> None:
    for number in range(lines):
        operation = "forget" if number % 10_000 == 0 else "dead retry"
        line = store.audit.begin(Act(AT, "password", None, "127.0.0.1", operation, b'{"ids":[1]}'))
        if number % BATCH == 0:
            await store.audit.end(ActEnded(await line, "done", None))
    await store.ping()
