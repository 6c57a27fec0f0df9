"""The record: one thing that happened, or one state of a person, in the words of the field.

A field that is absent (`UNSET`) is unknown; a field that is None is known to be empty. "" never occurs.
Every vendor's own names (`given_name`, `postal_code`) stop at the connector that made the record.

Records are msgspec structs: frozen, compact, and as fast to write as JSON in C can be
(see docs/decisions/0003-msgspec.md).
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeVar, get_args

import msgspec
from msgspec import UNSET, Struct, UnsetType

Kind = Literal["person", "action", "donation", "refund", "cancellation", "page", "group", "group_member"]
KINDS: Final[tuple[str, ...]] = get_args(Kind)

Text = str | None | UnsetType
"""A text field: a string, None (known to be empty), or UNSET (unknown)."""

S = TypeVar("S", bound=Struct)

OptIn = bool | str | None | UnsetType
"""True, False, or UNSET (unknown). A string is the raw word before `normalise_opt_in` has read it."""


class Person(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Who a record is about, as far as this record says. `phone` is E.164 once `normalise_phone` has seen it."""

    first_name: Text = UNSET
    last_name: Text = UNSET
    email: Text = UNSET
    phone: Text = UNSET
    address1: Text = UNSET
    address2: Text = UNSET
    city: Text = UNSET
    state: Text = UNSET
    zip: Text = UNSET
    country: Text = UNSET
    language: Text = UNSET
    sms_opt_in: OptIn = UNSET
    email_opt_in: OptIn = UNSET
    custom: dict[str, Any] = {}
    ids: dict[str, str] = {}
    """Who this is at each vendor: {"action_network": "5a1f0c9e-..."}."""


PERSON_FIELDS: Final[tuple[str, ...]] = tuple(f for f in Person.__struct_fields__ if f not in ("custom", "ids"))
"""The canonical person fields, flat, in the order staff know them."""


