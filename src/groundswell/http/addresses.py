"""Addresses in settings: where something is posted to."""

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError
from yarl import URL

from groundswell.settings import PrivateText, Secret


def _check_url(url: Secret) -> Secret:
    """What is wrong with an address is said without showing it: it may hold a token."""
    try:
        parsed = URL(url.reveal())
    except ValueError:
        parsed = URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise _url_error('is not an address; write "https://host/path"')
    if parsed.user is not None or parsed.password is not None:
        raise _url_error('holds a user name or password; write them as auth = { type = "basic", ... }')
    if parsed.fragment:
        raise _url_error('holds a "#"; what follows it is never sent, leave it out')
    return url


def _url_error(words: str) -> PydanticCustomError:
    return PydanticCustomError("secret", "{words}", {"words": words})


PostUrl = Annotated[PrivateText, AfterValidator(_check_url)]
"""An http or https address. Never shown: it may hold a token."""
