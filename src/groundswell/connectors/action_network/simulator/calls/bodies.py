"""What a POST or PUT brought."""

from typing import Any, Final

from groundswell.connectors.action_network.simulator.calls.answers import Call, Json
from groundswell.connectors.action_network.simulator.state.world import World

_PARAMETERS: Final = ("background_request", "background_processing", "page", "per_page", "filter")


def body_of(world: World, call: Call) -> Json:
    """The fields that were sent; {} when the body is no JSON object, which theirs does not mind (seen live)."""
    body = call.body if isinstance(call.body, dict) else {}
    if call.query and world.behaviour.takes_query_parameters:
        return {name: value for name, value in call.query.items() if name not in _PARAMETERS} | body
    return body


def link_in(body: Json, name: str) -> Any:
    """Where a link of the body leads to; None without one."""
    links = body.get("_links")
    link = links.get(name) if isinstance(links, dict) else None
    return link.get("href") if isinstance(link, dict) else None


def texts(body: Json, name: str) -> tuple[str, ...]:
    """A list of texts, without what is none."""
    value = body.get(name)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
