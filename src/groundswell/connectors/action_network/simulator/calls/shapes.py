"""Things as the API shows them. Samples: actionnetwork.org/docs/v2, as of 2026-08-05."""

from typing import Any, Final

from groundswell.connectors.action_network.simulator.state.catalogue import PAGES, RECORDS, embedded_key
from groundswell.connectors.action_network.simulator.state.person import Person, shown_person, stamp
from groundswell.connectors.action_network.simulator.state.thing import Json, Thing
from groundswell.connectors.action_network.simulator.state.world import SPONSOR, SPONSOR_URL, World

ORGANISER: Final = Person(
    number=-2,
    uuid="0b5f6c1e-7a3d-4c52-9e8f-2d41a6b7c903",
    created=1_420_070_400,
    modified=1_420_070_400,
    given_name="Avery",
    family_name="Organiser",
    email="organiser@example.org",
)
"""Who made what was made in the UI. On no list: asking for them by id gets 404."""


def shown(world: World, thing: Thing) -> Json:
    """The whole thing."""
    own = f"action_network:{thing.uuid}"
    body: Json = {
        "identifiers": [*thing.identifiers, own],
        "created_date": stamp(thing.created),
        "modified_date": stamp(thing.modified),
        **thing.fields,
    }
    if thing.kind in RECORDS:
        return body | _record(world, thing)
    if thing.kind in PAGES:
        return body | _page(world, thing)
    return body | {"_links": {"self": {"href": href_of(world, thing)}, **_links(world, thing)}}


def href_of(world: World, thing: Thing) -> str:
    """Its own address."""
    match thing.kind:
        case "taggings":
            return f"{world.api}/tags/{thing.parent}/taggings/{thing.uuid}"
        case kind if kind in RECORDS:
            return f"{_page_href(world, thing)}/{kind}/{thing.uuid}"
        case _:
            return f"{world.api}/{_path(thing)}"


def _path(thing: Thing) -> str:
    if thing.kind == "events" and thing.is_elsewhere:
        return f"event_campaigns/{thing.parent}/events/{thing.uuid}"
    return f"{thing.kind}/{thing.uuid}"


def _page_href(world: World, record: Thing) -> str:
    kind = RECORDS[record.kind].page
    page = world.shelves.get(kind, record.parent)
    return f"{world.api}/{_path(page) if page is not None else f'{kind}/{record.parent}'}"


def _record(world: World, thing: Thing) -> Json:
    kind = RECORDS[thing.kind]
    is_misspelt = thing.kind == "submissions" and world.behaviour.misspells_submission_person
    return {
        "action:person_id" if is_misspelt else "action_network:person_id": thing.person,
        kind.page_id: thing.parent,
        "_links": {
            "self": {"href": href_of(world, thing)},
            kind.page_link: {"href": _page_href(world, thing)},
            "osdi:person": {"href": f"{world.api}/people/{thing.person}"},
        },
    }


def _page(world: World, thing: Thing) -> Json:
    kind = PAGES[thing.kind]
    href = href_of(world, thing)
    links: Json = {"self": {"href": href}}
    body: Json = {"action_network:hidden": False} if kind.is_action else {}
    if kind.sponsor:
        body["action_network:sponsor"] = {"title": SPONSOR, kind.sponsor: SPONSOR_URL}
    if kind.record:
        links[kind.records_link or embedded_key(kind.record)] = {"href": f"{href}/{kind.record}"}
        links |= {helper: {"href": f"{href}/{kind.record}"} for helper in kind.helpers}
    if kind.total:
        body[kind.total] = world.shelves.count(thing.kind, thing.uuid, kind.record or "")
    if kind.is_action:
        links["action_network:embed"] = {"href": f"{href}/embed"}
    creator = _creator(world, thing)
    links["osdi:creator"] = {"href": f"{world.api}/people/{creator.uuid}"}
    if kind.has_creator:
        body["_embedded"] = {"osdi:creator": shown_person(creator, world.api)}
    return body | _only(world, thing, links) | {"_links": links}


def _only(world: World, thing: Thing, links: Json) -> Json:
    """What only one kind of page has; adds its links."""
    match thing.kind:
        case "events":
            links["osdi:organizer"] = links["osdi:creator"]
            if not thing.parent:
                return {}
            links["action_network:event_campaign"] = {"href": f"{world.api}/event_campaigns/{thing.parent}"}
            return {"action_network:event_campaign_id": thing.parent}
        case "fundraising_pages":
            donations = world.shelves.all("fundraising_pages", thing.uuid, "donations")
            return {"total_amount": round(sum(float(one.fields["amount"]) for one in donations), 2)}
        case "event_campaigns":
            events = tuple(world.shelves.all("event_campaigns", thing.uuid, "events"))
            rsvps = sum(world.shelves.count("events", event.uuid, "attendances") for event in events)
            return {"total_rsvps": rsvps}
        case _:
            return {}


def _creator(world: World, thing: Thing) -> Person:
    found = world.people.now.by_uuid(thing.person) if thing.person else None
    return found or ORGANISER


def _links(world: World, thing: Thing) -> dict[str, Any]:
    """Of what is neither a page nor a record."""
    href = href_of(world, thing)
    match thing.kind:
        case "tags":
            return {"osdi:taggings": {"href": f"{href}/taggings"}}
        case "taggings":
            return {
                "osdi:tag": {"href": f"{world.api}/tags/{thing.parent}"},
                "osdi:person": {"href": f"{world.api}/people/{thing.person}"},
            }
        case "lists":
            return {"osdi:items": {"href": f"{href}/items"}}
        case "messages":
            return _message_links(world, thing, href)
        case _:
            return {}


def _message_links(world: World, thing: Thing, href: str) -> dict[str, Any]:
    links: dict[str, Any] = {
        "osdi:send_helper": {"href": f"{href}/send"},
        "osdi:schedule_helper": {"href": f"{href}/schedule"},
        "osdi:creator": {"href": f"{world.api}/people/{ORGANISER.uuid}"},
    }
    if thing.parent:
        links["osdi:wrapper"] = {"href": f"{world.api}/wrappers/{thing.parent}"}
    if thing.related:
        links["osdi:recipients"] = {"href": f"{world.api}/lists/{thing.related}"}
    return links
