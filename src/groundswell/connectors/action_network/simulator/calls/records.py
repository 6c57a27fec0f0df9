"""What people do on pages: POST (record helper and plain record are one address) and PUT."""

from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from groundswell.connectors.action_network.simulator.calls.amounts import donation_fields, with_recipients
from groundswell.connectors.action_network.simulator.calls.answers import Call, FailedPostError, Json
from groundswell.connectors.action_network.simulator.calls.bodies import body_of, link_in
from groundswell.connectors.action_network.simulator.calls.matching import sign_up
from groundswell.connectors.action_network.simulator.calls.moments import read_moment
from groundswell.connectors.action_network.simulator.calls.posted import read_identifiers, read_person
from groundswell.connectors.action_network.simulator.calls.shapes import shown
from groundswell.connectors.action_network.simulator.calls.tags import tag_as_asked
from groundswell.connectors.action_network.simulator.state.catalogue import RECORDS, RecordKind
from groundswell.connectors.action_network.simulator.state.person import Person
from groundswell.connectors.action_network.simulator.state.thing import Thing
from groundswell.connectors.action_network.simulator.state.world import Happening, World

REFERRER: Final = "group-riverside-action"
_REFERRER_FIELDS: Final = ("source", "website", "email_referrer", "mobile_message_referrer")
"""What a caller may say about where somebody came from; `referrer` is filled in by Action Network."""
_OUTREACH_FIELDS: Final = ("subject", "message", "duration", "targets")


class Deed(Struct, frozen=True):
    """Who does what on which page, before it is done."""

    kind: RecordKind
    page: Thing
    body: Json
    fields: Json
    identifiers: tuple[str, ...]


def post_record(world: World, call: Call, kind: RecordKind, page: Thing) -> Json:
    """Record what somebody did. With `person` in the body the person is found, made or changed first.

    Raises:
        FailedPostError: it cannot be recorded.
    """
    body = body_of(world, call)
    if kind.needs_api_page and not page.is_api_made:
        raise FailedPostError(f"{kind.name} cannot be posted to a page made in the UI")
    deed = _deed(world, kind, page, body)
    if isinstance(deed, Thing):
        return shown(world, deed)
    if "person" not in body:
        person = world.person_at(link_in(body, "osdi:person"))
        if person is None:
            raise FailedPostError("neither a person nor a link to one")
        return shown(world, do(world, deed, person))
    signed = sign_up(world, read_person(body["person"]), "record")
    person, tags = tag_as_asked(world, signed.person, body)
    _autorespond(world, deed)
    typed = body["person"] if isinstance(body["person"], dict) else {}
    return shown(world, do(world, deed, person, typed, tags))


def put_record(world: World, call: Call, thing: Thing) -> Json:
    """Change a record. Only donations, outreaches and signatures change, and of them not everything (seen live)."""
    if not RECORDS[thing.kind].takes_changes or not isinstance(call.body, dict):
        return shown(world, thing)
    body = call.body
    match thing.kind:
        case "signatures":
            fields = {"comments": body["comments"]} if isinstance(body.get("comments"), str) else {}
        case "outreaches":
            fields = {name: body[name] for name in _OUTREACH_FIELDS if body.get(name)}
        case _:
            fields = with_recipients(thing.fields, body.get("recipients"))
    identifiers = thing.identifiers + tuple(
        one
        for one in read_identifiers(body)
        if one not in thing.identifiers and world.shelves.by_identifier(thing.kind, one) is None
    )
    after = replace(thing, fields=thing.fields | fields, identifiers=identifiers, modified=world.now())
    return shown(world, world.put(after))


def do(world: World, deed: Deed, person: Person, typed: Json | None = None, tags: tuple[str, ...] = ()) -> Thing:
    """Record it, and let webhooks know; the record."""
    happening = carry_out(world, deed, person, typed or {}, tags)
    world.happened(happening)
    assert happening.record is not None
    return happening.record


