"""The least an aiohttp server can do: read the body, answer 30 bytes. What the other numbers are measured against.

python benchmarks/bare.py --port 8080
"""

import argparse
import asyncio
from typing import Final, cast

import uvloop
from aiohttp import web

ANSWER: Final = b'{"accepted":1, "duplicates":0}'


async def answer(request: web.BaseRequest) -> web.Response:
    await request.read()
    return web.Response(body=ANSWER, content_type="application/json")


def application() -> web.AppRunner:
    """With routes, as people write it. This is the bare handler of the goals."""
    app = web.Application()
    app.router.add_post("/", answer)
    return web.AppRunner(app, access_log=None)


def low_level() -> web.ServerRunner:
    """aiohttp's server without an application: no router, no middlewares."""
    return web.ServerRunner(web.Server(answer, access_log=None))


class Protocol(asyncio.Protocol):
    """No HTTP library at all: counts bytes and answers. The load generator must be able to fill this one's core."""

    _RESPONSE: Final = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER

    def __init__(self) -> None:
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._missing == 0:
            head = data[: data.index(b"\r\n\r\n") + 4]
            self._missing = len(head) + int(head.partition(b"Content-Length: ")[2].partition(b"\r")[0])
        self._missing -= len(data)
        if self._missing == 0:
            self._transport.write(self._RESPONSE)


async def serve(kind: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    if kind == "protocol":
        await loop.create_server(Protocol, "127.0.0.1", port)
    else:
        runner = application() if kind == "application" else low_level()
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--kind", choices=("application", "low_level", "protocol"), default="application")
    options = parser.parse_args()
    uvloop.run(serve(options.kind, options.port))


if __name__ == "__main__":
    main()
