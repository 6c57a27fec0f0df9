"""Users: who is known by an email address, and all that hangs on one."""

import re
from typing import Any, Final

from groundswell.connectors.actionkit.simulator.calls import phones
from groundswell.connectors.actionkit.simulator.calls.answers import (
    Answer,
    Call,
    Json,
    RefusedCallError,
    conflict,
    invalid,
    not_found,
)
from groundswell.connectors.actionkit.simulator.calls.writing import (
    columns,
    created,
    id_in,
    replace_fields,
    text_of,
)
from groundswell.connectors.actionkit.simulator.state.catalogue import RESOURCES
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.names import PLACE_OF_ZIP
from groundswell.connectors.actionkit.simulator.state.world import World

US: Final = "United States"
_EMAIL: Final = re.compile(r"[^@\s,;:<>()\[\]\\\"]{1,64}@(?:[^@\s.,;:<>()\[\]\\\"/]+\.)+[^@\s.,;:<>()\[\]\\\"/]{2,}")
_TABLES_OF_USER: Final = (
    ("core_userfield", "parent_id"), ("core_phone", "user_id"), ("core_subscription", "user_id"),
    ("core_usergroup_users", "user_id"), ("core_usermailing", "user_id"),
)  # fmt: skip


def clean_email(text: Any) -> str:
    """Lower case, as the key of a user is."""
    return text_of(text).strip().lower()


def is_email(email: str) -> bool:
    """Only its form is looked at (D)."""
    return _EMAIL.fullmatch(email) is not None


def create(world: World, call: Call) -> Answer:
    """POST of a user. It subscribes nobody to anything (I)."""
    resource = RESOURCES["user"]
    values = _checked(world, call.body)
    if not values.get("email"):
        raise invalid("user", email="This field is required.")
    there = world.user_by_email(values["email"])
    if there is not None and world.behaviour.existing_email == "conflict":
        raise conflict("email", values["email"], world.location(world.uri("user", there["id"])))
    if there is not None:
        change(world, there, call.body, is_put=False)
        return Answer(202, location=world.uri("user", there["id"]))
    id_ = insert(world, values)
    _write_parts(world, id_, call.body)
    return created(world, resource, id_)


def insert(world: World, values: Row) -> int:
    now = world.now()
    values = {"created_at": now, "updated_at": now, "rand_id": world.random.randrange(10**9)} | values
    return world.db.insert("core_user", **complete_address(world, values))


def change(world: World, row: Row, body: Json, *, is_put: bool) -> None:
    """PUT and PATCH alike change what is named and leave the rest (W)."""
    values = _checked(world, body)
    email = values.get("email", row["email"])
    if not email:
        raise invalid("user", email="This field is required.")
    if email != row["email"].lower():
        other = world.user_by_email(email)
        if other is not None:
            raise conflict("email", email, world.location(world.uri("user", other["id"])))
    is_more_than_fields = bool(values) or not {"fields", "phones", "groups"} & body.keys()
    if is_more_than_fields:
        values["updated_at"] = world.now()
    world.db.update("core_user", row["id"], **complete_address(world, values, row))
    _write_parts(world, row["id"], body)


def delete(world: World, row: Row) -> None:
    for table, column in _TABLES_OF_USER:
        world.db.run(f"DELETE FROM {table} WHERE {column} = ?", row["id"])
    world.db.delete("core_user", row["id"])


def complete_address(world: World, values: Row, row: Row | None = None) -> Row:
    """`postal` and `region` are kept beside `zip` and `state` (D), and the city follows the ZIP code."""
    values = dict(values)
    country = values.get("country") or (row["country"] if row else US)
    if country == US:
        if values.get("postal") and not values.get("zip"):
            values["zip"] = values["postal"]
        if values.get("zip"):
            values["postal"] = values["zip"]
            place = PLACE_OF_ZIP.get(values["zip"])
            if place is not None and world.behaviour.zip_sets_city:
                values["city"] = values.get("city") or place.city
                values["state"] = values.get("state") or place.state
        if values.get("state"):
            values["region"] = values["state"]
    return values


def login_token(world: World, row: Row, call: Call) -> Answer:
    ttl = id_in(call.body.get("ttl")) or 86_400
    until = int(world.clock.now()) + ttl
    return Answer(body={"token": f"{world.token(row['id'])}.{until}"})


def public(world: World, akid: str) -> Answer:
    """What a link in a mailing may show without a password: enough to see that an akid is good."""
    found = world.user_of_token(akid)
    row = world.db.get("core_user", found[0]) if found else None
    if row is None:
        raise not_found()
    shown = {name: row[name] for name in ("first_name", "last_name", "city", "state", "country")}
    return Answer(body={**shown, "id": row["id"], "token": world.token(row["id"])})


