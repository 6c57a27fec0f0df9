"""Things asked for by their numbers: changed users, whoever took an action, the order behind a charge."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from groundswell.connectors.actionkit.client import LIMIT_MAX, ActionKit, Resource
from groundswell.connectors.actionkit.faults import MissingError
from groundswell.connectors.actionkit.mapping import kept
from groundswell.connectors.actionkit.polling.walk import Walk
from groundswell.connectors.actionkit.transport import Caller
from groundswell.connectors.actionkit.uris import id_at
from groundswell.connectors.common.abreast import abreast

AT_ONCE: Final = 4
"""Single calls side by side; the account bounds them, too."""
SINGLES_MAX: Final = 25
USERS_KEPT_MAX: Final = 10_000
"""Of one round, in memory: some 15 MB."""
PAGES_KEPT_MAX: Final = 5_000


class Things:
    """Asks many at a time where the schema allows `id__in`, else one by one. What is gone is left out."""

    def __init__(self, client: ActionKit, caller: Caller) -> None:
        self._client = client
        self._caller = caller
        self._users: dict[str, bytes] = {}
        self._kinds: dict[str, Resource] = {}
        self._pages: dict[str, Resource | None] = {}
        self._held: dict[tuple[str, int], Resource | None] = {}
        """What was got one by one and is not handed over yet. Where one call in twenty fails, fifty in a row never all
        work: so those that did are not made again."""
        self._ignored: set[tuple[str, str]] = set()
        """Filters that are said to be allowed, and do nothing."""

    def forget(self) -> None:
        """A new round begins: users may have changed."""
        self._users.clear()
        self._held.clear()

    async def get(self, kind: str, numbers: Iterable[Any]) -> list[Resource]:
        """Those of these that are there, by number."""
        wanted = sorted({int(number) for number in numbers if str(number).isdigit()})
        if len(wanted) > 1 and (many := await self._many(kind, "id", wanted)) is not None:
            return many

        async def one(number: int) -> None:
            try:
                self._held[kind, number] = await self._client.get(self._caller, kind, number)
            except MissingError:
                self._held[kind, number] = None  # deleted, erased or merged since

        unknown = [number for number in wanted if (kind, number) not in self._held]
        await abreast(one, unknown, min(AT_ONCE, len(unknown)))
        return [found for number in wanted if (found := self._held[kind, number]) is not None]

    async def together(self, kind: str, numbers: Iterable[int]) -> list[Resource] | None:
        """Those of these that are there, a hundred a call; None where they cannot be asked for that way."""
        return await self._many(kind, "id", sorted(set(numbers)))

    async def at_a_time(self, kind: str) -> int:
        """How many to ask for before what was found is handed over."""
        return LIMIT_MAX if (await self._client.schema(self._caller, kind)).can_filter("id", "in") else SINGLES_MAX

    def let_go(self) -> None:
        """What was got one by one is handed over."""
        self._held.clear()

    async def users(self, numbers: Iterable[str | None]) -> dict[str, Resource]:
        """Users with their phones, as they were at some moment of this round."""
        wanted = {number for number in numbers if number is not None}
        unknown = wanted - self._users.keys()
        fresh = await self.with_phones(await self.get("user", unknown))
        known = {number: msgspec.json.decode(self._users[number]) for number in wanted - unknown}
        return known | {str(user["id"]): kept(user) for user in fresh}

    async def with_phones(self, users: Sequence[Resource]) -> list[Resource]:
        """These users, with their phones as objects in place of addresses."""
        addresses = {str(user.get("id")): user.get("phones") for user in users}
        having = [int(number) for number, phones in addresses.items() if isinstance(phones, list) and phones]
        phones: dict[str | None, list[Resource]] = {}
        for phone in await self._phones(having, addresses):
            phones.setdefault(id_at(phone.get("user")), []).append(phone)
        made = [user | {"phones": phones.get(str(user.get("id")), [])} for user in users]
        for user in made:
            self._keep(user)
        return made

    async def kind_of_change(self, uri: Any) -> Resource | None:
        """What a change of a subscription was: there are a few of them, and they stay."""
        number = id_at(uri)
        if number is not None and number not in self._kinds:
            for one in await self.get("subscriptionchangetype", [number]):
                self._kinds[number] = one
        return self._kinds.get(number or "")

    async def page(self, uri: Any) -> Resource | None:
        """A page, as it was when it was first asked for; None for one that is gone."""
        number = id_at(uri)
        if number is None:
            return None
        if number not in self._pages:
            if len(self._pages) >= PAGES_KEPT_MAX:
                self._pages.clear()
            self._pages[number] = next(iter(await self.get("page", [number])), None)
        return self._pages[number]

    async def _phones(self, users: Sequence[int], addresses: dict[str, Any]) -> list[Resource]:
        if not users:
            return []
        if (many := await self._many("phone", "user", users)) is not None:
            return many
        numbers = [id_at(uri) for user in users for uri in addresses[str(user)]]
        return await self.get("phone", numbers)

    async def _many(self, kind: str, field: str, numbers: Sequence[int]) -> list[Resource] | None:
        """Those whose field is one of these; None where it cannot be asked for that way.

        What their filters do not know, they ignore (I): then the answer would be the whole collection. So what comes is
        compared to what was asked for.
        """
        if (kind, field) in self._ignored:
            return None
        if not (await self._client.schema(self._caller, kind)).can_filter(field, "in"):
            return None
        found: list[Resource] = []
        for some in _in_parts(numbers):
            where = [(f"{field}__in", str(number)) for number in some]
            wanted = {str(number) for number in some}
            async for stretch in Walk(self._client, self._caller, kind, where=where).after():
                if any(_number(one.get(field)) not in wanted for one in stretch.objects):
                    self._ignored.add((kind, field))
                    return None
                found += stretch.objects
        return found

    def _keep(self, user: Resource) -> None:
        if len(self._users) >= USERS_KEPT_MAX:
            del self._users[next(iter(self._users))]
        self._users[str(user.get("id"))] = msgspec.json.encode(kept(user))


def _number(value: Any) -> str | None:
    return str(value) if isinstance(value, int) else id_at(value)


def _in_parts(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), LIMIT_MAX):
        yield numbers[start : start + LIMIT_MAX]
