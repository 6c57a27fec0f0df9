"""The simulator sends as Action Network does: an array, half a second, exactly 200, three tries, then never again."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import aiohttp
import anyio
import msgspec
import pytest
from aiohttp import web

from groundswell.clock import SystemClock
from groundswell.connectors.action_network.mapping import EVENT_TYPES
from groundswell.connectors.action_network.simulator.events import Message, events, ids_of, upload_storm
from groundswell.connectors.action_network.simulator.sender import DEADLINE_S, TRIES_MAX, Ledger, WebhookSender
from groundswell.connectors.action_network.simulator.webhooks import (
    WebhookOptions,
    percentile_ms,
    progress_line,
    simulate_webhooks,
)
from groundswell.errors import RequestError

Answer = Callable[["Receiver", web.Request, int], Awaitable[web.StreamResponse]]
"""Given the receiver, the request and how often this message came (from 1), what it is answered."""
SPEED = 50_000.0
"""Delays of 6 ms, waits of 24 and 48 ms between the tries."""


@dataclass
class Got:
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Receiver:
    """What a receiver got, in the order in which it came."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    release: anyio.Event = field(default_factory=anyio.Event)
    """Set when the test is over, so that nobody waits for a slow answer."""

    def times(self) -> Counter[bytes]:
        return Counter(got.body for got in self.got)


async def ok(receiver: Receiver, request: web.Request, times: int) -> web.StreamResponse:
    return web.json_response({"accepted": 1})


