"""The examples of ActionKit's page on action processing, one by one and both ways: as curl sends each, answered over
HTTP in the shape the page shows; and a record for each, of which the sink makes the same request.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import aiohttp
import msgspec
import pytest

from groundswell.component import Delivered, Rejected
from groundswell.connectors.actionkit.donating.bodies import card_of
from groundswell.connectors.actionkit.donating.gifts import gift_of
from groundswell.connectors.actionkit.donations_sink import CARD_YEARS
from groundswell.connectors.actionkit.simulator.calls.bodies import read_body
from groundswell.connectors.actionkit.simulator.server import Server, simulator
from groundswell.record import Donation, Person, Record
from tests.connectors.actionkit.simulated import AUTHORIZATION
from tests.connectors.actionkit.sinking import sent_to, signed, sinking

JSON = "application/json; charset=utf-8"
XML = "application/xml; charset=utf-8"
FORM = "application/x-www-form-urlencoded; charset=utf-8"

SIMPLE = '{ "page": "signup", "email": "signup@example.com" }'
FULL = '{ "page": "signup", "first_name": "Example", "last_name": "User", "email": "user@example.com", "zip": "12345" }'
WRONG = '{ "email": "not a valid email", "country": "United States", "zip": "abcdf", "page": "signup" }'
FIELD = '{ "name": "favorite_color" }'
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
BRIEF = {"action_id": "integer", "akid": None, "rd": "integer", "redirect_url": None}
WHOLE = {
    "akid", "created_at", "created_user", "fields", "link", "mailing", "opq_id", "page", "redirect_url",
    "referring_mailing", "referring_user", "resource_uri", "source", "status", "subscribed_user", "taf_emails_sent",
    "type", "updated_at", "user",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back over HTTP."""

    root: str
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return msgspec.json.decode(self.text)

    @property
    def location(self) -> str:
        return self.headers["Location"].removeprefix(f"{self.root}/rest/v1/")


# ---- the shapes the page shows ----


def brief(got: Answered) -> None:
    """To somebody unknown: the basics."""
    action = got.body
    assert (got.status, set(action), got.headers["Content-Type"]) == (201, set(BRIEF), JSON)
    number, akid = action["action_id"], action["akid"]
    assert isinstance(number, int)
    assert action["rd"] == 1
    assert action["redirect_url"].startswith(f"/cms/thanks/signup?action_id={number}&akid={akid}&")
    assert got.location == f"signupaction/{number}/"


def whole(got: Answered) -> None:
    """To staff: all of the action, with links to page and user."""
    action = got.body
    assert (got.status, got.headers["Content-Type"]) == (201, JSON)
    assert set(action) >= WHOLE
    assert (action["type"], action["page"], action["status"]) == ("Signup", "/rest/v1/signuppage/1/", "complete")
    assert action["user"].startswith("/rest/v1/user/")
    assert (action["fields"], action["created_user"], action["subscribed_user"]) == ({}, True, True)
    assert action["mailing"] is action["referring_user"] is action["taf_emails_sent"] is action["link"] is None
    assert all(len(action[name].partition(".")[2]) == 6 for name in ("created_at", "updated_at"))
    assert f"/rest/v1/{got.location}" == action["resource_uri"]


def brief_xml(got: Answered) -> None:
    root = ElementTree.fromstring(got.text)
    assert (got.status, got.headers["Content-Type"], root.tag) == (201, XML, "response")
    assert {child.tag: child.get("type") for child in root} == BRIEF
    assert got.location == f"signupaction/{root.findtext('action_id')}/"


def whole_xml(got: Answered) -> None:
    root = ElementTree.fromstring(got.text)
    kinds = {child.tag: child.get("type") for child in root}
    assert (got.status, got.headers["Content-Type"], root.tag) == (201, XML, "object")
    assert set(kinds) >= WHOLE
    assert (kinds["mailing"], kinds["fields"], kinds["created_user"]) == ("null", "hash", "boolean")
    assert (root.findtext("created_user"), root.findtext("status")) == ("True", "complete")
    assert root.findtext("resource_uri") == f"/rest/v1/{got.location}"


def invalid(got: Answered) -> None:
    assert (got.status, got.headers["Content-Type"]) == (400, JSON)
    assert got.body == {"errors": {"email": ["E-mail address is invalid."], "zip": ["ZIP Code is invalid."]}}


def allowed(got: Answered) -> None:
    assert (got.status, got.text, got.location) == (201, "", "alloweduserfield/favorite_color/")


def given(got: Answered) -> None:
    action = got.body
    assert got.status == 201
    assert set(action) >= WHOLE | {"id", "ip_address", "is_forwarded"}
    assert (action["status"], action["type"], action["source"]) == ("complete", "Donation", "restful_api")
    assert action["resource_uri"] == f"/rest/v1/donationaction/{action['id']}/"
    assert action["redirect_url"].startswith(f"/cms/thanks/your_donation_page?action_id={action['id']}&akid=")
    assert action["redirect_url"].endswith("&ar=1&rd=1&total=123.45")


# ---- the examples, and a record for each ----

EXAMPLE = {"first_name": "Example", "last_name": "User", "email": "user@example.com", "zip": "12345"}
ASKED = {"page": "signup", "skip_confirmation": False, "subscribe": ["action"]}
"""The sink with nothing but the example in mind: the page subscribes, and its confirmation is sent."""
US = {"country": "United States"}
"""The default of theirs (D), which the sink says out loud with every address."""


def action(**person: Any) -> Record:
    return signed(email_opt_in=True, **person)


