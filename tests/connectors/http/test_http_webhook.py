"""The `http.webhook` source: what it takes, what it refuses, which ids it gives, and the records it makes."""

import base64
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from pydantic import ValidationError

from groundswell.component import Arrival, Context, WebhookRequest
from groundswell.connectors.common.objects import DEPTH_MAX
from groundswell.connectors.http.webhook import RECORDS_MAX, HttpWebhook, HttpWebhookSettings
from groundswell.errors import RecordError, RefusedError, UnreadableError
from groundswell.http.signature import sign
from groundswell.record import UNSET, Action, Person, Record, to_json

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
RECORD = {
    "id": "action_network:signature/c2f0",
    "kind": "action",
    "source": "elsewhere",
    "occurred_at": "2026-05-02T11:00:09Z",
    "person": {"first_name": "Rosa", "zip": None, "custom": {"Shirt size": "M"}, "ids": {"action_network": "5a1f"}},
    "action": {"type": "signature", "tags": ["volunteer"]},
}

Make = Callable[..., HttpWebhook]


@pytest.fixture
def webhook(context: Callable[..., Context]) -> Make:
    def make(**settings: Any) -> HttpWebhook:
        return HttpWebhook(HttpWebhookSettings(type="http.webhook", auth="none", **settings), context("signups"))

    return make


def request(body: bytes | str | object, content_type: str = "application/json", **headers: str) -> WebhookRequest:
    if not isinstance(body, bytes):
        body = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
    return WebhookRequest("/hook", CIMultiDict({"Content-Type": content_type, **headers}), body, 0.0)


def ids(arrivals: Any) -> list[str]:
    return [arrival.id for arrival in arrivals]


# ---- what is taken ----


def test_an_object_is_kept_as_it_was_sent(webhook: Make) -> None:
    body = b'{"id":  8891,\n "a": 1.10, "a": 2.50}'
    (arrival,) = webhook(id_field="id").arrivals(request(body))
    assert (arrival.id, arrival.raw) == ("signups:8891", body)


def test_the_entries_of_an_array_are_cut_out_as_they_were_sent(webhook: Make) -> None:
    arrivals = webhook(id_field="id").arrivals(request(b'[ {"id": "a", "n": 1.0 } ,{"id":"b"}]'))
    assert [(a.id, a.raw) for a in arrivals] == [("signups:a", b'{"id": "a", "n": 1.0 }'), ("signups:b", b'{"id":"b"}')]


@pytest.mark.parametrize(
    "content_type", ["application/x-ndjson", "application/jsonl; charset=utf-8", "APPLICATION/NDJSON"]
)
def test_ndjson_is_one_object_a_line_and_blank_lines_are_nothing(webhook: Make, content_type: str) -> None:
    body = b'{"id":1}\r\n\n  \n{"id":2}\n'
    assert ids(webhook(id_field="id").arrivals(request(body, content_type))) == ["signups:1", "signups:2"]


def test_an_empty_array_is_taken_and_holds_nothing(webhook: Make) -> None:
    assert webhook().arrivals(request(b"[]")) == []


def test_a_byte_order_mark_is_passed_over(webhook: Make) -> None:
    assert len(webhook().arrivals(request(b'\xef\xbb\xbf{"a":1}'))) == 1


def test_of_a_key_given_twice_the_last_counts(webhook: Make) -> None:
    source = webhook(id_field="id")
    (arrival,) = source.arrivals(request(b'{"id": 1, "id": 2}'))
    assert arrival.id == "signups:2"
    assert source.read(arrival).raw == {"id": 2}


def test_nul_inside_text_is_text(webhook: Make) -> None:
    source = webhook()
    (arrival,) = source.arrivals(request(rb'{"a": "x\u0000y"}'))
    assert source.read(arrival).raw == {"a": "x\0y"}


def test_all_that_fits_is_taken_and_one_more_is_too_many(webhook: Make) -> None:
    assert len(webhook().arrivals(request([{"n": n} for n in range(RECORDS_MAX)]))) == RECORDS_MAX
    for body, content_type in (
        (b"[" + b",".join([b"{}"] * (RECORDS_MAX + 1)) + b"]", "application/json"),
        (b"{}\n" * (RECORDS_MAX + 1), "application/x-ndjson"),
    ):
        with pytest.raises(RefusedError, match="may hold 10000 objects, this one holds 10001") as caught:
            webhook().arrivals(request(body, content_type))
        assert caught.value.status == 413


