"""Who did what is about to be recorded, so that recording it subscribes nobody who did not ask for it.

A record helper subscribes whoever is new, which cannot be avoided, and leaves everybody else as they are [D]. So only
somebody who is surely there, or who said yes, goes through one. Somebody new who did not is signed up as unsubscribed
first, and their record points to them: at no moment could a welcome mail go out.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from groundswell.clock import Clock
from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.hal import Resource
from groundswell.connectors.action_network.transport import Caller, MissingError
from groundswell.connectors.action_network.writing.changes import Shown, country_for, differing, shown_in, to_send
from groundswell.connectors.action_network.writing.lookup import Found, Identity, PeopleLookup, known_identity
from groundswell.connectors.action_network.writing.outgoing import (
    CUSTOM,
    FIELDS,
    Status,
    Values,
    likely_country,
    outgoing,
    person_body,
)
from groundswell.connectors.action_network.writing.statuses import SUBSCRIBED, UNSUBSCRIBED, Policy, phone_status
from groundswell.connectors.action_network.writing.tagging import Tagger
from groundswell.connectors.common.recent import Recent
from groundswell.errors import NotYetError, RecordError, UnavailableError
from groundswell.record import Person

MISSED_MAX: Final = 10_000
MISSED_S: Final = 3600.0
_POLICY: Final = Policy(UNSUBSCRIBED, resubscribes_email=False, resubscribes_sms=False)
_STATUSES: Final = ("email_status", "phone_status")
"""Custom fields that `people.py` makes of statuses: they are not theirs."""


class Rules(Struct, frozen=True):
    """What the settings allow."""

    updates: bool
    """Whether what a record says about somebody who is there is written."""
    autoresponds: bool
    """Whether the page's autoresponse goes out: for that it must be the helper."""
    country: str
    """Of addresses that do not say."""
    settle_s: float
    """As for `Unsettled`."""


class Doer(Struct, frozen=True):
    """Somebody as a record can name them: by what is sent about them, or by their number."""

    person: Resource | None = None
    """Goes through the record helper, with the tags."""
    number: str | None = None
    """The record points to them; they have the tags already."""
    tags: Sequence[str] = ()
    """To be sent along with `person`."""


class _Said(Struct, frozen=True):
    """What the record says about who it was."""

    person: Person
    identity: Identity
    values: Values
    tags: Sequence[str]

    @property
    def is_to_be_spared(self) -> bool:
        """Whether the helper might subscribe somebody who did not say yes. Numbers it leaves unsubscribed [D]."""
        return self.identity.email is not None and self.person.email_opt_in is not True

    @property
    def needs_no_look(self) -> bool:
        """Whether the helper does what is right, whoever they are. Over a number that was stopped a yes is not."""
        is_about_texts = self.identity.digits is not None and self.person.sms_opt_in is True
        return self.identity.number is None and not self.is_to_be_spared and not is_about_texts


