"""Events: made and signed up for by actions on their pages, changed as resources, searched within a campaign."""

import re
from datetime import timedelta
from typing import Any, Final

from groundswell.connectors.actionkit.simulator.calls.answers import Answer, Call, RefusedCallError
from groundswell.connectors.actionkit.simulator.calls.collections import list_rows
from groundswell.connectors.actionkit.simulator.calls.messages import message
from groundswell.connectors.actionkit.simulator.calls.posted import Posted
from groundswell.connectors.actionkit.simulator.state.catalogue import RESOURCES
from groundswell.connectors.actionkit.simulator.state.database import Row
from groundswell.connectors.actionkit.simulator.state.moments import parse_moment
from groundswell.connectors.actionkit.simulator.state.world import World

_FIELDS: Final = (
    "title", "venue", "address1", "address2", "city", "state", "region", "postal", "zip", "country", "phone",
    "public_description", "directions", "note_to_attendees", "notes",
)  # fmt: skip
_SEARCH: Final = re.compile(r"(filter|exclude)\[([a-z_0-9]+)\]")
_SHARED: Final = ("title", "status", "city", "state", "zip", "venue")
_BEHIND_UTC: Final = timedelta(hours=5)
"""Everybody lives in New York."""
ROLES: Final = ("attendee", "host")


def signup_errors(world: World, page: Row, posted: Posted) -> dict[str, str]:
    """What is wrong with signing up for this event."""
    event = _event(world, posted)
    if event is None or (page["campaign_id"] is not None and event["campaign_id"] != page["campaign_id"]):
        return {"event_id": message(world.behaviour.language, "event")}
    if posted.get("role") and posted.get("role") not in ROLES:
        return {"role": message(world.behaviour.language, "event")}
    if event["max_attendees"] is not None and event["attendee_count"] >= event["max_attendees"]:
        return {"event_id": message(world.behaviour.language, "full")}
    return {}


def sign_up(world: World, page: Row, posted: Posted, user_id: int, action_id: int) -> None:
    """One signup for a user and an event, however often somebody signs up."""
    event = _event(world, posted)
    assert event is not None
    now = world.now()
    there = world.db.value("SELECT id FROM events_eventsignup WHERE event_id = ? AND user_id = ?", event["id"], user_id)
    status = posted.get("status") or "active"
    if there is None:
        there = world.db.insert(
            "events_eventsignup",
            event_id=event["id"],
            user_id=user_id,
            page_id=page["id"],
            role=posted.get("role") or "attendee",
            status=status,
            created_at=now,
            updated_at=now,
        )
    else:
        world.db.update("events_eventsignup", there, status=status, updated_at=now)
    for name, values in posted.prefixed("event_signup_").items():
        for value in values:
            world.db.insert("events_eventsignupfield", parent_id=there, name=name, value=value)
    world.db.insert("simulator_eventaction", action_id=action_id, event_id=event["id"], signup_id=there)
    count_attendees(world, event["id"])


def create(world: World, page: Row, posted: Posted, user_id: int, action_id: int) -> None:
    """An event of the campaign of the page, with its host signed up."""
    now = world.now()
    fields: Row = {name: posted.get(f"event_{name}") for name in _FIELDS}
    fields["country"] = fields["country"] or "United States"
    starts = parse_moment(posted.get("event_starts_at"))
    text = world.kept(starts) if starts else None
    event_id = world.db.insert(
        "events_event",
        campaign_id=page["campaign_id"] or 0,
        creator_id=user_id,
        starts_at=text,
        starts_at_utc=world.kept(starts + _BEHIND_UTC) if starts else None,
        max_attendees=_number(posted.get("event_max_attendees")),
        created_at=now,
        updated_at=now,
        **fields,
    )
    for name, values in posted.prefixed("event_").items():
        if name not in (*_FIELDS, "starts_at", "max_attendees", "id") and not name.startswith("signup_"):
            for value in values:
                world.db.insert("events_eventfield", parent_id=event_id, name=name, value=value)
    world.db.insert(
        "events_eventsignup", event_id=event_id, user_id=user_id, page_id=page["id"], role="host", created_at=now,
        updated_at=now,
    )  # fmt: skip
    world.db.insert("simulator_eventaction", action_id=action_id, event_id=event_id)
    count_attendees(world, event_id)


def count_attendees(world: World, event_id: int) -> None:
    world.db.run(
        "UPDATE events_event SET attendee_count = (SELECT count(*) FROM events_eventsignup WHERE event_id = ? AND "
        "status = 'active'), updated_at = ? WHERE id = ?",
        event_id, world.now(), event_id,
    )  # fmt: skip


def search(world: World, call: Call, campaign_id: int) -> Answer:
    """`campaign/ID/event_search/`, with a syntax of its own: `filter[title]`, `exclude[creator__email]`."""
    parts: list[str] = ["campaign_id = ?"]
    values: list[Any] = [campaign_id]
    for name in call.query:
        match = _SEARCH.fullmatch(name)
        if match is not None:
            condition, found = _searched(match[2], call.query[name])
            parts.append(f"NOT ({condition})" if match[1] == "exclude" else condition)
            values += found
        elif name.startswith(("filter[", "exclude[")):
            raise RefusedCallError(400, {"error": f"'{name}' is not a filter of events."})
    path = f"campaign/{campaign_id}/event_search"
    return list_rows(world, call, RESOURCES["event"], also=" AND ".join(parts), also_values=values, path=path)


def _searched(name: str, value: str) -> tuple[str, list[Any]]:
    if name in _SHARED:
        return f"{name} = ?", [value]
    if name == "creator__email":
        return "creator_id IN (SELECT id FROM core_user WHERE email = ?)", [value]
    if name.startswith("field__"):
        field = name.removeprefix("field__")
        return "id IN (SELECT parent_id FROM events_eventfield WHERE name = ? AND value = ?)", [field, value]
    raise RefusedCallError(400, {"error": f"'{name}' is not a filter of events."})


def _event(world: World, posted: Posted) -> Row | None:
    id_ = _number(posted.get("event_id"))
    return world.db.get("events_event", id_)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None
