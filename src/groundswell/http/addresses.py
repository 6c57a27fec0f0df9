"""Addresses in settings: what is called, and where something is posted to."""

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError
from yarl import URL

from groundswell.settings import PrivateText, Secret


def is_host(name: str) -> bool:
    """Whether this can be looked up at all: no part of it is empty or too long."""
    try:
        return bool(name) and bool(name.encode("idna"))
    except UnicodeError:
        return False


def address_in(text: str) -> URL | None:
    """The http or https address this is; None if it is none."""
    try:
        url = URL(text)
    except ValueError:
        return None
    return url if url.scheme in ("http", "https") and is_host(url.host or "") else None


def _check_url(url: Secret) -> Secret:
    """What is wrong with an address is said without showing it: it may hold a token."""
    parsed = address_in(url.reveal())
    if parsed is None:
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
