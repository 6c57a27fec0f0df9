"""What the settings name of a record: `custom.Shirt size`, `action.fields.comments`, and how it is written there."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET
from pydantic import AfterValidator

from groundswell.record import PERSON_FIELDS, Action, Donation, Page, Person, Record

Texts = str | list[str]
"""One value, or several of one name."""
_OF_RECORD: Final = ("id", "kind", "source", "occurred_at")
_OF_ACTION: Final = ("type", "source_code")
_OF_PAGE: Final = ("id", "title", "type", "url")
_OF_DONATION: Final = ("amount", "currency", "recurring", "period", "order_id", "lineitem_id", "recipient")
_TABLES: Final = ("custom.", "ids.", "action.fields.", "action.referrer.", "donation.refcodes.", "donation.fields.")
_FIXED: Final = frozenset(
    (
        *_OF_RECORD,
        *PERSON_FIELDS,
        *(f"action.{name}" for name in _OF_ACTION),
        *(f"action.page.{name}" for name in _OF_PAGE),
        *(f"donation.{name}" for name in _OF_DONATION),
    )
)
_NO_NAME: Final = re.compile(r"[^a-z0-9]+")
_DEPTH_MAX: Final = 4


def _check_path(path: str) -> str:
    if path in _FIXED or any(path.startswith(table) and len(path) > len(table) for table in _TABLES):
        return path
    raise ValueError(
        f'names "{path}", which is nothing of a record; there is {", ".join(PERSON_FIELDS)}, custom.NAME, ids.VENDOR, '
        "action.type, action.source_code, action.page.id, action.fields.NAME, action.referrer.NAME, "
        "donation.recipient, donation.refcodes.NAME, donation.fields.NAME, id, kind, source and occurred_at"
    )


Path = Annotated[str, AfterValidator(_check_path)]


def value_at(record: Record, path: str) -> Any:
    """What stands there; UNSET where it is not known."""
    person = record.person if isinstance(record.person, Person) else Person()
    action = record.action if isinstance(record.action, Action) else Action()
    if path in _OF_RECORD:
        return getattr(record, path)
    if path in PERSON_FIELDS:
        return getattr(person, path)
    donation = record.donation if isinstance(record.donation, Donation) else Donation()
    tables: dict[str, Mapping[str, Any]] = {
        "custom.": person.custom,
        "ids.": person.ids,
        "action.fields.": action.fields,
        "action.referrer.": action.referrer,
        "donation.refcodes.": donation.refcodes,
        "donation.fields.": donation.fields,
    }
    for prefix, table in tables.items():
        if path.startswith(prefix):
            return table.get(path.removeprefix(prefix), UNSET)
    if path.startswith("donation."):
        return getattr(donation, path.removeprefix("donation."))
    name = path.removeprefix("action.")
    page = action.page if isinstance(action.page, Page) else Page()
    return getattr(page, name.removeprefix("page.")) if name.startswith("page.") else getattr(action, name)


def texts_of(value: Any) -> Texts | None:
    """A value as they keep it: a text, or a list of texts. None for what says nothing.

    What is nested is mangled there (C), so it goes as one text of JSON.
    """
    if isinstance(value, list | tuple):
        texts = [text for one in value if (text := _text(one)) is not None]
        return texts or None
    return _text(value)


def _text(value: Any) -> str | None:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value.strip() or None
        case int() | float():
            return str(value)
        case list() | dict() if value:
            return msgspec.json.encode(value).decode()
        case _:
            return None


def flattened(fields: Mapping[str, Any]) -> dict[str, Texts]:
    """Free fields by names of theirs: small letters, digits and underscores; what is nested by the names above it.

    Two names that become one have both values.
    """
    found: dict[str, Texts] = {}
    for name, value in _leaves("", fields, _DEPTH_MAX):
        texts = texts_of(value)
        if not name or texts is None:
            continue
        before = found.get(name)
        found[name] = texts if before is None else [*_many(before), *_many(texts)]
    return found


def plain_name(name: str) -> str:
    return _NO_NAME.sub("_", name.lower()).strip("_")


def _leaves(prefix: str, fields: Mapping[str, Any], depth: int) -> list[tuple[str, Any]]:
    leaves: list[tuple[str, Any]] = []
    for name, value in fields.items():
        whole = "_".join(part for part in (prefix, plain_name(name)) if part)
        if isinstance(value, dict) and depth > 1:
            leaves += _leaves(whole, value, depth - 1)
        else:
            leaves.append((whole, value))
    return leaves


def _many(texts: Texts) -> list[str]:
    return [texts] if isinstance(texts, str) else texts
