"""The ops port with a certificate: HTTPS, renewed while it runs, and commands that know it by itself."""

import ssl
from pathlib import Path

import aiohttp
import anyio
import pytest
from structlog.testing import capture_logs

from groundswell.config.load import load
from groundswell.errors import ConfigError
from groundswell.http import certificate
from groundswell.ops.client import OpsError, ask_daemon
from groundswell.ops.messages import Nothing
from groundswell.ops.operations import DASHBOARD, STATUS
from groundswell.ops.token_file import TokenFile
from groundswell.runtime.daemon import Daemon
from tests.certificates import write_pair
from tests.pipelines.conftest import Groundswell
from tests.pipelines.ops_pipeline import PASSWORD, Answer, ask, receiving, with_ops
from tests.running import running, token_of, write_config

TLS = ('certificate = "ops.crt"', 'key = "ops.key"', f'password = "{PASSWORD}"')


async def call(daemon: Daemon, method: str, path: str, trusted: Path, **options: object) -> Answer:
    """A request as a browser makes it that trusts this certificate."""
    context = ssl.create_default_context(cafile=str(trusted))
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, f"https://127.0.0.1:{daemon.ops.port}{path}", ssl=context, allow_redirects=False, **options
        ) as response,
    ):
        return Answer(response.status, dict(response.headers), await response.read())


async def test_it_speaks_https_and_nothing_else(tmp_path: Path) -> None:
    trusted, _ = write_pair(tmp_path, "ops")
    async with receiving() as (_, pipeline), running(with_ops(pipeline, *TLS), tmp_path) as daemon:
        came = await call(daemon, "POST", "/login", trusted, data={"password": PASSWORD})
        link = await ask(tmp_path, DASHBOARD, Nothing())
        with pytest.raises(aiohttp.ClientError):
            async with aiohttp.ClientSession() as session:
                await session.get(f"http://127.0.0.1:{daemon.ops.port}/healthz")
    assert came.status == 303
    cookie = came.headers["Set-Cookie"]
    assert cookie.startswith("__Host-groundswell=")
    assert {flag.strip() for flag in cookie.split(";")[1:]} == {"HttpOnly", "Path=/", "SameSite=Strict", "Secure"}
    assert came.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert link.url.startswith(f"https://127.0.0.1:{daemon.ops.port}/login#")


async def test_commands_know_the_daemon_by_its_certificate(tmp_path: Path) -> None:
    write_pair(tmp_path, "ops")
    async with receiving() as (_, pipeline), running(with_ops(pipeline, *TLS), tmp_path) as daemon:
        status = await ask(tmp_path, STATUS, Nothing())
        known = token_of(daemon)
        impostor = TokenFile(known.address, known.token, known.pid, "00" * 32)
        with pytest.raises(OpsError, match="another certificate") as caught:
            await ask_daemon(impostor, STATUS, Nothing())
    assert status.running
    assert not caught.value.was_asked, "the token went to nobody"


async def test_a_certificate_that_is_renewed_is_served_at_the_next_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate, "LOOK_EVERY_S", 0.0)
    old, _ = write_pair(tmp_path, "ops")
    trusted_before = tmp_path / "before.crt"
    trusted_before.write_bytes(old.read_bytes())
    async with receiving() as (_, pipeline), running(with_ops(pipeline, *TLS), tmp_path) as daemon:
        assert (await call(daemon, "GET", "/healthz", trusted_before)).status == 200
        before = token_of(daemon).fingerprint
        trusted, key = write_pair(tmp_path, "ops")
        with capture_logs() as logged:
            assert (await call(daemon, "GET", "/healthz", trusted)).status == 200
            with pytest.raises(aiohttp.ClientError):
                await call(daemon, "GET", "/healthz", trusted_before)
            # Half of a pair: the one before stays, and it is said once.
            whole = key.read_bytes()
            key.write_bytes(whole[:40])
            for _ in range(3):
                assert (await call(daemon, "GET", "/healthz", trusted)).status == 200
            key.write_bytes(whole)
            assert (await call(daemon, "GET", "/healthz", trusted)).status == 200
        after = token_of(daemon).fingerprint
        status = await ask(tmp_path, STATUS, Nothing())
    assert before != after
    assert status.running
    assert [line["event"] for line in logged if line["event"].startswith("certificate")] == [
        *("certificate_read", "certificate_not_read", "certificate_read")
    ]


async def test_a_reload_takes_over_other_files(tmp_path: Path) -> None:
    write_pair(tmp_path, "ops")
    trusted, _ = write_pair(tmp_path, "other")
    async with receiving() as (_, pipeline), running(with_ops(pipeline, *TLS), tmp_path) as daemon:
        write_config(tmp_path, with_ops(pipeline, 'certificate = "other.crt"', 'key = "other.key"', TLS[2]))
        reloaded = await daemon.reload()
        assert reloaded.changes is not None
        assert reloaded.changes.needs_restart == []
        assert (await call(daemon, "GET", "/healthz", trusted)).status == 200
        write_config(tmp_path, with_ops(pipeline, TLS[2]))
        off = await daemon.reload()
    assert off.changes is not None
    assert off.changes.needs_restart == ["ops.certificate"]


async def test_who_does_not_finish_the_handshake_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundswell.ops.listening.HANDSHAKE_S", 0.2)
    write_pair(tmp_path, "ops")
    async with receiving() as (_, pipeline), running(with_ops(pipeline, *TLS), tmp_path) as daemon:
        assert daemon.ops.port is not None
        async with await anyio.connect_tcp("127.0.0.1", daemon.ops.port) as stream:
            with anyio.fail_after(10), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await stream.receive()


async def test_what_cannot_be_served_with_is_said_by_check(tmp_path: Path, type_in: Groundswell) -> None:
    write_pair(tmp_path, "ops")
    write_pair(tmp_path, "other")
    write_pair(tmp_path, "locked", password=b"secret")
    (tmp_path / "empty").write_text("")
    async with receiving() as (_, pipeline):
        pass
    wrong = [
        ("ops.crt", "other.key", "ops.key", "is not the key of the certificate"),
        ("nowhere.crt", "ops.key", "ops.certificate", "cannot be read: No such file"),
        ("ops.crt", "nowhere.key", "ops.key", "cannot be read: No such file"),
        ("empty", "ops.key", "ops.certificate", "holds no certificate in PEM form"),
        ("ops.crt", "empty", "ops.key", "holds no key in PEM form"),
        ("locked.crt", "locked.key", "ops.key", "has a password"),
    ]
    for first, second, path, words in wrong:
        lines = (f'certificate = "{first}"', f'key = "{second}"')
        file = write_config(tmp_path, with_ops(pipeline, *lines))
        with pytest.raises(ConfigError) as caught:
            load([file], {})
        (problem,) = caught.value.problems
        assert (problem.path, words in problem.message) == (path, True), problem
    write_config(tmp_path, with_ops(pipeline, 'certificate = "ops.crt"'))
    with pytest.raises(ConfigError, match="go together"):
        load([tmp_path / "pipeline.toml"], {})
