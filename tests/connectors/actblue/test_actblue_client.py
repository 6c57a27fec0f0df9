"""ActBlue's CSV API as the client sees it: what it asks, what it refuses, what it says."""

import tempfile
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web
from anyio.abc import SocketStream
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from yarl import URL

from groundswell.component import Batch, History
from groundswell.connectors.actblue import eastern
from groundswell.connectors.actblue.account import ActBlueAccount, ActBlueAccountSettings
from groundswell.connectors.actblue.client import PAID, FailedFileError, file_address
from groundswell.connectors.actblue.transport import Caller, InvalidError
from groundswell.connectors.actblue.windows import Window, backfill_round
from groundswell.errors import RemoteError, UnauthorizedError, UnavailableError
from groundswell.http.client import Client, new_session
from groundswell.http.download import download
from tests.connectors.actblue.csv_server import (
    COLUMNS,
    SECRET,
    UUID,
    CsvServer,
    LeapingClock,
    Taking,
    gift,
    make_account,
    serving,
    written,
)  # fmt: skip
from tests.looking_up import Resolver

US = Caller("gifts")


@asynccontextmanager
async def account(**settings: Any) -> AsyncIterator[tuple[CsvServer, ActBlueAccount]]:
    async with serving() as server, new_session() as session:
        clock = LeapingClock()
        yield server, make_account(server, Client(session, clock), clock, **settings)


async def test_trying_the_credentials_makes_no_file() -> None:
    async with account() as (server, good):
        assert await good.check() == "client UUID and secret are good"
        assert not server.files
        assert len(server.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_credentials_that_are_refused_are_told_clearly(status: int) -> None:
    async with account() as (server, refused):
        server.statuses = [(status, {})]
        with pytest.raises(UnauthorizedError) as error:
            await refused.check()
        assert "client_uuid" in str(error.value)
        assert "client_secret" in str(error.value)
        assert not any(secret in str(error.value) for secret in (UUID, SECRET))


async def test_wrong_credentials_are_refused_by_a_server_that_looks() -> None:
    async with account(client_secret="another") as (_, refused):
        with pytest.raises(UnauthorizedError):
            await refused.check()


async def test_a_host_that_makes_files_of_anything_is_not_taken_for_actblue() -> None:
    async def takes_all(_: web.Request) -> web.Response:
        return web.json_response({"id": "1"}, status=202)

    async with answering(takes_all) as url, new_session() as session:
        clock = LeapingClock()
        odd = make_account(CsvServer(), Client(session, clock), clock, host=str(url.origin()))
        with pytest.raises(UnavailableError, match="wrong order"):
            await odd.check()


@pytest.mark.parametrize("status", [302, 404, 422, 429, 500, 503])
async def test_no_answer_shows_secrets_or_addresses(status: int) -> None:
    async with account() as (server, ours):
        server.statuses = [(status, {"Location": "https://elsewhere.example.org/?token=hidden"})]
        with pytest.raises(RemoteError) as error:
            await ours.client.create(US, PAID, date(2026, 1, 1), date(2026, 2, 1))
        assert str(status) in str(error.value)
        assert not any(secret in str(error.value) for secret in (UUID, SECRET, "hidden"))


async def test_a_422_says_what_they_say() -> None:
    async with account() as (_, ours):
        with pytest.raises(InvalidError, match="date range is invalid"):
            await ours.client.create(US, PAID, date(2026, 1, 1), date(2027, 1, 1))


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example.org/file",
        "https://localhost/file",
        "https://10.0.0.7/file",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/file",
        "https://me:secret@files.example.org/file",
        "file:///etc/passwd",
        "https://files.example.org/a b",
        "//files.example.org/file",
        "https://db.internal/file",
        "https://db.internal./file",
        "https://localhost./file",
        "https://intranet/file",
        "https://2130706433/file",
        "https://0x7f000001/file",
        "https://127.1/file",
        "https://0x7f.1/file",
        "https://0177.0.0.1/file",
        "https://127.0.0.1./file",
        "https://[::ffff:127.0.0.1]/file",
        "https://[64:ff9b::7f00:1]/file",
        "",
    ],
)
def test_a_file_is_fetched_only_from_where_a_file_may_be(url: str) -> None:
    assert file_address(url, URL("https://secure.actblue.com/api/v1/")) is None
    assert file_address(url, URL("https://127.0.0.1/api/v1/")) is None


async def test_an_address_that_leads_astray_is_told() -> None:
    async with account() as (server, ours):
        server.address = "http://10.0.0.7/token=hidden"
        await ours.client.create(US, PAID, date(2026, 1, 1), date(2026, 2, 1))
        with pytest.raises(FailedFileError, match="not fetched from") as error:
            await ours.client.address(US, "file-1")
        assert "hidden" not in str(error.value)


@pytest.mark.parametrize(
    "leads_to",
    [["127.0.0.1"], ["10.0.0.7"], ["169.254.169.254"], ["::1"], ["fd00::1"], ["::ffff:127.0.0.1"], ["::1", "10.0.0.7"]],
)
async def test_a_public_name_that_leads_inside_is_not_fetched_from(leads_to: list[str]) -> None:
    async with serving() as inside, new_session() as session:
        clock, resolver = LeapingClock(), Resolver(leads_to)
        theirs = make_account(inside, Client(session, clock, resolver=resolver), clock, host="secure.actblue.com")
        address = file_address(
            f"https://files.example.org:{URL(inside.root).port}/files/1", URL("https://secure.actblue.com/api/v1/")
        )
        assert address is not None
        with tempfile.TemporaryFile() as into, pytest.raises(UnavailableError, match="is not public") as error:
            await theirs.client.fetch(US, address, into)
    assert resolver.asked == ["files.example.org"]
    assert not any(place in str(error.value) for place in leads_to)


