"""One person as wanted, at Action Network: find them, write what differs, and see whether it was taken.

Everything written is a state, not an event: after a lost answer the same is written again, and nothing is doubled.
"""

from collections.abc import Sequence

import structlog
from msgspec import Struct

from groundswell.clock import Clock
from groundswell.component import Delivered, Outcome, Rejected, Skipped
from groundswell.connectors.action_network.client import ActionNetwork
from groundswell.connectors.action_network.hal import Resource
from groundswell.connectors.action_network.transport import Caller, MissingError
from groundswell.connectors.action_network.writing.changes import (
    HARD,
    Shown,
    country_for,
    differing,
    shown_in,
    to_send,
)
from groundswell.connectors.action_network.writing.lookup import Identity, PeopleLookup
from groundswell.connectors.action_network.writing.outgoing import (
    ADDRESS,
    Values,
    likely_country,
    person_body,
)
from groundswell.connectors.action_network.writing.refusals import Refusals
from groundswell.connectors.action_network.writing.statuses import (
    SUBSCRIBED,
    UNSUBSCRIBED,
    Policy,
    Statuses,
    email_status,
    is_yes_held_back,
    phone_status,
)
from groundswell.connectors.action_network.writing.tagging import Tagger
from groundswell.errors import UnavailableError
from groundswell.record import OptIn

log = structlog.get_logger()


class Rules(Struct, frozen=True):
    """What the settings say about writing."""

    policy: Policy
    country: str
    moves_phones: bool
    background: bool


class Wanted(Struct, frozen=True):
    """What one delivery asks for."""

    record_id: str
    identity: Identity
    values: Values
    """Only what is ours to write."""
    email_opt_in: OptIn
    sms_opt_in: OptIn
    add_tags: Sequence[str] = ()
    remove_tags: Sequence[str] = ()


