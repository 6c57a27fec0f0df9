"""The entry point, the metadata and the embed codes."""

from typing import Final

from groundswell.connectors.action_network.simulator.calls.answers import Json
from groundswell.connectors.action_network.simulator.calls.pages import CURIES, PER_PAGE_MAX
from groundswell.connectors.action_network.simulator.calls.shapes import href_of
from groundswell.connectors.action_network.simulator.state.catalogue import PAGES, PLAIN, embedded_key
from groundswell.connectors.action_network.simulator.state.person import stamp
from groundswell.connectors.action_network.simulator.state.thing import Thing
from groundswell.connectors.action_network.simulator.state.world import World

_EMBEDS: Final = tuple(
    f"embed_{size}_{styles}"
    for size in ("standard", "full")
    for styles in ("default_styles", "layout_only_styles", "no_styles")
)


def entry_point(world: World, *, is_key_good: bool) -> Json:
    """Answered 200 to any key, and to none. With a bad one the link to the tags is missing (seen live)."""
    collections = ("people", "donations", *PAGES, *PLAIN)
    links: Json = {
        "self": {"href": world.api, "title": "This page"},
        "docs": {"href": "https://actionnetwork.org/docs", "title": "Documentation"},
        "curies": CURIES,
        "osdi:person_signup_helper": {"href": f"{world.api}/people", "title": "Person signup helper"},
        "action_network:metadata": {"href": f"{world.api}/metadata", "title": "Metadata"},
    }
    for name in collections:
        if name != "tags" or is_key_good:
            title = name.replace("_", " ").capitalize()
            links[embedded_key(name)] = {"href": f"{world.api}/{name}", "title": title}
    return {
        "motd": "Welcome to the Action Network OSDI API v2 Entry Point!",
        "vendor_name": "Action Network",
        "product_name": "Action Network",
        "osdi_version": "1.1.1",
        "namespace": "action_network",
        "max_page_size": PER_PAGE_MAX,
        "_links": links,
    }


def metadata(world: World) -> Json:
    return {
        "_links": {
            "self": {"href": f"{world.api}/metadata"},
            "action_network:custom_fields": {"href": f"{world.api}/metadata/custom_fields"},
        }
    }


def custom_fields(world: World) -> Json:
    """Not a collection: one array, whole; and its link to itself is an array too (D sample)."""
    return {
        "action_network:custom_fields": [
            {
                "name": name,
                "created_date": stamp(made),
                "modified_date": stamp(made),
                "notes": "",
                "numeric_id": number,
            }
            for number, (name, made) in enumerate(world.custom_fields.items(), 1001)
        ],
        "_links": {"self": [{"href": f"{world.api}/metadata/custom_fields"}]},
    }


def embed(world: World, page: Thing) -> Json:
    """Six ways to put the page into another."""
    place = f"https://actionnetwork.org/widgets/v5/{page.kind}/{page.uuid}"
    snippets = {
        name: f"<div id='can-{page.uuid}'></div><script src='{place}?style={name}'></script>" for name in _EMBEDS
    }
    return snippets | {"_links": {"self": {"href": f"{href_of(world, page)}/embed"}}}
