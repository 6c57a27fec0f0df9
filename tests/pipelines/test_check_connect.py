"""`groundswell check --connect`: every account is tried, all at once, and no secret is shown."""

from pathlib import Path
from textwrap import dedent

import anyio
import anyio.to_thread
import msgspec
import pytest
from typer.testing import CliRunner

from groundswell.cli.main import application
from groundswell.clock import SystemClock
from groundswell.component import Account
from groundswell.config.load import load
from groundswell.connectors.action_network.simulator.network import KEY as GOOD_KEY
from groundswell.connectors.action_network.simulator.server import simulator
from groundswell.errors import RateLimitedError, UnauthorizedError, UnavailableError
from groundswell.runtime.trying import AccountTried, try_accounts
from tests.running import write_config
from tests.vendor import ACCOUNT, KEY, POLL, Vendor, VendorAccount

PIPELINE = ACCOUNT + POLL + '[sinks.file]\ntype = "jsonl"\ninputs = ["people"]\npath = "out.jsonl"\n'
JSONL = """
    [sources.in]
    type = "jsonl"
    path = "in.jsonl"

    [sinks.out]
    type = "jsonl"
    inputs = ["in"]
    path = "out.jsonl"
"""


def network(name: str, url: str, token: str) -> str:
    return f'[accounts.{name}]\ntype = "action_network"\ntoken = "{token}"\nbase_url = "{url}"\n'


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Vendor:
    made = Vendor()
    made.register(monkeypatch)
    return made


def check(directory: Path, *options: str, environ: dict[str, str] | None = None) -> tuple[int, str]:
    """As it is typed; the lines after the one that says what the configuration is."""
    file = str(directory / "pipeline.toml")
    result = CliRunner().invoke(application(["check"]), ["check", *options, file], env=environ)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    lines = [line for line in result.output.splitlines() if not line.startswith("warning: ")]
    return result.exit_code, "\n".join(lines if "--json" in options else lines[1:])


def test_an_account_that_answers_is_a_line_and_exits_0(vendor: Vendor, tmp_path: Path) -> None:
    write_config(tmp_path, PIPELINE)
    assert check(tmp_path, "--connect") == (0, "main (vendor, vendor.example.org): the key is good")


def test_nobody_is_called_without_connect(vendor: Vendor, tmp_path: Path) -> None:
    write_config(tmp_path, PIPELINE)
    assert check(tmp_path) == (0, "")
    assert "accounts" not in msgspec.json.decode(check(tmp_path, "--json")[1])
    assert vendor.accounts == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            UnauthorizedError("main: reading events: vendor.example.org answered 401; check `token` of the account"),
            "reading events: vendor.example.org answered 401; check `token` of the account",
        ),
        (
            UnavailableError("main: reading events: vendor.example.org answered 503; it will be tried again"),
            "reading events: vendor.example.org answered 503; try again later",
        ),
        (
            RateLimitedError("main: reading events: vendor.example.org answered 429; it will be tried again in 5 s"),
            "reading events: vendor.example.org answered 429; try again later",
        ),
        (ValueError(f"cannot make sense of {KEY}"), "failed with ValueError; this is a defect, please report it"),
    ],
    ids=["refused", "away", "too fast", "a defect"],
)
def test_an_account_that_fails_says_why_and_exits_1(
    vendor: Vendor, tmp_path: Path, error: Exception, said: str
) -> None:
    async def fails(_: VendorAccount) -> str:
        raise error

    vendor.check = fails
    write_config(tmp_path, PIPELINE)
    assert check(tmp_path, "--connect") == (1, f"main (vendor, vendor.example.org): {said}")


