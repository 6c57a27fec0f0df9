"""How far members and accounts are apart: people are read anew and held against what is kept. Nothing is written."""

from random import Random
from typing import Final

from msgspec import Struct, field

from groundswell.clock import Clock
from groundswell.config.model import Config
from groundswell.http.client import Client, new_session
from groundswell.members.member import Link, Member
from groundswell.members.opt_in import OPT_IN
from groundswell.members.values import is_same
from groundswell.members.words import consent_in
from groundswell.record import Person
from groundswell.runtime.build import Builder, NoKeys
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
    fields: dict[str, FieldDrift] = field(default_factory=dict)


async def drift(config: Config, store: Store, name: str, count: int | None, clock: Clock, random: Random) -> Drift:
    """Look at so many linked people of one sync, or at all of them.

    Raises:
        RemoteError: the account could not be read.
    """
    account = config.syncs[name].account
    numbers = await store.people.linked(account, count, random)
    found = Drift(name, len(numbers))
    async with new_session() as session:
        builder = Builder(clock, random, Client(session, clock), NoKeys())
        accounts = {one: builder.account(described) for one, described in config.accounts.items()}
        source = builder.build(config.components[f"{name}_read"], accounts)
        stage: SyncStage = builder.build(config.components[name], accounts)
        for start in range(0, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            people = [source.read(arrival).person for arrival in await source.people_now(some)]
            now = {person.ids[stage.vendor]: person for person in people if isinstance(person, Person)}
            found.gone += len(set(some) - set(now))
            for number, person in now.items():
                link = store.shelf.link(account, number)
                member = None if link is None or link.member is None else store.shelf.member(link.member)
                if link is not None and member is not None:
                    _compare(found, stage.values(person), link, member)
    return found


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
