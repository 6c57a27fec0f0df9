"""Tags and taggings: POST tags, POST and DELETE tags/UUID/taggings, and the tags a helper adds and removes."""

from msgspec.structs import replace

from groundswell.connectors.action_network.simulator.calls.answers import Call, Json, RefusedCallError
from groundswell.connectors.action_network.simulator.calls.bodies import body_of, link_in, texts
from groundswell.connectors.action_network.simulator.calls.reading import thing_with
from groundswell.connectors.action_network.simulator.calls.shapes import shown
from groundswell.connectors.action_network.simulator.state.person import Person
from groundswell.connectors.action_network.simulator.state.thing import Thing
from groundswell.connectors.action_network.simulator.state.world import World


def post_tag(world: World, call: Call) -> Json:
    """Make a tag; one that exists already is answered as it is (L)."""
    name = body_of(world, call).get("name")
    if not isinstance(name, str) or not name.strip():
        raise RefusedCallError(400, "You must specify a name")
    return shown(world, world.tag_named(name.strip()) or make_tag(world, name.strip()))


def make_tag(world: World, name: str) -> Thing:
    now = world.now()
    return world.put(Thing("tags", world.new_uuid(), now, now, {"name": name}))


def post_tagging(world: World, call: Call, tag_uuid: str) -> Json:
    tag = thing_with(world, "tags", tag_uuid)
    person = world.person_at(link_in(body_of(world, call), "osdi:person"))
    if person is None:
        raise RefusedCallError(400, "You must specify a valid person id")
    return shown(world, add_tag(world, person, tag))


def delete_tagging(world: World, tag_uuid: str, uuid: str) -> Json:
    tagging = thing_with(world, "taggings", uuid, ("tags", tag_uuid, "taggings"))
    _remove_tagging(world, tagging)
    return {"notice": "This tagging was successfully deleted."}


def add_tag(world: World, person: Person, tag: Thing) -> Thing:
    """The tagging; there is one for each person and tag (D)."""
    known = tagging_of(world, person, tag)
    if known is not None:
        return known
    now = world.now()
    fields = {"item_type": "osdi:person"}
    tagging = Thing("taggings", world.new_uuid(), now, now, fields, parent=tag.uuid, person=person.uuid)
    _bump(world, person.uuid)
    return world.put(tagging)


def remove_tag(world: World, person: Person, tag: Thing) -> None:
    known = tagging_of(world, person, tag)
    if known is not None:
        _remove_tagging(world, known)


def tagging_of(world: World, person: Person, tag: Thing) -> Thing | None:
    taggings = world.shelves.all("people", person.uuid, "taggings")
    return next((one for one in taggings if one.parent == tag.uuid), None)


def tag_as_asked(world: World, person: Person, body: Json) -> tuple[Person, tuple[str, ...]]:
    """Add the tags under `add_tags`, then remove those under `remove_tags`. A name without a tag is passed over (D).

    Returns:
        The person afterwards, and the names that were to be added.
    """
    names = texts(body, "add_tags")
    for name in names:
        tag = world.tag_named(name)
        if tag is not None:
            add_tag(world, person, tag)
    for name in texts(body, "remove_tags"):
        tag = world.tag_named(name)
        if tag is not None:
            remove_tag(world, person, tag)
    return world.people.now.get(person.number) or person, names


def _remove_tagging(world: World, tagging: Thing) -> None:
    world.remove(tagging)
    _bump(world, tagging.person)


def _bump(world: World, uuid: str) -> None:
    person = world.people.now.by_uuid(uuid)
    if person is not None and world.behaviour.tagging_bumps:
        world.save(replace(person, modified=world.now()))
