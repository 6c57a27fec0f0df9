"""What somebody tries who should not get in at the ops port, or should not get this far."""

import gzip
from pathlib import Path

import anyio
import pytest
import structlog

from groundswell.ops import requests
from groundswell.ops.dashboard.pages import PAGES
from groundswell.ops.headers import HEADERS
from groundswell.ops.requests import FIELDS_MAX, FORM_BYTES_MAX
from tests.pipelines.ops_pipeline import PASSWORD, Browser, browsing, call, receiving, with_ops
from tests.running import basic, post, running, token_of, until

LOGIN = f'password = "{PASSWORD}"'
PAUSE = {"form": "pause", "at": "crm", "name": "crm"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def is_paused(browser: Browser) -> bool:
    return "Resume" in (await browser.get("/")).text


# ---- pages of other sites ----


async def test_a_form_needs_the_token_of_its_own_session(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        browsing(daemon) as browser,
        browsing(daemon) as other,
    ):
        await browser.log_in()
        await other.log_in()
        own, others = await browser.csrf(), await other.csrf()
        refused = [
            await browser.post("/", PAUSE),
            await browser.post("/", {**PAUSE, "csrf": ""}),
            await browser.post("/", {**PAUSE, "csrf": others}),
            await browser.post("/", {**PAUSE, "csrf": own[:-1]}),
            await browser.post("/logout", {}),
            await browser.post("/logout", {"csrf": others}),
            await browser.send_json("/api/pause", {"name": "crm"}),
            await browser.send_json("/api/pause", {"name": "crm"}, x_csrf_token=others),
        ]
        assert [answer.status for answer in refused] == [403] * len(refused)
        assert not await is_paused(browser)
        done = await browser.post("/", {**PAUSE, "csrf": own})
        assert (done.status, done.headers["Location"]) == (303, "/")
        assert await is_paused(browser)
        by_script = await browser.send_json("/api/resume", {"name": "crm"}, x_csrf_token=own)
        assert by_script.status == 200
        assert not await is_paused(browser)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:1"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "origin": "null"},
    ],
    ids=str,
)
async def test_what_another_site_sends_is_refused_even_with_all_that_is_needed(
    headers: dict[str, str], tmp_path: Path
) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        await browser.log_in()
        token = await browser.csrf()
        as_form = await browser.post("/", {**PAUSE, "csrf": token}, **headers)
        as_script = await browser.send_json("/api/pause", {"name": "crm"}, x_csrf_token=token, **headers)
        by_password = await browser.send_json(
            "/api/pause", {"name": "crm"}, authorization=basic("x", PASSWORD)["Authorization"], **headers
        )
        login = await browser.post("/login", {"password": PASSWORD}, **headers)
        assert [a.status for a in (as_form, as_script, by_password, login)] == [403] * 4
        assert not await is_paused(browser)


async def test_the_origin_that_our_own_referrer_policy_hides_is_taken_with_the_token_only(tmp_path: Path) -> None:
    """Under "Referrer-Policy: no-referrer" browsers send "Origin: null", over plain HTTP without Sec-Fetch-Site."""
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        browsing(daemon) as browser,
        browsing(daemon) as stranger,
    ):
        came = await browser.post("/login", {"password": PASSWORD}, origin="null")
        without = await browser.post("/", PAUSE, origin="null")
        done = await browser.post("/", {**PAUSE, "csrf": await browser.csrf()}, origin="null")
        by_password = await stranger.send_json(
            "/api/pause", {"name": "crm"}, authorization=basic("x", PASSWORD)["Authorization"], origin="null"
        )
    assert [came.status, without.status, done.status, by_password.status] == [303, 403, 303, 403]


# ---- what is shown ----


async def test_what_people_sent_is_text_on_every_page(tmp_path: Path) -> None:
    script = "<script>alert(1)</script>"
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        await post(daemon, "signups", [{"id": script, "zip": [script]}])
        await until(lambda: daemon.metrics.totals().get("mapped", {}).get("dead") == 1)
        await browser.log_in()
        token = await browser.csrf()
        pages = [
            await browser.get("/"),
            await browser.post("/", {**PAUSE, "csrf": token, "name": script}),
            await browser.post("/", {**PAUSE, "csrf": token, "at": script, "name": "crm\u202e"}),
            await browser.post("/", {"form": script, "csrf": token}),
            await browser.get(f"/{script}".replace("<", "%3C").replace(">", "%3E")),
            await browser.post("/login", {"password": "x", "next": f'/"{script}'}),
        ]
    assert [page.status for page in pages] == [200, 422, 422, 400, 404, 401]
    for page in pages:
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert script not in page.text
        assert page.text.count("<script ") == 1, "our own, from our own file"
        assert "\u202e" not in page.text
    assert "nothing is called &#34;&lt;script&gt;" in pages[1].text


