"""Which call does what. Paths are as in actionnetwork.org/docs/v2 (as of 2026-08-05), below the entry point."""

from groundswell.connectors.action_network.simulator.calls import (
    actions,
    audiences,
    entry,
    messages,
    people,
    reading,
    records,
    tags,
)
from groundswell.connectors.action_network.simulator.calls.answers import Call, Json, RefusedCallError
from groundswell.connectors.action_network.simulator.calls.reading import thing_with
from groundswell.connectors.action_network.simulator.calls.shapes import shown
from groundswell.connectors.action_network.simulator.state.catalogue import ACTIONS, PAGES, PLAIN, RECORDS
from groundswell.connectors.action_network.simulator.state.thing import Thing
from groundswell.connectors.action_network.simulator.state.world import World


def answer(world: World, call: Call) -> Json:
    """Do what a call asks; the JSON it is answered with 200.

    Raises:
        RefusedCallError: it is answered another status.
        FailedPostError: a record could not be made.
    """
    match call.method:
        case "GET":
            return _get(world, call)
        case "POST":
            return _post(world, call)
        case "PUT":
            return _put(world, call)
        case "DELETE":
            return _delete(world, call)
        case _:
            raise _no_such_address()


def is_helper(call: Call) -> bool:
    """Whether the call may come without a key: a signup, or a record with the person in it (D)."""
    if call.method != "POST" or not isinstance(call.body, dict) or "person" not in call.body:
        return False
    return tuple(call.path) == ("people",) or (len(call.path) > 2 and call.path[-1] in RECORDS)


def can_wait(call: Call) -> bool:
    """Whether it can be done in the background (D): writes of people, records and taggings, not of pages and tags."""
    match call.method, *call.path:
        case ("POST", "people") | ("PUT", "people", _):
            return True
        case ("POST", *_, kind) | ("PUT", *_, kind, _) if kind in RECORDS and len(call.path) > 2:
            return True
        case ("POST", "tags", _, "taggings") | ("DELETE", "tags", _, "taggings", _):
            return True
        case _:
            return False


def _get(world: World, call: Call) -> Json:
    match tuple(call.path):
        case ("people",):
            return reading.list_people(world, call)
        case ("people", uuid):
            return reading.one_person(world, uuid)
        case ("people", uuid, kind, *rest) if kind in RECORDS or kind == "taggings":
            reading.person_with(world, uuid)
            return _list_or_one(world, call, ("people", uuid, kind), rest)
        case ("metadata",):
            return entry.metadata(world)
        case ("metadata", "custom_fields"):
            return entry.custom_fields(world)
        case ("lists", uuid, "items"):
            return reading.list_items(world, call, uuid)
        case ("lists", uuid, "items", item):
            return reading.one_item(world, uuid, item)
        case ("event_campaigns", campaign, "events", *rest):
            return _get_in_campaign(world, call, thing_with(world, "event_campaigns", campaign), rest)
        case (kind, uuid, "embed") if kind in PAGES:
            return entry.embed(world, thing_with(world, kind, uuid, (kind,)))
        case (kind, uuid, records_of, *rest) if _is_record_of(kind, records_of):
            thing_with(world, kind, uuid, (kind,))
            return _list_or_one(world, call, (kind, uuid, records_of), rest)
        case (kind, *rest) if kind in PAGES or kind in PLAIN or kind == "donations":
            return _list_or_one(world, call, (kind,), rest)
        case _:
            raise _no_such_address()


def _get_in_campaign(world: World, call: Call, campaign: Thing, rest: list[str]) -> Json:
    place = ("event_campaigns", campaign.uuid, "events")
    match rest:
        case [uuid, "attendances", *attendance]:
            thing_with(world, "events", uuid, place)
            return _list_or_one(world, call, ("events", uuid, "attendances"), attendance)
        case _:
            return _list_or_one(world, call, place, rest)


