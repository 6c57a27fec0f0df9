"""What ActionKit's answers mean when they are no success. Its error bodies have at least eight shapes (D, W, C).

The words in them are in the language of the page and meant for visitors, so nothing is decided by them: field names and
status codes are all that counts. They are shown, though, for the person who looks at the dead letter.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from groundswell.connectors.actionkit.uris import Thing, thing_at
from groundswell.errors import RejectedError, RemoteError, UnauthorizedError, UnavailableError
from groundswell.http.client import Answer, error_of
from groundswell.http.said import shown

FAULT_TRIES_MAX: Final = 5
"""A 500 is often a passing one, and sometimes hides a 400 (C): they do not say which."""
FIELDS_SHOWN_MAX: Final = 5


class InvalidError(RejectedError):
    """400: they say which fields are wrong, and why."""

    reason = "invalid"

    def __init__(self, message: str, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__(message)


class ConflictError(RejectedError):
    """409: there is one already. `existing` is where, from `Location` (W)."""

    reason = "conflict"

    def __init__(self, message: str, existing: Thing | None) -> None:
        self.existing = existing
        super().__init__(message)


class MissingError(RejectedError):
    """404: there is no such thing."""

    reason = "not_found"


def fault_of(answer: Answer, parsed: Any, who: str, now: float) -> RemoteError:
    """The error an answer outside 2xx stands for. `who` begins the message: "crm: posting an action: example.org"."""
    fields = dict(messages_in(parsed))
    said = f"{who} answered {answer.status}{_in_brackets(fields)}"
    match answer.status:
        case 400:
            return InvalidError(f"{said}; it will not take this as it is", fields)
        case 401:
            return UnauthorizedError(
                f"{said}: it does not take user name and password; check `username` and `password` of the account. "
                "Nothing more is sent for a while, since repeated failures lock a staff account"
            )
        case 403:
            return UnauthorizedError(
                f"{said}: the staff account is locked, or may not do this; check its permissions in ActionKit. "
                "Nothing more is sent for a while"
            )
        case 404 | 410:
            return MissingError(f"{said}: it is not there")
        case 409:
            return ConflictError(f"{said}: there is one already", thing_at(answer.headers.get("Location")))
        case 500:
            return UnavailableError(f"{said}; it will be tried again, {FAULT_TRIES_MAX} times in all", FAULT_TRIES_MAX)
        case _:
            return error_of(answer, who, now)


def messages_in(parsed: Any) -> Iterator[tuple[str, str]]:
    """(field, words) of an error body, whatever its shape; the field is "" where none is named.

    `{"errors": {"zip": ["..."]}}`, `{"errors": [...]}`, `{"errors": "..."}`, `{"page": "..."}`,
    `{"petitionpage": {"name": ["..."]}}`, `{"canceled_by": ["..."]}`, `{"error": "..."}`.
    """
    if isinstance(parsed, dict) and "errors" in parsed:
        parsed = parsed["errors"]
    yield from _messages("", parsed)


def _messages(field: str, value: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    match value:
        case str() if value:
            yield ("" if field == "error" else field), value
        case dict() if depth < 3:
            for name, inner in value.items():
                yield from _messages(name if isinstance(name, str) else "", inner, depth + 1)
        case list() if depth < 3:
            words = [entry for entry in value if isinstance(entry, str)]
            if words:
                yield field, " ".join(words)
            for inner in value:
                if isinstance(inner, dict):
                    yield from _messages(field, inner, depth + 1)


def _in_brackets(fields: Mapping[str, str]) -> str:
    told = [f"{shown(field)}: {shown(words)}" if field else shown(words) for field, words in fields.items()]
    return f" ({'; '.join(told[:FIELDS_SHOWN_MAX])})" if told else ""