@asynccontextmanager
async def receiving(answer: Answer = ok) -> AsyncIterator[Receiver]:
    receiver = Receiver()

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        receiver.got.append(Got(dict(request.headers), body, time.monotonic()))
        return await answer(receiver, request, receiver.times()[body])

    app = web.Application()
    app.router.add_route("*", "/hook", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        yield receiver
    finally:
        receiver.release.set()
        await runner.cleanup()


async def send(url: str, messages: list[Message], random: Random | None = None, **manners: Any) -> Ledger:
    async with aiohttp.ClientSession() as session:
        sender = WebhookSender(url, session, SystemClock(), random or Random(1), **({"speed": SPEED} | manners))
        return await sender.run(messages)


def some(count: int) -> list[Message]:
    return list(events(1, count=count))


async def test_each_message_is_posted_once_as_an_array_of_events_when_answered_200() -> None:
    messages = some(40)
    async with receiving() as receiver:
        ledger = await send(receiver.url, messages)
    assert sorted(got.body for got in receiver.got) == sorted(map(msgspec.json.encode, messages))
    assert all(type(msgspec.json.decode(got.body)) is list for got in receiver.got)
    assert (ledger.events, ledger.messages, ledger.posts) == (40, len(messages), len(messages))
    assert (ledger.answered, ledger.dropped, ledger.waiting, ledger.failures) == (len(messages), 0, 0, Counter())
    assert {entry.fate for entry in ledger.entries} == {"answered"}
    assert ledger.ids_taken() == {one for message in messages for one in ids_of(message)}


async def test_a_request_is_json_and_carries_nothing_that_proves_who_sent_it() -> None:
    async with receiving() as receiver:
        await send(receiver.url, some(1))
    (got,) = receiver.got
    names = {name.lower() for name in got.headers}
    assert got.headers["Content-Type"] == "application/json"
    assert not {name for name in names if "auth" in name or "sign" in name or "token" in name or "cookie" in name}


async def test_messages_arrive_out_of_order_and_after_their_delay() -> None:
    messages = some(60)
    async with receiving() as receiver:
        started = time.monotonic()
        await send(receiver.url, messages, speed=3_000.0)
    sent = [msgspec.json.encode(message) for message in messages]
    came = [got.body for got in receiver.got]
    assert came != sent
    assert sorted(came) == sorted(sent)
    assert receiver.got[0].at - started >= 300 * 0.8 / 3_000


async def test_the_same_seed_loses_the_same_answers() -> None:
    async with receiving() as receiver:
        first = await send(receiver.url, some(30), lost_answers=0.3)
        second = await send(receiver.url, some(30), lost_answers=0.3)
    assert first.failures["lost"] > 0
    assert [entry.tries for entry in first.entries] == [entry.tries for entry in second.entries]


async def test_what_is_left_to_chance_does_not_depend_on_what_the_receiver_answers() -> None:
    async def refuse(receiver: Receiver, request: web.Request, times: int) -> web.StreamResponse:
        return web.Response(status=503)

    calm, troubled = Random(1), Random(1)
    async with receiving() as receiver, receiving(refuse) as refusing:
        await send(receiver.url, some(20), random=calm)
        await send(refusing.url, some(20), random=troubled)
    assert calm.getstate() == troubled.getstate() != Random(1).getstate()


@pytest.mark.parametrize("status", [201, 202, 204, 301, 302, 400, 401, 404, 429, 500, 503])
async def test_any_answer_but_200_is_a_failure_and_redirects_are_not_followed(status: int) -> None:
    async def answer(receiver: Receiver, request: web.Request, times: int) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": receiver.url})

    async with receiving(answer) as receiver:
        ledger = await send(receiver.url, some(1))
    assert len(receiver.got) == TRIES_MAX == 3
    assert ledger.failures == Counter({str(status): 3})
    assert (ledger.answered, ledger.dropped) == (0, 1)
    assert ledger.entries[0].fate == "dropped"
    assert ledger.ids_taken() == set()


async def test_the_tries_of_a_message_are_the_same_bytes_twice_as_far_apart_each_time() -> None:
    async def answer(receiver: Receiver, request: web.Request, times: int) -> web.StreamResponse:
        return web.Response(status=500)

    async with receiving(answer) as receiver:
        await send(receiver.url, some(1), speed=10_000.0)
    first, second, third = receiver.got
    assert first.body == second.body == third.body
    assert second.at - first.at >= 0.12
    assert third.at - second.at >= 0.24


async def test_a_message_that_is_taken_at_the_last_try_is_not_dropped() -> None:
    async def answer(receiver: Receiver, request: web.Request, times: int) -> web.StreamResponse:
        return web.Response(status=200 if times == TRIES_MAX else 503)

    messages = some(10)
    async with receiving(answer) as receiver:
        ledger = await send(receiver.url, messages)
    assert set(receiver.times().values()) == {3}
    assert (ledger.answered, ledger.dropped) == (len(messages), 0)
    assert ledger.failures == Counter({"503": 2 * len(messages)})


async def test_a_200_after_half_a_second_is_a_failure_and_so_the_message_comes_again() -> None:
    async def answer(receiver: Receiver, request: web.Request, times: int) -> web.StreamResponse:
        if times == 1:
            await receiver.release.wait()
        return web.Response()

    async with receiving(answer) as receiver:
        started = time.monotonic()
        ledger = await send(receiver.url, some(1))
        assert time.monotonic() - started >= DEADLINE_S
    assert len(receiver.got) == 2
    assert ledger.failures == Counter({"late": 1})
    assert ledger.answered == 1


async def test_an_answer_that_begins_in_time_and_does_not_end_is_late() -> None:
    async def answer(receiver: Receiver, request: web.Request, times: int) -> web.StreamResponse:
        if times > 1:
            return web.Response()
        endless = web.StreamResponse()
        endless.content_length = 10
        await endless.prepare(request)
        await endless.write(b"12345")
        await receiver.release.wait()
        return endless

    async with receiving(answer) as receiver:
        ledger = await send(receiver.url, some(1))
    assert ledger.failures == Counter({"late": 1})
    assert ledger.answered == 1


async def test_a_connection_that_breaks_off_is_a_failure() -> None:
    async def hang_up(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, hang_up)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        ledger = await send(f"http://127.0.0.1:{port}/hook", some(2))
        tasks.cancel_scope.cancel()
    assert ledger.dropped == ledger.messages
    assert ledger.failures == Counter({"unreachable": 3 * ledger.messages})


async def test_a_receiver_that_is_not_there_is_tried_three_times_too() -> None:
    async with receiving() as receiver:
        nobody = receiver.url
    ledger = await send(nobody, some(5))
    assert ledger.dropped == ledger.messages
    assert ledger.posts == 3 * ledger.messages


async def test_a_lost_answer_brings_the_message_again_though_the_receiver_has_it() -> None:
    messages = some(20)
    async with receiving() as receiver:
        ledger = await send(receiver.url, messages, lost_answers=1.0)
    assert set(receiver.times().values()) == {3}
    assert ledger.dropped == len(messages)
    assert ledger.ids_taken() == {one for message in messages for one in ids_of(message)}, "it said 200 to all of them"


async def test_no_more_requests_are_under_way_at_once_than_allowed() -> None:
    under_way = most = 0

    async def answer(receiver: Receiver, request: web.Request, times: int) -> web.StreamResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await anyio.sleep(0.02)  # a receiver that takes its time, so that requests pile up if they can
        under_way -= 1
        return web.Response()

    async with receiving(answer) as receiver:
        ledger = await send(receiver.url, some(40), concurrency=3)
    assert ledger.answered == ledger.messages
    assert most == 3


async def test_messages_happen_at_the_rate_asked_for() -> None:
    messages = some(40)
    async with receiving() as receiver:
        started = time.monotonic()
        await send(receiver.url, messages, rate_per_s=200.0)
        assert time.monotonic() - started >= (len(messages) - 1) / 200


async def test_an_uploaded_list_is_sent_as_fast_as_it_is_taken_whatever_the_rate() -> None:
    async with receiving() as receiver, aiohttp.ClientSession() as session:
        sender = WebhookSender(receiver.url, session, SystemClock(), Random(1), speed=SPEED, rate_per_s=0.001)
        sender.happen_at_once(upload_storm(1, 200))
        ledger = await sender.run([])
    assert (ledger.answered, ledger.messages) == (200, 200)


async def test_without_entries_only_the_counts_are_kept() -> None:
    async with receiving() as receiver:
        ledger = await send(receiver.url, some(10), is_keeping_entries=False)
    assert ledger.entries == []
    assert ledger.answered == ledger.messages > 0


async def test_the_command_sends_everything_and_sums_it_up() -> None:
    lines: list[str] = []
    async with receiving() as receiver:
        options = WebhookOptions(
            receiver.url, rate_per_s=2_000.0, count=50, seed=4, speed=SPEED, storm=20, is_test=True, lost_answers=0.0
        )
        summary = await simulate_webhooks(options, report=lambda ledger: lines.append(progress_line(ledger)))
    ledger = summary.ledger
    assert ledger.events == 50 + 20 + 1
    assert ledger.answered == ledger.messages == len(receiver.got)
    assert any(b"1679091c5a880faf6fb5e6087eb1b2dc" in got.body for got in receiver.got)
    assert lines
    assert "waiting" in lines[0]
    text = "\n".join(summary.lines())
    assert "71 events" in text
    assert "seed 4" in text
    assert "0 dropped" in text
    assert 0.0 < percentile_ms(ledger, 50) <= percentile_ms(ledger, 99)


async def test_the_command_sends_events_that_happen_while_it_sends_them() -> None:
    began = datetime.now(UTC)
    async with receiving() as receiver:
        await simulate_webhooks(WebhookOptions(receiver.url, rate_per_s=200.0, count=60, speed=SPEED, storm=30))
    stamps = [
        datetime.fromisoformat(body["created_date"])
        for got in receiver.got
        for event in msgspec.json.decode(got.body)
        for name, body in event.items()
        if name in EVENT_TYPES
    ]
    assert len(stamps) >= 90
    assert timedelta(seconds=-1) <= min(stamps) - began
    assert max(stamps) - began < timedelta(seconds=5)


async def test_the_command_without_end_stops_when_told_and_says_what_was_not_sent() -> None:
    stop = anyio.Event()

    def report(ledger: Ledger) -> None:
        if ledger.answered >= 20:
            stop.set()

    async with receiving() as receiver:
        options = WebhookOptions(receiver.url, rate_per_s=1_000.0, count=None, speed=3_000.0)
        with anyio.fail_after(10):
            summary = await simulate_webhooks(options, report=report, stop=stop)
    assert summary.ledger.answered >= 20
    assert summary.ledger.waiting > 0
    assert "not sent yet" in "\n".join(summary.lines())
    assert summary.ledger.entries == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"url": "ftp://127.0.0.1/hook"}, "--url"),
        ({"url": "127.0.0.1:8080/hook"}, "--url"),
        ({"url": "http://"}, "--url"),
        ({"url": "http://[::1/hook"}, "--url"),
        ({"url": "http://me:secret@127.0.0.1/hook"}, "--url"),
        ({"rate_per_s": 0.0}, "--rate"),
        ({"speed": -1.0}, "--speed"),
        ({"count": -1}, "--count"),
        ({"storm": -1}, "--storm"),
        ({"concurrency": 0}, "--concurrency"),
    ],
)
async def test_options_that_make_no_sense_are_refused_by_name(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(RequestError, match=named) as raised:
        await simulate_webhooks(WebhookOptions(**({"url": "http://127.0.0.1:1/hook"} | changes)))
    assert "secret" not in str(raised.value)
