"""Users and what hangs on them, as resources: the status of each answer, conflicts, fields, phones, groups, tokens."""

import hashlib
from base64 import urlsafe_b64encode

import pytest

from tests.connectors.actionkit.simulated import Desk, id_of

ROSA = {"email": "Rosa@Example.org", "first_name": "Rosa", "zip": "45402"}


def test_a_user_is_made_with_an_empty_answer_and_on_no_list() -> None:
    desk = Desk()
    outcome = desk.post("user/", ROSA)
    assert (outcome.answer.body, outcome.answer.location) == (None, "/rest/v1/user/1/")
    user = desk.get("user/1/")
    assert (user["email"], user["subscription_status"], user["city"]) == ("rosa@example.org", "never", "Dayton")


def test_an_address_that_is_taken_is_409_with_where_it_is() -> None:
    desk = Desk()
    desk.post("user/", ROSA)
    outcome = desk.call("POST", "user/", {"email": "ROSA@example.org"})
    assert outcome.status == 409
    assert outcome.answer.location == "http://simulated/rest/v1/user/1/"
    assert outcome.answer.body == {"errors": {"email": ["Conflict on unique key 'email' for value 'rosa@example.org'"]}}
    other = desk.make("user/", {"email": "ada@example.org"})
    outcome = desk.call("PATCH", other, {"email": "rosa@example.org"})
    assert (outcome.status, outcome.answer.location) == (409, "http://simulated/rest/v1/user/1/")
    desk.control.behave(existing_email="updated")
    assert desk.call("POST", "user/", {"email": "rosa@example.org", "last_name": "Quill"}).status == 202
    assert desk.get("user/1/")["last_name"] == "Quill"


@pytest.mark.parametrize(("method", "status"), [("PUT", 204), ("PATCH", 202)])
def test_a_change_touches_what_it_names_and_moves_the_date(method: str, status: int) -> None:
    desk = Desk(users=3)
    before = desk.get("user/2/")
    outcome = desk.call(method, "user/2/", {"last_name": "Quill", "akid": "ignored", "subscription_status": "bounced"})
    after = desk.get("user/2/")
    assert (outcome.status, outcome.answer.body) == (status, None)
    assert after.pop("last_name") == "Quill"
    assert after.pop("updated_at") == "2026-05-02T11:00:09"
    assert after == {name: value for name, value in before.items() if name not in ("last_name", "updated_at")}


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"user": {"email": ["This field is required."]}}),
        ({"email": "nobody"}, {"user": {"email": ["Enter a valid e-mail address."]}}),
        ({"email": "a@example.org", "lang": "/rest/v1/language/7/"},
         {"user": {"lang": ["Could not find the related object."]}}),
    ],
)  # fmt: skip
def test_what_does_not_validate_is_named_under_the_resource(body: dict[str, str], errors: dict[str, object]) -> None:
    assert Desk().refused("POST", "user/", body) == (400, errors)


def test_fields_are_merged_a_null_takes_one_away_and_the_date_may_not_move() -> None:
    desk = Desk(users=1)
    before = desk.get("user/1/")["updated_at"]
    desk.call("PATCH", "user/1/", {"fields": {"employer": "Acme", "occupation": "Baker"}})
    desk.call("PATCH", "user/1/", {"fields": {"employer": None, "favorite_color": ["red", "blue"]}})
    user = desk.get("user/1/")
    assert "employer" not in user["fields"]
    assert (user["fields"]["occupation"], user["fields"]["favorite_color"]) == ("Baker", ["red", "blue"])
    assert user["updated_at"] == before
    assert desk.refused("PATCH", "user/1/", {"fields": {"shoe_size": "40"}})[0] == 400
    desk.control.behave(fields_bump_user=True, user_fields_patch="replace")
    desk.call("PATCH", "user/1/", {"fields": {"employer": "Acme"}})
    assert desk.get("user/1/")["fields"] == {"employer": "Acme"}
    assert desk.get("user/1/")["updated_at"] != before


def test_a_phone_takes_type_and_phone_type_and_is_normalised() -> None:
    desk = Desk(users=1)
    for name, number in (("type", "+1-104-123-4567"), ("phone_type", "(310) 555.0101")):
        desk.make("phone/", {"user": "/rest/v1/user/1/", name: "Mobile", "phone": number})
    phones = desk.objects("phone/", user=1, order_by="-id", _limit=2)
    assert [phone["normalized_phone"] for phone in phones] == ["3105550101", "1041234567"]
    assert {phone["type"] for phone in phones} == {"mobile"}
    path = f"phone/{phones[0]['id']}/"
    assert desk.call("PATCH", path, {"type": "work", "phone": "310-555-0102"}).status == 202
    assert desk.get(path)["normalized_phone"] == "3105550102"
    assert desk.call("DELETE", path).status == 204
    assert desk.call("GET", path).status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"user": "/rest/v1/user/1/", "type": "pager", "phone": "1"}, "type"),
        ({"user": "/rest/v1/user/1/", "type": "home", "phone": " "}, "phone"),
        ({"user": "/rest/v1/user/99/", "type": "home", "phone": "1"}, "user"),
        ({"type": "home", "phone": "1"}, "user"),
    ],
)
def test_a_wrong_phone_is_refused(body: dict[str, str], field: str) -> None:
    status, errors = Desk(users=1).refused("POST", "phone/", body)
    assert (status, set(errors["phone"])) == (400, {field})


