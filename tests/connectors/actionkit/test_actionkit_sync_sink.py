"""The sink of a sync at ActionKit: only what changed, over what was expected, as one action on the import page."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from groundswell.component import Delivered, Outcome, Rejected, Retry, Skipped
from groundswell.connectors.actionkit.simulator.faults import ANSWER_LOST, SERVER_ERROR, TOO_MANY, UNAVAILABLE
from groundswell.connectors.actionkit.simulator.state.behaviour import FRIENDLIEST
from groundswell.errors import UnauthorizedError
from groundswell.record import Record, merged
from tests.connectors.actionkit.sinking import ROSA, Sinking, sinking
from tests.connectors.common.wishing import creation, update

COLOR = "custom.favorite_color"
PAGE = "groundswell_import"


@asynccontextmanager
async def syncing(switches: dict[str, Any] | None = None, **settings: Any) -> AsyncIterator[Sinking]:
    async with sinking("actionkit.sync", switches=switches, **{"import_page": PAGE, **settings}) as it:
        yield it


def there(it: Sinking, email: str = ROSA, **values: Any) -> str:
    """Somebody who is at ActionKit, as ActionKit numbers them."""
    it.server.control.act("signup", email=email, suppress_subscribe="1", **values)
    it.server.control.reset_counts()
    return str(it.user(email)["id"])


async def write(it: Sinking, *records: Record) -> Sequence[Outcome]:
    return await it.deliver_together(records)


async def test_only_the_fields_that_changed_are_written_in_one_action_on_the_import_page() -> None:
    async with syncing() as it:
        number = there(it, first_name="Rosa", last_name="Okafor", user_favorite_color="red", zip="97201")
        before = it.user()
        (outcome,) = await write(it, update("actionkit", number, {"first_name": ("Rosa", "Rosalind")}))
        after = it.user()
        assert outcome == Delivered()
        assert after["first_name"] == "Rosalind"
        kept = ("last_name", "email", "fields", "zip", "city", "state", "phones", "subscription_status")
        assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
        action = it.actions()[-1]
        assert action["page"] == PAGE
        assert action["fields"] == {"groundswell_member": ["7"], "former_data": ['{"first_name":"Rosa"}']}
        assert it.writes() == 1


async def test_the_names_of_the_action_fields_are_those_of_the_settings() -> None:
    async with syncing(member_field="our_number", former_field="was") as it:
        number = there(it, first_name="Rosa")
        await write(it, update("actionkit", number, {"first_name": ("Rosa", "Ada"), COLOR: (None, "blue")}))
        fields = it.actions()[-1]["fields"]
        assert fields["our_number"] == ["7"]
        assert msgspec.json.decode(fields["was"][0]) == {"first_name": "Rosa", COLOR: None}
        assert it.user()["fields"]["favorite_color"] == "blue"


async def test_a_field_that_somebody_edited_meanwhile_is_left_alone_and_the_others_are_written() -> None:
    async with syncing() as it:
        number = there(it, first_name="Rosa", user_favorite_color="red")
        it.server.control.edit(int(number), first_name="Rosalind")
        changes = {"first_name": ("Rosa", "Ada"), COLOR: ("red", "blue")}
        (outcome,) = await write(it, update("actionkit", number, changes))
        assert outcome == Delivered()
        assert it.user()["first_name"] == "Rosalind"
        assert it.user()["fields"]["favorite_color"] == "blue"
        assert msgspec.json.decode(it.actions()[-1]["fields"]["former_data"][0]) == {COLOR: "red"}


async def test_nothing_is_written_where_everything_was_edited_meanwhile_or_is_there_already() -> None:
    async with syncing() as it:
        number = there(it, first_name="Rosalind", user_favorite_color="blue")
        changes = {"first_name": ("Rosa", "Ada"), COLOR: ("red", "blue")}
        (outcome,) = await write(it, update("actionkit", number, changes))
        assert isinstance(outcome, Skipped)
        assert it.writes() == 0


async def test_what_an_earlier_write_was_to_put_there_may_be_written_over() -> None:
    async with syncing() as it:
        number = there(it, first_name="Ada")
        await write(it, update("actionkit", number, {"first_name": ("Rosa", "Zora")}, awaited={"first_name": ["Ada"]}))
        assert it.user()["first_name"] == "Zora"


async def test_two_writes_that_went_out_as_one_still_leave_alone_what_was_edited_meanwhile() -> None:
    # The second write's expectations replaced those of the first: its fields were written over anything.
    async with syncing() as it:
        number = there(it, first_name="Rosa", user_favorite_color="red")
        it.server.control.edit(int(number), first_name="Edited")
        first = update("actionkit", number, {"first_name": ("Rosa", "Ada")}, at=1.0)
        second = update("actionkit", number, {COLOR: ("red", "blue")}, at=2.0)
        await write(it, merged([first, second]))
        assert it.user()["first_name"] == "Edited"
        assert it.user()["fields"]["favorite_color"] == "blue"


async def test_an_opt_in_is_written_as_true_or_false_into_its_field_and_subscribes_nobody() -> None:
    async with syncing(opt_in_field="sms_opt_in") as it:
        number = there(it, user_sms_opt_in="TBD")
        await write(it, update("actionkit", number, {"sms_opt_in": ("TBD", "true")}))
        assert it.user()["fields"]["sms_opt_in"] == "true"
        await write(it, update("actionkit", number, {"sms_opt_in": ("true", "false")}, at=1.0))
        assert it.user()["fields"]["sms_opt_in"] == "false"
        assert it.lists() == []


async def test_who_unsubscribed_from_mail_stays_so_when_something_of_theirs_is_written() -> None:
    async with syncing() as it:
        number = there(it, first_name="Rosa")
        it.server.control.act("signup", email=ROSA)
        it.server.control.unsubscribe(int(number))
        await write(it, update("actionkit", number, {"first_name": ("Rosa", "Ada")}))
        assert it.user()["subscription_status"] == "unsubscribed"
        assert it.lists() == []


async def test_an_email_is_never_changed_whatever_a_delivery_says() -> None:
    async with syncing() as it:
        number = there(it, first_name="Rosa")
        changes = {"email": (ROSA, "other@example.org"), "first_name": ("Rosa", "Ada")}
        await write(it, update("actionkit", number, changes))
        assert it.user()["first_name"] == "Ada"
        assert not it.has_user("other@example.org")


async def test_a_value_is_emptied_where_the_sync_says_so() -> None:
    async with syncing() as it:
        number = there(it, first_name="Rosa", user_favorite_color="red")
        await write(it, update("actionkit", number, {COLOR: ("red", None)}))
        assert it.user()["fields"].get("favorite_color", "") == ""


async def test_the_city_that_follows_a_zip_code_is_not_emptied() -> None:
    async with syncing() as it:
        number = there(it, zip="97201", address1="1 Main St")
        await write(it, update("actionkit", number, {"zip": ("97201", "10001")}))
        user = it.user()
        assert (user["zip"], user["address1"]) == ("10001", "1 Main St")
        assert user["city"]


async def test_somebody_is_made_once_with_what_is_known_and_subscribed_to_nothing() -> None:
    async with syncing() as it:
        wanted = {"email": ROSA, "first_name": "Rosa", COLOR: "red", "zip": "97201"}
        (outcome,) = await write(it, creation(wanted, consent="yes"))
        assert outcome == Delivered()
        user = it.user()
        assert (user["first_name"], user["zip"]) == ("Rosa", "97201")
        assert user["fields"] == {"favorite_color": "red", "sms_opt_in": "true"}
        assert it.phones() == [("mobile", "5035550144")]
        assert it.lists() == []
        action = it.actions()[-1]
        assert (action["page"], action["fields"]) == (PAGE, {"groundswell_member": ["7"]})


async def test_whose_opt_in_nobody_knows_is_made_without_one() -> None:
    async with syncing() as it:
        await write(it, creation({"email": ROSA}))
        assert "sms_opt_in" not in it.user()["fields"]


async def test_somebody_who_has_the_email_already_keeps_what_they_have_and_gets_what_they_lack() -> None:
    async with syncing() as it:
        there(it, first_name="Rosa", user_sms_opt_in="no", mobile_phone="2125550100")
        wanted = {"email": ROSA.upper(), "first_name": "Rosalind", "last_name": "Okafor"}
        (outcome,) = await write(it, creation(wanted, consent="yes"))
        user = it.user()
        assert outcome == Delivered()
        assert (user["first_name"], user["last_name"]) == ("Rosa", "Okafor")
        assert user["fields"]["sms_opt_in"] == "no"
        assert {number for _, number in it.phones()} == {"2125550100", "5035550144"}
        assert it.lists() == []


async def test_without_an_email_nobody_is_made() -> None:
    async with syncing() as it:
        (outcome,) = await write(it, creation({"first_name": "Rosa"}))
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "no_email"
        assert it.writes() == 0


async def test_a_lost_answer_leads_to_no_second_action() -> None:
    async with syncing() as it:
        number = there(it, first_name="Rosa")
        it.server.faults.plan(ANSWER_LOST, method="POST", path="action/")
        record = update("actionkit", number, {"first_name": ("Rosa", "Ada")})
        (lost,) = await write(it, record)
        assert isinstance(lost, Retry)
        assert it.user()["first_name"] == "Ada"
        (again,) = await write(it, record)
        assert isinstance(again, Skipped)
        assert len(it.actions()) == 2


async def test_a_lost_answer_makes_nobody_twice_and_adds_no_phone_twice() -> None:
    async with syncing() as it:
        it.server.faults.plan(ANSWER_LOST, method="POST", path="action/")
        record = creation({"email": ROSA, "first_name": "Rosa"})
        (lost,) = await write(it, record)
        assert isinstance(lost, Retry)
        (again,) = await write(it, record)
        assert isinstance(again, Skipped)
        assert len(it.actions()) == 1
        assert it.phones() == [("mobile", "5035550144")]


async def test_a_phone_whose_answer_was_lost_is_not_added_twice() -> None:
    async with syncing() as it:
        there(it, first_name="Rosa", last_name="Okafor")
        it.server.faults.plan(ANSWER_LOST, method="POST", path="phone/")
        record = creation({"email": ROSA})
        (lost,) = await write(it, record)
        assert isinstance(lost, Retry)
        it.settle()
        (again,) = await write(it, record)
        assert not isinstance(again, Retry)
        assert it.phones() == [("mobile", "5035550144")]


async def test_a_missing_import_page_stops_the_sink_and_says_what_to_do() -> None:
    async with syncing(import_page="nowhere") as it:
        number = there(it, first_name="Rosa")
        for switch in (400, 404):
            it.server.control.behave(unknown_page_status=switch)
            (outcome,) = await write(it, update("actionkit", number, {"first_name": ("Rosa", "Ada")}))
            assert isinstance(outcome, Retry)
            assert isinstance(outcome.error, UnauthorizedError)
            assert "import_page" in str(outcome.error)
            assert "nowhere" in str(outcome.error)


async def test_a_missing_import_page_is_asked_for_once_not_for_each_of_a_batch() -> None:
    async with syncing(import_page="nowhere") as it:
        numbers = [there(it, f"p{number}@example.org", first_name="Rosa") for number in range(20)]
        it.server.control.reset_counts()
        records = [update("actionkit", number, {"first_name": ("Rosa", "Ada")}) for number in numbers]
        outcomes = await write(it, *records)
        assert all(isinstance(one, Retry) and isinstance(one.error, UnauthorizedError) for one in outcomes)
        assert it.server.counts.by_call["POST action"] <= 4


async def test_who_is_gone_is_said_to_be_gone_and_not_made_anew() -> None:
    async with syncing() as it:
        (outcome,) = await write(it, update("actionkit", "999999", {"first_name": ("Rosa", "Ada")}))
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "gone"
        assert it.writes() == 0


@pytest.mark.parametrize("fault", [UNAVAILABLE, SERVER_ERROR])
async def test_where_users_are_looked_at_one_by_one_a_call_that_fails_costs_only_its_own_delivery(fault: Any) -> None:
    # Fifty looks had to go through together: where one call in twenty fails, they hardly ever did.
    async with syncing({"id_filters": False}) as it:
        numbers = [there(it, f"p{number}@example.org", first_name="Rosa") for number in range(10)]
        it.server.control.reset_counts()
        it.server.faults.plan(fault, method="GET", path=f"user/{numbers[3]}/", times=1)
        records = [update("actionkit", number, {"first_name": ("Rosa", "Ada")}) for number in numbers]
        outcomes = await write(it, *records)
        assert isinstance(outcomes.pop(3), Retry)  # type: ignore[attr-defined]
        assert outcomes == [Delivered()] * 9


async def test_told_that_there_are_too_many_calls_the_rest_of_a_batch_waits() -> None:
    async with syncing({"id_filters": False}) as it:
        numbers = [there(it, f"p{number}@example.org", first_name="Rosa") for number in range(20)]
        it.server.control.reset_counts()
        it.server.faults.plan(TOO_MANY, path="user/", times=100, after=1)
        records = [update("actionkit", number, {"first_name": ("Rosa", "Ada")}) for number in numbers]
        outcomes = await write(it, *records)
        assert all(isinstance(one, Retry) for one in outcomes)
        assert sum(it.server.counts.by_call.values()) <= 5


async def test_users_are_looked_at_together_where_the_instance_allows_it() -> None:
    async with syncing(msgspec.structs.asdict(FRIENDLIEST)) as it:
        numbers = [there(it, f"p{number}@example.org", first_name="Rosa") for number in range(30)]
        it.server.control.reset_counts()
        outcomes = await write(
            it, *[update("actionkit", number, {"first_name": ("Rosa", "Ada")}) for number in numbers]
        )
        assert outcomes == [Delivered()] * 30
        assert sum(times for call, times in it.server.counts.by_call.items() if call.startswith("GET user")) <= 3
