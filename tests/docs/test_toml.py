"""Every TOML block on a page is a configuration, or becomes one with what it leaves out."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from groundswell.config.load import load
from groundswell.errors import ConfigError
from tests.certificates import write_pair
from tests.docs.pages import PAGES, blocks, named

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ACCOUNTS = {
    "actionkit": 'type = "actionkit"\nhost = "act.example.org"\nusername = "groundswell"\npassword = "x"',
    "action_network": 'type = "action_network"\ntoken = "x"',
    "actblue": 'type = "actblue"\nclient_id = "0b6c1d5e-0000-4000-8000-5f2a9c7e1d44"\nclient_secret = "x"',
}


def toml_blocks() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for line, text in blocks(page, "toml"):
            yield f"{named(page)}:{line}", text


def completed(text: str) -> str:
    """With a source, a sink, and the accounts and inputs it names."""
    tables: dict[str, Any] = tomllib.loads(text)
    parts = {role: tables.get(role, {}) for role in ("accounts", "sources", "transforms", "sinks", "sync")}
    here = parts["sources"] | parts["transforms"] | parts["sync"]
    users = [*parts["sources"].values(), *parts["sinks"].values(), *parts["sync"].values()]
    takers = [*parts["transforms"].values(), *parts["sinks"].values()]
    more = [_account(name, users) for name in _missing(users, "account", parts["accounts"])]
    more += [_file(name) for name in _missing(takers, "inputs", here)]
    for test in tables.get("tests", []):
        crm = [name for name in test.get("expect", {}) if name not in here and name not in parts["sinks"]]
        more += [_file(name) for name in (test["source"],) if name not in here]
        more += [
            f'[sinks.{name}]\ntype = "jsonl"\ninputs = ["{test["source"]}"]\npath = "{name}.jsonl"' for name in crm
        ]
    if not parts["sources"] and not parts["sync"] and not any("[sources." in part for part in more):
        more.append(_file("something"))
    if not parts["sinks"] and not parts["sync"] and "tests" not in tables:
        names = [*here, *re.findall(r"\[sources\.(\w+)\]", "\n".join(more))]
        more.append(f'[sinks.anywhere]\ntype = "jsonl"\ninputs = {names}\npath = "anywhere.jsonl"'.replace("'", '"'))
    return "\n".join([text, *more])


def _missing(users: list[Any], key: str, there: Mapping[str, Any]) -> list[str]:
    named_ = [name for user in users for name in (user.get(key) or []) if key == "inputs"]
    named_ += [user[key] for user in users if key == "account" and isinstance(user.get(key), str)]
    return [name for name in dict.fromkeys(named_) if name not in there]


def _account(name: str, users: list[Any]) -> str:
    user = next(user for user in users if user.get("account") == name)
    vendor = user.get("type", "").partition(".")[0]
    vendor = vendor or ("actionkit" if {"import_page", "opt_in_field"} & user.keys() else "action_network")
    return f"[accounts.{name}]\n{ACCOUNTS[vendor]}"


def _file(name: str) -> str:
    return f'[sources.{name}]\ntype = "jsonl"\npath = "{name}.jsonl"'


def wrong_with(text: str, directory: Path) -> str | None:
    """What `groundswell check` would say of it, where its variables, files and credentials are there."""
    whole = completed(text)
    environ = {name: _value(name) for name in re.findall(r"\$\{(\w+)", whole)} | {
        "CREDENTIALS_DIRECTORY": str(directory)
    }
    for kind, name in re.findall(r'\b(file|credential) = "([^"]+)"', whole):
        path = directory / Path(name).name
        path.write_text(_value(name))
        path.chmod(0o600)
        if kind == "file":
            whole = whole.replace(f'file = "{name}"', f'file = "{path}"')
    for name in re.findall(r'certificate += "(\w+)\.crt"', whole):
        write_pair(directory, name)
    (directory / "pipeline.toml").write_text(whole)
    try:
        load([directory / "pipeline.toml"], environ)
    except ConfigError as exc:
        return str(exc)
    return None


def _value(name: str) -> str:
    return "https://example.org/records" if name.endswith("URL") else SECRET


@pytest.mark.parametrize(("where", "text"), list(toml_blocks()), ids=[where for where, _ in toml_blocks()])
def test_a_block_is_a_configuration(where: str, text: str, tmp_path: Path) -> None:
    assert wrong_with(text, tmp_path) is None


@pytest.mark.parametrize("page", sorted((Path(__file__).parents[2] / "docs" / "set-ups").glob("*.md")))
def test_a_set_up_is_a_whole_configuration(page: Path) -> None:
    ((_, text),) = blocks(page, "toml")
    assert completed(text).strip() == text.strip()


def test_a_block_that_is_wrong_is_noticed(tmp_path: Path) -> None:
    assert wrong_with('[sinks.crm]\ntype = "http"\ninputs = ["x"]\nurll = "https://example.org"', tmp_path) is not None
