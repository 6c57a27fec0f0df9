"""What comes back is not what was written (addresses, lost cities, dropped fields), and it goes quiet all the same."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace
from structlog.testing import capture_logs

from groundswell.component import Delivered, Rejected, Skipped
from groundswell.connectors.action_network.people import person_of
from groundswell.connectors.action_network.writing.outgoing import FIELDS
from groundswell.connectors.action_network.writing.refusals import NO_FIELD_S
from groundswell.record import Person
from tests.connectors.action_network.calling import CALLER
from tests.connectors.action_network.people_drawn import people
from tests.connectors.action_network.people_sinking import LAG_S, SinkAtWork, people_sink

ROSA = "rosa@example.org"
MAKE, CHANGE = "POST people", "PUT people/*"
ALL = [*FIELDS, "custom.Shirt size", "custom.is_member", "custom.nobody_made_this"]


async def read_back(it: SinkAtWork, number: str, *, mobile_unsubscribed: Any) -> Person:
    """The person as a poll makes them."""
    return person_of(await it.line.client.get(CALLER, ("people", number)), number, mobile_unsubscribed)


def numbers(it: SinkAtWork) -> list[str]:
    """Of everybody who is there."""
    now = it.line.server.world.people.now
    return [found.uuid for number in range(100) if (found := now.get(number)) is not None]


def writes(it: SinkAtWork) -> int:
    return sum(count for call, count in it.line.calls.items() if not call.startswith("GET"))


@settings(max_examples=80)
@given(
    everybody=st.lists(people(), min_size=1, max_size=6),
    mobile_unsubscribed=st.sampled_from((False, UNSET)),
    locality_lost=st.sampled_from((0.0, 0.5, 1.0)),
    clear_empty=st.booleans(),
    null_clears=st.booleans(),
    on_taken_phone=st.sampled_from(("leave_out", "move")),
    is_restarted=st.booleans(),
)
async def test_what_is_read_back_is_never_written_again(
    everybody: list[Person],
    mobile_unsubscribed: Any,
    locality_lost: float,
    clear_empty: bool,
    null_clears: bool,
    on_taken_phone: str,
    is_restarted: bool,
) -> None:
    """Several people share emails and phones, so they change, merge and take each other's numbers."""
    switches = {"locality_lost": locality_lost, "null_clears": null_clears}
    async with people_sink(switches, fields=ALL, clear_empty=clear_empty, on_taken_phone=on_taken_phone) as it:
        for name in ("Shirt size", "is_member"):
            it.line.server.control.add_custom_field(name)
        for person in everybody:
            await it.deliver_person(person)
        await it.line.clock.advance(LAG_S)
        if is_restarted:
            it.restart()
        it.line.hush()
        for number in numbers(it):
            echo = await read_back(it, number, mobile_unsubscribed=mobile_unsubscribed)
            assert await it.deliver_person(echo) == Skipped("unchanged")
            assert await it.deliver_person(replace(echo, ids={})) == Skipped("unchanged")
        assert writes(it) == 0


@settings(max_examples=80)
@given(
    everybody=st.lists(people(), min_size=1, max_size=5),
    locality_lost=st.sampled_from((0.0, 0.5, 1.0)),
    clear_empty=st.booleans(),
    null_clears=st.booleans(),
)
async def test_the_same_again_is_written_once(
    everybody: list[Person], locality_lost: float, clear_empty: bool, null_clears: bool
) -> None:
    async with people_sink(
        {"locality_lost": locality_lost, "null_clears": null_clears}, fields=ALL, clear_empty=clear_empty
    ) as it:
        for name in ("Shirt size", "is_member"):
            it.line.server.control.add_custom_field(name)
        distinct = [replace(person, email=f"p{number}@example.org") for number, person in enumerate(everybody)]
        for person in distinct:
            assert not isinstance(await it.deliver_person(person), Rejected)
        # Whoever lost a number while the lists did not show it yet gets told now.
        await it.line.clock.advance(LAG_S)
        for person in distinct:
            await it.deliver_person(person)
        it.line.hush()
        for person in distinct:
            assert isinstance(await it.deliver_person(person), Skipped)
        assert writes(it) == 0


async def test_a_city_that_was_lost_is_written_once_more() -> None:
    async with people_sink({"locality_lost": 1.0}) as it:
        assert await it.deliver(email=ROSA, city="Smallville", state="KS", zip="66002", country="US") == Delivered()
        address = it.person(ROSA)["postal_addresses"][0]
        assert (address["locality"], address["postal_code"]) == ("Smallville", "66002")
        assert it.line.calls[MAKE] == it.line.calls[CHANGE] == 1


async def test_an_address_that_is_rewritten_is_written_once_and_again_when_it_changes() -> None:
    async with people_sink({"locality_lost": 0.0}) as it:
        wrong = {"email": ROSA, "city": "Gresham", "state": "OR", "zip": "97201", "country": "US"}
        assert await it.deliver(**wrong) == Delivered()
        assert it.person(ROSA)["postal_addresses"][0]["locality"] == "Portland"
        it.line.hush()
        assert await it.deliver(**wrong) == Skipped("kept_theirs")
        assert await it.deliver(**{**wrong, "zip": "98101", "state": "WA"}) == Delivered()
        assert it.person(ROSA)["postal_addresses"][0]["locality"] == "Seattle"
        assert it.line.calls[CHANGE] == 1


