"""Each number belongs to one record there, and would move to whoever is written with it last."""

import pytest
from structlog.testing import capture_logs

from groundswell.component import Delivered, Skipped
from tests.connectors.action_network.people_sinking import LAG_S, SinkAtWork, people_sink

ROSA, ANA = "rosa@example.org", "ana@example.org"
NUMBER = "15035550144"
PHONE = f"+{NUMBER}"


def number_of(it: SinkAtWork, whom: str) -> str | None:
    number = it.person(whom)["phone_numbers"][0].get("number")
    return str(number) if number is not None else None


@pytest.mark.parametrize("is_new", [True, False])
async def test_a_number_stays_with_whoever_has_it(is_new: bool) -> None:
    async with people_sink() as it:
        await it.there(email=ROSA, phone=NUMBER)
        if not is_new:
            await it.there(email=ANA, phone="15035550199")
        with capture_logs() as logs:
            assert await it.deliver(email=ANA, phone=PHONE, first_name="Ana") == Delivered()
        assert number_of(it, ROSA) == NUMBER
        assert number_of(it, ANA) == (None if is_new else "15035550199")
        assert it.person(ANA)["given_name"] == "Ana"
        (entry,) = logs
        assert (entry["event"], entry["fields"]) == ("field_left_out", ["phone"])
        assert "555" not in str(entry)


async def test_a_family_with_one_number_does_not_pass_it_around() -> None:
    async with people_sink() as it:
        for _ in range(3):
            for email in (ROSA, ANA):
                await it.deliver(email=email, phone=PHONE)
            await it.line.clock.advance(LAG_S)
        assert number_of(it, ROSA) == NUMBER
        it.line.hush()
        assert await it.deliver(email=ROSA, phone=PHONE) == Skipped("unchanged")
        assert await it.deliver(email=ANA, phone=PHONE) == Skipped("kept_theirs")
        # One look for each: that the number is taken was found out before.
        assert it.line.calls == {"GET people/*": 2}


async def test_a_number_is_taken_from_somebody_where_the_settings_say_so() -> None:
    async with people_sink(on_taken_phone="move") as it:
        await it.there(email=ROSA, phone=NUMBER, phone_status="subscribed")
        await it.there(email=ANA)
        assert await it.deliver(email=ANA, phone=PHONE) == Delivered()
        assert (number_of(it, ROSA), number_of(it, ANA)) == (None, NUMBER)


async def test_a_number_that_was_stopped_is_not_subscribed_by_moving() -> None:
    async with people_sink(on_taken_phone="move") as it:
        await it.there(email=ROSA, phone=NUMBER, phone_status="unsubscribed")
        await it.there(email=ANA)
        assert await it.deliver(email=ANA, phone=PHONE, sms_opt_in=True) == Delivered()
        assert it.person(ANA)["phone_numbers"][0]["status"] == "unsubscribed"


@pytest.mark.parametrize("times", [1, 2])
async def test_a_stop_reaches_the_number_whoever_has_it(times: int) -> None:
    async with people_sink() as it:
        await it.there(email=ROSA, phone=NUMBER, phone_status="subscribed")
        await it.there(email=ANA)
        for _ in range(times - 1):
            await it.deliver(email=ANA, phone=PHONE, first_name="Ana")
        assert await it.deliver(email=ANA, phone=PHONE, sms_opt_in=False) == Delivered()
        assert it.person(ROSA)["phone_numbers"][0]["status"] == "unsubscribed"


async def test_a_record_that_is_only_the_number_merges() -> None:
    async with people_sink() as it:
        alone = await it.there(phone=NUMBER, given_name="Rosa")
        rosa = await it.there(email=ROSA)
        assert await it.deliver(email=ROSA, phone=PHONE) == Delivered()
        assert number_of(it, rosa) == NUMBER
        with pytest.raises(KeyError):
            it.person(alone)


async def test_a_number_is_changed_when_nobody_else_has_it() -> None:
    async with people_sink() as it:
        await it.there(email=ROSA, phone="15035550199")
        assert await it.deliver(email=ROSA, phone=PHONE) == Delivered()
        assert number_of(it, ROSA) == NUMBER
        assert it.line.calls == {"GET people": 2, "PUT people/*": 1}


async def test_a_number_is_not_written_where_it_is_not_ours() -> None:
    async with people_sink(fields=["first_name"]) as it:
        await it.there(email=ROSA, phone="15035550199")
        assert await it.deliver(email=ROSA, phone=PHONE) == Skipped("unchanged")
        assert number_of(it, ROSA) == "15035550199"
        assert it.line.calls == {"GET people": 1}
