"""The `action_network.webhook` source: takes every event as it came, and makes a record of it later."""

import json
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from pydantic import ValidationError

from groundswell.clock import SystemClock
from groundswell.component import Arrival, Context, WebhookRequest, WebhookSource
from groundswell.connectors.action_network.simulator.events import events, ids_of, send_test_message
from groundswell.connectors.action_network.webhook import (
    EVENTS_MAX,
    ActionNetworkWebhook,
    ActionNetworkWebhookSettings,
)
from groundswell.errors import RecordError, RefusedError, UnreadableError
from groundswell.record import Person


def source(**settings: Any) -> ActionNetworkWebhook:
    context = Context(
        name="signups",
        clock=SystemClock(),
        random=Random(1),
        http=None,  # type: ignore[arg-type]  # a source that is pushed to calls nobody
        keys=None,  # type: ignore[arg-type]  # there is nothing to check
        directory=None,  # type: ignore[arg-type]
    )
    return ActionNetworkWebhook(ActionNetworkWebhookSettings(type="action_network.webhook", **settings), context)


def arrivals(body: bytes) -> list[Arrival]:
    return list(source().arrivals(WebhookRequest("/webhooks/signups", {}, body, 0.0)))


def test_it_is_a_webhook_source_on_the_path_of_its_name_or_the_one_given() -> None:
    made: WebhookSource = source()
    assert made.path == "/webhooks/signups"
    assert source(path="/webhooks/action_network/v1/3f7c0d").path == "/webhooks/action_network/v1/3f7c0d"
    assert made.content_types is not None
    assert "application/json" in made.content_types
    assert not ActionNetworkWebhookSettings.sender_can_sign


async def test_it_asks_for_no_password_because_none_is_sent() -> None:
    await source().authenticate(WebhookRequest("/webhooks/signups", {}, b"[]", 0.0))


def test_every_event_of_a_request_becomes_an_arrival_with_its_own_bytes() -> None:
    one = b'{"osdi:signature" :{"identifiers":["action_network:a1"]}}'
    two = b'{"osdi:signature":{ "identifiers":["action_network:b2"]}}'
    first, second = arrivals(b" [ " + one + b" ,\n" + two + b"]\n")
    assert (first.raw, second.raw) == (one, two)
    assert [first.id, second.id] == ["action_network:signature/a1", "action_network:signature/b2"]


def test_one_event_alone_keeps_its_bytes_with_and_without_the_array_around_it() -> None:
    event = b'{"osdi:signature": {"comments": "[ ]", "identifiers": ["action_network:a1"]} }'
    for body in (event, b"[" + event + b"]", b" \n[\t" + event + b"\r\n ] ", b"  " + event + b"\n"):
        (arrival,) = arrivals(body)
        assert arrival.raw == event
        assert arrival.id == "action_network:signature/a1"


def test_an_empty_array_brings_nothing_and_is_no_fault() -> None:
    assert arrivals(b"[]") == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[{]",
        b"[{}] trailing",
        b'"text"',
        b"7",
        b"null",
        b"[1]",
        b'[{"osdi:signature": {}}, null]',
        b"[[{}]]",
        b"\xef\xbb\xbf[]",
        b'[{"osdi:signature": {"comments": "\xff"}}]',
        b'[{"osdi:signature": {"comments": "\\ud800"}}]',
        b'[{"osdi:signature": {"rank": NaN}}]',
        b"[" * 100_000,
        b'[{"a":' * 2_000 + b"1" + b"}]" * 2_000,
        b'{"n": ' + b"9" * 10_000 + b"}",
    ],
    ids=lambda body: repr(body[:30]),
)
def test_a_body_that_cannot_be_read_is_refused_whole_with_400(body: bytes) -> None:
    with pytest.raises(UnreadableError) as raised:
        arrivals(body)
    assert raised.value.status == 400


def test_the_refusal_says_which_entry_is_wrong_and_nothing_of_its_content() -> None:
    with pytest.raises(UnreadableError, match="entry 2") as raised:
        arrivals(b'[{}, "rosa@example.org"]')
    assert "rosa" not in str(raised.value)


def test_more_events_than_anybody_sends_are_refused_with_413() -> None:
    with pytest.raises(RefusedError) as raised:
        arrivals(b"[" + b",".join([b"{}"] * (EVENTS_MAX + 1)) + b"]")
    assert raised.value.status == 413


