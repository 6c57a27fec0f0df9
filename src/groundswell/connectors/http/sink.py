"""The `http` sink: posts records, one or a batch a request, to any address."""

import re
from collections.abc import Sequence
from datetime import timedelta
from hashlib import blake2b
from typing import Annotated, Final, Literal
from urllib.parse import quote

from aiolimiter import AsyncLimiter
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError
from yarl import URL

from groundswell.component import Context, Delivered, Delivery, Outcome
from groundswell.connectors.http.credentials import Credentials, NoCredentials, proof
from groundswell.http import signature
from groundswell.http.addresses import PostUrl
from groundswell.settings import Duration, PrivateText, RateLimit, Secret, SinkSettings, is_loopback

RECORD_ID_HEADER: Final = "Groundswell-Record-Id"
RECORDS_HEADER: Final = "Groundswell-Records"
KEY_HEADER: Final = "Idempotency-Key"

_OURS: Final = frozenset(
    {RECORD_ID_HEADER.lower(), RECORDS_HEADER.lower(), KEY_HEADER.lower()}
    | {"connection", "content-length", "host", "transfer-encoding"}
)
_SIGNED: Final = {signature.ID_HEADER, signature.TIMESTAMP_HEADER, signature.SIGNATURE_HEADER}
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]*")
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9:/@._-]*")
"""What `quote` would leave as it is."""
_SAFE_IN_ID: Final = "!#$&'()*+,/:;<=>?@[]^`{|}~"


def _check_headers(headers: dict[str, Secret]) -> dict[str, Secret]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise PydanticCustomError("secret", "has a name that no HTTP header can have")
        if name.lower() in _OURS:
            raise PydanticCustomError("secret", "sets {name}, which the sink sets itself", {"name": name})
        if not _HEADER_VALUE.fullmatch(value.reveal()):
            raise PydanticCustomError(
                "secret", "has a value for {name} that is not plain ASCII on one line", {"name": name}
            )
    return headers


class HttpSinkSettings(SinkSettings):
    """Posts records to an address; any answer from 200 to 299 means they were taken."""

    url: PostUrl = Field(description="Where to post, https or http.")
    method: Literal["POST", "PUT", "PATCH"] = Field("POST", description="The HTTP method.")
    format: Literal["json", "ndjson"] = Field(
        "json",
        description='How records are written. "json": one object, or with `batch.records` over 1 always an array. '
        '"ndjson": one a line.',
    )
    headers: Annotated[dict[str, PrivateText], AfterValidator(_check_headers)] = Field(
        default_factory=dict, description="Sent with every request. The values are never shown."
    )
    auth: Credentials = Field(
        NoCredentials(type="none"), description="Who we say we are: none, basic, bearer or standard_webhooks."
    )
    rate: RateLimit | None = Field(None, description='Requests, evenly spaced: "10/s". Without it there is no limit.')
    timeout: Duration = Field(
        timedelta(seconds=30),
        gt=timedelta(0),
        description="How long a request may take, from connecting to the last of the answer.",
    )

    @model_validator(mode="after")
    def _prove_it_once(self) -> "HttpSinkSettings":
        names = {name.lower() for name in self.headers}
        if self.auth.type in ("basic", "bearer") and "authorization" in names:
            raise ValueError("sets Authorization twice, in headers and by auth; leave one out")
        if self.auth.type == "standard_webhooks" and names & _SIGNED:
            raise ValueError("sets the headers of Standard Webhooks twice, in headers and by auth; leave one out")
        return self

    def warnings(self) -> list[tuple[str, str]]:
        url = URL(self.url.reveal())
        if url.scheme == "https" or is_loopback(url.host or ""):
            return []
        return [("url", f"records go to {url.host} unencrypted; use https")]


class HttpSink:
    """One request for each call of `deliver`."""

    def __init__(self, settings: HttpSinkSettings, context: Context) -> None:
        self._name = context.name
        self._http = context.http
        self._clock = context.clock
        self._method = settings.method
        self._url = URL(settings.url.reveal())
        self._timeout_s = settings.timeout.total_seconds()
        self._is_lines = settings.format == "ndjson"
        self._is_single = not self._is_lines and settings.batch.records == 1
        self._prove = proof(settings.auth, context.clock)
        self._headers = {name: value.reveal() for name, value in settings.headers.items()}
        if not any(name.lower() == "content-type" for name in self._headers):
            self._headers["Content-Type"] = "application/x-ndjson" if self._is_lines else "application/json"
        # One at a time, evenly spaced: a bucket that holds more would let twice the rate into one window.
        self._limiter = AsyncLimiter(1, settings.rate.per_s / settings.rate.calls) if settings.rate else None

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        if self._limiter is not None:
            await self._wait_for_turn(self._limiter)
        count = len(deliveries)
        body = self._body(deliveries)
        await self._http.request(
            self._method,
            self._url,
            what=f"{self._name}: posting {count} {'record' if count == 1 else 'records'}",
            headers=self._headers_for(deliveries, body),
            body=body,
            timeout_s=self._timeout_s,
        )
        return [_DELIVERED] * count

    async def aclose(self) -> None:
        """Nothing to let go of: the session is the daemon's."""

    def _body(self, deliveries: Sequence[Delivery]) -> bytes:
        if self._is_single:
            (delivery,) = deliveries
            return delivery.body
        if self._is_lines:
            return b"".join([delivery.body + b"\n" for delivery in deliveries])
        return b"[" + b",".join([delivery.body for delivery in deliveries]) + b"]"

    def _headers_for(self, deliveries: Sequence[Delivery], body: bytes) -> dict[str, str]:
        # A batch has one key when it is sent again as it was; put together anew it has another, and record ids must do.
        key = deliveries[0].key if self._is_single else blake2b(body, digest_size=16).hexdigest()
        headers = {**self._headers, KEY_HEADER: key, RECORDS_HEADER: str(len(deliveries)), **self._prove(key, body)}
        if len(deliveries) == 1:
            record_id = deliveries[0].record_id
            headers[RECORD_ID_HEADER] = record_id if _PLAIN_ID.fullmatch(record_id) else quote(record_id, _SAFE_IN_ID)
        return headers

    async def _wait_for_turn(self, limiter: AsyncLimiter) -> None:
        began = self._clock.monotonic()
        await limiter.acquire()
        self._http.waited(self._name, self._clock.monotonic() - began)


_DELIVERED: Final = Delivered()