# ---- what is refused ----


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"null",
        b"5",
        b'"text"',
        b"{",
        b"{} {}",
        b"[{}",
        b"[{}]]",
        b"[{},]",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": 01}',
        b'{"a": "\xff"}',
        b'{"\xff": 1}',
        b'{"a": "\x00"}',
        rb'{"a": "\ud800"}',
        b'{"a": 1}\x00',
        b"[1]",
        b"[{}, null]",
        b"[{}, [{}]]",
        b'{"a": "' + b"9" * 5000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"[" * DEPTH_MAX + b"]" * DEPTH_MAX + b"}",
        b"[" + b"[" * DEPTH_MAX + b"]" * DEPTH_MAX + b"]",
        b"<html></html>",
        b"a=1&b=2",
        b"\x1f\x8b\x08\x00",
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
def test_what_is_not_strictly_json_objects_is_unreadable(webhook: Make, body: bytes, content_type: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        webhook().arrivals(request(body, content_type))
    assert caught.value.status == 400


def test_nesting_to_the_bound_is_taken(webhook: Make) -> None:
    body = b'{"a":' + b"[" * (DEPTH_MAX - 1) + b"]" * (DEPTH_MAX - 1) + b"}"
    assert len(webhook().arrivals(request(body))) == 1
    assert len(webhook().arrivals(request(b"[" + body + b"]"))) == 1


def test_many_openings_side_by_side_are_not_deep(webhook: Make) -> None:
    assert len(webhook().arrivals(request({"rows": [{"cells": [[]]}] * 1000}))) == 1


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
def test_one_bad_object_refuses_all_and_the_message_says_which(webhook: Make, content_type: str) -> None:
    body = b"[{},{},3,{}]" if content_type == "application/json" else b"{}\n{}\n3\n{}"
    with pytest.raises(UnreadableError, match="object 3 cannot be taken: it is not a JSON object"):
        webhook().arrivals(request(body, content_type))


@given(body=st.binary(max_size=200) | st.text(alphabet='{}[]",:0ea \n\\u', max_size=60).map(str.encode))
def test_any_bytes_are_taken_whole_or_refused(body: bytes) -> None:
    source = _source()
    for content_type in ("application/json", "application/x-ndjson"):
        try:
            arrivals = source.arrivals(request(body, content_type))
        except UnreadableError:
            continue
        for arrival in arrivals:
            assert source.read(Arrival(arrival.id, arrival.raw)) == source.read(arrival)


def _source(**settings: Any) -> HttpWebhook:
    context = Context("signups", None, None, None, None, None)  # type: ignore[arg-type]
    return HttpWebhook(HttpWebhookSettings(type="http.webhook", auth="none", **settings), context)


@pytest.mark.parametrize(
    "body",
    [
        b'{"marked": marked}',
        b'["marked"]',
        b'{"id": {"marked": 1}}',
        b'[{"id": "a marked"}]',
        b'{"id": "marked" "marked"}',
    ],
)
def test_messages_hold_nothing_of_the_body(webhook: Make, body: bytes) -> None:
    for source in (webhook(id_field="number"), webhook(format="record")):
        with pytest.raises(UnreadableError) as caught:
            source.arrivals(request(body))
        assert "marked" not in str(caught.value)


# ---- ids ----


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (8891, "signups:8891"),
        ("8891", "signups:8891"),
        ("f3a0-77/b:2.c~d=", "signups:f3a0-77/b:2.c~d="),
        (12345678901234567890123, "signups:12345678901234567890123"),
    ],
)
def test_an_id_is_made_from_the_field_that_numbers_the_objects(webhook: Make, value: object, wanted: str) -> None:
    assert ids(webhook(id_field="order.id").arrivals(request({"order": {"id": value}}))) == [wanted]


@pytest.mark.parametrize("value", ["rosa@example.org", "Rosa Example", "+15035550144", "ключ", "a\nb", "x" * 201, "!1"])
def test_a_value_that_is_personal_or_unfit_stands_in_the_id_as_a_hash(webhook: Make, value: str) -> None:
    source = webhook(id_field="key")
    first, again, other = (
        ids(source.arrivals(request({"key": v, "n": n})))[0] for v, n in ((value, 1), (value, 2), ("z@", 1))
    )
    assert first == again != other
    assert first.startswith("signups:sha256-")
    assert len(first) == len("signups:sha256-") + 32


