"""Whatever is missing from an event or has the wrong type: a record with a gap, or a dead letter, and nothing else."""

import copy
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Struct

from groundswell.connectors.action_network.mapping import EVENT_TYPES, arrival_ids, record_of
from groundswell.connectors.action_network.simulator.events import events
from groundswell.errors import RecordError
from groundswell.record import Record, from_json, to_json

Path = tuple[str | int, ...]


def _one_of_each() -> dict[str, dict[str, Any]]:
    """Of every type, the event with the most in it."""
    found: dict[str, dict[str, Any]] = {}
    for message in events(5, count=1_500):
        for event in message:
            (name,) = event.keys() & EVENT_TYPES.keys()
            if len(list(_paths(event))) > len(list(_paths(found.get(name, {})))):
                found[name] = event
    return found


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from _paths(one, (*path, key))


EVENTS = _one_of_each()
_REMOVED = object()
_ODD = st.sampled_from(
    [_REMOVED, None, "", "  ", "x", "a/b", "é\x00", 0, -1, 10**30, 2.5, True, [], {}, [None], [[]], {"href": 7}, [{}]]
)
_DAMAGE = st.sampled_from(sorted(EVENTS)).flatmap(
    lambda name: st.tuples(
        st.just(name), st.lists(st.tuples(st.sampled_from(list(_paths(EVENTS[name]))), _ODD), min_size=1, max_size=8)
    )
)


def damaged(name: str, changes: list[tuple[Path, Any]]) -> dict[str, Any]:
    event = copy.deepcopy(EVENTS[name])
    for path, value in changes:
        place: Any = event
        for step in path[:-1]:
            if isinstance(place, dict):
                place = place.get(step)
            else:
                place = place[step] if isinstance(place, list) and isinstance(step, int) and step < len(place) else None
        last = path[-1]
        if isinstance(place, dict) and value is _REMOVED:
            place.pop(last, None)
        elif isinstance(place, dict):
            place[last] = copy.deepcopy(value)
        elif isinstance(place, list) and isinstance(last, int) and last < len(place):
            if value is _REMOVED:
                del place[last]
            else:
                place[last] = copy.deepcopy(value)
    return event


def texts(part: Any) -> Iterator[Any]:
    """What stands in the fields of a record, down to the values of its dictionaries."""
    for field in part.__struct_fields__:
        value = getattr(part, field)
        if isinstance(value, Struct):
            yield from texts(value)
        elif isinstance(value, dict) and field != "raw":
            yield from value.values()
        elif field != "raw":
            yield value


def check(event: dict[str, Any]) -> Record | None:
    (number,) = arrival_ids([event])
    assert arrival_ids([msgspec.json.decode(msgspec.json.encode(event))]) == [number]
    assert number.startswith("action_network:")
    assert number.isascii()
    assert " " not in number
    record = reason = None
    try:
        record = record_of(event, number, "signups", False)
    except RecordError as exc:
        reason = exc.reason
    if record is None:
        assert reason in ("unknown_type", "bad_amount", "unreadable")
        return None
    assert record == record_of(event, number, "signups", False)
    assert "" not in [value for value in texts(record) if isinstance(value, str)]
    assert None not in texts(record), "a webhook never knows that something is empty"
    assert from_json(to_json(record)) == msgspec.structs.replace(record, raw=UNSET)
    return record


def test_every_type_is_there_to_be_damaged() -> None:
    assert EVENTS.keys() == EVENT_TYPES.keys()
    assert all(check(event) is not None for event in EVENTS.values())


@given(_DAMAGE)
def test_any_damage_leaves_a_record_with_gaps_or_a_dead_letter(damage: tuple[str, list[tuple[Path, Any]]]) -> None:
    check(damaged(*damage))


@pytest.mark.parametrize("name", sorted(EVENTS))
@pytest.mark.parametrize(
    "odd", [_REMOVED, None, "", 7, [], {}], ids=["removed", "null", "empty", "7", "list", "object"]
)
def test_every_single_part_may_be_missing_or_wrong(name: str, odd: Any) -> None:
    for path in _paths(EVENTS[name]):
        check(damaged(name, [(path, odd)]))


@given(_DAMAGE)
def test_the_id_stays_as_long_as_the_parts_that_number_it_do(damage: tuple[str, list[tuple[Path, Any]]]) -> None:
    name, changes = damage
    harmless = [
        (path, value)
        for path, value in changes
        if len(path) > 1 and not {"identifiers", "_links", "idempotency_key"} & set(path)
    ]
    assert arrival_ids([damaged(name, harmless)]) == arrival_ids([EVENTS[name]])
