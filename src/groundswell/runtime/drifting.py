"""How far members and accounts are apart: people are read anew and held against what is kept.

Nothing is written, but where that is asked for: whoever is gone is let go, and the next of their phone takes the place.
"""

from collections.abc import Sequence
from random import Random
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from groundswell.clock import Clock, milliseconds
from groundswell.config.model import Config
from groundswell.members.book import Book
from groundswell.members.identity import Contender, chosen
from groundswell.members.member import Link, Member
from groundswell.members.opt_in import OPT_IN
from groundswell.members.values import is_same
from groundswell.members.words import consent_in
from groundswell.record import Person
from groundswell.runtime.build import built
from groundswell.runtime.connecting import completed, vault_of
from groundswell.runtime.plan import delivery_of
from groundswell.store.outbox import Processed
from groundswell.store.store import Store
from groundswell.sync.stage import SyncStage

AT_ONCE: Final = 100
"""People asked for together."""


class FieldDrift(Struct):
    """One field of the people of one sync."""

    agree: int = 0
    edited: int = 0
    """It differs from what was read last: somebody edited it since, and the next reading brings it."""
    under_way: int = 0
    """The sides differ, and a write is on its way."""
    left: int = 0
    """The sides differ, as the mode of the field lets them."""


class Drift(Struct):
    """One sync."""

    sync: str
    linked: int
    """How many are looked at."""
    gone: int = 0
    """Who is not there any more."""
    let_go: bool = False
    """Whether they were let go."""
    heirs: int = 0
    """Who took the place of somebody who was let go."""
    fields: dict[str, FieldDrift] = field(default_factory=dict)


async def drift(
    config: Config,
    store: Store,
    name: str,
    count: int | None,
    clock: Clock,
    random: Random,
    *,
    lets_go: bool = False,
) -> Drift:
    """Look at so many linked people of one sync, or at all of them.

    Args:
        lets_go: Whether links to people who are gone become `gone`.

    Raises:
        RemoteError: the account could not be read.
    """
    config, _ = completed(config, await store.connections(), vault_of(config))
    account = config.syncs[name].account
    numbers = await store.people.linked(account, count, random)
    found = Drift(name, len(numbers))
    async with built(config, (f"{name}_read", name), clock) as parts:
        source = parts[f"{name}_read"]
        stage: SyncStage = parts[name]
        for start in range(0, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            people = [source.read(arrival).person for arrival in await source.people_now(some)]
            now = {person.ids[stage.vendor]: person for person in people if isinstance(person, Person)}
            gone = sorted(set(some) - set(now))
            found.gone += len(gone)
            if lets_go:
                found.heirs += await _let_go(store, source, stage, account, gone, clock)
            for number, person in now.items():
                link = store.shelf.link(account, number)
                member = None if link is None or link.member is None else store.shelf.member(link.member)
                if link is not None and member is not None:
                    _compare(found, stage.values(person), link, member)
    found.let_go = lets_go
    return found


async def _let_go(store: Store, source: Any, stage: SyncStage, account: str, gone: Sequence[str], clock: Clock) -> int:
    """These are not there any more. Of others with the same phone one is linked; how many were."""
    book = Book(store.shelf)
    book.seq = await store.position()
    heirs = []
    for number in gone:
        link = book.link(account, number)
        if link is None or link.member is None:
            continue
        book.put_link(msgspec.structs.replace(link, member=None, of=link.member, state="gone", reason="gone"))
        others = [other for other in book.duplicates_of(link.member, account) if other.state == "duplicate"]
        if others:
            contenders = [Contender(other, consent_in(other.seen.get(OPT_IN))) for other in others]
            heirs.append(chosen(contenders, stage.prefer).link.remote_id)
    for arrival in await source.people_now(heirs):
        list(stage.apply(source.read(arrival), book))
    deliveries = [(sink, book.seq, delivery_of(record)) for sink, record in book.keep()]
    at = milliseconds(clock.now())
    await store.process(Processed(at, None, deliveries=deliveries, changes=book.changes))
    return len(heirs)


def _compare(found: Drift, values: dict[str, str | None], link: Link, member: Member) -> None:
    for name, value in values.items():
        counted = found.fields.setdefault(name, FieldDrift())
        if name == OPT_IN:
            is_agreed = member.consent == "unknown" or consent_in(value) == member.consent
        else:
            known = member.fields.get(name)
            is_agreed = is_same(name, value, None if known is None else known.value)
        if not is_same(name, value, link.seen.get(name)):
            counted.edited += 1
        elif is_agreed:
            counted.agree += 1
        elif name in link.pending:
            counted.under_way += 1
        else:
            counted.left += 1
