"""The quick way to an id is the slow way's answer, or none."""

from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.action_network.mapping import arrival_ids
from groundswell.connectors.action_network.simulator.events import events, send_test_message
from groundswell.connectors.action_network.usual import usual_id

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
