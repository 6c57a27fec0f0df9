"""The tags sink against the strict simulator."""

from typing import Any

import pytest
from pydantic import ValidationError

from groundswell.component import Delivered, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.action_network.simulator.faults import ANSWER_LOST
from groundswell.connectors.action_network.tags_sink import LOOK_AGAIN_S, ActionNetworkTagsSettings
from groundswell.errors import NotYetError, UnavailableError
from groundswell.record import Group, Person, Record
from tests.connectors.action_network.recording import Recording, action, recording
from tests.connectors.action_network.simulated import person_of

TAGS = "action_network.tags"


def tagged(crm: Recording, name: str) -> list[str]:
    """Who has the tag now, by number."""
    tag = crm.server.world.tag_named(name)
    return [] if tag is None else [one.person for one in crm.on(tag.uuid, "tags", "taggings")]


def rosa(crm: Recording) -> str:
    """The number of somebody who has been there for a while."""
    uuid = crm.server.control.uuids()[0]
    crm.server.control.edit(uuid, email="rosa@example.org", phone="15035550144")
    crm.settle()
    return uuid


def member(number: str, tag: str, of: str = "tag") -> Record:
    person = Person(ids={"action_network": number})
    group = Group(id="a1", title=tag, type=of)
    return Record(id="crm:member/1", kind="group_member", source="crm", person=person, group=group)


@pytest.mark.parametrize("known_by", ["email", "phone", "ids"])
async def test_somebody_is_tagged_however_they_are_known_and_the_tag_is_made(known_by: str) -> None:
    async with recording(TAGS, people=3, tags=["door knocker"]) as crm:
        number = rosa(crm)
        fields: dict[str, Any] = {
            "email": {"email": "Rosa@example.org"},
            "phone": {"phone": "+15035550144"},
            "ids": {"ids": {"action_network": number}},
        }[known_by]
        assert await crm.deliver(action(**fields)) == Delivered()
        assert tagged(crm, "door knocker") == [number]


async def test_the_same_again_writes_nothing_after_a_restart_either() -> None:
    async with recording(TAGS, people=3, tags=["door knocker"]) as crm:
        number = rosa(crm)
        assert await crm.deliver(action()) == Delivered()
        assert await crm.deliver(action()) == Skipped("unchanged")
        crm.settle()
        crm.start()
        assert await crm.deliver(action()) == Skipped("unchanged")
        assert tagged(crm, "door knocker") == [number]


async def test_a_tagging_whose_answer_was_lost_is_there_once() -> None:
    async with recording(TAGS, people=3, tags=["door knocker"]) as crm:
        number = rosa(crm)
        crm.server.faults.plan(ANSWER_LOST, method="POST", path="/taggings")
        assert isinstance(await crm.deliver(action()), Retry)
        assert await crm.deliver(action()) == Delivered()
        assert tagged(crm, "door knocker") == [number]


async def test_the_tags_of_a_record_are_put_on_where_that_is_asked_for() -> None:
    async with recording(TAGS, people=3, tags_from_record=True) as crm:
        number = rosa(crm)
        assert await crm.deliver(action(tags=["spring", "door knocker"])) == Delivered()
        assert await crm.deliver(member(number, "member")) == Delivered()
        assert await crm.deliver(member(number, "no tag", of="list")) == Skipped("no_tags")
        assert await crm.deliver(action()) == Skipped("no_tags")
        assert [tagged(crm, name) for name in ("spring", "door knocker", "member", "no tag")] == [[number]] * 3 + [[]]


async def test_tags_are_taken_off_and_none_is_made_for_it() -> None:
    async with recording(TAGS, people=3, tags=["door knocker", "unheard of"], mode="remove") as crm:
        number, other = rosa(crm), crm.server.control.uuids()[1]
        tag = crm.server.control.add_tag("door knocker")
        for one in (number, other):
            await crm.client.tag(crm.sink._caller, tag, one)
        crm.settle()
        assert await crm.deliver(action()) == Delivered()
        assert tagged(crm, "door knocker") == [other]
        assert crm.server.world.tag_named("unheard of") is None
        crm.settle()
        assert await crm.deliver(action()) == Skipped("unchanged")


async def test_a_tag_that_is_not_there_is_left_out_where_none_is_to_be_made() -> None:
    async with recording(TAGS, people=3, tags=["door knocker"], create_tags=False) as crm:
        rosa(crm)
        assert await crm.deliver(action()) == Skipped("unchanged")
        assert crm.server.world.tag_named("door knocker") is None


async def test_a_tag_somebody_deleted_is_made_again() -> None:
    async with recording(TAGS, people=3, tags=["door knocker"]) as crm:
        rosa(crm)
        assert await crm.deliver(action()) == Delivered()
        tag = crm.server.world.tag_named("door knocker")
        assert tag is not None
        crm.server.world.remove(tag)
        crm.settle()
        other = action(ids={"action_network": crm.server.control.uuids()[1]})
        outcome = await crm.deliver(other)
        assert isinstance(outcome, Retry)
        assert isinstance(outcome.error, UnavailableError)
        assert await crm.deliver(other) == Delivered()
        assert tagged(crm, "door knocker") == [crm.server.control.uuids()[1]]


async def test_somebody_whom_another_sink_makes_meanwhile_is_waited_for() -> None:
    async with recording(TAGS, tags=["door knocker"]) as crm:
        outcome = await crm.deliver(action())
        assert isinstance(outcome, Retry)
        assert isinstance(outcome.error, NotYetError)
        assert outcome.error.retry_after_s == LOOK_AGAIN_S[0]
        made = await crm.client.sign_up(crm.sink._caller, person_of(email="rosa@example.org"))
        crm.settle()
        assert await crm.deliver(action(), 1) == Delivered()
        assert [f"action_network:{one}" for one in tagged(crm, "door knocker")] == made["identifiers"]


@pytest.mark.parametrize(("choice", "outcome"), [("reject", Rejected), ("skip", Skipped)])
async def test_somebody_who_never_comes_is_given_up_and_nobody_is_made(choice: str, outcome: type[Outcome]) -> None:
    async with recording(TAGS, tags=["door knocker"], unknown_people=choice) as crm:
        for attempt in range(len(LOOK_AGAIN_S)):
            assert isinstance(await crm.deliver(action(), attempt), Retry)
        given_up = await crm.deliver(action(), len(LOOK_AGAIN_S))
        assert isinstance(given_up, outcome)
        assert given_up.reason == "unknown_person"  # type: ignore[attr-defined]
        assert crm.server.control.people == 0


@pytest.mark.parametrize(
    ("person", "reason"),
    [({"first_name": "Rosa"}, "no_identity"), ({"email": "o'brien@example.org"}, "cannot_be_looked_up")],
)
async def test_who_cannot_be_looked_up_is_a_dead_letter_with_the_reason(person: dict[str, str], reason: str) -> None:
    async with recording(TAGS, tags=["door knocker"]) as crm:
        outcome = await crm.deliver(action(**person))
        assert isinstance(outcome, Rejected)
        assert outcome.reason == reason
        assert "brien" not in outcome.message


def test_tags_must_come_from_somewhere() -> None:
    for wrong in ({}, {"tags": [" "]}):
        with pytest.raises(ValidationError, match="has "):
            ActionNetworkTagsSettings(type="x", inputs=["x"], account="network", **wrong)
