"""Mass emails: made and changed, sent and stopped, scheduled and taken off the schedule."""

from typing import Any, Final

from msgspec.structs import replace

from groundswell.connectors.action_network.simulator.calls.answers import Call, Json, RefusedCallError
from groundswell.connectors.action_network.simulator.calls.bodies import body_of, link_in
from groundswell.connectors.action_network.simulator.calls.moments import read_moment
from groundswell.connectors.action_network.simulator.calls.shapes import shown
from groundswell.connectors.action_network.simulator.state.person import stamp
from groundswell.connectors.action_network.simulator.state.thing import Thing
from groundswell.connectors.action_network.simulator.state.world import World

_REQUIRED: Final = ("subject", "body", "from", "reply_to")
_WRITABLE: Final = (*_REQUIRED, "name", "origin_system")


def post_message(world: World, call: Call) -> Json:
    """Make a draft. One call in 30 s, as for giving one other targets (C)."""
    body = body_of(world, call)
    _pace(world)
    missing = [name for name in _REQUIRED if not body.get(name)]
    if missing:
        raise RefusedCallError(400, f"You must specify {', '.join(missing)}")
    now = world.now()
    fields = {name: body[name] for name in _WRITABLE if body.get(name)}
    fields = {"name": fields["subject"]} | fields | {"type": "email", "status": "draft"}
    message = Thing("messages", world.new_uuid(), now, now, fields | _targets(world, body.get("targets")))
    return shown(world, world.put(_wrapped(world, message, body)))


def put_message(world: World, call: Call, message: Thing) -> Json:
    body = call.body if isinstance(call.body, dict) else {}
    fields = {name: body[name] for name in _WRITABLE if body.get(name)}
    if "targets" in body:
        _pace(world)
        fields |= _targets(world, body["targets"])
    after = replace(message, fields=message.fields | fields, modified=world.now())
    return shown(world, world.put(_wrapped(world, after, body)))


def send(world: World, message: Thing) -> Json:
    """Send a draft that has somebody to go to; the statistics begin, and the list of those it went to."""
    _check_ready(message)
    now = world.now()
    went_to = Thing(
        "lists",
        world.new_uuid(),
        now,
        now,
        {"name": message.fields["name"], "title": message.fields["name"], "description": "Email"},
    )
    queries = [target["href"].rpartition("/")[2] for target in message.fields["targets"]]
    world.members[went_to.uuid] = [number for query in queries for number in world.members[query]]
    world.put(went_to)
    sent = {
        "status": "sent",
        "sent_start_date": stamp(now),
        "statistics": statistics(message.fields["total_targeted"], 0, 0),
    }
    world.put(replace(message, fields=message.fields | sent, related=went_to.uuid, modified=now))
    return {"message": "Your email has been sent."}


def stop(world: World, message: Thing) -> Json:
    if message.fields["status"] not in ("sent", "sending"):
        raise RefusedCallError(400, "This email is not being sent")
    world.put(replace(message, fields=message.fields | {"status": "stopped"}, modified=world.now()))
    return {"message": "Your email has been stopped."}


def schedule(world: World, call: Call, message: Thing) -> Json:
    _check_ready(message)
    moment = read_moment(body_of(world, call).get("scheduled_start_date"))
    if moment is None or moment <= world.now():
        raise RefusedCallError(400, "You must specify a scheduled_start_date in the future")
    fields = message.fields | {"status": "scheduled", "scheduled_start_date": stamp(moment)}
    world.put(replace(message, fields=fields, modified=world.now()))
    return {"message": "Your email has been scheduled."}


def unschedule(world: World, message: Thing) -> Json:
    if message.fields["status"] != "scheduled":
        raise RefusedCallError(400, "This email is not scheduled")
    fields = message.fields | {"status": "draft"}
    fields.pop("scheduled_start_date", None)
    world.put(replace(message, fields=fields, modified=world.now()))
    return {"message": "Your email is no longer scheduled."}


def statistics(sent: int, opened: int, clicked: int) -> Json:
    """As a message carries them once it is sent."""
    return {
        "sent": sent,
        "opened": opened,
        "verified_opened": opened * 2 // 3,
        "machine_opened": opened - opened * 2 // 3,
        "clicked": clicked,
        "actions": clicked // 2,
        "action_network:donated": clicked // 20,
        "action_network:total_amount": clicked // 20 * 25.0,
        "unsubscribed": sent // 500,
        "bounced": sent // 200,
        "spam_reports": sent // 5000,
    }


def _check_ready(message: Thing) -> None:
    if message.fields["status"] != "draft":
        raise RefusedCallError(400, "This email is not a draft")
    if not message.fields["total_targeted"]:
        raise RefusedCallError(400, "This email has nobody to go to")


def _targets(world: World, sent: Any) -> Json:
    """The queries an email goes to, and how many people they are."""
    prefixes = (f"{world.api}/queries/", "https://actionnetwork.org/api/v2/queries/")
    targets, total = [], 0
    for target in sent if isinstance(sent, list) else ():
        href = target.get("href") if isinstance(target, dict) else None
        uuid = href.rpartition("/")[2] if isinstance(href, str) and href.startswith(prefixes) else ""
        if world.shelves.get("queries", uuid) is None:
            raise RefusedCallError(400, "You must specify valid targets")
        targets.append({"href": f"{world.api}/queries/{uuid}"})
        total += len(world.members.get(uuid, ()))
    return {"targets": targets, "total_targeted": total}


def _wrapped(world: World, message: Thing, body: Json) -> Thing:
    href = link_in(body, "osdi:wrapper")
    uuid = href.rpartition("/")[2] if isinstance(href, str) else ""
    return replace(message, parent=uuid) if world.shelves.get("wrappers", uuid) is not None else message


def _pace(world: World) -> None:
    now = world.clock.monotonic()
    if now - world.last_message_at < world.behaviour.message_every_s:
        raise RefusedCallError(429, "Too many requests")
    world.last_message_at = now
