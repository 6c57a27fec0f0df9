"""What a sync wants written about one person: read from a delivery, and held against what is there."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import UNSET, Struct

from groundswell.component import Delivery
from groundswell.connectors.common.canonical import CUSTOM, text_of
from groundswell.members.opt_in import OPT_IN, WORDS
from groundswell.members.values import is_same
from groundswell.record import Action, Person, from_json

CREATE: Final = "create"
"""Of an action: somebody who is to be made."""
EXPECTED: Final = "expected "
"""With a field after it, in an action: all that may be there if the field is to be written."""
FORMER: Final = "former "
"""Likewise: what was seen there last."""
_NO_VALUES: Final = frozenset(("custom", "ids", "phone", "email_opt_in", OPT_IN))


class Wish(Struct, frozen=True):
    """One delivery of a sync."""

    record_id: str
    person: Person
    is_new: bool
    """Whether somebody is to be made."""
    values: dict[str, str | None]
    """By canonical name; OPT_IN is "true" or "false"."""
    _fields: Mapping[str, Any]
    """Of the action."""

    def due(self, there: Callable[[str], str | None]) -> dict[str, str | None]:
        """What is to be written: neither what is there already, nor over what nobody expected there."""
        due = {}
        for field, value in self.values.items():
            now = there(field)
            if is_same(field, now, value):
                continue
            expected = self._fields.get(f"{EXPECTED}{field}")
            if expected is not None and not any(is_same(field, now, one) for one in expected):
                continue  # edited meanwhile: the next reading brings it
            due[field] = value
        return due

    def former(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """What was there before, of these fields."""
        former = {field: f"{FORMER}{field}" for field in fields}
        return {field: self._fields[name] for field, name in former.items() if name in self._fields}


def wish_of(delivery: Delivery) -> Wish:
    record = from_json(delivery.body)
    person = record.person if isinstance(record.person, Person) else Person()
    action = record.action if isinstance(record.action, Action) else Action()
    values: dict[str, str | None] = {
        name: value
        for name in Person.__struct_fields__
        if name not in _NO_VALUES and (value := getattr(person, name)) is not UNSET
    }
    values |= {f"{CUSTOM}{name}": text_of(value) for name, value in person.custom.items()}
    if isinstance(person.sms_opt_in, bool):
        values[OPT_IN] = WORDS["yes" if person.sms_opt_in else "no"]
    return Wish(record.id, person, action.type == CREATE, values, action.fields)
