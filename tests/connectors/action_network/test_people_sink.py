"""The people sink: who somebody is, what is written, and how few calls it takes."""

import pytest
from msgspec import UNSET
from pydantic import ValidationError

from groundswell.component import Delivered, Rejected, Skipped
from groundswell.connectors.action_network.people_sink import ActionNetworkPeopleSettings
from groundswell.record import Action, Donation, Group, Page, Person, Record
from tests.connectors.action_network.calling import CALLER
from tests.connectors.action_network.people_sinking import LAG_S, people_sink

GET_ONE, FIND, MAKE, CHANGE = "GET people/*", "GET people", "POST people", "PUT people/*"
ROSA = "rosa@example.org"


# ---- newcomers ----


async def test_a_newcomer_is_made_with_everything_the_record_says() -> None:
    async with people_sink({"locality_lost": 0.0}) as it:
        outcome = await it.deliver(
            first_name="Rosa",
            last_name="Okafor",
            email=ROSA,
            phone="+15035550144",
            address1="12 Alder St",
            city="Portland",
            state="Oregon",
            zip="97201",
            country="United States",
            language="es",
            sms_opt_in=True,
            email_opt_in=True,
        )
        assert outcome == Delivered()
        rosa = it.person(ROSA)
        assert (rosa["given_name"], rosa["family_name"]) == ("Rosa", "Okafor")
        assert rosa["email_addresses"][0]["status"] == "subscribed"
        assert rosa["phone_numbers"][0]["number"] == "15035550144"
        assert rosa["phone_numbers"][0]["status"] == "subscribed"
        assert rosa["languages_spoken"] == ["es"]
        address = rosa["postal_addresses"][0]
        assert address["address_lines"] == ["12 Alder St"]
        assert (address["locality"], address["region"], address["postal_code"]) == ("Portland", "OR", "97201")
        assert it.line.calls == {FIND: 2, MAKE: 1}


async def test_a_newcomer_with_a_phone_only_is_made() -> None:
    async with people_sink() as it:
        assert await it.deliver(first_name="Ana", phone="+15035550144") == Delivered()
        ana = it.person("15035550144")
        assert ana["given_name"] == "Ana"
        assert ana["email_addresses"] == [{"primary": True, "status": "unsubscribed"}]
        assert ana["phone_numbers"][0]["status"] == "unsubscribed"


async def test_a_newcomer_has_the_email_even_where_it_is_not_ours_to_write() -> None:
    async with people_sink(fields=["first_name"]) as it:
        assert await it.deliver(first_name="Rosa", email=ROSA, phone="+15035550144", zip="97201") == Delivered()
        rosa = it.person(ROSA)
        assert rosa["given_name"] == "Rosa"
        assert "number" not in rosa["phone_numbers"][0]
        assert "postal_code" not in rosa["postal_addresses"][0]


async def test_an_email_they_refuse_without_a_word_becomes_a_dead_letter() -> None:
    async with people_sink() as it:
        outcome = await it.deliver(email="rosa@example.o1")
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "refused"
        assert "example" not in outcome.message


# ---- who it is ----


async def test_somebody_known_by_number_takes_one_call_when_nothing_differs() -> None:
    async with people_sink() as it:
        number = await it.there(email=ROSA, given_name="Rosa")
        assert await it.deliver(ids={"action_network": number}, first_name="Rosa", email=ROSA) == Skipped("unchanged")
        assert it.line.calls == {GET_ONE: 1}


async def test_somebody_known_by_number_takes_two_calls_when_something_differs() -> None:
    async with people_sink() as it:
        number = await it.there(email=ROSA, given_name="Rosie")
        assert await it.deliver(ids={"action_network": number}, first_name="Rosa") == Delivered()
        assert it.person(ROSA)["given_name"] == "Rosa"
        assert it.line.calls == {GET_ONE: 1, CHANGE: 1}


async def test_somebody_is_found_by_email_whatever_its_letters() -> None:
    async with people_sink() as it:
        await it.there(email=ROSA, given_name="Rosa")
        assert await it.deliver(email="Rosa@Example.ORG", last_name="Okafor") == Delivered()
        assert it.person(ROSA)["family_name"] == "Okafor"
        assert it.person(ROSA)["email_addresses"][0]["address"] == ROSA
        assert it.line.calls == {FIND: 1, CHANGE: 1}