def test_for_programs_the_accounts_are_a_list(vendor: Vendor, tmp_path: Path) -> None:
    async def fails_for_other(account: VendorAccount) -> str:
        if account.name == "other":
            raise UnauthorizedError("other: it does not take the key")
        return "the key is good"

    vendor.check = fails_for_other
    write_config(tmp_path, PIPELINE + ACCOUNT.replace("main", "other"))
    code, output = check(tmp_path, "--connect", "--json")
    found = msgspec.json.decode(output)
    assert (code, found["ok"], found["problems"]) == (1, False, [])
    assert found["accounts"] == [
        {
            "name": "main",
            "type": "vendor",
            "host": "vendor.example.org",
            "ok": True,
            "message": "the key is good",
        },
        {
            "name": "other",
            "type": "vendor",
            "host": "vendor.example.org",
            "ok": False,
            "message": "it does not take the key",
        },
    ]
    assert KEY not in output


def test_a_wrong_configuration_is_told_first_and_nobody_is_called(vendor: Vendor, tmp_path: Path) -> None:
    write_config(tmp_path, PIPELINE.replace('"jsonl"', '"jsonnl"'))
    assert check(tmp_path, "--connect")[0] == 78
    assert vendor.accounts == []


def test_without_accounts_there_is_nothing_to_try(tmp_path: Path) -> None:
    write_config(tmp_path, JSONL)
    assert check(tmp_path, "--connect") == (0, "there are no accounts to try")


async def tried(directory: Path, environ: dict[str, str] | None = None, within_s: float = 5.0) -> list[AccountTried]:
    return await try_accounts(load([directory / "pipeline.toml"], environ or {}), SystemClock(), within_s)


async def test_all_are_tried_at_the_same_time(vendor: Vendor, tmp_path: Path) -> None:
    names = [f"a{number}" for number in range(5)]
    waiting, all_wait = set(), anyio.Event()

    async def meets_the_others(account: Account) -> str:
        waiting.add(account)
        if len(waiting) == len(names):
            all_wait.set()
        await all_wait.wait()
        return "the key is good"

    vendor.check = meets_the_others
    write_config(tmp_path, PIPELINE + "".join(ACCOUNT.replace("main", name) for name in names[1:]))
    assert [account.ok for account in await tried(tmp_path)] == [True] * 5


async def test_one_that_does_not_answer_holds_up_nobody_and_not_for_ever(vendor: Vendor, tmp_path: Path) -> None:
    async def only_main_answers(account: VendorAccount) -> str:
        if account.name != "main":
            await anyio.sleep_forever()
        return "the key is good"

    vendor.check = only_main_answers
    write_config(tmp_path, PIPELINE + ACCOUNT.replace("main", "other"))
    main, other = await tried(tmp_path, within_s=0.05)
    assert (main.ok, main.message) == (True, "the key is good")
    assert (other.ok, other.message) == (False, "no answer within 0.05 s")


async def test_an_account_that_cannot_be_built_is_one_that_failed(
    vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise ValueError(f"cannot make sense of {KEY}")

    monkeypatch.setattr("tests.vendor.VendorAccount.__init__", breaks)
    write_config(tmp_path, PIPELINE)
    found = await tried(tmp_path)
    message = "failed with ValueError; this is a defect, please report it"
    assert found == [AccountTried("main", "vendor", None, ok=False, message=message)]
    code, output = await anyio.to_thread.run_sync(check, tmp_path, "--connect")
    assert (code, output) == (1, f"main (vendor): {message}")


async def test_a_key_of_action_network_is_told_from_one_that_is_none(tmp_path: Path) -> None:
    async with simulator(people=1) as server:
        accounts = (
            network("good", server.base_url, "${TOKEN}"),
            network("elsewhere", f"{server.root}/nowhere/", "${TOKEN}"),
            network("bad", server.base_url, "not-the-key"),
        )
        write_config(tmp_path, "".join(accounts) + dedent(JSONL))
        good, elsewhere, bad = await tried(tmp_path, {"TOKEN": GOOD_KEY})
    host = server.root.removeprefix("http://")
    assert good == AccountTried("good", "action_network", host, ok=True, message="the key is good")
    assert (elsewhere.ok, bad.ok) == (False, False)
    assert bad.message.startswith(f"reading events: {host} answered 403: it does not take the API key")
    assert "404" in elsewhere.message
    assert GOOD_KEY not in repr((good, elsewhere, bad))
    assert "not-the-key" not in repr(bad)
