"""A small, strict ActBlue CSV API over loopback, and a source on it, for tests.

async with serving() as server:
    server.paid(1, "2026-05-01 12:00:00")
    source = make_source(server, session)
"""

import asyncio
import csv
import io
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Protocol, cast

import aiohttp
import anyio
import anyio.lowlevel
import msgspec
from aiohttp import web

from groundswell.component import Arrival, Batch, Context, History, Keys
from groundswell.connectors.actblue.account import ActBlueAccount, ActBlueAccountSettings
from groundswell.connectors.actblue.client import CANCELLED, CSV_TYPES, MANAGED, PAID, REFUNDED
from groundswell.connectors.actblue.csv import ActBlueCsv, ActBlueCsvSettings
from groundswell.errors import RemoteError
from groundswell.http.client import Client, new_session
from groundswell.record import Record

TODAY = 1_777_719_609.0
"""2026-05-02T11:00:09Z."""
UUID, SECRET = "11111111-2222-4333-8444-555555555555", "simulated-secret"
COLUMNS = [
    "Receipt ID", "Date", "Amount", "Recurring Total Months", "Recurrence Number", "Recipient", "Fundraising Page",
    "Reference Code 2", "Reference Code", "Donor First Name", "Donor Last Name", "Donor Addr1", "Donor Addr2",
    "Donor City", "Donor State", "Donor ZIP", "Donor Country", "Donor Occupation", "Donor Employer", "Donor Email",
    "Donor Phone", "Donor ID", "Reserved", "Lineitem ID", "Recipient Committee", "Recipient ID", "Recipient Gov ID",
    "Reserved", "Payment ID", "Disbursement ID", "Refund ID", "Refund Date", "Fee", "Recur Weekly", "Reserved",
    "Custom Field 1 Label", "Custom Field 1 Value", "Text Message Opt In", "Kind", "Managed Entity Name",
]  # fmt: skip
CANCELLATION_COLUMNS = [
    "Receipt ID", "Recurrence Amount", "Recurrence Frequency", "Initial Contribution Date", "Cancelled On",
    "Donor First Name", "Donor Email", "Reference Code", "Cancelation Reason",
]  # fmt: skip
RESTS_S = 20_000.0
_BY = {PAID: "Date", REFUNDED: "Refund Date", MANAGED: "Date", CANCELLED: "Cancelled On"}

Cells = dict[str, str]


class RoundOver(Exception):  # noqa: N818 # nothing is wrong
    """The source rests until its next round."""


class Killed(Exception):  # noqa: N818 # that is what it is
    """The process died here."""


class LeapingClock:
    """Time that leaps when somebody waits. Whoever wants to sleep long has done a round."""

    def __init__(self, now: float = TODAY) -> None:
        self._now = now
        self._monotonic = 1000.0
        self.slept: list[float] = []
        self.on_sleep: Callable[[], object] | None = None
        """What happens meanwhile."""

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()
        if seconds >= RESTS_S:
            raise RoundOver
        if self.on_sleep is not None:
            self.on_sleep()
        self.slept.append(seconds)
        self.leap(seconds)

    def leap(self, seconds: float) -> None:
        self._now += seconds
        self._monotonic += seconds


def gift(number: int, date_: str, **cells: str) -> Cells:
    """A row of the file of gifts; `cells` with _ for blanks."""
    row = {
        "Receipt ID": f"AB{number}", "Date": date_, "Amount": "15.0", "Recurring Total Months": "1",
        "Recurrence Number": "1", "Lineitem ID": str(number), "Recipient Committee": "Harbor Fund",
        "Recipient ID": "90210", "Donor First Name": "Rosa", "Donor Email": f"r{number}@example.org",
    }  # fmt: skip
    return row | {name.replace("_", " "): value for name, value in cells.items()}


def cancellation(number: int, at: str) -> Cells:
    return {
        "Receipt ID": f"AB{number}", "Cancelled On": at, "Recurrence Frequency": "Monthly", "Recurrence Amount": "10.0",
        "Donor Email": f"r{number}@example.org", "Cancelation Reason": "Budget",
    }  # fmt: skip


def written(rows: Sequence[Cells], columns: Sequence[str], random: Random | None = None) -> bytes:
    """A file, its columns in any order."""
    names = list(columns)
    if random is not None:
        random.shuffle(names)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    for row in rows:
        writer.writerow([row.get(name, "") if names.index(name) == place else "" for place, name in enumerate(names)])
    return text.getvalue().encode()