def location(world: World, key: str) -> Answer:
    """Where somebody lives, as far as the address tells."""
    row = world.db.get("core_user", int(key)) if key.isascii() and key.isdigit() and len(key) < 18 else None
    if row is None:
        raise not_found()
    place = PLACE_OF_ZIP.get(row["zip"])
    return Answer(
        body={
            "user": world.uri("user", row["id"]),
            "resource_uri": world.uri("location", row["id"]),
            "latitude": place.latitude if place else None,
            "longitude": place.longitude if place else None,
            "lat_lon_precision": "zip" if place else "",
            "country_code": "US" if row["country"] == US else "",
            "region_code": row["region"],
            "loc_code": f"US{row['zip']}" if place else "",
            "timezone": "",
            "us_county": "",
            "us_district": "",
            "us_state_senate": "",
            "us_state_district": "",
        }
    )


def erase(world: World, call: Call) -> Answer:
    """Forget who somebody was; what they did stays."""
    user_id = id_in(call.body.get("user_id"))
    row = world.db.get("core_user", user_id) if user_id else world.user_by_email(clean_email(call.body.get("email")))
    if row is None:
        raise RefusedCallError(400, {"eraser": {"email": ["Unable to find this user."]}})
    blank = dict.fromkeys(
        ("first_name", "middle_name", "last_name", "address1", "address2", "zip", "postal", "plus4"), ""
    )
    email = f"erased-{row['id']}@example.invalid"
    world.db.update("core_user", row["id"], email=email, updated_at=world.now(), **blank)
    world.db.run("DELETE FROM core_phone WHERE user_id = ?", row["id"])
    world.db.run("DELETE FROM core_userfield WHERE parent_id = ?", row["id"])
    return Answer(201, location=world.uri("user", row["id"]))


def merge(world: World, call: Call) -> Answer:
    """Make one user of several: what they did goes to the primary one."""
    primary = id_in(call.body.get("primary_user"))
    users = call.body.get("users")
    others = [id_in(one) for one in users] if isinstance(users, list) else []
    if primary is None or world.db.get("core_user", primary) is None or not any(others):
        raise invalid("usermerge", primary_user="This field is required.")
    for other in others:
        row = world.db.get("core_user", other)
        if row is None or other == primary:
            continue
        for table in ("core_action", "core_order", "core_orderrecurring", "core_phone", "core_subscriptionhistory"):
            world.db.run(f"UPDATE {table} SET user_id = ? WHERE user_id = ?", primary, other)
        world.db.run("UPDATE OR IGNORE core_subscription SET user_id = ? WHERE user_id = ?", primary, other)
        delete(world, row)
    world.db.update("core_user", primary, updated_at=world.now())
    return Answer(201, location=world.uri("user", primary))


def write_fields(world: World, user_id: int, fields: Any, *, is_merging: bool, action_id: int | None = None) -> None:
    """Custom fields; each must have been allowed before (D).

    Raises:
        RefusedCallError: 400, a field nobody allowed.
    """
    if not isinstance(fields, dict):
        return
    unknown = [name for name in fields if not is_allowed_field(world, name)]
    if unknown:
        raise invalid("user", **{f"user_{name}": "This custom user field is not allowed." for name in unknown})
    now = world.now()
    replace_fields(
        world,
        "core_userfield",
        user_id,
        fields,
        is_merging=is_merging,
        action_id=action_id,
        created_at=now,
        updated_at=now,
    )
    world.touch_user(user_id, is_bumping=world.behaviour.fields_bump_user)


def is_allowed_field(world: World, name: str) -> bool:
    return world.db.value("SELECT 1 FROM core_alloweduserfield WHERE name = ?", name) is not None


def _checked(world: World, body: Json) -> Row:
    values = columns(world, RESOURCES["user"], body)
    if "email" in values:
        values["email"] = clean_email(values["email"])
        if values["email"] and not is_email(values["email"]):
            raise invalid("user", email="Enter a valid e-mail address.")
    if not values.get("lang_id", 1):
        del values["lang_id"]
    return values


def _write_parts(world: World, user_id: int, body: Json) -> None:
    merging = world.behaviour.user_fields_patch == "merge"
    write_fields(world, user_id, body.get("fields"), is_merging=merging)
    prefixed = {name[5:]: value for name, value in body.items() if name.startswith("user_") and len(name) > 5}
    if prefixed:
        write_fields(world, user_id, prefixed, is_merging=True)
    phones.replace_all(world, user_id, body.get("phones"))
    groups = body.get("groups")
    if isinstance(groups, list):
        world.db.run("DELETE FROM core_usergroup_users WHERE user_id = ?", user_id)
        for group_id in {id_in(one) for one in groups}:
            if world.db.get("core_usergroup", group_id) is not None:
                world.db.insert("core_usergroup_users", group_id=group_id, user_id=user_id, created_at=world.now())
