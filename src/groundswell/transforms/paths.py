"""Field paths: how the configuration names one field of a record. Read once at load, then only called.

The names are flat and canonical, as staff write them: `phone`, `custom.Shirt size`, `action.page.id`,
`donation.refcodes.refcode`, and `raw.contact.email` for what came before anybody interpreted it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from operator import attrgetter
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from groundswell.record import PERSON_FIELDS, Record, Unparsed

Holds = Literal["text", "opt_in", "anything", "id", "tags", "kind", "moment", "flag", "table", "nothing"]
"""What a field holds, and so what may be written to it. "table": many values by name. "nothing": it is only read."""

Struct = Literal["record", "person", "action", "page", "donation", "group"]
"""The part of a record a field lives in; a page is part of an action."""

Get = Callable[[Record], Any]


@dataclass(frozen=True, slots=True)
class FieldPath:
    """One field: how to read it, and where and what may be written.

    `get` answers UNSET when the field is unknown and None when it is known to be empty. It never raises.
    """

    text: str
    """As written in the configuration."""
    struct: Struct
    slot: str
    """The attribute of the struct."""
    key: str | None
    """The key, where the attribute is a table such as `custom`."""
    holds: Holds
    get: Get = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.text


_TEXT_FIELDS: Final[dict[Struct, tuple[str, tuple[str, ...]]]] = {
    "action": ("action.", ("type", "source_code")),
    "page": ("action.page.", ("id", "title", "type", "url")),
    "donation": (
        "donation.",
        ("amount", "currency", "period", "order_id", "lineitem_id", "recipient"),
    ),
    "group": ("group.", ("id", "title", "type")),
}
FIELDS: Final[dict[str, tuple[Struct, str, Holds]]] = {
    **{name: ("person", name, "opt_in" if name.endswith("opt_in") else "text") for name in PERSON_FIELDS},
    **{f"{prefix}{slot}": (struct, slot, "text") for struct, (prefix, slots) in _TEXT_FIELDS.items() for slot in slots},
    "action.tags": ("action", "tags", "tags"),
    "donation.recurring": ("donation", "recurring", "flag"),
    "donation.recipients": ("donation", "recipients", "nothing"),
    "occurred_at": ("record", "occurred_at", "moment"),
    "kind": ("record", "kind", "kind"),
    "id": ("record", "id", "nothing"),
    "source": ("record", "source", "nothing"),
}
"""Every field with a fixed name."""

TABLES: Final[dict[str, tuple[Struct, str, Holds]]] = {
    "custom.": ("person", "custom", "anything"),
    "ids.": ("person", "ids", "id"),
    "action.fields.": ("action", "fields", "anything"),
    "action.referrer.": ("action", "referrer", "anything"),
    "action.sponsor.": ("action", "sponsor", "anything"),
    "donation.refcodes.": ("donation", "refcodes", "anything"),
    "donation.fields.": ("donation", "fields", "anything"),
    "group.fields.": ("group", "fields", "anything"),
}
"""Everything after one of these is a single name, which may hold dots, spaces and colons."""

_STRUCT_PATHS: Final[dict[Struct, str]] = {
    "person": "person",
    "action": "action",
    "page": "action.page",
    "donation": "donation",
    "group": "group",
}

_OTHER_NAMES: Final = {
    "address": "address1",
    "email_address": "email",
    "family_name": "last_name",
    "given_name": "first_name",
    "language_spoken": "language",
    "locality": "city",
    "mobile_phone": "phone",
    "opt_in": "sms_opt_in",
    "phone_number": "phone",
    "postal_code": "zip",
    "province": "state",
    "region": "state",
    "zip_code": "zip",
    "zipcode": "zip",
}
"""What vendors call our fields, for "did you mean"."""

_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})
_RAW_SEGMENT: Final = re.compile(r'"(?P<quoted>[^"]+)"|(?P<plain>[^."]+)')


def parse_path(text: str) -> FieldPath:
    """The field a path names.

    Raises:
        ValueError: no field has this name; the message says what was perhaps meant.
    """
    if text in FIELDS:
        struct, slot, holds = FIELDS[text]
        return FieldPath(text, struct, slot, None, holds, _slot_getter(struct, slot))
    for prefix, (struct, table, holds) in TABLES.items():
        if text.startswith(prefix) and text != prefix:
            key = text.removeprefix(prefix)
            return FieldPath(text, struct, table, key, holds, _key_getter(struct, table, key))
    if text.startswith("raw."):
        return FieldPath(text, "record", "raw", text, "nothing", _raw_getter(text))
    raise ValueError(_unknown(text))


def parse_target(text: str) -> FieldPath:
    """The field a path names, which must be one a transform may write. Raises ValueError."""
    path = parse_path(text)
    if path.holds == "nothing":
        raise ValueError(f'"{text}" can only be read; write to another field, such as "custom.{path.slot}"')
    return path


def parse_table(text: str) -> FieldPath | None:
    """The whole table that `custom.*` (or `action.fields.*` and so on) names; None when it is no such name."""
    prefix = text.removesuffix("*")
    if prefix == text or prefix not in TABLES:
        return None
    struct, table, _ = TABLES[prefix]
    return FieldPath(text, struct, table, None, "table", _slot_getter(struct, table))


def _slot_getter(struct: Struct, slot: str) -> Get:
    """Reads an attribute. UNSET has no attributes of ours, so a part that is unknown reads as unknown."""
    if struct == "record":
        return attrgetter(slot)
    if struct == "page":
        return lambda record: getattr(getattr(record.action, "page", UNSET), slot, UNSET)
    if struct == "person":  # the hot one
        return lambda record: getattr(record.person, slot, UNSET)
    part = attrgetter(struct)
    return lambda record: getattr(part(record), slot, UNSET)


def _key_getter(struct: Struct, table: str, key: str) -> Get:
    if struct == "person":
        return lambda record: getattr(record.person, table, _EMPTY).get(key, UNSET)
    part = attrgetter(struct)
    return lambda record: getattr(part(record), table, _EMPTY).get(key, UNSET)


def _raw_getter(text: str) -> Get:
    """Reads the original JSON. It may hold "", which a record never does: that reads as None, known to be empty."""
    steps = tuple(_raw_steps(text))

    def get(record: Record) -> Any:
        found = record.raw
        if type(found) is Unparsed:
            found = found.seen
        try:
            for name, index in steps:
                found = found[name] if index is None or type(found) is not list else found[index]
        except (KeyError, IndexError, TypeError):  # not there, or nothing one can look into
            return UNSET
        return None if found == "" else found

    return get


def _raw_steps(text: str) -> list[tuple[str, int | None]]:
    """The steps of `raw.phones.0."a.b"`: each a name, with the list index it can also be."""
    steps: list[tuple[str, int | None]] = []
    position = len("raw")
    while position < len(text):
        match = _RAW_SEGMENT.match(text, position + 1) if text[position] == "." else None
        if match is None:
            raise ValueError(
                f'"{text}" cannot be read from character {position + 1} on; separate names by single dots, and put a '
                'name that holds dots in double quotes, such as raw."a.b".c'
            )
        name = match["quoted"] or match["plain"]
        is_index = match["plain"] is not None and name.isascii() and name.isdecimal() and len(name) <= 9
        steps.append((name, int(name) if is_index else None))
        position = match.end()
    return steps


def _unknown(text: str) -> str:
    if not text.strip("."):
        return 'a field needs a name, such as "email" or "custom.Shirt size"'
    for struct, name in _STRUCT_PATHS.items():
        if text in (name, f"{name}."):
            inside = [path for path, (owner, *_) in FIELDS.items() if owner == struct]
            inside += [f"{prefix}name" for prefix, (owner, *_) in TABLES.items() if owner == struct]
            return f'"{text}" is not one field; name one in it: {", ".join(inside)}'
    if f"{text}." in TABLES or text in TABLES or text in ("raw", "raw."):
        return f'"{text}" is not one field; name one in it, such as "{text.rstrip(".")}.name"'
    meant = _meant(text.removeprefix("person."))
    if meant:
        return f'there is no field "{text}"; did you mean "{meant}"?'
    return f'there is no field "{text}"; a custom field is written "custom.{text}", one as it came "raw.{text}"'


def _meant(text: str) -> str | None:
    """The field somebody who wrote `text` most likely wanted: another case, another prefix, a vendor's name, a typo."""
    plain = text.lower().replace(" ", "_").replace("-", "_")
    if exact := _ending_in(plain):
        return exact
    for prefix in (*TABLES, "raw."):
        *head, rest = text.split(".", prefix.count("."))
        if head and rest and get_close_matches(".".join([*head, ""]).lower(), [prefix], cutoff=0.8):
            return prefix + rest
    if alike := _ending_in(plain.rpartition(".")[2]) or next(iter(get_close_matches(plain, FIELDS, cutoff=0.7)), None):
        return alike
    part, _, rest = text.partition(".")
    return f"{part}.fields.{rest}" if rest and part in ("action", "donation") else None


def _ending_in(name: str) -> str | None:
    """The one field of this name, whatever comes before it."""
    name = _OTHER_NAMES.get(name, name)
    if name in FIELDS:
        return name
    alike = [path for path in FIELDS if path.endswith(f".{name}")]
    return alike[0] if len(alike) == 1 else None


def _as(parse: Callable[[str], FieldPath]) -> BeforeValidator:
    def read(value: Any) -> Any:
        if isinstance(value, FieldPath):
            return value
        if isinstance(value, str):
            return parse(value)
        raise ValueError('is not a field; write its name in quotes, such as "email" or "custom.Shirt size"')

    return BeforeValidator(read)


_SCHEMA: Final = WithJsonSchema({"type": "string", "examples": ["email", "custom.Shirt size", "action.page.id"]})

SourcePath = Annotated[FieldPath, _as(parse_path), PlainSerializer(str), _SCHEMA]
"""A setting that names a field to read."""

TargetPath = Annotated[FieldPath, _as(parse_target), PlainSerializer(str), _SCHEMA]
"""A setting that names a field to write."""
