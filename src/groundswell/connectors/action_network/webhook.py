"""The `action_network.webhook` source: takes what Action Network pushes.

It wants exactly 200 within half a second, tries three times in about an hour, then drops the event for good. So no
event is refused for what it holds: what cannot be understood is accepted, and becomes a dead letter when it is read.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType
from pydantic import Field

from groundswell.component import Arrival, Context, WebhookRequest
from groundswell.connectors.action_network.mapping import arrival_ids, record_of
from groundswell.connectors.action_network.usual import usual_id, usual_record
from groundswell.connectors.common.objects import parse, parse_object
from groundswell.errors import RecordError, RefusedError, UnreadableError
from groundswell.record import Record
from groundswell.settings import WebhookSourceSettings

EVENTS_MAX: Final = 10_000
"""In one request. They send one, or a handful of letters."""


class ActionNetworkWebhookSettings(WebhookSourceSettings):
    """Takes Action Network's webhooks. They are not signed, so the path must be one nobody can guess."""

    sender_can_sign: ClassVar[bool] = False

    mobile_unsubscribed: Literal["no", "unknown"] = Field(
        "no",
        description='What the status "unsubscribed" of a phone number says about texting. "no": they said stop. '
        '"unknown": nothing, because Action Network gives that status to every new number too, asked or not; then a '
        "stop said in Action Network must reach you another way.",
    )


class ActionNetworkWebhook:
    """Keeps each event of a request as it came; `read` makes the record."""

    content_types: Sequence[str] | None = ("application/json", "application/hal+json", "text/json")

    def __init__(self, settings: ActionNetworkWebhookSettings, context: Context) -> None:
        self.path = settings.path_for(context.name)
        self._name = context.name
        self._mobile_unsubscribed: bool | UnsetType = False if settings.mobile_unsubscribed == "no" else UNSET

    async def authenticate(self, request: WebhookRequest) -> None:
        """Whoever knows the path may post: Action Network signs nothing and sends no password."""

    def arrivals(self, request: WebhookRequest) -> Sequence[Arrival]:
        record_id = usual_id(request.body)
        if record_id is not None:
            return [Arrival(record_id, _without_brackets(request.body))]
        events, raws = _split(request.body)
        ids = arrival_ids(events)
        # Without the parsed events: waiting in a queue they would take five times the room of what was sent.
        return [Arrival(*parts) for parts in zip(ids, raws, strict=True)]

    def read(self, arrival: Arrival) -> Record:
        usual = usual_record(arrival.raw, arrival.id, self._name, self._mobile_unsubscribed)
        if usual is not None:
            return usual
        event = parse_object(arrival.raw) if arrival.seen is None else arrival.seen
        return record_of(event, arrival.id, self._name, self._mobile_unsubscribed)


def _split(body: bytes) -> tuple[list[dict[str, Any]], list[bytes]]:
    """The events of a body, parsed and as they were sent. One event without the array around it is taken too."""
    try:
        events = parse(body)
    except RecordError as exc:
        raise UnreadableError(f"the body must be a JSON array of events: {exc}") from None
    if type(events) is dict:
        return [events], [body.strip()]
    if type(events) is not list:
        raise UnreadableError("the body must be a JSON array of events")
    if len(events) > EVENTS_MAX:
        raise RefusedError(413, f"a request may hold {EVENTS_MAX} events, this one holds {len(events)}")
    for number, event in enumerate(events, 1):
        if type(event) is not dict:
            raise UnreadableError(f"entry {number} of the body is not a JSON object; nothing of the body was taken")
    if len(events) == 1:
        return events, [_without_brackets(body)]
    entries = msgspec.json.decode(body, type=list[msgspec.Raw])
    return events, [bytes(entry) for entry in entries]


def _without_brackets(body: bytes) -> bytes:
    """The event in an array of one, to the byte: it parsed."""
    return body.strip()[1:-1].strip()
