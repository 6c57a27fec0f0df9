"""A canonical record to the parameters of `POST /action/`, by the names of ActionKit's page on action processing (D).

Nobody is subscribed by accident: any action subscribes, again if need be, unless `suppress_subscribe` says otherwise
(C), so it always does, but for records whose person said yes to email and whose kind is meant to subscribe.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from msgspec import Struct
from pydantic import AfterValidator

from groundswell.connectors.actionkit.times import seconds_of, written
from groundswell.connectors.actionkit.writing.address import ADDRESS, placed
from groundswell.connectors.actionkit.writing.ours import KEY_FIELD
from groundswell.connectors.actionkit.writing.paths import Texts, flattened, texts_of, value_at
from groundswell.record import Action, Person, Record

PhoneType = Literal["mobile", "home", "work", "home_fax", "work_fax", "emergency"]
"""(D)"""
NAMES: Final = ("prefix", "first_name", "middle_name", "last_name", "suffix", "name")
PHONES: Final = tuple(f"{kind}_phone" for kind in ("home", "work", "mobile", "home_fax", "work_fax", "emergency"))
REFERRAL: Final = ("referring_akid", "mailing_id", "taf_note", "taf_subject", "taf_emails", "opq_id")
OWNED: Final = ("first_name", "last_name", "phone", *ADDRESS)
"""What of a person can be written there, besides custom fields. An email is who somebody is there: never changed."""
MAPPABLE: Final = frozenset(
    (*NAMES, *PHONES, *REFERRAL, "akid", "plus4", "region", "postal", "phone", "phone_type", "lang", "source",
     "created_at", "role", "status")
)  # fmt: skip
"""What a setting may fill from anywhere in a record, besides `event_...`. Not what decides who is subscribed."""
SUPPRESSED: Final = {"suppress_subscribe": 1}
_EVENT: Final = re.compile(r"event_[a-z0-9_]+")
_FIELD: Final = re.compile(r"[a-z0-9_]{1,100}")
_AKID: Final = re.compile(r"[0-9]*\.([0-9]{1,17})\.[A-Za-z0-9_-]+")


def _check_parameter(name: str) -> str:
    if name not in MAPPABLE and not _EVENT.fullmatch(name):
        raise ValueError(
            f'"{name}" is no parameter that can be filled; there is {", ".join(sorted(MAPPABLE))}, event_*'
        )
    return name


def _check_field(name: str) -> str:
    if not _FIELD.fullmatch(name) or name == "id":
        raise ValueError(f'"{name}" is no name of a field; write small letters, digits and underscores, without prefix')
    return name


def _check_owned(fields: list[str]) -> list[str]:
    for name in fields:
        if name not in OWNED:
            raise ValueError(f'names "{name}"; there is {", ".join(OWNED)}; custom fields go into user_fields')
    return fields


ParameterName = Annotated[str, AfterValidator(_check_parameter)]
FieldName = Annotated[str, AfterValidator(_check_field)]
OwnedFields = Annotated[list[str], AfterValidator(_check_owned)]
"""In settings: the canonical names of the fields that are ours to write."""


class Rules(Struct, frozen=True):
    """What the settings say about every action."""

    fields: Sequence[str] = OWNED
    """Canonical names of what is sent of a person: whatever is sent overwrites (I)."""
    phone_type: PhoneType = "mobile"
    country: str = "US"
    user_fields: Mapping[str, str] = {}
    """Name there, without `user_`, to the path in the record."""
    action_fields: Mapping[str, str] = {}
    """Name there, without `action_`, to the path in the record."""
    has_all_fields: bool = True
    """Whether every field of the record's action goes along."""
    parameters: Mapping[str, str] = {}
    source: str | None = None
    subscribing: Sequence[str] = ()
    """Kinds of records whose yes to email subscribes."""
    lists: Sequence[int] = ()
    """Instead of the list of the page."""
    required: Sequence[str] = ()
    skips_confirmation: bool = True
    key_field: str = KEY_FIELD


