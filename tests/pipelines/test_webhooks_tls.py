"""The webhook port with a certificate: HTTPS, renewed while it runs, and nobody holds up anybody at the handshake."""

import ssl
from contextlib import AsyncExitStack, suppress
from io import BytesIO
from pathlib import Path

import aiohttp
import anyio
import msgspec
import pytest
from structlog.testing import capture_logs

from groundswell.clock import SystemClock
from groundswell.config.load import load
from groundswell.config.warnings import warnings_of
from groundswell.errors import ConfigError
from groundswell.http import certificate
from tests.certificates import NOW, write_pair
from tests.faults.process import Process
from tests.running import running, until, webhook_url, write_config

SOURCE = """
[sources.form]
type = "http.webhook"
auth = "none"
kind = "person"
id_field = "id"

[sinks.file]
type = "jsonl"
inputs = ["form"]
path = "records.jsonl"
"""
FILES = 'certificate = "web.crt"\nkey = "web.key"\n'


def pipeline(webhooks: str = FILES, listen: str = "127.0.0.1:0") -> str:
    return f'[webhooks]\nlisten = "{listen}"\n{webhooks}[ops]\nlisten = "127.0.0.1:0"\n{SOURCE}'


async def send(url: str, trusted: Path, number: int, *, size: int = 0) -> int:
    """A webhook, sent by somebody who trusts this certificate: the status."""
    body = msgspec.json.encode([{"id": number, "filler": "x" * size}])
    context = ssl.create_default_context(cafile=str(trusted))
    headers = {"Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=BytesIO(body), headers=headers, ssl=context) as response,
    ):
        await response.read()
        return response.status


async def test_a_webhook_by_https_is_delivered_and_one_without_tls_is_not_taken(tmp_path: Path) -> None:
    trusted, _ = write_pair(tmp_path, "web")
    async with running(pipeline(), tmp_path) as daemon:
        url = webhook_url(daemon, "form")
        assert url.startswith("https://127.0.0.1:")
        assert await send(url, trusted, 1) == 200
        assert await send(url, trusted, 2, size=500_000) == 200
        assert await send(url, trusted, 3, size=2**20) == 413
        with pytest.raises(aiohttp.ClientError):
            async with aiohttp.ClientSession() as session:
                await session.post(url.replace("https", "http"), json=[{"id": 4}])
        file = tmp_path / "records.jsonl"
        await until(lambda: file.exists() and file.read_bytes().count(b"\n") == 2)


async def test_a_sender_that_says_it_has_no_more_to_send_costs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """TLS connections cannot be closed by half, as plain ones can."""
    trusted, _ = write_pair(tmp_path, "web")
    context = ssl.create_default_context(cafile=str(trusted))
    async with running(pipeline(), tmp_path) as daemon:
        port = daemon.supervisor.webhooks.port
        assert port is not None
        head = b"POST /webhooks/form HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
        for sent in (b"", head, head + b'{"id": 9}', b"nonsense\r\n\r\n" + b"x" * 200_000):
            with suppress(ssl.SSLError):  # the answer came when it was leaving
                async with await anyio.connect_tcp("127.0.0.1", port, ssl_context=context) as stream:
                    await stream.send(sent)
        assert await send(webhook_url(daemon, "form"), trusted, 1) == 200
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []


async def test_it_does_so_as_a_process_with_the_loop_it_has_there(tmp_path: Path) -> None:
    trusted, key = write_pair(tmp_path, "web")
    process = Process(tmp_path, SOURCE)
    plain = process.file.read_text()
    process.file.write_text(plain.replace("[ops]", f"{FILES}[ops]"))
    url = f"https://127.0.0.1:{process.webhooks}/webhooks/form"
    await process.start()
    try:
        assert await send(url, trusted, 1) == 200
        assert await send(url, trusted, 2, size=2**20) == 413
        async with await anyio.connect_tcp("127.0.0.1", process.webhooks) as silent:
            assert await send(url, trusted, 3) == 200
            assert await process.stop() == 0
            with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await silent.receive()
        assert f"https://127.0.0.1:{process.webhooks}" in process.log.read_text()
        key.write_text("")
        process.launch()
        assert await process.ended() == 78
        assert "webhooks.key" in process.log.read_text()
    finally:
        process.end()


