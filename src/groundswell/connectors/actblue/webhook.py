"""The `actblue.webhook` source: takes what ActBlue's Default webhooks push.

How often ActBlue tries again, and after which answers, is not known. So nothing is refused for what it holds: what
cannot be understood is accepted, and becomes a dead letter when it is read.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal, Self

import msgspec
import structlog
from msgspec.structs import replace
from pydantic import Field, model_validator

from groundswell.component import Arrival, Context, WebhookRequest
from groundswell.connectors.actblue.mapping import Body, Outline, Rules, Word, record_of, things_in, things_of
from groundswell.connectors.actblue.values import exact
from groundswell.connectors.common.objects import parse, parse_object
from groundswell.errors import RecordError, RefusedError, UnreadableError
from groundswell.http.auth import BasicAuth, authenticator
from groundswell.record import Record, Unparsed
from groundswell.settings import WebhookSourceSettings

LINEITEMS_MAX: Final = 10_000
"""In one request. They send one."""
TAKEN_APART_BYTES_MAX: Final = 64 * 2**20
"""What a request may come to once every line item has the donor and the form to itself."""
WARN_EVERY_S: Final = 60.0
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_TYPES: Final[dict[Word, str]] = {
    "contribution": "contributions",
    "declined": "contributions",
    "pending": "contributions",
    "elsewhere": "contributions",
    "refund": "refunds",
    "cancellation": "cancellations",
}
"""Which of their webhooks sends it. Of what is unknown, or of somebody else, nobody can say."""

_decode: Final = msgspec.json.Decoder(float_hook=exact).decode
_decode_outline: Final = msgspec.json.Decoder(Outline, float_hook=exact).decode

log = structlog.get_logger()


class ActBlueWebhookSettings(WebhookSourceSettings):
    """Takes ActBlue's Default, Default Refunds and Default Cancellations webhooks, at one URL or at three."""

    auth: BasicAuth = Field(
        BasicAuth(type="basic"),
        description="The user name and password typed into ActBlue. Without it: an API key made with `groundswell keys "
        "create`.",
    )
    expects: Literal["all", "contributions", "refunds", "cancellations"] = Field(
        "all",
        description="Which of ActBlue's three webhooks has this URL. What another sends is taken all the same, with a "
        "warning and a count: somebody mixed up the URLs.",
    )
    entities: list[Annotated[int, Field(ge=1)]] = Field(
        [],
        max_length=1000,
        description="Your entity ids at ActBlue: only money for these is yours. Without it all money is, so set it "
        "where a webhook notifies for all managed pages.",
    )
    managed_forms: bool = Field(
        False,
        description="Whether gifts to others on forms you manage are taken, as actions of the type donation_elsewhere "
        "without an amount. Without it they are left out, and counted. Needs `entities`.",
    )
    subscribe: bool = Field(False, description="Whether a gift is a yes to email (`email_opt_in`).")

    @model_validator(mode="after")
    def _others_can_be_told(self) -> Self:
        if self.managed_forms and not self.entities:
            raise ValueError("managed_forms needs entities: without your entity ids all money counts as yours")
        return self


class ActBlueWebhook:
    """Keeps each line item, or each cancellation, as it came; `read` makes the record."""

    content_types: Sequence[str] | None = None

    def __init__(self, settings: ActBlueWebhookSettings, context: Context) -> None:
        self.path = settings.path_for(context.name)
        self.counts: Counter[str] = Counter()
        """What was met, for `status`."""
        self._name = context.name
        self._clock = context.clock
        self._rules = Rules(
            entities=frozenset(map(str, settings.entities)),
            managed_forms=settings.managed_forms,
            subscribe=settings.subscribe,
        )
        self._expects = settings.expects
        self._warns_from = context.clock.monotonic()
        self._authenticate = authenticator(settings.auth, context.keys, context.clock)

    async def authenticate(self, request: WebhookRequest) -> None:
        await self._authenticate(request)

    def arrivals(self, request: WebhookRequest) -> Sequence[Arrival]:
        body = request.body.removeprefix(_BYTE_ORDER_MARK).strip()
        found = self._usual(body) or list(self._found(body))
        self._check_expected([word for _, word, _ in found])
        arrivals = [Arrival(record_id, raw) for record_id, _, raw in found if record_id]
        if len(arrivals) < len(found):
            self.counts["not_ours"] += len(found) - len(arrivals)
        return arrivals

    def read(self, arrival: Arrival) -> Record:
        try:
            body = parse_object(arrival.raw, _decode)
        except RecordError as exc:
            raise RecordError(f"actblue: reading {arrival.id}: {exc}", exc.reason) from None
        return replace(record_of(body, arrival.id, self._name, self._rules), raw=Unparsed(arrival.raw))

    def _usual(self, body: bytes) -> list[tuple[str, Word, bytes]] | None:
        """One line item, or one cancellation: known without parsing all of the body."""
        try:
            found = things_of(_decode_outline(body), self._rules)
        except (ValueError, RecursionError):
            return None
        if len(found) > 1 or found[0][1] == "unknown":
            return None
        return [(*found[0], body)]

    def _found(self, body: bytes) -> Iterator[tuple[str, Word, bytes]]:
        """Id, word and content of everything there is."""
        left = TAKEN_APART_BYTES_MAX
        for raw, parsed in _bodies(body):
            found = things_in(parsed, self._rules)
            for (record_id, word), own in zip(found, _own_parts(raw, len(found)), strict=True):
                left -= len(own)
                if left < 0:
                    raise RefusedError(413, "the body is too large once its line items are taken apart; send several")
                yield record_id, word, own

    def _check_expected(self, words: Sequence[Word]) -> None:
        if self._expects == "all":
            return
        came = [_TYPES.get(word, self._expects) for word in words]
        others = sorted(set(came) - {self._expects})
        if not others:
            return
        self.counts["not_expected"] += len(came) - came.count(self._expects)
        if self._clock.monotonic() >= self._warns_from:
            self._warns_from = self._clock.monotonic() + WARN_EVERY_S
            log.warning(
                "webhook_not_expected",
                component=self._name,
                expects=self._expects,
                came=others,
                so_far=self.counts["not_expected"],
                then="taken all the same; look in ActBlue which webhook has this URL",
            )


def _bodies(body: bytes) -> list[tuple[bytes, Body]]:
    """The object there is, or those of an array, each as it was sent and parsed."""
    try:
        parsed = parse(body, decode=_decode)
        entries = [bytes(entry) for entry in parse(body, list[msgspec.Raw])] if type(parsed) is list else [body]
    except RecordError as exc:
        raise UnreadableError(f"the body must be a JSON object: {exc}") from None
    bodies = parsed if type(parsed) is list else [parsed]
    lineitems = 0
    for number, one in enumerate(bodies, 1):
        if type(one) is not dict:
            where = f"entry {number} of the body" if type(parsed) is list else "the body"
            raise UnreadableError(f"{where} is not a JSON object; nothing was taken")
        items = one.get("lineitems")
        lineitems += len(items) if type(items) is list and items else 1
    if lineitems > LINEITEMS_MAX:
        raise RefusedError(413, f"a request may hold {LINEITEMS_MAX} line items, this one holds {lineitems}")
    return list(zip(entries, bodies, strict=True))


def _own_parts(raw: bytes, count: int) -> Iterator[bytes]:
    """For each line item the body with nothing but it in `lineitems`; what came is kept as it came."""
    if count == 1:
        yield raw
        return
    parts: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    items = msgspec.json.decode(parts["lineitems"], type=list[msgspec.Raw])
    for item in items:
        yield msgspec.json.encode(parts | {"lineitems": [item]})
