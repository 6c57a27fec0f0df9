"""Messages of SNS: what they are, where they may lead, and how they prove who wrote them."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.actionkit import sns
from groundswell.connectors.actionkit.simulator.push.messages import Topic
from groundswell.connectors.actionkit.simulator.push.signing import signing_key
from groundswell.errors import NotNowError, RefusedError
from tests.connectors.actionkit.simulated import Desk

NOW = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
CERTIFICATE = signing_key(1).certificate().encode()


def message(kind: Any = "Notification", version: str = "1", **changes: Any) -> sns.Message:
    desk = Desk(signature_version=version, pushes_are_raw=False)
    topic = Topic(desk.world, Random(1), "pushes")
    if kind == "Notification":
        sent = topic.notification(desk.control.act("signup", email="rosa@example.org"))
    else:
        sent = topic.confirmation(kind)
    assert sent is not None
    read = sns.message_of(sent.headers, {**msgspec.json.decode(sent.body), **changes})
    assert read is not None
    return read


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_what_amazon_signed_is_taken(kind: str, version: str) -> None:
    sns.verify(message(kind, version), CERTIFICATE, NOW)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "TopicArn", "Subject"])
def test_whatever_is_changed_or_added_breaks_the_signature(name: str, version: str) -> None:
    another = "arn:aws:sns:us-east-1:111122223333:another" if name == "TopicArn" else "another"
    with pytest.raises(RefusedError, match="the signature does not fit"):
        sns.verify(message(version=version, **{name: another}), CERTIFICATE, NOW)


def test_a_signature_of_another_key_is_refused() -> None:
    with pytest.raises(RefusedError, match="the signature does not fit"):
        sns.verify(message(), certificate_of(rsa.generate_private_key(65537, 2048)), NOW)


@pytest.mark.parametrize("moment", [datetime(2020, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC)])
def test_a_certificate_is_taken_while_it_is_valid(moment: datetime) -> None:
    with pytest.raises(RefusedError, match="is not valid today"):
        sns.verify(message(), CERTIFICATE, moment.timestamp())


@pytest.mark.parametrize("text", [b"", b"<ErrorResponse/>", CERTIFICATE[:300], CERTIFICATE.replace(b"M", b"N")])
def test_what_is_no_certificate_is_asked_for_again(text: bytes) -> None:
    with pytest.raises(NotNowError):
        sns.verify(message(), text, NOW)


def test_a_certificate_of_another_kind_of_key_proves_nothing() -> None:
    with pytest.raises(RefusedError, match="holds no RSA key"):
        sns.verify(message(), certificate_of(ec.generate_private_key(ec.SECP256R1())), NOW)


def certificate_of(key: Any) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.fromtimestamp(NOW, UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_the_body_alone_is_what_was_pushed() -> None:
    assert sns.message_of({}, {"type": "action", "action": {"id": 1}}) is None
    assert sns.message_of({sns.KIND_HEADER: "Notification"}, {"Type": "Survey"}) is None


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation", "Nonsense"])
def test_a_header_alone_makes_no_confirmation(kind: str) -> None:
    with pytest.raises(RefusedError, match="a header says"):
        sns.message_of({sns.KIND_HEADER: kind}, {"SubscribeURL": "https://sns.us-east-1.amazonaws.com/"})


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "us-gov-west-1", "ap-southeast-4"])
def test_addresses_of_sns_itself_are_fetched(region: str) -> None:
    assert sns.amazon_url(f"https://sns.{region}.amazonaws.com/?Action=ConfirmSubscription", "SubscribeURL").host


@given(st.text(alphabet="sn.amzowcuet1-@:/?#%\\ ", max_size=40), st.text(max_size=20))
def test_no_text_makes_another_host_look_like_it(middle: str, end: str) -> None:
    for text in (f"https://{middle}.amazonaws.com{end}", f"https://sns.{middle}amazonaws.com/{end}", middle + end):
        try:
            url = sns.amazon_url(text, "SubscribeURL")
        except RefusedError:
            continue
        else:
            host = url.raw_host or ""
            assert url.scheme == "https"
            assert host.isascii()
            assert host.startswith("sns.")
            assert host.endswith(".amazonaws.com")
            assert "." not in host.removeprefix("sns.").removesuffix(".amazonaws.com")
            assert url.port == 443
            assert url.raw_user is None
            assert url.raw_password is None


@given(
    st.dictionaries(
        st.sampled_from([*sns._CONFIRMING, "Signature", "SigningCertURL", "SignatureVersion"]),
        st.one_of(
            st.none(),
            st.integers(),
            st.text(max_size=20),
            st.lists(st.text(max_size=3), max_size=2),
            st.sampled_from(
                ["Notification", "SubscriptionConfirmation", "https://sns.us-east-1.amazonaws.com/a.pem", "AAAA", "1"]
            ),
        ),
    )
)
def test_any_body_is_a_message_or_refused_or_a_push(body: dict[str, Any]) -> None:
    try:
        read = sns.message_of({}, body)
        if read is not None:
            sns.verify(read, CERTIFICATE, NOW)
    except RefusedError:
        return
    assert read is None, "nobody has the key"
