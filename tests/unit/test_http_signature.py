"""Standard Webhooks: what we sign the official package takes, what it signs we take, and nothing else."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from groundswell.errors import RefusedError
from groundswell.http.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, TOLERANCE_S, key_from, sign, verify

NOW = 1_800_000_000
KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()

keys = st.binary(min_size=16, max_size=64)
ids = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)
bodies = st.binary(max_size=200)


def test_the_example_of_the_specification_verifies() -> None:
    """Secret, id, timestamp, body and signature as the specification's own example has them."""
    key = key_from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = sign([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers[SIGNATURE_HEADER] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert verify([key], headers, b'{"test": 2432232314}', 1614265330) == "msg_p5jXN8AQM9LWM0D4loKWxJek"


@given(key=keys, message_id=ids, body=st.text(max_size=200))
def test_what_we_sign_the_official_package_takes(key: bytes, message_id: str, body: str) -> None:
    now = int(datetime.now(UTC).timestamp())
    body_bytes = body.encode()
    Webhook(base64.b64encode(key).decode()).verify(
        body_bytes, sign([key], message_id, now, body_bytes), json_parse=False
    )


@given(key=keys, message_id=ids, body=st.text(max_size=200))
def test_what_the_official_package_signs_we_take(key: bytes, message_id: str, body: str) -> None:
    signature = Webhook(base64.b64encode(key).decode()).sign(message_id, datetime.fromtimestamp(NOW, UTC), body)
    headers = {"webhook-id": message_id, "webhook-timestamp": str(NOW), "webhook-signature": signature}
    assert verify([key], headers, body.encode(), NOW) == message_id


@given(key=keys, message_id=ids, body=bodies, at=st.integers(0, 10**11), late=st.integers(-TOLERANCE_S, TOLERANCE_S))
def test_signing_and_verifying_go_together(key: bytes, message_id: str, body: bytes, at: int, late: int) -> None:
    assert verify([key], sign([key], message_id, at, body), body, at + late) == message_id


@given(key=keys, message_id=ids, body=bodies, place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_body_with_one_bit_changed_is_refused(key: bytes, message_id: str, body: bytes, place: int, bit: int) -> None:
    assume(body)
    changed = bytearray(body)
    changed[place % len(body)] ^= 1 << bit
    with pytest.raises(RefusedError, match="no signature"):
        verify([key], sign([key], message_id, NOW, body), bytes(changed), NOW)


@given(header=st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), value=st.text(max_size=80))
def test_no_other_header_does(header: str, value: str) -> None:
    headers = sign([KEY], "msg_1", NOW, b"{}")
    assume(value != headers[header] and not value.startswith(headers[header] + " "))
    with pytest.raises(RefusedError) as caught:
        verify([KEY], {**headers, header: value}, b"{}", NOW)
    assert caught.value.status == 401


@given(key=keys)
def test_another_secret_does_not_fit(key: bytes) -> None:
    assume(key != KEY)
    with pytest.raises(RefusedError):
        verify([key], sign([KEY], "msg_1", NOW, b"{}"), b"{}", NOW)


@pytest.mark.parametrize("late", [TOLERANCE_S + 1, -TOLERANCE_S - 1])
def test_a_request_from_another_time_is_refused_both_ways(late: int) -> None:
    with pytest.raises(RefusedError, match="more than 5 minutes from our clock"):
        verify([KEY], sign([KEY], "msg_1", NOW, b"{}"), b"{}", NOW + late)


def test_who_knows_no_secret_does_not_learn_what_our_clock_says() -> None:
    headers = sign([b"x" * 32], "msg_1", 0, b"{}")
    with pytest.raises(RefusedError, match="no signature"):
        verify([KEY], headers, b"{}", NOW)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_every_header_must_be_there(missing: str) -> None:
    headers = sign([KEY], "msg_1", NOW, b"{}")
    del headers[missing]
    with pytest.raises(RefusedError) as caught:
        verify([KEY], headers, b"{}", NOW)
    assert caught.value.status == 401


def test_in_a_rotation_the_old_and_the_new_secret_both_do() -> None:
    old, new = b"o" * 32, b"n" * 32
    for signing, knowing in (([old], [old, new]), ([new], [old, new]), ([old, new], [old]), ([old, new], [new])):
        assert verify(knowing, sign(signing, "msg_1", NOW, b"{}"), b"{}", NOW) == "msg_1"
    Webhook(base64.b64encode(new).decode()).verify(
        "{}", sign([old, new], "msg_1", int(datetime.now(UTC).timestamp()), b"{}")
    )


def test_signatures_of_other_versions_are_passed_over() -> None:
    headers = sign([KEY], "msg_1", NOW, b"{}")
    headers[SIGNATURE_HEADER] = f"v1a,AAAA v2,BBBB {headers[SIGNATURE_HEADER]}"
    assert verify([KEY], headers, b"{}", NOW) == "msg_1"


def test_the_right_signature_under_another_version_is_refused() -> None:
    headers = sign([KEY], "msg_1", NOW, b"{}")
    headers[SIGNATURE_HEADER] = headers[SIGNATURE_HEADER].replace("v1,", "v2,")
    with pytest.raises(RefusedError):
        verify([KEY], headers, b"{}", NOW)


@pytest.mark.parametrize("timestamp", ["", "1e9", "-1", "1.5", " 5", "٣", "9" * 400, "nan"])
def test_a_timestamp_is_plain_digits(timestamp: str) -> None:
    headers = {**sign([KEY], "msg_1", NOW, b"{}"), TIMESTAMP_HEADER: timestamp}
    with pytest.raises(RefusedError):
        verify([KEY], headers, b"{}", NOW)


def test_the_official_package_refuses_what_we_signed_for_another_body() -> None:
    headers = sign([KEY], "msg_1", int(datetime.now(UTC).timestamp()), b"{}")
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify('{"a": 1}', headers)


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_"), SECRET.rstrip("="), f" {SECRET}\n"])
def test_a_secret_is_read_as_senders_write_it(secret: str) -> None:
    assert key_from(secret) == KEY


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_AAAA", "whsec_not base64!", "whsec_" + "é" * 40, "hunter2"])
def test_what_is_no_signing_secret_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(ValueError, match="signing secret") as caught:
        key_from(secret)
    assert len(secret) < 8 or secret not in str(caught.value)
