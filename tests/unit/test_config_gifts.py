"""Gifts that would count twice are warned of, with both ways; what cannot double is let be."""

from pathlib import Path

import pytest
from configurations import read

from groundswell.registry import REGISTRY

ACCOUNTS = """
[accounts.crm]
type = "actionkit"
host = "act.example.org"
username = "groundswell"
password = "${SECRET}"

[accounts.same]
type = "actionkit"
host = "https://act.example.org"
username = "somebody"
password = "${SECRET}"

[accounts.others]
type = "actionkit"
host = "act.example.com"
username = "groundswell"
password = "${SECRET}"

[accounts.network]
type = "action_network"
token = "${SECRET}"

[accounts.second]
type = "action_network"
token = "${SECRET}"
"""
HOOK = """
[sources.hook]
type = "jsonl"
path = "gifts.jsonl"
"""


def poll(vendor: str, account: str, collections: str = '["donations", "people"]') -> str:
    collections = collections.replace("people", "users") if vendor == "actionkit" else collections
    return f'[sources.back]\ntype = "{vendor}.poll"\naccount = "{account}"\ncollections = {collections}\n'


def donations(name: str, *inputs: str, account: str = "crm", enabled: bool = True, more: str = "") -> str:
    return (
        f'[sinks.{name}]\ntype = "actionkit.donations"\naccount = "{account}"\npage = "given"\n'
        f"enabled = {str(enabled).lower()}\ninputs = {list(inputs)}\n{more}"
    )


def forwarded(name: str, *inputs: str, account: str = "crm", enabled: bool = True) -> str:
    return (
        f'[sinks.{name}]\ntype = "actionkit.actblue"\naccount = "{account}"\nenabled = {str(enabled).lower()}\n'
        f"inputs = {list(inputs)}\n"
    )


def recorded(name: str, *inputs: str, account: str = "network", collection: str = "fundraising_pages") -> str:
    page = 'make_page = { title = "Gifts" }'
    if collection != "fundraising_pages":
        page = 'page = "0b6c1d5e-0000-4000-8000-5f2a9c7e1d44"'
    return (
        f'[sinks.{name}]\ntype = "action_network.records"\naccount = "{account}"\ncollection = "{collection}"\n'
        f"{page}\ninputs = {list(inputs)}\n"
    )


def only(name: str, *inputs: str) -> str:
    where = '[{ field = "donation.recipient", equals = "Harbor Fund" }]'
    return f'[transforms.{name}]\ntype = "filter"\ninputs = {list(inputs)}\nwhere = {where}\n'


def twice(directory: Path, *parts: str) -> list[str]:
    """The warnings of gifts that count twice."""
    (directory / "gifts.jsonl").touch()
    config = read(directory, ACCOUNTS + "".join(parts), {"SECRET": "s3cret"}, REGISTRY)
    return [one for one in config.warnings if "twice" in one and ".inputs " in one]


def test_both_sinks_for_one_actionkit_are_warned_of_with_both_ways(tmp_path: Path) -> None:
    tidy = '[transforms.tidy]\ntype = "normalise_phone"\ninputs = ["hook"]\n'
    (warning,) = twice(tmp_path, HOOK, tidy, donations("money", "hook"), forwarded("told", "tidy"))
    assert warning.endswith(
        "pipeline.toml: sinks.told.inputs bring gifts of sources.hook that sinks.money gets too (hook -> money; "
        "hook -> tidy -> told), and both write to the same place (accounts.crm): each may count twice. Keep one of "
        "the two sinks, or give each a filter of its own, so that no gift passes both"
    )


@pytest.mark.parametrize(
    "parts",
    [
        (donations("a", "hook"), donations("b", "hook")),
        (donations("a", "hook"), donations("b", "hook", more='key_field = "other"\n')),
        (donations("a", "hook"), donations("b", "hook", account="same")),
        (donations("a", "hook"), forwarded("b", "hook", account="same")),
        (recorded("a", "hook"), recorded("b", "hook")),
        (only("some", "hook"), donations("a", "some"), donations("b", "hook")),
        (only("some", "hook"), donations("a", "some"), donations("b", "some")),
    ],
    ids=["two", "two keys", "one host", "both kinds", "network", "all and some", "behind one filter"],
)
def test_what_writes_a_gift_twice_at_one_place_is_warned_of(tmp_path: Path, parts: tuple[str, ...]) -> None:
    (warning,) = twice(tmp_path, HOOK, *parts)
    assert "sinks.b.inputs bring gifts of sources.hook that sinks.a gets too" in warning


@pytest.mark.parametrize(
    "parts",
    [
        (donations("a", "hook"), forwarded("b", "hook", enabled=False)),
        (donations("a", "hook", enabled=False), forwarded("b", "hook")),
        (donations("a", "hook"), donations("b", "hook", account="others")),
        (donations("a", "hook"), recorded("b", "hook")),
        (recorded("a", "hook"), recorded("b", "hook", account="second")),
        (recorded("a", "hook"), recorded("b", "hook", collection="forms")),
        (only("one", "hook"), only("other", "hook"), donations("a", "one"), forwarded("b", "other")),
        (donations("a", "hook"), poll("actionkit", "crm"), forwarded("b", "back")),
        (donations("a", "hook", "back"), poll("actionkit", "crm")),
        (donations("a", "back"), forwarded("b", "back"), poll("action_network", "network"), recorded("c", "hook")),
    ],
    ids=[
        "one is off", "the other is off", "two hosts", "two vendors", "two networks", "no gifts there", "kept apart",
        "read there", "its own echo", "not ActBlue's",
    ],
)  # fmt: skip
def test_what_cannot_double_is_let_be(tmp_path: Path, parts: tuple[str, ...]) -> None:
    assert twice(tmp_path, HOOK, *parts) == []


def test_a_gift_that_comes_back_as_another_is_warned_of(tmp_path: Path) -> None:
    parts = (donations("a", "hook"), poll("actionkit", "crm"), recorded("b", "hook", "back"))
    (warning,) = twice(tmp_path, HOOK, *parts)
    assert "sinks.b.inputs bring a gift of sources.hook twice: straight (hook -> b)" in warning
    assert "as one of sources.back (hook -> a, read there again: back -> b)" in warning
    parts = (recorded("a", "hook"), poll("action_network", "network"), donations("b", "hook", "back"))
    (warning,) = twice(tmp_path, HOOK, *parts)
    assert "sinks.b.inputs" in warning


@pytest.mark.parametrize(
    "parts",
    [
        (donations("a", "hook"), poll("actionkit", "crm", '["people"]'), recorded("b", "hook", "back")),
        (donations("a", "hook"), poll("actionkit", "others"), recorded("b", "hook", "back")),
        (donations("a", "hook"), poll("actionkit", "crm"), recorded("b", "back")),
        (donations("a", "hook"), poll("actionkit", "crm"), only("some", "back"), recorded("b", "hook", "some")),
    ],
    ids=["no gifts are read", "another host", "one way", "kept apart"],
)
def test_a_gift_that_does_not_come_back_is_let_be(tmp_path: Path, parts: tuple[str, ...]) -> None:
    assert twice(tmp_path, HOOK, *parts) == []
