"""What a POST, PUT or PATCH of a resource brings, as values for columns; and the writing itself."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from groundswell.connectors.actionkit.simulator.calls.answers import (
    Answer,
    Call,
    Json,
    RefusedCallError,
    conflict,
    invalid,
    not_found,
)
from groundswell.connectors.actionkit.simulator.calls.shapes import uri_of
from groundswell.connectors.actionkit.simulator.state.catalogue import RESOURCES, Field, Resource
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.moments import parse_moment
from groundswell.connectors.actionkit.simulator.state.world import World

_URI_ID: Final = re.compile(r"(?:https?://[^/]+)?(?:/?rest/v1/[a-z]+/)?([0-9]{1,17})/?")
_SLUG: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
_NAME: Final = re.compile(r"[a-z0-9_]{1,255}")
_TRUE: Final = ("true", "1", "yes", "on")
_CENTS: Final = Decimal("0.01")
_WHOLE_MAX: Final = 2**53


def create(world: World, resource: Resource, body: Json) -> int:
    """Make one; its id.

    Raises:
        RefusedCallError: 400 with the errors under the resource's name, or 409 with the address of who has the name.
    """
    values = columns(world, resource, body)
    missing = [name for name in resource.required if not _is_given(resource, values, name)]
    if missing:
        raise invalid(resource.name, **dict.fromkeys(missing, "This field is required."))
    check_unique(world, resource, values)
    if resource.kind:
        values["type"] = resource.kind
    now = world.now()
    names = {field.column for field in resource.fields}
    stamps = {name: now for name in ("created_at", "updated_at") if name in names}
    return world.db.insert(resource.table, **(stamps | values))


def change(world: World, resource: Resource, row: Row, body: Json) -> None:
    """Change what is named, and leave the rest (W: also with PUT)."""
    values = columns(world, resource, body)
    if resource.unique in values and values[resource.unique] != row[resource.unique]:
        check_unique(world, resource, values)
    if resource.field("updated_at") is not None:
        values["updated_at"] = world.now()
    world.db.update(resource.table, row["id"], **values)


def created(world: World, resource: Resource, id_: int) -> Answer:
    """201, nothing in it, and where it is (W)."""
    row = world.db.get(resource.table, id_)
    assert row is not None
    return Answer(201, location=uri_of(resource, row))


def find(world: World, resource: Resource, key: str) -> Row:
    """Raises RefusedCallError 404, with nothing in it (W)."""
    condition = f" AND {resource.where}" if resource.where else ""
    if resource.key == "id" and not (key.isascii() and key.isdigit() and len(key) < 18):
        raise not_found()
    row = world.db.row(f"SELECT * FROM {resource.table} WHERE {resource.key} = ?{condition}", key)
    if row is None:
        raise not_found()
    return row


def columns(world: World, resource: Resource, body: Json) -> Row:
    """What was sent, by column. Names of no field are ignored (W)."""
    values: Row = {}
    errors: dict[str, str] = {}
    for field in resource.fields:
        if field.name not in body or field.is_fixed:
            continue
        try:
            values[field.column] = column_value(world, field, body[field.name])
        except ValueError as exc:
            errors[field.name] = str(exc)
    if resource.unique in values and resource.table in ("core_page", "core_alloweduserfield"):
        pattern, words = (_SLUG, "'slug'") if resource.table == "core_page" else (_NAME, "name of small")
        if not pattern.fullmatch(values[resource.unique]):
            errors[resource.unique] = f"Enter a valid {words} consisting of letters, numbers, underscores or hyphens."
    if errors:
        raise invalid(resource.name, **errors)
    return values


def column_value(world: World, field: Field, value: Any) -> Any:
    """Raises ValueError with the message theirs would show."""
    match field.type:
        case "text":
            return text_of(value).strip()
        case "flag":
            return int(value if isinstance(value, bool) else text_of(value).lower() in _TRUE)
        case "whole":
            return _whole(value)
        case "real":
            return _real(value)
        case "money":
            return money(value)
        case "time":
            return _time(world, value)
        case "texts":
            many = value if isinstance(value, list) else [value] if value else []
            return msgspec.json.encode([text_of(one) for one in many]).decode()
        case "link":
            return _linked(world, field, value)


def text_of(value: Any) -> str:
    """Anything as text: what is inside something else is mangled, as theirs does (C)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return str(value)


