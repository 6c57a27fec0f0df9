"""The sink of a sync at Action Network: only what changed, over what was expected."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from groundswell.component import Delivered, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.action_network.simulator.faults import ANSWER_LOST, SERVER_ERROR, UNAVAILABLE
from groundswell.connectors.action_network.simulator.state.person import shown_person
from groundswell.connectors.action_network.sync_sink import ActionNetworkSync, ActionNetworkSyncSettings
from groundswell.record import Record, merged
from tests.connectors.action_network.calling import CALLER, Line, calling
from tests.connectors.action_network.simulated import Json, email_of, person_of, phone_of
from tests.connectors.common.wishing import creation, delivery_of, update

ROSA = "rosa@example.org"
DIGITS = "15035550144"
LAG_S = 10.0
"""Longer than any list lags."""


@dataclass
class Syncing:
    line: Line
    sink: ActionNetworkSync

    async def write(self, record: Record) -> Outcome:
        (outcome,) = await self.sink.deliver([delivery_of(record)])
        return outcome

    async def there(self, **person: Any) -> str:
        """Somebody who is there, in the words of `simulated.person_of`; their number."""
        made = await self.line.client.sign_up(CALLER, person_of(**person))
        await self.line.clock.advance(LAG_S)
        self.line.hush()
        (own,) = [one for one in made["identifiers"] if one.startswith("action_network:")]
        return str(own.removeprefix("action_network:"))

    def person(self, whom: str) -> Json:
        """By number, email or phone."""
        now = self.line.server.world.people.now
        found = now.by_uuid(whom) or now.by_email(whom) or now.by_phone(whom)
        assert found is not None
        return shown_person(found, self.line.server.world.api)

    def writes(self) -> int:
        return sum(times for call, times in self.line.calls.items() if not call.startswith("GET"))


@asynccontextmanager
async def syncing(remote: dict[str, str] | None = None, **switches: Any) -> AsyncIterator[Syncing]:
    settings = ActionNetworkSyncSettings.model_validate(
        {"type": "action_network.sync", "inputs": ["people"], "account": "network", "remote": remote or {}}
    )
    async with calling(**{"takes_new_custom_fields": True, **switches}) as line:
        yield Syncing(line, ActionNetworkSync(settings, line.context))


async def test_only_the_fields_that_changed_are_written() -> None:
    async with syncing() as it:
        number = await it.there(email=ROSA, phone=DIGITS, given_name="Rosa", family_name="Okafor", status="subscribed")
        before = it.person(number)
        assert await it.write(update("action_network", number, {"first_name": ("Rosa", "Ada")})) == Delivered()
        after = it.person(number)
        assert after.pop("given_name") == "Ada"
        before.pop("given_name")
        before["modified_date"] = after["modified_date"]
        assert after == before
        assert it.line.calls == {"GET people/*": 1, "PUT people/*": 1}


async def test_a_field_with_another_name_there_is_written_under_that_name() -> None:
    async with syncing(remote={"custom.favorite_color": "custom.Colour"}) as it:
        number = await it.there(email=ROSA, custom_fields={"Colour": "red"})
        await it.write(update("action_network", number, {"custom.favorite_color": ("red", "blue")}))
        assert it.person(number)["custom_fields"] == {"Colour": "blue"}


async def test_a_field_that_somebody_edited_meanwhile_is_left_alone_and_the_others_are_written() -> None:
    async with syncing() as it:
        number = await it.there(email=ROSA, given_name="Edited", family_name="Okafor")
        changes = {"first_name": ("Rosa", "Ada"), "last_name": ("Okafor", "Quill")}
        assert await it.write(update("action_network", number, changes)) == Delivered()
        assert (it.person(number)["given_name"], it.person(number)["family_name"]) == ("Edited", "Quill")


async def test_nothing_is_written_where_everything_was_edited_meanwhile_or_is_there_already() -> None:
    async with syncing() as it:
        number = await it.there(email=ROSA, given_name="Edited", family_name="Quill")
        changes = {"first_name": ("Rosa", "Ada"), "last_name": ("Okafor", "Quill")}
        assert isinstance(await it.write(update("action_network", number, changes)), Skipped)
        assert it.writes() == 0


async def test_two_writes_that_went_out_as_one_still_leave_alone_what_was_edited_meanwhile() -> None:
    async with syncing() as it:
        number = await it.there(email=ROSA, given_name="Edited", family_name="Okafor")
        first = update("action_network", number, {"first_name": ("Rosa", "Ada")}, at=1.0)
        second = update("action_network", number, {"last_name": ("Okafor", "Quill")}, at=2.0)
        await it.write(merged([first, second]))
        assert (it.person(number)["given_name"], it.person(number)["family_name"]) == ("Edited", "Quill")


@pytest.mark.parametrize(("before", "word", "after"), [("unsubscribed", "true", "subscribed"),
                                                       ("subscribed", "false", "unsubscribed")])  # fmt: skip
async def test_an_opt_in_is_written_as_the_status_of_the_phone_and_of_nothing_else(
    before: str, word: str, after: str
) -> None:
    async with syncing() as it:
        number = await it.there(email=ROSA, status="unsubscribed", phone=DIGITS, phone_status=before)
        was = "false" if word == "true" else "true"
        assert await it.write(update("action_network", number, {"sms_opt_in": (was, word)})) == Delivered()
        assert phone_of(it.person(number)) == (DIGITS, after)
        assert email_of(it.person(number)) == (ROSA, "unsubscribed")


async def test_an_opt_in_that_changed_there_meanwhile_is_left_alone() -> None:
    async with syncing() as it:
        number = await it.there(phone=DIGITS, phone_status="unsubscribed")
        # What was decided on was another state: somebody said stop since.
        wish = update("action_network", number, {"sms_opt_in": (None, "true")})
        assert isinstance(await it.write(wish), Skipped)
        assert phone_of(it.person(number)) == (DIGITS, "unsubscribed")


async def test_a_missing_email_is_filled_in_without_subscribing_it() -> None:
    async with syncing() as it:
        number = await it.there(phone=DIGITS, given_name="Rosa")
        assert await it.write(update("action_network", number, {"email": (None, ROSA)})) == Delivered()
        assert email_of(it.person(number)) == (ROSA, "unsubscribed")


async def test_an_email_that_is_there_is_not_changed() -> None:
    async with syncing() as it:
        number = await it.there(email=ROSA)
        await it.write(update("action_network", number, {"email": (None, "other@example.org")}))
        assert email_of(it.person(number))[0] == ROSA
        await it.write(update("action_network", number, {"email": (ROSA, "other@example.org")}, at=1.0))
        assert email_of(it.person(number))[0] == ROSA


async def test_a_part_of_an_address_that_changed_does_not_cost_the_other_parts() -> None:
    # Only the changed part was sent, and Action Network drops the city when a ZIP code comes without one.
    async with syncing(geocodes=False) as it:
        number = await it.there(
            email=ROSA,
            postal_addresses=[
                {"address_lines": ["1 Elm"], "locality": "Elmham", "region": "OR", "postal_code": "97000"}
            ],
        )
        assert await it.write(update("action_network", number, {"zip": ("97000", "97001")})) == Delivered()
        (address,) = it.person(number)["postal_addresses"]
        assert (address["postal_code"], address["locality"]) == ("97001", "Elmham")
        assert (address["region"], address["address_lines"]) == ("OR", ["1 Elm"])


async def test_the_country_of_an_address_abroad_stays_when_its_city_changes() -> None:
    async with syncing(geocodes=False) as it:
        number = await it.there(
            email=ROSA, postal_addresses=[{"locality": "Lyon", "postal_code": "69001", "country": "FR"}]
        )
        await it.write(update("action_network", number, {"city": ("Lyon", "Lille")}))
        (address,) = it.person(number)["postal_addresses"]
        assert (address["locality"], address["country"], address["postal_code"]) == ("Lille", "FR", "69001")


async def test_a_country_is_written_over_the_one_that_is_only_their_default() -> None:
    async with syncing(geocodes=False) as it:
        number = await it.there(email=ROSA, given_name="Rosa")
        outcome = await it.write(update("action_network", number, {"country": (None, "FR"), "city": (None, "Lyon")}))
        assert outcome == Delivered()
        (address,) = it.person(number)["postal_addresses"]
        assert (address["locality"], address["country"]) == ("Lyon", "FR")


async def test_somebody_is_made_once_and_subscribed_to_no_mail() -> None:
    async with syncing() as it:
        wanted = {"email": ROSA, "first_name": "Rosa", "custom.shirt": "M"}
        assert await it.write(creation(wanted, consent="yes")) == Delivered()
        person = it.person(ROSA)
        assert email_of(person) == (ROSA, "unsubscribed")
        assert phone_of(person) == (DIGITS, "subscribed")
        assert (person["given_name"], person["custom_fields"]) == ("Rosa", {"shirt": "M"})
        assert it.line.calls == {"GET people": 2, "POST people": 1}


@pytest.mark.parametrize("consent", ["no", "unknown"])
async def test_who_never_said_yes_is_made_without_a_texting_subscription(consent: str) -> None:
    async with syncing() as it:
        await it.write(creation({"email": ROSA}, consent=consent))
        assert phone_of(it.person(ROSA)) == (DIGITS, "unsubscribed")


async def test_somebody_who_has_the_email_already_keeps_what_they_have_and_gets_what_they_lack() -> None:
    async with syncing() as it:
        await it.there(email=ROSA, status="subscribed", given_name="Rosa")
        wanted = {"email": ROSA.upper(), "first_name": "Rosalind", "last_name": "Okafor"}
        assert await it.write(creation(wanted, consent="yes")) == Delivered()
        person = it.person(ROSA)
        assert (person["given_name"], person["family_name"]) == ("Rosa", "Okafor")
        assert email_of(person) == (ROSA, "subscribed")
        assert phone_of(person) == (DIGITS, "subscribed")
        assert it.line.server.control.people == 1


async def test_somebody_elses_phone_is_not_taken_from_them_to_make_somebody_new() -> None:
    async with syncing() as it:
        holder = await it.there(email="ken@example.org", phone=DIGITS, phone_status="subscribed")
        await it.write(creation({"email": ROSA}, consent="yes"))
        assert phone_of(it.person(holder)) == (DIGITS, "subscribed")


async def test_a_lost_answer_leads_to_no_second_write() -> None:
    async with syncing() as it:
        number = await it.there(email=ROSA, given_name="Rosa")
        it.line.server.faults.plan(ANSWER_LOST, method="PUT")
        wish = update("action_network", number, {"first_name": ("Rosa", "Ada")})
        assert isinstance(await it.write(wish), Retry)
        assert it.person(number)["given_name"] == "Ada"
        assert isinstance(await it.write(wish), Skipped)
        assert it.writes() == 1


async def test_a_lost_answer_makes_nobody_twice() -> None:
    async with syncing() as it:
        it.line.server.faults.plan(ANSWER_LOST, method="POST")
        wish = creation({"email": ROSA, "first_name": "Rosa"})
        assert isinstance(await it.write(wish), Retry)
        # Before their lists show the newcomer, and after.
        for wait_s in (0.0, LAG_S):
            await it.line.clock.advance(wait_s)
            assert isinstance(await it.write(wish), Delivered | Skipped)
        assert it.line.server.control.people == 1


@pytest.mark.parametrize("fault", [SERVER_ERROR, UNAVAILABLE])
async def test_a_call_that_fails_is_tried_again(fault: Any) -> None:
    async with syncing() as it:
        number = await it.there(email=ROSA, given_name="Rosa")
        it.line.server.faults.plan(fault, method="PUT")
        wish = update("action_network", number, {"first_name": ("Rosa", "Ada")})
        assert isinstance(await it.write(wish), Retry)
        assert await it.write(wish) == Delivered()


async def test_who_is_gone_is_said_to_be_gone_and_not_made_anew() -> None:
    async with syncing() as it:
        kept = await it.there(email="ken@example.org")
        lost = await it.there(email=ROSA, given_name="Rosa")
        it.line.server.control.merge(kept, lost)
        outcome = await it.write(update("action_network", lost, {"first_name": ("Rosa", "Ada")}))
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "gone"
        assert it.line.server.control.people == 1
