"""What can be done with any resource: list it, show one, make, change and delete one."""

from collections.abc import Callable
from typing import Final

from groundswell.connectors.actionkit.simulator.calls import pages, phones, users
from groundswell.connectors.actionkit.simulator.calls.answers import Answer, Call, Json, not_allowed, not_found
from groundswell.connectors.actionkit.simulator.calls.collections import list_rows, schema
from groundswell.connectors.actionkit.simulator.calls.shapes import shown
from groundswell.connectors.actionkit.simulator.calls.writing import (
    change,
    create,
    created,
    find,
    id_in,
    replace_fields,
    text_of,
    unsupported,
)
from groundswell.connectors.actionkit.simulator.state.catalogue import Resource
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.world import World


def answer(world: World, call: Call, resource: Resource, rest: list[str]) -> Answer:
    match rest:
        case [] if call.method == "GET":
            return list_rows(world, call, resource)
        case [] if call.method == "POST":
            return _create(world, call, resource)
        case ["schema"] if call.method == "GET":
            return schema(world, resource)
        case [key]:
            return _one(world, call, resource, key)
        case []:
            raise not_allowed()
        case _:
            raise not_found()


def _create(world: World, call: Call, resource: Resource) -> Answer:
    if unsupported(call, resource):
        raise not_allowed()
    if resource.name == "user":
        return users.create(world, call)
    maker = _MAKERS.get(resource.table)
    if maker is not None:
        return created(world, resource, maker(world, resource, call.body))
    return created(world, resource, create(world, resource, call.body))


def _one(world: World, call: Call, resource: Resource, key: str) -> Answer:
    if unsupported(call, resource):
        raise not_allowed()
    row = find(world, resource, key)
    match call.method:
        case "GET":
            return Answer(body=shown(world, resource, row))
        case "DELETE":
            _DELETERS.get(resource.table, _delete_row(resource.table))(world, row)
            return Answer(204)
        case _:
            is_put = call.method == "PUT"
            _change(world, resource, row, call.body, is_put=is_put)
            return Answer(204 if is_put else 202)


def _change(world: World, resource: Resource, row: Row, body: Json, *, is_put: bool) -> None:
    match resource.table:
        case "core_user":
            users.change(world, row, body, is_put=is_put)
        case "core_phone":
            phones.change(world, row, body)
        case "core_page":
            pages.change(world, resource, row, body)
        case "core_action":
            change(world, resource, row, body)
            merging = world.behaviour.fields_patch == "merge"
            replace_fields(world, "core_actionfield", row["id"], body.get("fields"), is_merging=merging)
        case "events_eventsignup":
            change(world, resource, row, body)
            replace_fields(world, "events_eventsignupfield", row["id"], body.get("fields"), is_merging=True)
        case _:
            change(world, resource, row, body)


def _make_phone(world: World, resource: Resource, body: Json) -> int:
    return phones.create(world, body)


def _make_signup(world: World, resource: Resource, body: Json) -> int:
    id_ = create(world, resource, body)
    replace_fields(world, "events_eventsignupfield", id_, body.get("fields"), is_merging=True)
    return id_


def _make_user_field(world: World, resource: Resource, body: Json) -> int:
    id_ = create(world, resource, body)
    row = world.db.get("core_userfield", id_)
    assert row is not None
    world.touch_user(row["parent_id"], is_bumping=world.behaviour.fields_bump_user)
    return id_


def _make_named(world: World, resource: Resource, body: Json) -> int:
    """Blanks around a name go (C: clients that did not know made everything twice)."""
    return create(world, resource, body | {"name": text_of(body.get("name")).strip()})


def _make_transaction(world: World, resource: Resource, body: Json) -> int:
    """A refund or a charge written down by hand; what it does not say is as in the order."""
    order = world.db.get("core_order", id_in(body.get("order"))) or {}
    usual = {"account": order.get("account", ""), "currency": order.get("currency", "USD")}
    return create(world, resource, usual | {"amount_converted": body.get("amount")} | body)


def _delete_row(table: str) -> Callable[[World, Row], None]:
    def delete(world: World, row: Row) -> None:
        world.db.delete(table, row["id"])

    return delete


def _delete_action(world: World, row: Row) -> None:
    world.db.run("DELETE FROM core_actionfield WHERE parent_id = ?", row["id"])
    world.db.delete("core_action", row["id"])


_MAKERS: Final[dict[str, Callable[[World, Resource, Json], int]]] = {
    "core_phone": _make_phone,
    "core_page": pages.create,
    "core_list": _make_named,
    "core_usergroup": _make_named,
    "core_userfield": _make_user_field,
    "core_transaction": _make_transaction,
    "events_eventsignup": _make_signup,
}
_DELETERS: Final[dict[str, Callable[[World, Row], None]]] = {
    "core_user": users.delete,
    "core_phone": phones.delete,
    "core_page": pages.delete,
    "core_action": _delete_action,
}
