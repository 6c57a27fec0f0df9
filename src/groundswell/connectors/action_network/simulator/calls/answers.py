"""What a call is answered, and the two ways of not answering it."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

Json = dict[str, Any]


class Call(Struct, frozen=True):
    """One call, as far as it matters to what it does."""

    method: str
    path: Sequence[str]
    """Below the entry point, without empty parts: ("people", UUID)."""
    query: Mapping[str, str]
    body: Any
    """Parsed JSON; None when there was none or it was none."""


class RefusedCallError(Exception):
    """Answered with a status and `{"error": message}`."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class FailedPostError(Exception):
    """A record that cannot be made. Theirs answers 200 and {}, and keeps the reason to itself; ours counts it."""
