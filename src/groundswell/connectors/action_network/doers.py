"""Who did what is about to be recorded, so that recording it subscribes nobody who did not ask for it.

A record helper subscribes whoever is new, which cannot be avoided, and leaves everybody else as they are [D]. So only
somebody who is there, or who said yes, goes through one. Somebody new who did not is signed up as unsubscribed first,
and their record then points to them: at no moment could a welcome mail go out.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from msgspec import UNSET, Struct
from msgspec.structs import replace

from groundswell.clock import Clock
from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.hal import Resource, id_of
from groundswell.connectors.action_network.outgoing import differing, digits, known_fields, owned, person_json
from groundswell.connectors.action_network.people import person_of
from groundswell.connectors.action_network.statuses import for_new_phone
from groundswell.connectors.action_network.tag_book import TagBook
from groundswell.connectors.action_network.transport import Caller
from groundswell.connectors.action_network.who import UncertainError, Who
from groundswell.errors import NotYetError, RecordError, UnavailableError
from groundswell.record import Person

MISSED_MAX: Final = 10_000


class Doer(Struct, frozen=True):
    """Somebody as a record can name them: by what is sent about them, or by their number."""

    person: Resource | None = None
    """Goes through the record helper, with the tags."""
    number: str | None = None
    """The record points to them; they have the tags already."""
    tags: Sequence[str] = ()
    """Those that exist, to be sent along with `person`."""


class Doers:
    """Finds people, and makes those who are new and did not say yes."""

    def __init__(
        self,
        client: ActionNetwork,
        caller: Caller,
        clock: Clock,
        tags: TagBook,
        *,
        updates: bool,
        default_country: str,
        settle_s: float,
    ) -> None:
        """`updates`: whether what is said about somebody who is there is written. `settle_s`: as for `Unsettled`."""
        self._client = client
        self._caller = caller
        self._clock = clock
        self._tags = tags
        self._updates = updates
        self._country = default_country
        self._settle_s = settle_s
        self._who = Who(client, caller)
        self._missed: OrderedDict[str, float] = OrderedDict()
        """Who was looked for and not found, and when first."""

    async def of(self, person: Person, tags: Sequence[str]) -> Doer:
        """Who this is there.

        Raises:
            RecordError: with reason `no_identity` or `unknown_person`.
            NotYetError: they may be new; somebody made a moment ago would not be found yet.
            RemoteError: as the client says.
        """
        person = _with_keys(owned(person, None))
        if "action_network" not in person.ids and not self._needs_looking(person):
            return await self._by_helper(person, None, tags)
        try:
            theirs = await self._who.find(person)
        except UncertainError:
            return await self._blindly(person, tags)
        if theirs is not None:
            return await self._known(person, theirs, tags)
        if not isinstance(person.email, str) and not isinstance(person.phone, str):
            raise RecordError("Action Network has nobody with that number any more", reason="unknown_person")
        if not self._needs_looking(person):
            return await self._by_helper(person, None, tags)
        if person.email_opt_in is not False:
            self._make_sure(str(person.email))
        return await self._sign_up(person, tags, "unsubscribed")

    def _needs_looking(self, person: Person) -> bool:
        """Whether the helper might subscribe somebody who did not say yes. Numbers it leaves unsubscribed [D]."""
        return isinstance(person.email, str) and person.email_opt_in is not True

    # ---- somebody who is there, or said yes ----

    async def _known(self, person: Person, theirs: Resource, tags: Sequence[str]) -> Doer:
        """The helper finds people by what it is sent; where that is not what they have, it would make another one."""
        known = person_of(theirs, id_of(theirs), False)
        is_same = _same_email if isinstance(person.email, str) else _same_phone
        if is_same(known, person):
            return await self._by_helper(person, theirs, tags)
        number = id_of(theirs) or ""
        for tag in dict.fromkeys(tags):
            await self._tags.add(tag, number)
        return Doer(number=number)

    async def _by_helper(self, person: Person, theirs: Resource | None, tags: Sequence[str]) -> Doer:
        known = person_of(theirs, None, False) if theirs is not None else None
        phone = await self._phone_entry(person, theirs)
        fields: set[str] = set()
        if known is None:
            fields = known_fields(person, clears=False)
        elif self._updates:
            fields = differing(person, known, clears=False)
        body = person_json(person, fields - {"email", "phone"}, known, self._country)
        if isinstance(person.email, str):
            body["email_addresses"] = [{"primary": True, "address": person.email}]
            if phone is not None and "phone" in fields:
                body["phone_numbers"] = [phone]
        elif phone is not None:
            body["phone_numbers"] = [phone]
        return Doer(person=body, tags=await self._there(tags))

    async def _phone_entry(self, person: Person, theirs: Resource | None) -> Resource | None:
        """The number, unless it would be taken off somebody else [D]. A number that is known keeps its status."""
        if not isinstance(person.phone, str):
            return None
        entry: Resource = {"primary": True, "number": digits(person.phone)}
        if theirs is not None and _same_phone(person_of(theirs, None, False), person):
            return entry
        other = await self._who.by_phone(person.phone)
        if other is None:
            return entry | ({"status": "subscribed"} if for_new_phone(person.sms_opt_in) == "subscribed" else {})
        is_free = not isinstance(person_of(other, None, False).email, str)
        if is_free or _same_email(person_of(other, None, False), person) or not isinstance(person.email, str):
            return entry
        return None

    # ---- somebody new ----

    def _make_sure(self, email: str) -> None:
        """They are signed up as unsubscribed only when they were missing twice, so far apart that whoever subscribed
        in between is found: the word would undo it."""
        now = self._clock.monotonic()
        first = self._missed.setdefault(email.casefold(), now)
        while len(self._missed) > MISSED_MAX:
            self._missed.popitem(last=False)
        wait_s = first + self._settle_s - now
        if wait_s > 0:
            raise NotYetError(
                f"{self._caller.component}: looking for a person: nobody is found, and somebody who was made a moment "
                f"ago would not be yet; looked for again in {wait_s:.0f} s",
                wait_s,
            )

    async def _sign_up(self, person: Person, tags: Sequence[str], status: str | None) -> Doer:
        phone = await self._phone_entry(person, None)
        body = person_json(person, known_fields(person, clears=False) - {"phone"}, None, self._country)
        if phone is not None:
            body["phone_numbers"] = [phone]
        if status is not None:
            body["email_addresses"][0]["status"] = status
        there = await self._there(tags)
        made = await self._client.sign_up(self._caller, body, add_tags=there)
        self._who.note(made)
        self._missed.pop(str(person.email).casefold(), None)
        number = id_of(made)
        if number is None:
            raise UnavailableError(
                f"{self._caller.component}: signing up a person: the answer has no number; it will be tried again"
            )
        for tag in there:
            self._tags.note_added(tag, number)
        if status is None and made.get("created_date") == made.get("modified_date"):
            await self._client.put(self._caller, ("people", number), {"email_addresses": [{"status": "unsubscribed"}]})
        return Doer(number=number)

    async def _blindly(self, person: Person, tags: Sequence[str]) -> Doer:
        """Whether they are there cannot be asked. A no is written whoever they are; otherwise the helper finds them by
        itself, and a newcomer is unsubscribed right after."""
        if person.email_opt_in is True:
            return await self._by_helper(person, None, tags)
        return await self._sign_up(person, tags, "unsubscribed" if person.email_opt_in is False else None)

    async def _there(self, tags: Sequence[str]) -> list[str]:
        """The helpers pass over tags that do not exist without a word [D]."""
        return [tag for tag in dict.fromkeys(tags) if await self._tags.number_of(tag) is not None]


def _with_keys(person: Person) -> Person:
    """The person, without a phone that is no number."""
    if isinstance(person.phone, str) and not digits(person.phone):
        person = replace(person, phone=UNSET)
    if not (isinstance(person.email, str) or isinstance(person.phone, str) or "action_network" in person.ids):
        raise RecordError(
            "the person has no email address, no phone number and no number at Action Network", reason="no_identity"
        )
    return person


def _same_email(known: Person, person: Person) -> bool:
    return (
        isinstance(known.email, str)
        and isinstance(person.email, str)
        and known.email.casefold() == person.email.casefold()
    )


def _same_phone(known: Person, person: Person) -> bool:
    return (
        isinstance(known.phone, str) and isinstance(person.phone, str) and digits(known.phone) == digits(person.phone)
    )
