"""The bare server, and each body kept: one SQLite commit a request, on disk before the answer.

The plain way to be durable, and what group commit is measured against. Kindly done: one statement in autocommit mode,
so each request costs a single trip to aiosqlite's thread.

    python benchmarks/one_commit.py --port 8080 --state /somewhere/on/a/disk.db
"""

import argparse
import asyncio
from typing import Final

import aiosqlite
import uvloop
from aiohttp import web

from bare import ANSWER

STATE: Final = web.AppKey("state", aiosqlite.Connection)


async def keep(request: web.Request) -> web.Response:
    await request.app[STATE].execute_insert("INSERT INTO inbox (body) VALUES (?)", (await request.read(),))
    return web.Response(body=ANSWER, content_type="application/json")


async def serve(port: int, state: str) -> None:
    async with aiosqlite.connect(state, isolation_level=None) as connection:
        await connection.execute("PRAGMA journal_mode = WAL")
        await connection.execute("PRAGMA synchronous = FULL")
        await connection.execute("CREATE TABLE inbox (position INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        app = web.Application()
        app[STATE] = connection
        app.router.add_post("/", keep)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", required=True, help="a file that does not exist yet")
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.state))


if __name__ == "__main__":
    main()