class Page(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The page (petition, event, form, ...) an action was taken on."""

    id: Text = UNSET
    title: Text = UNSET
    type: Text = UNSET
    url: Text = UNSET


class Action(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What somebody did: `type` is signature, submission, rsvp, letter, call, survey_response, signup or donation."""

    type: Text = UNSET
    page: Page | UnsetType = UNSET
    fields: dict[str, Any] = {}
    tags: list[str] = []
    source_code: Text = UNSET
    referrer: dict[str, Any] = {}
    """Everything else the vendor says about where the person came from."""
    sponsor: dict[str, Any] = {}
    """The group it happened at, {"title", "url"}, when the vendor names it."""


class Donation(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Money given. Amounts are decimal strings ("25.00"), never floats."""

    amount: Text = UNSET
    currency: Text = UNSET
    recurring: bool | UnsetType | None = UNSET
    period: Text = UNSET
    order_id: Text = UNSET
    lineitem_id: Text = UNSET
    recipient: Text = UNSET
    recipients: list[dict[str, Any]] = []
    refcodes: dict[str, Any] = {}
    fields: dict[str, Any] = {}


class Group(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What people are put into: `type` is tag, list, query, ... A `group_member` record also has a person."""

    id: Text = UNSET
    title: Text = UNSET
    type: Text = UNSET
    fields: dict[str, Any] = {}
    """Everything else the vendor says about it."""


class Unparsed:
    """What came, as JSON, parsed when somebody looks."""

    __slots__ = ("_json", "_seen")

    def __init__(self, json: bytes) -> None:
        self._json: bytes | None = json
        self._seen: Any = None

    @property
    def seen(self) -> Any:
        if self._json is not None:
            self._seen, self._json = msgspec.json.decode(self._json), None
        return self._seen

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unparsed) and bool(self.seen == other.seen)

    __hash__ = None  # type: ignore[assignment] # equal by what it holds, as parsed JSON is


class Record(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One record. `id` is made from what the vendor numbers, so the same thing seen twice has one id.

    Ids: `action_network:signature/UUID` for what happens once; `action_network:person/UUID@STAMP.HASH` for what
    has states (people, pages, groups). A record of kind "page" says what it knows in `action`: the page, its fields.
    `occurred_at` is RFC 3339 in UTC, whole seconds: "2026-05-02T11:00:09Z".
    """

    id: str
    kind: Kind
    source: str
    """The name of the source component that accepted it."""
    occurred_at: Text = UNSET
    person: Person | UnsetType = UNSET
    action: Action | UnsetType = UNSET
    donation: Donation | UnsetType = UNSET
    group: Group | UnsetType = UNSET
    raw: Any = UNSET
    """What came, as the vendor sent it: parsed, or `Unparsed`. Transforms may read it; it is never delivered."""


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Record)


def to_json(record: Record) -> bytes:
    """The record as sinks write it: one line of JSON, unknown fields absent, without `raw`."""
    if record.raw is not UNSET:
        record = msgspec.structs.replace(record, raw=UNSET)
    return _encoder.encode(record)


def from_json(body: bytes | str) -> Record:
    """A record from its JSON. Raises what is in UNREADABLE; `fault_in` says what is wrong without what stands there."""
    return _decoder.decode(body)


UNREADABLE: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
_QUOTED: Final = re.compile(r"`[^`]*`|'[^']*'")
_HARMLESS: Final = re.compile(r"`([a-z][a-z0-9_]{0,30}|\$[a-z0-9_.\[\]]*)`")
"""In the words of msgspec: a field or a type that looks like one, a path. All else that it quotes, somebody wrote."""


def fault_in(exc: Exception) -> str:
    """Why something is no record, in words that name the place and never what stands there. `exc`: of UNREADABLE."""
    if isinstance(exc, msgspec.ValidationError):
        words = _QUOTED.sub(lambda part: part[0] if _HARMLESS.fullmatch(part[0]) else "(left out here)", str(exc))
        return f"{words[:1].lower()}{words[1:]}"
    where = re.search(r"\(byte \d+\)", str(exc))
    return f"not JSON{f' {where[0]}' if where else ''}"


def about_one(records: Iterable[Record]) -> list[Record]:
    """Those of these records of one lane, from the first on, that are about one person; no more of them are read.

    A family may share a phone, and two people an email: where a vendor numbers two of them differently, they are two,
    and where none numbers both, different emails are two people.
    """
    ids: dict[str, str] = {}
    email: str | None = None
    taken: list[Record] = []
    for record in records:
        person = record.person if isinstance(record.person, Person) else Person()
        common = ids.keys() & person.ids.keys()
        theirs = person.email.casefold() if isinstance(person.email, str) else None
        if any(ids[vendor] != person.ids[vendor] for vendor in common):
            break
        if not common and email is not None and theirs is not None and theirs != email:
            break
        ids |= person.ids
        email = theirs or email
        taken.append(record)
    return taken


def merged(records: Sequence[Record]) -> Record:
    """One person record out of several, oldest first: later values win, what a later one does not know stays.

    Custom fields are merged name by name; tags and other lists keep everything that was in any of them.
    """
    person = _layered(Person, [record.person for record in records])
    action = _layered(Action, [record.action for record in records])
    return msgspec.structs.replace(records[-1], person=person, action=action)


def _layered(of: type[S], layers: Sequence[S | UnsetType]) -> S | UnsetType:
    given = [layer for layer in layers if isinstance(layer, of)]
    known: dict[str, Any] = {}
    for layer in given:
        for name in of.__struct_fields__:
            value = getattr(layer, name)
            if isinstance(value, dict):
                known[name] = {**known.get(name, {}), **value}
            elif isinstance(value, list):
                before = known.get(name, [])
                known[name] = before + [entry for entry in value if entry not in before]
            elif value is not UNSET:
                known[name] = value
    return of(**known) if given else UNSET


def lane_of(record: Record) -> str:
    """Whose turn this is: phone, else email, else vendor id, else the record. One lane stays in order."""
    person = record.person
    if isinstance(person, Person):
        if isinstance(person.phone, str):
            return person.phone
        if isinstance(person.email, str):
            return person.email.lower()
        for vendor, number in person.ids.items():
            return f"{vendor}:{number}"
    return record.id


def seconds_of(stamp: Text) -> float | None:
    """When that was, in seconds since 1970: a moment as records carry it. None where there is none, or it is none."""
    if not isinstance(stamp, str):
        return None
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (ValueError, OverflowError):
        return None


def utc_stamp(moment: datetime) -> str:
    """A moment as records carry it: RFC 3339, UTC, whole seconds. A naive moment is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
