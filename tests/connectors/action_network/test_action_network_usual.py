"""The quick way to an id is the slow way's answer, or none."""

from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.connectors.action_network.mapping import arrival_ids, record_of
from groundswell.connectors.action_network.simulator.events import events, send_test_message
from groundswell.connectors.action_network.usual import usual_id, usual_record
from groundswell.errors import RecordError
from groundswell.record import Record

START = datetime(2026, 5, 2, tzinfo=UTC)
MESSAGES = [
    *(message for message, _ in zip(events(7, count=400, start=START), range(300), strict=False)),
    send_test_message(),
]
WHATEVER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("action_network:77ab"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def _slow(body: bytes) -> list[str]:
    return arrival_ids(msgspec.json.decode(body))


def test_whatever_the_simulator_sends_gets_the_same_id_both_ways() -> None:
    quick = [usual_id(msgspec.json.encode(message)) for message in MESSAGES]
    assert sum(one is not None for one in quick) > len(MESSAGES) / 2, "the quick way is the usual one"
    for message, one in zip(MESSAGES, quick, strict=True):
        assert one is None or [one] == _slow(msgspec.json.encode(message))


@given(message=st.sampled_from(MESSAGES), changes=st.data())
def test_whatever_is_changed_in_an_event_the_quick_way_agrees_or_stands_back(
    message: list[Any], changes: st.DataObject
) -> None:
    event = msgspec.json.decode(msgspec.json.encode(message[0]))
    name = next(iter(event))
    place = changes.draw(st.sampled_from(["event", "body"]))
    target = event if place == "event" or not isinstance(event[name], dict) else event[name]
    key = changes.draw(st.sampled_from([*target, "identifiers", "osdi:donation", "action_network:upload"]))
    target[key] = changes.draw(WHATEVER)
    body = msgspec.json.encode([event])
    quick = usual_id(body)
    assert quick is None or [quick] == _slow(body)


@pytest.mark.parametrize(
    "body", [b"", b"[", b"[]", b"{}", b"null", b'["x"]', b"\xff", b"[" * 5000, b'[{"osdi:signature": null}]']
)
def test_what_is_no_usual_request_is_left_to_the_slow_way(body: bytes) -> None:
    assert usual_id(body) is None


def test_it_reads_as_the_wire_has_it_with_spaces_and_new_lines() -> None:
    event = next(message for message in MESSAGES if usual_id(msgspec.json.encode(message)))
    pretty = msgspec.json.format(msgspec.json.encode(event), indent=Random(1).choice([2, 4]))
    assert usual_id(b"\n " + pretty + b" \n") == usual_id(msgspec.json.encode(event))


def _record(event: Any, unsubscribed: bool) -> Record | None:
    try:
        record = record_of(event, "action_network:signature/1", "signups", False if unsubscribed else msgspec.UNSET)
    except RecordError:
        return None
    return msgspec.structs.replace(record, raw=msgspec.UNSET)


def _agrees(event: Any, unsubscribed: bool = True) -> bool:
    """Whether the quick way makes a record of it, which must then be that of the slow way."""
    raw = msgspec.json.encode(event)
    quick = usual_record(raw, "action_network:signature/1", "signups", False if unsubscribed else msgspec.UNSET)
    if quick is None:
        return False
    assert quick.raw.seen == msgspec.json.decode(raw)
    assert msgspec.structs.replace(quick, raw=msgspec.UNSET) == _record(msgspec.json.decode(raw), unsubscribed)
    return True


@pytest.mark.parametrize("unsubscribed", [True, False])
def test_whatever_the_simulator_sends_makes_the_same_record_both_ways(unsubscribed: bool) -> None:
    single = [message[0] for message in MESSAGES if len(message) == 1]
    quick = [_agrees(event, unsubscribed) for event in single]
    assert sum(quick) > len(single) / 3, "the quick way is a usual one"


def _places(value: Any) -> list[Any]:
    """Every object and list inside, the value itself first."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(place for each in inner for place in _places(each))] if isinstance(value, dict | list) else []


TEXTS = st.sampled_from(
    ["", " ", " Rosa ", "US", "us", "Oregon", "OR", "unsubscribed", "bouncing", "15035550144", "+1 5", "\u0661" * 11]
)


@settings(max_examples=600)
@given(message=st.sampled_from([m for m in MESSAGES if len(m) == 1]), data=st.data())
def test_whatever_is_changed_anywhere_the_quick_way_makes_the_slow_ways_record_or_none(
    message: list[Any], data: st.DataObject
) -> None:
    event = msgspec.json.decode(msgspec.json.encode(message[0]))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(_places(event)))
        if isinstance(place, dict):
            key = data.draw(
                st.sampled_from([*place, "osdi:signature", "status", "comments", "primary", "address_lines"])
            )
            if key in place and data.draw(st.booleans()):
                del place[key]
            else:
                place[key] = data.draw(TEXTS | WHATEVER)
        elif place and data.draw(st.booleans()):
            place.pop(0)
        else:
            place.insert(data.draw(st.integers(0, len(place))), data.draw(TEXTS | WHATEVER))
    _agrees(event, data.draw(st.booleans()))


@pytest.mark.parametrize("raw", [b"", b"{}", b"null", b"\xff", b"[" * 5000, b'{"osdi:signature": null}'])
def test_what_is_no_usual_event_makes_no_quick_record(raw: bytes) -> None:
    assert usual_record(raw, "action_network:signature/1", "signups", False) is None


def test_the_example_of_the_test_button_is_left_to_the_slow_way() -> None:
    (event,) = send_test_message()
    assert usual_record(msgspec.json.encode(event), "action_network:signature/1", "signups", False) is None


BASE = next(message[0] for message in MESSAGES if len(message) == 1 and _agrees(message[0]))
LINES = {"primary": True, "address_lines": [" 1 Main St ", "Apt 2", "c/o"], "locality": " Salem", "country": "us"}
ODD = {
    "two phones": ("phone_numbers", [{"number": "15035550144"}, {"primary": True, "number": "15035550145"}]),
    "two emails": ("email_addresses", [{"address": "a@example.org"}, {"primary": True, "address": "b@example.org"}]),
    "two addresses": ("postal_addresses", [{"locality": "Salem"}, LINES]),
    "an address of three lines": ("postal_addresses", [LINES]),
    "only a country": ("postal_addresses", [{"primary": True, "country": "US"}]),
    "a region abroad": ("postal_addresses", [{"primary": True, "country": "AU", "region": "WA"}]),
    "a phone that bounces": ("phone_numbers", [{"primary": True, "number": "15035550144", "status": "bouncing"}]),
    "no phones": ("phone_numbers", []),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_people_are_read_alike(odd: str) -> None:
    event = msgspec.json.decode(msgspec.json.encode(BASE))
    (body,) = (value for name, value in event.items() if name.startswith("osdi:"))
    key, value = ODD[odd]
    body["person"][key] = value
    assert _agrees(event) == (odd in ("an address of three lines", "only a country", "a region abroad", "no phones"))


@pytest.mark.parametrize("other", ["osdi:attendance", "osdi:submission", "osdi:donation", "action_network:action"])
def test_an_event_of_two_types_is_left_to_the_slow_way(other: str) -> None:
    event = next(message[0] for message in MESSAGES if "osdi:signature" in message[0])
    assert not _agrees(event | {other: event["osdi:signature"]})