@pytest.mark.parametrize("body", [{}, {"id": None}, {"id": ""}, {"id": 1.5}, {"id": True}, {"id": {}}, {"id": []}])
def test_an_object_without_an_id_where_one_is_promised_is_refused(webhook: Make, body: object) -> None:
    with pytest.raises(UnreadableError, match=r"it has no number or text at id to make its id from \(`id_field`\)"):
        webhook(id_field="id").arrivals(request(body))


def test_an_id_is_found_in_lists_and_under_names_that_hold_dots(webhook: Make) -> None:
    body = {"lines": [{"a.b": 7}, {"a.b": 8}]}
    assert ids(webhook(id_field='lines.1."a.b"').arrivals(request(body))) == ["signups:8"]


@pytest.mark.parametrize(
    "path", ["", ".", "a.", ".a", "a..b", 'a"b', '"a"b', "email", "person.phone", "user.first_name"]
)
def test_an_id_field_that_is_no_path_or_personal_is_refused_at_once(path: str) -> None:
    with pytest.raises(ValidationError, match=r"is not a path|looks personal"):
        HttpWebhookSettings(type="http.webhook", id_field=path)


def test_without_an_id_field_the_id_is_made_from_the_content(webhook: Make) -> None:
    one, same, other = ids(webhook().arrivals(request(b'[{"a":1},{"a":1},{"a":2}]')))
    assert one == same != other
    assert one.startswith("signups:sha256-")
    assert ids(webhook().arrivals(request(b' {"a":1}\n'))) == [one]


def test_a_signed_message_lends_its_id(context: Callable[..., Context]) -> None:
    source = HttpWebhook(
        HttpWebhookSettings(type="http.webhook", auth={"type": "standard_webhooks", "secrets": [SECRET]}),
        context("signups"),
    )
    headers = sign([b"k" * 32], "msg_27", 0, b"")
    assert ids(source.arrivals(request(b'{"a":1}', **headers))) == ["signups:msg_27"]
    assert ids(source.arrivals(request(b'[{"a":1},{"a":1}]', **headers))) == ["signups:msg_27/1", "signups:msg_27/2"]


def test_an_unsigned_request_cannot_choose_its_id(webhook: Make) -> None:
    (arrival,) = webhook().arrivals(request(b'{"a":1}', **{"webhook-id": "msg_27"}))
    assert arrival.id.startswith("signups:sha256-")


def test_each_state_of_a_person_is_a_record_and_a_repeat_is_not(webhook: Make) -> None:
    source = webhook(id_field="id", kind="person", version_field="updated_at")
    states = [
        {"id": 1, "city": "A", "updated_at": "2026-05-02T11:00:00Z"},
        {"id": 1, "city": "B", "updated_at": "2026-05-02T11:00:09Z"},
        {"id": 1, "city": "A", "updated_at": "2026-05-02T11:01:00Z"},
    ]
    seen = [ids(source.arrivals(request(state)))[0] for state in [*states, states[0]]]
    assert len(set(seen)) == 3
    assert seen[0] == seen[3]
    assert seen[0].startswith("signups:1@2026-05-02T11:00:00Z.")


def test_without_a_version_field_a_person_is_told_by_content(webhook: Make) -> None:
    source = webhook(id_field="id", kind="person")
    a, b, again = (ids(source.arrivals(request({"id": 1, "city": city})))[0] for city in "ABA")
    assert a == again != b
    assert a.startswith("signups:1@")


@pytest.mark.parametrize(
    "settings",
    [
        {"format": "record", "id_field": "id"},
        {"format": "record", "kind": "person"},
        {"version_field": "updated_at"},
        {"version_field": "updated_at", "id_field": "id"},
        {"version_field": "updated_at", "kind": "person"},
    ],
)
def test_settings_that_would_do_nothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HttpWebhookSettings(type="http.webhook", **settings)


# ---- records ----


def test_an_object_reaches_the_transforms_as_raw(webhook: Make) -> None:
    source = webhook(id_field="id", kind="donation")
    (arrival,) = source.arrivals(request({"id": 5, "who": {"mail": "x"}}))
    assert source.read(arrival) == Record(
        id="signups:5", kind="donation", source="signups", raw={"id": 5, "who": {"mail": "x"}}
    )


