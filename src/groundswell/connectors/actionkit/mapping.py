"""ActionKit's JSON to canonical records, pure functions, and the ids of those records.

Two shapes are kept. What happens once (an action, a charge, a change of a subscription) is an object of the parts that
tell about it: `{"action": {...}, "user": {...}}`, as the Push API sends it (C), under `actionkit:action/5001`. What has
states (users, pages, lists, ...) is the thing itself, under `actionkit:user/7001@STAMP.HASH`, one for each state.
"""

import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from groundswell.component import Arrival
from groundswell.connectors.actionkit.money import read_cancellation, read_refund, read_transaction
from groundswell.connectors.actionkit.people import either_of, flag_of, person_of, text_of, user_number, without_gaps
from groundswell.connectors.actionkit.times import seconds_of, stamp_of, written
from groundswell.connectors.actionkit.uris import Thing, id_at, thing_at
from groundswell.connectors.common.objects import parse_object
from groundswell.errors import RecordError
from groundswell.record import Action, Group, Page, Person, Record

Resource = dict[str, Any]

OWN: Final = "actionkit:"
HASH_DIGITS: Final = 12
"""Hexadecimal, of a state's content: a state that is taken for a known one is lost."""
ACTION_TYPES: Final = {
    "signup": "signup",
    "petition": "signature",
    "donation": "donation",
    "survey": "survey_response",
    "letter": "letter",
    "lte": "letter",
    "call": "call",
    "eventsignup": "rsvp",
}
"""Their types, in our words; others keep theirs: import, unsubscribe, eventcreate."""
_KIND: Final = re.compile(r"[a-z]+")
_NUMBER: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_LINK: Final = re.compile(r"/rest/v1/[a-z]+/(\?.*|[A-Za-z0-9_.-]+/[a-z]+/)")
_VOLATILE: Final = frozenset(("token", "location", "useroriginal", "signups"))
"""Says nothing about the thing: a log-in, links, and the signups of an event, which are records of their own."""
_in_order: Final = msgspec.json.Encoder(order="deterministic").encode
_SAID: Final = frozenset(("id", "title", "name", "created_at", "updated_at", "resource_uri", "fields"))


# ---- ids and arrivals ----


def once(word: str, number: int | str, parts: Resource) -> Arrival:
    """The arrival of what happens once. `parts` holds the thing under its kind, and who it was under "user"."""
    return Arrival(f"{OWN}{word}/{number}", msgspec.json.encode(parts))


