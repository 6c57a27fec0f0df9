"""What a call asks, what it is answered, and how it is refused."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from multidict import MultiMapping

Json = dict[str, Any]


class Call(Struct, frozen=True):
    """One call, as far as it matters to what it does."""

    method: str
    path: Sequence[str]
    """Below the root of the API, without empty parts: ("user", "7001")."""
    query: MultiMapping[str]
    body: Json
    """{} when there was none."""
    is_staff: bool = True
    """Whether good credentials came with it."""
    ip: str = "127.0.0.1"
    wants: str = "json"
    """What the answer should be: "json", "xml", "csv" or "html"."""
    upload: bytes | None = None
    """The file of a multipart body."""


class Answer(Struct, frozen=True):
    """`body` None is an empty one."""

    status: int = 200
    body: Any = None
    location: str | None = None
    """An address below the host."""
    text: bytes | None = None
    """Sent as it is, instead of `body`."""
    content_type: str = ""
    root: str = "response"
    """What an XML body is called."""


class RefusedCallError(Exception):
    """Answered with a status and a body, which is empty where theirs is."""

    def __init__(self, status: int, body: Any = None, location: str | None = None) -> None:
        self.status = status
        self.body = body
        self.location = location
        super().__init__(f"{status}")


def not_found() -> RefusedCallError:
    return RefusedCallError(404)


def not_allowed() -> RefusedCallError:
    return RefusedCallError(405)


def invalid(resource: str, **errors: str) -> RefusedCallError:
    """The shape resources use: errors under the name of the resource (W)."""
    return RefusedCallError(400, {resource: {field: [text] for field, text in errors.items()}})


def conflict(field: str, value: str, location: str) -> RefusedCallError:
    """A unique key that is taken; the address is that of who has it (W)."""
    text = f"Conflict on unique key '{field}' for value '{value}'"
    if field != "email":
        text += f", already at {location}"
    return RefusedCallError(409, {"errors": {field: [text]}}, location)