async def test_somebody_is_found_by_a_plus_in_the_email() -> None:
    async with people_sink() as it:
        await it.there(email="rosa+news@example.org", given_name="Rosa")
        assert await it.deliver(email="rosa+news@example.org", first_name="Rosa") == Skipped("unchanged")


async def test_somebody_is_found_by_phone_when_there_is_no_email() -> None:
    async with people_sink() as it:
        number = await it.there(email=ROSA, phone="15035550144")
        assert await it.deliver(phone="+15035550144", first_name="Rosa") == Delivered()
        assert it.person(number)["given_name"] == "Rosa"
        assert it.line.calls == {FIND: 1, CHANGE: 1}


async def test_a_record_that_is_only_a_number_gets_the_email_and_keeps_its_id() -> None:
    async with people_sink() as it:
        number = await it.there(phone="15035550144", given_name="Rosa")
        assert await it.deliver(email=ROSA, phone="+15035550144") == Delivered()
        rosa = it.person(number)
        assert rosa["email_addresses"] == [{"primary": True, "address": ROSA, "status": "unsubscribed"}]
        assert it.line.calls == {FIND: 2, CHANGE: 1}


async def test_who_was_merged_away_is_found_by_email() -> None:
    async with people_sink() as it:
        kept = await it.there(email=ROSA)
        lost = await it.there(email="rosa.okafor@example.org")
        it.line.server.control.merge(kept, lost)
        await it.line.clock.advance(LAG_S)
        assert await it.deliver(ids={"action_network": lost}, email=ROSA, first_name="Rosa") == Delivered()
        assert it.person(kept)["given_name"] == "Rosa"
        assert it.line.calls == {GET_ONE: 1, FIND: 1, CHANGE: 1}


async def test_a_number_of_another_account_is_asked_for_only_once() -> None:
    async with people_sink() as it:
        await it.there(email=ROSA)
        foreign = {"action_network": "11111111-2222-4333-8444-555555555555"}
        await it.deliver(ids=foreign, email=ROSA, first_name="Rosa")
        it.line.hush()
        assert await it.deliver(ids=foreign, email=ROSA, first_name="Rosa") == Skipped("unchanged")
        assert it.line.calls == {GET_ONE: 1}


async def test_what_was_just_written_is_seen_although_lists_lag() -> None:
    async with people_sink({"index_lag_s": (5.0, 5.0)}) as it:
        assert await it.deliver(email=ROSA, first_name="Rosa") == Delivered()
        it.line.hush()
        assert await it.deliver(email=ROSA, first_name="Rosa") == Skipped("unchanged")
        assert await it.deliver(email=ROSA, first_name="Rose") == Delivered()
        assert it.line.calls == {GET_ONE: 2, CHANGE: 1}
        assert it.person(ROSA)["given_name"] == "Rose"


async def test_whoever_changed_their_email_since_is_looked_for_anew() -> None:
    async with people_sink() as it:
        await it.deliver(email=ROSA, first_name="Rosa")
        number = it.line.server.world.people.now.by_email(ROSA)
        assert number is not None
        it.line.server.control.edit(number.uuid, email="new@example.org")
        await it.line.clock.advance(LAG_S)
        assert await it.deliver(email=ROSA, first_name="Another") == Delivered()
        assert it.person("new@example.org")["given_name"] == "Rosa"
        assert it.person(ROSA)["given_name"] == "Another"


async def test_a_filter_that_is_not_applied_is_not_taken_for_nobody() -> None:
    async with people_sink() as it:
        await it.there(email="somebody@example.org")
        page = it.line.server.world.people.page
        it.line.server.world.people.page = lambda conditions, start, count: page((), start, count)  # type: ignore[method-assign]
        outcome = await it.deliver(email=ROSA)
        assert type(outcome).__name__ == "Retry"
        with pytest.raises(KeyError):
            it.person(ROSA)


