"""A donation is counted once: answers lost, daemons killed, replays, and whatever they do with an identifier twice."""

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from groundswell.component import Delivered, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.action_network.simulator.faults import ANSWER_LOST, DROPPED, SERVER_ERROR
from groundswell.connectors.action_network.simulator.state.thing import Thing
from groundswell.connectors.action_network.writing.made_page import MadePageSettings
from groundswell.connectors.action_network.writing.ours import MARK, identifier_of
from groundswell.errors import NotYetError, UnavailableError
from groundswell.record import Record
from tests.connectors.action_network.recording import (
    SETTLE_S,
    Recording,
    action,
    gift,
    page,
    page_number,
    recording,
)

Taken = Literal["left out", "refused", "returns first", "moved"]
TAKEN: tuple[Taken, ...] = ("left out", "refused", "returns first", "moved")
FUND = {"collection": "fundraising_pages", "page": page("fundraising_pages", is_api_made=True)}
GIFTS = {"collection": "fundraising_pages", "make_page": {"title": "Gifts from elsewhere"}}


def donations(crm: Recording) -> list[Thing]:
    return list(crm.server.world.shelves.all("donations"))


def has_to_wait(outcome: Outcome) -> bool:
    return isinstance(outcome, Retry) and isinstance(outcome.error, NotYetError)


def is_away(outcome: Outcome) -> bool:
    return isinstance(outcome, Retry) and isinstance(outcome.error, UnavailableError)


async def until_settled(crm: Recording, record: Record, tries_max: int = 10) -> Outcome:
    """Deliver as the runtime does: again after each wait that is asked for, a second later otherwise."""
    for attempt in range(tries_max):
        outcome = await crm.deliver(record, attempt)
        if not isinstance(outcome, Retry):
            return outcome
        crm.clock.skip((outcome.error.retry_after_s or 0.0) if isinstance(outcome.error, NotYetError) else 1.0)
    raise AssertionError("it never ends")


# ---- one donation ----


@pytest.mark.parametrize("taken", TAKEN)
async def test_a_donation_whose_answer_was_lost_is_found_and_not_made_again(taken: Taken) -> None:
    async with recording(**FUND, switches={"identifier_taken": taken}) as crm:
        crm.settle()
        crm.server.faults.plan(ANSWER_LOST, method="POST", path="/donations")
        assert is_away(await crm.deliver(gift()))
        assert len(donations(crm)) == 1
        assert has_to_wait(await crm.deliver(gift(), 1)), "a filter would not find it yet"
        assert await until_settled(crm, gift()) == Skipped("already_there")
        assert len(donations(crm)) == 1


@pytest.mark.parametrize("taken", TAKEN)
async def test_a_daemon_killed_between_a_donation_and_its_answer_makes_it_once(taken: Taken) -> None:
    async with recording(**FUND, switches={"identifier_taken": taken}) as crm:
        crm.settle()
        crm.server.faults.plan(ANSWER_LOST, method="POST", path="/donations")
        await crm.deliver(gift())
        crm.start()  # the new one knows nothing, and the delivery says that it was never tried
        assert has_to_wait(await crm.deliver(gift(), 0))
        assert await until_settled(crm, gift()) == Skipped("already_there")
        assert len(donations(crm)) == 1


async def test_a_post_that_had_to_wait_for_the_rate_settles_from_when_its_answer_was_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with recording(**FUND) as crm:
        record = crm.client.record

        async def late(*arguments: Any, **options: Any) -> Any:
            crm.clock.skip(60)
            return await record(*arguments, **options)

        monkeypatch.setattr(crm.client, "record", late)
        crm.settle()
        crm.server.faults.plan(ANSWER_LOST, method="POST", path="/donations")
        assert is_away(await crm.deliver(gift()))
        assert has_to_wait(await crm.deliver(gift()))
        assert await until_settled(crm, gift()) == Skipped("already_there")
        assert len(donations(crm)) == 1