def test_the_same_body_makes_the_same_ids_again() -> None:
    for message in events(3, count=100):
        body = msgspec.json.encode(message)
        assert [one.id for one in arrivals(body)] == [one.id for one in arrivals(body)] == list(ids_of(message))


def test_a_record_read_from_disk_is_the_one_read_at_once() -> None:
    made = source()
    for message in events(4, count=300):
        for arrival in arrivals(msgspec.json.encode(message)):
            again = Arrival(arrival.id, arrival.raw)
            record = made.read(arrival)
            assert made.read(again) == record
            assert record.id == arrival.id
            assert record.source == "signups"


def test_a_record_that_was_damaged_on_disk_cannot_be_read() -> None:
    with pytest.raises(RecordError):
        source().read(Arrival("action_network:signature/a1", b'{"osdi:signature": '))


def test_the_send_test_button_is_accepted_and_then_set_aside_as_a_test() -> None:
    (arrival,) = arrivals(msgspec.json.encode(send_test_message()))
    with pytest.raises(RecordError, match="Send Test") as raised:
        source().read(arrival)
    assert raised.value.reason == "test_event"


@pytest.mark.parametrize("left", ["idempotency_key", "identifiers", "_links"])
def test_the_test_is_known_by_any_one_of_its_numbers(left: str) -> None:
    """Should they ever change the others."""
    (event,) = send_test_message()
    parts = {"idempotency_key": event, "identifiers": event["osdi:signature"], "_links": event["osdi:signature"]}
    for name in parts.keys() - {left}:
        parts[name][name] = None
    if left == "_links":
        event["osdi:signature"]["_links"].pop("self")
    with pytest.raises(RecordError) as raised:
        source().read(arrivals(msgspec.json.encode(event))[0])
    assert raised.value.reason == "test_event"


def test_a_second_press_of_the_button_is_a_duplicate_of_the_first() -> None:
    body = msgspec.json.encode(send_test_message())
    assert arrivals(body)[0].id == arrivals(body)[0].id


def test_an_unknown_type_is_accepted_and_set_aside_when_read() -> None:
    (arrival,) = arrivals(b'[{"osdi:pledge": {"identifiers": ["action_network:a1"]}, "idempotency_key": "k"}]')
    with pytest.raises(RecordError) as raised:
        source().read(arrival)
    assert raised.value.reason == "unknown_type"


@pytest.mark.parametrize(("setting", "expected"), [({}, False), ({"mobile_unsubscribed": "unknown"}, UNSET)])
def test_what_unsubscribed_says_about_texting_is_a_setting_and_means_stop_by_default(
    setting: dict[str, str], expected: Any
) -> None:
    event = {"osdi:signature": {"person": {"phone_numbers": [{"number": "15035550144", "status": "unsubscribed"}]}}}
    (arrival,) = arrivals(msgspec.json.encode([event]))
    person = source(**setting).read(arrival).person
    assert isinstance(person, Person)
    assert person.sms_opt_in is expected


def test_settings_take_no_other_word_for_it() -> None:
    with pytest.raises(ValidationError):
        source(mobile_unsubscribed="maybe")


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)
_BLANKS = st.text(" \t\r\n", max_size=3)


@given(st.lists(st.dictionaries(_TEXTS, _VALUES, max_size=4), max_size=4), _BLANKS, _BLANKS, st.booleans())
def test_the_bytes_of_an_arrival_are_those_of_the_body(
    objects: list[dict[str, Any]], before: str, between: str, is_ascii: bool
) -> None:
    parts = [json.dumps(one, ensure_ascii=is_ascii).encode() for one in objects]
    blank, comma = before.encode(), f"{before},{between}".encode()
    made = arrivals(blank + b"[" + blank + comma.join(parts) + between.encode() + b"]" + blank)
    assert [one.raw for one in made] == parts
    assert [one.seen for one in made] == [None] * len(parts), "nothing parsed waits in the queues"


@given(st.binary(max_size=60) | _VALUES.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_taken_or_refused_and_never_breaks_anything(body: bytes) -> None:
    try:
        made = arrivals(body)
    except RefusedError:
        return
    for arrival in made:
        assert arrival.id.startswith("action_network:")
        with pytest.raises(RecordError) as raised:
            source().read(arrival)
        assert raised.value.reason == "unknown_type"
