"""The bare limit of recording actions: workers with aiohttp that post bodies made before, and read the answers.

python benchmarks/bare_actions.py URL USER PASSWORD BODIES WORKERS
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import msgspec
import uvloop


async def record(url: str, user: str, password: str, bodies: Iterator[bytes], workers: int) -> float:
    """Seconds until all are taken."""
    headers = {"Content-Type": "application/json"}
    auth = aiohttp.BasicAuth(user, password)
    async with aiohttp.ClientSession(auth=auth, headers=headers) as session:

        async def work() -> None:
            for body in bodies:
                async with session.post(f"{url}/rest/v1/action/", data=body) as response:
                    msgspec.json.decode(await response.read())
                    response.raise_for_status()

        began_s = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(workers)))
        return time.perf_counter() - began_s


def main() -> None:
    url, user, password, file, workers = sys.argv[1:]
    bodies = Path(file).read_bytes().splitlines()
    before_s = time.process_time()
    seconds = uvloop.run(record(url, user, password, iter(bodies), int(workers)))
    print(f'{{"seconds": {seconds}, "cpu_seconds": {time.process_time() - before_s}}}')


if __name__ == "__main__":
    main()
