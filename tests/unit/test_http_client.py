"""The client: what comes back becomes the right error, within bounds, and says nothing private."""

import gzip
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path

import anyio
import anyio.abc
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from groundswell import __version__
from groundswell.clock import SystemClock
from groundswell.errors import RateLimitedError, RejectedError, RemoteError, UnauthorizedError, UnavailableError
from groundswell.http.client import BODY_BYTES_MAX, RETRY_AFTER_S_MAX, Client, host_of, new_session, retry_after_s

NOW = 1_800_000_000.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FixedClock(SystemClock):
    def now(self) -> float:
        return NOW


@asynccontextmanager
async def answering(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[URL]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield URL(f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}/hook")
    finally:
        await runner.cleanup()


def always(status: int, headers: dict[str, str] | None = None, body: bytes = b"{}") -> Handler:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers, body=body)

    return handler


@asynccontextmanager
async def client(**options: object) -> AsyncIterator[Client]:
    async with new_session() as session:
        yield Client(session, FixedClock(), **options)  # type: ignore[arg-type]


async def ask(handler: Handler, url: str = "", **options: object) -> None:
    """POST to a server that answers like this; raises what the client raises."""
    async with answering(handler) as base, client() as http:
        target = base.join(URL(url)) if url else base
        await http.request("POST", target, what="crm: posting 3 records", body=b"secret-body", **options)  # type: ignore[arg-type]


async def test_a_2xx_comes_back_whole() -> None:
    async def echo(request: web.Request) -> web.Response:
        assert request.headers["User-Agent"] == f"groundswell/{__version__}"
        return web.Response(status=202, body=await request.read(), headers={"X-Seen": request.headers["X-Sent"]})

    async with answering(echo) as url, client() as http:
        answer = await http.request("PUT", url, what="x", headers={"X-Sent": "yes"}, body=b"abc")
    assert (answer.status, answer.body, answer.is_whole, answer.headers["x-seen"]) == (202, b"abc", True, "yes")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, RejectedError),
        (304, RejectedError),
        (400, RejectedError),
        (401, UnauthorizedError),
        (402, RejectedError),
        (403, UnauthorizedError),
        (404, RejectedError),
        (407, UnauthorizedError),
        (408, UnavailableError),
        (409, RejectedError),
        (413, RejectedError),
        (422, RejectedError),
        (425, UnavailableError),
        (429, RateLimitedError),
        (500, UnavailableError),
        (502, UnavailableError),
        (503, UnavailableError),
        (504, UnavailableError),
        (599, UnavailableError),
    ],
)
async def test_a_status_becomes_the_error_that_decides_what_happens_next(status: int, error: type[RemoteError]) -> None:
    with pytest.raises(RemoteError) as caught:
        await ask(always(status, body=b"" if status == 304 else b"<html>nothing like JSON</html>"))
    assert type(caught.value) is error
    assert str(caught.value).startswith("crm: posting 3 records: 127.0.0.1:")
    assert f" answered {status}" in str(caught.value)


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_in_seconds_is_honoured(status: int) -> None:
    with pytest.raises(RateLimitedError) as caught:
        await ask(always(status, {"Retry-After": "17"}))
    assert caught.value.retry_after_s == 17


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_as_a_date_is_honoured_by_the_clock_handed_in(status: int) -> None:
    with pytest.raises(RateLimitedError) as caught:
        await ask(always(status, {"Retry-After": formatdate(NOW + 90, usegmt=True)}))
    assert caught.value.retry_after_s == 90