async def test_a_certificate_that_is_renewed_is_served_at_the_next_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate, "LOOK_EVERY_S", 0.0)
    old, _ = write_pair(tmp_path, "web")
    trusted_before = tmp_path / "before.crt"
    trusted_before.write_bytes(old.read_bytes())
    async with running(pipeline(), tmp_path) as daemon:
        url = webhook_url(daemon, "form")
        assert await send(url, trusted_before, 1) == 200
        trusted, key = write_pair(tmp_path, "web")
        with capture_logs() as logged:
            assert await send(url, trusted, 2) == 200
            with pytest.raises(aiohttp.ClientError):
                await send(url, trusted_before, 3)
            whole = key.read_bytes()
            key.write_bytes(whole[:40])
            assert await send(url, trusted, 4) == 200
            assert await send(url, trusted, 5) == 200
            key.write_bytes(whole)
            assert await send(url, trusted, 6) == 200
    said = [(line["event"], line["file"]) for line in logged if line["event"].startswith("certificate")]
    assert said == [
        (event, str(tmp_path / "web.crt")) for event in ("certificate_read", "certificate_not_read", "certificate_read")
    ]


async def test_a_reload_takes_over_other_files_and_refuses_wrong_ones(tmp_path: Path) -> None:
    trusted_before, _ = write_pair(tmp_path, "web")
    trusted, _ = write_pair(tmp_path, "other")
    async with running(pipeline(), tmp_path) as daemon:
        url = webhook_url(daemon, "form")
        write_config(tmp_path, pipeline('certificate = "other.crt"\nkey = "web.key"\n'))
        wrong = await daemon.reload()
        assert [(problem.path, "is not the key of" in problem.message) for problem in wrong.problems] == [
            ("webhooks.key", True)
        ]
        assert await send(url, trusted_before, 1) == 200
        write_config(tmp_path, pipeline('certificate = "other.crt"\nkey = "other.key"\n'))
        right = await daemon.reload()
        assert right.changes is not None
        assert right.changes.needs_restart == []
        assert await send(url, trusted, 2) == 200
        write_config(tmp_path, pipeline(""))
        off = await daemon.reload()
        assert off.changes is not None
        assert off.changes.needs_restart == ["webhooks.certificate"]
        assert await send(url, trusted, 3) == 200, "until then all is as it was"


async def test_a_reload_to_another_address_begins_there_with_tls_or_without(tmp_path: Path) -> None:
    trusted, _ = write_pair(tmp_path, "web")
    async with running(pipeline(""), tmp_path) as daemon:
        before = webhook_url(daemon, "form")
        write_config(tmp_path, pipeline(listen="localhost:0"))
        moved = await daemon.reload()
        assert moved.changes is not None
        assert moved.changes.needs_restart == []
        url = webhook_url(daemon, "form").replace("localhost", "127.0.0.1")
        assert (before[:5], url[:6]) == ("http:", "https:")
        assert await send(url, trusted, 1) == 200
        write_config(tmp_path, pipeline(""))
        back = await daemon.reload()
        assert back.changes is not None
        assert back.changes.needs_restart == []
        assert webhook_url(daemon, "form").startswith("http:")
        with pytest.raises(aiohttp.ClientConnectorError):
            await send(url, trusted, 2)


def test_files_that_went_between_the_check_and_the_start_are_a_clear_error(tmp_path: Path) -> None:
    files = write_pair(tmp_path, "web")
    files[1].unlink()
    with pytest.raises(OSError, match=r"web\.key cannot be read: No such file") as caught:
        certificate.live_certificate("webhooks", str(files[0]), str(files[1]), SystemClock())
    assert (caught.value.strerror or "").startswith("[webhooks] key: ")