async def test_one_part_of_an_address_does_not_cost_the_others() -> None:
    async with people_sink({"locality_lost": 0.0}) as it:
        there = {"email": ROSA, "address1": "12 Alder St", "city": "Oakville", "state": "ON", "zip": "L6H 1A1"}
        await it.deliver(**there)
        assert await it.deliver(**{**there, "zip": "L6H 1A2"}) == Delivered()
        address = it.person(ROSA)["postal_addresses"][0]
        assert address["address_lines"] == ["12 Alder St"]
        assert (address["locality"], address["region"], address["postal_code"]) == ("Oakville", "ON", "L6H 1A2")
        assert address["country"] == "CA"


async def test_a_country_we_do_not_know_stays_what_it_is() -> None:
    async with people_sink() as it:
        await it.deliver(email=ROSA, zip="10115", city="Berlin", country="Germany")
        assert await it.deliver(email=ROSA, address1="Torstr. 1") == Delivered()
        assert it.person(ROSA)["postal_addresses"][0]["country"] == "DE"


async def test_zip_plus_4_and_the_letters_of_a_city_are_no_difference() -> None:
    async with people_sink({"locality_lost": 0.0}) as it:
        await it.deliver(email=ROSA, city="Portland", state="OR", zip="97201")
        outcome = await it.deliver(email=ROSA, city="PORTLAND", state="Oregon", zip="97201-1234", country="USA")
        assert outcome == Skipped("unchanged")


async def test_a_custom_field_they_do_not_have_is_said_once_and_tried_again_later() -> None:
    async with people_sink(fields=["first_name", "custom.Nobody made this"]) as it:
        with capture_logs() as logs:
            for number in range(3):
                await it.deliver(email=f"p{number}@example.org", custom={"Nobody made this": "M"})
            it.line.hush()
            assert await it.deliver(email="p0@example.org", custom={"Nobody made this": "M"}) == Skipped("kept_theirs")
            assert CHANGE not in it.line.calls
        told = [entry for entry in logs if entry["event"] == "no_such_custom_field"]
        assert [entry["field"] for entry in told] == ["custom.Nobody made this"]
        it.line.server.control.add_custom_field("Nobody made this")
        await it.line.clock.advance(6 * NO_FIELD_S)
        assert await it.deliver(email="p0@example.org", custom={"Nobody made this": "M"}) == Delivered()
        assert it.person("p0@example.org")["custom_fields"] == {"Nobody made this": "M"}


@pytest.mark.parametrize("null_clears", [True, False])
async def test_known_to_be_empty_empties_a_field_where_they_do_it(null_clears: bool) -> None:
    async with people_sink({"null_clears": null_clears}, clear_empty=True, fields=["first_name", "custom.x"]) as it:
        it.line.server.control.add_custom_field("x")
        await it.deliver(email=ROSA, first_name="Rosa", custom={"x": "y"})
        assert await it.deliver(email=ROSA, first_name=None, custom={"x": None}) == Delivered()
        assert ("given_name" in it.person(ROSA)) is not null_clears
        assert ("custom_fields" in it.person(ROSA)) is not null_clears
        it.line.hush()
        reason = "unchanged" if null_clears else "kept_theirs"
        assert await it.deliver(email=ROSA, first_name=None, custom={"x": None}) == Skipped(reason)
        assert CHANGE not in it.line.calls


async def test_an_email_that_is_taken_is_a_dead_letter_and_the_rest_is_written() -> None:
    async with people_sink() as it:
        number = await it.there(email=ROSA)
        await it.there(email="taken@example.org")
        outcome = await it.deliver(ids={"action_network": number}, email="Taken@example.org", first_name="Rosa")
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "email_taken"
        assert "email" in outcome.message
        assert "example.org" not in outcome.message
        assert it.person(ROSA)["given_name"] == "Rosa"


async def test_an_email_that_is_free_is_changed() -> None:
    async with people_sink() as it:
        number = await it.there(email=ROSA, status="unsubscribed")
        assert await it.deliver(ids={"action_network": number}, email="new@example.org") == Delivered()
        assert it.person(number)["email_addresses"][0] == {
            "primary": True,
            "address": "new@example.org",
            "status": "unsubscribed",
        }


async def test_a_name_that_is_not_taken_is_a_dead_letter_that_names_the_field_only() -> None:
    async with people_sink() as it:
        await it.there(email=ROSA, given_name="Rosie")
        save = it.line.server.world.save
        it.line.server.world.save = lambda person: save(replace(person, given_name="Rosie"))  # type: ignore[method-assign]
        outcome = await it.deliver(email=ROSA, first_name="Rosalinda", last_name="Okafor")
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "not_taken"
        assert "first_name" in outcome.message
        assert "last_name" not in outcome.message
        assert "Ros" not in outcome.message


async def test_what_cannot_be_written_is_left_out_and_said_once_without_the_value() -> None:
    async with people_sink() as it:
        with capture_logs() as logs:
            for number in range(3):
                person = {"phone": "503 555 0144", "country": "Narnia", "city": "Cair Paravel"}
                assert await it.deliver(email=f"p{number}@example.org", **person) == Delivered()
        assert sorted(entry["fields"] for entry in logs) == [["city"], ["country"], ["phone"]]
        assert "Narnia" not in str(logs)
        assert "0144" not in str(logs)
        assert "address_lines" not in it.person("p0@example.org")["postal_addresses"][0]
