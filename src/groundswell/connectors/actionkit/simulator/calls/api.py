"""Which call does what. Paths are below `/rest/v1/`."""

from groundswell.connectors.actionkit.simulator.calls import events, objects, processing, resources, users
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
        case (name, *rest) if name in RESOURCES:
            if name.endswith("action") and call.method == "POST" and not rest:
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
