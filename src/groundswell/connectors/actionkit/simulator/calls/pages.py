"""Pages, and what belongs to one: custom fields, tags, groups, what follows an action."""

from typing import Any

from groundswell.connectors.actionkit.simulator.calls.answers import Json
from groundswell.connectors.actionkit.simulator.calls.writing import change as change_row
from groundswell.connectors.actionkit.simulator.calls.writing import create as create_row
from groundswell.connectors.actionkit.simulator.calls.writing import id_in, replace_fields
from groundswell.connectors.actionkit.simulator.state.catalogue import RESOURCES, Resource
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.world import World


def create(world: World, resource: Resource, body: Json) -> int:
    id_ = create_row(world, resource, body)
    _write_parts(world, id_, body, is_merging=True)
    return id_


def change(world: World, resource: Resource, row: Row, body: Json) -> None:
    change_row(world, resource, row, body)
    _write_parts(world, row["id"], body, is_merging=world.behaviour.fields_patch == "merge")


def delete(world: World, row: Row) -> None:
    """What was done on it stays, and leads nowhere (C)."""
    world.db.run("DELETE FROM core_pagefollowup WHERE page_id = ?", row["id"])
    world.db.delete("core_page", row["id"])


def make(world: World, kind: str, name: str, **fields: Any) -> int:
    """A page of this kind: "signup", "donation"."""
    return create(world, RESOURCES[f"{kind}page"], {"name": name, "title": name.replace("_", " ").title(), **fields})


def _write_parts(world: World, page_id: int, body: Json, *, is_merging: bool) -> None:
    replace_fields(world, "core_pagefield", page_id, body.get("fields"), is_merging=is_merging)
    _link(world, "core_page_tags", "tag_id", "core_tag", page_id, body.get("tags"))
    _link(world, "core_page_groups", "group_id", "core_usergroup", page_id, body.get("groups"))
    followup = body.get("followup")
    if isinstance(followup, dict):
        there = world.db.row("SELECT * FROM core_pagefollowup WHERE page_id = ?", page_id)
        resource = RESOURCES["pagefollowup"]
        if there is None:
            create_row(world, resource, followup | {"page": page_id})
        else:
            change_row(world, resource, there, {name: value for name, value in followup.items() if name != "page"})


def _link(world: World, table: str, column: str, to: str, page_id: int, written: Any) -> None:
    """A list of addresses replaces what was there (W)."""
    if not isinstance(written, list):
        return
    world.db.run(f"DELETE FROM {table} WHERE page_id = ?", page_id)
    for id_ in {id_in(one) for one in written}:
        if world.db.get(to, id_) is not None:
            world.db.insert(table, page_id=page_id, **{column: id_})
