"""A real daemon that ActionKit's pushes come to, from the simulator's sender, and an Amazon between them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import anyio
import msgspec
import pytest
from yarl import URL

from groundswell.connectors.actionkit.simulator.faults import FaultRates
from groundswell.connectors.actionkit.simulator.push.messages import Message
from groundswell.connectors.actionkit.simulator.push.sender import PushSender, PushTarget
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.connectors.actionkit.simulator.state.behaviour import FRIENDLIEST
from groundswell.errors import UnavailableError
from groundswell.http.client import Answer, Client
from groundswell.ops.messages import KeyCreated, NameKey, Nothing
from groundswell.ops.operations import KEYS_CREATE, STATUS
from groundswell.runtime.daemon import Daemon
from tests.pipelines.ops_pipeline import ask
from tests.running import FREE_PORTS, basic, running, until, webhook_url, write_config

PIPELINE = (
    FREE_PORTS
    + """
[sources.pushes]
type = "actionkit.push"
%s

[sinks.file]
type = "jsonl"
inputs = ["pushes"]
path = "records.jsonl"
"""
)
ACCOUNT = """
account = "ours"

[accounts.ours]
type = "actionkit"
host = "%s"
username = "%s"
password = "%s"
rate = "10000/s"
"""


@dataclass
class Pushing:
    """The daemon, the simulated ActionKit, and what sends its pushes."""

    daemon: Daemon
    server: Server
    key: KeyCreated
    directory: Path
    fetched: list[URL] = field(default_factory=list)
    """What was fetched of Amazon, or of anybody else that is not the simulator."""
    is_amazon_away: bool = False

    @property
    def pusher(self) -> PushSender:
        assert self.server.pusher is not None
        return self.server.pusher

    @property
    def topic(self) -> str:
        return self.pusher.topic.arn

    async def post(self, body: Any, headers: Mapping[str, str] | None = None, key: str | None = None) -> int:
        """Post as SNS would, with the key; the status."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        login = basic(self.key.account_id, key or self.key.secret)
        async with (
            aiohttp.ClientSession() as session,
            session.post(webhook_url(self.daemon, "pushes"), data=content, headers={**(headers or {}), **login}) as got,
        ):
            await got.read()
            return got.status

    async def send(self, message: Message, **changes: Any) -> int:
        """Post a message of SNS, with some of it changed; None takes it away."""
        body = {**msgspec.json.decode(message.body), **changes}
        body = {name: value for name, value in body.items() if value is not None}
        headers = {**message.headers, "x-amz-sns-topic-arn": body.get("TopicArn", self.topic)}
        return await self.post(body if changes else message.body, headers)

    def notification(self, page: str = "signup", **parameters: Any) -> Message:
        """The push of a new action, not sent by anybody yet."""
        message = self.pusher.topic.notification(self.server.control.act(page, **parameters))
        assert message is not None
        return message

    async def status(self) -> Any:
        (shown,) = [one for one in (await ask(self.directory, STATUS, Nothing())).components if one.name == "pushes"]
        return shown

    async def records(self, count: int) -> list[dict[str, Any]]:
        """What was delivered, once there is so much of it."""
        file = self.directory / "records.jsonl"
        await until(lambda: file.exists() and file.read_bytes().count(b"\n") >= count)
        return [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]


@asynccontextmanager
async def pushing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: str = "",
    *,
    is_account_given: bool = False,
    is_sending: bool = False,
    rates: FaultRates | None = None,
    key: KeyCreated | None = None,
    **switches: Any,
) -> AsyncIterator[Pushing]:
    """`is_sending`: the simulator confirms and pushes by itself; without, the test posts what it likes."""
    behaviour = msgspec.structs.replace(FRIENDLIEST, **{"sns_hosts": "amazon", "pushes_bare_first": True, **switches})
    async with (
        simulator(behaviour=behaviour, rates=rates) as server,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        account = ACCOUNT % (server.root, server.user, server.password) if is_account_given else ""
        pipeline = PIPELINE % (settings + account)
        write_config(tmp_path, pipeline)
        key = key or await ask(tmp_path, KEYS_CREATE, NameKey("actionkit"))
        async with running(pipeline, tmp_path) as daemon:
            url = URL(webhook_url(daemon, "pushes")).with_user(key.account_id).with_password(key.secret)
            target = PushTarget(str(url), rate_per_s=10_000.0, speed=10_000.0)
            sender = PushSender(server.world, target, session, server.faults, Random(1))
            rig = Pushing(daemon, replace(server, pusher=sender), key, tmp_path)
            _be_amazon(rig, monkeypatch)
            async with anyio.create_task_group() as tasks:
                if is_sending:
                    tasks.start_soon(sender.run_until_cancelled)
                    await until(lambda: sender.is_connected and sender.ledger.waiting == 0)
                yield rig
                tasks.cancel_scope.cancel()


def _be_amazon(rig: Pushing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer for Amazon inside the daemon's client, and note every host that is not the simulator."""
    send = Client.send

    async def answer(client: Client, method: str, url: URL, **options: Any) -> Answer:
        if url.host == "127.0.0.1":
            return await send(client, method, url, **options)
        rig.fetched.append(url)
        if rig.is_amazon_away:
            raise UnavailableError("amazon is away")
        status, body = await rig.server.sns_fetch(str(url))
        return Answer(status, {}, body, True)

    monkeypatch.setattr(Client, "send", answer)
