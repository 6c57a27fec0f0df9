"""Filters as Action Network takes them: `modified_date gt '2026-05-02T11:00:09Z' and ...`.

It has `eq`, `gt` and `lt`; joining them with `and` is undocumented, and seen to work [L]. A field it does not know may
well give the whole list, so fields are checked against the collection's. How a value with an apostrophe is written
nobody has shown, so such a value is refused rather than sent and misread: look for the person another way.
"""

from datetime import UTC, datetime
from typing import Final, Literal

from msgspec import Struct

from groundswell.connectors.action_network.collections import Collection
from groundswell.connectors.action_network.hal import Resource, identifiers_of
from groundswell.errors import RejectedError

Operator = Literal["eq", "gt", "lt"]
_MOMENTS: Final = frozenset(("created_date", "modified_date", "start_date", "end_date"))


class Condition(Struct, frozen=True):
    """One comparison."""

    field: str
    operator: Operator
    value: str


def equals(field: str, value: str) -> Condition:
    """Exactly this value; names are not matched by their beginnings."""
    return Condition(field, "eq", value)


def modified_within(start_s: int | None, end_s: int | None) -> tuple[Condition, ...]:
    """`start_s <= modified < end_s`, in whole seconds since 1970; None leaves that end open.

    Both operators are strict and their stamps have whole seconds [L], so the start is asked for as after the second
    before it.
    """
    conditions = []
    if start_s is not None:
        conditions.append(Condition("modified_date", "gt", stamp(start_s - 1)))
    if end_s is not None:
        conditions.append(Condition("modified_date", "lt", stamp(end_s)))
    return tuple(conditions)


def stamp(seconds: int) -> str:
    """A moment as they write it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def written(collection: Collection, conditions: tuple[Condition, ...]) -> str:
    """The filter, before it is encoded for the URL.

    Raises:
        RejectedError: the collection cannot be filtered by this, or a value cannot be written safely.
    """
    return " and ".join(_written(collection, condition) for condition in conditions)


def can_be_written(value: str) -> bool:
    """Whether a filter can hold this value."""
    return bool(value) and "'" not in value and "\\" not in value and value.isprintable()


def contradicts(condition: Condition, resource: Resource) -> bool:
    """Whether a resource cannot have been meant: the filter was ignored, and this is simply everything there is.

    The index lags behind [L], so what it found by an older state may show a newer one: later dates contradict nothing.
    """
    field, value = condition.field, condition.value
    match field, condition.operator:
        case ("modified_date" | "created_date", "gt"):
            shown = resource.get(field)
            return isinstance(shown, str) and shown <= value
        case ("identifier", "eq"):
            return value not in identifiers_of(resource)
        case _:
            return False


def _written(collection: Collection, condition: Condition) -> str:
    if condition.field not in collection.fields:
        known = ", ".join(sorted(collection.fields)) or "nothing"
        raise RejectedError(
            f"action_network: {collection.name} cannot be filtered by {condition.field} (it can by {known})"
        )
    value = condition.value
    if not can_be_written(value):
        raise RejectedError(
            f"action_network: a filter on {condition.field} cannot hold this value (it is empty, or has an apostrophe, "
            "a backslash or a control character)"
        )
    if condition.operator != "eq" and condition.field not in _MOMENTS:
        raise RejectedError(f"action_network: {condition.field} can only be filtered by what it equals")
    return f"{condition.field} {condition.operator} '{value}'"