def carry_out(world: World, deed: Deed, person: Person, typed: Json, tags: tuple[str, ...]) -> Happening:
    """The record is made, or the earlier one overwritten, and the person's date moves."""
    record = world.put(_record(world, deed, person))
    if world.behaviour.parent_bumps:
        world.put(replace(deed.page, modified=world.now()))
    person = world.acted(world.people.now.get(person.number) or person)
    return Happening(deed.kind.event, person, typed, tags, record)


def record_fields(kind: RecordKind, page: Thing, body: Json) -> Json:
    """What is kept of a body. Raises FailedPostError: something is missing."""
    fields: Json = {}
    match kind.name:
        case "signatures":
            fields = {"comments": body["comments"]} if isinstance(body.get("comments"), str) else {}
        case "attendances":
            fields = {"status": "accepted"}
        case "donations":
            fields = donation_fields(body, page)
        case "outreaches":
            fields = {"type": page.fields.get("type", "email")}
            fields |= {name: body[name] for name in _OUTREACH_FIELDS if body.get(name)}
        case _:
            pass
    return fields | {"action_network:referrer_data": _referrer(body.get("action_network:referrer_data"))}


def _deed(world: World, kind: RecordKind, page: Thing, body: Json) -> Deed | Thing:
    """What is to be done; or the record that has this identifier, if that is what is answered then."""
    fields = record_fields(kind, page, body)
    identifiers = []
    for identifier in read_identifiers(body):
        other = world.shelves.by_identifier(kind.name, identifier)
        if other is None:
            identifiers.append(identifier)
            continue
        match world.behaviour.identifier_taken:
            case "refused":
                raise FailedPostError("the identifier is taken")
            case "returns first":
                return other
            case "moved":
                world.put(replace(other, identifiers=tuple(one for one in other.identifiers if one != identifier)))
                identifiers.append(identifier)
            case "left out":
                pass
    return Deed(kind, page, body, fields, tuple(identifiers))


def _record(world: World, deed: Deed, person: Person) -> Thing:
    kind, now = deed.kind, world.now()
    created = read_moment(deed.body.get("created_date")) if kind.name == "donations" else None
    record = Thing(
        kind.name,
        world.new_uuid(),
        now if created is None else created,
        now,
        deed.fields,
        parent=deed.page.uuid,
        person=person.uuid,
        identifiers=deed.identifiers,
    )
    if kind.name == "donations":
        # Whatever was sent: it is a credit card, under a number of their own (seen live).
        record = replace(record, fields=record.fields | {"payment": _payment(record.uuid)})
    return _over_earlier(world, kind, record)


def _over_earlier(world: World, kind: RecordKind, record: Thing) -> Thing:
    """The record, in the place of the one this person left on this page before, where there is one only."""
    if not kind.is_once or (kind.name == "responses" and world.behaviour.responses_repeat):
        return record
    earlier = world.shelves.all("people", record.person, kind.name)
    known = next((one for one in earlier if one.parent == record.parent), None)
    if known is None:
        return record
    record = replace(record, created=known.created, identifiers=known.identifiers + record.identifiers)
    if world.behaviour.repeat_keeps_uuid:
        return replace(record, uuid=known.uuid)
    world.remove(known)
    return record


def _payment(uuid: str) -> Json:
    return {"method": "Credit Card", "reference_number": uuid, "authorization_stored": False}


def _referrer(sent: Any) -> Json:
    if not isinstance(sent, dict):
        return {}
    kept = {name: sent[name] for name in _REFERRER_FIELDS if isinstance(sent.get(name), str)}
    return kept | {"referrer": REFERRER} if kept else {}


def _autorespond(world: World, deed: Deed) -> None:
    """Only pages made in the UI have an autoresponse, and never for donations and outreaches (D)."""
    triggers = deed.body.get("triggers")
    autoresponse = triggers.get("autoresponse") if isinstance(triggers, dict) else None
    is_asked = isinstance(autoresponse, dict) and autoresponse.get("enabled") is True
    if is_asked and not deed.page.is_api_made and not deed.kind.needs_api_page:
        world.counts.autoresponses += 1
