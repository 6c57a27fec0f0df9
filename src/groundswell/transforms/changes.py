"""Changes of records. They are frozen: a change makes a new record, its parts rebuilt once each, not once per field."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from groundswell.record import Action, Donation, Group, Page, Person, Record
from groundswell.transforms.paths import FieldPath, Get, Holds, Struct

KEEP: Final[Any] = object()
"""In the place of a value: leave the field as it is."""


class Change(NamedTuple):
    """One field that is written, record after record."""

    target: FieldPath
    get: Get
    """Reads what to write."""
    fit: Callable[[Any], Any]
    """Makes what was read something the field can hold. Text is not asked about where any text will do."""
    otherwise: Any = KEEP
    """What is written when `get` answers UNSET: KEEP, or what stands for unknown."""


class Writer:
    """Makes the same changes to record after record. They are sorted by part of the record once, here.

    A table in `cleared` (a path such as `custom.*`) is emptied before anything is written to it.
    """

    def __init__(self, changes: Sequence[Change], cleared: Sequence[FieldPath] = ()) -> None:
        self._root = _Part("record", changes, cleared)

    def write(self, record: Record) -> Record:
        """The record changed; the same object when nothing changes. Everything is read before anything is written."""
        changed: Record = self._root.changed(record, record)
        return changed


Set = Callable[[Record, Any], Record]


def setter(target: FieldPath) -> Set:
    """Writes one value to one field, for transforms that seldom change more: (record, value) -> record.

    UNSET makes the field unknown. A part of the record that is not there yet is made.
    """
    slot, key = target.slot, target.key
    if target.struct == "person" and key is None:
        return lambda record, value: replace(record, person=replace(record.person or Person(), **{slot: value}))
    owners = _OWNERS[target.struct]

    def write(record: Record, value: Any) -> Record:
        parts: list[Any] = [record]
        for name, struct in owners:
            part = getattr(parts[-1], name)
            parts.append(struct() if part is UNSET else part)
        if key is not None:
            value = _rewritten(getattr(parts[-1], slot), {key: value}, can_remove=value is UNSET)
        changed: Any = replace(parts.pop(), **{slot: value})
        for name, _ in reversed(owners):
            changed = replace(parts.pop(), **{name: changed})
        written: Record = changed
        return written

    return write


_OWNERS: Final[dict[Struct, tuple[tuple[str, type[msgspec.Struct]], ...]]] = {
    "record": (),
    "person": (("person", Person),),
    "action": (("action", Action),),
    "page": (("action", Action), ("page", Page)),
    "donation": (("donation", Donation),),
    "group": (("group", Group),),
}
"""The way from a record to each of its parts."""

_TAKES_TEXT: Final[frozenset[Holds]] = frozenset({"text", "id", "opt_in", "anything"})
"""What holds any text that is not empty just as it is."""


class _Part:
    """The changes within one struct of the record, and in the structs inside it."""

    def __init__(self, struct: Struct, changes: Sequence[Change], cleared: Sequence[FieldPath]) -> None:
        way = _OWNERS[struct]
        self._new = way[-1][1] if way else Record
        self._blank = self._new() if way else UNSET
        mine = [change for change in changes if change.target.struct == struct]
        emptied = {path.slot for path in cleared if path.struct == struct}
        by_table: dict[str, list[Change]] = {table: [] for table in emptied}
        for change in mine:
            if change.target.key is not None:
                by_table.setdefault(change.target.slot, []).append(change)
        self._slots = _steps(change for change in mine if change.target.key is None)
        self._tables = tuple(
            (table, table in emptied, any(map(_can_remove, its_changes)), _steps(its_changes))
            for table, its_changes in by_table.items()
        )
        inside = [(owners[-1][0], name) for name, owners in _OWNERS.items() if owners and owners[:-1] == way]
        parts = [(slot, _Part(name, changes, cleared)) for slot, name in inside]
        self._parts = tuple((slot, part) for slot, part in parts if part.has_changes)

    @property
    def has_changes(self) -> bool:
        return bool(self._slots or self._tables or self._parts)

    def changed(self, old: Any, record: Record) -> Any:
        """`old` (UNSET while nothing is known) with the changes made; `old` itself when nothing changes."""
        changes: dict[str, Any] = {}
        known = self._blank if old is UNSET else old
        if self._slots:
            for slot, value in _found(self._slots, record).items():
                before = getattr(known, slot)
                # Text is the common case, and told apart without a call.
                if value is not before and (value != before if type(value) is str else not _is_same(value, before)):
                    changes[slot] = value
        for table, is_cleared, can_remove, steps in self._tables:
            entries = getattr(known, table)
            rewritten = _rewritten({} if is_cleared else entries, _found(steps, record), can_remove)
            if len(rewritten) != len(entries) or not _is_same(rewritten, entries):
                changes[table] = rewritten
        for slot, part in self._parts:
            inside = getattr(known, slot)
            rebuilt = part.changed(inside, record)
            if rebuilt is not inside:
                changes[slot] = rebuilt
        if not changes:
            return old
        return self._new(**changes) if old is UNSET else replace(old, **changes)


_Step = tuple[str, Get, bool, Callable[[Any], Any], Any]
"""The slot or key, how to read the value, whether any text will do, how to fit anything else, and what otherwise."""


def _steps(changes: Iterable[Change]) -> tuple[_Step, ...]:
    return tuple(
        (target.slot if target.key is None else target.key, get, target.holds in _TAKES_TEXT, fit, otherwise)
        for target, get, fit, otherwise in changes
    )


def _can_remove(change: Change) -> bool:
    """Whether it may come to UNSET: because nothing is read, or, as there are no empty ids, because an id is empty."""
    return change.otherwise is UNSET or change.target.holds == "id"


def _found(steps: tuple[_Step, ...], record: Record) -> dict[str, Any]:
    """What is to be written, by slot or key. The innermost loop of `map_fields`: every line counts."""
    found = {}
    for name, get, takes_text, fit, otherwise in steps:
        value = get(record)
        if value is UNSET:
            if otherwise is not KEEP:
                found[name] = otherwise
        elif takes_text and type(value) is str and value:
            found[name] = value
        else:
            found[name] = fit(value)
    return found


def _rewritten(entries: dict[str, Any], found: dict[str, Any], can_remove: bool) -> dict[str, Any]:
    """A table with what was found written over it."""
    rewritten = {**entries, **found}
    if can_remove:
        return {key: value for key, value in rewritten.items() if value is not UNSET}
    return rewritten


def _is_same(one: Any, other: Any) -> bool:
    """Equal and of one type all the way down: to Python 1, 1.0 and True are equal, in JSON they are not.

    Keeps its own stack: senders may nest as deep as they like, Python may not.
    """
    if one is other:
        return True
    pairs = [(one, other)]
    while pairs:
        left, right = pairs.pop()
        if left is right:
            continue
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
