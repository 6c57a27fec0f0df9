"""A state nobody says is that of the ZIP code; and nobody is told what they make of it themselves."""

from pathlib import Path

import pytest

from tests.in_step import FIELDS, in_step, looks_at_once, running_in_step

ROSA = "+15035550144"


async def test_a_member_whose_state_nobody_knows_gets_it_from_the_zip_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks_at_once(monkeypatch)
    async with in_step(tmp_path, actionkit={"fields": FIELDS | {"state": "two_way"}}) as it:
        number = it.user(ROSA, first_name="Rosa", zip="97201", user_sms_opt_in="yes")
        it.kit.world.db.run("UPDATE core_user SET state = '' WHERE id = ?", number)
        async with running_in_step(it):
            await it.quiet()
            assert (it.value(ROSA, "zip"), it.value(ROSA, "state")) == ("97201", "OR")
            assert it.writes()[0] == 0
