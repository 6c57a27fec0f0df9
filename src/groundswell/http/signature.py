"""Standard Webhooks: proof that a body comes from whoever shares a secret with us, and is not an old one sent again.

HMAC-SHA256 over `id.timestamp.body`, in three headers. Pure; the time is handed in.

Source: the Standard Webhooks specification 1.0 (github.com/standard-webhooks/standard-webhooks), symmetric keys, read
in November 2026.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Final

from groundswell.errors import RefusedError

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
TOLERANCE_S: Final = 300
"""How far a timestamp may be from our clock, both ways."""
SIGNATURES_MAX: Final = 16
"""Signatures looked at in one header: a sender in the middle of a rotation sends two."""
KEY_BYTES_MIN: Final = 16

_ID: Final = re.compile(r"[\x21-\x7e]{1,256}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


def key_from(secret: str) -> bytes:
    """The key in a secret, written `whsec_` and base64 (the prefix may be missing).

    Raises:
        ValueError: it is not one; says why, without the secret.
    """
    text = secret.strip().removeprefix("whsec_").rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError('is not a signing secret; it is written "whsec_" and base64') from None
    if len(key) < KEY_BYTES_MIN:
        raise ValueError(f"is too short for a signing secret; at least {KEY_BYTES_MIN} bytes, better 32")
    return key


def sign(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that prove a body. Several keys (a rotation) give several signatures: any one of them will do."""
    signatures = " ".join(f"v1,{_signature(key, message_id, str(timestamp), body)}" for key in keys)
    return {ID_HEADER: message_id, TIMESTAMP_HEADER: str(timestamp), SIGNATURE_HEADER: signatures}


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float) -> str:
    """Check the signature of a request and return its message id.

    The signature comes before the timestamp, so that only who knows a secret learns what our clock says.

    Raises:
        RefusedError: 401; the headers are missing or malformed, no signature fits, or the timestamp is not of now.
    """
    message_id, timestamp = headers.get(ID_HEADER, ""), headers.get(TIMESTAMP_HEADER, "")
    if not _ID.fullmatch(message_id) or not _TIMESTAMP.fullmatch(timestamp):
        raise RefusedError(
            401, f"{ID_HEADER} and {TIMESTAMP_HEADER} must be there, with a signature of them and the body"
        )
    if not _any_fits(keys, headers.get(SIGNATURE_HEADER, ""), message_id, timestamp, body):
        raise RefusedError(401, f"no signature in {SIGNATURE_HEADER} fits this body and a secret we know")
    if abs(now - int(timestamp)) > TOLERANCE_S:
        raise RefusedError(401, f"{TIMESTAMP_HEADER} is more than {TOLERANCE_S // 60} minutes from our clock")
    return message_id


def _any_fits(keys: Sequence[bytes], header: str, message_id: str, timestamp: str, body: bytes) -> bool:
    entries = header.split(" ", SIGNATURES_MAX)[:SIGNATURES_MAX]
    offered = [entry[3:].encode(errors="surrogatepass") for entry in entries if entry.startswith("v1,")]
    fits = False
    for key in keys:
        wanted = _signature(key, message_id, timestamp, body).encode()
        for signature in offered:
            fits |= hmac.compare_digest(wanted, signature)
    return fits


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    return base64.b64encode(hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")).decode()