class Doers:
    """Finds people, and makes those who are new and did not say yes."""

    def __init__(self, client: ActionNetwork, caller: Caller, clock: Clock, rules: Rules, tagger: Tagger) -> None:
        self._client = client
        self._caller = caller
        self._clock = clock
        self._rules = rules
        self._tagger = tagger
        self._lookup = PeopleLookup(client, clock)
        self._missed: Recent[str, float] = Recent(clock, most=MISSED_MAX, for_s=MISSED_S)
        """Who was looked for and not found, and when first."""

    async def of(self, person: Person, tags: Sequence[str]) -> Doer:
        """Who this is there.

        Raises:
            RecordError: with reason `no_identity` or `unknown_person`.
            NotYetError: they may be new; somebody made a moment ago would not be found yet.
            RemoteError: as the client says.
        """
        identity = known_identity(person)
        said = _Said(person, identity, _values(person), tags)
        if self._rules.updates and said.needs_no_look:
            return await self._by_helper(said, None)
        found = await self._lookup.find(self._caller, identity)
        if found.shown is not None:
            return await self._known(said, found.shown)
        if identity.email is None and identity.digits is None:
            raise RecordError("Action Network has nobody with that number any more", reason="unknown_person")
        if not said.is_to_be_spared:
            return await self._by_helper(said, found)
        if identity.has_odd_email:
            return await self._blindly(said, found)
        if person.email_opt_in is not False:
            self._make_sure(str(identity.email))
        return await self._sign_up(said, found, UNSUBSCRIBED)

    async def still_there(self, number: str) -> None:
        """Raises UnavailableError if they are not: lists go on showing for seconds whoever was merged away [L]."""
        if await self._lookup.by_number(self._caller, number) is None:
            raise self._gone()

    # ---- somebody who is there ----

    async def _known(self, said: _Said, shown: Shown) -> Doer:
        """By number, where nothing but the record is to be written: a number can make nobody.

        The helper finds people by what it is sent, so whoever was found is looked at once more: lists are late [L], and
        for an address that is theirs no longer it would make somebody, subscribed.
        """
        if said.tags or self._rules.autoresponds:
            fresh = await self._lookup.by_number(self._caller, shown.id)
            if fresh is None:
                raise self._gone()
            shown = fresh
            if _is_key_of(said.identity, shown):
                return await self._by_helper(said, Found(shown))
        await self._update(said, shown)
        await self._tagger.change(self._caller, shown.id, add=said.tags, remove=())
        return Doer(number=shown.id)

    async def _update(self, said: _Said, shown: Shown) -> None:
        changed, sms = await self._changed(said, shown)
        if not changed:
            return
        body = person_body(changed, country=self._country(changed, shown), phone_status=sms)
        try:
            await self._client.put(self._caller, ("people", shown.id), body)
        except MissingError:
            raise self._gone() from None

    async def _changed(self, said: _Said, shown: Shown) -> tuple[Values, Status | None]:
        """What is to be written of somebody who is there, and the status of a number that is new. Never their email."""
        if not self._rules.updates:
            return {}, None
        names = differing(said.values, shown) - {"email"}
        sms = None
        if "phone" in names:
            is_free, sms = await self._phone(said, Found(shown))
            names -= set() if is_free else {"phone"}
        return to_send(said.values, names), sms

    # ---- through the helper ----

    async def _by_helper(self, said: _Said, found: Found | None) -> Doer:
        """By the email, else by the phone. No status of an email is ever sent: it would change that of who is there.

        Args:
            found: Who was found, maybe nobody; None when nobody looked.
        """
        shown = found.shown if found is not None else None
        if shown is None:
            sent, sms = await self._of_newcomer(said, found)
        else:
            sent, sms = await self._changed(said, shown)
        key = "email" if said.identity.email is not None else "phone"
        sent[key] = said.values[key]
        body = person_body(sent, country=self._country(sent, shown), phone_status=sms)
        return Doer(person=body, tags=await self._tagger.existing(self._caller, said.tags))

    async def _of_newcomer(self, said: _Said, found: Found | None) -> tuple[Values, Status | None]:
        """All that is known, without a number that is somebody else's, and the status of one that is new."""
        is_free, sms = await self._phone(said, found)
        return {name: value for name, value in said.values.items() if name != "phone" or is_free}, sms

    async def _phone(self, said: _Said, found: Found | None) -> tuple[bool, Status | None]:
        """Whether the number can be sent without taking it off somebody [D], and the status that goes with it."""
        identity = said.identity
        if identity.digits is None:
            return False, None
        shown = found.shown if found is not None else None
        if found is not None and shown is None:
            holder = found.holder  # before it is said that there is nobody, everything is looked for
        else:
            holder = await self._lookup.holder(self._caller, identity.digits)
        if holder is not None and holder.email is not None and identity.email is not None:
            is_own = shown is not None and holder.id == shown.id
            if not is_own and not holder.has_email(identity.email):
                return False, None
        status = phone_status(
            said.person.sms_opt_in, shown, _POLICY, digits=identity.digits, is_sent=True, holder=holder
        )
        return True, status

    # ---- somebody new ----

    def _make_sure(self, email: str) -> None:
        """They are signed up as unsubscribed only when they were missing twice, so far apart that whoever subscribed
        in between is found: the word would undo it."""
        now = self._clock.monotonic()
        first = self._missed.get(email.casefold())
        if first is None:
            first = now
            self._missed.put(email.casefold(), first)
        wait_s = first + self._rules.settle_s - now
        if wait_s > 0:
            raise NotYetError(
                f"{self._caller.component}: looking for a person: nobody is found, and somebody who was made a moment "
                f"ago would not be yet; looked for again in {wait_s:.0f} s",
                wait_s,
            )

    async def _sign_up(self, said: _Said, found: Found, status: Status | None) -> Doer:
        sent, sms = await self._of_newcomer(said, found)
        country = self._country(sent, None)
        body = person_body(sent, country=country, email_status=status, phone_status=sms)
        there = await self._tagger.existing(self._caller, said.tags)
        shown = shown_in(await self._client.sign_up(self._caller, body, add_tags=there))
        if shown is None:
            raise RecordError(
                "making the person: Action Network answered 200 without one, which means that it made none; it refuses "
                "some addresses without saying why",
                reason="refused",
            )
        self._lookup.remember(said.identity, shown)
        await self._tagger.noted(self._caller, shown.id, there)
        if status is None and shown.is_new and shown.email_status == SUBSCRIBED:
            await self._client.put(self._caller, ("people", shown.id), person_body({}, email_status=UNSUBSCRIBED))
        return Doer(number=shown.id)

    async def _blindly(self, said: _Said, found: Found) -> Doer:
        """Whether they are there cannot be asked. A no is written whoever they are; otherwise the helper finds them by
        itself, and a newcomer is unsubscribed right after."""
        status = UNSUBSCRIBED if said.person.email_opt_in is False else None
        return await self._sign_up(said, found, status)

    def _country(self, values: Values, shown: Shown | None) -> str:
        return likely_country(values, country_for(values, shown, self._rules.country))

    def _gone(self) -> UnavailableError:
        return UnavailableError(
            f"{self._caller.component}: a person went away meanwhile, merged perhaps; they will be looked for again"
        )


def _values(person: Person) -> Values:
    """What the record says, as they take it; what is known to be empty empties nothing."""
    custom = [CUSTOM + name for name in person.custom if name not in _STATUSES]
    said = outgoing(person, (*FIELDS, *custom)).values
    return {name: value for name, value in said.items() if value is not None}


def _is_key_of(identity: Identity, shown: Shown) -> bool:
    """Whether the helper would find this person by what the record says."""
    return shown.has_email(identity.email) if identity.email is not None else shown.has_phone(identity.digits)
