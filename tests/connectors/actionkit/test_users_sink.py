"""What the users sink writes, and what it leaves alone."""

from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from groundswell.component import Delivered, Rejected, Retry, Skipped
from groundswell.connectors.actionkit.simulator import faults
from groundswell.connectors.actionkit.users_sink import ActionKitUsersSettings
from groundswell.errors import NotYetError, UnauthorizedError, UnavailableError
from groundswell.record import Record
from tests.connectors.actionkit.sinking import ROSA, Sinking, signed, sinking

USERS = "actionkit.users"


def there(it: Sinking, **parameters: Any) -> dict[str, Any]:
    """Somebody who signed up before; their user."""
    it.server.control.act("signup", **({"email": ROSA} | parameters))
    it.server.control.reset_counts()
    return it.user(str(parameters.get("email", ROSA)))


async def test_somebody_new_is_made_only_where_that_is_asked_for() -> None:
    async with sinking(USERS) as it:
        assert await it.deliver(email=ROSA, first_name="Rosa") == Skipped("no_user")
        assert not it.has_user()
    async with sinking(USERS, create_users=True, source="groundswell") as it:
        outcome = await it.deliver(email="Rosa@Example.org", first_name="Rosa", phone="+15035550144", email_opt_in=True)
        assert outcome == Delivered()
        user = it.user()
        assert (user["first_name"], user["source"]) == ("Rosa", "groundswell")
        assert it.phones() == [("mobile", "5035550144")]
        assert it.lists() == [], "a user is not subscribed by being made"
        assert await it.deliver(email=ROSA, first_name="Rosa", phone="+15035550144") == Skipped("unchanged")


async def test_only_what_differs_is_written() -> None:
    async with sinking(USERS) as it:
        there(it, first_name="Rosa", last_name="Quill", zip="45402")
        assert await it.deliver(email=ROSA, first_name="Rosa", last_name="Quill", zip="45402") == Skipped("unchanged")
        assert it.writes() == 0
        assert await it.deliver(email=ROSA, first_name="Rosalind") == Delivered()
        user = it.user()
        assert (user["first_name"], user["last_name"], user["zip"]) == ("Rosalind", "Quill", "45402")


async def test_an_email_is_never_changed() -> None:
    async with sinking(USERS) as it:
        number = there(it)["id"]
        outcome = await it.deliver(email="other@example.org", first_name="Rosa", ids={"actionkit": str(number)})
        assert outcome == Delivered()
        assert it.user()["first_name"] == "Rosa"
        assert not it.has_user("other@example.org")


async def test_a_number_of_another_instance_is_nobody_here() -> None:
    async with sinking(USERS, own_numbers=False) as it:
        number = there(it, first_name="Rosa")["id"]
        assert await it.deliver(email="ida@example.org", first_name="Ida", ids={"actionkit": str(number)}) == Skipped(
            "no_user"
        )
        assert it.user()["first_name"] == "Rosa"


async def test_a_number_that_is_gone_leads_to_the_email() -> None:
    async with sinking(USERS) as it:
        there(it)
        assert await it.deliver(email=ROSA, first_name="Rosa", ids={"actionkit": "999999"}) == Delivered()
        assert await it.deliver(first_name="Rosa", ids={"actionkit": "999999"}) == Skipped("no_user")


@pytest.mark.parametrize("patch", ["merge", "replace"])
async def test_custom_fields_are_merged_whatever_a_patch_does_to_the_others(patch: str) -> None:
    fields = {"favorite_color": "custom.colour", "shirt": "custom.shirt"}
    switches = {"user_fields_patch": patch}
    async with sinking(USERS, user_fields=fields, create_user_fields=True, switches=switches) as it:
        there(it, user_employer="Acme", user_favorite_color="red")
        custom = {"colour": "blue", "shirt": ["M", "L"]}
        assert await it.deliver(email=ROSA, custom=custom) == Delivered()
        assert it.user()["fields"] == {"employer": "Acme", "favorite_color": "blue", "shirt": ["M", "L"]}
        assert await it.deliver(email=ROSA, custom=custom) == Skipped("unchanged")


async def test_a_field_nobody_allowed_is_a_dead_letter_that_names_it() -> None:
    async with sinking(USERS, user_fields={"shirt": "custom.shirt"}) as it:
        there(it)
        outcome = await it.deliver(email=ROSA, custom={"shirt": "M"})
        assert isinstance(outcome, Rejected)
        assert "shirt" in outcome.message
        assert "create_user_fields" in outcome.message


async def test_times_in_custom_fields_are_compared_by_the_second() -> None:
    async with sinking(USERS, user_fields={"employer": "occurred_at"}) as it:
        there(it, user_employer="2026-03-01T09:00:00.123456")
        assert await it.deliver(email=ROSA) == Skipped("unchanged")


async def test_a_phone_that_is_there_in_another_spelling_or_as_another_kind_is_not_added() -> None:
    async with sinking(USERS) as it:
        there(it, home_phone="(503) 555-0144")
        assert await it.deliver(email=ROSA, phone="+15035550144") == Skipped("unchanged")
        assert await it.deliver(email=ROSA, phone="+15035550199") == Delivered()
        assert await it.deliver(email=ROSA, phone="+15035550199") == Skipped("unchanged")
        assert it.phones() == [("home", "5035550144"), ("mobile", "5035550199")]


