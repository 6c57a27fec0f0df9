"""Action processing: who is identified, what is written, who is subscribed, what is refused."""

from typing import Any

import pytest

from groundswell.connectors.actionkit.simulator.calls.messages import message
from tests.connectors.actionkit.simulated import Desk, id_of

ROSA = "rosa@example.org"


def user_of(desk: Desk, action: dict[str, Any]) -> dict[str, Any]:
    return desk.get(action["user"].partition("/rest/v1/")[2])


def subscriptions(desk: Desk, user: str) -> list[int]:
    rows = desk.rows("SELECT list_id FROM core_subscription WHERE user_id = ? ORDER BY list_id", id_of(user))
    return [row["list_id"] for row in rows]


def test_an_address_is_one_user_whatever_its_case() -> None:
    desk = Desk()
    first, second = desk.act(email="Rosa@Example.org", first_name="Rosa"), desk.act(email=ROSA, last_name="Quill")
    assert (first["created_user"], second["created_user"]) == (True, False)
    assert first["user"] == second["user"]
    user = user_of(desk, second)
    assert (user["email"], user["first_name"], user["last_name"]) == (ROSA, "Rosa", "Quill")


def test_a_blank_value_of_an_action_erases_nothing() -> None:
    desk = Desk()
    desk.act(email=ROSA, first_name="Rosa", city="Dayton")
    assert user_of(desk, desk.act(email=ROSA, first_name="", city=""))["first_name"] == "Rosa"


def test_who_says_no_country_lives_in_the_united_states() -> None:
    desk = Desk()
    assert user_of(desk, desk.act(email=ROSA))["country"] == "United States"
    french = desk.act(email="ada@example.org", country="France", postal="75001", region="Paris")
    assert user_of(desk, french)["zip"] == ""
    assert user_of(desk, desk.act(email="ada@example.org"))["country"] == "France"


def test_a_zip_code_sets_postal_and_region_and_city() -> None:
    user = user_of(desk := Desk(), desk.act(email=ROSA, zip="45402"))
    assert (user["zip"], user["postal"], user["city"], user["state"], user["region"]) == (
        "45402", "45402", "Dayton", "OH", "OH",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Jane Doe", ("", "Jane", "", "Doe", "")),
        ("Dr. Ada B. Quill Jr.", ("Dr.", "Ada", "B.", "Quill", "Jr.")),
        ("Cher", ("", "Cher", "", "", "")),
    ],
)
def test_a_whole_name_is_split(name: str, parts: tuple[str, ...]) -> None:
    user = user_of(desk := Desk(), desk.act(email=ROSA, name=name))
    assert tuple(user[part] for part in ("prefix", "first_name", "middle_name", "last_name", "suffix")) == parts


def test_an_akid_stands_for_the_user_and_an_invented_one_for_nobody() -> None:
    desk = Desk()
    akid = desk.act(email=ROSA, first_name="Rosa")["akid"]
    assert user_of(desk, desk.act(akid=akid))["email"] == ROSA
    assert desk.act(status=400, akid=akid[:-1] + "!") == {"errors": {"akid": [message("en", "akid")]}}
    assert desk.call("GET", f"userpublic/{akid}/", authorization=None).answer.body["first_name"] == "Rosa"
    assert desk.call("GET", "userpublic/.1.AAAAAA/", authorization=None).status == 404


def test_required_fields_count_what_is_known_only_with_an_akid() -> None:
    desk = Desk()
    akid = desk.act(email=ROSA, zip="45402")["akid"]
    assert "zip" in desk.act(status=400, email=ROSA, required="zip")["errors"]
    assert desk.act(akid=akid, required=["zip", "email"])["status"] == "complete"
    assert set(desk.act(status=400, akid=akid, required=["zip", "city", "prefix"])["errors"]) == {"prefix"}