async def test_429_without_retry_after_leaves_the_wait_to_the_runtime() -> None:
    with pytest.raises(RateLimitedError) as caught:
        await ask(always(429))
    assert caught.value.retry_after_s is None


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        ("0", 0.0),
        (" 5 ", 5.0),
        ("1.5", 1.5),
        ("999999999999", RETRY_AFTER_S_MAX),
        (formatdate(NOW - 60, usegmt=True), 0.0),
        (formatdate(NOW + 10**8, usegmt=True), RETRY_AFTER_S_MAX),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
        ("Sun Nov  6 08:49:37 1994", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("1e9", None),
        ("٣", None),
        ("Wed, 21 Oct 99999 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_bounded_and_nonsense_means_nothing(header: str, wait_s: float | None) -> None:
    assert retry_after_s(header, NOW) == wait_s


@given(st.text(max_size=60))
def test_no_retry_after_a_receiver_can_think_of_breaks_us(header: str) -> None:
    wait_s = retry_after_s(header, NOW)
    assert wait_s is None or 0 <= wait_s <= RETRY_AFTER_S_MAX


async def test_a_redirect_is_not_followed_and_the_error_says_which_setting_to_change() -> None:
    calls = []

    async def elsewhere(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response(status=308, headers={"Location": "https://new.example.org/p4th-t0ken?key=t0ken"})

    with pytest.raises(
        RejectedError, match=r"308 Permanent Redirect, a redirect to https://new\.example\.org; .*`url`"
    ) as caught:
        await ask(elsewhere)
    assert calls == ["/hook"]
    assert "t0ken" not in str(caught.value)


@pytest.mark.parametrize("location", ["/relative", "", "http://[broken", "//h:99999/"])
async def test_a_redirect_to_nowhere_is_refused_just_as_well(location: str) -> None:
    with pytest.raises(RejectedError, match="a redirect"):
        await ask(always(302, {"Location": location}))


@pytest.mark.parametrize("status", [302, 401, 422, 429, 500])
async def test_messages_hold_no_path_query_body_header_or_reason_of_theirs(status: int) -> None:
    async def chatty(request: web.Request) -> web.Response:
        return web.Response(
            status=status,
            reason="marked reason",
            text="marked answer",
            headers={"X-Marked": "marked", "Retry-After": "marked"},
        )

    with pytest.raises(RemoteError) as caught:
        await ask(chatty, "/marked/path?key=marked", headers={"Authorization": "marked"})
    assert "marked" not in str(caught.value)
    assert "secret-body" not in str(caught.value)


async def test_a_huge_answer_is_read_to_the_bound_and_no_further() -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while sent < 2**30:
                await response.write(b"x" * 2**16)
                sent += 2**16
        except ConnectionError:
            pass
        return response

    async with answering(endless) as url, client() as http:
        answer = await http.request("POST", url, what="x")
    assert (len(answer.body), answer.is_whole) == (BODY_BYTES_MAX, False)
    assert sent < 2**24


async def test_a_gzip_bomb_is_read_to_the_bound() -> None:
    bomb = gzip.compress(bytes(2**26), 9)
    async with answering(always(200, {"Content-Encoding": "gzip"}, bomb)) as url, client() as http:
        answer = await http.request("GET", url, what="x", body_bytes_max=1000)
    assert (answer.body, answer.is_whole) == (bytes(1000), False)


async def test_an_answer_exactly_at_the_bound_is_whole() -> None:
    async with answering(always(200, body=b"x" * 1000)) as url, client() as http:
        answer = await http.request("GET", url, what="x", body_bytes_max=1000)
    assert (len(answer.body), answer.is_whole) == (1000, True)


async def test_nobody_listening_is_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with client() as http:
        with pytest.raises(UnavailableError, match=rf"127\.0\.0\.1:{port} could not be reached \(Connection refused\)"):
            await http.request("POST", URL(f"http://127.0.0.1:{port}/"), what="x")


async def test_a_name_that_does_not_exist_is_unavailable() -> None:
    async with client() as http:
        with pytest.raises(UnavailableError, match=r"nobody\.invalid (is not known to DNS|could not be reached)"):
            await http.request("POST", URL("http://nobody.invalid/"), what="x")


async def test_a_name_that_cannot_be_looked_up_is_unavailable() -> None:
    async with client() as http:
        with pytest.raises(UnavailableError, match="is no name that could be looked up"):
            await http.request("POST", URL("http://nobody..example.org/"), what="x")


async def test_an_answer_that_takes_too_long_is_unavailable() -> None:
    async def never(request: web.Request) -> web.Response:
        await SystemClock().sleep(60)
        return web.Response()

    with pytest.raises(UnavailableError, match=r"did not answer within 0\.05 s; it will be tried again"):
        await ask(never, timeout_s=0.05)


async def test_a_connection_closed_in_the_middle_of_the_answer_is_unavailable() -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    with pytest.raises(UnavailableError, match="closed the connection before its answer was whole"):
        await ask(cut)


async def test_a_server_that_does_not_speak_tls_is_unavailable() -> None:
    async with answering(always(200)) as url, client() as http:
        with pytest.raises(UnavailableError, match="does not speak TLS as we do"):
            await http.request("POST", url.with_scheme("https"), what="x")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
async def test_a_certificate_nobody_vouches_for_is_unavailable(tmp_path: Path) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=127.0.0.1 -days 2"
    await anyio.run_process([*command.split(), "-keyout", "key", "-out", "cert"], cwd=tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    async with answering(always(200), context) as url, client() as http:
        with pytest.raises(UnavailableError, match=r"has a certificate we cannot trust \(self.signed certificate"):
            await http.request("POST", url, what="x")


async def test_something_that_is_not_http_is_unavailable() -> None:

    async def babble(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"220 marked.example.org ESMTP\r\n")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks, client() as http:
        tasks.start_soon(listener.serve, babble)
        with pytest.raises(UnavailableError, match="answered something that is not HTTP") as caught:
            await http.request("POST", URL(f"http://127.0.0.1:{port}/"), what="x")
        tasks.cancel_scope.cancel()
    assert "marked" not in str(caught.value)


async def test_every_call_is_observed_by_host_and_class_of_status() -> None:
    seen: list[tuple[str, str]] = []

    def observe(host: str, seconds: float, status: str) -> None:
        assert seconds >= 0
        seen.append((host, status))

    async with client(observe=observe) as http:
        for status in (200, 302, 404, 500):
            async with answering(always(status)) as url:
                await http.send("GET", url, what="x")
        with pytest.raises(UnavailableError):
            await http.send("GET", url, what="x")
    assert seen == [("127.0.0.1", c) for c in ("2xx", "3xx", "4xx", "5xx", "error")]


async def test_no_cookie_goes_from_one_call_to_the_next() -> None:
    async def handler(request: web.Request) -> web.Response:
        response = web.Response(text=str(len(request.cookies)))
        response.set_cookie("login", "1")
        return response

    async with answering(handler) as url, client() as http:
        answers = [(await http.request("GET", url, what="x")).body for _ in range(2)]
    assert answers == [b"0", b"0"]


async def test_a_proxy_in_the_environment_is_not_used_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    async with answering(always(200)) as url:
        async with client() as http:
            assert (await http.request("GET", url, what="x")).status == 200
        async with new_session(trust_env=True) as session:
            with pytest.raises(UnavailableError):
                await Client(session, FixedClock()).request("GET", url, what="x")


def test_a_host_is_shown_without_what_surrounds_it() -> None:
    assert host_of(URL("https://user:pw@example.org/path?q=1")) == "example.org"
    assert host_of(URL("https://example.org:8443/path")) == "example.org:8443"
