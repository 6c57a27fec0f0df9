"""ActBlue's webhooks into a real daemon: who may send, what is answered, and what becomes of each body."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from groundswell.ops.messages import NameKey, Nothing
from groundswell.ops.operations import KEYS_CREATE, STATUS
from groundswell.runtime.daemon import Daemon
from tests.connectors.actblue.webhook_bodies import cancellation, donor, gift, lineitem, refund
from tests.pipelines.ops_pipeline import ask
from tests.running import FREE_PORTS, basic, post, running, until

PIPELINE = (
    FREE_PORTS
    + """
[sources.gifts]
type = "actblue.webhook"
path = "/webhooks/actblue/v1/gifts"
entities = [90210]
%s
[transforms.opt_in]
type = "normalise_opt_in"
inputs = ["gifts"]
[sinks.archive]
type = "jsonl"
inputs = ["opt_in"]
path = "records.jsonl"
"""
)
OWN_LOGIN = 'auth = { type = "basic", username = "actblue", password = "long and typed in once" }'
LOGIN = basic("actblue", "long and typed in once")


def written(directory: Path) -> list[dict[str, Any]]:
    file = directory / "records.jsonl"
    return [msgspec.json.decode(line) for line in file.read_bytes().splitlines()] if file.exists() else []


def delivered(daemon: Daemon) -> float:
    return daemon.metrics.totals().get("archive", {}).get("delivered", 0)


async def test_the_three_types_at_one_url_each_become_their_record_once(tmp_path: Path) -> None:
    async with running(PIPELINE % OWN_LOGIN, tmp_path) as daemon:
        # In the wrong order, as it may be, and one of them twice.
        for body, answer in (
            (refund(), {"accepted": 1, "duplicates": 0}),
            (gift(), {"accepted": 1, "duplicates": 0}),
            (gift(), {"accepted": 0, "duplicates": 1}),
            (cancellation(), {"accepted": 1, "duplicates": 0}),
            (gift(lineitem(1), lineitem(2), lineitem(3, entityId=5)), {"accepted": 2, "duplicates": 0}),
        ):
            assert await post(daemon, "gifts", body, headers=LOGIN) == (200, answer)
        await until(lambda: delivered(daemon) == 5)
        status = await ask(tmp_path, STATUS, Nothing())
    assert sorted((line["kind"], line["id"]) for line in written(tmp_path)) == [
        ("cancellation", "actblue:cancellation/AB700000123"),
        ("donation", "actblue:contribution/1"),
        ("donation", "actblue:contribution/2"),
        ("donation", "actblue:contribution/990011223"),
        ("refund", "actblue:refund/990011223"),
    ]
    (gifts,) = (one for one in status.components if one.name == "gifts")
    assert gifts.notes == {"not_ours": 1}


async def test_a_second_body_with_the_same_line_item_and_other_content_is_a_duplicate(tmp_path: Path) -> None:
    async with running(PIPELINE % OWN_LOGIN, tmp_path) as daemon:
        await post(daemon, "gifts", gift(lineitem("990011223"), donor=donor(city="Duluth")), headers=LOGIN)
        again = await post(daemon, "gifts", gift(donor=donor(city="Superior")) | {"new": 1}, headers=LOGIN)
    assert again == (200, {"accepted": 0, "duplicates": 1})


async def test_an_api_key_lets_in_and_nothing_else_does(tmp_path: Path) -> None:
    async with running(PIPELINE % "", tmp_path) as daemon:
        key = await ask(tmp_path, KEYS_CREATE, NameKey("actblue"))
        for headers in ({}, LOGIN, basic(key.account_id, "wrong"), {"Authorization": "Bearer x"}):
            status, _ = await post(daemon, "gifts", gift(), headers=headers)
            assert status == 401
        assert await post(daemon, "gifts", gift(), headers=basic(key.account_id, key.secret)) == (
            200,
            {"accepted": 1, "duplicates": 0},
        )


@pytest.mark.parametrize("headers", [LOGIN | {"Content-Type": "text/plain"}, LOGIN])
async def test_whatever_type_the_body_is_said_to_be_it_is_taken(tmp_path: Path, headers: dict[str, str]) -> None:
    async with running(PIPELINE % OWN_LOGIN, tmp_path) as daemon:
        assert (await post(daemon, "gifts", gift(), headers=headers))[0] == 200


async def test_what_is_not_understood_is_kept_with_its_reason_and_what_is_no_json_is_refused(tmp_path: Path) -> None:
    async with running(PIPELINE % OWN_LOGIN, tmp_path) as daemon:
        for body, status in (
            ({"hello": "world"}, 200),
            (gift(lineitem(amount="-5.0")), 200),
            (gift(status="chargeback"), 200),
            (b"<xml/>", 400),
        ):
            assert (await post(daemon, "gifts", body, headers=LOGIN))[0] == status
        await until(lambda: daemon.metrics.totals().get("gifts", {}).get("dead", 0) == 4)
        groups = await daemon.store.dead_groups()
    assert sorted(group.reason for group in groups) == ["bad_amount", "no_lineitem", "unknown_status", "unreadable"]


async def test_too_many_line_items_are_refused_whole(tmp_path: Path) -> None:
    async with running(PIPELINE % OWN_LOGIN, tmp_path) as daemon:
        many = b'{"lineitems":[' + b",".join([b'{"lineitemId":7}'] * 10_001) + b"]}"
        status, answer = await post(daemon, "gifts", many, headers=LOGIN)
        assert (status, delivered(daemon)) == (413, 0)
    assert "10000 line items" in answer["error"]
