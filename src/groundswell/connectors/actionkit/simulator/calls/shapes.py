"""Rows of tables as the resources show them."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from groundswell.connectors.actionkit.simulator.calls.answers import Json
from groundswell.connectors.actionkit.simulator.state.catalogue import RESOURCES, Field, Resource
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.moments import shown_time
from groundswell.connectors.actionkit.simulator.state.world import API, World


def shown(world: World, resource: Resource, row: Row) -> Json:
    """One object as GET shows it."""
    body = {field.name: _value(world, field, row[field.column]) for field in resource.fields}
    body["resource_uri"] = uri_of(resource, row)
    more = _MORE.get(resource.table)
    if more is not None:
        body.update(more(world, row))
    return body


def shown_by_id(world: World, resource: str, id_: int) -> Json:
    """One that is there."""
    kind = RESOURCES[resource]
    row = world.db.get(kind.table, id_)
    assert row is not None
    return shown(world, kind, row)


def uri_of(resource: Resource, row: Row) -> str:
    """Typed also where it is read from the generic collections (W)."""
    if resource.table in ("core_action", "core_page"):
        name = f"{row['type'].lower()}{'action' if resource.table == 'core_action' else 'page'}"
        return f"{API}/{name}/{row['id']}/"
    return f"{API}/{resource.name}/{row[resource.key]}/"


def fields_of(world: World, table: str, parent_id: int) -> dict[str, str | list[str]]:
    """Custom fields: a text, or a list of texts where a name is there more than once (W)."""
    fields: dict[str, str | list[str]] = {}
    for row in world.db.rows(f"SELECT name, value FROM {table} WHERE parent_id = ? ORDER BY id", parent_id):
        there = fields.get(row["name"])
        if there is None:
            fields[row["name"]] = row["value"]
        else:
            fields[row["name"]] = [*([there] if isinstance(there, str) else there), row["value"]]
    return fields


def _value(world: World, field: Field, value: Any) -> Any:
    match field.type:
        case "flag":
            return bool(value)
        case "time":
            return shown_time(value)
        case "texts":
            return msgspec.json.decode(value)
        case "link" if field.to == "page":
            return world.page_uri(value)
        case "link" if field.to == "action":
            return world.action_uri(value)
        case "link":
            return world.uri(field.to, value)
        case _:
            return value


def _user(world: World, row: Row) -> Json:
    db, user_id = world.db, row["id"]
    phones = db.column("SELECT id FROM core_phone WHERE user_id = ? ORDER BY id", user_id)
    groups = db.rows(
        "SELECT g.id, g.name FROM core_usergroup_users m JOIN core_usergroup g ON g.id = m.group_id "
        "WHERE m.user_id = ?",
        user_id,
    )
    links = {name: f"{API}/{to}/?{key}={user_id}" for name, to, key in _USER_LINKS}
    return {
        "fields": fields_of(world, "core_userfield", user_id),
        "phones": [world.uri("phone", phone) for phone in phones],
        "groups": [{"name": group["name"], "resource_uri": world.uri("usergroup", group["id"])} for group in groups],
        "token": world.token(user_id),
        "location": world.uri("location", user_id),
        "useroriginal": world.uri("useroriginal", user_id),
        "logintoken": f"{API}/user/{user_id}/logintoken/",
        **links,
    }


_USER_LINKS: Final = (
    ("actions", "action", "user"),
    ("events", "event", "creator"),
    ("eventsignups", "eventsignup", "user"),
    ("orders", "order", "user"),
    ("orderrecurrings", "orderrecurring", "user"),
    ("subscriptions", "subscription", "user"),
    ("subscriptionhistory", "subscriptionhistory", "user"),
    ("usergeofields", "usergeofield", "user"),
    ("usermailings", "usermailing", "user"),
)


def _action(world: World, row: Row) -> Json:
    more: Json = {
        "fields": fields_of(world, "core_actionfield", row["id"]),
        "akid": world.token(row["user_id"], row["mailing_id"]),
    }
    match row["type"]:
        case "Donation":
            order = world.db.row("SELECT * FROM core_order WHERE action_id = ?", row["id"])
            more["order"] = shown_order_in_full(world, order) if order else None
        case "EventCreate" | "EventSignup" as kind:
            linked = world.db.row("SELECT * FROM simulator_eventaction WHERE action_id = ?", row["id"])
            name, column = ("event", "event_id") if kind == "EventCreate" else ("signup", "signup_id")
            to = "event" if kind == "EventCreate" else "eventsignup"
            more[name] = world.uri(to, linked[column]) if linked else None
    return more


def _page(world: World, row: Row) -> Json:
    db, page_id = world.db, row["id"]
    followup = db.row("SELECT * FROM core_pagefollowup WHERE page_id = ?", page_id)
    groups = db.rows(
        "SELECT g.id, g.name FROM core_page_groups m JOIN core_usergroup g ON g.id = m.group_id WHERE m.page_id = ?",
        page_id,
    )
    form = db.value(
        "SELECT id FROM simulator_object WHERE resource LIKE '%form' AND body ->> '$.page' LIKE ? LIMIT 1",
        f"%/{page_id}/",
    )
    tags = db.column("SELECT tag_id FROM core_page_tags WHERE page_id = ? ORDER BY tag_id", page_id)
    return {
        "fields": fields_of(world, "core_pagefield", page_id),
        "followup": shown(world, RESOURCES["pagefollowup"], followup) if followup else None,
        "tags": [world.uri("tag", tag) for tag in tags],
        "groups": [{"name": group["name"], "resource_uri": world.uri("usergroup", group["id"])} for group in groups],
        "actions": f"{API}/action/?page={page_id}",
        "real_actions": f"{API}/{row['type'].lower()}action/?page={page_id}",
        "cms_form": world.uri(f"{row['type'].lower()}form", form),
        "hosted_with": f"{API}/hostingplatform/1/",
    }


def _order(world: World, row: Row) -> Json:
    def ids(table: str) -> list[int]:
        return world.db.column(f"SELECT id FROM {table} WHERE order_id = ? ORDER BY id", row["id"])

    return {
        "orderdetails": [world.uri("orderdetail", one) for one in ids("core_order_detail")],
        "orderrecurrings": [world.uri("orderrecurring", one) for one in ids("core_orderrecurring")],
        "transactions": [world.uri("transaction", one) for one in ids("core_transaction")],
        "reverse": f"{API}/order/{row['id']}/reverse/",
    }


def shown_order_in_full(world: World, order: Row) -> Json:
    """An order inside its action: transactions and profiles are objects there (W)."""
    body = shown(world, RESOURCES["order"], order)
    for name, resource in (("transactions", "transaction"), ("orderrecurrings", "orderrecurring")):
        kind = RESOURCES[resource]
        rows = world.db.rows(f"SELECT * FROM {kind.table} WHERE order_id = ? ORDER BY id", order["id"])
        body[name] = [shown(world, kind, row) for row in rows]
    return body


def _recurring(world: World, row: Row) -> Json:
    if row["status"] != "active":
        return {}
    return {"cancel": f"{API}/orderrecurring/{row['id']}/cancel/"}


def _transaction(world: World, row: Row) -> Json:
    return {"reverse": f"{API}/transaction/{row['id']}/reverse/"}


def _event(world: World, row: Row) -> Json:
    fields = world.db.rows("SELECT * FROM events_eventfield WHERE parent_id = ? ORDER BY id", row["id"])
    signups = world.db.column("SELECT id FROM events_eventsignup WHERE event_id = ? ORDER BY id", row["id"])
    return {
        "fields": [
            {
                "id": field["id"],
                "event": world.uri("event", row["id"]),
                "name": field["name"],
                "value": field["value"],
                "resource_uri": world.uri("eventfield", field["id"]),
            }
            for field in fields
        ],
        "signups": [world.uri("eventsignup", one) for one in signups],
    }


def _signup(world: World, row: Row) -> Json:
    actions = world.db.column("SELECT action_id FROM simulator_eventaction WHERE signup_id = ?", row["id"])
    fields = world.db.column("SELECT id FROM events_eventsignupfield WHERE parent_id = ?", row["id"])
    return {
        "fields": fields_of(world, "events_eventsignupfield", row["id"]),
        "signupaction": [world.action_uri(action) for action in actions],
        "signupfields": [world.uri("eventsignupfield", field) for field in fields],
    }


def _allowed_field(world: World, row: Row) -> Json:
    lines = [line for line in row["field_choices"].splitlines() if line.strip()]
    return {"choices": [line.partition("=")[::2] for line in lines]}


_MORE: Final[dict[str, Callable[[World, Row], Json]]] = {
    "core_user": _user,
    "core_action": _action,
    "core_page": _page,
    "core_order": _order,
    "core_orderrecurring": _recurring,
    "core_transaction": _transaction,
    "core_alloweduserfield": _allowed_field,
    "events_event": _event,
    "events_eventsignup": _signup,
}
