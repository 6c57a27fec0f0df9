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


async def test_a_stop_is_heard_after_a_state_that_says_it_is_of_years_ahead(tmp_path: Path) -> None:
    async with in_step(tmp_path, actionkit={}) as it:
        number = it.user(ROSA, first_name="Rosa", user_sms_opt_in="yes")
        it.kit.world.db.run("UPDATE core_user SET updated_at = '2046-05-02T11:00:09' WHERE id = ?", number)
        async with running_in_step(it):
            await it.quiet()
            member = it.member(ROSA)
            assert member is not None
            assert (member.consent, member.consent_at <= it.clock.now()) == ("yes", True)
            it.clock.skip(60)
            it.kit.control.edit(number, fields={"sms_opt_in": "no"})
            await it.quiet()
            member = it.member(ROSA)
            assert member is not None
            assert member.consent == "no"
