"""Amazon SNS, which ActionKit's pushes travel by (C): what its messages are, and how they prove where they come from.

A notification comes raw, the push alone, or in an envelope that is signed. Confirmations always come in one. Pure:
certificates are handed in. What is signed, and how, is documented by AWS (D).
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

from msgspec import Struct
from yarl import URL

from groundswell.errors import NotNowError, RefusedError

Kind = Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]
KIND_HEADER: Final = "x-amz-sns-message-type"
TOPIC_HEADER: Final = "x-amz-sns-topic-arn"
TOPIC: Final = r"arn:aws[a-z-]*:sns:[a-z0-9-]{1,40}:[0-9]{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?"
_TOPIC: Final = re.compile(TOPIC)
_HOST: Final = re.compile(r"sns\.[a-z]{2}(?:-[a-z0-9]+){1,4}\.amazonaws\.com")
_CERTIFICATE: Final = re.compile(r"/SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem")
"""The same host also answers calls, with texts that whoever calls had a say in. Certificates are named so (D)."""
_KINDS: Final[tuple[str, ...]] = get_args(Kind)
_CONFIRMING: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED: Final[Mapping[str, tuple[str, ...]]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONFIRMING,
    "UnsubscribeConfirmation": _CONFIRMING,
}
"""What is signed, in this order (D)."""
_MAY_LACK: Final = ("Subject",)
RETRY_AFTER_S: Final = 20
"""As SNS spaces its tries by default (D by AWS)."""


class Message(Struct, frozen=True):
    """A message in its envelope. Until `verify` nobody knows who wrote it."""

    kind: Kind
    topic: str
    text: str
    """Of a notification: what was pushed, as JSON."""
    subscribe_url: URL
    """What to GET to confirm; of a confirmation alone."""
    signed: bytes
    signature: bytes
    version: str
    certificate_url: URL


def message_of(headers: Mapping[str, str], body: Mapping[str, Any]) -> Message | None:
    """The message in an envelope; None where there is none: the body is what was pushed.

    A header and `Type` both say what it is. `Type` counts, for it is signed.

    Raises:
        RefusedError: 403; it says it is a message of SNS and lacks what makes one, or names another host.
    """
    kind = body.get("Type")
    if kind not in _KINDS:
        if headers.get(KIND_HEADER, "Notification") != "Notification":
            raise refused("a header says that this is a confirmation, and the body is none")
        return None
    return Message(
        kind=kind,
        topic=topic_in(_text(body, "TopicArn")),
        text=_text(body, "Message"),
        subscribe_url=URL() if kind == "Notification" else _subscribe_url(_text(body, "SubscribeURL")),
        signed="".join(f"{name}\n{_text(body, name)}\n" for name in _signed_of(body, kind)).encode(errors="replace"),
        signature=_signature(_text(body, "Signature")),
        version=_text(body, "SignatureVersion"),
        certificate_url=_certificate_url(_text(body, "SigningCertURL")),
    )


def topic_in(text: str) -> str:
    """The name of a topic. Raises RefusedError: 403, it is none."""
    if not _TOPIC.fullmatch(text):
        raise refused("the topic it names is none")
    return text


def amazon_url(text: str, name: str) -> URL:
    """An address in a message, if it leads to SNS itself: nothing else is ever fetched because a message says so.

    Raises:
        RefusedError: 403; it leads elsewhere.
    """
    try:
        url = URL(text)
        is_theirs = url.scheme == "https" and url.explicit_port in (None, 443) and url.user is None
    except ValueError:
        is_theirs = False
    if not is_theirs or not _HOST.fullmatch(url.host or "") or url.password is not None:
        raise refused(f"{name} does not lead to https://sns.<region>.amazonaws.com, so it is not fetched")
    return url


def verify(message: Message, certificate: bytes, now: float) -> None:
    """Check the signature with a certificate (PEM) that came from `certificate_url`.

    Version 1 is RSA with SHA-1, version 2 with SHA-256; padding PKCS #1 v1.5 (D).

    Raises:
        RefusedError: 403; the certificate did not sign this.
        NotNowError: 503; the certificate is none, or not of now: that may be Amazon's fault, or our clock's.
    """
    # Here, not above: it takes longer to load than all the rest of a start, and pushes mostly come without a signature.
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    if message.version not in ("1", "2"):
        raise refused("SignatureVersion is neither 1 nor 2")
    try:
        read = x509.load_pem_x509_certificate(certificate)
        key = read.public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise _not_now("what stands at SigningCertURL is no certificate") from None
    if not isinstance(key, RSAPublicKey):
        raise _not_now("the certificate at SigningCertURL holds no RSA key")
    if not read.not_valid_before_utc <= datetime.fromtimestamp(now, UTC) <= read.not_valid_after_utc:
        raise _not_now("the certificate at SigningCertURL is not valid today")
    digest = SHA1() if message.version == "1" else SHA256()  # noqa: S303 - what version 1 is
    try:
        key.verify(message.signature, message.signed, PKCS1v15(), digest)
    except InvalidSignature:
        raise refused("the signature does not fit the message") from None


def refused(why: str) -> RefusedError:
    """403: SNS does not send such a message again, and nobody honest sends one."""
    return RefusedError(403, f"this message of SNS is not taken: {why}")


def _not_now(why: str) -> NotNowError:
    return NotNowError(f"not now: {why}", RETRY_AFTER_S)


def _certificate_url(text: str) -> URL:
    url = amazon_url(text, "SigningCertURL")
    if not _CERTIFICATE.fullmatch(url.path) or url.query_string:
        raise refused("SigningCertURL is not where SNS keeps certificates, so it is not fetched")
    return url


def _subscribe_url(text: str) -> URL:
    url = amazon_url(text, "SubscribeURL")
    if url.query.getall("Action", []) != ["ConfirmSubscription"]:
        raise refused("SubscribeURL does not confirm a subscription, so it is not fetched")
    return url


def _signed_of(body: Mapping[str, Any], kind: str) -> list[str]:
    return [name for name in _SIGNED[kind] if name not in _MAY_LACK or name in body]


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise refused(f"{name} is missing")
    return value


def _signature(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise refused("Signature is not base64") from None