def test_a_record_keeps_its_id_and_everything_else_but_its_source(webhook: Make) -> None:
    source = webhook(format="record")
    (arrival,) = source.arrivals(request(RECORD))
    record = source.read(arrival)
    assert arrival.id == record.id == "action_network:signature/c2f0"
    assert record == Record(
        id="action_network:signature/c2f0",
        kind="action",
        source="signups",
        occurred_at="2026-05-02T11:00:09Z",
        person=Person(first_name="Rosa", zip=None, custom={"Shirt size": "M"}, ids={"action_network": "5a1f"}),
        action=Action(type="signature", tags=["volunteer"]),
        raw=RECORD,
    )
    assert isinstance(record.person, Person)
    assert record.person.email is UNSET


def test_what_our_own_sink_writes_is_read_back(webhook: Make) -> None:
    record = Record(id="a:1", kind="person", source="signups", person=Person(email="r@example.org", sms_opt_in=False))
    source = webhook(format="record")
    (arrival,) = source.arrivals(request(to_json(record)))
    assert to_json(source.read(arrival)) == to_json(record)


def test_empty_text_in_a_record_means_known_to_be_empty(webhook: Make) -> None:
    source = webhook(format="record")
    blank = {
        "id": "a:1",
        "kind": "person",
        "source": "x",
        "person": {"city": "", "custom": {"a": ""}, "ids": {"b": ""}},
    }
    (arrival,) = source.arrivals(request(blank))
    assert source.read(arrival).person == Person(city=None, custom={"a": None}, ids={})


@pytest.mark.parametrize(
    ("sent", "read"), [("2026-05-02T13:00:09.75+02:00", "2026-05-02T11:00:09Z"), ("2026-05-02", "2026-05-02T00:00:00Z")]
)
def test_times_are_read_as_records_write_them(webhook: Make, sent: str, read: str) -> None:
    source = webhook(format="record")
    (arrival,) = source.arrivals(request({**RECORD, "occurred_at": sent}))
    assert source.read(arrival).occurred_at == read


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "marked"}, r"a value that cannot stand there \(at \$\.kind\)"),
        ({"person": {"marked": 1}}, r"it has a field that records do not have \(at \$\.person\)"),
        ({"person": {"zip": 97201}}, r"Expected str \| null, got int \(at \$\.person\.zip\)"),
        ({"person": {"ids": {"marked": 5}}}, r"Expected str, got int \(at \$\.person\.ids\[\.\.\.\]\)"),
        ({"kind": None}, r"Expected str, got null|a value that cannot stand there"),
        ({"occurred_at": "marked"}, r"its `occurred_at` is not a time"),
        ({"occurred_at": "2026-02-31T11:00:09Z"}, r"its `occurred_at` is not a time"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, r"its `occurred_at` is not a time"),
    ],
)
def test_a_record_that_is_none_becomes_a_dead_letter_that_says_where(webhook: Make, change: Any, message: str) -> None:
    source = webhook(format="record")
    (arrival,) = source.arrivals(request({**RECORD, **change}))
    with pytest.raises(RecordError, match=message) as caught:
        source.read(arrival)
    assert "marked" not in str(caught.value)


@pytest.mark.parametrize("record_id", [None, 5, "", "a b", "a\nb", "x" * 513])
def test_a_record_without_a_usable_id_is_refused(webhook: Make, record_id: object) -> None:
    with pytest.raises(UnreadableError, match="`id`"):
        webhook(format="record").arrivals(request({**RECORD, "id": record_id}))


def test_reading_from_disk_and_from_memory_is_the_same(webhook: Make) -> None:
    for source, body in ((webhook(), {"a": [1, 2.5, None, "x"]}), (webhook(format="record"), RECORD)):
        (arrival,) = source.arrivals(request(body))
        assert source.read(Arrival(arrival.id, arrival.raw)) == source.read(arrival)


# ---- who and where ----


async def test_by_default_an_api_key_is_wanted(context: Callable[..., Context]) -> None:
    source = HttpWebhook(HttpWebhookSettings(type="http.webhook"), context("signups"))
    with pytest.raises(RefusedError) as caught:
        await source.authenticate(request(b"{}"))
    assert caught.value.status == 401
    await source.authenticate(request(b"{}", Authorization="Basic " + base64.b64encode(b"gsa_one:gsk_one").decode()))


def test_it_listens_where_it_is_told_and_else_under_its_name(webhook: Make) -> None:
    assert webhook().path == "/webhooks/signups"
    assert webhook(path="/in/x").path == "/in/x"
