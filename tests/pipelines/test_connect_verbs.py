"""`groundswell connect`, `disconnect` and `accounts` as they are typed, with and without a daemon."""

import re
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec
import pytest
from typer.testing import CliRunner

from groundswell.cli.main import application
from groundswell.connectors.action_network.simulator.server import simulator
from groundswell.errors import UnauthorizedError
from tests.pipelines.conftest import Groundswell
from tests.running import FREE_PORTS, running, write_config
from tests.vendor import KEY, POLL, Vendor, VendorAccount

pytestmark = pytest.mark.usefixtures("no_log")

PIPELINE = (
    FREE_PORTS
    + """
[accounts.main]
type = "vendor"
connect = true
"""
    + POLL
    + """
[sinks.file]
type = "jsonl"
inputs = ["people"]
path = "out.jsonl"
"""
)


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Vendor:
    """It takes KEY and nothing else."""

    async def check(account: VendorAccount) -> str:
        if account.token != KEY:
            raise UnauthorizedError("main: vendor.example.org does not take the key")
        return "the key is good"

    made = Vendor()
    made.check = check
    made.register(monkeypatch)
    write_config(tmp_path, PIPELINE)
    return made


async def test_what_is_missing_is_asked_for_and_a_secret_is_not_shown(
    vendor: Vendor, type_in: Groundswell, tmp_path: Path
) -> None:
    async with running(PIPELINE, tmp_path) as daemon:
        refused = await type_in("connect", "main", typed="another-key\n")
        before = await type_in("accounts")
        said = await type_in("connect", "main", typed=f"{KEY}\n")
        assert daemon.supervisor.states()["people"] == "running"
        after = await type_in("accounts")
        gone = await type_in("disconnect", "main")
        in_the_end = await type_in("accounts")
    assert refused.code == 1
    assert "nothing was kept: vendor.example.org does not take the key" in refused.err
    assert "token: The key." in refused.err
    assert "host" not in refused.err.splitlines()[0], "what may be left out is not asked for"
    assert "not connected" in before.out
    assert "groundswell connect main" in before.out
    assert (said.code, said.out.lstrip()) == (0, "main is connected: the key is good\n")
    assert "main     vendor  vendor.example.org  connected" in after.out
    assert re.search(r"^  main: connected \S+Z by \S+.*; used by people", after.out, re.MULTILINE), "who, and when"
    assert re.search(r"^  main: disconnected \S+Z by \S+.*; used by people", in_the_end.out, re.MULTILINE)
    assert max(map(len, after.out.splitlines())) <= 100
    assert gone.out.startswith("main is not connected; its credentials are forgotten\nnothing that was sent is deleted")
    assert KEY not in "".join(part for one in (before, said, after, gone) for part in (one.out, one.err))
    assert "another-key" not in refused.out + refused.err


async def test_scripts_give_a_json_object_and_never_a_secret_on_the_command_line(
    vendor: Vendor, type_in: Groundswell, tmp_path: Path
) -> None:
    seen = await type_in("connect", "main", "--set", f"token={KEY}")
    assert seen.code == 2
    assert "is a secret, and others see the command line" in " ".join(seen.err.replace("│", " ").split())
    garbage = await type_in("connect", "main", "--from-stdin", typed="[]")
    assert garbage.code == 2
    typed = msgspec.json.encode({"token": KEY}).decode()
    said = await type_in("connect", "main", "--from-stdin", "--set", "host=v.example.org", "--json", typed=typed)
    assert msgspec.json.decode(said.out) == {
        "account": "main",
        "state": "connected",
        "ok": True,
        "message": "the key is good",
        "waiting": 0,
    }
    async with running(PIPELINE, tmp_path) as daemon:
        assert daemon.supervisor.accounts["main"].host == "v.example.org"
        tried = await type_in("connect", "main", "--try")
    assert (tried.code, tried.out) == (0, "main: the key is good; nothing was kept\n")


async def test_a_try_that_fails_exits_1(vendor: Vendor, type_in: Groundswell) -> None:
    tried = await type_in("connect", "main", "--try", "--from-stdin", typed='{"token": "another"}')
    assert (tried.code, tried.out) == (1, "main: vendor.example.org does not take the key; nothing was kept\n")
    unknown = await type_in("connect", "man", "--try")
    assert (unknown.code, "no account is called" in unknown.err) == (1, True)


async def test_printing_keeps_nothing_and_shows_secrets_only_when_asked(
    vendor: Vendor, type_in: Groundswell, tmp_path: Path
) -> None:
    said = await type_in("connect", "main", "--print", "--set", 'host=a"b', typed=f"{KEY}\n")
    assert said.code == 0
    assert said.out.strip().splitlines() == [
        "# Secrets go into files that only groundswell may read (chmod 600): main.token",
        "[accounts.main]  # in place of `connect = true`; what stands there besides stays",
        'type = "vendor"',
        'host = "a\\"b"',
        'token = { file = "main.token" }',
    ]
    assert KEY not in said.out
    clear = await type_in("connect", "main", "--print", "--show-secrets", "--no-check", typed=f"{KEY}\n")
    assert f'token = "{KEY}"' in clear.out
    listed = await type_in("accounts", "--json")
    (account,) = msgspec.json.decode(listed.out)["accounts"]
    assert (account["state"], account["can_connect"]) == ("not_connected", True)


async def test_check_understands_accounts_that_are_connected_later(
    vendor: Vendor, type_in: Groundswell, tmp_path: Path
) -> None:
    file = str(tmp_path / "pipeline.toml")

    async def check() -> tuple[int, str]:
        return await anyio.to_thread.run_sync(_check, file)

    code, said = await check()
    assert (code, said.split(";")[0]) == (0, "main (vendor): not connected: no credentials yet")
    await type_in("connect", "main", typed=f"{KEY}\n")
    assert await check() == (0, "main (vendor, vendor.example.org): the key is good")
    (tmp_path / "groundswell.db.key").write_text("00" * 32)
    code, said = await check()
    assert (code, "another key sealed them" in said) == (1, True)


def _check(file: str) -> tuple[int, str]:
    done = CliRunner().invoke(application(), ["check", "--connect", file])
    return done.exit_code, done.stdout.splitlines()[-1]


async def test_on_a_terminal_a_secret_is_not_echoed(tmp_path: Path) -> None:
    async with simulator(people=1) as server:
        write_config(
            tmp_path,
            f"""
            [accounts.net]
            type = "action_network"
            connect = true
            base_url = "{server.base_url}"
            """
            + POLL.replace("vendor", "action_network").replace('"main"', '"net"')
            + '[sinks.file]\ntype = "jsonl"\ninputs = ["people"]\npath = "out.jsonl"\n'.replace("\n", "\n            "),
        )
        seen = await anyio.to_thread.run_sync(_typed_on_a_terminal, tmp_path / "pipeline.toml", server.key)
    assert "net is connected: the key is good" in seen
    assert server.key not in seen


def _typed_on_a_terminal(file: Path, secret: str) -> str:
    command = [sys.executable, "-m", "groundswell", "connect", "net", "-c", str(file)]
    terminal = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    with subprocess.Popen(
        [sys.executable, "-c", terminal, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        seen = b""
        while not seen.endswith(b"\ntoken: "):
            seen += process.stdout.read(1)
        process.stdin.write(f"{secret}\n".encode())
        process.stdin.flush()
        seen += process.stdout.read()
        assert process.wait() == 0, seen
    return seen.decode()
