"""Resources that keep whatever is sent, for nothing else here depends on what is in them: forms, questions."""

import msgspec

from groundswell.connectors.actionkit.simulator.calls.answers import Answer, Call, Json, not_allowed, not_found
from groundswell.connectors.actionkit.simulator.calls.collections import paged, window
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.moments import shown_time
from groundswell.connectors.actionkit.simulator.state.world import API, World


def answer(world: World, call: Call, resource: str, rest: list[str]) -> Answer:
    match call.method, rest:
        case "GET", []:
            return _list(world, call, resource)
        case "GET", ["schema"]:
            names = ("id", "created_at", "updated_at", "resource_uri", "page", "name", "thank_you_text")
            fields = {name: {"type": "string"} for name in names}
            return Answer(body={"fields": fields, "filtering": {}, "ordering": ["id"]})
        case "POST", []:
            now = world.now()
            body = msgspec.json.encode(call.body).decode()
            id_ = world.db.insert("simulator_object", resource=resource, body=body, created_at=now, updated_at=now)
            return Answer(201, location=world.uri(resource, id_))
        case _, [key]:
            return _one(world, call, resource, _find(world, resource, key))
        case _:
            raise not_found()


def _one(world: World, call: Call, resource: str, row: Row) -> Answer:
    match call.method:
        case "GET":
            return Answer(body=_shown(world, resource, row))
        case "PUT" | "PATCH":
            body = msgspec.json.encode(msgspec.json.decode(row["body"], type=dict) | call.body).decode()
            world.db.update("simulator_object", row["id"], body=body, updated_at=world.now())
            return Answer(202 if call.method == "PATCH" else 204)
        case "DELETE":
            world.db.delete("simulator_object", row["id"])
            return Answer(204)
        case _:
            raise not_allowed()


def _list(world: World, call: Call, resource: str) -> Answer:
    limit, offset = window(world, call)
    total = world.db.value("SELECT count(*) FROM simulator_object WHERE resource = ?", resource)
    rows = world.db.rows(
        "SELECT * FROM simulator_object WHERE resource = ? ORDER BY id LIMIT ? OFFSET ?", resource, limit, offset
    )
    objects = [_shown(world, resource, row) for row in rows]
    return Answer(body=paged(world, call, resource, objects, total, limit, offset))


def _shown(world: World, resource: str, row: Row) -> Json:
    own: Json = {
        "id": row["id"],
        "resource_uri": f"{API}/{resource}/{row['id']}/",
        "created_at": shown_time(row["created_at"]),
        "updated_at": shown_time(row["updated_at"]),
    }
    return msgspec.json.decode(row["body"], type=dict) | own


def _find(world: World, resource: str, key: str) -> Row:
    id_ = int(key) if key.isascii() and key.isdigit() and len(key) < 18 else None
    row = world.db.get("simulator_object", id_)
    if row is None or row["resource"] != resource:
        raise not_found()
    return row
