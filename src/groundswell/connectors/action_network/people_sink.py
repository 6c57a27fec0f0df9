"""The `action_network.people` sink: makes people at Action Network what a record says they are.

Everybody is looked at before they are written, so that only what differs is sent, and what is written is read back:
they answer 200 to things they did not do [L].
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import structlog
from msgspec import UNSET, Struct
from msgspec.structs import replace
from pydantic import AfterValidator, Field

from groundswell import record as records
from groundswell.component import Context, Delivered, Delivery, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.action_network.account import ActionNetworkAccount
from groundswell.connectors.action_network.hal import Resource, id_of
from groundswell.connectors.action_network.outgoing import (
    CUSTOM,
    FIELDS,
    differing,
    digits,
    known_fields,
    owned,
    person_json,
)
from groundswell.connectors.action_network.people import person_of
from groundswell.connectors.action_network.statuses import for_known, for_new_phone, for_newcomer, status_in
from groundswell.connectors.action_network.tag_book import TagBook
from groundswell.connectors.action_network.transport import Caller
from groundswell.connectors.action_network.who import UncertainError, Who
from groundswell.errors import RateLimitedError, RejectedError, UnavailableError
from groundswell.record import Action, Person, Record
from groundswell.settings import SinkSettings

ADDRESS_REWRITTEN: Final = frozenset(("address1", "city", "state", "zip", "country"))
"""What their geocoder changes as it likes [L]: sent once, and then it is as it is."""

log = structlog.get_logger()


def _check_fields(fields: list[str] | None) -> list[str] | None:
    for name in fields or []:
        if name not in FIELDS and not (name.startswith(CUSTOM) and len(name) > len(CUSTOM)):
            known = ", ".join(FIELDS)
            raise ValueError(
                f'has {name!r}, which Action Network does not keep; choose from {known} and "custom.<name>"'
            )
    return fields


class ActionNetworkPeopleSettings(SinkSettings):
    """Writes people to Action Network: only what differs, and never a subscription nobody asked for."""

    account: str = Field(description="The account to write with, of type action_network.")
    fields: Annotated[list[str] | None, AfterValidator(_check_fields)] = Field(
        None, description='The fields that are ours to write, "custom.<name>" included. Without it: all a record holds.'
    )
    newcomers: Literal["unsubscribed", "subscribed"] = Field(
        "unsubscribed", description="What the email address of somebody new becomes when `email_opt_in` is unknown."
    )
    resubscribe: list[Literal["email", "phone"]] = Field(
        default_factory=list,
        description="Where an opt-in brings somebody back who is unsubscribed at Action Network. A number that was "
        'never asked about is called unsubscribed there, too: with "phone" an opt-in counts against both.',
    )
    on_taken_phone: Literal["leave_out", "move"] = Field(
        "leave_out",
        description='What to do with a number that somebody else with an email address has: "leave_out" writes the '
        'rest; "move" takes it from them, as Action Network does by itself.',
    )
    clears: bool = Field(
        False, description="Whether a field that is known to be empty is emptied there. Names and addresses may stay."
    )
    default_country: str = Field(
        "US", pattern="^[A-Z]{2}$", description="Of addresses without one. Action Network assumes the US itself."
    )
    add_tags: list[str] = Field(default_factory=list, description="Tags everybody gets.")
    remove_tags: list[str] = Field(default_factory=list, description="Tags that are taken off everybody.")
    record_tags: bool = Field(True, description="Whether the tags of the record (`action.tags`) are added as well.")
    make_tags: bool = Field(True, description="Whether a tag that is not there is made. Otherwise it is left out.")


class ActionNetworkPeople:
    """One person a delivery."""

    def __init__(self, settings: ActionNetworkPeopleSettings, context: Context) -> None:
        account: ActionNetworkAccount = context.account
        self._settings = settings
        self._fields = None if settings.fields is None else frozenset(settings.fields)
        self._client = account.client
        self._caller = Caller(context.name)
        self._name = context.name
        self._who = Who(self._client, self._caller)
        self._tags = TagBook(self._client, self._caller, makes=settings.make_tags)
        self._told: set[str] = set()

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        return [await self._deliver(records.from_json(delivery.body)) for delivery in deliveries]

    async def aclose(self) -> None:
        """Nothing to let go of."""

    async def _deliver(self, record: Record) -> Outcome:
        if not isinstance(record.person, Person):
            return Rejected("no_person", f"{self._name}: the record says nothing about a person")
        person = owned(record.person, self._fields)
        if not (isinstance(person.email, str) or isinstance(person.phone, str) or "action_network" in person.ids):
            return Rejected(
                "no_identity",
                f"{self._name}: the person has no email address, no phone number and no number at Action Network",
            )
        tags = list(self._settings.add_tags)
        if self._settings.record_tags and isinstance(record.action, Action):
            tags += record.action.tags
        try:
            return await self._write(person, tags)
        except (UnavailableError, RateLimitedError) as error:
            return Retry(error)
        except RejectedError as error:
            return Rejected(error.reason, str(error))

    async def _write(self, person: Person, tags: Sequence[str]) -> Outcome:
        try:
            theirs = await self._who.find(person)
        except UncertainError:
            return await self._sign_up_blindly(person, tags)
        if theirs is None:
            if not (isinstance(person.email, str) or isinstance(person.phone, str)):
                return Rejected("unknown_person", f"{self._name}: Action Network has nobody with that number any more")
            return await self._sign_up(person, tags)
        return await self._change(person, theirs, tags)

    # ---- somebody new ----

    async def _sign_up(self, person: Person, tags: Sequence[str]) -> Outcome:
        person, note = await self._without_taken_phone(person, None)
        if not isinstance(person.email, str) and not isinstance(person.phone, str):
            return Rejected("phone_taken", f"{self._name}: somebody else at Action Network has the phone number")
        body = person_json(person, known_fields(person, clears=False), None, self._settings.default_country)
        if isinstance(person.email, str):
            body["email_addresses"][0]["status"] = for_newcomer(person.email_opt_in, self._settings.newcomers)
        if isinstance(person.phone, str):
            _set_status(body["phone_numbers"][0], for_new_phone(person.sms_opt_in))
        there = [tag for tag in tags if await self._tags.number_of(tag) is not None]
        made = await self._client.sign_up(self._caller, body, add_tags=there)
        self._who.note(made)
        for tag in there:
            self._tags.note_added(tag, id_of(made) or "")
        return self._outcome(await self._settled(person, made, note))

    async def _sign_up_blindly(self, person: Person, tags: Sequence[str]) -> Outcome:
        """Whether they are there already cannot be asked. The helper finds them by itself; a newcomer is unsubscribed
        right after, for a status sent with it would unsubscribe somebody who is there."""
        body = person_json(person, known_fields(person, clears=False), None, self._settings.default_country)
        made = await self._client.sign_up(self._caller, body)
        self._who.note(made)
        number = id_of(made)
        is_new = made.get("created_date") == made.get("modified_date")
        if is_new and number is not None:
            status = for_newcomer(person.email_opt_in, self._settings.newcomers)
            made = await self._client.put(self._caller, ("people", number), {"email_addresses": [{"status": status}]})
        return await self._change(person, made, tags)

    # ---- somebody known ----

    async def _change(self, person: Person, theirs: Resource, tags: Sequence[str]) -> Outcome:
        number = id_of(theirs) or ""
        person, note = await self._without_taken_phone(person, theirs)
        known = person_of(theirs, number, False)
        fields = differing(person, known, clears=self._settings.clears)
        body = person_json(person, fields, known, self._settings.default_country) | self._statuses(
            person, theirs, fields
        )
        was_tagged = await self._tag(tags, number)
        if not body:
            return self._outcome(note) if was_tagged or note.rejected else Skipped("unchanged")
        made = await self._client.put(self._caller, ("people", number), body)
        self._who.note(made)
        return self._outcome(await self._settled(person, made, note, fields))

    def _statuses(self, person: Person, theirs: Resource, fields: set[str]) -> Resource:
        """Statuses to write, in the entries of what is written anyway."""
        body: Resource = {}
        email = for_known(
            person.email_opt_in, status_in(theirs, "email_addresses"), may_return="email" in self._settings.resubscribe
        )
        if email is not None and "email" not in fields:
            body["email_addresses"] = [{"status": email}]
        elif "email" in fields:
            status = for_newcomer(person.email_opt_in, self._settings.newcomers)
            was = status_in(theirs, "email_addresses")
            # Another address of somebody we know: what they are does not change by that, but for a word of theirs.
            kept = "subscribed" if was == "subscribed" and person.email_opt_in is not False else status
            body["email_addresses"] = [{"primary": True, "address": person.email, "status": kept}]
        if "phone" in fields and isinstance(person.phone, str):
            entry: Resource = {"primary": True, "number": digits(person.phone)}
            _set_status(entry, for_new_phone(person.sms_opt_in))
            body["phone_numbers"] = [entry]
        elif isinstance(person.phone, str):
            phone = for_known(
                person.sms_opt_in, status_in(theirs, "phone_numbers"), may_return="phone" in self._settings.resubscribe
            )
            if phone is not None:
                body["phone_numbers"] = [{"primary": True, "number": digits(person.phone), "status": phone}]
        return body

    async def _tag(self, tags: Sequence[str], number: str) -> bool:
        before = self._tags.writes
        for tag in dict.fromkeys(tags):
            await self._tags.add(tag, number)
        for tag in self._settings.remove_tags:
            await self._tags.remove(tag, number)
        return self._tags.writes > before

    # ---- what came of it ----

    async def _without_taken_phone(self, person: Person, theirs: Resource | None) -> tuple[Person, "_Note"]:
        """Numbers hop: whoever gets one that somebody else has takes it off them [D]."""
        note = _Note()
        if not isinstance(person.phone, str) or self._settings.on_taken_phone == "move":
            return person, note
        if theirs is not None:
            has = person_of(theirs, None, False).phone
            if isinstance(has, str) and digits(has) == digits(person.phone):
                return person, note
        other = await self._who.by_phone(person.phone)
        if other is None or (theirs is not None and id_of(other) == id_of(theirs)):
            return person, note
        if not isinstance(person_of(other, None, False).email, str):
            return person, note  # a record with nothing but this number: they merge it into ours [D]
        self._tell("phone_left_out", "a phone number belongs to somebody else there", "the rest is written")
        return replace(person, phone=UNSET, sms_opt_in=UNSET), note

    async def _settled(self, person: Person, made: Resource, note: "_Note", fields: set[str] | None = None) -> "_Note":
        """Compare what came back with what was sent, and look once more where it differs."""
        missing = self._missing(person, made, fields)
        number = id_of(made)
        if "city" in missing and number is not None:
            # The city sometimes does not stick the first time [L].
            address = person_json(
                person, missing | {"city"}, person_of(made, number, False), self._settings.default_country
            )
            made = await self._client.put(
                self._caller, ("people", number), {"postal_addresses": address["postal_addresses"]}
            )
            missing = self._missing(person, made, fields)
        missing -= ADDRESS_REWRITTEN
        if missing - {"email"} and number is not None:
            made = await self._client.get(self._caller, ("people", number))
            missing = self._missing(person, made, fields) - ADDRESS_REWRITTEN
        if "email" in missing:
            note.rejected = Rejected(
                "email_taken",
                f"{self._name}: Action Network kept the old email address, most likely because somebody else has the "
                "new one; everything else was written",
            )
        custom = {name for name in missing if name.startswith(CUSTOM)}
        for name in custom:
            self._tell(
                name, f"the custom field {name[len(CUSTOM) :]!r} did not stay", "make it in Action Network first"
            )
        lost = missing - custom - {"email"}
        if lost and not self._settings.clears and note.rejected is None:
            note.rejected = Rejected(
                "not_applied", f"{self._name}: Action Network answered 200 and did not take {', '.join(sorted(lost))}"
            )
        return note

    def _missing(self, person: Person, made: Resource, fields: set[str] | None) -> set[str]:
        missing = differing(person, person_of(made, None, False), clears=self._settings.clears)
        return missing if fields is None else missing & fields

    def _outcome(self, note: "_Note") -> Outcome:
        return note.rejected or Delivered()

    def _tell(self, what: str, why: str, then: str) -> None:
        """Once: it would be so for every person."""
        if what not in self._told:
            self._told.add(what)
            log.warning("person_written_in_part", component=self._name, why=why, then=then)


class _Note(Struct):
    """What is to be said of a delivery besides that it was made."""

    rejected: Rejected | None = None


def _set_status(entry: Resource, status: str | None) -> None:
    if status is not None:
        entry["status"] = status