@pytest.mark.parametrize("fault", [DROPPED, SERVER_ERROR])
async def test_a_donation_that_never_arrived_is_made_after_all(fault: Any) -> None:
    async with recording(**FUND) as crm:
        crm.server.faults.plan(fault, method="POST", path="/donations", times=2)
        assert await until_settled(crm, gift()) == Delivered()
        assert len(donations(crm)) == 1


async def test_a_daemon_killed_again_and_again_still_makes_it_once() -> None:
    async with recording(**FUND) as crm:
        crm.server.faults.plan(ANSWER_LOST, method="POST", path="/donations", times=5)
        for _ in range(5):
            crm.start()
            await until_settled(crm, gift())
        assert len(donations(crm)) == 1


async def test_a_replay_a_moment_later_makes_no_second_one() -> None:
    async with recording(**FUND) as crm:
        crm.settle()
        assert await crm.deliver(gift()) == Delivered()
        crm.clock.skip(2)
        assert has_to_wait(await crm.deliver(gift()))
        assert await until_settled(crm, gift()) == Skipped("already_there")


async def test_only_what_could_count_twice_waits_after_a_start() -> None:
    async with recording(**FUND) as crm:
        outcome = await crm.deliver(gift())
        assert isinstance(outcome, Retry)
        assert isinstance(outcome.error, NotYetError)
        assert 0 < (outcome.error.retry_after_s or 0) <= SETTLE_S
        assert crm.server.counts.calls == 0
    async with recording(collection="petitions", page=page("petitions")) as crm:
        assert await crm.deliver(action(email="rosa@example.org", email_opt_in=True)) == Delivered()


async def test_two_donations_of_one_person_are_two() -> None:
    async with recording(**FUND) as crm:
        crm.settle()
        assert await crm.deliver(gift(1)) == Delivered()
        assert await crm.deliver(gift(2)) == Delivered()
        assert len(donations(crm)) == 2


@pytest.mark.parametrize(
    ("collection", "type_", "records"),
    [("advocacy_campaigns", "letter", "outreaches"), ("surveys", "survey_response", "responses")],
)
async def test_letters_and_responses_are_looked_for_as_well(collection: str, type_: str, records: str) -> None:
    number = page(collection, is_api_made=collection == "advocacy_campaigns")
    async with recording(collection=collection, page=number) as crm:
        crm.settle()
        crm.server.faults.plan(ANSWER_LOST, method="POST", path=f"/{records}")
        record = action(type_, email="rosa@example.org", email_opt_in=True)
        await crm.deliver(record)
        assert await until_settled(crm, record) == Skipped("already_there")
        assert len(crm.on(number(crm.server), collection, records)) == 1


@pytest.mark.parametrize(
    ("taken", "outcome", "count"),
    [("left out", Delivered, 2), ("refused", Rejected, 1), ("returns first", Delivered, 1), ("moved", Delivered, 2)],
)
async def test_later_than_anything_seen_it_may_be_made_twice_and_then_somebody_is_told(
    taken: Taken, outcome: type[Any], count: int
) -> None:
    """Nothing can be promised when a filter takes minutes. In one of four ways they may behave nobody can even tell."""
    async with recording(**FUND, switches={"identifier_taken": taken, "index_lag_s": (600.0, 600.0)}) as crm:
        crm.settle()
        assert await crm.deliver(gift()) == Delivered()
        crm.settle()
        with capture_logs() as logs:
            assert isinstance(await crm.deliver(gift()), outcome)
        assert len(donations(crm)) == count
        told = [entry for entry in logs if entry["event"] == "recorded_without_its_identifier"]
        assert bool(told) == (taken == "left out")
        assert all(entry["record"] == "crm:donation/1" and entry["log_level"] == "error" for entry in told)


# ---- identifiers, and what is remembered ----


