"""POST people (the signup helper) and PUT people/UUID."""

from msgspec import UNSET
from msgspec.structs import replace

from groundswell.connectors.action_network.simulator.calls.answers import Call, Json, RefusedCallError
from groundswell.connectors.action_network.simulator.calls.bodies import body_of
from groundswell.connectors.action_network.simulator.calls.changes import (
    bumped,
    changed,
    with_email_status,
    with_phone_status,
)
from groundswell.connectors.action_network.simulator.calls.matching import sign_up, take_phone
from groundswell.connectors.action_network.simulator.calls.posted import Posted, read_person
from groundswell.connectors.action_network.simulator.calls.reading import person_with
from groundswell.connectors.action_network.simulator.calls.tags import tag_as_asked
from groundswell.connectors.action_network.simulator.state.person import Person, shown_person
from groundswell.connectors.action_network.simulator.state.world import Happening, World


def post_person(world: World, call: Call) -> Json:
    """Make or change a person. Counts as an upload: its webhook has neither the tags nor the custom fields (D)."""
    body = body_of(world, call)
    signed = sign_up(world, read_person(body.get("person")), "signup")
    person, _ = tag_as_asked(world, signed.person, body)
    world.happened(Happening("action_network:upload", person, {}))
    return shown_person(person, world.api)


def put_person(world: World, call: Call, uuid: str) -> Json:
    """Change a person: bare fields, no tags. A body that cannot be used is answered 200, and nothing changes (L)."""
    person = person_with(world, uuid)
    if not isinstance(call.body, dict):
        return shown_person(person, world.api)
    sent = read_person(call.body)
    after = with_email_status(_with_email(world, changed(world, person, sent), sent), sent.email_status)
    if isinstance(sent.phone, str):
        after = take_phone(world, after, sent.phone)
    after = bumped(world, person, with_phone_status(after, sent.phone_status))
    return shown_person(world.save(after), world.api)


def _with_email(world: World, person: Person, sent: Posted) -> Person:
    """With another address, unless another record has it: then the old one stays, and nobody is told."""
    if sent.email is UNSET:
        return person
    other = world.people.now.by_email(str(sent.email))
    if other is not None and other.number != person.number:
        if world.behaviour.taken_email == "refused":
            raise RefusedCallError(400, "The email address is taken")
        return person
    return replace(person, email=sent.email)