@pytest.mark.parametrize("phone", [UNSET, "503-555-0144", None])
async def test_who_cannot_be_told_becomes_a_dead_letter(phone: str | None) -> None:
    async with people_sink() as it:
        outcome = await it.deliver(first_name="Rosa", phone=phone, email="nobody")
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "no_identity"
        assert it.line.calls == {}


async def test_a_number_that_leads_nowhere_and_nothing_else_becomes_a_dead_letter() -> None:
    async with people_sink() as it:
        outcome = await it.deliver(first_name="Rosa", ids={"action_network": "gone"})
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "not_found"


# ---- which records ----


async def test_actions_and_donations_bring_their_person() -> None:
    async with people_sink() as it:
        rosa = Person(email=ROSA, first_name="Rosa")
        for record in (
            Record("t:a/1", "action", "t", person=rosa, action=Action(type="rsvp", page=Page(id="1"))),
            Record("t:d/1", "donation", "t", person=Person(email=ROSA, zip="97201"), donation=Donation(amount="5.00")),
        ):
            assert await it.deliver_record(record) == Delivered()
        assert it.person(ROSA)["given_name"] == "Rosa"
        assert it.person(ROSA)["postal_addresses"][0]["postal_code"] == "97201"


async def test_records_without_a_person_are_skipped() -> None:
    async with people_sink() as it:
        record = Record("t:g/1", "group", "t", group=Group(id="1", title="Volunteers"))
        assert await it.deliver_record(record) == Skipped("no_person")
        assert it.line.calls == {}


# ---- fields ----


async def test_only_the_fields_that_are_ours_are_compared_and_written() -> None:
    async with people_sink(fields=["first_name", "custom.Shirt size"]) as it:
        it.line.server.control.add_custom_field("Shirt size")
        await it.there(email=ROSA, given_name="Rosie", family_name="Theirs", languages_spoken=["fr"])
        outcome = await it.deliver(
            email=ROSA,
            first_name="Rosa",
            last_name="Ours",
            language="es",
            zip="97201",
            custom={"Shirt size": "M", "other": "x"},
        )
        assert outcome == Delivered()
        rosa = it.person(ROSA)
        assert (rosa["given_name"], rosa["family_name"], rosa["languages_spoken"]) == ("Rosa", "Theirs", ["fr"])
        assert rosa["custom_fields"] == {"Shirt size": "M"}
        assert "postal_code" not in rosa["postal_addresses"][0]
        it.line.hush()
        assert await it.deliver(email=ROSA, first_name="Rosa", last_name="Ours") == Skipped("unchanged")
        assert CHANGE not in it.line.calls


async def test_what_a_record_does_not_know_is_not_overwritten() -> None:
    async with people_sink() as it:
        await it.there(email=ROSA, given_name="Rosa", phone="15035550144", family_name="Okafor")
        assert await it.deliver(email=ROSA, first_name=None, last_name="Oka") == Delivered()
        rosa = it.person(ROSA)
        assert (rosa["given_name"], rosa["family_name"]) == ("Rosa", "Oka")
        assert rosa["phone_numbers"][0]["number"] == "15035550144"


async def test_boxes_and_numbers_are_written_as_texts() -> None:
    async with people_sink(fields=["custom.is_member", "custom.visits", "custom.no"]) as it:
        for name in ("is_member", "visits", "no"):
            it.line.server.control.add_custom_field(name)
        person = {"email": ROSA, "custom": {"is_member": True, "visits": 3, "no": False}}
        assert await it.deliver(**person) == Delivered()
        assert it.person(ROSA)["custom_fields"] == {"is_member": "1", "visits": "3", "no": "0"}
        assert await it.deliver(**person) == Skipped("unchanged")


# ---- tags ----


async def test_a_newcomer_is_made_with_the_tags_in_the_same_call() -> None:
    async with people_sink(add_tags=["synced"], tags_from_record=True) as it:
        assert await it.deliver(email=ROSA, tags=("new one", "synced")) == Delivered()
        assert it.tags_of(ROSA) == {"synced", "new one"}
        assert it.line.calls[MAKE] == 1
        assert "POST tags/*/taggings" not in it.line.calls


