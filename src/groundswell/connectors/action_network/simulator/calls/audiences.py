"""Unique id lists ("ID Targets"): a name and the ids of people to write to."""

from msgspec.structs import replace

from groundswell.connectors.action_network.simulator.calls.answers import Call, Json, RefusedCallError
from groundswell.connectors.action_network.simulator.calls.bodies import body_of, texts
from groundswell.connectors.action_network.simulator.calls.shapes import shown
from groundswell.connectors.action_network.simulator.state.thing import Thing
from groundswell.connectors.action_network.simulator.state.world import World


def post_unique_id_list(world: World, call: Call) -> Json:
    """Ids of nobody count for nothing: a list adds no people."""
    body = body_of(world, call)
    name = body.get("name")
    if not isinstance(name, str) or not name:
        raise RefusedCallError(400, "You must specify a name")
    now, uuid = world.now(), world.new_uuid()
    numbers = world.members[uuid] = _numbers(world, body)
    fields = {"name": name, "count": len(numbers), "origin_system": body.get("origin_system") or "Action Network"}
    return shown(world, world.put(Thing("unique_id_lists", uuid, now, now, fields, is_api_made=True)))


def put_unique_id_list(world: World, call: Call, thing: Thing) -> Json:
    """Another name, other ids instead of those there are, or both."""
    body = call.body if isinstance(call.body, dict) else {}
    fields = dict(thing.fields)
    if isinstance(body.get("name"), str) and body["name"]:
        fields["name"] = body["name"]
    if isinstance(body.get("unique_ids"), list):
        numbers = world.members[thing.uuid] = _numbers(world, body)
        fields["count"] = len(numbers)
    return shown(world, world.put(replace(thing, fields=fields, modified=world.now())))


def _numbers(world: World, body: Json) -> list[int]:
    found = map(world.people.now.by_uuid, dict.fromkeys(texts(body, "unique_ids")))
    return [person.number for person in found if person is not None]
