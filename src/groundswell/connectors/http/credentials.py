"""How the `http` sink says who it is."""

import base64
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from groundswell.clock import Clock
from groundswell.http import signature
from groundswell.http.auth import SigningSecrets, name_alone
from groundswell.settings import Secret, SecretText, Settings

Prove = Callable[[str, bytes], Mapping[str, str]]
"""The headers for one request, from its idempotency key and body."""


class NoCredentials(Settings):
    """Nothing is said."""

    type: Literal["none"]


class BasicCredentials(Settings):
    """HTTP Basic. An API key of another groundswell goes here: its account id and secret."""

    type: Literal["basic"]
    username: str = Field(description="The user name.", pattern=r"^[^:\x00-\x1f]+$")
    password: SecretText = Field(description="The password.")


class BearerCredentials(Settings):
    """`Authorization: Bearer TOKEN`."""

    type: Literal["bearer"]
    token: SecretText = Field(description="The token.")


class SigningCredentials(Settings):
    """Signs every request as Standard Webhooks has it; `webhook-id` is the same for every try of a delivery."""

    type: Literal["standard_webhooks"]
    secrets: SigningSecrets = Field(
        description='Signing secrets ("whsec_..."). Each request is signed with all of them: give the old and the new '
        "while changing them."
    )


_Credentials = NoCredentials | BasicCredentials | BearerCredentials | SigningCredentials
Credentials = Annotated[
    Annotated[_Credentials, Field(discriminator="type")],
    BeforeValidator(name_alone, json_schema_input_type=Literal["none"] | _Credentials),
]


def proof(credentials: Credentials, clock: Clock) -> Prove:
    """What makes the headers that go with these credentials."""
    match credentials:
        case BasicCredentials(username=username, password=password):
            pair = base64.b64encode(f"{username}:{password.reveal()}".encode()).decode()
            return _always({"Authorization": f"Basic {pair}"})
        case BearerCredentials(token=token):
            return _always({"Authorization": f"Bearer {token.reveal()}"})
        case SigningCredentials(secrets=secrets):
            return _signing(secrets, clock)
        case NoCredentials():
            return _always({})


def _always(headers: Mapping[str, str]) -> Prove:
    return lambda key, body: headers


def _signing(secrets: list[Secret], clock: Clock) -> Prove:
    keys = [signature.key_from(secret.reveal()) for secret in secrets]
    return lambda key, body: signature.sign(keys, key, int(clock.now()), body)
