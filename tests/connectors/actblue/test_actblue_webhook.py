"""The `actblue.webhook` source: what it takes and keeps, what it leaves out, and what it warns of."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from groundswell.component import Arrival, Context, WebhookRequest, WebhookSource
from groundswell.connectors.actblue.mapping import Rules, own_part, things_in
from groundswell.connectors.actblue.values import exact
from groundswell.connectors.actblue.webhook import (
    LINEITEMS_MAX,
    TAKEN_APART_BYTES_MAX,
    WARN_EVERY_S,
    ActBlueWebhook,
    ActBlueWebhookSettings,
)
from groundswell.errors import RecordError, RefusedError, UnreadableError
from groundswell.record import Donation, Unparsed
from tests.connectors.actblue.webhook_bodies import Body, cancellation, gift, lineitem, refund, without

decode = msgspec.json.Decoder(float_hook=exact).decode


class HandClock:
    """Time moves when the test says so."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def source(**settings: Any) -> ActBlueWebhook:
    context = Context(
        name="gifts",
        clock=settings.pop("clock", None) or HandClock(),
        random=Random(1),
        http=None,  # type: ignore[arg-type]  # a source that is pushed to calls nobody
        keys=None,  # type: ignore[arg-type]  # there is nobody to let in
        directory=None,  # type: ignore[arg-type]
    )
    return ActBlueWebhook(ActBlueWebhookSettings(type="actblue.webhook", **settings), context)


def taken(body: Any, by: ActBlueWebhook | None = None) -> list[Arrival]:
    sent = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return list((by or source()).arrivals(WebhookRequest("/webhooks/gifts", {}, sent, 0.0)))


def test_it_is_a_webhook_source_on_the_path_of_its_name_or_the_one_given() -> None:
    made: WebhookSource = source()
    assert made.path == "/webhooks/gifts"
    assert source(path="/webhooks/actblue/v1/refunds").path == "/webhooks/actblue/v1/refunds"
    assert made.content_types is None


def test_a_body_of_one_line_item_is_kept_as_it_was_sent() -> None:
    body = b'{"lineitems" : [ {"lineitemId":7, "amount": 5.0, "paidAt":"2026-08-03T09:14:11-04:00"}], "new":1e2}'
    (arrival,) = taken(b"\xef\xbb\xbf \n" + body + b"\n")
    assert arrival == Arrival("actblue:contribution/7", body)
    record = source().read(arrival)
    assert record.raw == Unparsed(body)
    assert isinstance(record.donation, Donation)
    assert record.donation.amount == "5.00"


def test_each_of_several_line_items_keeps_what_came_with_itself_alone_and_a_number_keeps_its_digits() -> None:
    body = b'{"donor":{"zip":"55802"}, "lineitems":[{"lineitemId":7,"amount":1.10},{"lineitemId":8,"amount":2.20}]}'
    first, second = taken(body)
    assert [first.id, second.id] == ["actblue:contribution/7", "actblue:contribution/8"]
    assert first.raw == b'{"donor":{"zip":"55802"},"lineitems":[{"lineitemId":7,"amount":1.10}]}'
    assert second.raw == b'{"donor":{"zip":"55802"},"lineitems":[{"lineitemId":8,"amount":2.20}]}'
    assert source().read(second).donation == msgspec.structs.replace(
        source().read(first).donation,  # type: ignore[type-var]
        amount="2.20",
        lineitem_id="8",
    )


def test_an_array_of_bodies_is_each_of_them() -> None:
    """Whether a backfill sends one is not known; nobody has seen it."""
    arrivals = taken([gift(), refund(), gift(lineitem(1), lineitem(2))])
    assert [arrival.id for arrival in arrivals] == [
        "actblue:contribution/990011223",
        "actblue:refund/990011223",
        "actblue:contribution/1",
        "actblue:contribution/2",
    ]
    assert taken([]) == []


@pytest.mark.parametrize("body", [{}, {"ping": True}, gift(status="new"), {"lineitems": [{}]}, {"contribution": []}])
def test_a_body_nobody_understands_is_taken_and_read_as_a_dead_letter(body: Body) -> None:
    (arrival,) = taken(body)
    assert arrival.id.startswith("actblue:unknown/sha256-")
    assert msgspec.json.decode(arrival.raw) == body
    with pytest.raises(RecordError, match="kept here"):
        source().read(arrival)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        b'{"a": NaN}',
        b'"text"',
        b"7",
        b"null",
        b"[7]",
        b'[{}, "x"]',
        b'{"a":"\xff"}',
        b"[" * 9999,
    ],
)
def test_only_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableError, match="JSON"):
        taken(body)


def test_more_line_items_than_anybody_sends_are_refused() -> None:
    few = {"lineitems": [{"lineitemId": number} for number in range(1, LINEITEMS_MAX + 1)]}
    assert len(taken(few)) == LINEITEMS_MAX
    for body in ({"lineitems": [*few["lineitems"], {}]}, [{}] * (LINEITEMS_MAX + 1)):
        with pytest.raises(RefusedError) as refused:
            taken(body)
        assert refused.value.status == 413


