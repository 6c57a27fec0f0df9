"""Several changes of one record, written at once: each part of the record is rebuilt once, not once per field."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from groundswell.record import Action, Donation, Page, Person, Record
from groundswell.transforms.paths import FieldPath, Struct

KEEP: Final[Any] = object()
"""In the place of a value: leave this field as it is."""


class Writer:
    """Writes values to the same fields of record after record. The fields are sorted into parts once, here.

    A table in `cleared` (a path such as `custom.*`) is emptied before anything is written to it.
    """

    def __init__(self, targets: Sequence[FieldPath], cleared: Iterable[FieldPath] = ()) -> None:
        self._root = _Part("record", targets, tuple(cleared))

    def write(self, record: Record, values: Sequence[Any]) -> Record:
        """The record with `values[i]` in `targets[i]`: UNSET makes a field unknown, KEEP leaves it.

        Records are never changed in place; the same object comes back when nothing would change.
        """
        changed: Record = self._root.changed(record, values)
        return changed


class _Part:
    """The changes within one struct of the record, and the structs inside it."""

    writes: bool
    """Whether there is anything to write."""

    def __init__(self, struct: Struct, targets: Sequence[FieldPath], cleared: tuple[FieldPath, ...]) -> None:
        mine = [(index, target) for index, target in enumerate(targets) if target.struct == struct]
        self._new = _STRUCTS[struct]
        self._slots = tuple((target.slot, index) for index, target in mine if target.key is None)
        self._tables = tuple(
            (
                table,
                tuple((target.key, index) for index, target in mine if target.slot == table and target.key is not None),
                any((path.struct, path.slot) == (struct, table) for path in cleared),
            )
            for table in dict.fromkeys(
                [t.slot for _, t in mine if t.key is not None] + [p.slot for p in cleared if p.struct == struct]
            )
        )
        inner = [(slot, _Part(name, targets, cleared)) for slot, name in _INSIDE.get(struct, ())]
        self._parts = tuple((slot, part) for slot, part in inner if part.writes)
        self.writes = bool(self._slots or self._tables or self._parts)

    def changed(self, old: Any, values: Sequence[Any]) -> Any:
        """`old` (UNSET while nothing is known) with the values in place; `old` itself when nothing changes."""
        changes: dict[str, Any] = {}
        for slot, index in self._slots:
            value = values[index]
            if value is KEEP:
                continue
            before = getattr(old, slot, UNSET)
            # The common case, text, is told without a call.
            if value is not before and (value != before if type(value) is str else not _is_same(value, before)):
                changes[slot] = value
        for table, keys, is_cleared in self._tables:
            table_before = getattr(old, table, _EMPTY)
            table_after = _rewritten(table_before, keys, is_cleared, values)
            if table_after is not table_before:
                changes[table] = table_after
        for slot, part in self._parts:
            inside = getattr(old, slot, UNSET)
            rebuilt = part.changed(inside, values)
            if rebuilt is not inside:
                changes[slot] = rebuilt
        if not changes:
            return old
        return self._new(**changes) if old is UNSET else replace(old, **changes)


_STRUCTS: Final[dict[Struct, type[msgspec.Struct]]] = {
    "record": Record,
    "person": Person,
    "action": Action,
    "page": Page,
    "donation": Donation,
}
_INSIDE: Final[dict[Struct, tuple[tuple[str, Struct], ...]]] = {
    "record": (("person", "person"), ("action", "action"), ("donation", "donation")),
    "action": (("page", "page"),),
}
_EMPTY: Final[dict[str, Any]] = {}


def _rewritten(
    before: dict[str, Any], keys: Iterable[tuple[str, int]], is_cleared: bool, values: Sequence[Any]
) -> dict[str, Any]:
    """A table with the values in place; `before` itself when nothing changes."""
    after = {} if is_cleared else before
    for key, index in keys:
        value = values[index]
        if value is KEEP or _is_same(value, after.get(key, UNSET)):
            continue
        if after is before:
            after = before.copy()
        if value is UNSET:
            del after[key]
        else:
            after[key] = value
    return before if is_cleared and _is_same(after, before) else after


def _is_same(one: Any, other: Any) -> bool:
    """Equal and of one type all the way down: to Python 1, 1.0 and True are equal, in JSON they are not."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if type(one) is dict or type(one) is list:
        return _is_same_inside(one, other)
    return bool(one == other)


def _is_same_inside(one: Any, other: Any) -> bool:
    """The same for lists and objects. Keeps its own stack: senders nest as deep as they like, Python does not."""
    pairs = [(one, other)]
    while pairs:
        left, right = pairs.pop()
        if type(left) is not type(right):
            return False
        if type(left) is dict:
            if left.keys() != right.keys():
                return False
            pairs.extend((value, right[key]) for key, value in left.items())
        elif type(left) is list:
            if len(left) != len(right):
                return False
            pairs.extend(zip(left, right, strict=True))
        elif left != right:
            return False
    return True
