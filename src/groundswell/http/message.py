"""A webhook request as it comes in, and the answer to it as it goes out."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct

from groundswell.errors import RefusedError


class Headers(dict[str, str]):
    """Headers of a request, by name in lower case; of one that came twice, the first. `get` ignores case; `known` takes
    a name in lower case, and is cheaper."""

    known = dict.get

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        return super().get(name.lower(), default)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())


class Request(Struct):
    """A request as far as it has come."""

    method: str
    path: str
    headers: Headers
    keeps_alive: bool
    body: bytes = b""
    refusal: RefusedError | None = None
    """Why it is refused, known before the whole body came."""


_JSON_HEAD: Final = "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n"


def written(status: int, body: bytes, headers: Mapping[str, str], *, keeps_alive: bool) -> bytes:
    """An answer as it goes out."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name != "Connection")
    if not keeps_alive:
        lines += "Connection: close\r\n"
    return (_JSON_HEAD % (status, HTTPStatus(status).phrase, len(body), lines)).encode("latin-1") + body


def refusal_written(refusal: RefusedError, request: Request) -> bytes:
    """A refusal as it goes out; without its body to who asked for the head only."""
    body = msgspec.json.encode({"error": str(refusal)})
    answer = written(refusal.status, body, refusal.headers, keeps_alive=request.keeps_alive)
    return answer[: -len(body)] if request.method == "HEAD" else answer
