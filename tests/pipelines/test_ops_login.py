"""Getting in at the ops port with a browser, staying in, and getting out again."""

from pathlib import Path

import pytest
from yarl import URL

from groundswell.http.api_keys import hash_password
from groundswell.ops.messages import Nothing
from groundswell.ops.operations import DASHBOARD
from groundswell.ops.throttle import FAILURES_MAX
from tests.pipelines.ops_pipeline import PASSWORD, ask, browsing, call, receiving, with_ops
from tests.running import basic, running, write_config

LOGIN = f'password = "{PASSWORD}"'


async def test_whoever_is_not_logged_in_is_shown_the_way_to_the_login(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon, browsing(daemon) as browser:
        page, deeper = await browser.get("/"), await browser.get("/?x=1&y=a%20b")
        login = await browser.get("/login")
        api, metrics = await call(daemon, "GET", "/api/status", login=False), await browser.get("/metrics")
        alive = await browser.get("/healthz")
    for answer, path in ((page, "/"), (deeper, "/?x=1&y=a%20b")):
        where = URL(answer.headers["Location"])
        assert (answer.status, where.path, dict(where.query)) == (303, "/login", {"next": path})
    assert (login.status, login.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "One-time code" in login.text
    assert 'type="password"' not in login.text, "there is none to ask for"
    assert (api.status, api.headers["WWW-Authenticate"]) == (401, 'Bearer realm="groundswell"')
    assert (metrics.status, alive.status) == (200, 200)


@pytest.mark.parametrize("kept", [PASSWORD, hash_password(PASSWORD)], ids=["plain", "hashed"])
async def test_the_password_lets_in_until_the_logout(kept: str, tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, f"password = '{kept}'"), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        came = await browser.log_in(next="/?seen=1")
        overview = await browser.get("/")
        name, cookie = next(iter(browser.cookies().items()))
        again = await browser.get("/login?next=/%3Fseen=2")
        left = await browser.post("/logout", {"csrf": await browser.csrf()})
        async with browsing(daemon) as thief:
            stolen = await thief.get("/", cookie=f"{name}={cookie}")
    assert (came.status, came.headers["Location"]) == (303, "/?seen=1")
    assert overview.status == 200
    assert "<h1>Overview</h1>" in overview.text
    assert (again.status, again.headers["Location"]) == (303, "/?seen=2")
    assert (left.status, left.headers["Location"]) == (303, "/login")
    assert "Max-Age=0" in left.headers["Set-Cookie"]
    assert stolen.status == 303, "the session itself is over, not only the cookie"


async def test_the_cookie_is_for_nobody_else(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        came = await browser.log_in()
    name, _, rest = came.headers["Set-Cookie"].partition("=")
    flags = {flag.strip() for flag in rest.split(";")[1:]}
    assert name == f"groundswell_{daemon.ops.port}", "cookies know no ports: each daemon has a name of its own"
    assert flags == {"HttpOnly", "Path=/", "SameSite=Strict"}


async def test_no_session_is_begun_with_an_id_that_somebody_else_chose(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        browsing(daemon) as browser,
        browsing(daemon) as attacker,
    ):
        name = f"groundswell_{daemon.ops.port}"
        planted = await browser.post("/login", {"password": PASSWORD}, cookie=f"{name}={'5f' * 32}")
        given = planted.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
        by_planted = await attacker.get("/", cookie=f"{name}={'5f' * 32}")
        # A login anew ends the session before it.
        again = await browser.post("/login", {"password": PASSWORD}, cookie=f"{name}={given}")
        by_given = await attacker.get("/", cookie=f"{name}={given}")
    assert given != "5f" * 32
    assert again.status == 303
    assert [by_planted.status, by_given.status] == [303, 303]


async def test_guesses_are_held_up_and_those_who_are_in_stay_in(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        browsing(daemon) as operator,
        browsing(daemon) as guesser,
    ):
        await operator.log_in()
        guesses = [(await guesser.log_in(f"guess {n}")).status for n in range(FAILURES_MAX)]
        late = await guesser.log_in(PASSWORD)
        coded = await guesser.post("/login", {"code": "abcdefgh"})
        overview = await operator.get("/")
    assert guesses == [401] * FAILURES_MAX
    assert (late.status, coded.status) == (429, 429)
    assert 1 <= int(late.headers["Retry-After"]) <= 60
    assert "wait a minute" in late.text
    assert overview.status == 200


async def test_a_wrong_password_is_said_where_it_was_typed_and_not_repeated(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        wrong = await browser.log_in("not it at all", next="/?seen=1")
    assert wrong.status == 401
    assert 'role="alert"' in wrong.text
    assert "not it at all" not in wrong.text
    assert 'value="/?seen=1"' in wrong.text
    assert "Set-Cookie" not in wrong.headers


@pytest.mark.parametrize(
    "following",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "/%0d%0aSet-Cookie:%20x=y\r\nX: y",
        "",
        "javascript:x",
    ],
)
async def test_a_login_leads_nowhere_else(following: str, tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        came = await browser.log_in(next=following)
        inside = await browser.get("/login?next=%2F%2Fevil.example")
        coded = await browser.get("/login?next=%255C%255Cevil.example")
    for answer in (came, inside, coded):
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        assert "X" not in answer.headers


async def test_whoever_can_read_the_token_file_gets_a_link_that_lets_in_once(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(pipeline, tmp_path) as daemon,
        browsing(daemon) as browser,
        browsing(daemon) as late,
    ):
        made = await ask(tmp_path, DASHBOARD, Nothing())
        came = await browser.post("/login", {"code": made.code})
        overview = await browser.get("/")
        again = await late.post("/login", {"code": made.code})
    assert made.url == f"http://127.0.0.1:{daemon.ops.port}/login#{made.code}"
    assert (came.status, overview.status) == (303, 200)
    assert again.status == 401
    assert "lets in once" in again.text


async def test_another_password_ends_all_sessions(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        await browser.log_in()
        link = await ask(tmp_path, DASHBOARD, Nothing())
        write_config(tmp_path, with_ops(pipeline, LOGIN, 'audit_keep = "1d"'))
        assert (await daemon.reload()).error is None
        kept = await browser.get("/")
        write_config(tmp_path, with_ops(pipeline, 'password = "another one"'))
        changed = await daemon.reload()
        ended = await browser.get("/")
        statuses = [(await browser.log_in(word)).status for word in (PASSWORD, "another one")]
        by_link = await browser.post("/login", {"code": link.code})
        by_basic = [
            (await call(daemon, "GET", "/api/status", login=False, headers=basic("x", word))).status
            for word in (PASSWORD, "another one")
        ]
    assert kept.status == 200
    assert changed.changes is not None
    assert changed.changes.needs_restart == []
    assert (ended.status, by_link.status) == (303, 401)
    assert statuses == [401, 303]
    assert by_basic == [401, 200]