async def test_no_page_holds_a_secret_or_a_script_of_its_own(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        await browser.log_in()
        pages = [await browser.get(path) for path in ("/", "/login", "/nowhere")]
        cookie = next(iter(browser.cookies().values()))
        token = token_of(daemon).token
    for page in pages:
        assert PASSWORD not in page.text
        assert token not in page.text
        assert cookie not in page.text
        assert " style=" not in page.text
        assert "<style" not in page.text
        assert " on" not in {attribute[:3] for attribute in page.text.split("<") if "=" in attribute}
        assert "://" not in page.text.replace('xmlns="http://www.w3.org/', ""), "nothing comes from outside"


# ---- headers ----


async def test_every_answer_tells_the_browser_what_it_may_not_do(tmp_path: Path) -> None:
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path) as daemon,
        browsing(daemon) as browser,
    ):
        answers = [
            *[await browser.get(path) for path in ("/", "/login", "/healthz", "/readyz", "/metrics", "/nowhere")],
            await browser.get("/api/status"),
            await browser.post("/healthz", {}),
            await browser.post("/login", {"password": "x"}),
            await call(daemon, "GET", "/api/status"),
            await call(daemon, "GET", "/healthz", headers={"Host": "evil.example"}),
            await call(daemon, "POST", "/api/pause", headers={"Content-Type": "application/json"}, body=b"{"),
        ]
        page = await browser.get("/login")
        files = [part.partition('"')[0] for part in page.text.split('"/static/')[1:]]
        static = [await browser.get(f"/static/{name}") for name in files]
        malformed = await raw(daemon.ops.port or 0, b"GET / HTTP/1.1\r\nno colon\r\n\r\n")
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "Server" not in answer.headers
        assert "Strict-Transport-Security" not in answer.headers, "it would be for a port without TLS"
    assert len(files) == 3
    for answer in static:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert malformed.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    for name, value in HEADERS.items():
        assert f"{name}: {value}\r\n".encode() in malformed


async def raw(port: int, sent: bytes) -> bytes:
    """The head of the answer to these very bytes, and what came with it."""
    got = b""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(sent)
        with anyio.fail_after(10):
            while b"\r\n\r\n" not in got:
                got += await stream.receive()
    return got


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/../server.py",
        "/static/%2e%2e/%2e%2e/server.py",
        "/static/..%2fshell.py",
        "/static/..%5cshell.py",
        "/static//etc/passwd",
        "/static/%00",
        "/static/groundswell.css",
        "/static/groundswell-0000000000000000.css",
        "/../../../../etc/passwd",
        "//etc/passwd",
        "/login/../api/status",
        "/healthz/../api/status",
        "/%2e/api/status",
    ],
)
async def test_no_path_leads_out_of_the_table_of_files(path: str, tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        sent = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        answer = await raw(daemon.ops.port or 0, sent)
    assert int(answer.split()[1]) in (400, 401, 404)
    assert b"root:" not in answer
    assert b"import" not in answer


# ---- too much, too slowly ----


async def test_forms_are_bounded(tmp_path: Path) -> None:
    packed = gzip.compress(b"password=" + b"x" * 4 * FORM_BYTES_MAX)
    bodies: list[tuple[int, dict[str, str], bytes]] = [
        (413, FORM, b"password=" + b"x" * FORM_BYTES_MAX),
        (413, {**FORM, "Content-Encoding": "gzip"}, packed),
        (400, FORM, b"&".join(b"a=b" for _ in range(FIELDS_MAX + 1))),
        (400, FORM, b"password=%ff"),
        (400, FORM, b"password=\xff"),
        (415, {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--"),
        (415, {"Content-Type": "text/plain"}, b"password=x"),
    ]
    async with receiving() as (_, pipeline), running(with_ops(pipeline, LOGIN), tmp_path) as daemon:
        for status, headers, body in bodies:
            answer = await call(daemon, "POST", "/login", login=False, headers=headers, body=body)
            assert answer.status == status, (answer, body[:20])
        alive = await call(daemon, "GET", "/healthz")
    assert alive.status == 200


async def test_a_form_that_comes_too_slowly_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "BODY_TIMEOUT_S", 0.1)
    head = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    async with receiving() as (_, pipeline), running(with_ops(pipeline, LOGIN), tmp_path) as daemon:
        sent = f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\npass".encode()
        answer = await raw(daemon.ops.port or 0, sent)
    assert answer.split()[1] == b"408"


# ---- what only the file is to say ----

PATHS = """
[sources.network]
type = "action_network.webhook"
path = "/hooks/zebra-piano"
[sources.unset]
type = "action_network.webhook"
[sinks.kept]
type = "jsonl"
inputs = ["network", "unset"]
path = "kept.jsonl"
"""


@pytest.mark.parametrize(
    "broken",
    [
        None,
        (
            "[sources.unset]",
            '[sources.other]\ntype = "action_network.webhook"\npath = "/hooks/zebra-piano/"\n[sources.unset]',
        ),
        ('"/hooks/zebra-piano"', '"hooks/zebra-piano"'),
        ('"/hooks/zebra-piano"', '"/hooks/zebra-piano "'),
    ],
    ids=["in force", "taken twice", "without its slash", "with a space"],
)
async def test_a_path_that_is_the_only_credential_is_shown_nowhere(
    broken: tuple[str, str] | None, tmp_path: Path
) -> None:
    """Warnings of the configuration and refusals of a reload quoted it, to logins that only look and to the log."""
    with structlog.testing.capture_logs() as logged:
        async with (
            receiving() as (_, pipeline),
            running(with_ops(pipeline + PATHS, LOGIN, 'read_password = "only for looking"'), tmp_path) as daemon,
            browsing(daemon) as browser,
        ):
            await post(daemon, "network", b"no json")
            if broken is not None:
                file = tmp_path / "pipeline.toml"
                file.write_text(file.read_text().replace(*broken, 1))
                assert "path" in str((await daemon.reload()).error)
            await browser.log_in("only for looking")
            pages = [page.path for page in PAGES if "{" not in page.path and page.is_in_navigation]
            seen = {
                path: await browser.get(path) for path in [*pages, "/components/network", "/api/config", "/api/status"]
            }
            by_token = await call(daemon, "GET", "/api/config")
    assert "zebra" not in by_token.text
    assert [path for path, answer in seen.items() if "zebra" in answer.text] == []
    assert seen["/settings"].status == seen["/api/config"].status == 200
    assert 'path","value":"\\"***\\""' in seen["/api/config"].text
    assert "zebra" not in repr(logged)
