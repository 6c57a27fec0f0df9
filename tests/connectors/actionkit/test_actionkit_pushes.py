"""Pushes: the hand-shake, the challenge, tries, duplicates, order, loss, envelopes and signatures."""

import base64
import hashlib
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from aiohttp import web

from groundswell.connectors.actionkit.simulator.faults import FaultRates
from groundswell.connectors.actionkit.simulator.push.messages import AMAZON
from groundswell.connectors.actionkit.simulator.push.sender import PushTarget
from groundswell.connectors.actionkit.simulator.push.signing import BITS, signing_key
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.connectors.actionkit.simulator.state.behaviour import FRIENDLIEST
from tests.conftest import Eventually

LOGIN = "Basic YWNjb3VudDpzZWNyZXQ="  # account:secret


class Receiver:
    """Takes pushes as somebody who reads AWS's page would: a challenge, a hand-shake, and what the test says."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], Any]] = []
        self.bare = 0
        self.statuses: list[int] = []
        """Answered to the next notifications, before 200."""
        self.is_confirming = True
        self.hanging = 0
        """So many notifications are not answered at all."""
        self.server: Server | None = None
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        if "Authorization" not in request.headers:
            self.bare += 1
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="groundswell"'})
        if request.headers["Authorization"] != LOGIN:
            return web.Response(status=403)
        body = msgspec.json.decode(await request.read())
        self.got.append((dict(request.headers), body))
        if body.get("Type") == "SubscriptionConfirmation":
            if self.is_confirming:
                assert self.server is not None
                status, _ = await self.server.sns_fetch(body["SubscribeURL"])
                assert status == 200
            return web.Response()
        if self.hanging:
            self.hanging -= 1
            assert request.transport is not None
            while not request.transport.is_closing():
                await anyio.sleep(0.01)
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    @property
    def notifications(self) -> list[Any]:
        return [body for _, body in self.got if body.get("Type") != "SubscriptionConfirmation"]

    def actions(self) -> list[int]:
        return [body["action"]["id"] for body in self.notifications]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://account:secret@127.0.0.1:{runner.addresses[0][1]}/hook"
        yield receiver
    finally:
        await runner.cleanup()


@asynccontextmanager
async def pushing(
    receiver: Receiver, eventually: Eventually, rates: FaultRates | None = None, **options: Any
) -> AsyncIterator[Server]:
    """A simulator whose endpoint is green."""
    behaviour = {name: options.pop(name) for name in list(options) if hasattr(FRIENDLIEST, name)}
    switches = msgspec.structs.replace(FRIENDLIEST, **{"sns_hosts": "amazon", "pushes_bare_first": True, **behaviour})
    target = PushTarget(receiver.url, **{"rate_per_s": 10_000.0, "speed": 10_000.0, **options})
    async with simulator(behaviour=switches, rates=rates, pushes=target) as server:
        receiver.server = server
        assert server.pusher is not None
        pusher = server.pusher
        if receiver.is_confirming:
            await eventually(lambda: pusher.is_connected and server.ledger.waiting == 0)  # type: ignore[union-attr]
        yield server


async def test_an_endpoint_is_not_connected_until_the_receiver_has_fetched_the_address(eventually: Eventually) -> None:
    async with receiving() as receiver:
        receiver.is_confirming = False
        async with pushing(receiver, eventually) as server:
            assert server.pusher is not None
            await eventually(lambda: bool(receiver.got))
            server.control.act("signup", email="rosa@example.org")
            await eventually(lambda: server.ledger is not None and server.ledger.not_connected == 1)
            headers, body = receiver.got[0]
            assert headers["x-amz-sns-message-type"] == body["Type"] == "SubscriptionConfirmation"
            assert headers["Content-Type"] == "text/plain; charset=UTF-8"
            assert body["SubscribeURL"].startswith(f"{AMAZON}/?Action=ConfirmSubscription&")
            assert (await server.sns_fetch(body["SubscribeURL"].replace("Token=", "Token=0")))[0] == 403
            assert not server.pusher.is_connected
            assert (await server.sns_fetch(body["SubscribeURL"]))[0] == 200
            assert server.pusher.is_connected
            server.control.act("signup", email="ada@example.org")
            await eventually(lambda: len(receiver.notifications) == 1)
            assert receiver.notifications[0]["user"]["email"] == "ada@example.org"


async def test_a_push_is_raw_text_with_the_action_and_the_user(eventually: Eventually) -> None:
    async with receiving() as receiver, pushing(receiver, eventually) as server:
        action = server.control.act("signup", email="rosa@example.org", action_a="1")
        await eventually(lambda: bool(receiver.notifications))
        headers, body = receiver.got[-1]
        assert set(body) == {"type", "timestamp", "action", "user"}
        assert (body["action"]["id"], body["action"]["fields"]) == (action, {"a": "1"})
        assert headers["x-amz-sns-rawdelivery"] == "true"
        assert headers["x-amz-sns-message-type"] == "Notification"
        assert {"x-amz-sns-message-id", "x-amz-sns-topic-arn", "x-amz-sns-subscription-arn"} <= set(headers)
        assert receiver.bare == len(receiver.got), "each request came without a password first"
        assert server.ledger is not None
        assert server.ledger.challenged == receiver.bare


async def test_5xx_and_429_come_again_with_the_same_id_and_other_refusals_never(eventually: Eventually) -> None:
    async with receiving() as receiver, pushing(receiver, eventually) as server:
        receiver.statuses = [503, 429, 500]
        server.control.act("signup", email="rosa@example.org")
        await eventually(lambda: len(receiver.notifications) == 4)
        ids = {headers["x-amz-sns-message-id"] for headers, body in receiver.got if "action" in body}
        assert len(ids) == 1
        receiver.statuses = [400]
        server.control.act("signup", email="ada@example.org")
        await eventually(lambda: server.ledger is not None and server.ledger.refused == 1)
        assert server.ledger is not None
        assert (server.ledger.answered, server.ledger.waiting) == (2, 0)
        assert len(receiver.notifications) == 5


async def test_silence_is_waited_out_and_tried_again(eventually: Eventually) -> None:
    async with receiving() as receiver, pushing(receiver, eventually, push_timeout_s=0.2) as server:
        receiver.hanging = 1
        server.control.act("signup", email="rosa@example.org")
        await eventually(lambda: server.ledger is not None and server.ledger.answered == 2)
        assert server.ledger is not None
        assert server.ledger.entries[-1].statuses == [401, None, 401, 200]


async def test_between_tries_it_waits(eventually: Eventually) -> None:
    async with receiving() as receiver, pushing(receiver, eventually, push_retry_s=0.3, speed=1.0) as server:
        clock = server.world.clock
        receiver.statuses = [503]
        began = clock.monotonic()
        server.control.act("signup", email="rosa@example.org")
        await eventually(lambda: len(receiver.notifications) == 2)
        assert clock.monotonic() - began >= 0.3


async def test_a_push_may_hold_a_few_fields_only(eventually: Eventually) -> None:
    async with receiving() as receiver, pushing(receiver, eventually, push_is_full=False) as server:
        server.control.act("signup", email="rosa@example.org")
        await eventually(lambda: bool(receiver.notifications))
        (pushed,) = receiver.notifications
        assert set(pushed["user"]) == {"id", "email", "first_name", "last_name", "zip", "fields", "phones"}
        assert "resource_uri" not in pushed["action"]


async def test_after_its_retries_a_push_is_gone(eventually: Eventually) -> None:
    async with receiving() as receiver, pushing(receiver, eventually, retries=2) as server:
        receiver.statuses = [500] * 3
        server.control.act("signup", email="rosa@example.org")
        await eventually(lambda: server.ledger is not None and server.ledger.dropped == 1)
        assert len(receiver.notifications) == 3


async def test_pushes_come_twice_late_and_not_at_all(eventually: Eventually) -> None:
    rates = FaultRates(push_twice=0.3, push_lost=0.2, push_late=0.3, push_late_s=2_000.0)
    async with receiving() as receiver, pushing(receiver, eventually, rates) as server:
        acted = [server.control.act("signup", email=f"rosa{number}@example.org") for number in range(60)]
        ledger = server.ledger
        assert ledger is not None
        await eventually(lambda: ledger.messages == 61 and ledger.waiting == 0)
        await eventually(lambda: len(receiver.notifications) == 60 - ledger.lost + ledger.repeated)
        arrived = receiver.actions()
        assert ledger.lost > 0
        assert ledger.repeated == sum(Counter(arrived).values()) - len(set(arrived)) > 0
        assert set(arrived) == ledger.answered_actions() < set(acted)
        assert list(dict.fromkeys(arrived)) != sorted(set(arrived)), "not in the order it happened"


async def test_no_more_go_out_a_second_than_the_endpoint_allows(eventually: Eventually) -> None:
    async with receiving() as receiver, pushing(receiver, eventually, rate_per_s=20.0) as server:
        clock = server.world.clock
        began = clock.monotonic()
        for number in range(8):
            server.control.act("signup", email=f"rosa{number}@example.org")
        await eventually(lambda: len(receiver.notifications) == 8)
        assert clock.monotonic() - began >= 7 / 20


async def test_only_what_the_endpoint_or_the_page_asks_for_is_sent(eventually: Eventually) -> None:
    async with (
        receiving() as receiver,
        pushing(receiver, eventually, triggers=("Survey",), pages=("newsletter",)) as server,
    ):
        page = server.control.rows("SELECT id FROM core_page WHERE name = 'call_the_council'")[0]["id"]
        server.world.db.insert(
            "core_pagefollowup", page_id=page, send_pushes=1, created_at="2026-01-01", updated_at="2026-01-01"
        )
        for name in ("signup", "what_matters", "newsletter", "save_the_crossing", "call_the_council"):
            server.control.act(name, email="rosa@example.org")
        await eventually(lambda: len(receiver.notifications) == 3)
        assert sorted(body["action"]["type"] for body in receiver.notifications) == ["Call", "Signup", "Survey"]


async def test_what_was_undone_is_not_pushed(eventually: Eventually) -> None:
    async with receiving() as receiver, pushing(receiver, eventually) as server:

        def act_in_vain() -> None:
            with server.world.db.changing():
                server.control.act("signup", email="rosa@example.org")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            act_in_vain()
        server.control.act("newsletter", email="ada@example.org")
        await eventually(lambda: len(receiver.notifications) == 1)
        assert receiver.notifications[0]["user"]["email"] == "ada@example.org"


@pytest.mark.parametrize("version", ["1", "2"])
async def test_an_envelope_is_signed_with_the_key_of_its_certificate(
    eventually: Eventually, version: str, tmp_path: Path
) -> None:
    async with (
        receiving() as receiver,
        pushing(receiver, eventually, pushes_are_raw=False, signature_version=version) as server,
    ):
        server.control.act("signup", email="rosa@example.org")
        await eventually(lambda: len(receiver.notifications) == 1)
        for (_, body), names in zip(
            receiver.got,
            (
                ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
                ("Message", "MessageId", "Timestamp", "TopicArn", "Type"),
            ),
            strict=True,
        ):
            status, certificate = await server.sns_fetch(body["SigningCertURL"])
            assert (status, body["SignatureVersion"]) == (200, version)
            assert body["SigningCertURL"].startswith("https://sns.us-east-1.amazonaws.com/")
            text = "".join(f"{name}\n{body[name]}\n" for name in names).encode()
            signature = base64.b64decode(body["Signature"])
            digest = hashlib.new("sha1" if version == "1" else "sha256", text).digest()
            key = signing_key(server.world.seed)
            assert (
                pow(int.from_bytes(signature), 65_537, key.modulus)
                .to_bytes(BITS // 8)
                .endswith(b"\0" + _info(version) + digest)
            )
            _check_with_openssl(tmp_path, certificate, text, signature, version)
        assert msgspec.json.decode(receiver.notifications[0]["Message"])["user"]["email"] == "rosa@example.org"


def _info(version: str) -> bytes:
    return bytes.fromhex(
        "3021300906052b0e03021a05000414" if version == "1" else "3031300d060960864801650304020105000420"
    )


def _check_with_openssl(folder: Path, certificate: bytes, text: bytes, signature: bytes, version: str) -> None:
    """Somebody else's reading of the certificate and the signature."""
    for name, content in (("c.pem", certificate), ("text", text), ("signature", signature)):
        (folder / name).write_bytes(content)
    try:
        key = subprocess.run(
            ["openssl", "x509", "-in", "c.pem", "-pubkey", "-noout"], cwd=folder, capture_output=True, check=True
        ).stdout
    except FileNotFoundError:
        return
    (folder / "key.pem").write_bytes(key)
    word = "-sha1" if version == "1" else "-sha256"
    done = subprocess.run(
        ["openssl", "dgst", word, "-verify", "key.pem", "-signature", "signature", "text"],
        cwd=folder, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


async def test_addresses_may_be_the_simulators_own_and_the_end_is_announced(eventually: Eventually) -> None:
    async with receiving() as receiver, pushing(receiver, eventually, sns_hosts="local") as server:
        assert receiver.got[0][1]["SubscribeURL"].startswith(f"{server.root}/_sns/?Action=")
        assert server.pusher is not None
        server.pusher.disconnect()
        await eventually(lambda: receiver.got[-1][1].get("Type") == "UnsubscribeConfirmation")
        assert not server.pusher.is_connected
