"""`plan` says what the next round does, and it does just that; `drift` counts what differs, and lets go of the gone."""

from pathlib import Path
from random import Random

import anyio
import pytest

from groundswell.config.load import load
from groundswell.config.model import Config
from groundswell.runtime.drifting import Drift, drift
from groundswell.runtime.planning import Planned, plan
from groundswell.store.store import Store
from tests.in_step import InStep, in_step, looks_at_once, running_in_step
from tests.running import write_config
from tests.town import FIELDS, Town

SETTINGS = {"fields": FIELDS, "rate": "10000/s"}
ROSA, KEN = "+15035550144", "+15035550145"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks_at_once(monkeypatch)


def config_of(it: InStep) -> Config:
    return load([write_config(it.directory, it.text)], {})


async def planned(it: InStep) -> Planned:
    config = config_of(it)
    path = it.directory / config.daemon.state
    it.clock.skip(2)
    if not path.exists():
        return await plan(config, None, ["actionkit", "network"], it.clock)
    async with Store(path) as store:
        return await plan(config, store, ["actionkit", "network"], it.clock)


async def drifted(it: InStep, name: str, *, lets_go: bool = False) -> Drift:
    config = config_of(it)
    it.clock.skip(2)
    async with Store(it.directory / config.daemon.state) as store:
        return await drift(config, store, name, None, it.clock, Random(1), lets_go=lets_go)


async def run_until_quiet(it: InStep) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(it.clock.hurry)
        async with running_in_step(it):
            await it.quiet()
        tasks.cancel_scope.cancel()


async def test_running_right_after_a_plan_does_just_what_it_said(tmp_path: Path) -> None:
    async with in_step(tmp_path, actionkit=SETTINGS, network=SETTINGS) as it:
        town = Town(it.kit, it.network, 40, Random(7))
        await run_until_quiet(it)
        it.clock.skip(3600)
        for one in town.some(12):
            town.edit(one)
        it.clock.skip(60)
        before = it.writes()
        said = await planned(it)
        assert it.writes() == before  # it wrote nothing
        to_remote = {(edit.sync, edit.remote_id) for edit in said.edits if edit.to == "remote"}
        assert to_remote, said
        await run_until_quiet(it)
        assert sum(it.writes()) - sum(before) == len(to_remote)
        for edit in said.edits:
            if edit.to == "remote":
                assert _there(it, edit.sync, str(edit.remote_id), edit.field) == edit.after
        assert (await planned(it)).edits == []


async def test_before_the_first_run_the_plan_is_everybody(tmp_path: Path) -> None:
    async with in_step(tmp_path, actionkit=SETTINGS) as it:
        it.user(ROSA, first_name="Rosa", user_sms_opt_in="yes")
        it.user(None, first_name="Ada", user_sms_opt_in="yes")
        config = config_of(it)
        it.clock.skip(2)
        said = await plan(config, None, ["actionkit"], it.clock)
        assert {(edit.to, edit.field, edit.after) for edit in said.edits} >= {
            ("member", "first_name", "Rosa"),
            ("member", "sms_opt_in", "true"),
        }
        assert said.notes["actionkit"]["no_phone"] == 1
        assert not (it.directory / config.daemon.state).exists()


async def test_drift_tells_what_agrees_from_what_was_edited_since(tmp_path: Path) -> None:
    async with in_step(tmp_path, actionkit=SETTINGS) as it:
        rosa = it.user(ROSA, first_name="Rosa", user_sms_opt_in="yes")
        it.user(KEN, first_name="Ken", user_sms_opt_in="no")
        await run_until_quiet(it)
        it.kit.control.edit(rosa, first_name="Rosalind")
        found = await drifted(it, "actionkit")
        assert (found.linked, found.gone) == (2, 0)
        names = found.fields["first_name"]
        assert (names.agree, names.edited, names.under_way, names.left) == (1, 1, 0, 0)
        assert found.fields["sms_opt_in"].agree == 2


async def test_who_is_gone_is_let_go_and_the_next_with_the_phone_takes_the_place(tmp_path: Path) -> None:
    async with in_step(tmp_path, actionkit=SETTINGS) as it:
        first = it.user(ROSA, first_name="Rosa", user_sms_opt_in="yes")
        second = it.user(ROSA, first_name="Rosalind", user_sms_opt_in="yes")
        await run_until_quiet(it)
        it.kit.world.db.run("DELETE FROM core_user WHERE id = ?", first)
        found = await drifted(it, "actionkit", lets_go=True)
        assert (found.gone, found.heirs) == (1, 1)
        async with Store(it.directory / "groundswell.db") as store:
            gone, heir = store.shelf.link("kit", str(first)), store.shelf.link("kit", str(second))
            assert gone is not None
            assert heir is not None
            assert (gone.state, gone.member, heir.state) == ("gone", None, "pending")  # the member's name is written
            assert heir.member == gone.of
        assert (await drifted(it, "actionkit")).gone == 0


def _there(it: InStep, sync: str, remote_id: str, field: str) -> str | None:
    name = field.removeprefix("custom.")
    if sync == "actionkit":
        user = it.user_of(int(remote_id))
        return user["fields"].get(name) if name != field or field == "sms_opt_in" else user[name]
    person = it.person_of(remote_id)
    if field == "sms_opt_in":
        return {"subscribed": "true", "unsubscribed": "false"}[person["phone_numbers"][0]["status"]]
    if name != field:
        return person["custom_fields"].get(name)
    theirs = {"first_name": "given_name", "last_name": "family_name"}.get(field)
    if theirs is not None:
        return person[theirs]
    if field == "email":
        return person["email_addresses"][0]["address"]
    return person["postal_addresses"][0]["postal_code"]
