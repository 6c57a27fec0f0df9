"""What happens in a simulated Action Network, as the messages its webhooks bring."""

import hashlib
from collections.abc import Callable
from random import Random
from typing import Any, Final

from groundswell.connectors.action_network.simulator.calls.shapes import shown
from groundswell.connectors.action_network.simulator.events import Event, Message
from groundswell.connectors.action_network.simulator.faults import Faults
from groundswell.connectors.action_network.simulator.state.person import Json, Person, shown_person, stamp
from groundswell.connectors.action_network.simulator.state.world import SPONSOR, SPONSOR_URL, Happening, World
from groundswell.places.regions import CANADA, US

_CORE: Final = (
    "given_name", "family_name", "postal_addresses", "email_addresses", "phone_numbers", "languages_spoken",
)  # fmt: skip
_NAMES: Final = {"US": US, "CA": CANADA}


class Hooks:
    """One webhook with the trigger "all actions plus uploads": hears of what happens and hands on the messages.

    What is changed over PUT, tagged, unsubscribed or merged fires nothing, and neither does a later charge of a
    recurring donation (D).
    """

    def __init__(self, world: World, faults: Faults, send: Callable[[Message], None]) -> None:
        self._world = world
        self._faults = faults
        self._send = send
        self._row = Random(f"idempotency keys {world.seed}").randrange(10**8, 10**9)
        world.listeners.append(self._hear)

    def _hear(self, happenings: list[Happening]) -> None:
        counts = self._world.counts.webhooks
        if self._faults.loses_webhook():
            counts["lost"] += 1
            return
        counts["sent"] += 1
        self._send([self._entry(happening) for happening in happenings])

    def _entry(self, happening: Happening) -> Event:
        # Theirs look like the MD5 of a row number.
        self._row += 1
        return {
            happening.event: self._event(happening),
            "action_network:sponsor": {"title": SPONSOR, "url": SPONSOR_URL},
            "idempotency_key": hashlib.md5(str(self._row).encode(), usedforsecurity=False).hexdigest(),
        }

    def _event(self, happening: Happening) -> Event:
        person, record = happening.person, happening.record
        href = f"{self._world.api}/people/{person.uuid}"
        if record is None:
            now = stamp(person.modified)
            return {
                "created_date": now,
                "modified_date": now,
                "person": _whole(person),
                "action_network:referrer_data": {},
                "add_tags": [],
                "_links": {"osdi:person": {"href": href}},
            }
        event = shown(self._world, record)
        for name in [name for name in event if name.endswith("_id")]:
            del event[name]
        return event | {"person": _typed(person, happening.typed), "add_tags": list(happening.tags)}


def _whole(person: Person) -> Json:
    """All core fields, without custom fields: an upload that was a signup helper call (D)."""
    shown_now = shown_person(person, "")
    body = {name: shown_now[name] for name in ("created_date", "modified_date", *_CORE) if name in shown_now}
    return body | {"postal_addresses": [_with_full_region(one) for one in shown_now["postal_addresses"]]}


def _typed(person: Person, typed: Json) -> Json:
    """What was typed in for this event, and the status the email has afterwards. Nothing for a plain record (I)."""
    shown_now = shown_person(person, "")
    body: Json = {"created_date": shown_now["created_date"], "modified_date": shown_now["modified_date"]}
    for name in _CORE:
        if typed.get(name) and name in shown_now:
            body[name] = shown_now[name]
    if "postal_addresses" in body:
        body["postal_addresses"] = [_with_full_region(one) for one in body["postal_addresses"]]
    custom = typed.get("custom_fields")
    kept = {name: person.custom[name] for name in custom or () if name in person.custom}
    return body | ({"custom_fields": kept} if kept else {})


def _with_full_region(address: dict[str, Any]) -> dict[str, Any]:
    """Where the API has "CA", webhooks have "California" (D samples)."""
    names = _NAMES.get(address["country"], {})
    return address | {"region": names.get(address["region"], address["region"])}
