"""A stop counts everywhere, wherever it was said: in a chain without a sync, or in one of several syncs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from groundswell.record import utc_stamp
from tests.in_step import in_step, running_in_step
from tests.running import post, until

PHONE = "+15035550144"
CHAIN = """
[sources.said]
type = "http.webhook"
auth = "none"
id_field = "id"

[transforms.mapped]
type = "map_fields"
inputs = ["said"]
fields = { kind = "raw.kind", phone = "raw.phone", sms_opt_in = "raw.opt_in", occurred_at = "raw.at" }

[transforms.opt_in]
type = "normalise_opt_in"
inputs = ["mapped"]

[transforms.texted]
type = "dedupe_phone"
inputs = ["opt_in"]

[transforms.shown]
type = "map_fields"
inputs = ["texted"]
fields = { "custom.from" = "source" }

[sinks.texts]
type = "jsonl"
inputs = ["shown"]
path = "texts.jsonl"
"""


def said(number: int, word: str, at: float) -> list[dict[str, Any]]:
    moment = utc_stamp(datetime.fromtimestamp(at, UTC))
    return [{"id": number, "kind": "action", "phone": PHONE, "opt_in": word, "at": moment}]


def texted(directory: Path) -> list[bool | None]:
    """What the SMS platform was told of the opt-in, in order."""
    path = directory / "texts.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [msgspec.json.decode(line)["person"].get("sms_opt_in") for line in lines]


async def test_a_stop_said_in_a_chain_is_written_to_every_account(tmp_path: Path) -> None:
    async with in_step(tmp_path, actionkit={}, network={}, more=CHAIN) as it:
        user = it.user(PHONE, user_sms_opt_in="yes")
        uuid = it.someone(PHONE, status="subscribed")
        async with running_in_step(it) as daemon:
            await it.quiet()
            it.clock.skip(60)
            await post(daemon, "said", said(1, "no", it.clock.now()))
            await until(lambda: it.user_of(user)["fields"]["sms_opt_in"] == "false")
            await until(lambda: it.person_of(uuid)["phone_numbers"][0]["status"] == "unsubscribed")
            await it.quiet()
            it.clock.skip(60)
            await post(daemon, "said", said(2, "yes", it.clock.now()))
            await until(lambda: it.user_of(user)["fields"]["sms_opt_in"] == "true")
            # There it waits until the no before it has been seen.
            await until(lambda: it.person_of(uuid)["phone_numbers"][0]["status"] == "subscribed")
            await it.quiet()
            before = it.writes()
            await post(daemon, "said", said(3, "yes", it.clock.now()))
            await it.quiet()
            assert it.writes() == before


async def test_a_stop_heard_in_a_sync_reaches_whoever_a_chain_passed_the_phone_to(tmp_path: Path) -> None:
    async with in_step(tmp_path, actionkit={}, more=CHAIN) as it:
        user = it.user(PHONE, user_sms_opt_in="yes")
        other = it.user("+15035550145", user_sms_opt_in="yes")
        async with running_in_step(it) as daemon:
            await it.quiet()
            await post(daemon, "said", said(1, "yes", it.clock.now()))
            await until(lambda: texted(tmp_path) == [True])
            it.clock.skip(60)
            for number in (user, other):  # the other one was never passed on, and is not told of
                it.kit.control.edit(number, fields={"sms_opt_in": "no"})
            await it.quiet()
            await until(lambda: texted(tmp_path) == [True, False])
            it.kit.control.edit(user, first_name="Rosa")
            await it.quiet()
            assert texted(tmp_path) == [True, False]
