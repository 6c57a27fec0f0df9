"""The webhook port over loopback: every way to send it something wrong, the right status, and fine afterwards."""

import asyncio
import gzip
import logging
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import anyio
import anyio.lowlevel
import msgspec
import pytest
from structlog.testing import capture_logs

from groundswell.clock import SystemClock
from groundswell.component import Arrival, Context, WebhookRequest
from groundswell.connectors.action_network.webhook import ActionNetworkWebhook, ActionNetworkWebhookSettings
from groundswell.connectors.http.webhook import HttpWebhook, HttpWebhookSettings
from groundswell.errors import NotNowError, RefusedError, StoreError
from groundswell.http import server as server_module
from groundswell.http.server import Bounds, WebhookServer
from groundswell.record import Record
from groundswell.settings import Listen

BODY_MAX = 2**20
BOUNDS = Bounds(body_max=BODY_MAX, bodies_max=4 * BODY_MAX, body_timeout_s=5.0, connections_max=100)
GOOD = b'{"id": 1}'
JSON = b"Content-Type: application/json\r\n"


class Inlet:
    """Notes what comes, and answers as it is told to."""

    def __init__(self) -> None:
        self.accepted: list[Arrival] = []
        self.unread: list[tuple[str, bytes, str]] = []
        self.error: Exception | None = None
        self.let_go: anyio.Event | None = None
        self.asked = anyio.Event()

    async def accept(self, source: str, arrivals: Sequence[Arrival]) -> int:
        self.asked.set()
        if self.let_go is not None:
            await self.let_go.wait()
        if self.error is not None:
            raise self.error
        known = {arrival.id for arrival in self.accepted}
        self.accepted += arrivals
        return len([arrival for arrival in arrivals if arrival.id not in known])

    async def unreadable(self, source: str, body: bytes, message: str) -> None:
        self.unread.append((source, body, message))


class OddSource:
    """A source that does what it is told to."""

    path = "/odd"
    content_types: Sequence[str] | None = None

    def __init__(self) -> None:
        self.on_authenticate: Exception | None = None
        self.on_arrivals: BaseException | None = None

    async def authenticate(self, request: WebhookRequest) -> None:
        if self.on_authenticate is not None:
            raise self.on_authenticate

    def arrivals(self, request: WebhookRequest) -> Sequence[Arrival]:
        if self.on_arrivals is not None:
            raise self.on_arrivals
        return [Arrival(f"odd:{len(request.body)}", request.body)]

    def read(self, arrival: Arrival) -> Record:
        raise NotImplementedError


class Wire:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """The next answer: status, headers in lower case, and the body parsed."""
        with anyio.fail_after(8):
            head = await self._reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
            }
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        is_json = headers.get("content-type") == "application/json"
        return int(first.split()[1]), headers, msgspec.json.decode(body) if is_json else body

    async def is_closed(self) -> bool:
        """Whether the other side closes, within a moment, without sending anything more."""
        with anyio.move_on_after(8):
            try:
                return await self._reader.read(1) == b""
            except ConnectionError:
                return True
        return False

    def hang_up(self) -> None:
        """As if the cable was cut: with a reset, not with a goodbye."""
        connection: socket.socket = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Port:
    """A running webhook server with three sources: /hook (JSON), /an (Action Network) and /odd."""

    def __init__(self, bounds: Bounds = BOUNDS) -> None:
        self.inlet = Inlet()
        self.odd = OddSource()
        self.answers: list[tuple[str, int]] = []
        self.server = WebhookServer(
            Listen(host="127.0.0.1", port=0),
            bounds,
            self.inlet,
            SystemClock(),
            lambda source, status, _: self.answers.append((source, status)),
        )
        hook = HttpWebhook(HttpWebhookSettings(type="http.webhook", auth="none", path="/hook"), context("hook"))  # type: ignore[arg-type]
        network = ActionNetworkWebhook(
            ActionNetworkWebhookSettings(type="action_network.webhook", path="/an"), context("an")
        )
        self.server.routes = {"/hook": ("hook", hook), "/an": ("an", network), "/odd": ("odd", self.odd)}

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Wire]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        try:
            yield Wire(reader, writer)
        finally:
            writer.close()

    async def send(self, content: bytes) -> tuple[int, dict[str, str], Any]:
        async with self.connected() as wire:
            await wire.send(content)
            return await wire.answer()

    async def holds(self, size: int) -> None:
        """Return once it has so many bytes of bodies in memory."""
        with anyio.fail_after(5):
            while self.server._held < size:
                await anyio.lowlevel.checkpoint()

    async def is_fine(self) -> bool:
        return (await self.send(post(b'{"id": "fine"}')))[0] == 200


