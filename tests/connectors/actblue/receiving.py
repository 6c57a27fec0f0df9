"""A receiver of ActBlue's webhooks that does what a test tells it to, and remembers what came."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import anyio
import msgspec
from aiohttp import web

LOGIN = aiohttp.encode_basic_auth("harbor", "p:w d")
USERINFO = "harbor:p%3Aw%20d"


class Receiver:
    """Answers 200 unless `answer` says otherwise."""

    def __init__(self) -> None:
        self.root = ""
        self.bodies: list[dict[str, Any]] = []
        self.raw: list[bytes] = []
        self.paths: list[str] = []
        self.answer: Callable[[int], Awaitable[int]] | None = None
        """Given which POST it is, from 1, the status."""

    @property
    def url(self) -> str:
        """With the login in it."""
        return self.at("/hook")

    def at(self, path: str) -> str:
        return self.root.replace("http://", f"http://{USERINFO}@") + path

    @property
    def lineitems(self) -> Counter[int]:
        """How often each line item came."""
        return Counter(item["lineitemId"] for body in self.bodies for item in body["lineitems"])

    async def handle(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != LOGIN:
            return web.Response(status=401)
        assert request.content_type == "application/json"
        self.raw.append(await request.read())
        self.bodies.append(msgspec.json.decode(self.raw[-1]))
        self.paths.append(request.path)
        return web.Response(status=200 if self.answer is None else await self.answer(len(self.raw)))

    async def never(self, number: int) -> int:
        await anyio.sleep_forever()
        return 200


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.root = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield receiver
    finally:
        await runner.cleanup()