@given(st.text(min_size=1), st.text(min_size=1))
def test_an_identifier_is_safe_to_send_and_its_own(one: str, other: str) -> None:
    made = identifier_of(MARK, "5a1f0c9e", one)
    assert made.isascii()
    assert made.count(":") == 1
    assert "'" not in made
    assert made == identifier_of(MARK, "5a1f0c9e", one)
    assert (made == identifier_of(MARK, "5a1f0c9e", other)) == (one == other)
    assert made != identifier_of(MARK, "another page", one)


# ---- the page that is made ----


async def test_the_page_is_made_once_by_however_many_want_it_and_takes_donations() -> None:
    async with recording(**GIFTS) as crm:
        crm.settle()
        people = [gift(number, email=f"p{number}@example.org", email_opt_in=True) for number in range(4)]
        assert await crm.deliver_side_by_side(people) == [Delivered()] * 4
        (made,) = _pages(crm)
        assert made.fields["origin_system"] == "Groundswell"
        assert {one.parent for one in donations(crm)} == {made.uuid}
        assert len(donations(crm)) == 4


async def test_a_page_whose_answer_was_lost_is_found_and_not_made_again() -> None:
    async with recording(**GIFTS) as crm:
        crm.settle()
        crm.server.faults.plan(ANSWER_LOST, method="POST", path="fundraising_pages")
        assert is_away(await crm.deliver(gift()))
        assert has_to_wait(await crm.deliver(gift()))
        assert await until_settled(crm, gift()) == Delivered()
        assert len(_pages(crm)) == 1


async def test_a_daemon_killed_while_it_made_the_page_finds_it() -> None:
    async with recording(**GIFTS) as crm:
        crm.settle()
        crm.server.faults.plan(ANSWER_LOST, method="POST", path="fundraising_pages")
        await crm.deliver(gift())
        crm.start()
        assert await until_settled(crm, gift()) == Delivered()
        assert len(_pages(crm)) == 1


async def test_a_page_of_that_name_made_in_their_ui_is_another() -> None:
    async with recording(collection="fundraising_pages", make_page=_like_theirs) as crm:
        crm.settle()
        assert await until_settled(crm, gift()) == Delivered()
        titles = [one.fields["title"] for one in crm.server.world.shelves.all("fundraising_pages")]
        assert titles.count(titles[-1]) == 2


async def test_a_page_somebody_deleted_is_made_again() -> None:
    async with recording(**GIFTS) as crm:
        assert await until_settled(crm, gift(1)) == Delivered()
        (made,) = _pages(crm)
        crm.server.world.remove(made)
        crm.settle()
        assert is_away(await crm.deliver(gift(2)))
        assert await until_settled(crm, gift(2)) == Delivered()
        (another,) = _pages(crm)
        assert another.uuid != made.uuid


async def test_a_campaign_is_made_for_calls_where_that_is_asked_for() -> None:
    settings = {"title": "Call them", "kind": "phone", "targets": "U.S. Senate"}
    async with recording(collection="advocacy_campaigns", make_page=settings) as crm:
        record = action("call", email="rosa@example.org", email_opt_in=True, fields={"duration": 40})
        assert await until_settled(crm, record) == Delivered()
        (made,) = [one for one in crm.server.world.shelves.all("advocacy_campaigns") if one.is_api_made][-1:]
        assert (made.fields["type"], made.fields["targets"]) == ("phone", "U.S. Senate")
        (call,) = crm.on(made.uuid, "advocacy_campaigns", "outreaches")
        assert call.fields["duration"] == 40
    assert MadePageSettings(**settings).body("forms").keys() == {"title", "name", "origin_system"}


def _like_theirs(server: Any) -> dict[str, str]:
    number = page_number(server, "fundraising_pages")
    return {"title": server.world.shelves.get("fundraising_pages", number).fields["title"]}


def _pages(crm: Recording) -> list[Thing]:
    title = "Gifts from elsewhere"
    return [one for one in crm.server.world.shelves.all("fundraising_pages") if one.fields["title"] == title]
