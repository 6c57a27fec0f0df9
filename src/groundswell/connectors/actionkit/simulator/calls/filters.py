"""What a query string asks of a collection, as SQL: look-ups by the allow-list of the resource, and the order."""

import re
from typing import Any, Final

from groundswell.connectors.actionkit.simulator.calls.answers import Call, RefusedCallError
from groundswell.connectors.actionkit.simulator.state.behaviour import Behaviour
from groundswell.connectors.actionkit.simulator.state.catalogue import (
    ALL,
    OPERATORS,
    RELATED,
    RESOURCES,
    Field,
    Resource,
)
from groundswell.connectors.actionkit.simulator.state.database import disorder
from groundswell.connectors.actionkit.simulator.state.moments import kept, parse_moment
from groundswell.connectors.actionkit.simulator.state.world import World

_URI_ID: Final = re.compile(r"(?:/rest/v1/[a-z]+/)?([0-9]{1,17})/?")
_COMPARED: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_PATTERNS: Final = {
    "contains": "%{}%", "icontains": "%{}%", "startswith": "{}%", "istartswith": "{}%", "endswith": "%{}",
    "iendswith": "%{}", "iexact": "{}",
}  # fmt: skip
_IN_MAX: Final = 500


def filtering_of(resource: Resource, behaviour: Behaviour) -> dict[str, str | tuple[str, ...]]:
    """The allow-list, with what switches add to it."""
    allowed = dict(resource.filtering)
    switches = {
        "id": behaviour.id_filters,
        "created_at": behaviour.created_at_filters,
        "updated_at": behaviour.updated_at_filters,
    }
    for name, is_on in switches.items():
        if is_on and resource.field(name) is not None:
            allowed[name] = ALL
    if resource.name == "user" and behaviour.group_filter:
        allowed["groups"] = RELATED
    return allowed


def ordering_of(resource: Resource, behaviour: Behaviour) -> tuple[str, ...]:
    if behaviour.updated_at_ordering and resource.field("updated_at") and resource.name != "event":
        return tuple(dict.fromkeys((*resource.ordering, "updated_at")))
    return tuple(name for name in resource.ordering if name != "updated_at")


def where(world: World, resource: Resource, call: Call) -> tuple[str, list[Any]]:
    """The condition and its values. What names no field is ignored, as theirs does (I)."""
    parts, values = ([resource.where] if resource.where else []), []
    for written in dict.fromkeys(call.query.keys()):
        name, *steps = written.split("__")
        field = _field(world, resource, name)
        if written.startswith("_") or field is None:
            continue
        sql, found = _condition(world, resource, field, steps, call.query.getall(written))
        parts.append(sql)
        values += found
    return " AND ".join(parts) or "1", values


def order(world: World, resource: Resource, call: Call) -> str:
    """Without `order_by` in no order that means anything (W)."""
    written = [name for text in call.query.getall("order_by", ()) for name in text.split(",") if name]
    terms = []
    for name in written:
        bare = name.removeprefix("-")
        field = resource.field(bare)
        if field is None or bare not in ordering_of(resource, world.behaviour):
            raise RefusedCallError(400, {"error": f"The '{bare}' field does not allow ordering."})
        terms.append(f"{field.column}{' DESC' if name.startswith('-') else ''}")
    return ", ".join(terms) or disorder(world.seed)


def _field(world: World, resource: Resource, name: str) -> Field | None:
    if name == "groups" and resource.name == "user":
        return Field("groups", "link", "id", "usergroup")
    return resource.field(name)


def _condition(
    world: World, resource: Resource, field: Field, steps: list[str], texts: list[str]
) -> tuple[str, list[Any]]:
    allowed = filtering_of(resource, world.behaviour).get(field.name)
    if allowed is None:
        raise RefusedCallError(400, {"error": f"The '{field.name}' field does not allow filtering."})
    operator = steps.pop() if steps and steps[-1] in OPERATORS else "exact"
    if steps:
        return _related(world, field, steps, operator, texts, is_allowed=allowed == RELATED)
    if allowed not in (ALL, RELATED) and operator not in allowed:
        raise RefusedCallError(400, {"error": f"'{operator}' is not an allowed filter on the '{field.name}' field."})
    if field.name == "groups":
        ids, found = _compared(Field("group_id", "link", "group_id"), operator, texts)
        return f"id IN (SELECT user_id FROM core_usergroup_users WHERE {ids})", found
    return _compared(field, operator, texts)


def _related(
    world: World, field: Field, steps: list[str], operator: str, texts: list[str], *, is_allowed: bool
) -> tuple[str, list[Any]]:
    """A look-up through a link: `order__user=7`, `user__state__in=WI`."""
    if not is_allowed or field.to not in RESOURCES:
        raise RefusedCallError(400, {"error": f"Lookups are not allowed more than one level deep on '{field.name}'."})
    to = RESOURCES[field.to]
    onward = to.field(steps[0])
    if onward is None or len(steps) > 1:
        raise RefusedCallError(400, {"error": f"The '{'__'.join(steps)}' field does not allow filtering."})
    sql, values = _compared(onward, operator, texts)
    return f"{field.column} IN (SELECT id FROM {to.table} WHERE {sql})", values


def _compared(field: Field, operator: str, texts: list[str]) -> tuple[str, list[Any]]:
    column, text = field.column, texts[-1]
    if operator in ("in", "range"):
        many = [_value(field, part) for one in texts for part in one.split(",")][:_IN_MAX]
        if operator == "range" and len(many) != 2:
            raise _mismatch()
        if operator == "range":
            return f"{column} BETWEEN ? AND ?", many
        return f"{column} IN ({', '.join('?' * len(many))})", many
    if operator in _COMPARED:
        return f"{column} {_COMPARED[operator]} ?", [_value(field, text)]
    if operator == "isnull":
        return f"{column} IS {'' if text.lower() in ('true', '1') else 'NOT '}NULL", []
    if operator == "ne":
        return f"{column} <> ?", [_value(field, text)]
    if operator in _PATTERNS:
        escaped = text.replace("~", "~~").replace("%", "~%").replace("_", "~_")
        return f"{column} LIKE ? ESCAPE '~'", [_PATTERNS[operator].format(escaped)]
    return f"{column} = ?", [_value(field, text)]


def _value(field: Field, text: str) -> Any:
    match field.type:
        case "whole" | "link":
            match = _URI_ID.fullmatch(text)
            if match is None:
                raise _mismatch()
            return int(match[1])
        case "flag":
            if text.lower() not in ("true", "false", "1", "0"):
                raise _mismatch()
            return int(text.lower() in ("true", "1"))
        case "time":
            moment = parse_moment(text)
            if moment is None:
                raise _mismatch()
            return kept(moment, micros=moment.microsecond > 0)
        case _:
            return text


def _mismatch() -> RefusedCallError:
    return RefusedCallError(400, {"error": "Invalid resource lookup data provided (mismatched type)."})
