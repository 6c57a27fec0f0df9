"""`actblue.csv` in a configuration: on an account, or on files, which need none."""

from pathlib import Path

import msgspec
import pytest

from groundswell.config.load import load
from groundswell.config.model import Config
from groundswell.connectors.actblue.client import PAID
from groundswell.errors import ConfigError
from groundswell.record import Record
from tests.connectors.actblue.csv_server import COLUMNS, SECRET, UUID, gift, serving, written
from tests.running import FREE_PORTS, running, until, write_config

ACCOUNT = """
    [accounts.money]
    type = "actblue"
    client_uuid = "11111111-2222-4333-8444-555555555555"
    client_secret = "${SECRET}"
"""
SINK = """
    [sinks.out]
    type = "jsonl"
    inputs = ["gifts"]
    path = "out.jsonl"
"""


def read(directory: Path, source: str, *others: str) -> Config:
    text = '\n    [sources.gifts]\n    type = "actblue.csv"\n' + source + "".join(others) + SINK
    return load([write_config(directory, text)], {"SECRET": "hidden"})


def refused(directory: Path, source: str, *others: str) -> str:
    with pytest.raises(ConfigError) as error:
        read(directory, source, *others)
    assert "hidden" not in str(error.value)
    return str(error.value)


def test_files_need_no_account(tmp_path: Path) -> None:
    config = read(tmp_path, '    files = ["exports/*.csv"]')
    assert config.components["gifts"].settings.account is None
    assert not config.accounts


def test_an_account_is_asked_ten_times_a_minute_and_once_a_day(tmp_path: Path) -> None:
    config = read(tmp_path, '    account = "money"', ACCOUNT)
    account = config.accounts["money"].settings
    assert (account.rate.calls, account.rate.per_s) == (10, 60.0)
    assert account.host == "https://secure.actblue.com/api/v1/"
    assert config.components["gifts"].settings.every.days == 1
    assert not config.warnings


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "neither `account` nor `files`"),
        ('    account = "money"\n    files = ["a.csv"]', "both `account` and `files`"),
        ('    account = "mony"', 'no account is called "mony"; did you mean "money"'),
        ('    account = "money"\n    managed_forms = true', "managed_forms needs entities"),
        ('    files = [""]', "files"),
    ],
)
def test_what_does_not_fit_together_is_said(tmp_path: Path, source: str, said: str) -> None:
    assert said in refused(tmp_path, source, ACCOUNT)


def test_an_account_of_another_vendor_is_refused(tmp_path: Path) -> None:
    other = '\n    [accounts.network]\n    type = "action_network"\n    token = "x"\n'
    assert 'this needs "actblue"' in refused(tmp_path, '    account = "network"', ACCOUNT, other)


def test_asking_all_the_time_is_warned_of(tmp_path: Path) -> None:
    config = read(tmp_path, '    account = "money"\n    every = "5m"\n    overlap = "0s"', ACCOUNT)
    assert len([warning for warning in config.warnings if "sources.gifts" in warning]) == 2


async def test_a_daemon_brings_what_is_asked_for_and_what_lies_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "old.csv").write_bytes(written([gift(2, "2019-02-01 12:00:00")], COLUMNS))
    async with serving() as server:
        server.add(PAID, gift(1, "2026-05-01 12:00:00"))
        text = f"""{FREE_PORTS}
    [accounts.money]
    type = "actblue"
    client_uuid = "{UUID}"
    client_secret = "{SECRET}"
    host = "{server.root}"
    rate = "1000/s"

    [sources.gifts]
    type = "actblue.csv"
    account = "money"
    since = "2026-04-01"

    [sources.exports]
    type = "actblue.csv"
    files = ["exports/*.csv"]

    [sinks.out]
    type = "jsonl"
    inputs = ["gifts", "exports"]
    path = "out.jsonl"
"""
        out = tmp_path / "out.jsonl"
        async with running(text, tmp_path):
            await until(lambda: out.exists() and len(out.read_bytes().splitlines()) == 2)
    records = [msgspec.json.decode(line, type=Record) for line in out.read_bytes().splitlines()]
    assert {record.id for record in records} == {"actblue:contribution/1", "actblue:contribution/2"}
    assert {record.source for record in records} == {"gifts", "exports"}