async def test_who_moves_abroad_keeps_neither_zip_code_nor_state() -> None:
    async with sinking(USERS) as it:
        there(it, city="Dayton", state="OH", zip="45402")
        moved = {"email": ROSA, "city": "Lyon", "state": "Rhône", "zip": "69001", "country": "fr"}
        assert await it.deliver(**moved) == Delivered()
        user = it.user()
        assert (user["country"], user["region"], user["postal"]) == ("France", "Rhône", "69001")
        assert (user["zip"], user["state"]) == ("", "")
        assert await it.deliver(**moved) == Skipped("unchanged")
        # An address that does not say the country is in the one they have.
        assert await it.deliver(email=ROSA, city="Paris", zip="75001") == Delivered()
        assert (it.user()["country"], it.user()["postal"]) == ("France", "75001")


async def test_an_empty_field_empties_only_where_that_is_asked_for() -> None:
    for clear_empty, left in ((False, "Quill"), (True, "")):
        async with sinking(USERS, clear_empty=clear_empty) as it:
            there(it, last_name="Quill")
            await it.deliver(email=ROSA, last_name=None)
            assert it.user()["last_name"] == left


async def test_what_they_do_not_keep_is_not_written_over_and_over() -> None:
    async with sinking(USERS, clear_empty=True) as it:
        there(it, zip="45402")
        with capture_logs() as logs:
            assert await it.deliver(email=ROSA, city=None, zip="45402") == Delivered()
        assert it.user()["city"] == "Dayton", "it follows the ZIP code"
        assert [(line["event"], line["fields"]) for line in logs] == [("not_kept_as_written", ["city"])]
        assert await it.deliver(email=ROSA, city=None, zip="45402") == Skipped("unchanged")


async def test_a_no_unsubscribes_from_all_or_from_some() -> None:
    async with sinking(USERS, unsubscribe_page="unsubscribe") as it:
        there(it, lists=[1, 2])
        assert await it.deliver(email=ROSA, email_opt_in=False) == Delivered()
        assert it.lists() == []
        assert await it.deliver(email=ROSA, email_opt_in=False) == Skipped("unchanged")
        assert await it.deliver(email=ROSA, email_opt_in=True) == Skipped("unchanged")
        assert it.lists() == [], "nobody is put back"
    async with sinking(USERS, unsubscribe_page="unsubscribe", unsubscribe_lists=[2]) as it:
        there(it, lists=[1, 2])
        assert await it.deliver(email=ROSA, email_opt_in=False) == Delivered()
        assert it.lists() == [1]
        assert await it.deliver(email=ROSA, email_opt_in=False) == Skipped("unchanged")


async def test_a_page_to_unsubscribe_on_that_is_not_there_is_no_fault_of_the_record() -> None:
    async with sinking(USERS, unsubscribe_page="nowhere") as it:
        there(it)
        outcome = await it.deliver(email=ROSA, email_opt_in=False)
        assert isinstance(outcome, Retry)
        assert isinstance(outcome.error, UnauthorizedError)


async def test_who_was_made_meanwhile_is_changed_and_not_made_again() -> None:
    async with sinking(USERS, create_users=True) as it:
        find = it.client.find

        async def find_too_early(*arguments: Any) -> Any:
            found = await find(*arguments)
            there(it, last_name="Quill")
            return found

        it.client.find = find_too_early
        assert await it.deliver(email=ROSA, first_name="Rosa") == Delivered()
        assert (it.user()["first_name"], it.user()["last_name"]) == ("Rosa", "Quill")


@pytest.mark.parametrize("path", ["user/", "phone/"])
@pytest.mark.parametrize("fault", [faults.ANSWER_LOST, faults.SERVER_ERROR_DONE, faults.DROPPED])
async def test_a_lost_answer_makes_nothing_twice(path: str, fault: faults.Fault) -> None:
    async with sinking(USERS, create_users=True) as it:
        it.server.faults.plan(fault, method="POST", path=path)
        record = signed(email=ROSA, first_name="Rosa", phone="+15035550144")
        outcome = await it.deliver_record(record)
        assert isinstance(outcome, Retry)
        assert isinstance(outcome.error, UnavailableError)
        it.restart()
        early = await it.deliver_record(record, attempts=1)
        if isinstance(early, Retry):
            assert isinstance(early.error, NotYetError)
        it.settle()
        await it.deliver_record(record, attempts=2)
        assert it.user()["first_name"] == "Rosa"
        assert it.phones() == [("mobile", "5035550144")]
        assert await it.deliver_record(record, attempts=3) == Skipped("unchanged")


async def test_a_user_who_is_erased_meanwhile_is_looked_for_again() -> None:
    async with sinking(USERS) as it:
        there(it)
        it.server.faults.plan(faults.Fault("404", status=404), method="PATCH", path="user/")
        outcome = await it.deliver(email=ROSA, first_name="Rosa")
        assert isinstance(outcome, Retry)
        assert isinstance(outcome.error, UnavailableError)
        assert outcome.error.tries_max is not None, "it would hold the others up for days"
        assert await it.deliver(email=ROSA, first_name="Rosa") == Delivered()


async def test_who_has_neither_email_nor_number_is_a_dead_letter() -> None:
    async with sinking(USERS) as it:
        outcome = await it.deliver(phone="+15035550144")
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "no_identity"
        page = Record(id="x:page/1", kind="page", source="x")
        assert await it.deliver_record(page) == Skipped("no_person")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"fields": ["email"]}, "names"),
        ({"fields": ["custom.x"]}, "user_fields"),
        ({"unsubscribe_lists": [1]}, "unsubscribe_page"),
        ({"user_fields": {"X": "custom.x"}}, "no name of a field"),
    ],
)
def test_settings_that_make_no_sense_say_so(settings: dict[str, object], words: str) -> None:
    whole = {"type": USERS, "account": "crm", "inputs": ["people"], **settings}
    with pytest.raises(ValidationError, match=words):
        ActionKitUsersSettings.model_validate(whole)
