"""A record as the parameters of an action: pure, by the names of ActionKit's own page."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from groundswell.connectors.actionkit.parameters import Rules, parameters_of, user_in
from groundswell.connectors.actionkit.writing.address import ADDRESS, placed
from groundswell.connectors.actionkit.writing.ours import key_of
from groundswell.connectors.actionkit.writing.paths import flattened, texts_of
from groundswell.connectors.actionkit.writing.recorded import Doer, report
from groundswell.record import Action, Page, Person, Record

TEXT = st.one_of(st.just(UNSET), st.none(), st.text(max_size=12))
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip


def body_of(record: Record, **rules: Any) -> dict[str, Any]:
    return parameters_of(record, "signup", "key", Rules(**rules)).body


def record(*, kind: Any = "action", fields: dict[str, Any] | None = None, **person: Any) -> Record:
    return Record(
        id="network:signature/1",
        kind=kind,
        source="signups",
        occurred_at="2026-05-02T11:00:09Z",
        person=Person(**person),
        action=Action(fields=fields or {}, page=Page(id="17", title="Save the crossing")),
    )


def test_everything_a_record_says_goes_by_the_name_it_has_there() -> None:
    rosa = record(
        first_name="Rosa", last_name="Quill", phone="+15035550144", address1="12 Alder St", address2="Apt 4",
        city="Dayton", state="OH", zip="45402-1234", country="usa", custom={"work": "503-555-0199", "colour": "red"},
        fields={"Comments": "yes", "Topics": ["rail", "buses"]},
    )  # fmt: skip
    assert body_of(
        rosa,
        phone_type="home",
        source="groundswell",
        required=["zip"],
        user_fields={"favorite_color": "custom.colour"},
        action_fields={"petition": "action.page.title"},
        parameters={"work_phone": "custom.work", "created_at": "occurred_at"},
    ) == {
        "page": "signup", "first_name": "Rosa", "last_name": "Quill", "address1": "12 Alder St", "address2": "Apt 4",
        "city": "Dayton", "state": "OH", "zip": "45402", "plus4": "1234", "country": "United States",
        "home_phone": "+15035550144", "work_phone": "503-555-0199", "source": "groundswell",
        "created_at": "2026-05-02T11:00:09", "user_favorite_color": "red", "action_comments": "yes",
        "action_topics": ["rail", "buses"], "action_petition": "Save the crossing", "action_groundswell_id": "key",
        "required": ["zip"], "skip_confirmation": 1, "suppress_subscribe": 1,
    }  # fmt: skip


def test_the_source_code_of_a_record_goes_before_the_source_of_the_settings() -> None:
    coded = msgspec.structs.replace(record(), action=Action(source_code="may-email"))
    assert body_of(coded, source="groundswell")["source"] == "may-email"
    assert "source" not in body_of(record())


@pytest.mark.parametrize("email_opt_in", [False, None, UNSET, "yes", "true"])
def test_nothing_but_a_plain_yes_subscribes(email_opt_in: Any) -> None:
    body = body_of(record(email_opt_in=email_opt_in), subscribing=["action"], lists=[3])
    assert body["suppress_subscribe"] == 1
    assert "lists" not in body


def test_a_yes_subscribes_to_the_lists_named_and_to_no_other() -> None:
    body = body_of(record(email_opt_in=True), subscribing=["action"], lists=[3, 4])
    assert (body["lists"], body["opt_in"]) == ([3, 4], 1)
    assert "suppress_subscribe" not in body
    assert body_of(record(kind="person", email_opt_in=True), subscribing=["action"])["suppress_subscribe"] == 1


def test_our_key_cannot_be_taken_by_a_field_of_the_record() -> None:
    assert body_of(record(fields={"Groundswell ID": "theirs"}))["action_groundswell_id"] == "key"


@pytest.mark.parametrize(
    ("known", "values"),
    [
        ({"zip": "97201"}, {"zip": "97201", "country": "United States"}),
        ({"zip": "K1A 0B1", "country": "Canada"}, {"postal": "K1A 0B1", "country": "Canada"}),
        ({"state": "Bavaria", "country": "DE"}, {"region": "Bavaria", "country": "Germany"}),
        ({"country": "gb"}, {"country": "United Kingdom"}),
        ({"zip": "9720"}, {}),
        ({"city": "X", "country": "Narnia"}, {}),
        ({}, {}),
    ],
)
def test_addresses_are_written_as_their_country_wants_them(known: dict[str, str], values: dict[str, str]) -> None:
    assert placed(known, "US").values == values


@given(st.fixed_dictionaries({}, optional={name: st.text(min_size=1, max_size=12) for name in ADDRESS}))
def test_what_of_an_address_is_not_said_is_told_of(known: dict[str, str]) -> None:
    found = placed(known, "US")
    assert all(name in known for name in found.left_out)
    assert len(found.values) + len(found.left_out) >= len(known)


@given(
    st.fixed_dictionaries(dict.fromkeys(("first_name", "last_name", "city", "zip", "country", "phone"), TEXT)),
    st.dictionaries(st.text(max_size=6), ANYTHING, max_size=4),
    st.one_of(st.just(UNSET), st.none(), st.booleans()),
)
def test_whatever_a_record_says_no_blank_is_sent_and_nobody_is_subscribed(
    person: dict[str, Any], fields: dict[str, Any], email_opt_in: Any
) -> None:
    body = body_of(record(fields=fields, email_opt_in=email_opt_in, **person))
    assert body["suppress_subscribe"] == 1
    for name, value in body.items():
        many = value if isinstance(value, list) else [value]
        assert all(one == 1 or (isinstance(one, str) and one.strip()) for one in many), name
    assert msgspec.json.decode(msgspec.json.encode(body)) == body


def test_two_names_that_become_one_have_both_values_and_what_is_nested_its_path() -> None:
    assert flattened({"Shirt size": "M", "shirt-size": ["L"], "at": {"City": "Dayton", "": "x"}, "!": "lost"}) == {
        "shirt_size": ["M", "L"], "at_city": "Dayton", "at": "x",
    }  # fmt: skip
    assert texts_of([True, None, " a ", {"b": 1}]) == ["true", "a", '{"b":1}']


def test_a_key_says_which_record_and_page_it_is_and_is_never_too_long() -> None:
    assert key_of("network:signature/1", "signup") == "network:signature/1 signup"
    long = [key_of("x" * 300 + end, "signup") for end in "ab"]
    assert len(set(long)) == 2
    assert max(map(len, long)) < 200
    assert key_of("file:señal", "signup").isascii(), "a database may keep such letters otherwise"


@pytest.mark.parametrize(
    ("akid", "user"), [(".7001.AbC-_9", 7001), ("55.7001.AbC-_9", 7001), ("7001", None), ("", None), (".x.y", None)]
)
def test_a_token_says_whose_it_is(akid: str, user: int | None) -> None:
    assert user_in(akid) == user


def test_the_query_for_what_is_there_holds_no_value() -> None:
    sought = {"a'b": Doer(email="rosa@example.org"), "c": Doer(user_id=7)}
    query, values = report(sought, "groundswell_id")
    assert sorted(map(str, values.values())) == ["7", "a'b", "c", "groundswell_id", "rosa@example.org"]
    assert all(f"{{{{ {name} }}}}" in query for name in values)
    assert not any(value in query for value in ("rosa", "a'b", "groundswell_id"))
