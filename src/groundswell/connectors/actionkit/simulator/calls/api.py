"""Which call does what. Paths are below `/rest/v1/`."""

from groundswell.connectors.actionkit.simulator.calls import (
    donation_push,
    events,
    mailers,
    objects,
    orders,
    processing,
    reports,
    resources,
    uploads,
    users,
)
from groundswell.connectors.actionkit.simulator.calls.answers import (
    Answer,
    Call,
    RefusedCallError,
    not_allowed,
    not_found,
)
from groundswell.connectors.actionkit.simulator.calls.collections import index
from groundswell.connectors.actionkit.simulator.calls.writing import find
from groundswell.connectors.actionkit.simulator.state.catalogue import LOOSE, RESOURCES
from groundswell.connectors.actionkit.simulator.state.world import World


def answer(world: World, call: Call) -> Answer:
    """Do what a call asks.

    Raises:
        RefusedCallError: it is answered another way.
    """
    match tuple(call.path):
        case () if call.method == "GET":
            return index()
        case ("action",) if call.method == "POST":
            return processing.process(world, call)
        case ("userpublic", akid) if call.method == "GET":
            return users.public(world, akid)
        case ("user", key, "logintoken") if call.method == "POST":
            return users.login_token(world, find(world, RESOURCES["user"], key), call)
        case ("location", key) if call.method == "GET":
            return users.location(world, key)
        case ("eraser",) if call.method == "POST":
            return users.erase(world, call)
        case ("usermerge",) if call.method == "POST":
            return users.merge(world, call)
        case ("campaign", key, "event_search") if call.method == "GET":
            return events.search(world, call, find(world, RESOURCES["campaign"], key)["id"])
        case (name,) if name in donation_push.CALLS and call.method == "POST":
            return donation_push.CALLS[name](world, call)
        case ("order", key, "reverse") if call.method == "POST":
            return orders.reverse_order(world, key)
        case ("transaction", key, "reverse") if call.method == "POST":
            return orders.reverse_transaction(world, key)
        case ("orderrecurring", key, "cancel") if call.method == "POST":
            return orders.cancel(world, key)
        case ("upload",) if call.method == "POST":
            return uploads.take(world, call)
        case ("report", "run", name) if call.method in ("GET", "POST"):
            return reports.run(world, call, name)
        case ("report", "background", name) if call.method == "POST":
            return reports.in_background(world, call, name)
        case ("report", "download", key) if call.method == "GET":
            return reports.download(world, key)
        case ("backgroundtask", key) if call.method == "GET":
            return reports.task(world, key)
        case ("mailer", key, *rest) if rest:
            return mailers.answer(world, call, find(world, RESOURCES["mailer"], key), rest)
        case (name, *rest) if name in RESOURCES:
            if RESOURCES[name].table == "core_action" and call.method == "POST" and not rest:
                text = "Please POST to /rest/v1/action/ to process an action."
                raise RefusedCallError(400, {"error": text})
            return resources.answer(world, call, RESOURCES[name], rest)
        case (name, *rest) if name in LOOSE:
            return objects.answer(world, call, name, rest)
        case ():
            raise not_allowed()
        case _:
            raise not_found()


def is_open(method: str, path: tuple[str, ...]) -> bool:
    """Whether anybody may call it: taking an action, and looking at what an akid shows (D)."""
    return (method == "POST" and path == ("action",)) or (method == "GET" and path[:1] == ("userpublic",))
