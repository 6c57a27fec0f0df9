"""Asking a simulated ActBlue for CSVs, as a patient client does."""

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from groundswell.connectors.actblue.simulator.behaviour import Behaviour
from groundswell.connectors.actblue.simulator.ledger import Ledger
from groundswell.connectors.actblue.simulator.server import Server, simulator
from tests.virtual_time import VirtualClock

QUICK = Behaviour(calls_per_minute=None, polls=0)
Row = dict[str, str]


class Client:
    """Calls one server; time passes only when told to."""

    def __init__(self, server: Server, session: aiohttp.ClientSession, clock: VirtualClock) -> None:
        self.server = server
        self.clock = clock
        self._session = session
        self.login: str | None = aiohttp.encode_basic_auth(*server.credentials)

    async def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        headers = {"Authorization": self.login} if self.login is not None else {}
        async with self._session.request(method, self.server.base_url + path, data=body, headers=headers) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else await answer.text()

    async def ask(self, csv_type: str, start: str, end: str) -> tuple[int, Any]:
        body = f'{{"csv_type": "{csv_type}", "date_range_start": "{start}", "date_range_end": "{end}"}}'
        return await self.call("POST", "/csvs", body.encode())

    async def status(self, export_id: str) -> tuple[str, str | None]:
        status, body = await self.call("GET", f"/csvs/{export_id}")
        assert (status, body["id"]) == (200, export_id)
        return body["status"], body["download_url"]

    async def download(self, url: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
        async with self._session.get(url, headers=headers) as answer:
            return answer.status, await answer.text()

    async def address(self, csv_type: str, start: str, end: str) -> str:
        """Of a whole export; the server must let it be made at once."""
        status, body = await self.ask(csv_type, start, end)
        assert status == 202, body
        state, url = await self.status(body["id"])
        assert state == "complete"
        assert url is not None
        return url

    async def rows(self, csv_type: str, start: str, end: str) -> list[Row]:
        status, text = await self.download(await self.address(csv_type, start, end))
        assert status == 200
        return list(csv.DictReader(io.StringIO(text, newline="")))

    async def all_rows(self, csv_type: str) -> list[Row]:
        """Of the whole default span of a ledger, in pieces that are short enough."""
        days = ("2025-10-01", "2026-03-08", "2026-08-01", "2026-12-01")
        return [row for index in range(3) for row in await self.rows(csv_type, *days[index : index + 2])]


@asynccontextmanager
async def exporting(ledger: Ledger, behaviour: Behaviour = QUICK) -> AsyncIterator[Client]:
    clock = VirtualClock()
    async with simulator(ledger, clock=clock, behaviour=behaviour) as server, aiohttp.ClientSession() as session:
        yield Client(server, session, clock)
