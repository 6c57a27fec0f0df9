"""Pages that are made and changed over the API: petitions, events, forms, surveys, event campaigns, ..."""

from typing import Any

from msgspec.structs import replace

from groundswell.connectors.action_network.simulator.calls.answers import Call, Json, RefusedCallError
from groundswell.connectors.action_network.simulator.calls.bodies import body_of, link_in
from groundswell.connectors.action_network.simulator.calls.moments import local_time
from groundswell.connectors.action_network.simulator.calls.posted import read_identifiers
from groundswell.connectors.action_network.simulator.calls.shapes import shown
from groundswell.connectors.action_network.simulator.state.catalogue import PAGES, PageKind
from groundswell.connectors.action_network.simulator.state.geocoder import saved_address
from groundswell.connectors.action_network.simulator.state.person import shown_address
from groundswell.connectors.action_network.simulator.state.thing import Thing
from groundswell.connectors.action_network.simulator.state.world import World


def post_page(world: World, call: Call, kind: str, campaign: Thing | None = None) -> Json:
    """Make a page. One made like this has no public page and no autoresponse, but takes donations and outreaches (D).

    Raises:
        RefusedCallError: there is no title, or no origin_system where that is wanted.
    """
    body = body_of(world, call)
    fields = page_fields(world, PAGES[kind], body)
    if not fields.get("title"):
        raise RefusedCallError(400, "You must specify a title")
    if world.behaviour.requires_origin_system and not fields.get("origin_system"):
        raise RefusedCallError(400, "You must specify an origin_system")
    now = world.now()
    creator = world.person_at(link_in(body, "osdi:creator"))
    page = Thing(
        kind,
        world.new_uuid(),
        now,
        now,
        _defaults(kind) | {"name": fields["title"]} | fields,
        parent=campaign.uuid if campaign is not None else "",
        person=creator.uuid if creator is not None else "",
        identifiers=_free(world, kind, body),
        is_api_made=True,
    )
    return shown(world, world.put(page))


def put_page(world: World, call: Call, page: Thing) -> Json:
    """Change a page. What cannot be changed is passed over in silence; identifiers are added, never taken away."""
    if not isinstance(call.body, dict):
        return shown(world, page)
    kind = PAGES[page.kind]
    fields = {name: value for name, value in page_fields(world, kind, call.body).items() if name not in kind.fixed}
    identifiers = page.identifiers + _free(world, page.kind, call.body)
    after = replace(page, fields=page.fields | fields, identifiers=identifiers, modified=world.now())
    return shown(world, world.put(after))


def page_fields(world: World, kind: PageKind, body: Json) -> Json:
    """What is kept of a body."""
    fields = {name: body[name] for name in kind.writable or () if body.get(name) is not None}
    if isinstance(fields.get("target"), str):
        fields["target"] = [{"name": fields["target"]}]
    for name in ("start_date", "end_date"):
        if name in fields:
            fields[name] = local_time(fields[name])
    location = fields.pop("location", None)
    if isinstance(location, dict):
        fields["location"] = _location(world, location)
    return {name: value for name, value in fields.items() if value is not None}


def _location(world: World, sent: dict[str, Any]) -> Json:
    behaviour = world.behaviour
    address = saved_address(sent, None, geocodes=behaviour.geocodes, clears=behaviour.null_clears)
    return {"venue": str(sent.get("venue") or ""), **shown_address(address), "language": "en"}


def _defaults(kind: str) -> Json:
    match kind:
        case "events":
            return {
                "status": "confirmed",
                "transparence": "opaque",
                "visibility": "public",
                "guests_can_invite_others": True,
                "reminders": [{"method": "email", "minutes": 1440}],
            }
        case "fundraising_pages":
            return {"currency": "USD"}
        case "advocacy_campaigns":
            return {"type": "email"}
        case _:
            return {}


def _free(world: World, kind: str, body: Json) -> tuple[str, ...]:
    """The foreign identifiers of a body that nothing has yet."""
    return tuple(one for one in read_identifiers(body) if world.shelves.by_identifier(kind, one) is None)
