"""The `http.webhook` source: anybody who can POST JSON."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from pydantic import Field

from groundswell.component import Arrival, Context, WebhookRequest
from groundswell.connectors.common.objects import Objects, ObjectSettings, parse, parse_object
from groundswell.errors import RecordError, RefusedError, UnreadableError
from groundswell.http import signature
from groundswell.http.auth import BasicAuth, StandardWebhooksAuth, WebhookAuth, authenticator
from groundswell.record import Record
from groundswell.settings import WebhookSourceSettings

RECORDS_MAX: Final = 10_000
"""In one request."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_ONE_BODY: Final = ("application/json",)
_LINES: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl")


class HttpWebhookSettings(WebhookSourceSettings, ObjectSettings):
    """Takes what is posted: a JSON object, an array of them, or one to a line (NDJSON)."""

    auth: WebhookAuth = Field(
        BasicAuth(type="basic"),
        description="Who may post: none, basic, bearer or standard_webhooks. Without it: HTTP Basic with an API key "
        "made with `groundswell keys create`.",
    )


class HttpWebhook:
    """Takes a whole request or nothing of it: one bad object refuses all, so that the sender knows where they stand."""

    content_types: Sequence[str] | None = (*_ONE_BODY, *_LINES)

    def __init__(self, settings: HttpWebhookSettings, context: Context) -> None:
        self.path = settings.path_for(context.name)
        self._objects = Objects(context.name, settings)
        self._authenticate = authenticator(settings.auth, context.keys, context.clock)
        self._is_signed = isinstance(settings.auth, StandardWebhooksAuth)

    async def authenticate(self, request: WebhookRequest) -> None:
        await self._authenticate(request)

    def arrivals(self, request: WebhookRequest) -> Sequence[Arrival]:
        # Only a signature vouches for the id of the message; anybody can write a header.
        message_id = request.headers.get(signature.ID_HEADER) if self._is_signed else None
        body = request.body.removeprefix(_BYTE_ORDER_MARK).strip()
        if body.startswith(b"{") and not _is_lines(request):
            return [self._arrival(body, message_id, "the body")]
        parts = _parts(body, _is_lines(request))
        return [
            self._arrival(part, message_id and f"{message_id}/{number}", f"object {number}") for number, part in parts
        ]

    def read(self, arrival: Arrival) -> Record:
        return self._objects.read(arrival)

    def _arrival(self, raw: bytes, message_id: str | None, what: str) -> Arrival:
        try:
            return self._objects.arrival(raw, parse_object(raw), message_id)
        except RecordError as exc:
            raise UnreadableError(f"{what} cannot be taken: {exc}") from exc


def _is_lines(request: WebhookRequest) -> bool:
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower() in _LINES


def _parts(body: bytes, is_lines: bool) -> Iterator[tuple[int, bytes]]:
    """The objects of a body as they were sent, each with its number, counted from 1."""
    if not body:
        raise UnreadableError("the body is empty")
    parts = _lines(body) if is_lines else _entries(body)
    if len(parts) > RECORDS_MAX:
        raise RefusedError(413, f"a request may hold {RECORDS_MAX} objects, this one holds {len(parts)}; send several")
    return enumerate(parts, 1)


def _lines(body: bytes) -> list[bytes]:
    return [line for line in map(bytes.strip, body.split(b"\n")) if line]


def _entries(body: bytes) -> list[bytes]:
    """The entries of a JSON array, cut out of the body rather than written anew: what came is kept as it came."""
    try:
        entries: list[msgspec.Raw] = parse(body, list[msgspec.Raw])
    except RecordError as exc:
        raise UnreadableError(f"the body must be a JSON object or an array of objects: {exc}") from exc
    return [bytes(entry) for entry in entries]
