"""What the actions sink records, and whom it leaves alone."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from groundswell.component import Delivered, Rejected, Retry, Skipped
from groundswell.connectors.actionkit.actions_settings import ActionKitActionsSettings
from groundswell.errors import UnauthorizedError
from groundswell.record import Person, Record
from tests.connectors.actionkit.sinking import ROSA, signed, sinking

ACTIONS = "actionkit.actions"


async def test_a_record_becomes_an_action_with_its_user_and_our_key() -> None:
    async with sinking(ACTIONS, page="signup", source="groundswell") as it:
        outcome = await it.deliver(
            email="Rosa@Example.org", first_name="Rosa", last_name="Quill", phone="+15035550144", zip="97201-1234"
        )
        assert outcome == Delivered()
        user = it.user()
        assert (user["first_name"], user["last_name"], user["zip"], user["plus4"]) == ("Rosa", "Quill", "97201", "1234")
        assert user["country"] == "United States"
        (action,) = it.actions()
        assert action["page"] == "signup"
        assert action["source"] == "groundswell"
        assert action["fields"]["groundswell_id"] == ["network:signature/1 signup"]
        assert it.phones() == [("mobile", "5035550144")]


async def test_nobody_is_subscribed_by_accident() -> None:
    async with sinking(ACTIONS, page="signup") as it:
        for email_opt_in in (True, False, None):
            await it.deliver(email=ROSA, email_opt_in=email_opt_in)
        assert len(it.actions()) == 3
        assert it.lists() == []


async def test_who_left_is_not_put_back_by_an_action_that_says_nothing_about_email() -> None:
    async with sinking(ACTIONS, page="signup", subscribe=["action"]) as it:
        it.server.control.act("signup", email=ROSA)
        it.server.control.unsubscribe(it.user()["id"])
        assert await it.deliver(email=ROSA) == Delivered()
        assert it.user()["subscription_status"] == "unsubscribed"


async def test_a_yes_subscribes_where_that_is_meant_and_only_for_the_kinds_named() -> None:
    async with sinking(ACTIONS, page="signup", subscribe=["action"]) as it:
        await it.deliver_record(signed(9, kind="person", email=ROSA, email_opt_in=True))
        assert it.lists() == []
        await it.deliver(email=ROSA, email_opt_in=True)
        assert it.lists() == [1]


async def test_a_yes_from_before_they_left_puts_nobody_back() -> None:
    """From a queue, a backfill or a retried dead letter: the no is the later word."""
    async with sinking(ACTIONS, page="signup", subscribe=["action"]) as it:
        it.server.control.act("signup", email=ROSA)
        it.server.control.unsubscribe(it.user()["id"])
        for said_at in ("2026-03-01T09:00:00Z", msgspec.UNSET):
            old = msgspec.structs.replace(
                signed(1, email=ROSA, email_opt_in=True), occurred_at=said_at, id=f"x:{said_at}"
            )
            assert await it.deliver_record(old) == Delivered()
            assert it.lists() == []
        later = datetime.fromtimestamp(it.clock.now() + 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        new = msgspec.structs.replace(signed(2, email=ROSA, email_opt_in=True), occurred_at=later)
        assert await it.deliver_record(new) == Delivered()
        assert it.lists() == [1]


@pytest.mark.parametrize("is_new", [True, False])
async def test_a_no_that_overtakes_the_yes_before_it_stands(is_new: bool) -> None:
    """The yes was in the lane of a phone, or a dead letter, and the no in that of an email: she was on no list yet."""
    async with sinking(ACTIONS, page="signup", subscribe=["action"], unsubscribe_page="unsubscribe") as it:
        if not is_new:
            it.server.control.act("newsletter", email=ROSA, suppress_subscribe=1)
        no = signed(2, email=ROSA, email_opt_in=False)
        assert await it.deliver_record(no) == Delivered()
        assert await it.deliver_record(signed(1, email=ROSA, email_opt_in=True)) == Delivered()
        assert it.lists() == []
        later = msgspec.structs.replace(signed(3, email=ROSA, email_opt_in=True), occurred_at="2026-03-01T09:00:01Z")
        assert await it.deliver_record(later) == Delivered()
        assert it.lists() == [1], "however late the no was delivered, the yes after it counts"
        last = msgspec.structs.replace(signed(4, email=ROSA, email_opt_in=False), occurred_at="2026-03-01T09:00:02Z")
        await it.deliver_record(last)
        assert it.lists() == []


def test_who_subscribes_is_told_whom_that_puts_back_and_that_a_no_needs_a_page() -> None:
    def warned(**settings: Any) -> list[str]:
        whole = {"type": ACTIONS, "account": "crm", "inputs": ["people"], "page": "signup", **settings}
        return [words for _, words in ActionKitActionsSettings.model_validate(whole).warnings()]

    assert warned() == warned(subscribe=["action"], unsubscribe_page="unsubscribe") == []
    assert ["unsubscribe_page" in words for words in warned(subscribe=["action"])] == [True]
    assert ["put back" in words for words in warned(subscribe=["person"], unsubscribe_page="unsubscribe")] == [True]


async def test_who_left_another_list_is_put_on_this_one() -> None:
    async with sinking(ACTIONS, page="signup", subscribe=["action"], lists=[2]) as it:
        it.server.control.act("signup", email=ROSA)
        it.server.control.unsubscribe(it.user()["id"], 1)
        await it.deliver(email=ROSA, email_opt_in=True)
        assert it.lists() == [2]
        it.server.control.unsubscribe(it.user()["id"], 2)
        await it.deliver(email=ROSA, email_opt_in=True)
        assert it.lists() == []


async def test_a_page_that_subscribes_all_the_same_stops_the_sink_until_it_has_no_list() -> None:
    async with sinking(ACTIONS, page="signup", switches={"suppresses_subscribe": False}) as it:
        outcome = await it.deliver(email=ROSA)
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "subscribed_unasked"
        held = await it.deliver(email="ida@example.org")
        assert isinstance(held, Retry)
        assert isinstance(held.error, UnauthorizedError)
        assert '"signup"' in str(held.error)
        assert not it.has_user("ida@example.org")
        it.server.world.db.run("UPDATE core_page SET list_id = NULL WHERE name = 'signup'")
        assert await it.deliver(email="ida@example.org") == Delivered()


async def test_the_lists_of_the_settings_stand_instead_of_that_of_the_page() -> None:
    async with sinking(ACTIONS, page="signup", subscribe=["action"], lists=[2]) as it:
        await it.deliver(email=ROSA, email_opt_in=True)
        assert it.lists() == [2]


async def test_custom_fields_go_where_the_settings_say_and_are_made_when_they_may_be() -> None:
    fields = {"shirt": "custom.Shirt size", "sms_opt_in": "sms_opt_in"}
    async with sinking(ACTIONS, page="signup", user_fields=fields, create_user_fields=True) as it:
        record = signed(fields={"Your comments": "yes", "where": {"city": "Dayton"}}, email=ROSA, sms_opt_in=True,
                        custom={"Shirt size": ["M", "L"]})  # fmt: skip
        assert await it.deliver_record(record) == Delivered()
        assert it.user()["fields"] == {"shirt": ["M", "L"], "sms_opt_in": "true"}
        (action,) = it.actions()
        assert action["fields"]["your_comments"] == ["yes"]
        assert action["fields"]["where_city"] == ["Dayton"]
        made = it.server.counts.by_call["POST alloweduserfield"]
        await it.deliver_record(signed(2, email=ROSA, custom={"Shirt size": "M"}))
        assert it.server.counts.by_call["POST alloweduserfield"] == made == 1


async def test_a_field_nobody_allowed_is_a_dead_letter_that_names_it() -> None:
    async with sinking(ACTIONS, page="signup", user_fields={"shirt": "custom.shirt"}) as it:
        outcome = await it.deliver(email=ROSA, custom={"shirt": "M"})
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "invalid"
        assert "user_shirt" in outcome.message
        assert "create_user_fields" in outcome.message
        assert not it.has_user()


async def test_what_they_refuse_is_a_dead_letter_with_their_words_and_without_the_values() -> None:
    async with sinking(ACTIONS, page="signup", required=["last_name"], switches={"language": "de"}) as it:
        outcome = await it.deliver(email="rosa.example.org", first_name="Rosa")
        assert isinstance(outcome, Rejected)
        assert "email" in outcome.message
        assert "Die E-Mail-Adresse" in outcome.message
        assert "rosa.example.org" not in outcome.message
        missing = await it.deliver(email=ROSA)
        assert isinstance(missing, Rejected)
        assert "last_name" in missing.message


async def test_a_page_that_is_not_there_is_no_fault_of_the_record() -> None:
    for status in (400, 404):
        async with sinking(ACTIONS, page="nowhere", switches={"unknown_page_status": status}) as it:
            outcome = await it.deliver(email=ROSA)
            assert isinstance(outcome, Retry)
            assert isinstance(outcome.error, UnauthorizedError)
            assert '"nowhere"' in str(outcome.error)
            assert "`page`" in str(outcome.error)


async def test_pages_by_record_go_before_the_page_for_all_others() -> None:
    async with sinking(ACTIONS, pages={"17": "save_the_crossing"}) as it:
        assert await it.deliver_record(signed(1)) == Delivered()
        assert await it.deliver_record(signed(2, at="18")) == Skipped("no_page")
        assert [action["page"] for action in it.actions()] == ["save_the_crossing"]
    async with sinking(ACTIONS, pages={"17": "nowhere"}, page="signup") as it:
        outcome = await it.deliver_record(signed(1))
        assert isinstance(outcome, Rejected)
        assert "`pages`" in outcome.message


async def test_somebody_known_by_number_alone_acts_with_their_token() -> None:
    async with sinking(ACTIONS, page="signup", users=3) as it:
        user = it.server.control.user(2)
        before = len(it.actions(user["email"]))
        assert await it.deliver(ids={"actionkit": "2"}, first_name="Rosalind") == Delivered()
        assert len(it.actions(user["email"])) == before + 1
        assert it.user(user["email"])["first_name"] == "Rosalind"
        nobody = await it.deliver(ids={"actionkit": "999999"})
        assert isinstance(nobody, Rejected)
        assert nobody.reason == "no_user"


async def test_a_person_without_email_or_number_is_a_dead_letter() -> None:
    async with sinking(ACTIONS, page="signup") as it:
        outcome = await it.deliver(phone="+15035550144")
        assert isinstance(outcome, Rejected)
        assert outcome.reason == "no_identity"
        assert it.writes() == 0


async def test_what_is_not_ours_to_write_is_not_sent() -> None:
    async with sinking(ACTIONS, page="signup", fields=["last_name"]) as it:
        it.server.control.act("signup", email=ROSA, first_name="Rosa", city="Dayton")
        await it.deliver(email=ROSA, first_name="R.", last_name="Quill", city="Elsewhere", phone="+15035550144")
        user = it.user()
        assert (user["first_name"], user["last_name"], user["city"]) == ("Rosa", "Quill", "Dayton")
        assert it.phones() == []


async def test_an_address_abroad_has_a_region_a_postal_code_and_a_country_by_its_name() -> None:
    async with sinking(ACTIONS, page="signup") as it:
        await it.deliver(email=ROSA, city="Lyon", state="Rhône", zip="69001", country="FR")
        user = it.user()
        assert (user["country"], user["region"], user["postal"], user["zip"]) == ("France", "Rhône", "69001", "")


async def test_a_zip_code_that_is_none_is_left_out_and_the_rest_recorded() -> None:
    async with sinking(ACTIONS, page="signup") as it:
        assert await it.deliver(email=ROSA, city="Dayton", zip="4540") == Delivered()
        assert (it.user()["city"], it.user()["zip"]) == ("Dayton", "")


async def test_events_are_signed_up_for_and_referrals_and_dates_go_along() -> None:
    parameters = {
        "event_id": "action.fields.event", "role": "custom.role", "work_phone": "custom.work", "middle_name":
        "custom.middle", "referring_akid": "action.referrer.akid", "created_at": "occurred_at",
    }  # fmt: skip
    async with sinking(ACTIONS, users=1, page="come_to_a_festival", parameters=parameters) as it:
        event = it.server.control.rows("SELECT id FROM events_event ORDER BY id")[0]["id"]
        custom = {"role": "attendee", "work": "503-555-0199", "middle": "Ana"}
        assert await it.deliver_record(signed(fields={"event": event}, email=ROSA, custom=custom)) == Delivered()
        assert it.user()["middle_name"] == "Ana"
        assert ("work", "5035550199") in it.phones()
        (action,) = it.actions()
        assert action["created_at"].startswith("2026-03-01")
        signups = it.server.control.rows("SELECT role FROM events_eventsignup WHERE user_id = ?", it.user()["id"])
        assert [row["role"] for row in signups] == ["attendee"]


async def test_a_no_unsubscribes_on_the_page_for_it_once() -> None:
    async with sinking(ACTIONS, page="signup", unsubscribe_page="unsubscribe") as it:
        it.server.control.act("signup", email=ROSA)
        assert it.lists() == [1]
        record = signed(email=ROSA, email_opt_in=False)
        assert await it.deliver_record(record) == Delivered()
        assert it.lists() == []
        assert [action["page"] for action in it.actions()] == ["signup", "signup", "unsubscribe"]
        assert await it.deliver_record(record) == Skipped("already_there")
        await it.deliver_record(signed(2, email=ROSA, email_opt_in=False))
        assert [action["page"] for action in it.actions()].count("unsubscribe") == 1


async def test_a_no_may_be_about_some_lists_alone() -> None:
    async with sinking(ACTIONS, page="signup", unsubscribe_page="unsubscribe", unsubscribe_lists=[2]) as it:
        it.server.control.act("signup", email=ROSA, lists=[1, 2])
        await it.deliver(email=ROSA, email_opt_in=False)
        assert it.lists() == [1]
        await it.deliver(email=ROSA, email_opt_in=False)
        assert [action["page"] for action in it.actions()].count("unsubscribe") == 1


async def test_a_no_holds_where_the_action_itself_is_refused() -> None:
    async with sinking(ACTIONS, page="signup", unsubscribe_page="unsubscribe", required=["last_name"]) as it:
        it.server.control.act("signup", email=ROSA)
        outcome = await it.deliver(email=ROSA, email_opt_in=False)
        assert isinstance(outcome, Rejected)
        assert "last_name" in outcome.message
        assert it.lists() == []


async def test_an_akid_that_is_made_up_unsubscribes_nobody() -> None:
    settings = {"parameters": {"akid": "action.fields.akid"}, "unsubscribe_page": "unsubscribe"}
    async with sinking(ACTIONS, page="signup", **settings) as it:
        it.server.control.act("signup", email=ROSA)
        made_up = signed(fields={"akid": f".{it.user()['id']}.abcdef"}, first_name="X", email_opt_in=False)
        assert isinstance(await it.deliver_record(made_up), Rejected)
        assert it.lists() == [1]


async def test_what_was_read_at_actionkit_is_not_recorded_there_again() -> None:
    async with sinking(ACTIONS, page="signup") as it:
        person = Person(email=ROSA)
        read = Record(id="actionkit:user/7@2026-03-01T09:00:00Z.5f2a", kind="person", source="poll", person=person)
        assert await it.deliver_record(read) == Skipped("from_actionkit")
        gift = Record(id="actblue:contribution/1", kind="donation", source="gifts", person=person)
        assert await it.deliver_record(gift) == Skipped("does_not_fit")
        assert it.writes() == 0
    async with sinking(ACTIONS, page="signup", from_actionkit=True) as it:
        ours = signed(fields={"groundswell_id": "network:signature/1 signup"})
        echo = Record(id="actionkit:action/5001", kind="action", source="poll", person=ours.person, action=ours.action)
        assert await it.deliver_record(echo) == Skipped("echo")
        assert await it.deliver_record(read) == Delivered()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "set page"),
        ({"page": "a", "lists": [1]}, "subscribes nobody"),
        ({"page": "a", "unsubscribe_lists": [1]}, "unsubscribe_page"),
        ({"page": "a", "user_fields": {"id": "custom.x"}}, "no name of a field"),
        ({"page": "a", "user_fields": {"x": "person.custom"}}, "nothing of a record"),
        ({"page": "a", "parameters": {"opt_in": "email_opt_in"}}, "no parameter that can be filled"),
    ],
)
def test_settings_that_make_no_sense_say_so(settings: dict[str, object], words: str) -> None:
    whole = {"type": ACTIONS, "account": "crm", "inputs": ["people"], **settings}
    with pytest.raises(ValidationError, match=words):
        ActionKitActionsSettings.model_validate(whole)
