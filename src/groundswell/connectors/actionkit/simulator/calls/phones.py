"""Phones: a resource of their own, part of a user, and part of an action."""

import re
from typing import Any, Final

from groundswell.connectors.actionkit.simulator.calls.answers import Json, invalid
from groundswell.connectors.actionkit.simulator.calls.writing import column_value, id_in, text_of
from groundswell.connectors.actionkit.simulator.state.catalogue import RESOURCES
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.world import World

TYPES: Final = ("home", "work", "mobile", "home_fax", "work_fax", "emergency", "mobile_fax")
"""(D, the last one C)"""
_US_DIGITS: Final = 11


def normalised(phone: str) -> str:
    """Digits, without the 1 of the US in front (W). What others have in front stays (I)."""
    digits = re.sub(r"[^0-9]", "", phone)
    return digits[1:] if len(digits) == _US_DIGITS and digits.startswith("1") else digits


def create(world: World, body: Json) -> int:
    """`type` is the name of the field; two clients send `phone_type` (C)."""
    resource = RESOURCES["phone"]
    kind = text_of(body.get("type") or body.get("phone_type")).strip().lower()
    number = text_of(body.get("phone")).strip()
    errors = {}
    if kind not in TYPES:
        errors["type"] = f"Value '{kind}' is not a valid choice." if kind else "This field is required."
    if not number:
        errors["phone"] = "This field is required."
    user_field = resource.field("user")
    assert user_field is not None
    try:
        user_id = column_value(world, user_field, body.get("user"))
    except ValueError as exc:
        errors["user"] = str(exc)
        user_id = None
    if user_id is None:
        errors.setdefault("user", "This field is required.")
    if errors:
        raise invalid("phone", **errors)
    return add(world, user_id, kind, number, text_of(body.get("source")).strip() or "api")


def change(world: World, row: Row, body: Json) -> None:
    values: Row = {}
    if "type" in body or "phone_type" in body:
        kind = text_of(body.get("type") or body.get("phone_type")).strip().lower()
        if kind not in TYPES:
            raise invalid("phone", type=f"Value '{kind}' is not a valid choice.")
        values["type"] = kind
    if "phone" in body:
        number = text_of(body["phone"]).strip()
        if not number:
            raise invalid("phone", phone="This field is required.")
        values |= {"phone": number, "normalized_phone": normalised(number)}
    if "source" in body:
        values["source"] = text_of(body["source"])
    world.db.update("core_phone", row["id"], updated_at=world.now(), **values)
    world.touch_user(row["user_id"], is_bumping=world.behaviour.phones_bump_user)


def delete(world: World, row: Row) -> None:
    world.db.delete("core_phone", row["id"])
    world.touch_user(row["user_id"], is_bumping=world.behaviour.phones_bump_user)


def add(world: World, user_id: int, kind: str, number: str, source: str) -> int:
    now = world.now()
    id_ = world.db.insert(
        "core_phone",
        user_id=user_id,
        type=kind,
        phone=number,
        normalized_phone=normalised(number),
        source=source,
        created_at=now,
        updated_at=now,
    )
    world.touch_user(user_id, is_bumping=world.behaviour.phones_bump_user)
    return id_


def take(world: World, user_id: int, kind: str, number: str) -> None:
    """A number that came with an action: one that is there already stays as it is."""
    there = world.db.rows("SELECT * FROM core_phone WHERE user_id = ? AND type = ?", user_id, kind)
    if any(row["normalized_phone"] == normalised(number) for row in there):
        return
    if there and world.behaviour.phone_of_action == "replaced":
        change(world, there[0], {"phone": number, "source": "user"})
        return
    add(world, user_id, kind, number, "user")


def replace_all(world: World, user_id: int, phones: Any) -> None:
    """A user's `phones` as written: addresses of those that stay, objects for new ones; the others go (C)."""
    if not isinstance(phones, list):
        return
    kept = {id_in(one) for one in phones if isinstance(one, str)}
    kept |= {id_in(one) for one in phones if isinstance(one, dict) and (one.get("id") or one.get("resource_uri"))}
    for row in world.db.rows("SELECT * FROM core_phone WHERE user_id = ?", user_id):
        if row["id"] not in kept:
            delete(world, row)
    for one in phones:
        if isinstance(one, dict) and not (one.get("id") or one.get("resource_uri")):
            create(world, {"source": "user"} | one | {"user": user_id})
