"""Reading what was asked: a query or a JSON body into a request. What is not known is refused, with a suggestion."""

from collections.abc import Iterable
from typing import Any, Final, TypeVar

import anyio
import msgspec
from aiohttp import web
from msgspec import Struct

from groundswell.config.problems import meant, quoted
from groundswell.errors import RefusedError

BODY_BYTES_MAX: Final = 2**20
BODY_TIMEOUT_S: Final = 10.0

Q = TypeVar("Q", bound=Struct)


def read_query(request: web.BaseRequest, wanted: type[Q]) -> Q:
    """The request in a query. Raises RefusedError (400)."""
    given = list(request.query.items())
    _check_known((name for name, _ in given), wanted, "a parameter")
    values = dict(given)
    if len(values) < len(given):
        raise RefusedError(400, "a parameter is given twice; give each once")
    return _converted(values, wanted, strict=False)


async def read_body(request: web.BaseRequest, wanted: type[Q]) -> Q:
    """The request in a JSON body. Raises RefusedError (400, 408, 413, 415)."""
    _check_known(request.query, Struct, "a parameter")
    # Also what keeps a page on another site from using the login of a browser: it may not send this type unasked.
    if request.content_type != "application/json":
        raise RefusedError(415, "send JSON, with Content-Type: application/json")
    body = await _body_of(request)
    try:
        values = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise RefusedError(400, "the body is not JSON") from None
    if not isinstance(values, dict):
        raise RefusedError(400, "the body must be a JSON object")
    _check_known(values, wanted, "a field")
    return _converted({name: _with_whole_numbers(value) for name, value in values.items()}, wanted, strict=True)


def _with_whole_numbers(value: Any) -> Any:
    """JSON knows one kind of number: 5.0 is 5."""
    if isinstance(value, list):
        return [int(part) if isinstance(part, float) and part.is_integer() else part for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


async def _body_of(request: web.BaseRequest) -> bytes:
    """At most BODY_BYTES_MAX, after decompression."""
    with anyio.move_on_after(BODY_TIMEOUT_S):
        try:
            return await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise RefusedError(413, f"the body is larger than {BODY_BYTES_MAX} bytes") from None
        except web.RequestPayloadError:
            raise RefusedError(400, "the body is cut off, or not as its headers say") from None
    raise RefusedError(408, "the body did not arrive in time", {"Connection": "close"})


def _check_known(names: Iterable[str], wanted: type[Struct], what: str) -> None:
    known = wanted.__struct_fields__
    for name in names:
        if name not in known:
            hint = meant(name, known) if known else "it takes none"
            raise RefusedError(400, f"{quoted(name)} is not {what} of this request; {hint}")


def _converted(values: dict[str, Any], wanted: type[Q], *, strict: bool) -> Q:
    try:
        return msgspec.convert(values, wanted, strict=strict)
    except msgspec.ValidationError as exc:
        # Names the place and what is expected there, never what came.
        raise RefusedError(400, f"the request cannot be read: {exc}") from None
