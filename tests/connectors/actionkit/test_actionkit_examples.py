"""The examples of ActionKit's page on action processing, as curl sends them, answered over HTTP in the shape shown."""

from typing import Any
from xml.etree import ElementTree

import aiohttp
import msgspec
import pytest

from groundswell.connectors.actionkit.simulator.server import simulator
from tests.connectors.actionkit.simulated import AUTHORIZATION

JSON = "application/json; charset=utf-8"
XML = "application/xml; charset=utf-8"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
SIMPLE = '{ "page": "signup", "email": "signup@example.com" }'
FULL = '{ "page": "signup", "first_name": "Example", "last_name": "User", "email": "user@example.com", "zip": "12345" }'
AS_XML = (
    '<?xml version="1.0" encoding="utf-8"?><request type="hash"><page>signup</page><first_name>Example</first_name>'
    "<last_name>User</last_name><email>user@example.com</email><zip>12345</zip></request>"
)
AS_FORM = "page=signup&first_name=Example&last_name=User&email=user@example.com&zip=12345"
DONATION = (
    '{ "page": "your_donation_page", "payment_account": "Your Stub Account", "card_num": "4111111111111111", '
    '"card_code": "007", "exp_date_month": "12", "exp_date_year": "25", "name": "Jane Doe", '
    '"email": "my-api-donor@example.com", "address1": "123 Main Street", "city": "New York", "state": "NY", '
    '"zip": "90210",  "amount_other": "123.45" }'
)
BRIEF = {"action_id", "akid", "rd", "redirect_url"}
WHOLE = {
    "akid", "created_at", "created_user", "fields", "link", "mailing", "opq_id", "page", "redirect_url",
    "referring_mailing", "referring_user", "resource_uri", "source", "status", "subscribed_user", "taf_emails_sent",
    "type", "updated_at", "user",
}  # fmt: skip


async def post(path: str, body: str, **headers: str) -> tuple[int, dict[str, str], str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        simulator() as server,
        aiohttp.ClientSession() as session,
        session.post(f"{server.base_url}{path}", data=body.encode(), headers=named) as answer,
    ):
        return answer.status, {"root": server.root, **answer.headers}, await answer.text()


def read(text: str) -> Any:
    return msgspec.json.decode(text)


@pytest.mark.parametrize(
    ("body", "content_type"), [(SIMPLE, JSON), (FULL, JSON), (AS_FORM, FORM)], ids=["least", "json", "form"]
)
async def test_without_a_password_only_the_basics_come_back(body: str, content_type: str) -> None:
    status, headers, text = await post("action/", body, Content_Type=content_type, Accept="application/json")
    answered = read(text)
    assert status == 201
    assert set(answered) == BRIEF
    assert isinstance(answered["action_id"], int)
    assert answered["rd"] == 1
    assert answered["redirect_url"].startswith("/cms/thanks/signup")
    assert f"akid={answered['akid']}" in answered["redirect_url"]
    assert headers["Location"] == f"{headers['root']}/rest/v1/signupaction/{answered['action_id']}/"


@pytest.mark.parametrize(
    ("body", "content_type"), [(SIMPLE, JSON), (FULL, JSON), (AS_FORM, FORM)], ids=["least", "json", "form"]
)
async def test_with_a_password_all_of_the_action_comes_back(body: str, content_type: str) -> None:
    status, headers, text = await post(
        "action/", body, Content_Type=content_type, Accept="application/json", Authorization=AUTHORIZATION
    )
    answered = read(text)
    assert status == 201
    assert set(answered) >= WHOLE
    assert answered["type"] == "Signup"
    assert answered["page"] == "/rest/v1/signuppage/1/"
    assert answered["user"].startswith("/rest/v1/user/")
    assert (answered["status"], answered["fields"], answered["created_user"]) == ("complete", {}, True)
    assert len(answered["created_at"].partition(".")[2]) == 6
    assert headers["Content-Type"] == JSON


async def test_a_form_in_xml_is_answered_in_xml() -> None:
    status, headers, text = await post("action/", AS_XML, Content_Type=XML, Accept="application/xml")
    root = ElementTree.fromstring(text)
    assert (status, headers["Content-Type"], root.tag) == (201, XML, "response")
    assert {child.tag: child.get("type") for child in root} == {
        "action_id": "integer", "akid": None, "rd": "integer", "redirect_url": None,
    }  # fmt: skip


async def test_with_a_password_the_whole_action_is_in_xml() -> None:
    status, _, text = await post(
        "action/", AS_XML, Content_Type=XML, Accept="application/xml", Authorization=AUTHORIZATION
    )
    root = ElementTree.fromstring(text)
    kinds = {child.tag: child.get("type") for child in root}
    assert (status, root.tag) == (201, "object")
    assert set(kinds) >= WHOLE
    assert (kinds["mailing"], kinds["fields"], kinds["created_user"]) == ("null", "hash", "boolean")
    assert root.findtext("created_user") == "True"
    assert root.findtext("status") == "complete"


async def test_what_does_not_validate_is_400_with_words_for_each_field() -> None:
    body = '{ "email": "not a valid email", "country": "United States", "zip": "abcdf", "page": "signup" }'
    status, headers, text = await post("action/", body, Content_Type=JSON)
    assert status == 400
    assert headers["Content-Type"] == JSON
    assert read(text) == {"errors": {"email": ["E-mail address is invalid."], "zip": ["ZIP Code is invalid."]}}


async def test_a_field_is_allowed_under_its_name() -> None:
    body = '{ "name": "shoe_size" }'
    status, headers, text = await post("alloweduserfield/", body, Content_Type=JSON, Authorization=AUTHORIZATION)
    assert (status, text) == (201, "")
    assert headers["Location"] == f"{headers['root']}/rest/v1/alloweduserfield/shoe_size/"


async def test_a_donation_with_a_stub_account_is_complete() -> None:
    status, _, text = await post("action/", DONATION, Content_Type=JSON, Authorization=AUTHORIZATION)
    answered = read(text)
    assert status == 201
    assert set(answered) >= WHOLE | {"id", "ip_address", "is_forwarded"}
    assert (answered["status"], answered["type"]) == ("complete", "Donation")
    assert answered["resource_uri"] == f"/rest/v1/donationaction/{answered['id']}/"
    assert answered["redirect_url"].endswith("&total=123.45")
    assert answered["order"]["card_num_last_four"] == "1111"


async def test_without_a_password_a_donation_does_not_say_whether_it_failed() -> None:
    status, _, text = await post("action/", DONATION.replace("007", "008"), Content_Type=JSON)
    assert status == 201
    assert set(read(text)) == BRIEF