def donation() -> Record:
    who = {"first_name": "Jane", "last_name": "Doe", "email": "my-api-donor@example.com", "state": "NY", "zip": "90210"}
    jane = Person(**who, address1="123 Main Street", city="New York", email_opt_in=True)
    return Record("crm:gift/1", "donation", "gifts", person=jane, donation=Donation(amount="123.45"))


@dataclass(frozen=True, slots=True)
class Example:
    sent: str
    """As curl sends it, all of it but the address."""
    content_type: str
    is_staff: bool
    shape: Callable[[Answered], None]
    record: Record
    sink: str = "actionkit.actions"
    settings: dict[str, Any] = field(default_factory=lambda: dict(ASKED))
    path: str = "action/"
    leaves_out: tuple[str, ...] = ()
    """What of the example the sink says otherwise or not at all."""
    adds: dict[str, Any] = field(default_factory=dict)
    """What it says besides, its key aside."""


STUB = {
    "enabled": True, "way": "stub", "page": "your_donation_page", "payment_account": "Your Stub Account",
    "subscribe": True, "settle": "5s",
}  # fmt: skip
EXAMPLES = {
    "least, anonymous": Example(SIMPLE, JSON, False, brief, action(email="signup@example.com")),
    "least": Example(SIMPLE, JSON, True, whole, action(email="signup@example.com")),
    # A ZIP code that is none has the whole action refused, so the sink sends it without.
    "validation": Example(
        WRONG, JSON, False, invalid,
        action(email="not a valid email", zip="abcdf", country="US"), leaves_out=("zip",),
    ),
    "user field": Example(
        FIELD, JSON, True, allowed, action(email="user@example.com", custom={"colour": "red"}),
        settings=ASKED | {"user_fields": {"favorite_color": "custom.colour"}, "create_user_fields": True},
        path="alloweduserfield/",
    ),
    "json, anonymous": Example(FULL, JSON, False, brief, action(**EXAMPLE), adds=US),
    "json": Example(FULL, JSON, True, whole, action(**EXAMPLE), adds=US),
    "xml, anonymous": Example(AS_XML, XML, False, brief_xml, action(**EXAMPLE), adds=US),
    "xml": Example(AS_XML, XML, True, whole_xml, action(**EXAMPLE), adds=US),
    "form, anonymous": Example(AS_FORM, FORM, False, brief, action(**EXAMPLE), adds=US),
    "form": Example(AS_FORM, FORM, True, whole, action(**EXAMPLE), adds=US),
    # Two gifts of one sum are told apart by the card, which is none; records have names in parts.
    "donation": Example(
        DONATION, JSON, True, given, donation(), sink="actionkit.donations", settings=STUB,
        leaves_out=("name", "card_num", "exp_date_year"),
        adds=US | {
            "first_name": "Jane", "last_name": "Doe", "card_num": card_of(gift_of(donation())),
            "exp_date_year": f"{datetime.now(UTC).year + CARD_YEARS}"[-2:], "skip_confirmation": "1",
        },
    ),
}  # fmt: skip
ALL = pytest.mark.parametrize("example", EXAMPLES.values(), ids=list(EXAMPLES))


@ALL
async def test_curl_is_answered_as_the_page_shows(example: Example) -> None:
    async with simulator() as server:
        forget_the_field(server)
        example.shape(await curl(server, example))


@ALL
async def test_the_sink_makes_the_same_request(example: Example) -> None:
    async with sinking(example.sink, **example.settings) as it:
        forget_the_field(it.server)
        outcome, (body,) = await sent_to(it, example.path, example.record)
        expected = read_body(example.sent.encode(), example.content_type.partition(";")[0])
        expected = {name: value for name, value in expected.items() if name not in example.leaves_out} | example.adds
        if example.path == "action/":
            assert body.pop("action_groundswell_id")
        assert body == expected
        if example.shape is invalid:
            assert isinstance(outcome, Rejected)
            assert "email: E-mail address is invalid." in outcome.message
        else:
            assert outcome == Delivered()


def forget_the_field(server: Server) -> None:
    """The one the page makes is there at the start."""
    server.world.db.run("DELETE FROM core_alloweduserfield WHERE name = 'favorite_color'")


async def curl(server: Server, example: Example) -> Answered:
    headers = {"Content-Type": example.content_type}
    if example.content_type != JSON:
        headers["Accept"] = "application/xml" if example.content_type == XML else "application/json"
    if example.is_staff:
        headers["Authorization"] = AUTHORIZATION
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.base_url}{example.path}", data=example.sent.encode(), headers=headers) as answer,
    ):
        return Answered(server.root, answer.status, answer.headers, await answer.text())


# ---- what the page says beside its examples ----


async def test_without_a_password_a_donation_does_not_say_whether_it_failed() -> None:
    wrong_code = Example(DONATION.replace("007", "008"), JSON, False, brief, donation())
    async with simulator() as server:
        got = await curl(server, wrong_code)
        assert (got.status, set(got.body)) == (201, set(BRIEF))


async def test_the_same_donation_twice_in_a_row_and_a_wrong_code_are_failed_under_201() -> None:
    async with simulator() as server:
        for sent, status in ((DONATION, "complete"), (DONATION, "failed"), (DONATION.replace("007", "008"), "failed")):
            got = await curl(server, Example(sent, JSON, True, given, donation()))
            assert (got.status, got.body["status"]) == (201, status)


async def test_an_action_cannot_be_posted_to_a_type_of_its_own() -> None:
    async with simulator() as server:
        got = await curl(server, Example(SIMPLE, JSON, True, whole, donation(), path="signupaction/"))
        assert got.status >= 400
