"""What `?filter=` understands, and what it refuses."""

import pytest

from groundswell.connectors.action_network.simulator.state.behaviour import Behaviour
from groundswell.connectors.action_network.simulator.state.filters import (
    PEOPLE_FIELDS,
    Condition,
    FilterError,
    read_filter,
)
from tests.connectors.action_network.simulated import Desk, uuid_of

STRICT = Behaviour()


def read(text: str, behaviour: Behaviour = STRICT) -> tuple[Condition, ...]:
    return read_filter(text, PEOPLE_FIELDS, behaviour)


def test_a_day_and_a_moment_are_dates() -> None:
    assert read("modified_date gt '2024-03-25'") == (Condition("modified_date", "gt", 1_711_324_800),)
    assert read("modified_date lt '2024-03-25T15:26:45Z'") == (Condition("modified_date", "lt", 1_711_380_405),)


def test_conditions_are_joined_by_and_even_if_a_value_holds_one() -> None:
    assert read("given_name eq 'Rosa and Amir' and family_name eq 'B'") == (
        Condition("given_name", "eq", "Rosa and Amir"),
        Condition("family_name", "eq", "B"),
    )


def test_an_email_is_compared_in_small_letters() -> None:
    assert read("email_address eq 'Rosa@Example.org'") == (Condition("email_address", "eq", "rosa@example.org"),)


@pytest.mark.parametrize(
    "text",
    [
        "modified_date gt '1711324800'",
        "modified_date gt '2024-03-25T15:26:45+00:00'",
        "modified_date gt '2024-03-25T15:26:45.000Z'",
        "modified_date gt '2024-02-30'",
        "modified_date gt 2024-03-25",
        "modified_date ge '2024-03-25'",
        "email eq 'rosa@example.org'",
        "last_name eq 'Okafor'",
        "given_name eq 'Rosa' or given_name eq 'Amir'",
        "given_name eq 'Rosa' and",
        "given_name eq",
        "family_name eq 'O''Brien'",
        "family_name eq 'O\\'Brien'",
        "family_name eq 'O'Brien'",
        "nonsense",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(FilterError):
        read(text)


@pytest.mark.parametrize(
    ("way", "text"),
    [
        ("doubled", "family_name eq 'O''Brien'"),
        ("backslash", "family_name eq 'O\\'Brien'"),
        ("raw", "family_name eq 'O'Brien'"),
    ],
)
def test_a_switch_says_which_apostrophes_are_understood(way: str, text: str) -> None:
    behaviour = Behaviour(apostrophes=frozenset((way,)))  # type: ignore[arg-type]
    assert read(text, behaviour) == (Condition("family_name", "eq", "O'Brien"),)
    assert read(f"{text} and given_name eq 'Rosa'", behaviour)[1] == Condition("given_name", "eq", "Rosa")


def test_unquoted_dates_are_a_switch() -> None:
    behaviour = Behaviour(takes_unquoted_dates=True)
    assert read("modified_date gt 2024-03-25T00:00:00Z", behaviour) == read("modified_date gt '2024-03-25'")


def test_a_filter_that_is_not_understood_is_refused_or_by_switch_ignored() -> None:
    desk = Desk(30)
    refused = desk.answer("GET", "people", filter="email eq 'rosa@example.org'")
    assert refused.status == 400
    assert "rosa@example.org" not in refused.body["error"]
    desk.control.behave(filter_not_understood="ignored")
    assert len(desk.listed("people", filter="email eq 'rosa@example.org'")) == 30


def test_tags_cannot_be_filtered_and_all_come_back() -> None:
    desk = Desk()
    assert len(desk.listed("tags", filter="name eq 'volunteer'")) == len(desk.listed("tags"))
    desk.control.behave(filter_not_possible="refused")
    assert desk.answer("GET", "tags", filter="name eq 'volunteer'").status == 400


def test_gt_leaves_out_the_second_itself() -> None:
    desk = Desk(50)
    person = desk.get("people")["_embedded"]["osdi:people"][0]
    seen = {uuid_of(one) for one in desk.listed("people", filter=f"modified_date gt '{person['modified_date']}'")}
    assert uuid_of(person) not in seen


def test_people_are_found_by_each_field_that_can_be_asked_for() -> None:
    desk = Desk()
    desk.sign_up(
        email="Rosa@example.org",
        phone="5035550144",
        given_name="Rosa",
        family_name="Okafor",
        postal_addresses=[{"postal_code": "97201"}],
        identifiers=["memberdb:4471"],
    )
    desk.sign_up(email="amir@example.org", given_name="Amir", postal_addresses=[{"postal_code": "98101"}])
    for filter_ in (
        "email_address eq 'rosa@EXAMPLE.org'",
        "phone_number eq '15035550144'",
        "given_name eq 'Rosa'",
        "family_name eq 'Okafor'",
        "region eq 'OR'",
        "postal_code eq '97201'",
        "identifier eq 'memberdb:4471'",
        "given_name eq 'Rosa' and region eq 'OR'",
    ):
        (found,) = desk.listed("people", filter=filter_)
        assert found["given_name"] == "Rosa", filter_
    assert desk.listed("people", filter="given_name eq 'Ros'") == []
    assert desk.listed("people", filter="given_name eq 'Rosa' and region eq 'WA'") == []
    own = uuid_of(desk.listed("people", filter="given_name eq 'Amir'")[0])
    assert [uuid_of(one) for one in desk.listed("people", filter=f"identifier eq 'action_network:{own}'")] == [own]


def test_looking_through_too_many_people_one_by_one_takes_too_long() -> None:
    desk = Desk(1_000_000)
    assert desk.answer("GET", "people", filter="given_name eq 'Rosa'").status == 503
    # A window makes it quick again.
    narrow = "given_name eq 'Rosa' and modified_date gt '2026-04-30'"
    assert all(person["given_name"] == "Rosa" for person in desk.listed("people", filter=narrow))


def test_pages_and_records_are_filtered_by_their_own_fields() -> None:
    desk = Desk(30, records=30)
    (petition,) = desk.listed("petitions", filter="title eq 'Keep the 14 bus'")
    signatures = f"petitions/{uuid_of(petition)}/signatures"
    stamp = desk.get(signatures)["_embedded"]["osdi:signatures"][0]["created_date"]
    assert desk.listed(signatures, filter=f"created_date gt '{stamp}'") == []
    assert desk.answer("GET", signatures, filter="title eq 'x'").status == 400
    assert len(desk.listed("events", filter="start_date gt '2026-06-05' and end_date lt '2026-06-07'")) == 4
    assert desk.listed("events", filter="start_date gt '2026-06-06T10:00:00Z'") == []