def test_a_wrong_postal_code_is_named_as_it_was_sent() -> None:
    desk = Desk()
    assert set(desk.act(status=400, email=ROSA, postal="1234")["errors"]) == {"postal"}
    assert set(desk.act(status=400, email=ROSA, zip="45402-1234")["errors"]) == {"zip"}
    assert set(desk.act(status=400, email=ROSA, plus4="12")["errors"]) == {"plus4"}
    assert desk.act(email=ROSA, country="France", postal="1234")["status"] == "complete"


def test_errors_are_in_the_language_of_the_page() -> None:
    errors = Desk(language="de").act(status=400, email="nobody")["errors"]
    assert errors == {"email": ["Die E-Mail-Adresse ist ungültig."]}


@pytest.mark.parametrize(
    ("shape", "errors"),
    [
        ("list", ["E-mail address is invalid.", "ZIP Code is invalid."]),
        ("text", "E-mail address is invalid. ZIP Code is invalid."),
    ],
)
def test_errors_may_be_a_list_or_a_text(shape: str, errors: object) -> None:
    assert Desk(errors_are=shape).act(status=400, email="nobody", zip="1") == {"errors": errors}


@pytest.mark.parametrize("status", [400, 404])
def test_an_unknown_page_is_an_error_without_an_envelope(status: int) -> None:
    answered = Desk(unknown_page_status=status).act("nope", status, email=ROSA)
    assert answered == {"page": "Unable to find a page for processing. You sent page=nope."}


def test_a_user_field_must_have_been_allowed_and_an_action_field_need_not() -> None:
    desk = Desk()
    assert set(desk.act(status=400, email=ROSA, user_shoe_size="40")["errors"]) == {"user_shoe_size"}
    desk.make("alloweduserfield/", {"name": "shoe_size"})
    action = desk.act(email=ROSA, user_shoe_size="40", action_colors=["blue", "yellow"], action_n=5)
    assert user_of(desk, action)["fields"] == {"shoe_size": "40"}
    assert action["fields"] == {"colors": ["blue", "yellow"], "n": "5"}


def test_a_refused_action_leaves_nothing_behind() -> None:
    desk = Desk()
    before = desk.rows("SELECT count(*) AS n FROM core_user")
    desk.act(status=400, email=ROSA, user_nobody_allowed="1")
    assert desk.rows("SELECT count(*) AS n FROM core_user") == before


def test_phones_of_an_action_stand_beside_one_another_but_once() -> None:
    desk = Desk()
    desk.act(email=ROSA, phone="310-555-0101", phone_type="mobile", work_phone="+1 310 555 0102")
    user = user_of(desk, desk.act(email=ROSA, mobile_phone="(310) 555-0101", home_phone="3105550103"))
    phones = [desk.get(uri.partition("/rest/v1/")[2]) for uri in user["phones"]]
    assert [(phone["type"], phone["normalized_phone"]) for phone in phones] == [
        ("mobile", "3105550101"), ("work", "3105550102"), ("home", "3105550103"),
    ]  # fmt: skip


def test_any_action_subscribes_again_unless_it_is_told_not_to() -> None:
    desk = Desk()
    first = desk.act(email=ROSA)
    assert first["subscribed_user"]
    assert not desk.act(email=ROSA)["subscribed_user"], "already on the list"
    desk.act("unsubscribe", email=ROSA)
    assert user_of(desk, first)["subscription_status"] == "unsubscribed"
    assert not desk.act(email=ROSA, suppress_subscribe=1)["subscribed_user"]
    assert subscriptions(desk, first["user"]) == []
    assert desk.act(email=ROSA)["subscribed_user"]
    assert user_of(desk, first)["subscription_status"] == "subscribed"
    changes = desk.objects("subscriptionhistory/", user=id_of(first["user"]), order_by="id")
    assert [id_of(change["change"]) for change in changes] == [1, 4, 1]


def test_lists_stand_for_the_list_of_the_page_and_opt_in_without_any_for_none() -> None:
    desk = Desk()
    assert subscriptions(desk, desk.act(email="a@example.org")["user"]) == [1]
    assert subscriptions(desk, desk.act(email="b@example.org", lists=[2])["user"]) == [2]
    assert subscriptions(desk, desk.act(email="c@example.org", opt_in=True)["user"]) == []
    assert subscriptions(desk, desk.act(email="d@example.org", opt_in="1", lists="1,2")["user"]) == [1, 2]
    assert subscriptions(desk, desk.act("groundswell_import", email="e@example.org")["user"]) == []


