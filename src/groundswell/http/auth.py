"""Who may post to a webhook source: the four ways, their settings, and the check of each.

A refusal says how to prove who one is, never which part of the proof was wrong.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from groundswell.clock import Clock
from groundswell.component import Keys, WebhookRequest
from groundswell.errors import RefusedError
from groundswell.http import signature
from groundswell.settings import Secret, SecretText, Settings

AUTHORIZATION_CHARACTERS_MAX: Final = 4096

Authenticate = Callable[[WebhookRequest], Awaitable[None]]
"""Returns if the sender is who they must be, else raises RefusedError (401)."""


def _check_signing_secret(secret: Secret) -> Secret:
    try:
        signature.key_from(secret.reveal())
    except ValueError as exc:
        raise PydanticCustomError("secret", "{words}", {"words": str(exc)}) from None
    return secret


def name_alone(value: Any) -> Any:
    """`auth = "none"` says as much as `auth = { type = "none" }`."""
    return {"type": value} if isinstance(value, str) else value


SigningSecret = Annotated[SecretText, AfterValidator(_check_signing_secret)]
SigningSecrets = Annotated[list[SigningSecret], Field(min_length=1, max_length=8)]


class NoAuth(Settings):
    """Anybody may post. Only behind something else that keeps strangers out, or on an unguessable path."""

    type: Literal["none"]


class BasicAuth(Settings):
    """HTTP Basic. Without a user name and password: an API key made with `groundswell keys create`."""

    type: Literal["basic"]
    username: str | None = Field(None, description="The one user name that may post. Left out: API keys.")
    password: SecretText | None = Field(None, description="Its password.")

    @model_validator(mode="after")
    def _both_or_neither(self) -> "BasicAuth":
        if (self.username is None) != (self.password is None):
            raise ValueError("needs both username and password, or neither (then API keys are used)")
        return self


class BearerAuth(Settings):
    """`Authorization: Bearer TOKEN`."""

    type: Literal["bearer"]
    token: SecretText = Field(description="The token.")


class StandardWebhooksAuth(Settings):
    """Signed as Standard Webhooks has it: HMAC-SHA256 over id, timestamp and body."""

    type: Literal["standard_webhooks"]
    secrets: SigningSecrets = Field(
        description='Signing secrets ("whsec_..."). Any one may fit; give the old and the new while changing them.'
    )


WebhookAuth = Annotated[
    Annotated[NoAuth | BasicAuth | BearerAuth | StandardWebhooksAuth, Field(discriminator="type")],
    BeforeValidator(
        name_alone,
        json_schema_input_type=Literal["none", "basic"] | NoAuth | BasicAuth | BearerAuth | StandardWebhooksAuth,
    ),
]


def authenticator(settings: WebhookAuth, keys: Keys, clock: Clock) -> Authenticate:
    """The check that goes with these settings. What is none of the four is an error, never an open door."""
    match settings:
        case BasicAuth(username=str(username), password=Secret() as password):
            return _Exact(_BASIC, f"{username}:{password.reveal()}", _decode_basic)
        case BasicAuth():
            return _ApiKey(keys)
        case BearerAuth(token=token):
            return _Exact(_BEARER, token.reveal(), lambda credentials: credentials)
        case StandardWebhooksAuth(secrets=secrets):
            return _Signed([signature.key_from(secret.reveal()) for secret in secrets], clock)
        case NoAuth():
            return _anybody


_BASIC: Final = 'Basic realm="groundswell", charset="UTF-8"'
_BEARER: Final = 'Bearer realm="groundswell"'


async def _anybody(request: WebhookRequest) -> None:
    return None


class _ApiKey:
    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def __call__(self, request: WebhookRequest) -> None:
        pair = _decode_basic(_credentials(request, _BASIC) or "")
        account_id, _, secret = (pair or "").partition(":")
        if not account_id or not secret or not await self._keys.is_valid(account_id, secret):
            raise _refusal(_BASIC, "an API key made with `groundswell keys create` (account id and secret)")


class _Exact:
    """One known text. Digests are compared, so that not even its length shows in how long the answer takes."""

    def __init__(self, challenge: str, wanted: str, decode: Callable[[str], str | None]) -> None:
        self._challenge = challenge
        self._decode = decode
        self._key = os.urandom(32)
        self._wanted = self._digest(wanted)

    async def __call__(self, request: WebhookRequest) -> None:
        credentials = _credentials(request, self._challenge)
        offered = self._decode(credentials) if credentials else None
        if offered is None or not hmac.compare_digest(self._digest(offered), self._wanted):
            raise _refusal(self._challenge, f"the right {self._challenge.split()[0]} credentials")

    def _digest(self, text: str) -> bytes:
        return hashlib.blake2b(text.encode(errors="surrogatepass"), key=self._key).digest()


class _Signed:
    def __init__(self, keys: list[bytes], clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    async def __call__(self, request: WebhookRequest) -> None:
        signature.verify(self._keys, request.headers, request.body, self._clock.now())


def _credentials(request: WebhookRequest, challenge: str) -> str | None:
    """What follows the scheme in `Authorization`; None when there is none, another, or too much."""
    header = request.headers.get("Authorization", "")
    scheme, _, credentials = header.partition(" ")
    if len(header) > AUTHORIZATION_CHARACTERS_MAX or scheme.lower() != challenge.split()[0].lower():
        return None
    return credentials.strip()


def _decode_basic(credentials: str) -> str | None:
    try:
        return base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _refusal(challenge: str, needed: str) -> RefusedError:
    return RefusedError(
        401, f"this source takes requests with {needed} in the Authorization header", {"WWW-Authenticate": challenge}
    )
