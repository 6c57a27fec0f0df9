"""Reading what was asked: a query or a JSON body into a request. What is not known is refused, with a suggestion."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import anyio
import msgspec
from aiohttp import web
from msgspec import Struct

from groundswell.config.problems import meant, quoted
from groundswell.errors import RefusedError
from groundswell.ops.values import MUST_BE

BODY_BYTES_MAX: Final = 2**20
BODY_TIMEOUT_S: Final = 10.0
FORM_BYTES_MAX: Final = 128 * 2**10
FIELDS_MAX: Final = 2_000

Form = Mapping[str, list[str]]
"""What a form sent: by field, every value."""

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


async def read_form(request: web.BaseRequest) -> Form:
    """The fields of a form. Raises RefusedError (400, 408, 413)."""
    too_large = RefusedError(413, f"the form is larger than {FORM_BYTES_MAX} bytes", {"Connection": "close"})
    if (request.content_length or 0) > FORM_BYTES_MAX:
        raise too_large
    body = await _body_of(request)
    if len(body) > FORM_BYTES_MAX:
        raise too_large
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=FIELDS_MAX
        )
    except ValueError:  # bytes that are no text, too many fields
        raise RefusedError(400, "the form cannot be read") from None
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def of_form(form: Form, wanted: type[Q]) -> Q:
    """The request in the fields of a form: what is left blank is not asked for. Raises RefusedError (400)."""
    _check_known(form, wanted, "a field")
    lists = {name for name, hint in get_type_hints(wanted).items() if _is_list(hint)}
    values: dict[str, Any] = {}
    for name, given in form.items():
        filled = [value for value in given if value]
        if name in lists and filled:
            values[name] = filled
        elif len(filled) > 1:
            raise RefusedError(400, "a field is given twice; give each once")
        elif filled:
            values[name] = filled[0]
    return _converted(values, wanted, strict=False)


def first_in(given: Mapping[str, Sequence[str]], field: str) -> str:
    """The first value of a field; "" where it has none."""
    return next(iter(given.get(field, ())), "")


def words_of(exc: msgspec.ValidationError) -> str:
    """What is wrong with a request: names the place and what is expected there, never what came."""
    found = _PATTERN.fullmatch(str(exc))
    return str(exc) if found is None else f"{found['field']} {MUST_BE[found['pattern']]}"


_PATTERN: Final = re.compile(r"Expected `str` matching regex '(?P<pattern>.*)' - at `\$\.(?P<field>.*)`")


def _is_list(hint: Any) -> bool:
    return get_origin(hint) is list or any(_is_list(part) for part in get_args(hint))


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
        asked = msgspec.convert(values, wanted, strict=strict)
    except msgspec.ValidationError as exc:
        raise RefusedError(400, f"the request cannot be read: {words_of(exc)}") from None
    if not strict:
        for name in values:
            if getattr(asked, name) is None:  # the word "null" is taken for it
                raise RefusedError(400, f"{quoted(name)} cannot be null here; leave it out")
    return asked
