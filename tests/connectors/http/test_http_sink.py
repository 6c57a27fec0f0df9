"""The `http` sink against a real receiver: what it sends, in which shape and headers, and what it makes of answers."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError
from standardwebhooks import Webhook

from groundswell.clock import SystemClock
from groundswell.component import Context, Delivered, Delivery, WebhookRequest
from groundswell.connectors.http.simulator import Fault, Receiver, serving
from groundswell.connectors.http.sink import HttpSink, HttpSinkSettings
from groundswell.connectors.http.webhook import HttpWebhook, HttpWebhookSettings
from groundswell.errors import RateLimitedError, RejectedError, UnauthorizedError, UnavailableError
from groundswell.http.client import Client, new_session
from groundswell.record import Action, Person, Record, to_json

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
MakeContext = Callable[..., Context]


@asynccontextmanager
async def recording() -> AsyncIterator[tuple[str, list[tuple[web.Request, bytes]]]]:
    """A server that takes everything, and what it took."""
    seen: list[tuple[web.Request, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        seen.append((request, await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", seen
    finally:
        await runner.cleanup()


@asynccontextmanager
async def sink(
    context: MakeContext, url: str, waits: list[tuple[str, float]] | None = None, **settings: Any
) -> AsyncIterator[HttpSink]:
    async with new_session() as session:
        http = Client(session, SystemClock(), waited=lambda *wait: waits.append(wait) if waits is not None else None)
        made = HttpSink(HttpSinkSettings(type="http", inputs=["x"], url=url, **settings), context("crm", http))
        yield made
        await made.aclose()


def delivery(number: int, record_id: str | None = None, lane: str = "") -> Delivery:
    record = Record(
        id=record_id or f"signups:{number}",
        kind="action",
        source="signups",
        person=Person(email=lane or f"p{number}@example.org"),
        action=Action(type="signature"),
    )
    return Delivery(record.id, record.kind, lane or f"p{number}@example.org", to_json(record))


BATCHED = {"batch": {"records": 100}}


# ---- what goes out ----


async def test_one_record_goes_out_as_it_is_with_its_key_and_id(context: MakeContext) -> None:
    one = delivery(1)
    async with recording() as (url, seen), sink(context, f"{url}/in?a=1") as crm:
        assert await crm.deliver([one]) == [Delivered()]
    ((request, body),) = seen
    assert (request.method, request.path_qs, body) == ("POST", "/in?a=1", one.body)
    wanted = {
        "Content-Type": "application/json",
        "Idempotency-Key": one.key,
        "Groundswell-Record-Id": "signups:1",
        "Groundswell-Records": "1",
    }
    assert {name: request.headers[name] for name in wanted} == wanted


@pytest.mark.parametrize("count", [1, 3])
async def test_a_batch_goes_out_as_an_array_even_when_it_holds_one(context: MakeContext, count: int) -> None:
    several = [delivery(n) for n in range(count)]
    async with recording() as (url, seen), sink(context, url, **BATCHED) as crm:
        assert await crm.deliver(several) == [Delivered()] * count
    ((request, body),) = seen
    assert json.loads(body) == [json.loads(d.body) for d in several]
    assert request.headers["Groundswell-Records"] == str(count)
    assert ("Groundswell-Record-Id" in request.headers) == (count == 1)


async def test_ndjson_goes_out_one_record_a_line(context: MakeContext) -> None:
    several = [delivery(n) for n in range(3)]
    async with recording() as (url, seen), sink(context, url, format="ndjson", **BATCHED) as crm:
        await crm.deliver(several)
    ((request, body),) = seen
    assert body == b"".join(d.body + b"\n" for d in several)
    assert request.headers["Content-Type"] == "application/x-ndjson"


async def test_the_key_of_a_batch_is_the_same_for_the_same_batch_alone(context: MakeContext) -> None:
    a, b, c = (delivery(n) for n in range(3))
    async with recording() as (url, seen), sink(context, url, **BATCHED) as crm:
        for batch in ([a, b], [a, b], [b, a], [a, c], [a]):
            await crm.deliver(batch)
    keys = [request.headers["Idempotency-Key"] for request, _ in seen]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4


@pytest.mark.parametrize(
    ("record_id", "header"),
    [
        ("action_network:person/5a@2026-05-02T11:00:09Z.5f2a", "action_network:person/5a@2026-05-02T11:00:09Z.5f2a"),
        ("x:100%", "x:100%25"),
        ("x:ключ", "x:%D0%BA%D0%BB%D1%8E%D1%87"),
        ("x:a\r\nEvil: 1", "x:a%0D%0AEvil:%201"),
        ("x:\x00", "x:%00"),
    ],
)
async def test_a_record_id_is_safe_in_a_header_and_can_be_decoded(
    context: MakeContext, record_id: str, header: str
) -> None:
    async with recording() as (url, seen), sink(context, url) as crm:
        await crm.deliver([delivery(1, record_id)])
    assert seen[0][0].headers["Groundswell-Record-Id"] == header
    assert "Evil" not in seen[0][0].headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_method_and_headers_are_as_configured(context: MakeContext, method: str) -> None:
    headers = {"X-Team": "north", "content-type": "application/vnd.api+json"}
    async with recording() as (url, seen), sink(context, url, method=method, headers=headers) as crm:
        await crm.deliver([delivery(1)])
    request = seen[0][0]
    assert (request.method, request.headers["X-Team"]) == (method, "north")
    assert request.headers.getall("Content-Type") == ["application/vnd.api+json"]


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ("none", None),
        (
            {"type": "basic", "username": "gsa_one", "password": "ü:x"},
            "Basic " + base64.b64encode("gsa_one:ü:x".encode()).decode(),
        ),
        ({"type": "bearer", "token": "t0ken"}, "Bearer t0ken"),
    ],
)
async def test_it_says_who_it_is(context: MakeContext, auth: Any, header: str | None) -> None:
    async with recording() as (url, seen), sink(context, url, auth=auth) as crm:
        await crm.deliver([delivery(1)])
    assert seen[0][0].headers.get("Authorization") == header


async def test_a_signature_holds_for_the_official_package_and_its_id_is_the_same_for_every_try(
    context: MakeContext, clock: Any
) -> None:
    clock.time = SystemClock().now()
    auth = {"type": "standard_webhooks", "secrets": [SECRET]}
    async with recording() as (url, seen), sink(context, url, auth=auth) as crm:
        for _ in range(2):
            await crm.deliver([delivery(1)])
    for request, body in seen:
        assert Webhook(SECRET).verify(body, dict(request.headers))["id"] == "signups:1"
    assert seen[0][0].headers["webhook-id"] == seen[1][0].headers["webhook-id"] == delivery(1).key


async def test_one_groundswell_takes_what_another_sends(context: MakeContext) -> None:
    """The sink and the webhook source in format "record" understand each other in every shape."""
    for settings in ({}, BATCHED, {"format": "ndjson", **BATCHED}):
        source = HttpWebhook(
            HttpWebhookSettings(type="http.webhook", format="record", auth="none"), context("from_first")
        )
        several = [delivery(n) for n in range(1 if not settings else 3)]
        async with recording() as (url, seen), sink(context, url, **settings) as crm:
            await crm.deliver(several)
        ((request, body),) = seen
        arrivals = source.arrivals(WebhookRequest("/", request.headers, body, 0.0))
        assert [a.id for a in arrivals] == [d.record_id for d in several]
        assert [source.read(a).person for a in arrivals] == [Person(email=d.lane) for d in several]


# ---- what comes back ----


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_2xx_means_all_were_taken(context: MakeContext, status: int) -> None:
    receiver = Receiver(SystemClock(), Random(1))
    receiver.fault = Fault(status=status)
    async with serving(receiver) as url, sink(context, url, **BATCHED) as crm:
        assert await crm.deliver([delivery(1), delivery(2)]) == [Delivered(), Delivered()]
    assert receiver.received.times == {"signups:1": 1, "signups:2": 1}


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (Fault(status=422), RejectedError, r"crm: posting 2 records: 127\.0\.0\.1:\d+ answered 422 .*will not take"),
        (Fault(status=404, is_html=True), RejectedError, "answered 404"),
        (Fault(status=401), UnauthorizedError, "answered 401 .*check the credentials"),
        (Fault(status=500, is_html=True), UnavailableError, "answered 500 .*tried again"),
        (Fault(status=503), UnavailableError, "answered 503"),
        (Fault(status=429, retry_after_s=7), RateLimitedError, "answered 429 .*in 7 s"),
        (Fault(status=301), RejectedError, "a redirect"),
        (Fault(cut=True), UnavailableError, "closed the connection"),
    ],
)
async def test_any_other_answer_is_the_error_that_decides(
    context: MakeContext, fault: Fault, error: type[Exception], message: str
) -> None:
    receiver = Receiver(SystemClock(), Random(1))
    receiver.fault = fault
    async with serving(receiver) as url, sink(context, f"{url}/p4th?key=t0ken", **BATCHED) as crm:
        with pytest.raises(error, match=message) as caught:
            await crm.deliver([delivery(1), delivery(2)])
    assert not any(word in str(caught.value) for word in ("p4th", "t0ken", "example.org", "signups:1"))


async def test_a_slow_receiver_is_not_waited_for_longer_than_configured(context: MakeContext) -> None:
    receiver = Receiver(SystemClock(), Random(1))
    receiver.fault = Fault(delay_s=30)
    async with serving(receiver) as url, sink(context, url, timeout="50ms") as crm:
        with pytest.raises(UnavailableError, match=r"posting 1 record: .* did not answer within 0\.05 s"):
            await crm.deliver([delivery(1)])


async def test_a_rate_spaces_requests_evenly_and_counts_the_wait(context: MakeContext, clock: Any) -> None:
    clock.monotonic = SystemClock().monotonic
    waits: list[tuple[str, float]] = []
    async with recording() as (url, seen), sink(context, url, waits, rate="100/s") as crm:
        began = clock.monotonic()
        for n in range(6):
            await crm.deliver([delivery(n)])
        took = clock.monotonic() - began
    assert len(seen) == 6
    assert took >= 0.045  # five gaps of 10 ms
    assert len(waits) == 6
    assert {name for name, _ in waits} == {"crm"}
    assert 0 < sum(seconds for _, seconds in waits) <= took


# ---- settings ----


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": "ftp://example.org/"}, "is not an address"),
        ({"url": "example.org/hook"}, "is not an address"),
        ({"url": "http://"}, "is not an address"),
        ({"url": "http://[::1"}, "is not an address"),
        ({"url": "http://crm..example.org/hook"}, "is not an address"),
        ({"url": "https://u:hunter2@example.org/"}, "holds a user name or password"),
        ({"url": "https://example.org/#x"}, 'holds a "#"'),
        ({"method": "GET"}, "POST"),
        ({"timeout": "0s"}, "greater than"),
        ({"rate": "fast"}, "is not a rate"),
        ({"headers": {"X-A": "hunter2\r\nX-B: 1"}}, "not plain ASCII on one line"),
        ({"headers": {"X A": "1"}}, "no HTTP header can have"),
        ({"headers": {"content-length": "1"}}, "the sink sets itself"),
        ({"headers": {"idempotency-key": "1"}}, "the sink sets itself"),
        ({"headers": {"authorization": "x"}, "auth": {"type": "bearer", "token": "x"}}, "Authorization twice"),
        ({"headers": {"Webhook-Id": "x"}, "auth": {"type": "standard_webhooks", "secrets": [SECRET]}}, "twice"),
        ({"auth": "basic"}, "Field required"),
        ({"auth": {"type": "basic", "username": "a:b", "password": "x"}}, "match pattern"),
        ({"auth": {"type": "standard_webhooks", "secrets": ["hunter2"]}}, "signing secret"),
    ],
)
def test_settings_that_cannot_work_are_refused_without_showing_secrets(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        HttpSinkSettings(**{"type": "http", "inputs": ["x"], "url": "https://example.org/", **settings})
    assert all("hunter2" not in error["msg"] for error in caught.value.errors())


@pytest.mark.parametrize(
    ("url", "is_warned"),
    [
        ("http://example.org/", True),
        ("http://192.168.1.5:8080/", True),
        ("https://example.org/", False),
        ("http://localhost:8080/", False),
        ("http://127.0.0.1/", False),
        ("http://[::1]:80/", False),
    ],
)
def test_records_sent_unencrypted_to_another_machine_are_warned_about(url: str, is_warned: bool) -> None:
    warnings = HttpSinkSettings(type="http", inputs=["x"], url=url).warnings()
    assert [setting for setting, _ in warnings] == (["url"] if is_warned else [])


def test_settings_print_neither_address_nor_headers() -> None:
    settings = HttpSinkSettings(
        type="http",
        inputs=["x"],
        url="https://example.org/t0ken",
        headers={"X-Key": "t0ken"},
        auth={"type": "bearer", "token": "t0ken"},
    )
    assert "t0ken" not in repr(settings) + settings.model_dump_json()