def _list_or_one(world: World, call: Call, place: tuple[str, ...], rest: list[str]) -> Json:
    match rest:
        case []:
            return reading.list_things(world, call, *place)
        case [uuid]:
            return shown(world, thing_with(world, place[-1], uuid, place))
        case _:
            raise _no_such_address()


def _post(world: World, call: Call) -> Json:
    match tuple(call.path):
        case ("people",):
            return people.post_person(world, call)
        case ("tags",):
            return tags.post_tag(world, call)
        case ("tags", uuid, "taggings"):
            return tags.post_tagging(world, call, uuid)
        case ("messages",):
            return messages.post_message(world, call)
        case ("messages", uuid, "send"):
            return messages.send(world, thing_with(world, "messages", uuid))
        case ("messages", uuid, "schedule"):
            return messages.schedule(world, call, thing_with(world, "messages", uuid))
        case ("unique_id_lists",):
            return audiences.post_unique_id_list(world, call)
        case ("event_campaigns", uuid, "events"):
            return actions.post_page(world, call, "events", thing_with(world, "event_campaigns", uuid))
        case ("event_campaigns", campaign, "events", uuid, "attendances"):
            event = thing_with(world, "events", uuid, ("event_campaigns", campaign, "events"))
            return records.post_record(world, call, RECORDS["attendances"], event)
        case (kind, uuid, records_of) if _is_record_of(kind, records_of):
            page = thing_with(world, kind, uuid, (kind,))
            return records.post_record(world, call, RECORDS[records_of], page)
        case (kind,) if kind in PAGES and PAGES[kind].writable is not None:
            return actions.post_page(world, call, kind)
        case _:
            raise _no_such_address()


def _put(world: World, call: Call) -> Json:
    match tuple(call.path):
        case ("people", uuid):
            return people.put_person(world, call, uuid)
        case ("messages", uuid):
            return messages.put_message(world, call, thing_with(world, "messages", uuid))
        case ("unique_id_lists", uuid):
            return audiences.put_unique_id_list(world, call, thing_with(world, "unique_id_lists", uuid))
        case ("donations", uuid):
            return records.put_record(world, call, thing_with(world, "donations", uuid))
        case (*place, kind, uuid) if kind in RECORDS and place:
            return records.put_record(world, call, thing_with(world, kind, uuid, _place_of(world, place, kind)))
        case ("event_campaigns", campaign, "events", uuid):
            place_ = ("event_campaigns", campaign, "events")
            return actions.put_page(world, call, thing_with(world, "events", uuid, place_))
        case (kind, uuid) if kind in PAGES and PAGES[kind].writable is not None:
            return actions.put_page(world, call, thing_with(world, kind, uuid, (kind,)))
        case _:
            raise _no_such_address()


def _delete(world: World, call: Call) -> Json:
    """Documented for more, but proven only for these: whatever else is deleted gets 404."""
    match tuple(call.path):
        case ("tags", tag, "taggings", uuid):
            return tags.delete_tagging(world, tag, uuid)
        case ("messages", uuid, "send"):
            return messages.stop(world, thing_with(world, "messages", uuid))
        case ("messages", uuid, "schedule"):
            return messages.unschedule(world, thing_with(world, "messages", uuid))
        case _:
            raise _no_such_address()


def _place_of(world: World, place: list[str], kind: str) -> tuple[str, ...]:
    """The list a record is asked for in; an event's by way of its campaign is the event's own."""
    match place:
        case ["event_campaigns", campaign, "events", uuid]:
            thing_with(world, "events", uuid, ("event_campaigns", campaign, "events"))
            return ("events", uuid, kind)
        case _:
            return (*place, kind)


def _is_record_of(kind: str, records_of: str) -> bool:
    return (kind in ACTIONS and PAGES[kind].record == records_of) or (kind, records_of) == ("tags", "taggings")


def _no_such_address() -> RefusedCallError:
    return RefusedCallError(404, "Not found")