def texts_of(value: Any) -> list[str]:
    return [text_of(one) for one in value] if isinstance(value, list) else [text_of(value)]


def money(value: Any) -> str:
    """Two decimals, as text.

    Raises:
        ValueError: it is no amount.
    """
    try:
        amount = Decimal(text_of(value).strip().replace(",", "").lstrip("$"))
        if not amount.is_finite() or abs(amount) >= Decimal(10) ** 10:
            raise ValueError("Enter a valid amount.")
        return str(amount.quantize(_CENTS))
    except InvalidOperation:
        raise ValueError("Enter a valid amount.") from None


def id_in(value: Any) -> int | None:
    """The number in an address of something, or the number itself."""
    if isinstance(value, dict):
        value = value.get("resource_uri") or value.get("id")
    match = _URI_ID.fullmatch(text_of(value).strip())
    return int(match[1]) if match else None


def replace_fields(world: World, table: str, parent_id: int, fields: Any, *, is_merging: bool, **more: Any) -> None:
    """Write custom fields: a null takes one away; without merging those not named go, too."""
    if not isinstance(fields, dict):
        return
    if is_merging:
        for name in fields:
            world.db.run(f"DELETE FROM {table} WHERE parent_id = ? AND name = ?", parent_id, name)
    else:
        world.db.run(f"DELETE FROM {table} WHERE parent_id = ?", parent_id)
    for name, value in fields.items():
        for text in () if value is None else texts_of(value):
            world.db.insert(table, parent_id=parent_id, name=name, value=text, **more)


def check_unique(world: World, resource: Resource, values: Row) -> None:
    if not resource.unique or resource.unique not in values:
        return
    value = values[resource.unique]
    there = world.db.row(f"SELECT * FROM {resource.table} WHERE {resource.unique} = ?", value)
    if there is not None:
        raise conflict(resource.unique, value, world.location(uri_of(resource, there)))


def unsupported(call: Call, resource: Resource) -> bool:
    """Whether this resource does not know the method."""
    return call.method.lower() not in resource.methods


def _is_given(resource: Resource, values: Row, name: str) -> bool:
    field = resource.field(name)
    return field is not None and values.get(field.column) not in (None, "")


def _whole(value: Any) -> int | None:
    if value is None or value == "":
        return None
    try:
        number = int(text_of(value).strip()) if not isinstance(value, bool) else int(value)
    except ValueError:
        raise ValueError("Enter a whole number.") from None
    if abs(number) > _WHOLE_MAX:
        raise ValueError("Enter a whole number.")
    return number


def _real(value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        return float(text_of(value))
    except ValueError:
        raise ValueError("Enter a number.") from None


def _time(world: World, value: Any) -> str | None:
    if value in (None, ""):
        return None
    moment = parse_moment(text_of(value))
    if moment is None:
        raise ValueError("Enter a valid date/time.")
    return world.kept(moment)


def _linked(world: World, field: Field, value: Any) -> int | None:
    if value in (None, ""):
        return None
    id_ = id_in(value)
    to = RESOURCES.get(field.to)
    if id_ is None or (to is not None and world.db.get(to.table, id_) is None):
        raise ValueError("Could not find the related object.")
    return id_


def refuse_errors(errors: dict[str, str] | dict[str, list[str]]) -> RefusedCallError:
    """The shape of action processing: texts to show, under `errors` (D)."""
    many = {name: text if isinstance(text, list) else [text] for name, text in errors.items()}
    return RefusedCallError(400, {"errors": many})