def test_somebody_may_leave_one_list_alone() -> None:
    desk = Desk()
    action = desk.act(email=ROSA, lists=[1, 2])
    desk.act("unsubscribe", email=ROSA, have_unsub_lists=1, unsub_lists=[2])
    assert subscriptions(desk, action["user"]) == [1]
    assert user_of(desk, action)["subscription_status"] == "subscribed"


def test_an_address_in_the_black_hole_is_never_subscribed() -> None:
    desk = Desk()
    desk.make("blackholedemail/", {"email": ROSA})
    assert not desk.act(email=ROSA)["subscribed_user"]


def test_a_mailing_nobody_was_sent_is_refused_and_one_that_is_there_is_kept() -> None:
    desk = Desk()
    assert set(desk.act(status=400, email=ROSA, mailing_id="99")["errors"]) == {"mailing_id"}
    action = desk.act(email=ROSA, mailing_id="1")
    assert action["mailing"] == "/rest/v1/mailing/1/"
    assert action["akid"].startswith("1.")


def test_who_refers_is_kept_and_friends_are_counted() -> None:
    desk = Desk()
    first = desk.act(email=ROSA)
    action = desk.act(email="ada@example.org", referring_akid=first["akid"], taf_emails="a@example.org, b@example.org")
    assert (action["referring_user"], action["taf_emails_sent"]) == (first["user"], 2)


def test_times_have_six_digits_in_the_answer_and_none_when_read_again() -> None:
    desk = Desk()
    action = desk.act(email=ROSA)
    read = desk.get(f"action/{action['id']}/")
    assert action["created_at"] == "2026-05-02T11:00:09.000000"
    assert read["created_at"] == "2026-05-02T11:00:09"
    assert "redirect_url" not in read
    dated = desk.act(email=ROSA, created_at="3/1/24 10:30")
    assert desk.get(f"signupaction/{dated['id']}/")["created_at"] == "2024-03-01T10:30:00"


def test_a_page_may_take_one_action_of_each() -> None:
    desk = Desk()
    desk.make("signuppage/", {"name": "once", "title": "Once", "allow_multiple_responses": False})
    desk.act("once", email=ROSA)
    assert set(desk.act("once", 400, email=ROSA)["errors"]) == {"email"}
    desk.control.behave(repeat_where_forbidden="recorded")
    assert desk.act("once", email=ROSA)["status"] == "complete"


def test_actions_are_not_posted_to_their_type() -> None:
    status, body = Desk().refused("POST", "signupaction/", {"page": "signup", "email": ROSA})
    assert status == 400
    assert set(body) == {"error"}


@pytest.mark.parametrize("header", [None, "Basic Og==", "Basic bm9ib2R5Ondyb25n"])
def test_bad_credentials_are_anonymous_credentials_and_the_action_is_there(header: str | None) -> None:
    desk = Desk()
    outcome = desk.call("POST", "action/", {"page": "signup", "email": ROSA}, authorization=header)
    assert outcome.status == 201
    assert set(outcome.answer.body) == {"action_id", "akid", "rd", "redirect_url"}
    assert desk.world.counts.anonymous_actions == 1
    assert desk.rows("SELECT id FROM core_user WHERE email = ?", ROSA)


def test_fields_of_an_action_are_replaced_or_merged() -> None:
    for patch, left in (("replace", {"b": "2"}), ("merge", {"a": "1", "b": "2"})):
        desk = Desk(fields_patch=patch)
        action = desk.act(email=ROSA, action_a="1")
        path = action["resource_uri"].partition("/rest/v1/")[2]
        assert desk.call("PATCH", path, {"fields": {"b": "2"}}).status == 202
        assert desk.get(path)["fields"] == left
