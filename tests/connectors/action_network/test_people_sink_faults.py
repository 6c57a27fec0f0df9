"""What goes wrong on the way: nothing is lost, nothing is doubled, and no message says about whom."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from groundswell.component import Delivered, Delivery, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.action_network.people_sink import ActionNetworkPeople
from groundswell.connectors.action_network.simulator.faults import (
    ANSWER_LOST,
    DROPPED,
    SERVER_ERROR,
    SERVER_ERROR_PAGE,
    TOO_MANY,
    TOO_MANY_WITH_RETRY_AFTER,
    UNAVAILABLE,
    Fault,
)
from groundswell.errors import RateLimitedError, UnauthorizedError, UnavailableError
from groundswell.record import Person, Record, lane_of, to_json
from tests.connectors.action_network.people_sinking import LAG_S, SinkAtWork, people_sink

ROSA = "rosa@example.org"


def deliveries(*emails: str) -> list[Delivery]:
    records = [Record(f"t:p/{email[0]}", "person", "t", person=Person(email=email, first_name="A")) for email in emails]
    return [Delivery(record.id, record.kind, lane_of(record), to_json(record)) for record in records]


@pytest.mark.parametrize("fault", [SERVER_ERROR, SERVER_ERROR_PAGE, UNAVAILABLE, DROPPED, ANSWER_LOST])
@pytest.mark.parametrize(("method", "path"), [("GET", "people"), ("POST", "people"), ("GET", "tags")])
async def test_what_fails_is_tried_again_and_then_is_there_once(fault: Fault, method: str, path: str) -> None:
    async with people_sink(add_tags=["synced"]) as it:
        # The HTTP library itself sends a GET once more when it was hung up on.
        times = 2 if fault is DROPPED and method == "GET" else 1
        it.line.server.faults.plan(fault, times=times, method=method, path=path)
        outcome = await it.deliver(email=ROSA, phone="+15035550144", first_name="Rosa")
        assert isinstance(outcome, Retry)
        assert isinstance(outcome.error, UnavailableError)
        assert "rosa" not in str(outcome.error).lower()
        assert "0144" not in str(outcome.error)
        again = await it.deliver(email=ROSA, phone="+15035550144", first_name="Rosa")
        assert again in (Delivered(), Skipped("unchanged"))
        assert it.line.server.control.people == 1
        assert it.person(ROSA)["given_name"] == "Rosa"
        assert it.tags_of(ROSA) == {"synced"}


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
async def test_a_change_whose_answer_was_lost_is_there_after_the_next_try(method: str) -> None:
    async with people_sink(add_tags=["synced"]) as it:
        await it.there(email=ROSA, given_name="Rosie")
        path = "taggings" if method == "POST" else "people"
        it.line.server.faults.plan(ANSWER_LOST, method=method, path=path)
        assert isinstance(await it.deliver(email=ROSA, first_name="Rosa"), Retry)
        await it.line.clock.advance(LAG_S)
        assert await it.deliver(email=ROSA, first_name="Rosa") in (Delivered(), Skipped("unchanged"))
        assert it.person(ROSA)["given_name"] == "Rosa"
        assert it.tags_of(ROSA) == {"synced"}


async def test_who_is_merged_away_between_look_up_and_write_is_looked_for_again() -> None:
    async with people_sink({"index_lag_s": (5.0, 5.0)}) as it:
        kept = await it.there(email="kept@example.org")
        lost = await it.there(email=ROSA)
        it.line.server.control.merge(kept, lost)
        # The filter still shows the one that is gone.
        outcome = await it.deliver(email=ROSA, first_name="Rosa")
        assert isinstance(outcome, Retry)
        await it.line.clock.advance(LAG_S)
        assert await it.deliver(email=ROSA, first_name="Rosa") == Delivered()


async def test_an_empty_answer_to_a_change_is_looked_into() -> None:
    async with people_sink() as it:
        await it.there(email=ROSA)
        put = it.line.client.put

        async def silent(*args: Any, **options: Any) -> dict[str, Any]:
            await put(*args, **options)
            return {}

        it.line.client.put = silent  # type: ignore[method-assign]
        assert await it.deliver(email=ROSA, first_name="Rosa") == Delivered()
        assert it.person(ROSA)["given_name"] == "Rosa"
        assert it.line.calls["GET people/*"] == 1


# ---- batches ----


async def deliver(it: SinkAtWork, batch: Sequence[Delivery]) -> Sequence[Outcome]:
    return await it.sink.deliver(batch)


@pytest.mark.parametrize("fault", [TOO_MANY, TOO_MANY_WITH_RETRY_AFTER])
async def test_told_to_wait_it_leaves_the_rest_of_the_batch(fault: Fault) -> None:
    async with people_sink() as it:
        batch = deliveries("a@example.org", "b@example.org", "c@example.org")
        assert await deliver(it, batch[:1]) == [Delivered()]
        it.line.hush()
        it.line.server.faults.plan(fault)
        outcomes = await deliver(it, batch)
        assert [type(outcome) for outcome in outcomes] == [Retry] * 3
        assert all(isinstance(outcome.error, RateLimitedError) for outcome in outcomes if isinstance(outcome, Retry))
        assert sum(it.line.calls.values()) == 1
        await it.line.clock.advance(5)
        assert await deliver(it, batch) == [Skipped("unchanged"), Delivered(), Delivered()]


async def test_one_that_cannot_be_written_does_not_hold_up_the_others() -> None:
    async with people_sink() as it:
        it.line.server.faults.plan(SERVER_ERROR, method="POST")
        batch = deliveries("a@example.org", "b@example.org", "not an address")
        first, second, third = await deliver(it, batch)
        assert isinstance(first, Retry)
        assert second == Delivered()
        assert isinstance(third, Rejected)


async def test_a_wrong_key_stops_the_sink() -> None:
    async with people_sink() as it:
        it.line.server.network.key = "another"
        with pytest.raises(UnauthorizedError) as caught:
            await deliver(it, deliveries(ROSA))
        assert it.line.server.key not in str(caught.value)


async def test_calls_are_live_and_bear_the_name_of_the_sink() -> None:
    async with people_sink() as it:
        waited: list[str] = []
        send = it.line.context.http.send

        async def noting(*args: Any, **options: Any) -> Any:
            waited.append(f"{options['component']} {options['priority'].name}")
            return await send(*args, **options)

        it.line.context.http.send = noting  # type: ignore[method-assign]
        context = replace(it.line.context, name="crm")
        sink = ActionNetworkPeople(it.settings, context)
        await sink.deliver(deliveries(ROSA))
        assert set(waited) == {"crm LIVE"}
        await sink.aclose()


# ---- background requests ----


async def done(it: SinkAtWork) -> None:
    """Time passes until all that was asked for has happened."""
    await it.line.clock.advance(60)
    it.line.server.network.settle()
    await it.line.clock.advance(LAG_S)


async def test_in_the_background_people_are_made_and_changed_later() -> None:
    async with people_sink(background=True, add_tags=["synced"]) as it:
        assert await it.deliver(email=ROSA, first_name="Rosa") == Delivered()
        with pytest.raises(KeyError):
            it.person(ROSA)
        await done(it)
        assert it.person(ROSA)["given_name"] == "Rosa"
        assert it.person(ROSA)["email_addresses"][0]["status"] == "unsubscribed"
        assert it.tags_of(ROSA) == {"synced"}
        assert await it.deliver(email=ROSA, first_name="Rosalia") == Delivered()
        await done(it)
        assert it.person(ROSA)["given_name"] == "Rosalia"
        assert await it.deliver(email=ROSA, first_name="Rosalia") == Skipped("unchanged")


async def test_in_the_background_nobody_hears_that_it_was_lost() -> None:
    async with people_sink({"background_loss": 1.0}, background=True) as it:
        assert await it.deliver(email=ROSA) == Delivered()
        await done(it)
        with pytest.raises(KeyError):
            it.person(ROSA)


async def test_whoever_cannot_be_looked_for_is_made_at_once_even_so() -> None:
    odd = "rosa.o'hara@example.org"
    async with people_sink(background=True) as it:
        assert await it.deliver(email=odd) == Delivered()
        assert it.person(odd)["email_addresses"][0]["status"] == "subscribed"
        await done(it)
        assert it.person(odd)["email_addresses"][0]["status"] == "unsubscribed"