class Vendor(Protocol):
    """A server with this API: the one below, or the simulator."""

    root: str

    @property
    def credentials(self) -> tuple[str, str]: ...


class CsvServer:
    """What it holds, what it was asked, and what it does wrong next."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Cells]] = {csv_type: [] for csv_type in CSV_TYPES}
        self.asked: list[dict[str, str]] = []
        """Bodies of what was asked for, refused ones too."""
        self.faults: list[str] = []
        """One for each file that is made: "failed", "error", "null_url", "strange", "expired", "cut", "html", ..."""
        self.polls = 0
        """So often a file is not ready."""
        self.statuses: list[tuple[int, dict[str, str]]] = []
        """Answered instead, to the next calls of the API."""
        self.downloads: list[str] = []
        self.refused_downloads = 0
        self.address = "{root}/files/{id}?X-Amz-Signature=ab%2Fcd"
        self.root = ""
        self.files: dict[str, dict[str, Any]] = {}
        self.random = Random(7)

    @property
    def credentials(self) -> tuple[str, str]:
        return UUID, SECRET

    def add(self, csv_type: str, *rows: Cells) -> None:
        self.rows[csv_type].extend(rows)

    async def create(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._refusal(request):
            return refusal
        body = msgspec.json.decode(await request.read(), type=dict[str, str])
        self.asked.append(body)
        if set(body) != {"csv_type", "date_range_start", "date_range_end"} or body["csv_type"] not in CSV_TYPES:
            return web.json_response({"errors": ["csv_type is not included in the list"]}, status=422)
        start, end = date.fromisoformat(body["date_range_start"]), date.fromisoformat(body["date_range_end"])
        if start >= end or end > _six_months_after(start):
            return web.json_response({"errors": ["date range is invalid"]}, status=422)
        fault = self.faults.pop(0) if self.faults else ""
        file_id = f"file-{len(self.files) + 1}"
        self.files[file_id] = {"polls": self.polls, "fault": fault, "content": self._content(body, start, end)}
        return web.json_response({"id": file_id}, status=202)

    async def state(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._refusal(request):
            return refusal
        file = self.files.get(request.match_info["id"])
        if file is None:
            return web.json_response({}, status=404)
        answer: dict[str, Any] = {"id": request.match_info["id"], "status": "in_progress", "download_url": None}
        if file["polls"] > 0:
            file["polls"] -= 1
        elif file["fault"] in ("failed", "error", "strange"):
            answer["status"] = {"strange": "gone fishing"}.get(file["fault"], file["fault"])
        else:
            url = self.address.format(root=self.root, id=request.match_info["id"])
            answer |= {"status": "complete", "download_url": None if file["fault"] == "null_url" else url}
        return web.json_response(answer)

    async def download(self, request: web.Request) -> web.StreamResponse:
        file_id = request.match_info["id"]
        file = self.files[file_id]
        self.downloads.append(file_id)
        if "Authorization" in request.headers or request.raw_path.partition("?")[2] != "X-Amz-Signature=ab%2Fcd":
            self.refused_downloads += 1
            return web.Response(status=400)
        content: bytes = file["content"]
        match file["fault"]:
            case "expired":
                return web.Response(status=403, text="<Error>Request has expired</Error>")
            case "moved":
                return web.Response(status=302, headers={"Location": f"{self.root}/files/other"})
            case "html":
                return web.Response(text="<html>try later</html>\n")
            case "cut":
                file["fault"] = ""
                response = web.StreamResponse(headers={"Content-Length": str(len(content))})
                await response.prepare(request)
                await response.write(content[: len(content) // 2])
                assert request.transport is not None
                request.transport.close()
                return response
            case "short":  # cut before it was kept: its length is right, its end is not there
                return web.Response(body=content[:-5])
        return web.Response(body=content, content_type="text/csv")

    def _refusal(self, request: web.Request) -> web.Response | None:
        if self.statuses:
            status, headers = self.statuses.pop(0)
            return web.json_response({}, status=status, headers=headers)
        expected = "Basic " + b64encode(f"{UUID}:{SECRET}".encode()).decode()
        return None if request.headers.get("Authorization") == expected else web.json_response({}, status=401)

    def _content(self, body: dict[str, str], start: date, end: date) -> bytes:
        csv_type = body["csv_type"]
        found = [row for row in self.rows[csv_type] if start <= datetime.fromisoformat(row[_BY[csv_type]]).date() < end]
        return written(found, CANCELLATION_COLUMNS if csv_type == CANCELLED else COLUMNS, self.random)


def _six_months_after(start: date) -> date:
    month = start.month + 6
    first = date(start.year + (month - 1) // 12, (month - 1) % 12 + 1, 1)
    return first + timedelta(days=min(start.day, 28) - 1)


@asynccontextmanager
async def serving() -> AsyncIterator[CsvServer]:
    server = CsvServer()
    app = web.Application()
    app.router.add_post("/api/v1/csvs", server.create)
    app.router.add_get("/api/v1/csvs/{id}", server.state)
    app.router.add_get("/files/{id}", server.download)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.root = f"http://127.0.0.1:{cast('asyncio.Server', site._server).sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def context(http: Client, clock: LeapingClock, directory: Path, account: Any = None) -> Context:
    return Context("gifts", clock, Random(1), http, cast("Keys", None), directory, account)


def make_account(server: Vendor, http: Client, clock: LeapingClock, **settings: Any) -> ActBlueAccount:
    uuid, secret = server.credentials
    values = {"client_uuid": uuid, "client_secret": secret, "host": server.root} | settings
    read = ActBlueAccountSettings.model_validate({"type": "actblue", **values})
    return ActBlueAccount(read, context(http, clock, Path()))


class Taking:
    """A source that is started, killed and started again, with what it handed over kept as an inbox would."""

    def __init__(
        self,
        server: Vendor | None,
        session: aiohttp.ClientSession,
        directory: Path,
        *,
        clock: LeapingClock | None = None,
        **settings: Any,
    ) -> None:
        self.clock = clock or LeapingClock()
        self.arrivals: dict[str, Arrival] = {}
        self.repeats = 0
        self.batches: list[Batch] = []
        self.cursor: str | None = None
        self.backfill_cursor: str | None = None
        self.dies_after: int | None = None
        """So many batches are kept, and the next is not."""
        self._server, self._directory = server, directory
        self._http = Client(session, self.clock)
        self._settings = settings
        self.restart()

    def restart(self) -> None:
        """A new process."""
        account = None if self._server is None else make_account(self._server, self._http, self.clock)
        named = {} if account is None else {"account": "main"}
        settings = ActBlueCsvSettings.model_validate({"type": "actblue.csv", **named, **self._settings})
        self.source = ActBlueCsv(settings, context(self._http, self.clock, self._directory, account))

    async def round(self) -> None:
        """Run until the source rests."""
        try:
            await self.source.run(self.cursor, self._keep)
        except RoundOver:
            return

    async def backfill(self, since: str, until: str, *collections: str, subscribes: bool = False) -> None:
        async def keep(batch: Batch) -> None:
            await self._keep(batch, is_backfill=True)

        span = [datetime.fromisoformat(text).timestamp() for text in (since, until)]
        asked = History(collections or self.source.collections, *span, subscribes=subscribes)
        await self.source.backfill(asked, self.backfill_cursor, keep)

    async def in_the_end(self, *asked: str) -> None:
        """Backfill again and again as the runtime would, until it is through."""
        for _ in range(300):
            try:
                return await self.backfill(*asked)
            except RemoteError:
                self.clock.leap(300)
        raise AssertionError("it never came through")

    @property
    def ids(self) -> set[str]:
        return {record_id.removeprefix("actblue:") for record_id in self.arrivals}

    def record(self, record_id: str) -> Record:
        return self.source.read(self.arrivals[f"actblue:{record_id}"])

    async def _keep(self, batch: Batch, *, is_backfill: bool = False) -> None:
        await anyio.lowlevel.checkpoint()
        if self.dies_after is not None:
            if self.dies_after == 0:
                raise Killed
            self.dies_after -= 1
        self.batches.append(batch)
        for arrival in batch.arrivals:
            self.repeats += arrival.id in self.arrivals
            self.arrivals.setdefault(arrival.id, arrival)
        if batch.cursor is not None and is_backfill:
            self.backfill_cursor = batch.cursor
        elif batch.cursor is not None:
            self.cursor = batch.cursor


@asynccontextmanager
async def taking(directory: Path, **settings: Any) -> AsyncIterator[tuple[CsvServer, Taking]]:
    """A server, and a source that asks it."""
    async with serving() as server, new_session() as session:
        yield server, Taking(server, session, directory, **settings)
