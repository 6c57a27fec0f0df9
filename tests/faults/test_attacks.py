"""What docs/security.md promises, tried at a running daemon by somebody who means harm, on both ports.

Forms of other sites, planted sessions, redirects and paths of the ops port are tried in tests/pipelines/
test_ops_attacks.py and test_ops_login.py; what stands on pages afterwards, in tests/browser/test_hostile_records.py.
"""

import gzip
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec
import pytest
from aiohttp import web
from structlog.testing import capture_logs
from yarl import URL

from groundswell.connectors.action_network.simulator.network import KEY
from groundswell.connectors.action_network.simulator.server import simulator as action_network
from groundswell.connectors.actionkit.simulator.instance import PASSWORD as KIT_PASSWORD
from groundswell.connectors.actionkit.simulator.instance import USER
from groundswell.connectors.actionkit.simulator.server import simulator as actionkit
from groundswell.http.client import new_session
from groundswell.ops.operations import OPERATIONS
from groundswell.ops.throttle import FAILURES_MAX
from groundswell.runtime.daemon import Daemon
from tests.hostile import MARK, attacked, bodies, hostile_bodies, is_processed, is_quiet
from tests.pipelines.ops_pipeline import PASSWORD, Answer, call
from tests.running import FREE_PORTS, basic, post, running, until, webhook_url

JSON = {"Content-Type": "application/json"}
NOWHERE = "http://127.0.0.1:9"


class Listening:
    """A server of somebody else's: it notes what came, and answers 200."""

    def __init__(self) -> None:
        self.url = ""
        self.heads: list[list[tuple[bytes, bytes]]] = []
        """The headers of each request, as they were sent."""
        self.bodies: list[bytes] = []
        self.asked: list[URL] = []
        self.answer: Callable[[web.Request], Awaitable[web.Response]] = _well

    async def _handle(self, request: web.Request) -> web.Response:
        self.heads.append(list(request.raw_headers))
        self.bodies.append(await request.read())
        self.asked.append(request.rel_url)
        return await self.answer(request)


async def _well(_: web.Request) -> web.Response:
    return web.json_response({})


@asynccontextmanager
async def listening() -> AsyncIterator[Listening]:
    """A server on a free port of this machine."""
    found = Listening()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", found._handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield found
    finally:
        await runner.cleanup()


async def is_well(daemon: Daemon) -> bool:
    """Whether it lives, accepts, and takes one good record through to the end."""
    answers = [await call(daemon, "GET", path) for path in ("/healthz", "/readyz", "/metrics", "/api/status")]
    return [answer.status for answer in answers] == [200] * 4


async def everything_asked(daemon: Daemon) -> list[Answer]:
    """Every GET of the API that needs nothing, and every dead letter and record there is to be shown."""
    found = [
        await call(daemon, "GET", operation.path)
        for operation in OPERATIONS
        if operation.method == "GET" and not any(field.required for field in msgspec.structs.fields(operation.request))
    ]
    letters = await call(daemon, "GET", "/api/dead/list?limit=1000")
    numbers = [letter["id"] for letter in msgspec.json.decode(letters.body)["letters"]]
    found += [await call(daemon, "GET", f"/api/dead/show?id={number}") for number in numbers[:60]]
    return [*found, letters]


# ---- what senders write into bodies ----


@pytest.mark.timeout(60)
async def test_no_word_in_any_body_breaks_anything_or_gets_into_a_header(tmp_path: Path) -> None:
    """Whatever is accepted arrives whole in JSON bodies; what is not is refused or a dead letter; no defect."""
    with capture_logs() as logs:
        async with listening() as crm, attacked(tmp_path, crm.url) as (daemon, sender):
            statuses = {await sender.send(source, body) for source, body in hostile_bodies()}
            await is_quiet(daemon)
            asked = await everything_asked(daemon)
            assert await is_well(daemon)
    assert statuses <= {200, 400}
    assert 200 in statuses
    assert [line for line in logs if "defect" in line["event"]] == []
    lines = (tmp_path / "records.jsonl").read_bytes().splitlines()
    assert len(lines) > 50
    assert {msgspec.json.decode(line)["source"] for line in lines} == {"form", "events", "gifts", "pushes"}
    assert crm.heads
    for head, body in zip(crm.heads, crm.bodies, strict=True):
        names = [name.lower() for name, _ in head]
        assert len(names) == len(set(names))
        assert b"set-cookie" not in names
        assert all(byte >= 0x20 and byte < 0x7F for _, value in head for byte in value)
        msgspec.json.decode(body)
    assert any(MARK.encode() in body for body in crm.bodies)
    for answer in asked:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        msgspec.json.decode(answer.body)