def test_a_body_that_grows_too_large_when_it_is_taken_apart_is_refused() -> None:
    """Ten thousand line items, each with a long comment beside them, would fill the memory."""
    padding = "x" * (TAKEN_APART_BYTES_MAX // 1000)
    body = {"note": padding, "lineitems": [{"lineitemId": number} for number in range(1, 1001)]}
    with pytest.raises(RefusedError) as refused:
        taken(body)
    assert refused.value.status == 413


def test_what_cannot_be_parsed_any_more_is_a_dead_letter_too() -> None:
    with pytest.raises(RecordError, match="reading actblue:contribution/7: it is not JSON"):
        source().read(Arrival("actblue:contribution/7", b"{"))


# ---- the short way to an id ----


bodies = st.sampled_from(
    [
        gift(),
        refund(),
        cancellation(),
        gift(lineitem("7"), lineitem(entityId=5)),
        gift(status="pending"),
        gift(lineitem(entityId=5)),
        {},
    ]
)
values = st.sampled_from([None, "", 7, 1.5, "7", True, [], {}, [{}], [None], "declined", "2026-08-05T10:00:00Z"])
names = st.sampled_from(["lineitemId", "refundedAt", "entityId", "orderNumber", "status", "cancelledAt", "lineitems"])


@given(bodies, st.dictionaries(names, values, max_size=3), st.booleans(), st.booleans())
def test_the_short_way_to_an_id_finds_what_the_long_way_finds(
    body: Body, changes: Body, in_gift: bool, has_entities: bool
) -> None:
    changed = body | {"contribution": body.get("contribution", {}) | changes} if in_gift else body | changes
    match changed.get("lineitems"):
        case [dict(first), *others]:
            changed = changed | {"lineitems": [first | without(changes, "lineitems"), *others]}
    rules = Rules(entities=frozenset(("90210",)) if has_entities else frozenset())
    arrivals = taken(changed, source(entities=[90210] if has_entities else []))
    things = things_in(decode(msgspec.json.encode(changed)), rules)
    assert [arrival.id for arrival in arrivals] == [record_id for record_id, word in things if word != "not_ours"]
    for arrival, place in zip(arrivals, (n for n, (_, word) in enumerate(things) if word != "not_ours"), strict=True):
        assert msgspec.json.decode(arrival.raw) == (own_part(changed, place) if len(things) > 1 else changed)


# ---- whose money it is ----


def test_money_of_others_is_left_out_and_counted() -> None:
    made = source(entities=[90210])
    assert taken(gift(lineitem(entityId=5)), made) == []
    assert [arrival.id for arrival in taken(gift(lineitem(1), lineitem(2, entityId=5)), made)] == [
        "actblue:contribution/1"
    ]
    assert taken(refund(entityId=5), made) == []
    assert made.counts == {"not_ours": 3}


def test_with_managed_forms_a_gift_to_others_says_who_gave_and_a_refund_of_theirs_nothing() -> None:
    made = source(entities=[90210], managed_forms=True)
    (arrival,) = taken(gift(lineitem(1, entityId=5)), made)
    record = made.read(arrival)
    assert (record.id, record.kind) == ("actblue:elsewhere/1", "action")
    assert b"15.0" in arrival.raw
    assert taken(refund(entityId=5), made) == []
    assert made.counts == {"not_ours": 1}


def test_a_source_is_told_that_a_gift_subscribes() -> None:
    (arrival,) = taken(gift())
    people = [source(subscribe=subscribe).read(arrival).person for subscribe in (False, True)]
    assert [getattr(person, "email_opt_in", None) is True for person in people] == [False, True]


# ---- what is expected ----


@pytest.mark.parametrize(
    ("expects", "fitting", "others"),
    [
        ("all", [gift(), refund(), cancellation(), {}], []),
        ("contributions", [gift(), gift(status="declined"), {}], [refund(), cancellation()]),
        ("refunds", [refund()], [gift(), cancellation(), gift(status="pending")]),
        ("cancellations", [cancellation()], [gift(), refund()]),
    ],
)
def test_what_another_webhook_should_have_sent_is_taken_with_a_warning(
    expects: str, fitting: list[Body], others: list[Body]
) -> None:
    made = source(expects=expects)
    with capture_logs() as lines:
        assert all(taken(body, made) for body in fitting)
        assert (lines, made.counts) == ([], {})
        assert all(taken(body, made) for body in others)
    assert made.counts == ({"not_expected": len(others)} if others else {})
    assert [line["event"] for line in lines] == ["webhook_not_expected"] * bool(others)


def test_the_warning_comes_once_a_minute_however_many_come() -> None:
    clock = HandClock()
    made = source(expects="refunds", clock=clock)
    with capture_logs() as lines:
        for _ in range(3):
            taken(gift(lineitem(1), lineitem(2)), made)
        clock.time += WARN_EVERY_S
        taken(gift(), made)
    assert [(line["so_far"], line["came"]) for line in lines] == [(2, ["contributions"]), (7, ["contributions"])]


# ---- settings ----


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"managed_forms": True}, "managed_forms needs entities"),
        ({"entities": [0]}, "greater than or equal to 1"),
        ({"entities": ["Harbor Fund"]}, "valid integer"),
        ({"expects": "donations"}, "cancellations"),
        ({"auth": {"type": "none"}}, "basic"),
        ({"auth": {"type": "basic", "username": "actblue"}}, "both username and password"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        source(**settings)
