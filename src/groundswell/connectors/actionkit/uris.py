"""ActionKit's addresses of things: relative, typed, and always with a slash at the end.

`/rest/v1/petitionaction/7/` and `/rest/v1/action/7/` are one action: the typed tables share the numbers of the generic
one (W, C). So an address is read as (kind, number) with the kind made generic.
"""

import re
from typing import Any, Final

from msgspec import Struct

ROOT: Final = "/rest/v1/"
_URI: Final = re.compile(r"(?:https?://[^/]+)?/rest/v1/([a-z_]+)/([A-Za-z0-9_.-]+)/?(?:\?.*)?")
_TYPED: Final = ("action", "page")
_OF_ITS_OWN: Final = frozenset(("transaction",))
"""Ends like a typed one, and is none."""


class Thing(Struct, frozen=True):
    """One thing of theirs."""

    kind: str
    """Generic: "action" for a petitionaction, "page" for a donationpage."""
    id: str
    """A number; a name for allowed user fields."""
    type: str = ""
    """As they call it: "petitionaction"."""

    @property
    def uri(self) -> str:
        """As they write it in a field that points to it."""
        return f"{ROOT}{self.type or self.kind}/{self.id}/"


def thing_at(uri: Any) -> Thing | None:
    """What an address points to, relative or whole; None if it is none of theirs."""
    match = _URI.fullmatch(uri) if isinstance(uri, str) else None
    if match is None:
        return None
    return Thing(generic(match[1]), match[2], match[1])


def id_at(uri: Any) -> str | None:
    """The number an address ends in."""
    thing = thing_at(uri)
    return None if thing is None else thing.id


def generic(kind: str) -> str:
    """ "page" for "petitionpage"; lists of their own, such as "usergroup", stay what they are."""
    if kind in _OF_ITS_OWN:
        return kind
    return next((word for word in _TYPED if kind.endswith(word) and kind != word), kind)


def of(kind: str, number: int | str) -> str:
    """The address of something, as fields that point to it want it."""
    return f"{ROOT}{kind}/{number}/"