DEEP = b"[" * 100_000
ODD: list[tuple[str, bytes]] = [
    ("deep", b'{"id": 1, "a": ' + DEEP + b"]" * 100_000 + b"}"),
    ("deep and cut off", b'{"id": 1, "a": ' + DEEP),
    ("deep objects", b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    ("a huge number", b'{"id": ' + b"9" * 100_000 + b"}"),
    ("a huge exponent", b'{"id": 1e999999999}'),
    ("a small number with many digits", b'{"id": 0.' + b"0" * 100_000 + b"1}"),
    ("NUL", b'{"id": "\\u0000", "email": "\\u0000", "name": "a\\u0000b"}'),
    ("a lone surrogate", b'{"id": "\\ud800", "name": "\\udfff"}'),
    ("bytes that are no text", b'{"id": "\xff\xfe\xed\xa0\x80"}'),
    ("a name given many times", b"{" + b",".join([b'"id": "1"'] * 50_000) + b"}"),
    ("many names that hash alike are no worse", b"{" + b",".join(b'"%d": 1' % n for n in range(50_000)) + b"}"),
    ("many things", b"[" + b",".join([b"{}"] * 200_000) + b"]"),
    ("nothing", b""),
    ("not a number", b'{"id": NaN}'),
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("name", "body"), ODD, ids=[name.replace(" ", "-") for name, _ in ODD])
async def test_odd_json_is_refused_or_taken_by_every_webhook_and_costs_little(
    name: str, body: bytes, tmp_path: Path
) -> None:
    with capture_logs() as logs:
        async with attacked(tmp_path, NOWHERE) as (daemon, sender):
            for source in ("form", "events", "gifts", "pushes"):
                with anyio.fail_after(5):
                    for content in (body, b"[" + body + b"]"):
                        assert await sender.send(source, content) in (200, 400, 413), source
            await is_processed(daemon)
            assert await is_well(daemon)
    assert [line for line in logs if "defect" in line["event"]] == []


async def test_a_body_that_unpacks_to_gigabytes_is_unpacked_no_further_than_allowed(tmp_path: Path) -> None:
    bomb = gzip.compress(b'{"id": "' + b"x" * (64 * 2**20) + b'"}')
    async with attacked(tmp_path, NOWHERE) as (daemon, sender):
        for source in ("form", "events", "gifts", "pushes"):
            assert await sender.send(source, bomb, {"Content-Encoding": "gzip"}) == 413
            assert await sender.send(source, gzip.compress(bomb), {"Content-Encoding": "gzip"}) == 400
            assert await sender.send(source, bomb, {"Content-Encoding": "gzip, gzip"}) == 415
        assert await is_well(daemon)


# ---- paths and heads of the webhook port ----


@pytest.mark.parametrize(
    "target",
    [
        b"/webhooks/form/../../etc/passwd",
        b"/webhooks/../api/status",
        b"/webhooks/%2e%2e/api/status",
        b"/webhooks/form%00",
        b"/webhooks/form/",
        b"/webhooks//form",
        b"//webhooks/form",
        b"/webhooks/FORM",
        b"/webhooks/form;x",
        b"/api/status",
        b"/metrics",
        b"/",
        b"*",
    ],
)
async def test_the_webhook_port_has_the_paths_of_its_sources_and_nothing_else(target: bytes, tmp_path: Path) -> None:
    async with attacked(tmp_path, NOWHERE) as (daemon, _):
        body = b'[{"id": 1}]'
        head = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        answer = await raw(daemon.supervisor.webhooks.port or 0, head % (target, len(body)) + body)
        totals = daemon.metrics.totals()
    assert int(answer.split()[1]) in (400, 404)
    assert b"root:" not in answer
    assert totals.get("form", {}).get("accepted", 0) == 0


async def raw(port: int, sent: bytes) -> bytes:
    """What is answered to these very bytes, as far as its head."""
    got = b""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(sent)
        with anyio.fail_after(10):
            while b"\r\n\r\n" not in got:
                got += await stream.receive()
    return got


@pytest.mark.parametrize("port", ["webhooks", "ops"])
async def test_heads_are_bounded_on_both_ports(port: str, tmp_path: Path) -> None:
    async with attacked(tmp_path, NOWHERE) as (daemon, _):
        number = daemon.supervisor.webhooks.port if port == "webhooks" else daemon.ops.port
        heads = [
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
            b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        ]
        for head in heads:
            answer = b"HTTP/1.1 400"
            try:
                answer = await raw(number or 0, head)
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                continue  # it hung up, which is an answer, too
            assert int(answer.split()[1]) in (400, 404, 413, 414, 431)
        assert await is_well(daemon)


# ---- guessing ----


async def test_guessing_at_the_api_is_held_up_and_the_token_goes_on_to_let_in(tmp_path: Path) -> None:
    async with attacked(tmp_path, NOWHERE) as (daemon, _):
        statuses = []
        for number in range(FAILURES_MAX + 5):
            login = basic(f"user{number}", f"guess {number}")
            statuses.append((await call(daemon, "GET", "/api/status", login=False, headers=login)).status)
        right = await call(daemon, "GET", "/api/status", login=False, headers=basic("x", PASSWORD))
        spoofed = await call(
            daemon, "GET", "/api/status", login=False, headers={**basic("x", "no"), "X-Forwarded-For": "203.0.113.9"}
        )
        by_token = await call(daemon, "GET", "/api/status")
    assert statuses == [401] * FAILURES_MAX + [429] * 5
    assert (right.status, spoofed.status, by_token.status) == (429, 429, 200)


async def test_guessing_keys_of_webhooks_lets_nobody_in_and_keeps_nobody_out(tmp_path: Path) -> None:
    """Each guess at a key costs a hash; they wait for each other, and what needs none goes through beside them."""
    async with attacked(tmp_path, NOWHERE) as (daemon, sender):
        url = webhook_url(daemon, "pushes")
        push = next(body for source, body in bodies() if source == "pushes")
        statuses: list[int] = []

        async def guess(number: int) -> None:
            login = basic(f"gsa_{number}", f"gss_{number}")
            statuses.append(await sender.send("pushes", push, login))

        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(guess, number)
            with anyio.fail_after(5):
                assert (await post(daemon, "form", [{"id": "good"}]))[0] == 200
        assert url.endswith("/signup")
        assert set(statuses) <= {401, 503}
        assert await sender.send("pushes", push) == 200, "the right one"


# ---- our own requests, led elsewhere ----


@pytest.mark.parametrize("name", ["SubscribeURL", "SigningCertURL"])
async def test_no_push_leads_our_requests_to_another_host(name: str, tmp_path: Path) -> None:
    async with listening() as inside, attacked(tmp_path, NOWHERE) as (_, sender):
        topic = "arn:aws:sns:us-east-1:111122223333:ak-push"
        theirs = "https://sns.us-east-1.amazonaws.com"
        for place in (
            f"{inside.url}/?Action=ConfirmSubscription",
            f"https://sns.us-east-1.amazonaws.com@{inside.url.removeprefix('http://')}/?Action=ConfirmSubscription",
            f"https://sns.us-east-1.amazonaws.com.evil.example{inside.url[-6:]}/x.pem",
            "http://169.254.169.254/latest/meta-data/?Action=ConfirmSubscription",
            "file:///etc/passwd",
        ):
            body = {
                "Type": "SubscriptionConfirmation",
                "MessageId": "1",
                "Token": "2336",
                "TopicArn": topic,
                "Message": "You have chosen",
                "SubscribeURL": f"{theirs}/?Action=ConfirmSubscription",
                "Timestamp": "2026-05-02T11:00:09.000Z",
                "SignatureVersion": "1",
                "Signature": "QQ==",
                "SigningCertURL": f"{theirs}/SimpleNotificationService-0123456789abcdef.pem",
                name: place,
            }
            headers = {"x-amz-sns-message-type": "SubscriptionConfirmation", "x-amz-sns-topic-arn": topic}
            assert await sender.send("pushes", body, headers) == 403, place
    assert inside.heads == []


POLL = f"""
[accounts.an]
type = "action_network"
token = "{KEY}"
rate = "4/s"
base_url = "NETWORK/api/v2/"

[accounts.ak]
type = "actionkit"
host = "KIT"
username = "{USER}"
password = "{KIT_PASSWORD}"
rate = "100000/min"

[sources.network]
type = "action_network.poll"
account = "an"
every = "1s"

[sources.kit]
type = "actionkit.poll"
account = "ak"
every = "1s"

[sinks.file]
type = "jsonl"
inputs = ["network", "kit"]
path = "records.jsonl"
"""


_THEIRS = re.compile(rb'"(?:https?://[^/"]+)?(/(?:api|rest)/)')
"""An address of either vendor in one of their answers."""


@asynccontextmanager
async def lying(vendor: str, elsewhere: str) -> AsyncIterator[str]:
    """The vendor, but for the addresses in its answers: they all lead to another host."""
    async with new_session() as session, listening() as proxy:

        async def answer(request: web.Request) -> web.Response:
            headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
            body = await request.read()
            url = f"{vendor}{request.rel_url}"
            async with session.request(request.method, url, headers=headers, data=body) as response:
                changed = _THEIRS.sub(b'"' + elsewhere.encode() + rb"\1", await response.read())
                return web.Response(body=changed, status=response.status, content_type="application/json")

        proxy.answer = answer
        yield proxy.url


@pytest.mark.timeout(60)
async def test_links_to_other_hosts_are_not_followed_with_our_credentials(tmp_path: Path) -> None:
    """A vendor's page says where the next one is; a page that lies must not get our key sent elsewhere."""
    async with (
        listening() as elsewhere,
        action_network(people=60, records=20) as network,
        actionkit(users=250) as kit,
        lying(network.root, elsewhere.url) as network_url,
        lying(kit.root, elsewhere.url) as kit_url,
    ):
        pipeline = POLL.replace("NETWORK", network_url).replace("KIT", kit_url)
        async with running(FREE_PORTS + pipeline, tmp_path):
            file = tmp_path / "records.jsonl"

            def brought(source: str) -> int:
                return file.read_bytes().count(f'"source":"{source}"'.encode()) if file.exists() else 0

            await until(lambda: brought("network") >= 60 and brought("kit") >= 250, deadline_s=20)
    assert elsewhere.asked == []
