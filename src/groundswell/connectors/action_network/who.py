"""Who somebody is at Action Network, before anything is written about them.

Lists that are filtered lag behind by seconds, while one person asked for by number is up to date [L]. So what was
written a moment ago is remembered here, and everybody is looked at by number before they are changed.
"""

from collections import OrderedDict
from typing import Final

from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.collections import COLLECTIONS
from groundswell.connectors.action_network.filters import can_be_written, equals
from groundswell.connectors.action_network.hal import Resource, id_of
from groundswell.connectors.action_network.outgoing import digits
from groundswell.connectors.action_network.people import person_of
from groundswell.connectors.action_network.transport import Caller, MissingError
from groundswell.record import Person

REMEMBERED_MAX: Final = 10_000
PEOPLE: Final = COLLECTIONS["people"]


class UncertainError(Exception):
    """Whether they are there cannot be asked: their address cannot be written into a filter."""


class Who:
    """Finds people by number, email address and mobile number."""

    def __init__(self, client: ActionNetwork, caller: Caller) -> None:
        self._client = client
        self._caller = caller
        self._known: OrderedDict[str, str] = OrderedDict()

    async def find(self, person: Person) -> Resource | None:
        """The record of theirs this person has; None if there is none.

        Raises:
            UncertainError: it cannot be told.
        """
        number = person.ids.get("action_network")
        found = await self._get(number) if number is not None else None
        if found is None and isinstance(person.email, str):
            found = await self.by_email(person.email)
        if found is None and isinstance(person.phone, str):
            other = await self.by_phone(person.phone)
            # With an address of our own, the number alone does not make it the same person: families share one.
            if other is not None and (not isinstance(person.email, str) or not _has_email(other)):
                found = other
        return found

    async def by_email(self, email: str) -> Resource | None:
        """Who has this address. Addresses differ in more than case."""
        key = f"email:{email.casefold()}"
        found = await self._remembered(key)
        if found is not None:
            return found
        if not can_be_written(email):
            raise UncertainError
        page = await self._client.page(self._caller, PEOPLE, where=(equals("email_address", email),))
        for resource in page.resources:
            theirs = person_of(resource, None, False).email
            if isinstance(theirs, str) and theirs.casefold() == email.casefold():
                return await self._fresh(resource)
        return None

    async def by_phone(self, phone: str) -> Resource | None:
        """Who has this mobile number."""
        key = f"phone:{digits(phone)}"
        found = await self._remembered(key)
        if found is not None:
            return found
        page = await self._client.page(self._caller, PEOPLE, where=(equals("phone_number", digits(phone)),))
        for resource in page.resources:
            theirs = person_of(resource, None, False).phone
            if isinstance(theirs, str) and digits(theirs) == digits(phone):
                return await self._fresh(resource)
        return None

    def note(self, resource: Resource) -> None:
        """Remember where somebody is who was just written."""
        number = id_of(resource)
        person = person_of(resource, number, False)
        if number is None:
            return
        for key in (
            f"email:{person.email.casefold()}" if isinstance(person.email, str) else None,
            f"phone:{digits(person.phone)}" if isinstance(person.phone, str) else None,
        ):
            if key is not None:
                self._known[key] = number
                self._known.move_to_end(key)
        while len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)

    async def _remembered(self, key: str) -> Resource | None:
        """Whom we wrote under this key, if they still have it."""
        number = self._known.get(key)
        found = await self._get(number) if number is not None else None
        if found is None:
            self._known.pop(key, None)
            return None
        person = person_of(found, None, False)
        email = f"email:{person.email.casefold()}" if isinstance(person.email, str) else ""
        phone = f"phone:{digits(person.phone)}" if isinstance(person.phone, str) else ""
        return found if key in (email, phone) else None

    async def _fresh(self, resource: Resource) -> Resource | None:
        number = id_of(resource)
        return await self._get(number) if number is not None else None

    async def _get(self, number: str) -> Resource | None:
        """One person by number; None when merged into another, or not on this list: they answer 404 to both."""
        try:
            return await self._client.get(self._caller, ("people", number))
        except MissingError:
            return None


def _has_email(resource: Resource) -> bool:
    return isinstance(person_of(resource, None, False).email, str)
