"""What a sync wanted written and an account refused: retried, corrected elsewhere, and what may be mended by hand."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from groundswell.connectors.actionkit.simulator.faults import Fault
from groundswell.members.member import Link
from groundswell.ops.client import OpsError
from groundswell.ops.messages import ListLetters, Nothing, PickLetters, ShowLetter
from groundswell.ops.operations import DASHBOARD, DEAD_EDIT, DEAD_LIST, DEAD_RETRY, DEAD_SHOW
from groundswell.ops.record_messages import EditLetter
from tests.in_step import InStep, in_step, looks_at_once, running_in_step
from tests.pipelines.conftest import Groundswell
from tests.pipelines.ops_pipeline import ask, browsing
from tests.running import until

ROSA = "+15035550144"
COLOR = "custom.favorite_color"
REFUSED = Fault("400", status=400)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    looks_at_once(monkeypatch)


class Refused(msgspec.Struct):
    """Rosa, whose new colour ActionKit would not take: dead letter 1."""

    it: InStep
    user: int
    uuid: str

    @property
    def link(self) -> Link:
        link = self.it.link("kit", self.user)
        assert link is not None
        return link

    @property
    def colors(self) -> tuple[str | None, str | None, str | None]:
        """At ActionKit, of the member, at Action Network."""
        there = self.it.person_of(self.uuid)["custom_fields"].get("favorite_color")
        return self.it.user_of(self.user)["fields"].get("favorite_color"), self.it.value(ROSA, COLOR), there

    def is_in_step_at(self, color: str) -> bool:
        """Whether all have it, and the sync knows that they have."""
        known = (self.link.state, self.link.reason, self.link.base.get(COLOR), self.link.seen.get(COLOR))
        under_way = (self.link.pending, self.link.lost)
        return (self.colors, known, under_way) == ((color,) * 3, ("synced", "", color, color), ({}, ()))


@asynccontextmanager
async def refused(directory: Path) -> AsyncIterator[Refused]:
    async with in_step(directory, actionkit={}, network={}) as it:
        user = it.user(ROSA, first_name="Rosa", user_sms_opt_in="yes", user_favorite_color="red")
        uuid = it.someone(ROSA, status="subscribed", given_name="Rosa", custom_fields={"favorite_color": "red"})
        async with running_in_step(it) as daemon:
            await it.quiet()
            it.kit.faults.plan(REFUSED, method="POST", path="action")
            it.clock.skip(60)
            it.network.control.edit(uuid, custom={"favorite_color": "blue"})
            await until(lambda: daemon.metrics.totals().get("actionkit_write", {}).get("dead") == 1)
            await it.quiet()
            it.clock.skip(60)
            yield Refused(it, user, uuid)


async def edited(directory: Path, number: int = 1, **person: Any) -> EditLetter:
    """The letter with these fields of its person changed."""
    body = msgspec.json.decode((await ask(directory, DEAD_SHOW, ShowLetter(number))).body)
    return EditLetter(number, msgspec.json.encode({**body, "person": body["person"] | person}).decode())


async def test_what_a_sync_wants_written_is_not_mended_by_hand_but_where_the_person_is(tmp_path: Path) -> None:
    async with refused(tmp_path) as rosa:
        before = rosa.link
        with pytest.raises(OpsError, match="would write the same again") as caught:
            await ask(tmp_path, DEAD_EDIT, await edited(tmp_path, custom={"favorite_color": "azure"}))
        left = await ask(tmp_path, DEAD_LIST, ListLetters())
        async with browsing(rosa.it.daemon) as browser:
            code = (await ask(tmp_path, DASHBOARD, Nothing())).code
            await browser.post("/login", {"code": code})
            page = (await browser.get("/dead/1")).text
        assert rosa.link == before
    assert (caught.value.status, left.total) == (409, 1)
    assert f"groundswell person --account kit --number {rosa.user} --explain" in str(caught.value)
    assert "It cannot be mended here: actionkit_write is to write what the members say" in page
    assert "<textarea" not in page
    assert (before.state, before.reason) == ("error", "invalid")
    assert [one.value for one in before.pending[COLOR]] == ["blue"]


async def test_once_it_is_retried_and_taken_they_are_in_step_and_the_sync_knows(tmp_path: Path) -> None:
    async with refused(tmp_path) as rosa:
        await ask(tmp_path, DEAD_RETRY, PickLetters(ids=[1]))
        assert rosa.link.state in ("pending", "synced"), "it has not failed any more: it is under way"
        await rosa.it.quiet()
        assert rosa.is_in_step_at("blue")
        writes = rosa.it.writes()
        rosa.it.kit.control.edit(rosa.user, fields={"favorite_color": "teal"})
        await rosa.it.quiet()
        assert rosa.is_in_step_at("teal"), "what they had agreed on was right: this is told from it as an edit"
        assert rosa.it.writes() == (writes[0], writes[1] + 1)


@pytest.mark.parametrize("where", ["where the value came from", "where it was refused"])
async def test_a_person_who_is_corrected_is_written_anew_and_the_old_letter_does_no_harm(
    where: str, tmp_path: Path
) -> None:
    async with refused(tmp_path) as rosa:
        if where == "where it was refused":
            rosa.it.kit.control.edit(rosa.user, fields={"favorite_color": "teal"})
        else:
            rosa.it.network.control.edit(rosa.uuid, custom={"favorite_color": "teal"})
        await rosa.it.quiet()
        assert rosa.is_in_step_at("teal")
        (letter,) = (await ask(tmp_path, DEAD_LIST, ListLetters())).letters
        await ask(tmp_path, DEAD_RETRY, PickLetters(ids=[1]))
        await rosa.it.quiet()
        assert rosa.is_in_step_at("teal")
        assert letter.record_id.startswith(f"groundswell:write/kit.{rosa.user}@")


# ---- somebody who is to be made ----


@asynccontextmanager
async def not_made(directory: Path) -> AsyncIterator[InStep]:
    """Ada, a member by Action Network, whom ActionKit would not make: dead letter 1."""
    more: Mapping[str, Any] = {"create_users": True, "create_for": "everybody"}
    async with in_step(directory, actionkit=more, network={}) as it:
        it.someone(ROSA, email="ada@example.org", status="subscribed", given_name="Ada")
        it.kit.faults.plan(REFUSED, method="POST", path="action")
        async with running_in_step(it) as daemon:
            await until(lambda: daemon.metrics.totals().get("actionkit_write", {}).get("dead") == 1)
            await it.quiet()
            yield it


async def test_who_is_to_be_made_can_be_mended_and_is_linked_once_made(tmp_path: Path) -> None:
    async with not_made(tmp_path) as it:
        member = it.member(ROSA)
        assert member is not None
        marker = it.link("kit", f"new:{member.id}")
        done = await ask(tmp_path, DEAD_EDIT, await edited(tmp_path, email="ada.l@example.org"))
        await it.quiet()
        user = it.user_by("ada.l@example.org")
        assert user is not None
        link = it.link("kit", user["id"])
        assert link is not None
        assert (link.member, link.state, link.email, link.pending) == (member.id, "synced", "ada.l@example.org", {})
        assert it.link("kit", f"new:{member.id}") is None
        assert it.user_by("ada@example.org") is None
        assert it.value(ROSA, "email") == "ada@example.org", "populate: what the member has stays"
    assert marker is not None
    assert (marker.state, marker.reason) == ("error", "invalid")
    assert (done.sink, done.changed) == ("actionkit_write", ["person.email"])


@pytest.mark.parametrize(
    "person",
    [
        {"phone": "+15035550199", "sms_opt_in": False},
        {"ids": {"groundswell": "1", "actionkit": "7"}},
        {"sms_opt_in": False},
    ],
    ids=["phone", "ids", "opt-in"],
)
async def test_by_what_the_sync_will_know_them_has_to_stay(person: dict[str, Any], tmp_path: Path) -> None:
    async with not_made(tmp_path) as it:
        with pytest.raises(OpsError, match=r"Leave person\.phone, person\.ids"):
            await ask(tmp_path, DEAD_EDIT, await edited(tmp_path, **person))
        assert (await ask(tmp_path, DEAD_LIST, ListLetters())).total == 1
        assert it.user_by("ada@example.org") is None


@pytest.mark.usefixtures("no_log")
async def test_a_creation_that_is_retried_has_failed_no_more(type_in: Groundswell, tmp_path: Path) -> None:
    async with not_made(tmp_path) as it:
        failed = await type_in("person", ROSA)
        await ask(tmp_path, DEAD_RETRY, PickLetters(all=True))
        await it.quiet()
        made = await type_in("person", ROSA)
    assert "error" in failed.out
    assert "error" not in made.out