def context(name: str) -> Context:
    unused: Any = None
    return Context(name, SystemClock(), Random(1), http=unused, keys=unused, directory=Path())


@pytest.fixture
async def port(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Port]:
    """Whatever was sent, no library had anything to log."""
    async with listening() as made:
        yield made
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


class Tasks:
    """Stands in for the daemon's task group: a fixture's set-up and end run in different tasks, which anyio forbids."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start_soon(self, run: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        self._tasks.add(asyncio.create_task(run(*arguments)))

    async def ended(self) -> None:
        await asyncio.gather(*self._tasks)


@asynccontextmanager
async def listening(bounds: Bounds | None = None) -> AsyncIterator[Port]:
    made, tasks = Port() if bounds is None else Port(bounds), Tasks()
    await made.server.start(tasks)
    try:
        yield made
    finally:
        await made.server.stop()
        with anyio.fail_after(5):
            await tasks.ended()


def request(head: bytes, body: bytes = b"", headers: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return head + b" HTTP/1.1\r\nHost: localhost\r\n" + headers + length + b"\r\n" + body


def post(body: bytes, path: bytes = b"/hook", headers: bytes = JSON) -> bytes:
    return request(b"POST " + path, body, headers)


def chunked(*chunks: bytes, path: bytes = b"/hook") -> bytes:
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    return request(b"POST " + path, headers=JSON + b"Transfer-Encoding: chunked\r\n") + body


# ---- what is right ----


async def test_what_is_right_is_accepted_and_said_so(port: Port) -> None:
    assert (await port.send(post(GOOD)))[::2] == (200, {"accepted": 1, "duplicates": 0})
    assert (await port.send(post(GOOD)))[::2] == (200, {"accepted": 0, "duplicates": 1})
    assert (await port.send(post(b'[{"id": 2}, {"id": 3}]')))[::2] == (200, {"accepted": 2, "duplicates": 0})
    assert port.answers == [("hook", 200)] * 3


async def test_an_answer_is_json(port: Port) -> None:
    for content in (post(GOOD), post(b"{"), request(b"GET /hook"), request(b"POST /nowhere")):
        assert (await port.send(content))[1]["content-type"] == "application/json"


@pytest.mark.parametrize(
    "content",
    [
        post(GOOD, headers=b"content-type: Application/JSON; charset=utf-8\r\n"),
        post(GOOD, path=b"/hook?utm=x"),
        post(GOOD, path=b"http://localhost/hook"),
        post(b'{"id": 1, "id": 2}'),
        post(b'{"id": "\\u0000"}'),
        post(b'{"id": 1}' + b" " * 200_000),
        post(b"\xef\xbb\xbf" + GOOD),
        chunked(GOOD),
        chunked(GOOD[:3], GOOD[3:5], GOOD[5:]),
        post(gzip.compress(GOOD), headers=JSON + b"Content-Encoding: gzip\r\n"),
        post(gzip.compress(GOOD), headers=JSON + b"Content-Encoding: GZIP\r\n"),
        post(zlib.compress(GOOD), headers=JSON + b"Content-Encoding: deflate\r\n"),
        post(GOOD, headers=JSON + b"Content-Encoding: identity\r\n"),
    ],
    ids=[
        "content type in capitals with a charset",
        "a query",
        "a whole address as the path",
        "a key twice",
        "an escaped NUL",
        "large and mostly spaces",
        "a byte order mark",
        "chunked",
        "in many chunks",
        "gzip",
        "gzip in capitals",
        "deflate",
        "no encoding by name",
    ],
)
async def test_what_is_odd_and_right_is_accepted(port: Port, content: bytes) -> None:
    assert (await port.send(content))[0] == 200
    assert len(port.inlet.accepted) == 1


async def test_of_a_key_twice_the_last_counts(port: Port) -> None:
    assert (await port.send(post(b'{"id": 1, "id": 2}')))[0] == 200
    assert port.inlet.accepted[0].seen == {"id": 2}
    assert port.inlet.accepted[0].raw == b'{"id": 1, "id": 2}'


async def test_a_body_that_comes_in_pieces_is_put_together(port: Port) -> None:
    body = b'{"text": "' + b"x" * 300_000 + b'"}'
    content = post(body)
    async with port.connected() as wire:
        for start in range(0, len(content), 50_000):
            await wire.send(content[start : start + 50_000])
            await anyio.lowlevel.checkpoint()
        assert (await wire.answer())[0] == 200
    assert port.inlet.accepted[0].raw == body


async def test_requests_sent_before_the_answers_are_answered_in_order(port: Port) -> None:
    async with port.connected() as wire:
        await wire.send(post(GOOD) + request(b"GET /hook") + post(b"[]") + post(b"{") + post(GOOD))
        assert [(await wire.answer())[0] for _ in range(5)] == [200, 405, 200, 400, 200]


async def test_who_asks_first_whether_to_send_is_told_to_go_on(port: Port) -> None:
    # Without it curl waits a second before it sends a large body, and others do not send it at all.
    body = b'{"text": "' + b"x" * 2_000 + b'"}'
    head, _, rest = post(body, headers=JSON + b"Expect: 100-continue\r\n").partition(b"\r\n\r\n")
    async with port.connected() as wire:
        await wire.send(head + b"\r\n\r\n")
        assert (await wire.answer())[0] == 100
        await wire.send(rest)
        assert (await wire.answer())[0] == 200


async def test_who_asks_first_is_also_told_no_first(port: Port) -> None:
    async with port.connected() as wire:
        headers = b"Content-Type: text/csv\r\nContent-Length: 9\r\nExpect: 100-continue\r\n"
        await wire.send(request(b"POST /hook", headers=headers))
        assert (await wire.answer())[0] == 415


async def test_an_old_client_is_answered_and_hung_up_on(port: Port) -> None:
    async with port.connected() as wire:
        await wire.send(post(GOOD).replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert (await wire.answer())[0] == 200
        assert await wire.is_closed()


# ---- bodies that cannot be read: 400, and kept with their sender ----

DEEP = b"[" * 50_000 + b"]" * 50_000
UNREADABLE = {
    "nothing": b" ",
    "not JSON": b"id=1&name=rosa",
    "JSON cut off": b'{"id": 1',
    "JSON and more": b'{"id": 1} {"id": 2}',
    "a string": b'"text"',
    "a number": b"7",
    "null": b"null",
    "an array of numbers": b"[1, 2]",
    "an array with a null": b'[{"id": 1}, null]',
    "not a number": b'{"id": NaN}',
    "deep nesting": DEEP,
    "deep nesting in an object": b'{"a":' * 100 + b"1" + b"}" * 100,
    "bad UTF-8": b'{"id": "\xff\xfe"}',
    "half a character": b'{"id": "caf\xc3"}',
    "a NUL": b'{"id": "a\x00b"}',
    "UTF-16": '{"id": 1}'.encode("utf-16"),
    "a lone surrogate": b'{"id": "\\ud800"}',
    "an endless number": b'{"id": 1e999}',
}


@pytest.mark.parametrize("path", [b"/hook", b"/an"])
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_cannot_be_read_is_400_and_kept(port: Port, path: bytes, body: bytes) -> None:
    async with port.connected() as wire:
        await wire.send(post(body, path))
        status, _, said = await wire.answer()
        assert status == 400
        assert list(said) == ["error"]
        ((source, kept, message),) = port.inlet.unread
        assert (source, kept, message) == (path.decode()[1:], body, said["error"])
        assert port.inlet.accepted == []
        await wire.send(post(GOOD))
        assert (await wire.answer())[0] == 200


@pytest.mark.parametrize("path", [b"/hook", b"/an"])
async def test_a_body_without_a_length_is_an_empty_one(port: Port, path: bytes) -> None:
    assert (await port.send(request(b"POST " + path, headers=JSON)))[0] == 400
    assert [body for _, body, _ in port.inlet.unread] == [b""]
    assert await port.is_fine()


async def test_what_is_said_of_a_body_holds_nothing_of_it(port: Port) -> None:
    said = [
        (await port.send(post(body)))[2]["error"] for body in (b'{"email": "rosa@example.org", x}', b'["Rosa Parks"]')
    ]
    assert "osa" not in str(said)


async def test_nobody_learns_anything_or_leaves_anything_without_credentials(port: Port) -> None:
    port.odd.on_authenticate = RefusedError(401, "send the right credentials", {"WWW-Authenticate": "Basic"})
    port.odd.on_arrivals = AssertionError("it was read")
    status, headers, _ = await port.send(post(b"{", b"/odd"))
    assert (status, headers["www-authenticate"], port.inlet.unread) == (401, "Basic", [])


# ---- refusals that leave the connection as it was ----


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (request(b"GET /hook"), 405),
        (request(b"PUT /hook", GOOD, JSON), 405),
        (request(b"PATCH /hook", GOOD, JSON), 405),
        (request(b"DELETE /hook"), 405),
        (request(b"OPTIONS /hook"), 405),
        (request(b"PROPFIND /hook", GOOD, JSON), 405),
        (request(b"POST /nowhere", GOOD, JSON), 404),
        (request(b"POST /hook/", GOOD, JSON), 404),
        (request(b"POST /HOOK", GOOD, JSON), 404),
        (request(b"POST //hook", GOOD, JSON), 404),
        (request(b"GET /", b""), 404),
        (post(GOOD, headers=b""), 415),
        (post(GOOD, headers=b"Content-Type: text/plain\r\n"), 415),
        (post(GOOD, headers=b"Content-Type: application/x-www-form-urlencoded\r\n"), 415),
        (post(GOOD, headers=b"Content-Type: application/jsonx\r\n"), 415),
        (post(GOOD, headers=JSON + b"Content-Encoding: br\r\n"), 415),
        (post(GOOD, headers=JSON + b"Content-Encoding: gzip, gzip\r\n"), 415),
        (post(GOOD, headers=JSON + b"Content-Encoding: gzip\r\n"), 400),
        (post(gzip.compress(GOOD)[:-4], headers=JSON + b"Content-Encoding: gzip\r\n"), 400),
        (post(gzip.compress(GOOD) * 2, headers=JSON + b"Content-Encoding: gzip\r\n"), 400),
        (post(gzip.compress(GOOD) + b"more", headers=JSON + b"Content-Encoding: gzip\r\n"), 400),
    ],
)
async def test_a_refused_request_does_not_end_its_connection(port: Port, content: bytes, status: int) -> None:
    async with port.connected() as wire:
        await wire.send(content)
        got, headers, said = await wire.answer()
        assert (got, list(said)) == (status, ["error"])
        if status == 405:
            assert headers["allow"] == "POST"
        await wire.send(post(GOOD))
        assert (await wire.answer())[0] == 200
    assert len(port.inlet.accepted) == 1


async def test_a_request_for_the_head_gets_no_body(port: Port) -> None:
    async with port.connected() as wire:
        await wire.send(request(b"HEAD /hook"))
        with anyio.fail_after(5):
            head = await wire._reader.readuntil(b"\r\n\r\n")
        assert b" 405 " in head.split(b"\r\n")[0]
        await wire.send(post(GOOD))
        assert (await wire.answer())[0] == 200


# ---- too large ----

BOMB = gzip.compress(b" " * (100 * 2**20) + GOOD)


@pytest.mark.parametrize(
    "content",
    [
        post(b'"' + b"x" * (10 * 2**20) + b'"'),
        chunked(*[b"x" * 2**16] * 160),
        post(BOMB, headers=JSON + b"Content-Encoding: gzip\r\n"),
        post(zlib.compress(b"[" * (50 * 2**20)), headers=JSON + b"Content-Encoding: deflate\r\n"),
        post(b" " * BODY_MAX + b"1"),
    ],
    ids=["10 MB", "10 MB in chunks", "a gzip bomb", "a deflate bomb", "one byte"],
)
async def test_what_is_too_large_is_413(port: Port, content: bytes) -> None:
    async with port.connected() as wire:

        async def send() -> None:
            with suppress(ConnectionError):  # it may hang up in the middle
                await wire.send(content)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send)
            status, headers, said = await wire.answer()
            tasks.cancel_scope.cancel()
        assert (status, headers["connection"]) == (413, "close")
        assert str(BODY_MAX) in said["error"]
    assert (port.inlet.accepted, port.inlet.unread) == ([], [])
    assert await port.is_fine()


async def test_a_declared_length_that_is_too_large_is_refused_before_anything_is_sent(port: Port) -> None:
    head = request(b"POST /hook", headers=JSON + b"Content-Length: 99999999999\r\n")
    assert (await port.send(head))[0] == 413


async def test_a_body_of_exactly_the_most_allowed_is_taken(port: Port) -> None:
    body = GOOD + b" " * (BODY_MAX - len(GOOD))
    for content in (post(body), chunked(body), post(gzip.compress(body), headers=JSON + b"Content-Encoding: gzip\r\n")):
        assert (await port.send(content))[0] == 200


async def test_large_bodies_together_are_bounded_and_small_ones_go_through() -> None:
    async with listening(msgspec.structs.replace(BOUNDS, bodies_max=BODY_MAX)) as port:
        half = post(b'"' + b"x" * (BODY_MAX - 2) + b'"')[: -BODY_MAX // 2]
        async with port.connected() as first, port.connected() as second, port.connected() as third:
            await first.send(half)
            await second.send(half)
            await port.holds(BODY_MAX - 10_000)
            await third.send(half)
            status, headers, _ = await third.answer()
            assert (status, headers["retry-after"], headers["connection"]) == (503, "5", "close")
            assert await port.is_fine()
            for wire in (first, second):
                wire.hang_up()
        with anyio.fail_after(5):
            while port.server._held:
                await anyio.lowlevel.checkpoint()
        assert (await port.send(post(b'{"text": "' + b"x" * 500_000 + b'"}')))[0] == 200


# ---- slow ----


async def test_a_body_that_takes_too_long_is_408(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(msgspec.structs.replace(BOUNDS, body_timeout_s=0.1)) as port:
        async with port.connected() as wire:
            await wire.send(post(b'{"id": 1}')[:-4])
            status, headers, _ = await wire.answer()
            assert (status, headers["connection"]) == (408, "close")
        assert await port.is_fine()
        assert port.inlet.accepted[0].raw == b'{"id": "fine"}'
    assert caplog.records == []


async def test_a_body_that_drips_is_408_all_the_same() -> None:
    async with listening(msgspec.structs.replace(BOUNDS, body_timeout_s=0.2)) as port, port.connected() as wire:

        async def drip() -> None:
            await wire.send(request(b"POST /hook", headers=JSON + b"Content-Length: 100000\r\n"))
            while True:
                try:
                    await wire.send(b" ")
                except ConnectionError:
                    return
                await anyio.sleep(0.01)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drip)
            assert (await wire.answer())[0] == 408
            tasks.cancel_scope.cancel()


@pytest.mark.parametrize("sent", [b"", b"P", b"POST /hook HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_headers_that_take_too_long_end_the_connection(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "KEEPALIVE_S", 0.2)
    async with listening(BOUNDS) as port:
        async with port.connected() as wire:
            await wire.send(sent)
            assert await wire.is_closed()
        assert await port.is_fine()


async def test_headers_that_drip_end_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "KEEPALIVE_S", 0.3)
    async with listening(BOUNDS) as port, port.connected() as wire:

        async def drip() -> None:
            await wire.send(b"POST /hook HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            while True:
                try:
                    await wire.send(b"x")
                except ConnectionError:
                    return
                await anyio.sleep(0.02)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drip)
            assert await wire.is_closed()
            tasks.cancel_scope.cancel()


async def test_a_connection_that_is_used_stays_open_and_an_idle_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "KEEPALIVE_S", 0.3)
    async with listening(BOUNDS) as port, port.connected() as wire:
        for _ in range(5):
            await wire.send(post(GOOD))
            assert (await wire.answer())[0] == 200
            await anyio.sleep(0.1)
        assert await wire.is_closed()


async def test_more_connections_than_allowed_are_closed_at_once() -> None:
    async with listening(msgspec.structs.replace(BOUNDS, connections_max=2)) as port:
        async with port.connected() as first, port.connected() as second:
            await first.send(post(GOOD))
            await second.send(post(GOOD))
            assert [(await wire.answer())[0] for wire in (first, second)] == [200, 200]
            async with port.connected() as third:
                assert await third.is_closed()
            await first.send(post(GOOD))
            assert (await first.answer())[0] == 200
        with anyio.fail_after(5):
            while True:
                async with port.connected() as wire:
                    await wire.send(post(GOOD))
                    try:
                        assert (await wire.answer())[0] == 200
                        break
                    except (ConnectionError, asyncio.IncompleteReadError):
                        continue


# ---- what is not HTTP ----


@pytest.mark.parametrize(
    "content",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
        b"hello\r\n\r\n",
        b"\x00" * 50 + b"\r\n\r\n",
        post(GOOD).replace(b"Content-Length: 9", b"Content-Length: -9"),
        post(GOOD).replace(b"Content-Length: 9", b"Content-Length: nine"),
        post(GOOD, headers=JSON + b"Content-Length: 3\r\n"),
        post(GOOD, headers=JSON + b"Transfer-Encoding: chunked\r\n"),
        post(GOOD, headers=JSON + b"X-Long: " + b"x" * 20_000 + b"\r\n"),
        post(GOOD, path=b"/hook?" + b"x" * 20_000),
        post(GOOD, headers=JSON + b"X: 1\r\n" * 500),
        post(GOOD, headers=JSON + b"X-Nul: a\x00b\r\n"),
        request(b"POST /hook", headers=JSON + b"Transfer-Encoding: chunked\r\n") + b"zz\r\nhello\r\n0\r\n\r\n",
        request(b"POST /hook", headers=JSON + b"Transfer-Encoding: chunked\r\n") + b"ffffffffffffffffff\r\nhello",
    ],
    ids=[
        "TLS",
        "a greeting",
        "NULs",
        "a negative length",
        "a length in words",
        "two lengths",
        "a length and chunks",
        "a long header",
        "a long path",
        "many headers",
        "a NUL in a header",
        "a chunk of no size",
        "a chunk of endless size",
    ],
)
async def test_what_is_not_http_is_refused_or_closed_and_nothing_of_it_is_taken(port: Port, content: bytes) -> None:
    async with port.connected() as wire:
        await wire.send(content)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            assert (await wire.answer())[0] in (400, 431)
        assert await wire.is_closed()
    assert (port.inlet.accepted, port.inlet.unread) == ([], [])
    assert await port.is_fine()


async def test_a_bad_chunk_in_the_middle_of_a_body_ends_it() -> None:
    head = request(b"POST /hook", headers=JSON + b"Transfer-Encoding: chunked\r\n")
    async with listening(msgspec.structs.replace(BOUNDS, body_timeout_s=0.2)) as port:
        async with port.connected() as wire:
            await wire.send(head + b"9\r\n")
            await wire.send(GOOD + b"\r\n")
            await port.holds(len(GOOD))
            await wire.send(b"oops\r\n")
            status, headers, _ = await wire.answer()
            assert status in (400, 408)
            assert headers["connection"] == "close"
        assert (len(port.inlet.accepted), await port.is_fine()) == (0, True)


@pytest.mark.parametrize(("sent", "has_begun"), [(10, False), (-4, True), (-4, False)])
async def test_a_sender_that_hangs_up_in_the_middle_is_forgotten_without_a_word(
    port: Port, sent: int, has_begun: bool
) -> None:
    with capture_logs() as lines:
        for _ in range(3):
            async with port.connected() as wire:
                await wire.send(post(b'{"text": "' + b"x" * 100_000 + b'"}')[:sent])
                if has_begun:
                    await port.holds(50_000)
                wire.hang_up()
        assert await port.is_fine()
        with anyio.fail_after(5):
            while port.server._held:
                await anyio.lowlevel.checkpoint()
    assert (lines, len(port.inlet.accepted), port.inlet.unread) == ([], 1, [])


async def test_a_sender_that_hangs_up_before_the_answer_has_been_heard_all_the_same(port: Port) -> None:
    port.inlet.let_go = anyio.Event()
    with capture_logs() as lines:
        async with port.connected() as wire:
            await wire.send(post(GOOD))
            await port.inlet.asked.wait()
            wire.hang_up()
        port.inlet.let_go.set()
        assert await port.is_fine()
    assert lines == []
    assert [arrival.raw for arrival in port.inlet.accepted] == [GOOD, b'{"id": "fine"}']


# ---- trouble on our side ----


async def test_not_now_is_503_with_a_time(port: Port) -> None:
    port.inlet.error = NotNowError("not now: the queue is full", 5)
    async with port.connected() as wire:
        await wire.send(post(GOOD))
        status, headers, said = await wire.answer()
        assert (status, headers["retry-after"], said) == (503, "5", {"error": "not now: the queue is full"})
        port.inlet.error = None
        await wire.send(post(GOOD))
        assert (await wire.answer())[0] == 200


async def test_a_failing_state_file_is_503_and_said_in_the_log(port: Port) -> None:
    port.inlet.error = StoreError("writing the state file failed (SQLITE_IOERR)")
    with capture_logs() as lines:
        status, headers, said = await port.send(post(GOOD))
    assert (status, headers["retry-after"], said) == (503, "60", {"error": "not now"})
    assert [(line["event"], line["log_level"]) for line in lines] == [("webhook_not_accepted", "error")]


@pytest.mark.parametrize("where", ["on_authenticate", "on_arrivals"])
async def test_a_defect_of_a_source_is_500_counted_and_logged_without_its_words(port: Port, where: str) -> None:
    setattr(port.odd, where, ValueError("cannot make sense of Rosa Parks"))
    with capture_logs() as lines:
        async with port.connected() as wire:
            await wire.send(post(b'{"name": "Rosa"}', b"/odd"))
            status, _, said = await wire.answer()
            assert status == 500
            await wire.send(post(GOOD))
            assert (await wire.answer())[0] == 200
    (line,) = lines
    assert (line["event"], line["component"]) == ("webhook_defect", "odd")
    assert line["exception"].endswith("ValueError")
    assert "Rosa" not in str((lines, said))
    assert port.answers == [("odd", 500), ("hook", 200)]
    assert [body for _, body, _ in port.inlet.unread] == ([b'{"name": "Rosa"}'] if where == "on_arrivals" else [])


# ---- changes while it runs, and the end ----


async def test_routes_and_bounds_may_change_while_it_runs(port: Port) -> None:
    async with port.connected() as wire:
        await wire.send(post(GOOD))
        assert (await wire.answer())[0] == 200
        port.server.bounds = msgspec.structs.replace(BOUNDS, body_max=5)
        port.server.routes = {"/odd": ("odd", port.odd)}
        await wire.send(post(GOOD))
        assert (await wire.answer())[0] == 404
        await wire.send(post(GOOD, b"/odd"))
        assert (await wire.answer())[0] == 413


async def test_an_address_in_use_is_refused_when_it_starts(port: Port) -> None:
    assert port.server.port is not None
    second = WebhookServer(
        Listen(host="127.0.0.1", port=port.server.port), BOUNDS, port.inlet, SystemClock(), lambda *_: None
    )
    with pytest.raises(OSError, match="Address already in use"):
        await second.start(Tasks())
    assert await port.is_fine()


async def test_stopping_answers_what_is_under_way_and_closes_what_is_idle() -> None:
    port = Port()
    await port.server.start(Tasks())
    port.inlet.let_go = anyio.Event()
    async with port.connected() as idle, port.connected() as busy:
        await busy.send(post(GOOD))
        await port.inlet.asked.wait()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(port.server.stop)
            assert await idle.is_closed()
            port.inlet.let_go.set()
            assert (await busy.answer())[0] == 200
            assert await busy.is_closed()
        with pytest.raises(OSError, match="onnect"):
            await asyncio.open_connection("127.0.0.1", port.server.port)


# ---- what a sender does that does not play by the rules ----


async def test_what_a_sender_left_behind_is_forgotten_with_its_connection(port: Port) -> None:
    # The bodies of requests that waited behind the first were counted as in memory for ever.
    port.inlet.let_go = anyio.Event()
    async with port.connected() as wire:
        await wire.send(post(GOOD) + post(b'{"id": "%s"}' % (b"x" * 1_000)) * 3)
        await port.inlet.asked.wait()
        wire.hang_up()
        while port.server._connections:
            await anyio.lowlevel.checkpoint()
    port.inlet.let_go.set()
    assert await port.is_fine()
    assert [arrival.raw for arrival in port.inlet.accepted] == [GOOD, b'{"id": "fine"}']
    with anyio.fail_after(5):
        while port.server._held:
            await anyio.lowlevel.checkpoint()


async def test_a_sender_that_does_not_read_its_answers_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "KEEPALIVE_S", 0.2)
    async with listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port.server.port, limit=1)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        with suppress(ConnectionError):
            for _ in range(400):  # some megabytes of answers, more than the kernel keeps
                writer.write(request(b"GET /hook") * 50)
                with anyio.move_on_after(0.05):
                    await writer.drain()
        with anyio.fail_after(8):
            while port.server._connections:
                await anyio.sleep(0.01)
        writer.transport.abort()


@pytest.mark.parametrize(
    "endless",
    [
        b"POST /hook HTTP/1.1\r\nHost: x\r\nX-Endless: ",
        b"POST /hook?",
        b"POST /hook HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: ",
        b"POST /hook HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5;extension=",
    ],
    ids=["a header", "a path", "a trailer", "a chunk extension"],
)
async def test_nothing_that_the_parser_collects_may_be_endless(port: Port, endless: bytes) -> None:
    async with port.connected() as wire:
        with suppress(ConnectionError):
            await wire.send(endless)
            for _ in range(32):
                await wire.send(b"x" * 2**15)
        assert (await wire.answer())[0] in (400, 431)
    assert port.inlet.accepted == []
    assert await port.is_fine()


async def test_what_stands_behind_a_body_does_not_count_as_a_header(port: Port) -> None:
    head = request(b"POST /hook", headers=JSON + b"Transfer-Encoding: chunked\r\n")
    trailer = b"9\r\n" + GOOD + b"\r\n0\r\nContent-Encoding: gzip\r\n\r\n"
    async with port.connected() as wire:
        await wire.send(head + trailer)
        assert (await wire.answer())[0] == 200
        await wire.send(post(GOOD))
        assert (await wire.answer())[0] == 200


@pytest.mark.parametrize(("content", "status"), [(post(GOOD), 200), (request(b"GET /hook"), 405)])
async def test_an_offer_to_speak_another_protocol_is_passed_over(port: Port, content: bytes, status: int) -> None:
    # As Java's HTTP client does with every first request.
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    async with port.connected() as wire:
        await wire.send(content.replace(b"Host: localhost\r\n", b"Host: localhost\r\n" + offer))
        assert (await wire.answer())[0] == status
        await wire.send(post(GOOD))
        assert (await wire.answer())[0] == 200
    assert [arrival.raw for arrival in port.inlet.accepted][-1] == GOOD


async def test_nobody_is_connected_to_anywhere_else(port: Port) -> None:
    assert (await port.send(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n"))[0] == 405


async def test_a_defect_in_answering_one_request_ends_its_connection_and_nothing_else(port: Port) -> None:
    port.odd.on_authenticate = RefusedError(299, "a status there is no phrase for", {"X": "caf\u00e9 \u2615"})
    with capture_logs() as lines:
        async with port.connected() as wire:
            await wire.send(post(GOOD, b"/odd"))
            assert await wire.is_closed()
        assert await port.is_fine()
    assert [line["event"] for line in lines] == ["connection_defect"]


async def test_small_bodies_together_are_bounded_too() -> None:
    async with listening(msgspec.structs.replace(BOUNDS, bodies_max=100_000)) as port, AsyncExitStack() as stack:
        small = post(b'"' + b"x" * 60_000 + b'"')[:-1]
        for _ in range(3):
            await (await stack.enter_async_context(port.connected())).send(small)
        await port.holds(180_000)
        fourth = await stack.enter_async_context(port.connected())
        await fourth.send(small)
        assert (await fourth.answer())[0] == 503
        assert await port.is_fine()