def test_a_signed_address_is_used_as_it_is_written() -> None:
    written = "https://bucket.s3.amazonaws.com/a%20b.csv?X-Amz-Credential=AK%2F2026&X=a+b"
    assert str(file_address(written, URL("https://secure.actblue.com/api/v1/"))) == written


def test_only_a_simulator_on_this_machine_may_name_this_machine() -> None:
    assert file_address("http://127.0.0.1:9/file", URL("http://localhost:8/api/v1/")) is not None
    assert file_address("http://10.0.0.7/file", URL("http://localhost:8/api/v1/")) is None


async def test_a_download_whose_end_nobody_tells_is_not_known_to_be_whole() -> None:
    async def answer(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.0 200 OK\r\nContent-Type: text/csv\r\n\r\nReceipt ID,Lin")

    async with (
        new_session() as session,
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, answer)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        with tempfile.TemporaryFile() as file:
            got = await download(
                Client(session, LeapingClock()),
                URL(f"http://127.0.0.1:{port}/f"),
                file,
                what="test",
                bytes_max=1_000,
                only_public=False,
            )
            assert (got.status, got.size, got.is_end_known) == (200, 14, False)
            with pytest.raises(UnavailableError, match="more than 10 bytes"):
                await download(
                    Client(session, LeapingClock()),
                    URL(f"http://127.0.0.1:{port}/f"),
                    file,
                    what="test",
                    bytes_max=10,
                    only_public=False,
                )
        tasks.cancel_scope.cancel()


async def test_a_disk_that_is_full_is_told(tmp_path: Path) -> None:
    class Full:
        def write(self, _: bytes) -> int:
            raise OSError(28, "No space left on device")

    async with account() as (_, ours):
        await ours.client.create(US, PAID, date(2026, 1, 1), date(2026, 2, 1))
        url = await ours.client.address(US, "file-1")
        assert url is not None
        with pytest.raises(OSError, match="No space left"):
            await ours.client.fetch(US, url, Full())  # type: ignore[arg-type]


async def test_years_of_history_cost_no_memory(tmp_path: Path) -> None:
    """25 MB of rows, made while they are sent; with them in memory the peak would be several times that."""
    head, *_ = written([], COLUMNS).partition(b"\r\n")
    line = written([gift(1, "2026-02-01 12:00:00", Donor_Addr1="x" * 4_000)], COLUMNS).partition(b"\r\n")[2]
    rows, asked = 6_000, 0

    async def download_all(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(head + b"\r\n")
        for start in range(0, rows if asked == 1 else 0, 100):
            await response.write(
                b"".join(
                    line.replace(b"AB1,", b"AB%d," % number).replace(b",1,Harbor", b",%d,Harbor" % number)
                    for number in range(start + 1, start + 101)
                )
            )
        return response

    counted = 0

    async def emit(batch: Batch) -> None:
        nonlocal counted
        counted += len(batch.arrivals)

    async with answering(download_all) as files, serving() as server, new_session() as session:
        server.address = str(files)
        taken = Taking(server, session, tmp_path)
        span = [eastern.midnight(date(2026, month, 1)) for month in (1, 4)]
        tracemalloc.start()
        try:
            await taken.source.backfill(History(("contributions",), *span), None, emit)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert counted == rows
    assert peak < 8_000_000


@asynccontextmanager
async def answering(handler: Any) -> AsyncIterator[URL]:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield URL(f"http://127.0.0.1:{runner.addresses[0][1]}/file")
    finally:
        await runner.cleanup()


MOMENTS = st.integers(1_000_000_000, 1_900_000_000)


@given(since=MOMENTS, until=MOMENTS, now=MOMENTS)
def test_windows_leave_no_second_out_and_take_none_twice(since: int, until: int, now: int) -> None:
    since, until = min(since, until), max(since, until)
    asked = backfill_round(("contributions", "refunds", "cancellations", "managed_forms"), since, until, now)
    for csv_type, goal in asked.goals.items():
        windows = [window for window in asked.windows() if window.csv_type == csv_type]
        edges = [since, *(window.end for window in windows)]
        assert [window.start for window in windows] == edges[:-1]
        assert edges[-1] == (goal if windows else since)
        assert all(window.start < window.end for window in windows)


@given(start=MOMENTS, length=st.integers(1, 175 * 86_400 - 3_600), today=MOMENTS)
def test_the_days_asked_for_hold_the_window_and_are_less_than_six_months(start: int, length: int, today: int) -> None:
    window = Window(PAID, start, start + length)
    first, end = window.days(eastern.day(today))
    assert eastern.midnight(first) <= window.start
    assert window.end <= eastern.midnight(end)
    assert 1 <= (end - first).days <= 180


@pytest.mark.parametrize(
    "host", ["secure.actblue.com/api", "ftp://secure.actblue.com", "https://me:pw@secure.actblue.com", "https://", ""]
)
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(ValidationError):
        ActBlueAccountSettings.model_validate(
            {"type": "actblue", "client_uuid": UUID, "client_secret": SECRET, "host": host}
        )


def test_a_secret_that_would_go_unencrypted_is_warned_of() -> None:
    def warned(host: str) -> list[tuple[str, str]]:
        values = {"type": "actblue", "client_uuid": UUID, "client_secret": SECRET, "host": host}
        return ActBlueAccountSettings.model_validate(values).warnings()

    assert [name for name, _ in warned("http://actblue.example.org")] == ["host"]
    assert not warned("http://127.0.0.1:8999")
    assert not warned("secure.actblue.com")