def state(kind: str, thing: Resource, parts: Resource | None = None, changed_at: int | None = None) -> Arrival:
    """The arrival of one state of a thing: `actionkit:user/7001@2024-05-06T07:08:09Z.5f2a...`.

    Args:
        parts: What is kept in place of the thing alone: it, and whoever it is about. Another state of them is none of
            the thing.

    The hash is of all that is kept, whatever the order of its keys, and of times only the seconds: the same moment is
    written with and without fractions (W). What changes without `updated_at` moving (user fields, phones, perhaps the
    subscription) is a new state all the same.
    """
    raw = _in_order(kept(thing))
    number = thing.get("id", thing.get("name"))
    number = number if _NUMBER.fullmatch(str(number)) else blake2b(str(number).encode(), digest_size=16).hexdigest()
    stamp = stamp_of(thing.get("updated_at"))
    if changed_at is not None and changed_at > (seconds_of(stamp) or 0):
        stamp = stamp_of(written(changed_at))
    digest = blake2b(raw, digest_size=HASH_DIGITS // 2).hexdigest()
    if parts is not None:
        raw = msgspec.json.encode(parts)
    return Arrival(f"{OWN}{kind}/{number}@{f'{stamp}.' if stamp else ''}{digest}", raw)


def kept(thing: Resource) -> Resource:
    """What of a thing is content: no log-in tokens, no links to what can be asked for besides, lists in an order."""
    content: Resource = {}
    for name, value in thing.items():
        if name in _VOLATILE or (isinstance(value, str) and _LINK.fullmatch(value)):
            continue
        if name.endswith("_at") and (stamp := stamp_of(value)) is not None:
            content[name] = stamp.removesuffix("Z")
        elif name in ("phones", "groups", "tags") and isinstance(value, list):
            content[name] = sorted((kept(one) if isinstance(one, dict) else one for one in value), key=_in_order)
        else:
            content[name] = value
    return content


# ---- records ----


def read_arrival(arrival: Arrival, source: str) -> Record:
    """The record of one arrival.

    Raises:
        RecordError: with reason `unknown_type`, `bad_amount` or `unreadable`.
    """
    word = _KIND.match(arrival.id.removeprefix(OWN))
    read = _READERS.get(word[0]) if word else None
    if read is None:
        raise RecordError("actionkit: its id is none that this version gives; kept here", reason="unknown_type")
    seen = parse_object(arrival.raw) if arrival.seen is None else arrival.seen
    return read(seen, arrival.id, source)


def read_user(user: Resource, record_id: str, source: str) -> Record:
    return Record(
        id=record_id,
        kind="person",
        source=source,
        occurred_at=_stamp_in(record_id) or moment_of(user),
        person=person_of(user, number_in(record_id)),
        raw=user,
    )


def read_action(parts: Resource, record_id: str, source: str) -> Record:
    """An action and whoever took it. Also takes what the Push API sends: the same, and more around it."""
    action = part_of(parts, "action", record_id)
    kind = str(action.get("type") or _type_at(action.get("resource_uri"), "action")).lower()
    return Record(
        id=record_id,
        kind="action",
        source=source,
        occurred_at=stamp_of(action.get("created_at")) or UNSET,
        person=_who(parts, action),
        action=Action(
            type=ACTION_TYPES.get(kind, kind) or UNSET,
            page=_page_at(action.get("page"), parts.get("page")),
            fields=without_gaps(action.get("fields")),
            source_code=text_of(action, "source"),
            referrer=_referrer_of(action),
        ),
        raw=parts,
    )


def read_signup(parts: Resource, record_id: str, source: str) -> Record:
    """A seat at an event. It has states: people cancel, and staff note who came."""
    signup = part_of(parts, "signup", record_id)
    fields = without_gaps(signup.get("fields"))
    for name in ("role", "status", "attended"):
        if signup.get(name) not in ("", None):
            fields.setdefault(name, signup[name])
    return Record(
        id=record_id,
        kind="action",
        source=source,
        occurred_at=moment_of(signup),
        person=_who(parts, signup),
        action=Action(type="rsvp", page=Page(id=id_at(signup.get("event")) or UNSET, type="event"), fields=fields),
        raw=parts,
    )


def read_subscription(parts: Resource, record_id: str, source: str) -> Record:
    """Somebody was put on a list, or left it: subscribed, unsubscribed, bounced, ...

    What it means for all of their mail, the user's own status says.
    """
    change = part_of(parts, "subscriptionhistory", record_id)
    kind = parts.get("change")
    fields: Resource = {}
    if isinstance(kind, dict):
        fields = {"change": kind.get("name"), "subscribed": flag_of(kind, "subscribed")}
    fields["action"] = id_at(change.get("action"))
    return Record(
        id=record_id,
        kind="group_member",
        source=source,
        occurred_at=stamp_of(change.get("created_at")) or UNSET,
        person=_who(parts, change),
        group=Group(
            id=id_at(change.get("list")) or UNSET,
            type="list",
            fields={name: value for name, value in fields.items() if value is not None and value is not UNSET},
        ),
        raw=parts,
    )


def read_page(page: Resource, record_id: str, source: str) -> Record:
    type_ = str(page.get("type") or _type_at(page.get("resource_uri"), "page")).lower()
    shown = Page(
        id=number_in(record_id),
        title=either_of(page, "title", "name"),
        type=type_ or UNSET,
        url=text_of(page, "url"),
    )
    return _about(page, record_id, source, shown)


def read_event(event: Resource, record_id: str, source: str) -> Record:
    return _about(event, record_id, source, Page(number_in(record_id), text_of(event, "title"), "event"))


def _about(thing: Resource, record_id: str, source: str, page: Page) -> Record:
    fields = {name: value for name, value in thing.items() if name not in _SAID and value not in ("", None, [], {})}
    return Record(
        id=record_id,
        kind="page",
        source=source,
        occurred_at=moment_of(thing),
        action=Action(page=page, fields=without_gaps(thing.get("fields")) | fields),
        raw=thing,
    )


def _reads_group(type_: str) -> Callable[[Resource, str, str], Record]:
    def read(thing: Resource, record_id: str, source: str) -> Record:
        fields = {name: value for name, value in thing.items() if name not in _SAID and value not in ("", None, [])}
        return Record(
            id=record_id,
            kind="group",
            source=source,
            occurred_at=moment_of(thing),
            group=Group(id=number_in(record_id), title=text_of(thing, "name"), type=type_, fields=fields),
            raw=thing,
        )

    return read


# ---- parts ----


def part_of(parts: Resource, name: str, record_id: str) -> Resource:
    """One of the objects a record is made of. Raises RecordError: it is not there."""
    part = parts.get(name)
    if not isinstance(part, dict):
        raise RecordError(f"actionkit: reading {record_id.partition('@')[0]}: there is no {name} in what came")
    return part


def number_in(record_id: str) -> str:
    """Their number, out of the id of a record."""
    return record_id.partition("@")[0].rpartition("/")[2]


def _stamp_in(record_id: str) -> str | None:
    """When this state began: later than `updated_at` where only a phone or a field changed."""
    return stamp_of(record_id.partition("@")[2].rpartition(".")[0])


def moment_of(thing: Mapping[str, Any]) -> str | UnsetType:
    """When this state began."""
    return stamp_of(thing.get("updated_at")) or stamp_of(thing.get("created_at")) or UNSET


def _who(parts: Resource, thing: Resource) -> Person:
    """The user that came along, if it is the one the thing names."""
    number = id_at(thing.get("user"))
    user = parts.get("user")
    if isinstance(user, dict) and (number is None or user_number(user) in (None, number)):
        return person_of(user, number)
    return person_of(None, number)


def _page_at(uri: Any, page: Any = None) -> Page | UnsetType:
    """`page`: the page itself, where it was read."""
    thing = thing_at(uri)
    if thing is None:
        return UNSET
    title = either_of(page, "title", "name") if isinstance(page, dict) else UNSET
    return Page(id=thing.id, title=title, type=_type_of(thing, "page") or UNSET)


def _type_at(uri: Any, generic: str) -> str:
    thing = thing_at(uri)
    return "" if thing is None else _type_of(thing, generic)


def _type_of(thing: Thing, generic: str) -> str:
    return thing.type.removesuffix(generic)


def _referrer_of(action: Resource) -> Resource:
    """Where they came from, and what the action did to them."""
    found: Resource = {
        name: number
        for name in ("mailing", "referring_mailing", "referring_user")
        if (number := id_at(action.get(name))) is not None
    }
    for name in ("status", "created_user", "subscribed_user", "is_forwarded", "opq_id"):
        if action.get(name) not in ("", None):
            found[name] = action[name]
    return found


_READERS: Final[dict[str, Callable[[Resource, str, str], Record]]] = {
    "user": read_user,
    "action": read_action,
    "eventsignup": read_signup,
    "subscriptionhistory": read_subscription,
    "page": read_page,
    "event": read_event,
    "list": _reads_group("list"),
    "usergroup": _reads_group("usergroup"),
    "alloweduserfield": _reads_group("user_field"),
    "transaction": read_transaction,
    "refund": read_refund,
    "cancellation": read_cancellation,
}
"""By the word in the id."""