def test_phones_inside_a_user_replace_the_list() -> None:
    desk = Desk(users=1)
    desk.call("PATCH", "user/1/", {"phones": []})
    desk.call("PATCH", "user/1/", {"phones": [{"type": "home", "phone": "310-555-0101"}]})
    (kept,) = desk.get("user/1/")["phones"]
    desk.call("PATCH", "user/1/", {"phones": [kept, {"type": "work", "phone": "310-555-0102", "source": "user"}]})
    assert len(desk.get("user/1/")["phones"]) == 2
    desk.call("PATCH", "user/1/", {"phones": [kept]})
    assert desk.get("user/1/")["phones"] == [kept]


def test_groups_are_shown_on_their_members() -> None:
    desk = Desk(users=1)
    group = desk.make("usergroup/", {"name": "  drummers "})
    desk.call("PATCH", "user/1/", {"groups": [f"/rest/v1/{group}"]})
    assert desk.get("user/1/")["groups"] == [{"name": "drummers", "resource_uri": f"/rest/v1/{group}"}]


def test_a_token_is_the_hash_others_compute() -> None:
    desk = Desk(users=1)
    digest = hashlib.sha256(b"simulator-secret..1").digest()
    assert desk.get("user/1/")["token"] == f".1.{urlsafe_b64encode(digest).decode()[:6]}"
    assert desk.call("POST", "user/1/logintoken/", {"ttl": 60}).answer.body["token"].startswith(".1.")


def test_a_user_who_is_erased_or_deleted_is_not_to_be_known_again() -> None:
    desk = Desk(users=2)
    outcome = desk.post("eraser/", {"user_id": 1})
    assert outcome.answer.location == "/rest/v1/user/1/"
    erased = desk.get("user/1/")
    assert (erased["first_name"], erased["phones"], erased["fields"]) == ("", [], {})
    assert desk.call("DELETE", "user/2/").status == 204
    assert desk.call("GET", "user/2/").status == 404


def test_merged_users_leave_what_they_did_to_the_first() -> None:
    desk = Desk()
    one, other = desk.act(email="a@example.org"), desk.act(email="b@example.org")
    desk.post("usermerge/", {"primary_user": one["user"], "users": [other["user"]]})
    assert desk.call("GET", other["user"].partition("/rest/v1/")[2]).status == 404
    assert len(desk.objects("action/", user=id_of(one["user"]))) == 2


def test_a_field_is_known_by_its_name_and_cannot_be_made_twice() -> None:
    desk = Desk()
    assert desk.make("alloweduserfield/", {"name": "shoe_size"}) == "alloweduserfield/shoe_size/"
    field = desk.get("alloweduserfield/shoe_size/")
    assert (field["field_type"], field["choices"], "id" in field) == ("string", [], False)
    outcome = desk.call("POST", "alloweduserfield/", {"name": "shoe_size"})
    assert (outcome.status, outcome.answer.location) == (409, "http://simulated/rest/v1/alloweduserfield/shoe_size/")
    assert desk.refused("POST", "alloweduserfield/", {"name": "Shoe size"})[0] == 400


def test_a_list_whose_name_has_blanks_around_it_is_the_same_list() -> None:
    desk = Desk()
    path = desk.make("list/", {"name": "Texts "})
    outcome = desk.call("POST", "list/", {"name": " Texts"})
    assert (outcome.status, outcome.answer.location) == (409, f"http://simulated/rest/v1/{path}")


def test_pages_are_written_by_their_kind_and_read_by_any() -> None:
    desk = Desk()
    path = desk.make("petitionpage/", {"name": "trees", "title": "Trees", "tags": ["/rest/v1/tag/1/"],
                                       "followup": {"send_pushes": True}, "fields": {"a": "1"}})  # fmt: skip
    page = desk.get(f"page/{id_of(path)}/")
    assert (page["resource_uri"], page["tags"], page["fields"]) == (f"/rest/v1/{path}", ["/rest/v1/tag/1/"], {"a": "1"})
    assert page["followup"]["send_pushes"]
    assert desk.call("PATCH", f"page/{id_of(path)}/", {"title": "x"}).status == 405
    assert desk.call("PATCH", path, {"tags": ["/rest/v1/tag/2/"], "title": "Trees now"}).status == 202
    assert desk.get(path)["tags"] == ["/rest/v1/tag/2/"]
    assert desk.refused("POST", "petitionpage/", {"name": "not a slug"})[0] == 400
    assert desk.call("POST", "signuppage/", {"name": "trees"}).status == 409


def test_what_is_not_there_is_an_empty_404_and_what_is_not_allowed_405() -> None:
    desk = Desk()
    for method, path in (("GET", "user/99/"), ("GET", "nothing/"), ("PATCH", "user/x/"), ("GET", "user/1/2/3/")):
        outcome = desk.call(method, path)
        assert (outcome.status, outcome.answer.body) == (404, None), path
    assert desk.call("DELETE", "order/1/").status == 405
    assert desk.call("POST", "subscription/", {}).status == 405
