"""Accounts in a running daemon: one object for all that name it, kept over reloads for as long as it is the same."""

from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from groundswell.ops.messages import Nothing
from groundswell.ops.operations import STATUS
from groundswell.runtime.daemon import Daemon
from tests.pipelines.ops_pipeline import ask
from tests.running import FREE_PORTS, running, until, write_config
from tests.vendor import ACCOUNT, KEY, Vendor

OTHER = ACCOUNT.replace("main", "other")


def poll(name: str, account: str = "main") -> str:
    return f'[sources.{name}]\ntype = "vendor.poll"\naccount = "{account}"\n'


SINK = """
    [sinks.file]
    type = "jsonl"
    inputs = ["people", "gifts"]
    path = "out.jsonl"
"""
TWO_ON_MAIN = FREE_PORTS + ACCOUNT + poll("people") + poll("gifts") + SINK


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Vendor:
    made = Vendor()
    made.register(monkeypatch)
    return made


async def restarted_by(daemon: Daemon, directory: Path, text: str) -> list[str]:
    write_config(directory, text)
    result = await daemon.reload()
    assert result.error is None
    assert result.changes is not None
    return result.changes.restarted


async def test_all_that_name_an_account_have_one_and_the_same(vendor: Vendor, tmp_path: Path) -> None:
    async with running(TWO_ON_MAIN, tmp_path) as daemon:
        assert [source.account for source in vendor.sources] == vendor.accounts * 2
        assert list(daemon.supervisor.accounts.values()) == vendor.accounts


async def test_an_account_that_did_not_change_stays_the_object_it_was(vendor: Vendor, tmp_path: Path) -> None:
    """What the limiter in it remembers of the calls just made must not be lost."""
    async with running(TWO_ON_MAIN, tmp_path) as daemon:
        text = TWO_ON_MAIN.replace(poll("gifts"), poll("gifts") + "page = 2\n")
        assert await restarted_by(daemon, tmp_path, text) == ["gifts"]
        assert len(vendor.accounts) == 1
        assert vendor.sources[-1].account is vendor.accounts[0]


async def test_a_changed_account_restarts_just_those_that_name_it(vendor: Vendor, tmp_path: Path) -> None:
    text = FREE_PORTS + ACCOUNT + OTHER + poll("people") + poll("gifts", "other") + SINK
    async with running(text, tmp_path) as daemon:
        people = daemon.supervisor.running_sources["people"]
        other = daemon.supervisor.accounts["other"]
        changed = text.replace(OTHER, OTHER.replace(KEY, "another-key"))
        assert await restarted_by(daemon, tmp_path, changed) == ["gifts"]
        assert daemon.supervisor.accounts["main"] is vendor.accounts[0]
        assert daemon.supervisor.accounts["other"] is not other
        assert vendor.sources[-1].account is daemon.supervisor.accounts["other"]
        assert daemon.supervisor.running_sources["people"] is people


async def test_naming_another_account_restarts_the_component(vendor: Vendor, tmp_path: Path) -> None:
    text = FREE_PORTS + ACCOUNT + OTHER + poll("people") + poll("gifts", "other") + SINK
    async with running(text, tmp_path) as daemon:
        moved = text.replace(poll("people"), poll("people", "other"))
        assert await restarted_by(daemon, tmp_path, moved) == ["people"]
        assert vendor.sources[-1].account is daemon.supervisor.accounts["other"]


async def test_an_account_that_cannot_be_built_changes_nothing(
    vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It was not the configuration's problem but an error nobody caught, and SIGHUP took the daemon down.
    async with running(TWO_ON_MAIN, tmp_path) as daemon:
        before = (daemon.config, dict(daemon.supervisor.accounts))

        def breaks(*_: object) -> None:
            raise ValueError(f"cannot make sense of {KEY}")

        monkeypatch.setattr("tests.vendor.VendorAccount.__init__", breaks)
        write_config(tmp_path, TWO_ON_MAIN.replace(KEY, "another-key"))
        with capture_logs() as lines:
            result = await daemon.reload()
        assert result.error is not None
        assert "accounts.main" in result.error
        assert KEY not in str((lines, result.error))
        assert (daemon.config, dict(daemon.supervisor.accounts)) == before


async def test_status_names_the_accounts_and_where_they_are(vendor: Vendor, tmp_path: Path) -> None:
    async with running(TWO_ON_MAIN, tmp_path) as daemon:
        await until(lambda: {one.state for one in daemon.supervisor.running_sources.values()} == {"running"})
        online = await ask(tmp_path, STATUS, Nothing())
    offline = await ask(tmp_path, STATUS, Nothing())
    (account,) = online.accounts
    assert (account.name, account.type, account.host) == ("main", "vendor", "vendor.example.org")
    assert (account.state, account.can_connect, account.to_do) == ("connected", False, None)
    assert [(use.name, use.collections) for use in account.uses] == [
        (name, ["people", "gifts"]) for name in ("people", "gifts")
    ]
    uses = [msgspec.structs.replace(use, collections=[]) for use in account.uses]
    assert offline.accounts == [msgspec.structs.replace(account, host=None, uses=uses)]
    assert KEY not in repr(online)
