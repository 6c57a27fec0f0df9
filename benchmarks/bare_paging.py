"""The bare limit of reading people: one page after the other with aiohttp, parsed, and forgotten.

python benchmarks/bare_paging.py URL KEY
"""

import asyncio
import sys
import time

import aiohttp
import msgspec


async def read(url: str, key: str) -> int:
    people, number = 0, 1
    async with aiohttp.ClientSession(headers={"OSDI-API-Token": key}) as session:
        while True:
            async with session.get(f"{url}/people", params={"page": str(number), "per_page": "25"}) as response:
                page = msgspec.json.decode(await response.read())
            found = page["_embedded"]["osdi:people"]
            if not found:
                return people
            people, number = people + len(found), number + 1


if __name__ == "__main__":
    began_s = time.perf_counter()
    people = asyncio.run(read(*sys.argv[1:3]))
    print(f'{{"people": {people}, "seconds": {time.perf_counter() - began_s}}}')