class Parameters(Struct, frozen=True):
    """The body of an action, but for who does it: `email` or `akid`."""

    body: dict[str, Any]
    user_fields: list[str]
    """Names of the custom user fields in it."""
    left_out: dict[str, str]
    """What cannot be said there, and why, in words without the value."""


def parameters_of(record: Record, page: str, key: str, rules: Rules) -> Parameters:
    """The action a record is on a page. What is not known, or known to be empty, is not sent: a blank would erase."""
    person = record.person if isinstance(record.person, Person) else Person()
    known = known_of(person, rules.fields)
    address = placed({name: known[name] for name in ADDRESS if name in known}, rules.country)
    own = {name: texts for name, path in rules.user_fields.items() if (texts := _texts_at(record, path)) is not None}
    body: dict[str, Any] = {
        "page": page,
        **{name: known[name] for name in ("first_name", "last_name") if name in known},
        **address.values,
        **({f"{rules.phone_type}_phone": known["phone"]} if "phone" in known else {}),
        **_parameters(record, rules),
        **{f"user_{name}": texts for name, texts in own.items()},
        **{f"action_{name}": texts for name, texts in _action_fields(record, rules).items()},
        f"action_{rules.key_field}": key,
    }
    if rules.required:
        body["required"] = list(rules.required)
    if rules.skips_confirmation:
        body["skip_confirmation"] = 1
    return Parameters(body | _subscription(record, person, rules), list(own), address.left_out)


def suppressed(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same action, which puts nobody on a list."""
    return {name: value for name, value in body.items() if name not in ("lists", "opt_in")} | SUPPRESSED


def email_of(person: Person) -> str | None:
    """As they keep it: the key of a user is the address in small letters."""
    email = person.email.strip().lower() if isinstance(person.email, str) else ""
    return email or None


def known_of(person: Person, names: Sequence[str]) -> dict[str, str]:
    """What of these is known of somebody, and not empty: one line each, without blanks around."""
    values = {name: getattr(person, name) for name in names}
    return {name: " ".join(value.split()) for name, value in values.items() if isinstance(value, str) and value.strip()}


def user_id_of(person: Person) -> int | None:
    """Their number for somebody who was read there."""
    number = person.ids.get("actionkit", "")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 18 else None


def user_in(akid: str) -> int | None:
    """Whose token this is: the number in the middle of ".7001.AbC-_9" (C)."""
    match = _AKID.fullmatch(akid)
    return int(match[1]) if match is not None else None


def _subscription(record: Record, person: Person, rules: Rules) -> dict[str, Any]:
    if record.kind not in rules.subscribing or person.email_opt_in is not True:
        return SUPPRESSED
    return {"lists": list(rules.lists), "opt_in": 1} if rules.lists else {}


def _parameters(record: Record, rules: Rules) -> dict[str, Any]:
    """`source`, and what the settings fill."""
    action = record.action if isinstance(record.action, Action) else Action()
    source = action.source_code if isinstance(action.source_code, str) else rules.source
    found: dict[str, Any] = {"source": source}
    for name, path in rules.parameters.items():
        texts = _texts_at(record, path)
        if texts is not None:
            found[name] = _moment(texts) if name == "created_at" else texts
    return {name: value for name, value in found.items() if value is not None}


def _moment(texts: Texts) -> str | None:
    """Naive UTC: some of their endpoints choke on a zone (C)."""
    seconds = seconds_of(texts)
    return None if seconds is None else written(seconds)


def _action_fields(record: Record, rules: Rules) -> dict[str, Texts]:
    action = record.action if isinstance(record.action, Action) else Action()
    free = flattened(action.fields) if rules.has_all_fields else {}
    named = {name: texts for name, path in rules.action_fields.items() if (texts := _texts_at(record, path))}
    return {name: texts for name, texts in (free | named).items() if name != rules.key_field}


def _texts_at(record: Record, path: str) -> Texts | None:
    return texts_of(value_at(record, path))
