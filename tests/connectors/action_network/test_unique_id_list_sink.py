"""Lists of people to write to, against the strict simulator: everybody is on at least one, whatever goes wrong."""

from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from groundswell.component import Delivered, Rejected, Retry, Skipped
from groundswell.connectors.action_network import unique_id_list_sink
from groundswell.connectors.action_network.simulator.calls import api, audiences
from groundswell.connectors.action_network.simulator.faults import ANSWER_LOST, DROPPED
from groundswell.errors import NotYetError
from groundswell.record import Record
from tests.connectors.action_network.recording import Recording, action, recording

LIST = "action_network.unique_id_list"
NAME = "Door knockers of May"


def lists(crm: Recording) -> dict[str, set[str]]:
    """Who is on each of our lists, by number."""
    world = crm.server.world
    return {
        one.fields["name"]: {world.people.now.get(number).uuid for number in world.members[one.uuid]}  # type: ignore[union-attr]
        for one in world.shelves.all("unique_id_lists")
        if one.fields["name"].startswith(NAME)
    }


def everybody(crm: Recording) -> set[str]:
    return set().union(*lists(crm).values())


def people(numbers: Sequence[str], first: int = 1) -> list[Record]:
    return [action(number=n, ids={"action_network": number}) for n, number in enumerate(numbers, first)]


async def test_a_batch_is_one_call_and_the_next_one_goes_on_the_same_list() -> None:
    async with recording(LIST, people=10, name=NAME) as crm:
        numbers = crm.server.control.uuids()
        assert await crm.deliver_together(people(numbers[:6])) == [Delivered()] * 6
        assert await crm.deliver_together(people(numbers[4:], 5)) == [Skipped("already_there")] * 2 + [Delivered()] * 4
        ((name, members),) = lists(crm).items()
        assert members == set(numbers)
        assert name.startswith(f"{NAME} 20")
        assert crm.server.counts.by_call == {"POST unique_id_lists": 1, "PUT unique_id_lists/*": 1}


async def test_people_are_looked_up_where_they_have_no_number() -> None:
    async with recording(LIST, people=3, name=NAME) as crm:
        uuid = crm.server.control.uuids()[0]
        crm.server.control.edit(uuid, email="rosa@example.org")
        crm.settle()
        outcomes = await crm.deliver_together([action(), action(number=2, email="sam@example.org")])
        assert outcomes[0] == Delivered()
        assert isinstance(outcomes[1], Rejected)
        assert outcomes[1].reason == "unknown_person"
        assert everybody(crm) == {uuid}
    async with recording(LIST, name=NAME, look_up=False) as crm:
        assert isinstance(await crm.deliver(action()), Rejected)
        assert crm.server.counts.calls == 0


async def test_a_restart_begins_another_list_and_leaves_the_first_alone() -> None:
    async with recording(LIST, people=6, name=NAME) as crm:
        numbers = crm.server.control.uuids()
        await crm.deliver_together(people(numbers[:3]))
        crm.clock.skip(2)
        crm.start()
        await crm.deliver_together(people(numbers[3:]))
        assert sorted(map(len, lists(crm).values())) == [3, 3]
        assert everybody(crm) == set(numbers)


async def test_a_list_whose_answer_was_lost_is_found_and_not_made_again() -> None:
    async with recording(LIST, people=3, name=NAME) as crm:
        batch = people(crm.server.control.uuids())
        crm.server.faults.plan(ANSWER_LOST, method="POST", path="unique_id_lists")
        assert all(isinstance(one, Retry) for one in await crm.deliver_together(batch))
        waiting = await crm.deliver_together(batch)
        assert all(isinstance(one, Retry) and isinstance(one.error, NotYetError) for one in waiting)
        crm.settle()
        assert await crm.deliver_together(batch) == [Delivered()] * 3
        assert len(lists(crm)) == 1


async def test_a_list_that_was_never_made_is_made_after_all() -> None:
    async with recording(LIST, people=3, name=NAME) as crm:
        batch = people(crm.server.control.uuids())
        crm.server.faults.plan(DROPPED, method="POST", path="unique_id_lists")
        assert all(isinstance(one, Retry) for one in await crm.deliver_together(batch))
        crm.settle()
        assert await crm.deliver_together(batch) == [Delivered()] * 3
        assert len(lists(crm)) == 1


def _adds(world: Any, call: Any, thing: Any) -> Any:
    """As if a change added to who is there, where the simulator replaces them."""
    before = [world.people.now.get(number).uuid for number in world.members[thing.uuid]]
    call.body["unique_ids"] = [*before, *call.body["unique_ids"]]
    return _replaces(world, call, thing)


def _does_nothing(world: Any, call: Any, thing: Any) -> Any:
    """As if who is on a list could not be changed, and nobody said so."""
    call.body.pop("unique_ids")
    return _replaces(world, call, thing)


_replaces = audiences.put_unique_id_list


@pytest.mark.parametrize(("manner", "count"), [(_replaces, 1), (_adds, 1), (_does_nothing, 2)])
async def test_everybody_is_on_a_list_whatever_changing_one_does(
    manner: Any, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.audiences, "put_unique_id_list", manner)
    async with recording(LIST, people=6, name=NAME) as crm:
        numbers = crm.server.control.uuids()
        await crm.deliver_together(people(numbers[:3]))
        assert await crm.deliver_together(people(numbers[3:])) == [Delivered()] * 3
        assert everybody(crm) == set(numbers)
        assert len(lists(crm)) == count


async def test_a_list_somebody_deleted_is_made_again_with_everybody_on_it() -> None:
    async with recording(LIST, people=6, name=NAME) as crm:
        numbers = crm.server.control.uuids()
        await crm.deliver_together(people(numbers[:3]))
        made = next(one for one in crm.server.world.shelves.all("unique_id_lists") if one.fields["name"] in lists(crm))
        crm.server.world.remove(made)
        assert await crm.deliver_together(people(numbers[3:])) == [Delivered()] * 3
        assert everybody(crm) == set(numbers)


async def test_a_list_that_is_full_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unique_id_list_sink, "PEOPLE_MAX", 4)
    async with recording(LIST, people=7, name=NAME) as crm:
        numbers = crm.server.control.uuids()
        for number in numbers:
            assert await crm.deliver(people([number])[0]) == Delivered()
        assert sorted(map(len, lists(crm).values())) == [3, 4]
        assert sorted(lists(crm))[1].endswith(" (2)")
        assert everybody(crm) == set(numbers)


async def test_people_they_do_not_know_are_told_of_by_number_only() -> None:
    async with recording(LIST, people=2, name=NAME) as crm:
        with capture_logs() as logs:
            await crm.deliver_together(people([*crm.server.control.uuids(), "5a1f0c9e-gone"]))
    (told,) = [entry for entry in logs if entry["event"] == "list_is_short"]
    assert (told["sent"], told["counted"]) == (3, 2)
