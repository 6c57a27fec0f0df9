"""A real daemon inside a test, on free ports of this machine, and the ways to talk to it.

async with running(PIPELINE, tmp_path) as daemon:
    await post(daemon, "signups", [{"id": 1}])
    await until(lambda: daemon.metrics.totals()["crm"]["delivered"] == 1)
"""

from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from textwrap import dedent
from typing import Any

import anyio
import msgspec

from groundswell.clock import Clock, SystemClock
from groundswell.config.load import load
from groundswell.http.client import new_session
from groundswell.ops import token_file
from groundswell.ops.place import Place, place_of
from groundswell.ops.server import OpsServer
from groundswell.ops.token_file import TokenFile
from groundswell.runtime.daemon import Daemon
from groundswell.runtime.sd_notify import ServiceManager

FREE_PORTS = """
[webhooks]
listen = "127.0.0.1:0"
[ops]
listen = "127.0.0.1:0"
"""
"""Put this into a configuration; the ports are known once it runs."""
DEADLINE_S = 10.0


def write_config(directory: Path, text: str) -> Path:
    """The text as pipeline.toml of the directory."""
    file = directory / "pipeline.toml"
    file.write_text(dedent(text), "utf-8")
    return file


def place_in(directory: Path) -> Place:
    """Where the pipeline.toml of a directory keeps its state."""
    return place_of([directory / "pipeline.toml"], {})


@asynccontextmanager
async def running(
    text: str, directory: Path, *, environ: Mapping[str, str] | None = None, clock: Clock | None = None, seed: int = 1
) -> AsyncIterator[Daemon]:
    """A daemon that runs this configuration, with its state in the directory; it drains when the block ends.

    Writing the file anew and `await daemon.reload()` reloads it.
    """
    file = write_config(directory, text)
    config = load([file], environ or {})
    daemon = Daemon(
        config,
        lambda: load([file], environ or {}),
        clock=clock or SystemClock(),
        random=Random(seed),
        ops=OpsServer(config),
        manager=ServiceManager({}),
    )
    async with anyio.create_task_group() as tasks:
        await tasks.start(daemon.run)
        try:
            yield daemon
        finally:
            daemon.stop()
            await daemon.ended.wait()


def webhook_url(daemon: Daemon, source: str) -> str:
    """Where a webhook source of the daemon listens."""
    (path,) = (path for path, (name, _) in daemon.supervisor.webhooks.routes.items() if name == source)
    return daemon.supervisor.webhooks.url(path)


async def post(
    daemon: Daemon, source: str, content: Any, *, headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    """Post this to a webhook source, bytes as they are, all else as JSON: the status, and the answer parsed."""
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    sent = {"Content-Type": "application/json", **(headers or {})}
    async with (
        new_session() as session,
        session.post(webhook_url(daemon, source), data=body, headers=sent) as response,
    ):
        return response.status, msgspec.json.decode(await response.read())


def basic(user: str, password: str) -> dict[str, str]:
    """The header of a login by HTTP Basic."""
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def token_of(daemon: Daemon) -> TokenFile:
    """What lets in at the daemon's ops port, and where that is."""
    content = token_file.read(token_file.beside(daemon.store.path))
    assert content is not None
    return content


async def until(holds: Callable[[], bool], *, deadline_s: float = DEADLINE_S) -> None:
    """Return once this holds; fail when it does not in time."""
    with anyio.fail_after(deadline_s):
        while not holds():
            await anyio.sleep(0.005)
