"""Who somebody is at Action Network: by their number, else email, else phone.

Lists and filters lag seconds behind what was written, while a person by number is fresh [L]. So whom this component
wrote lately it remembers, and asks for by number.
"""

from typing import Final

from msgspec import Struct

from groundswell.clock import Clock
from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.collections import COLLECTIONS
from groundswell.connectors.action_network.filters import can_be_written, equals
from groundswell.connectors.action_network.hal import UUID
from groundswell.connectors.action_network.transport import Caller, MissingError
from groundswell.connectors.action_network.writing.changes import Shown, shown_in
from groundswell.connectors.action_network.writing.outgoing import digits_of, email_of
from groundswell.connectors.common.recent import Recent
from groundswell.errors import RecordError, UnavailableError
from groundswell.record import Person

REMEMBERED_MAX: Final = 50_000
REMEMBERED_S: Final = 86_400.0
VENDOR: Final = "action_network"


class Identity(Struct, frozen=True):
    """By what a person can be found."""

    number: str | None
    """Theirs, of this account or of another."""
    email: str | None
    digits: str | None

    @property
    def is_known(self) -> bool:
        return bool(self.number or self.email or self.digits)

    @property
    def has_odd_email(self) -> bool:
        """How an apostrophe is written in a filter nobody has shown: whoever has one cannot be looked for by email."""
        return self.email is not None and not can_be_written(self.email)


class Found(Struct, frozen=True):
    """What a look-up found."""

    shown: Shown | None
    """The person."""
    holder: Shown | None = None
    """Somebody else who has the phone. None also when nobody looked."""


def identity_of(person: Person) -> Identity:
    number = person.ids.get(VENDOR)
    return Identity(
        number=number if isinstance(number, str) and UUID.fullmatch(number) else None,
        email=email_of(person),
        digits=digits_of(person),
    )


def known_identity(person: Person) -> Identity:
    """By what this person can be found. Raises RecordError, with reason `no_identity`, where there is nothing."""
    identity = identity_of(person)
    if not identity.is_known:
        raise RecordError(
            "the record has no email address, no phone with a country code and no number of Action Network's, so there "
            "is no telling who it is; see normalise_phone",
            reason="no_identity",
        )
    return identity


class PeopleLookup:
    """Finds people, one call for whom it knows by number or finds by the first look."""

    def __init__(self, client: ActionNetwork, clock: Clock) -> None:
        self._client = client
        self._known: Recent[tuple[str, str], str] = Recent(clock, most=REMEMBERED_MAX, for_s=REMEMBERED_S)
        """("email", in lower case), ("phone", digits) or ("number", of another account or gone) to a number."""

    async def find(self, caller: Caller, identity: Identity) -> Found:
        """The person, if they are there.

        A phone alone finds whoever has it; beside an email it finds only a record without one: those two would merge at
        the next form they fill in. Somebody with another email is somebody else.
        """
        if identity.number is not None:
            shown = await self._by_number(caller, identity.number)
            if shown is not None:
                return Found(shown)
        if identity.email is not None:
            shown = await self._by_email(caller, identity.email)
            if shown is not None:
                return Found(shown)
        holder = await self.holder(caller, identity.digits) if identity.digits is not None else None
        if holder is None:
            return Found(None)
        # Whether somebody else has an odd email we cannot see, so theirs is left to the signup helper to match.
        is_open = holder.email is None and not identity.has_odd_email
        if identity.email is None or is_open or holder.has_email(identity.email):
            return Found(holder)
        return Found(None, holder)

    async def holder(self, caller: Caller, digits: str) -> Shown | None:
        """Whoever has this phone."""
        return await self._by(caller, "phone", "phone_number", digits)

    async def by_number(self, caller: Caller, number: str) -> Shown | None:
        """The person as they are now; None when they are not there: merged away, or another account's."""
        try:
            return shown_in(await self._client.get(caller, ("people", number)))
        except MissingError:
            return None

    def remember(self, identity: Identity, shown: Shown) -> None:
        """This is who it was."""
        if shown.email is not None:
            self._known.put(("email", shown.email.casefold()), shown.id)
        if shown.phone is not None:
            self._known.put(("phone", shown.phone), shown.id)
        if identity.number is not None and identity.number != shown.id:
            self._known.put(("number", identity.number), shown.id)

    async def _by_number(self, caller: Caller, number: str) -> Shown | None:
        """A number we know to be somebody else's name for a person costs no second call."""
        key = ("number", number)
        known = self._known.get(key)
        shown = await self.by_number(caller, known or number)
        if shown is None and known is not None:
            self._known.forget(key)
        return shown

    async def _by_email(self, caller: Caller, email: str) -> Shown | None:
        return await self._by(caller, "email", "email_address", email)

    async def _by(self, caller: Caller, name: str, field: str, value: str) -> Shown | None:
        key = (name, value.casefold())
        known = self._known.get(key)
        if known is not None:
            shown = await self.by_number(caller, known)
            if shown is not None and _has(shown, name, value):
                return shown
            self._known.forget(key)
        if not can_be_written(value):
            return None
        page = await self._client.page(caller, COLLECTIONS["people"], where=(equals(field, value),))
        found = [shown for resource in page.resources if (shown := shown_in(resource)) is not None]
        matching = [shown for shown in found if _has(shown, name, value)]
        if found and not matching:
            # Taking it for "nobody" would make newcomers of people who are there.
            raise UnavailableError(
                f"{caller.component}: looking for a person by {name}: people came who have another one, so the filter "
                "was not applied; it will be tried again"
            )
        return matching[0] if matching else None


def _has(shown: Shown, name: str, value: str) -> bool:
    return shown.has_email(value) if name == "email" else shown.has_phone(value)
