"""What a write does to the person it is about, once it is known whom."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from groundswell.connectors.action_network.simulator.calls.posted import Posted
from groundswell.connectors.action_network.simulator.state.geocoder import saved_address
from groundswell.connectors.action_network.simulator.state.person import SUBSCRIBED, UNSUBSCRIBED, Address, Person
from groundswell.connectors.action_network.simulator.state.world import World

STATUS_STAYS: Final = frozenset(("bouncing", "spam complaint"))
"""Such an address is on a list of Action Network's own: subscribing it over the API makes it bounce again (D)."""


def changed(world: World, person: Person, sent: Posted) -> Person:
    """The person with what was sent written over them: names, language, address, custom fields, identifiers.

    Email, phone and their statuses depend on the call, and are not touched here.
    """
    fields: dict[str, Any] = {}
    for name in ("given_name", "family_name"):
        value = getattr(sent, name)
        if isinstance(value, str):
            fields[name] = value
        elif value is None and world.behaviour.null_clears:
            fields[name] = ""
    if sent.language is not UNSET:
        fields["language"] = sent.language
    if sent.address is not UNSET:
        fields["address"] = _address(world, person.address, sent.address)
    fields["custom"] = _custom(world, person.custom, sent.custom)
    fields["identifiers"] = person.identifiers + tuple(
        one for one in sent.identifiers if one not in person.identifiers and world.people.now.by_identifier(one) is None
    )
    return replace(person, **fields)


def with_email_status(person: Person, status: object) -> Person:
    """Subscribed or unsubscribed, unless the address is one that cannot be mailed."""
    if status is UNSET or person.email is None or (person.email_status in STATUS_STAYS and status == SUBSCRIBED):
        return person
    return replace(person, email_status=status)


def with_phone_status(person: Person, status: object) -> Person:
    return person if status is UNSET or person.phone is None else replace(person, phone_status=status)


def with_phone(person: Person, phone: str, status: str = UNSUBSCRIBED) -> Person:
    """With another number. A new number is unsubscribed until somebody says otherwise (D)."""
    return person if person.phone == phone else replace(person, phone=phone, phone_status=status)


def bumped(world: World, before: Person, after: Person) -> Person:
    """The person with the `modified_date` that goes with this write."""
    behaviour = world.behaviour
    if after == before:
        is_moved = behaviour.same_again_bumps
    elif _without_status(after) == _without_status(before):
        is_moved = behaviour.status_bumps
    else:
        is_moved = True
    return replace(after, modified=world.now()) if is_moved else after


def _without_status(person: Person) -> Person:
    return replace(person, email_status="", phone_status="")


def _address(world: World, before: Address | None, sent: dict[str, Any]) -> Address:
    behaviour = world.behaviour
    address = saved_address(sent, before, geocodes=behaviour.geocodes, clears=behaviour.null_clears)
    if before is None and address.locality and world.random.random() < behaviour.locality_lost:
        return replace(address, locality="")
    return address


def _custom(world: World, before: Mapping[str, str], sent: Mapping[str, str | None]) -> dict[str, str]:
    """Merged field by field. Fields nobody made are dropped, or made."""
    custom = dict(before)
    for name, value in sent.items():
        if name not in world.custom_fields:
            if not world.behaviour.takes_new_custom_fields:
                continue
            world.custom_fields[name] = world.now()
        if value is not None:
            custom[name] = value
        elif world.behaviour.null_clears:
            custom.pop(name, None)
    return custom
