"""Settings that may hold a token, and often do not: addresses, header values."""

from typing import Annotated

from pydantic import AfterValidator

from groundswell.settings import Secret, SecretText


class Private(Secret):
    """Never printed, like a secret, but nothing is wrong with writing it out in the configuration."""

    __slots__ = ()


PrivateText = Annotated[SecretText, AfterValidator(lambda secret: Private(secret.reveal()))]
"""A `Private`, written in any way a secret can be written."""