async def test_somebody_who_is_there_gets_the_tags_they_lack_and_loses_those_they_should() -> None:
    async with people_sink(add_tags=["synced", "member"], remove_tags=["prospect"]) as it:
        number = await it.there(email=ROSA)
        for tag in ("member", "prospect"):
            await it.line.client.tag(CALLER, it.line.server.control.add_tag(tag), number)
        await it.line.clock.advance(LAG_S)
        it.line.hush()
        assert await it.deliver(email=ROSA) == Delivered()
        assert it.tags_of(ROSA) == {"synced", "member"}
        assert it.line.calls["POST tags/*/taggings"] == 1
        assert it.line.calls["DELETE tags/*/taggings/*"] == 1
        await it.line.clock.advance(LAG_S)
        it.line.hush()
        assert await it.deliver(email=ROSA) == Skipped("unchanged")
        assert it.line.calls == {GET_ONE: 1, "GET people/*/taggings": 1}


async def test_tags_that_are_on_are_known_for_a_while_and_then_asked_about_but_not_put_on_again() -> None:
    async with people_sink(add_tags=["synced"]) as it:
        await it.there(email=ROSA)
        assert await it.deliver(email=ROSA) == Delivered()
        it.line.hush()
        assert await it.deliver(email=ROSA) == Skipped("unchanged")
        assert it.line.calls == {GET_ONE: 1}
        it.restart()
        await it.line.clock.advance(LAG_S)
        assert await it.deliver(email=ROSA) == Skipped("unchanged")


async def test_more_tags_than_fit_on_a_page_are_all_seen() -> None:
    async with people_sink(tags_from_record=True) as it:
        await it.there(email=ROSA)
        tags = tuple(f"tag {number}" for number in range(30))
        assert await it.deliver(email=ROSA, tags=tags) == Delivered()
        await it.line.clock.advance(LAG_S)
        it.restart()
        assert await it.deliver(email=ROSA, tags=tags) == Skipped("unchanged")
        assert it.tags_of(ROSA) == set(tags)


async def test_tags_are_not_made_where_that_is_not_wanted() -> None:
    async with people_sink(add_tags=["nowhere"], create_tags=False) as it:
        assert await it.deliver(email=ROSA) == Delivered()
        assert await it.deliver(email=ROSA) == Skipped("unchanged")
        assert it.line.server.world.tag_named("nowhere") is None


async def test_a_tag_that_was_deleted_is_made_again_at_the_next_try() -> None:
    async with people_sink(add_tags=["synced"]) as it:
        await it.there(email=ROSA)
        await it.there(email="ana@example.org")
        await it.deliver(email=ROSA)
        tag = it.line.server.world.tag_named("synced")
        assert tag is not None
        it.line.server.world.remove(tag)
        await it.line.clock.advance(400)
        assert type(await it.deliver(email="ana@example.org")).__name__ == "Retry"
        assert await it.deliver(email="ana@example.org") == Delivered()
        assert it.tags_of("ana@example.org") == {"synced"}


# ---- settings ----


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"fields": ["given_name"]}, "first_name"),
        ({"add_tags": ["a"], "remove_tags": ["a"]}, "adds and removes"),
        ({"add_tags": [" "]}, "without a name"),
        ({"country": "Narnia"}, "is no country"),
        ({"newcomers": "yes"}, "subscribed"),
        ({"resubscribe": ["phone"]}, "sms"),
    ],
)
def test_wrong_settings_are_refused_in_words(settings: dict[str, object], words: str) -> None:
    whole = {"type": "action_network.people", "inputs": ["x"], "account": "network", **settings}
    with pytest.raises(ValidationError, match=words):
        ActionNetworkPeopleSettings.model_validate(whole)


def test_settings_that_can_annoy_people_are_warned_of() -> None:
    whole = {"type": "action_network.people", "inputs": ["x"], "account": "network"}
    assert ActionNetworkPeopleSettings.model_validate(whole).warnings() == []
    bold = ActionNetworkPeopleSettings.model_validate({**whole, "newcomers": "subscribed", "resubscribe": ["sms"]})
    assert [field for field, _ in bold.warnings()] == ["newcomers", "resubscribe"]
