"""A configuration as people may see it: no secret, nothing from the environment, defaults told apart."""

from pathlib import Path

import pytest

from groundswell.config.load import load
from groundswell.config.model import ShownSetting
from groundswell.config.showing import MASK

SECRETS = {
    "OPS": "ops-5f0c",
    "USER": "user-77ab",
    "CRM_HOST": "crm-host-3d12.example.org",
    "TOKEN": "token-9a41",
    "SIGN": "whsec_c2lnbmluZy1rZXktb2YtMjQtYnl0ZXMhISE=",
    "LISTEN": "127.0.0.9",
}
PIPELINE = """
[daemon]
keep = "7d"

[ops]
listen = "${LISTEN}:9464"
password = "${OPS}"
names = ["${LISTEN}", "dash.example.org"]

[accounts.network]
type = "action_network"
token = { file = "token" }

[accounts.later]
type = "action_network"
connect = true
rate = "3/s"

[sources.signups]
type = "action_network.webhook"
path = "/webhooks/v1/3f7c0d5a90"

[sources.forms]
type = "http.webhook"
path = "/forms/77aa31c5"
kind = "person"
auth = "none"

[sources.signed]
type = "http.webhook"
path = "/signed/everybody-knows"
kind = "person"
auth = { type = "standard_webhooks", secrets = ["${SIGN}"] }

[transforms.mapped]
type = "map_fields"
inputs = ["signups", "forms", "signed"]
fields = { zip = "raw.zip", "custom.Shirt size" = "raw.size" }

[sinks.crm]
type = "http"
inputs = ["mapped"]
url = "https://${CRM_HOST}/records?key=8c1e"
headers = { X-Key = "header-11e0" }
auth = { type = "basic", username = "${USER}", password = "written-out-2b9f" }
batch = { records = 50 }

[sinks.people]
type = "action_network.people"
account = "network"
inputs = ["mapped"]

[sinks.later]
type = "action_network.people"
account = "later"
inputs = ["mapped"]
"""
ALL_SECRETS = (
    *SECRETS.values(),
    *("3f7c0d5a90", "77aa31c5", "8c1e", "header-11e0", "written-out-2b9f", "from-a-file-6d20"),
)


@pytest.fixture
def shown(tmp_path: Path) -> dict[str, dict[str, ShownSetting]]:
    """By table and key."""
    (tmp_path / "token").write_text("from-a-file-6d20")
    (tmp_path / "token").chmod(0o600)
    (tmp_path / "pipeline.toml").write_text(PIPELINE)
    config = load([tmp_path / "pipeline.toml"], SECRETS)
    return {table.heading: {one.key: one for one in table.settings} for table in config.shown}


def test_no_secret_and_nothing_from_the_environment_is_in_it(shown: dict[str, dict[str, ShownSetting]]) -> None:
    text = repr(shown)
    assert [secret for secret in ALL_SECRETS if secret in text] == []
    masked = [f"{table}.{one.key}" for table, all_ in shown.items() for one in all_.values() if MASK in str(one.value)]
    assert masked == [
        "ops.password",
        "accounts.network.token",
        "sources.signups.path",
        "sources.forms.path",
        "sources.signed.auth.secrets",
        "sinks.crm.url",
        "sinks.crm.headers.X-Key",
        "sinks.crm.auth.password",
    ]


def test_what_names_a_variable_is_shown_as_it_was_written(shown: dict[str, dict[str, ShownSetting]]) -> None:
    assert shown["ops"]["listen"].value == '"${LISTEN}:9464"'
    assert shown["ops"]["names"].value == '["${LISTEN}", "dash.example.org"]'
    assert shown["sinks.crm"]["auth.username"].value == '"${USER}"'
    assert shown["sources.signed"]["path"].value == '"/signed/everybody-knows"', "who sends there has to sign"


def test_defaults_are_told_from_what_was_written(shown: dict[str, dict[str, ShownSetting]]) -> None:
    assert shown["daemon"]["keep"] == ShownSetting("keep", '"7d"', is_written=True)
    assert shown["daemon"]["drain"] == ShownSetting("drain", '"20s"', is_written=False)
    assert shown["sinks.crm"]["batch.records"] == ShownSetting("batch.records", "50", is_written=True)
    assert shown["sinks.crm"]["batch.wait"] == ShownSetting("batch.wait", '"0s"', is_written=False)
    assert shown["sinks.crm"]["rate"] == ShownSetting("rate", None, is_written=False)
    assert next(iter(shown)) == "webhooks", "what stands in no file is all defaults"
    assert not any(one.is_written for one in shown["webhooks"].values())


def test_the_type_comes_first_and_what_was_written_short_is_shown_short(
    shown: dict[str, dict[str, ShownSetting]],
) -> None:
    assert [next(iter(of)) for table, of in shown.items() if "." in table] == ["type"] * 9
    assert shown["transforms.mapped"]["fields.zip"].value == '"raw.zip"'
    assert shown["transforms.mapped"]['fields."custom.Shirt size"'].value == '"raw.size"'


def test_of_an_account_that_is_connected_later_what_the_file_says(shown: dict[str, dict[str, ShownSetting]]) -> None:
    later = shown["accounts.later"]
    assert later["connect"] == ShownSetting("connect", "true", is_written=True)
    assert later["rate"] == ShownSetting("rate", '"3/s"', is_written=True)
    assert later["token"] == ShownSetting("token", None, is_written=False)
    assert {one.is_written for one in later.values()} == {True, False}
