"""Collections: pages of objects, the schema of a resource, and the index of all of them."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from groundswell.connectors.actionkit.simulator.calls.answers import Answer, Call, Json, RefusedCallError
from groundswell.connectors.actionkit.simulator.calls.filters import filtering_of, order, ordering_of, where
from groundswell.connectors.actionkit.simulator.calls.shapes import shown
from groundswell.connectors.actionkit.simulator.state.catalogue import ALL, LOOSE, RELATED, RESOURCES, Field, Resource
from groundswell.connectors.actionkit.simulator.state.world import API, World

LIMIT: Final = 20
_TYPES: Final = {"text": "string", "whole": "integer", "real": "float", "flag": "boolean", "time": "datetime",
                 "money": "decimal", "link": "related", "texts": "list"}  # fmt: skip
_NUMBERS: Final = {ALL: 1, RELATED: 2}


def list_rows(
    world: World, call: Call, resource: Resource, *, also: str = "", also_values: Sequence[Any] = (), path: str = ""
) -> Answer:
    """One page. `total_count` is exact, whatever it costs (W). `also` is a condition besides those of the query."""
    condition, values = where(world, resource, call)
    if also:
        condition, values = f"({condition}) AND {also}", [*values, *also_values]
    limit, offset = window(world, call)
    total = world.db.value(f"SELECT count(*) FROM {resource.table} WHERE {condition}", *values)
    ordered = order(world, resource, call)
    rows = world.db.rows(
        f"SELECT * FROM {resource.table} WHERE {condition} ORDER BY {ordered} LIMIT ? OFFSET ?", *values, limit, offset
    )
    objects = [shown(world, resource, row) for row in rows]
    return Answer(body=paged(world, call, path or resource.name, objects, total, limit, offset))


def window(world: World, call: Call) -> tuple[int, int]:
    """`_limit` and `_offset`; 0 is as much as there may be (I)."""
    limit, offset = _number(call, "_limit", LIMIT), _number(call, "_offset", 0)
    return min(limit or world.behaviour.limit_max, world.behaviour.limit_max), offset


def paged(world: World, call: Call, path: str, objects: list[Json], total: int, limit: int, offset: int) -> Json:
    """The envelope. `next` has no host, and its parameters are in an order of their own (W)."""

    def link(at: int) -> str:
        kept = [(name, value) for name, value in call.query.items() if name not in ("_limit", "_offset")]
        query = [("_offset", str(at)), *(kept if world.behaviour.next_keeps_filters else []), ("_limit", str(limit))]
        return f"{API}/{path}/?{urlencode(query)}"

    return {
        "meta": {
            "limit": limit,
            "next": link(offset + limit) if offset + limit < total else None,
            "offset": offset,
            "previous": link(max(offset - limit, 0)) if offset > 0 else None,
            "total_count": total,
        },
        "objects": objects,
    }


def index() -> Answer:
    """`GET /rest/v1/` lists what there is (D)."""
    names = sorted((*RESOURCES, *LOOSE, "upload", "location", "userpublic"))
    body = {name: {"list_endpoint": f"{API}/{name}/", "schema": f"{API}/{name}/schema/"} for name in names}
    return Answer(body=body)


def schema(world: World, resource: Resource) -> Answer:
    """What a client should read before it relies on a filter (D)."""
    behaviour = world.behaviour
    filtering: dict[str, Any] = dict(filtering_of(resource, behaviour))
    if behaviour.schema_numbers:
        filtering = {name: _NUMBERS.get(allowed, allowed) for name, allowed in filtering.items()}
    methods = [method for method in resource.methods if method in ("get", "post")]
    details = [method for method in resource.methods if method != "post"]
    return Answer(
        body={
            "allowed_detail_http_methods": details,
            "allowed_list_http_methods": ["get", "post"] if resource.name == "action" else methods,
            "default_format": "application/json",
            "default_limit": LIMIT,
            "fields": {field.name: _described(resource, field) for field in resource.fields} | _links(resource),
            "filtering": filtering,
            "ordering": list(ordering_of(resource, behaviour)),
        }
    )


def _described(resource: Resource, field: Field) -> Json:
    return {
        "blank": field.name not in resource.required,
        "default": "No default provided.",
        "help_text": f"{_TYPES[field.type].capitalize()} data.",
        "nullable": field.type in ("link", "time", "whole", "real"),
        "readonly": field.is_fixed,
        "type": _TYPES[field.type],
        "unique": field.name in ("id", resource.unique),
        **({"related_type": "to_one"} if field.type == "link" else {}),
    }


def _links(resource: Resource) -> Json:
    """Fields that are in no column of their own."""
    names = {"core_user": ("fields", "phones", "groups", "token"), "core_action": ("fields", "akid"),
             "core_page": ("fields", "tags", "groups", "followup")}.get(resource.table, ())  # fmt: skip
    described = {name: {"type": "dict", "readonly": name == "token", "blank": True} for name in names}
    return {**described, "resource_uri": {"type": "string", "readonly": True, "blank": True}}


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise RefusedCallError(400, {"error": f"Invalid {name} '{text}' provided. Please provide a positive integer."})
    return int(text)
