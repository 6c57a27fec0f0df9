"""GET: lists, and things by id."""

from collections.abc import Sequence

from groundswell.connectors.action_network.simulator.calls.answers import Call, Json, RefusedCallError
from groundswell.connectors.action_network.simulator.calls.pages import Asked, read_asked, shown_page
from groundswell.connectors.action_network.simulator.calls.shapes import shown
from groundswell.connectors.action_network.simulator.state.catalogue import fields_of, singular
from groundswell.connectors.action_network.simulator.state.filters import (
    PEOPLE_FIELDS,
    Condition,
    Fields,
    FilterError,
    read_filter,
)
from groundswell.connectors.action_network.simulator.state.people import TooSlowError
from groundswell.connectors.action_network.simulator.state.person import Person, shown_person, stamp
from groundswell.connectors.action_network.simulator.state.shelves import Place
from groundswell.connectors.action_network.simulator.state.thing import Thing
from groundswell.connectors.action_network.simulator.state.world import World


def list_people(world: World, call: Call) -> Json:
    asked = read_asked(call.query)
    conditions = _conditions(world, asked, PEOPLE_FIELDS)
    try:
        people = world.people.page(conditions, asked.start, asked.per_page + 1)
    except TooSlowError:
        raise RefusedCallError(503, "The request took too long") from None
    things = [shown_person(person, world.api) for person in people[: asked.per_page]]
    has_more = len(people) > asked.per_page
    href = f"{world.api}/people"
    return shown_page("people", href, asked, things, world.behaviour, total=None, has_more=has_more)


def one_person(world: World, uuid: str) -> Json:
    return shown_person(person_with(world, uuid), world.api)


def list_things(world: World, call: Call, *place: str) -> Json:
    """The collection at this place, such as ("petitions", UUID, "signatures")."""
    asked = read_asked(call.query)
    kind = place[-1]
    fields = fields_of(kind)
    conditions = _conditions(world, asked, fields)
    things, total = world.shelves.page(place, conditions, asked.start, asked.per_page)
    has_totals = world.behaviour.totals and (not conditions or world.behaviour.totals_when_filtered)
    return shown_page(
        kind,
        f"{world.api}/{'/'.join(place)}",
        asked,
        [shown(world, thing) for thing in things],
        world.behaviour,
        total=total if has_totals else None,
        has_more=total > asked.start + asked.per_page,
    )


def list_items(world: World, call: Call, uuid: str) -> Json:
    """The people on a list, as links only. No totals (D)."""
    asked = read_asked(call.query)
    found = thing_with(world, "lists", uuid)
    members = world.members.get(uuid, ())
    numbers = members[asked.start : asked.start + asked.per_page]
    items = [_item(world, found, world.population.uuid_of(number)) for number in numbers]
    has_more = len(members) > asked.start + asked.per_page
    href = f"{world.api}/lists/{uuid}/items"
    return shown_page("items", href, asked, items, world.behaviour, total=None, has_more=has_more)


def one_item(world: World, list_uuid: str, uuid: str) -> Json:
    found = thing_with(world, "lists", list_uuid)
    number = world.population.number_of(uuid)
    if number is None or number not in world.members.get(list_uuid, ()):
        raise not_found("items", uuid)
    return _item(world, found, uuid)


def person_with(world: World, uuid: str) -> Person:
    """Raises RefusedCallError: there is no such person, or none any more."""
    person = world.people.now.by_uuid(uuid)
    if person is None:
        raise not_found("people", uuid)
    return person


def thing_with(world: World, kind: str, uuid: str, place: Place = ()) -> Thing:
    """The thing with this id, if it stands at the place that was asked for.

    Raises:
        RefusedCallError: there is no such thing there.
    """
    thing = world.shelves.get(kind, uuid)
    if thing is None or (place and not world.shelves.stands_at(thing, place)):
        raise not_found(kind, uuid)
    return thing


def not_found(kind: str, uuid: str) -> RefusedCallError:
    """The wording is known for people and tags (C), and supposed for the others."""
    return RefusedCallError(404, f"Couldn't find {singular(kind)} with id = {uuid}")


def _conditions(world: World, asked: Asked, fields: Fields | None) -> Sequence[Condition]:
    if asked.filter is None:
        return ()
    if fields is None:
        if world.behaviour.filter_not_possible == "refused":
            raise RefusedCallError(400, "This collection cannot be filtered")
        return ()
    try:
        return read_filter(asked.filter, fields, world.behaviour)
    except FilterError as exc:
        if world.behaviour.filter_not_understood == "ignored":
            return ()
        raise RefusedCallError(400, f"Invalid filter: {exc}") from None


def _item(world: World, found: Thing, uuid: str) -> Json:
    """Its id is the person's (D samples)."""
    moment = stamp(found.modified)
    return {
        "identifiers": [f"action_network:{uuid}"],
        "created_date": moment,
        "modified_date": moment,
        "item_type": "osdi:person",
        "action_network:person_id": uuid,
        "action_network:list_id": found.uuid,
        "_links": {
            "self": {"href": f"{world.api}/lists/{found.uuid}/items/{uuid}"},
            "osdi:list": {"href": f"{world.api}/lists/{found.uuid}"},
            "osdi:person": {"href": f"{world.api}/people/{uuid}"},
        },
    }
