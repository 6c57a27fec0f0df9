"""Whom a posted person is: the rules by which the signup helper and the record helpers find, make and merge records.

An email or a mobile number is the key, the email first; a name never is. Source: actionnetwork.org/docs/v2
(person_signup_helper, as of 2026-08-05) and its help pages on mobile numbers, except where a switch says otherwise.
"""

from typing import Literal

from msgspec import UNSET, Struct
from msgspec.structs import replace

from groundswell.connectors.action_network.simulator.calls.answers import FailedPostError
from groundswell.connectors.action_network.simulator.calls.changes import (
    bumped,
    changed,
    with_email_status,
    with_phone,
    with_phone_status,
)
from groundswell.connectors.action_network.simulator.calls.posted import Posted
from groundswell.connectors.action_network.simulator.state.catalogue import RECORDS
from groundswell.connectors.action_network.simulator.state.person import SUBSCRIBED, UNSUBSCRIBED, Person
from groundswell.connectors.action_network.simulator.state.world import World

Helper = Literal["signup", "record"]


class Signed(Struct, frozen=True):
    """Whom it was, saved."""

    person: Person
    is_new: bool


def sign_up(world: World, sent: Posted, helper: Helper) -> Signed:
    """Find, make or merge the record this is about, and write over it what was sent.

    A record helper subscribes newcomers whatever is sent, and never unsubscribes (D).

    Raises:
        FailedPostError: neither an email nor a mobile number was sent.
    """
    if sent.has_bad_email:
        raise FailedPostError("the email is not an address")
    if sent.email is UNSET and sent.phone is UNSET:
        raise FailedPostError("neither an email nor a mobile number")
    found, is_new, has_new_email = _matched(world, sent)
    before = world.people.now.get(found.number)
    statuses = _Statuses(sent, helper)
    person = changed(world, found, sent)
    person = with_email_status(person, statuses.email(is_new=has_new_email))
    person = with_phone_status(person, statuses.phone())
    if before is not None and not is_new:
        person = bumped(world, before, person)
    return Signed(world.save(person), is_new)


def _matched(world: World, sent: Posted) -> tuple[Person, bool, bool]:
    """The record, whether it is new, and whether its email is."""
    people = world.people
    by_email = people.now.by_email(sent.email) if isinstance(sent.email, str) else None
    by_phone = people.now.by_phone(sent.phone) if isinstance(sent.phone, str) else None
    if sent.email is UNSET:
        if by_phone is not None:
            return by_phone, False, False
        return with_phone(people.new(world.now()), str(sent.phone)), True, False
    if by_email is not None:
        return (by_email if sent.phone is UNSET else take_phone(world, by_email, str(sent.phone))), False, False
    if by_phone is not None and by_phone.is_mobile_only and world.behaviour.merged_keeps == "mobile":
        return replace(by_phone, email=sent.email), False, True
    newcomer = world.save(replace(people.new(world.now()), email=sent.email))
    if sent.phone is not UNSET:
        newcomer = take_phone(world, newcomer, str(sent.phone))
    return newcomer, True, True


def take_phone(world: World, person: Person, phone: str) -> Person:
    """The person with this number, which is taken from whoever has it: each number belongs to one record.

    A record that is nothing but this number merges into the person, and its UUID is gone. From any other only the
    number and its status are taken; history, tags and custom fields stay where they are (D).
    """
    other = world.people.now.by_phone(phone)
    if other is None or other.number == person.number:
        return with_phone(person, phone)
    if other.is_mobile_only:
        return merge(world, replace(person, phone=phone, phone_status=other.phone_status), other)
    world.save(replace(other, phone=None, phone_status=UNSUBSCRIBED, modified=world.now()))
    return with_phone(person, phone, other.phone_status)


def merge(world: World, kept: Person, lost: Person) -> Person:
    """Make one record of two. What the kept one lacks comes from the other, whose UUID is answered 404 from now on."""
    for kind in (*RECORDS, "taggings"):
        for thing in world.shelves.all("people", lost.uuid, kind):
            is_twice = kind == "taggings" or RECORDS[kind].is_once
            if is_twice and any(one.parent == thing.parent for one in world.shelves.all("people", kept.uuid, kind)):
                world.remove(thing)
            else:
                world.put(replace(thing, person=kept.uuid))
    world.people.remove(lost, world.behaviour)
    return world.save(
        replace(
            kept,
            given_name=kept.given_name or lost.given_name,
            family_name=kept.family_name or lost.family_name,
            email=kept.email if kept.email is not None else lost.email,
            phone=kept.phone if kept.phone is not None else lost.phone,
            phone_status=kept.phone_status if kept.phone is not None else lost.phone_status,
            address=kept.address or lost.address,
            custom=lost.custom | kept.custom,
            identifiers=kept.identifiers + lost.identifiers,
            created=min(kept.created, lost.created),
            modified=world.now(),
        )
    )


class _Statuses(Struct, frozen=True):
    sent: Posted
    helper: Helper

    def email(self, *, is_new: bool) -> object:
        status = self._allowed(self.sent.email_status)
        return SUBSCRIBED if is_new and status is UNSET else status

    def phone(self) -> object:
        return self._allowed(self.sent.phone_status)

    def _allowed(self, status: object) -> object:
        """A record helper knows "subscribed" only."""
        return UNSET if self.helper == "record" and status == UNSUBSCRIBED else status
