"""Accounts in a configuration: named by the components that need one, and by nothing else."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from configurations import REGISTRY, WHOLE, read
from pydantic import Field

from groundswell.config.problems import rendered
from groundswell.errors import ConfigError
from groundswell.registry import ComponentType
from groundswell.settings import SecretText, Settings, SinkSettings, SourceSettings


class LoginSettings(Settings):
    """A login."""

    type: Literal["desk"]
    token: SecretText = Field(description="The key.")


class OtherSettings(Settings):
    """A login elsewhere."""

    type: Literal["shop"]


class DeskPollSettings(SourceSettings):
    """Looks."""

    account: str = Field(description="Name of the account.")


class DeskSinkSettings(SinkSettings):
    """Writes."""

    account: str = Field(description="Name of the account.")


WITH_ACCOUNTS = replace(
    REGISTRY,
    accounts={"desk": ComponentType(LoginSettings, None), "shop": ComponentType(OtherSettings, None)},
    sources={**REGISTRY.sources, "desk.poll": ComponentType(DeskPollSettings, None, account="desk")},
    sinks={**REGISTRY.sinks, "desk.people": ComponentType(DeskSinkSettings, None, account="desk")},
)
POLL = """
[sources.people]
type = "desk.poll"
account = "main"

[sinks.desk]
type = "desk.people"
inputs = ["people"]
account = "main"
"""
MAIN = """
[accounts.main]
type = "desk"
token = "${TOKEN}"
"""
SHOP = """
[accounts.till]
type = "shop"
"""


def wrong(directory: Path, text: str) -> str:
    """What is wrong with this, beside a pipeline with nothing wrong; "" is nothing."""
    try:
        read(directory, WHOLE + text, {"TOKEN": "s3cret"}, WITH_ACCOUNTS)
    except ConfigError as error:
        return "\n".join(line.strip() for line in rendered(error).splitlines()[1:])
    return ""


def test_several_components_name_one_account(tmp_path: Path) -> None:
    config = read(tmp_path, WHOLE + MAIN + POLL, {"TOKEN": "s3cret"}, WITH_ACCOUNTS)
    assert list(config.accounts) == ["main"]
    account = config.accounts["main"]
    assert (account.name, account.type, account.settings.token.reveal()) == ("main", "desk", "s3cret")
    assert account.directory == tmp_path
    assert {config.components[name].settings.account for name in ("people", "desk")} == {"main"}
    assert config.warnings == ()
    assert "s3cret" not in repr(config)


def test_what_accounts_hold_may_have_the_name_of_a_component(tmp_path: Path) -> None:
    assert wrong(tmp_path, MAIN.replace("main", "people") + POLL.replace('"main"', '"people"')) == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            MAIN + POLL.replace('account = "main"', 'account = "mian"', 1),
            'sources.people.account   no account is called "mian"; did you mean "main"?',
        ),
        (
            POLL.partition("[sinks")[0] + '[sinks.x]\ntype = "post"\ninputs = ["people"]\nurl = "https://x/"\n',
            'sources.people.account   there is no account of type "desk"; add [accounts.main] with its type',
        ),
        (
            MAIN + SHOP + POLL.replace('account = "main"', 'account = "till"', 1),
            'sources.people.account   "till" is an account of type "shop"; this needs "desk"',
        ),
        (MAIN + POLL.replace('account = "main"\n', "", 1), "sources.people.account   is missing. Name of the account."),
        (MAIN + POLL.replace('"main"', "4", 1), "sources.people.account   must be text, not 4"),
        (MAIN + POLL.replace('"main"', '["main"]', 1), "sources.people.account   must be text, not a list"),
        (
            MAIN + POLL.replace("[sources.people]", '[sources.people]\ntokn = "x"'),
            "sources.people.tokn   is not a setting of desk.poll; there is type, account",
        ),
        (
            MAIN.replace('"desk"', '"dsk"') + POLL,
            'accounts.main.type   "dsk" is not an account; did you mean "desk"? (desk, shop)',
        ),
        (
            MAIN.replace('"desk"', '"desk.poll"') + POLL,
            'accounts.main.type   "desk.poll" is a source, not an account; there is desk, shop',
        ),
        (MAIN.replace('token = "${TOKEN}"', "") + POLL, "accounts.main.token   is missing. The key."),
    ],
    ids=[
        "a name that is not there",
        "no account at all",
        "an account of another vendor",
        "no account named",
        "a name that is no text",
        "a list of names",
        "a setting that is not there",
        "a type that is not there",
        "a type of something else",
        "an account without its key",
    ],
)
def test_what_is_wrong_with_an_account_is_said_where_it_stands(tmp_path: Path, text: str, problem: str) -> None:
    assert wrong(tmp_path, text) == problem


def test_an_account_nobody_names_is_a_warning(tmp_path: Path) -> None:
    config = read(tmp_path, WHOLE + MAIN + SHOP + POLL, {"TOKEN": "s3cret"}, WITH_ACCOUNTS)
    (warning,) = config.warnings
    assert warning.endswith("pipeline.toml: accounts.till no component names this account")


def test_an_account_with_something_wrong_in_it_is_not_also_missing(tmp_path: Path) -> None:
    told = wrong(tmp_path, MAIN.replace("token", "tokn") + POLL).splitlines()
    assert [line.split()[0] for line in told] == ["accounts.main.tokn", "accounts.main.token"]


# ---- connected later ----

LATER = """
[accounts.main]
type = "desk"
connect = true
"""


def test_an_account_that_is_connected_later_may_leave_out_what_is_needed(tmp_path: Path) -> None:
    config = read(tmp_path, WHOLE + LATER + POLL, {}, WITH_ACCOUNTS)
    account = config.accounts["main"]
    assert (account.type, account.settings, account.given) == ("desk", None, {"type": "desk"})
    assert config.warnings == ()


def test_what_stands_there_is_kept_with_its_secrets_read_and_shown_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    (tmp_path / "key").chmod(0o600)
    written = {'token = { file = "key" }': (), 'token = "${TOKEN}"': (), 'token = "s3cret"': ("written out",)}
    for line, warnings in written.items():
        config = read(tmp_path, WHOLE + LATER + line + POLL, {"TOKEN": "s3cret"}, WITH_ACCOUNTS)
        given = config.accounts["main"].given
        assert given is not None
        assert LoginSettings.model_validate(given).token.reveal() == "s3cret"
        assert "s3cret" not in repr(config)
        assert len(config.warnings) == len(warnings)
        assert all(word in warning for word, warning in zip(warnings, config.warnings, strict=True))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (LATER + 'tokn = "x"', "accounts.main.tokn   is not a setting of desk; did you mean"),
        (LATER + 'token = ""', "accounts.main.token   is empty"),
        (LATER + 'token = "${NO}"', "accounts.main.token   the environment variable NO is not set"),
        (LATER.replace("true", '"yes"') + 'token = "${TOKEN}"', "accounts.main.connect   must be true or false"),
        (LATER.replace("true", "false"), "accounts.main.token   is missing"),
        (LATER.replace("desk", "dsk"), 'accounts.main.type   "dsk" is not an account'),
    ],
)
def test_what_stands_there_must_be_right_all_the_same(tmp_path: Path, text: str, problem: str) -> None:
    assert wrong(tmp_path, text + POLL).startswith(problem)


@pytest.mark.parametrize("key", ['"x"', '"' + "0" * 63 + '"', '{ file = "nowhere" }'])
def test_a_key_that_is_none_is_a_problem_and_is_not_shown(tmp_path: Path, key: str) -> None:
    told = wrong(tmp_path, f"[daemon]\nkey = {key}\n")
    assert told.startswith("daemon.key")
    assert "0000" not in told
