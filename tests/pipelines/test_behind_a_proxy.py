"""A daemon behind nginx and Caddy, each with the very configuration that docs/security.md gives."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import anyio
import msgspec
import pytest
from aiohttp import web

from groundswell.ops.messages import ListAudit
from groundswell.ops.operations import AUDIT
from groundswell.ops.throttle import FAILURES_MAX
from groundswell.runtime.daemon import Daemon
from tests.pipelines.ops_pipeline import PASSWORD, ask, receiving, with_ops
from tests.programs import needs
from tests.proxies import Kind, Proxy, in_front
from tests.running import post, running

OPS = "ops.example.org"
BEHIND = (f'names = ["{OPS}"]', f'password = "{PASSWORD}"', 'proxy_from = ["127.0.0.1"]')
NAMED = (*BEHIND, 'proxy_header = "X-Forwarded-User"')
KINDS = pytest.mark.parametrize(
    "kind",
    [pytest.param("nginx", marks=needs("nginx", "nginx-light")), pytest.param("caddy", marks=needs("caddy", "caddy"))],
)
JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def dashboard(kind: Kind, tmp_path: Path, *lines: str) -> AsyncIterator[tuple[Daemon, Proxy]]:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, *(lines or BEHIND)), tmp_path) as daemon,
        in_front(kind, "the dashboard", {9464: daemon.ops.port}, tmp_path) as proxy,
    ):
        yield daemon, proxy


@KINDS
async def test_the_login_page_lets_in_with_a_cookie_that_never_travels_plain(kind: Kind, tmp_path: Path) -> None:
    async with dashboard(kind, tmp_path) as (_, proxy), proxy.session() as session:
        login, home = proxy.url("/login"), proxy.url("/")
        own = {"Origin": f"https://{OPS}:{proxy.port}"}
        async with session.get(home, allow_redirects=False) as stranger:
            assert (stranger.status, stranger.headers["Location"]) == (303, "/login?next=/")
        async with session.post(login, data={"password": PASSWORD}, headers=own, allow_redirects=False) as came:
            assert came.status == 303
            name, _, flags = came.headers["Set-Cookie"].partition("=")
            assert name == "__Host-groundswell"
            assert {flag.strip() for flag in flags.split(";")[1:]} == {
                "HttpOnly",
                "Path=/",
                "SameSite=Strict",
                "Secure",
            }
            assert came.headers["Strict-Transport-Security"] == "max-age=31536000"
        async with session.get(home, allow_redirects=False) as page:
            assert page.status == 200
            assert "Overview" in await page.text()
            assert page.headers["Cache-Control"] == "no-store"
        foreign = {"Origin": "https://evil.example"}
        async with session.post(login, data={"password": PASSWORD}, headers=foreign, allow_redirects=False) as refused:
            assert refused.status == 403


@KINDS
async def test_what_moves_on_a_page_arrives_at_once(kind: Kind, tmp_path: Path) -> None:
    async with dashboard(kind, tmp_path) as (daemon, proxy), proxy.session() as session:
        async with session.post(proxy.url("/login"), data={"password": PASSWORD}, allow_redirects=False) as came:
            assert came.status == 303
        async with session.get(proxy.url("/events")) as stream:
            assert stream.headers["Content-Type"].startswith("text/event-stream")

            async def until(accepted: str) -> None:
                with anyio.fail_after(5):  # held back, it would come after a minute, or never
                    while True:
                        line = await stream.content.readline()
                        assert line, "it ended"
                        news = msgspec.json.decode(line[6:]) if line.startswith(b"data: ") else {}
                        if news.get("signups.accepted") == accepted:
                            return

            await until("0")
            for number in range(1, 4):
                await post(daemon, "signups", [{"id": number, "zip": "97201"}])
                await until(str(number))


@KINDS
async def test_guesses_count_where_they_come_from_whatever_they_say(kind: Kind, tmp_path: Path) -> None:
    async with dashboard(kind, tmp_path) as (_, proxy):
        statuses = []
        async with proxy.session("127.0.0.5") as guessing:
            for number in range(FAILURES_MAX + 2):
                said = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
                async with guessing.post(
                    proxy.url("/login"), data={"password": f"guess {number}"}, headers=said
                ) as answer:
                    statuses.append(answer.status)
        async with (
            proxy.session("127.0.0.6") as other,
            other.post(proxy.url("/login"), data={"password": PASSWORD}, allow_redirects=False) as came,
        ):
            assert came.status == 303
            assert came.headers["Location"] == "/"
    assert statuses[-2:] == [429, 429]
    assert 429 not in statuses[:FAILURES_MAX]


@KINDS
async def test_nobody_names_themselves(kind: Kind, tmp_path: Path) -> None:
    async with dashboard(kind, tmp_path, *NAMED) as (_, proxy), proxy.session() as session:
        for headers in (
            [("X-Forwarded-User", "mallory")],
            [("x-forwarded-user", "mallory"), ("X-Forwarded-User", "rosa")],
            [("X_Forwarded_User", "mallory")],
            [("X-Forwarded-User", "mallory"), ("Connection", "keep-alive, X-Forwarded-Proto")],
        ):
            async with session.get(proxy.url("/"), headers=headers, allow_redirects=False) as answer:
                assert answer.status == 303
                assert answer.headers["Location"].startswith("/login")


@asynccontextmanager
async def signing_on() -> AsyncIterator[int]:
    """What oauth2-proxy answers: 202 and a name to whom it knows; here, too, a 202 without a name."""

    async def answer(request: web.Request) -> web.Response:
        known = request.cookies.get("known")
        if known is None:
            return web.Response(status=401)
        return web.Response(status=202, headers={"X-Auth-Request-User": known} if known != "nameless" else {})

    app = web.Application()
    app.router.add_get("/oauth2/auth", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@KINDS
async def test_single_sign_on_lets_in_under_its_own_name_alone(kind: Kind, tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, *NAMED, 'proxy_read_only = ["intern"]'), tmp_path) as daemon,
        signing_on() as port,
        in_front(kind, "the dashboard, with single sign-on", {9464: daemon.ops.port, 4180: port}, tmp_path) as proxy,
        proxy.session() as session,
    ):

        async def asks(known: str | None, *, says: str | None = None) -> tuple[int, str]:
            headers = {} if known is None else {"Cookie": f"known={known}"}
            if says is not None:
                headers["X-Forwarded-User"] = says
            async with session.get(proxy.url("/"), headers=headers, allow_redirects=False) as answer:
                return answer.status, await answer.text()

        for says in (None, "mallory"):
            status, page = await asks("rosa", says=says)
            assert (status, "rosa" in page, "mallory" in page) == (200, True, False)
        status, page = await asks("intern", says="rosa")
        assert (status, "only looking" in page) == (200, True)
        assert (await asks(None, says="mallory"))[0] == 401
        # To the login page; or refused, where Caddy puts {http.reverse_proxy.header...} in the place of no name.
        assert (await asks("nameless", says="mallory"))[0] == (303 if kind == "nginx" else 400)
        csrf = (await asks("rosa"))[1].partition('name="csrf" value="')[2].partition('"')[0]
        form = {"form": "pause", "at": "crm", "name": "crm", "csrf": csrf}
        cookie = {"Cookie": "known=rosa", "Origin": f"https://{OPS}:{proxy.port}"}
        async with session.post(proxy.url("/"), data=form, headers=cookie, allow_redirects=False) as done:
            assert done.status == 303
        (line,) = (await ask(tmp_path, AUDIT, ListAudit())).lines
    assert (line.operation, line.way, line.name, line.outcome) == ("pause", "proxy", "rosa", "done")


@KINDS
async def test_webhooks_arrive_through_it_and_their_path_is_not_in_its_logs(kind: Kind, tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(
            pipeline.replace("[sources.signups]", '[sources.signups]\npath = "/webhooks/unguessable"'), tmp_path
        ) as daemon,
        in_front(kind, "webhooks", {8080: daemon.supervisor.webhooks.port}, tmp_path) as proxy,
        proxy.session() as session,
    ):

        async def send(content: bytes, path: str = "/webhooks/unguessable", **headers: str) -> tuple[int, bytes]:
            url = proxy.url(path)
            async with session.post(url, data=BytesIO(content), headers=JSON | headers) as answer:
                return answer.status, await answer.read()

        assert await send(b'[{"id": 1}, {"id": 2}]') == (200, b'{"accepted":2,"duplicates":0}')
        assert await send(b'[{"id": 1}]', **{"X-Forwarded-For": "203.0.113.9"}) == (
            200,
            b'{"accepted":0,"duplicates":1}',
        )
        filler = b"x" * 1_000_000
        assert (await send(b'{"id": 3, "filler": "%b"}' % filler))[0] == 200
        assert "unguessable" not in proxy.logged()
        assert (await send(b'{"id": 4, "filler": "%b%b"}' % (filler, filler)))[0] == 413
        assert (await send(b"{}", "/webhooks/another"))[0] == 404
        assert daemon.metrics.totals()["signups"]["accepted"] == 3