async def test_an_address_that_is_taken_is_a_clear_error(tmp_path: Path) -> None:
    write_pair(tmp_path, "web")
    async with running(pipeline(""), tmp_path) as daemon:
        before = webhook_url(daemon, "form")
        write_config(tmp_path, pipeline(listen=f"localhost:{daemon.ops.port}"))
        refused = await daemon.reload()
        assert refused.changes is None
        assert "([webhooks] listen): Address already in use" in (refused.error or "")
        assert webhook_url(daemon, "form") == before


async def test_what_cannot_be_served_with_is_said_by_check(tmp_path: Path) -> None:
    write_pair(tmp_path, "web")
    write_pair(tmp_path, "other")
    for first, second, path, words in [
        ("web.crt", "other.key", "webhooks.key", "is not the key of the certificate"),
        ("nowhere.crt", "web.key", "webhooks.certificate", "cannot be read: No such file"),
    ]:
        file = write_config(tmp_path, pipeline(f'certificate = "{first}"\nkey = "{second}"\n'))
        with pytest.raises(ConfigError) as caught:
            load([file], {})
        (problem,) = caught.value.problems
        assert (problem.path, words in problem.message) == (path, True), problem
    with pytest.raises(ConfigError, match="go together"):
        load([write_config(tmp_path, pipeline('key = "web.key"\n'))], {})


@pytest.mark.parametrize(("days", "words"), [(-1, "ended on "), (1, "ends on "), (6, "ends on "), (8, None)])
def test_a_certificate_that_ends_is_warned_of_in_time(days: int, words: str | None, tmp_path: Path) -> None:
    write_pair(tmp_path, "web", days=days)
    config = load([write_config(tmp_path, pipeline())], {})
    said = [line for line in warnings_of(config, NOW.timestamp()) if "certificate" in line]
    assert [line.startswith(f"webhooks.certificate {words}") for line in said] == ([] if words is None else [True])


async def test_who_is_slow_at_the_handshake_holds_up_nobody_and_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundswell.http.tls_server.HANDSHAKE_S", 1.0)
    trusted, _ = write_pair(tmp_path, "web")
    async with running(pipeline(), tmp_path) as daemon, AsyncExitStack() as open_ones:
        port = daemon.supervisor.webhooks.port
        assert port is not None
        silent = [await open_ones.enter_async_context(await anyio.connect_tcp("127.0.0.1", port)) for _ in range(50)]
        await silent[0].send(b"\x16\x03\x01")
        with anyio.fail_after(1):
            assert await send(webhook_url(daemon, "form"), trusted, 1) == 200
        with anyio.fail_after(10):
            for stream in silent:
                with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await stream.receive()


async def test_those_at_the_handshake_count_as_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundswell.http.tls_server.HANDSHAKE_S", 2.0)
    trusted, _ = write_pair(tmp_path, "web")
    async with running(pipeline(FILES + "connections_max = 5\n"), tmp_path) as daemon, AsyncExitStack() as open_ones:
        port, url = daemon.supervisor.webhooks.port, webhook_url(daemon, "form")
        assert port is not None
        for _ in range(5):
            await open_ones.enter_async_context(await anyio.connect_tcp("127.0.0.1", port))
        with pytest.raises(aiohttp.ClientError):
            await send(url, trusted, 1)
        with anyio.fail_after(10):
            while True:
                try:
                    assert await send(url, trusted, 2) == 200
                    break
                except aiohttp.ClientError:
                    await anyio.sleep(0.05)


def test_old_tls_is_not_spoken(tmp_path: Path) -> None:
    assert certificate.read_pair(*write_pair(tmp_path, "web")).context.minimum_version == ssl.TLSVersion.TLSv1_2