class PeopleWriter:
    """Writes people, one at a time each; several at once if they are different people."""

    def __init__(self, client: ActionNetwork, clock: Clock, caller: Caller, rules: Rules, tagger: Tagger) -> None:
        self._client = client
        self._caller = caller
        self._rules = rules
        self._tagger = tagger
        self._lookup = PeopleLookup(client, clock)
        self._refusals = Refusals(clock, caller.component)

    async def write(self, wanted: Wanted) -> Outcome:
        """Find the person, and make or change them.

        Raises:
            RemoteError: as the client says. Some of it may have been written; write it again.
        """
        found = await self._lookup.find(self._caller, wanted.identity)
        if found.shown is None:
            return await self.add(wanted, found.holder)
        self._lookup.remember(wanted.identity, found.shown)
        return await self.change(wanted, found.shown)

    # ---- newcomers ----

    async def add(self, wanted: Wanted, holder: Shown | None) -> Outcome:
        """Make the person with the signup helper, which matches by itself should they be there after all.

        Args:
            holder: Somebody else who has the phone.
        """
        identity = wanted.identity
        if identity.email is None and identity.digits is None:
            return Rejected(
                "not_found",
                f"{self._caller.component}: the person is not there by their number (merged, or another account's), "
                "and the record has neither an email nor a phone to find or make them by",
            )
        values: Values = {
            name: value for name, value in wanted.values.items() if value and not self._refusals.is_no_field(name)
        }
        if identity.email is not None:
            values["email"] = identity.email
        else:
            values["phone"] = str(identity.digits)
        if holder is not None and self._is_taken(holder) and "phone" in values:
            await self._leave_phone(wanted, holder)
            del values["phone"]
        sent = self._statuses_of_newcomer(wanted, values, holder)
        tags = await self._tagger.existing(self._caller, wanted.add_tags)
        # Who cannot be looked up may be there, and must be looked at afterwards.
        background = self._rules.background and not identity.has_odd_email
        answer = await self._client.sign_up(
            self._caller,
            self._body(values, None, sent),
            add_tags=tags,
            remove_tags=wanted.remove_tags if identity.has_odd_email else (),
            background=background,
        )
        if background:
            return Delivered()
        shown = shown_in(answer)
        if shown is None:
            return Rejected(
                "refused",
                f"{self._caller.component}: making a person: Action Network answered 200 without a person, which means "
                "that it made none; it refuses some addresses without saying why",
            )
        await self._tagger.noted(self._caller, shown.id, tags)
        if identity.has_odd_email and self._is_subscribed_by_default(wanted, shown):
            sent = Statuses(UNSUBSCRIBED, sent.phone)
            shown = await self._put(shown.id, person_body({}, email_status=UNSUBSCRIBED))
        return await self._checked(wanted, shown, values, sent) or Delivered()

    def _statuses_of_newcomer(self, wanted: Wanted, values: Values, holder: Shown | None) -> Statuses:
        email_opt_in, sms_opt_in, policy = wanted.email_opt_in, wanted.sms_opt_in, self._rules.policy
        is_phone_sent = "phone" in values
        if wanted.identity.has_odd_email:
            # They may be there, with a no that we cannot see: only a no of ours is safe to send.
            if sms_opt_in is True and not policy.resubscribes_sms:
                sms_opt_in = None
            email = UNSUBSCRIBED if email_opt_in is False else None
        else:
            email = email_status(email_opt_in, None, policy, email=wanted.identity.email, is_sent="email" in values)
        phone = phone_status(
            sms_opt_in, None, policy, digits=wanted.identity.digits, is_sent=is_phone_sent, holder=holder
        )
        return Statuses(email, phone)

    def _is_subscribed_by_default(self, wanted: Wanted, shown: Shown) -> bool:
        """Whether this is a newcomer who is subscribed only because no status was sent."""
        is_unasked = not isinstance(wanted.email_opt_in, bool) and self._rules.policy.newcomers == UNSUBSCRIBED
        return is_unasked and shown.is_new and shown.email_status == SUBSCRIBED

    # ---- those who are there ----

    async def change(self, wanted: Wanted, shown: Shown) -> Outcome:
        """Write what differs and can be written; nothing if nothing does."""
        different = differing(wanted.values, shown)
        names = {name for name in different if not self._refusals.knows(shown, name, wanted.values[name])}
        holder, has_stopped = None, False
        if "phone" in names or ("phone" in different and wanted.sms_opt_in is False):
            holder = await self._lookup.holder(self._caller, str(wanted.values["phone"]))
            if holder is not None and holder.id == shown.id:
                holder = None
            if holder is not None and self._is_taken(holder):
                has_stopped = await self._leave_phone(wanted, holder)
                self._refusals.note(shown, "phone", holder.phone)
                names.discard("phone")
        values = to_send(wanted.values, names)
        sent = self._statuses_of(wanted, shown, values, holder)
        problem = None
        if values or sent != Statuses():
            after = await self._put(shown.id, self._body(values, shown, sent))
            problem = await self._checked(wanted, after, values, sent)
        is_tagged = await self._tagger.change(self._caller, shown.id, add=wanted.add_tags, remove=wanted.remove_tags)
        if problem is not None:
            return problem
        if values or sent != Statuses() or is_tagged or has_stopped:
            return Delivered()
        return Skipped(_why_nothing(wanted, shown, different))

    def _statuses_of(self, wanted: Wanted, shown: Shown, values: Values, holder: Shown | None) -> Statuses:
        identity, policy = wanted.identity, self._rules.policy
        return Statuses(
            email_status(wanted.email_opt_in, shown, policy, email=identity.email, is_sent="email" in values),
            phone_status(
                wanted.sms_opt_in, shown, policy, digits=identity.digits, is_sent="phone" in values, holder=holder
            ),
        )

    # ---- phones that somebody else has ----

    def _is_taken(self, holder: Shown) -> bool:
        """Whether writing this number would take it from somebody. From a record that is nothing but a number it would
        not: the two merge, as they would at the person's next form [D]."""
        return holder.email is not None and not self._rules.moves_phones

    async def _leave_phone(self, wanted: Wanted, holder: Shown) -> bool:
        """The number stays where it is. A stop is about the number, so it is written there; whether it was."""
        log.warning(
            "field_left_out",
            component=self._caller.component,
            record=wanted.record_id,
            fields=["phone"],
            because="another person there has this number",
        )
        if wanted.sms_opt_in is not False or holder.phone_status == UNSUBSCRIBED:
            return False
        fresh = await self._lookup.by_number(self._caller, holder.id)
        if fresh is None or not fresh.has_phone(holder.phone) or fresh.phone_status == UNSUBSCRIBED:
            return False
        await self._put(fresh.id, person_body({}, phone_status=UNSUBSCRIBED))
        return True

    # ---- writing and looking at what became of it ----

    def _body(self, values: Values, shown: Shown | None, sent: Statuses) -> Resource:
        country = likely_country(values, country_for(values, shown, self._rules.country))
        return person_body(values, country=country, email_status=sent.email, phone_status=sent.phone)

    async def _put(self, number: str, body: Resource) -> Shown:
        """Change a person; how they are then, or with background requests what we know: who they are."""
        background = self._rules.background
        try:
            answer = await self._client.put(self._caller, ("people", number), body, background=background)
        except MissingError:
            raise self._gone() from None
        if background:
            return Shown(number, {}, None, None, is_located=False, is_new=False)
        return shown_in(answer) or await self._fresh(number)

    async def _fresh(self, number: str) -> Shown:
        shown = await self._lookup.by_number(self._caller, number)
        if shown is None:
            raise self._gone()
        return shown

    def _gone(self) -> UnavailableError:
        return UnavailableError(
            f"{self._caller.component}: changing a person: they went away meanwhile, merged perhaps; they will be "
            "looked for again"
        )

    async def _checked(self, wanted: Wanted, after: Shown, values: Values, sent: Statuses) -> Rejected | None:
        """What of the write did not work, though they answered 200; None if all of it did, as far as it ever will.

        `after` is the person in their answer. What they rewrote, or do not take, is remembered, so that it is not sent
        again and again.
        """
        if self._rules.background:
            return None
        if values.get("city") and "city" not in after.values:
            # Seen to be lost when a first address is saved, and to stay when it is saved again [L].
            after = await self._put(after.id, self._body(_address_in(values), after, Statuses()))
        if "phone" not in values and after.phone is not None and "sms_opt_in" in sent.missing_in(after):
            # A status without its number is known to work for emails only [L].
            after = await self._put(after.id, person_body({"phone": after.phone}, phone_status=sent.phone))
        failed = _failed(values, sent, after)
        if failed:
            after = await self._fresh(after.id)
            failed = _failed(values, sent, after)
        for name in differing(values, after) - failed:
            self._refusals.note(after, name, values[name])
        self._lookup.remember(wanted.identity, after)
        return self._rejected(failed) if failed else None

    def _rejected(self, failed: set[str]) -> Rejected:
        told = f"{self._caller.component}: writing a person: Action Network answered 200 and kept its own"
        if "email" in failed:
            return Rejected(
                "email_taken",
                f"{told} {_named(failed)}: another person there has the email, or it refuses it; merge the two there, "
                "or correct the email, and retry; the other fields were written",
            )
        return Rejected(
            "not_taken",
            f"{told} {_named(failed)}, without saying why; the other fields were written",
        )


def _why_nothing(wanted: Wanted, shown: Shown, different: set[str]) -> str:
    """The reason to give where nothing had to be written, or nothing could be."""
    if is_yes_held_back(wanted.email_opt_in, wanted.sms_opt_in, shown, digits=wanted.identity.digits):
        return "unsubscribed_stays"
    return "kept_theirs" if different else "unchanged"


def _address_in(values: Values) -> Values:
    return {name: value for name, value in values.items() if name in ADDRESS}


def _failed(values: Values, sent: Statuses, after: Shown) -> set[str]:
    """What should be there after a write, and is not."""
    return {name for name in differing(values, after) if name in HARD and values[name]} | sent.missing_in(after)


def _named(fields: set[str]) -> str:
    return ", ".join(sorted(fields))
