"""A person of Action Network's: a gap is unknown, never empty; a status speaks only for the address it stands by."""

from typing import Any

import pytest
from msgspec import UNSET

from groundswell.connectors.action_network.hal import number_in
from groundswell.connectors.action_network.people import person_of
from groundswell.places.regions import CANADA, US, region_code
from groundswell.record import PERSON_FIELDS, Person


def person(mobile_unsubscribed: Any = False, **parts: Any) -> Person:
    return person_of(parts, "5a1f", mobile_unsubscribed)


def address(**parts: Any) -> Person:
    return person(postal_addresses=[{"primary": True, **parts}])


def phone(**parts: Any) -> Person:
    return person(phone_numbers=[{"primary": True, "number": "15035550144", "number_type": "Mobile", **parts}])


def email(**parts: Any) -> Person:
    return person(email_addresses=[{"primary": True, "address": "rosa@example.org", **parts}])


def test_a_person_with_everything_is_mapped_field_by_field() -> None:
    whole = person(
        given_name="Rosa",
        family_name="Okafor",
        postal_addresses=[
            {
                "primary": True,
                "address_lines": ["12 Alder St", "Apt 3"],
                "locality": "Portland",
                "region": "Oregon",
                "postal_code": "97201",
                "country": "US",
                "location": {"latitude": 45.5, "longitude": -122.7, "accuracy": "Approximate"},
            }
        ],
        email_addresses=[{"primary": True, "address": "rosa@example.org", "status": "subscribed"}],
        phone_numbers=[{"primary": True, "number": "15035550144", "number_type": "Mobile", "status": "subscribed"}],
        languages_spoken=["en"],
        custom_fields={"Shirt size": "M"},
    )
    assert whole == Person(
        first_name="Rosa",
        last_name="Okafor",
        email="rosa@example.org",
        phone="+15035550144",
        address1="12 Alder St",
        address2="Apt 3",
        city="Portland",
        state="OR",
        zip="97201",
        country="US",
        language="en",
        sms_opt_in=True,
        email_opt_in=True,
        custom={"Shirt size": "M"},
        ids={"action_network": "5a1f"},
    )


@pytest.mark.parametrize("nothing", [None, {}, [], "text", 0])
def test_nobody_at_all_is_a_person_of_whom_only_the_number_is_known(nothing: Any) -> None:
    assert person_of(nothing, "5a1f", False) == Person(ids={"action_network": "5a1f"})
    assert person_of(nothing, None, False) == Person()


@pytest.mark.parametrize("gap", ["", "   ", None, [], {}, 1.5, True])
def test_an_empty_or_senseless_value_is_a_gap_and_not_an_empty_field(gap: Any) -> None:
    made = person(
        given_name=gap,
        family_name=gap,
        postal_addresses=[
            {"address_lines": [gap, gap], "locality": gap, "region": gap, "postal_code": gap, "country": gap}
        ],
        email_addresses=[{"address": gap, "status": "subscribed"}],
        phone_numbers=[{"number": gap, "status": "subscribed"}],
        languages_spoken=[gap],
    )
    assert {name for name in PERSON_FIELDS if getattr(made, name) is not UNSET} == set()


def test_spaces_around_a_value_are_taken_off() -> None:
    assert person(given_name=" Rosa ").first_name == "Rosa"


def test_a_postal_code_written_as_a_number_is_taken_as_text() -> None:
    assert address(postal_code=97201).zip == "97201"


def test_empty_custom_fields_are_gaps_and_the_others_stay_as_they_are() -> None:
    made = person(custom_fields={"a": "", "b": None, "c": "0", "d": False, "e": ["x"], "": "y"})
    assert made.custom == {"c": "0", "d": False, "e": ["x"], "": "y"}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("15035550144", "+15035550144"),
        (15035550144, "+15035550144"),
        ("447700900123", "+447700900123"),
        ("+15035550144", "+15035550144"),
        ("5035550144", "5035550144"),
        ("(503) 555-0144", "(503) 555-0144"),
        ("1234567890123456", "1234567890123456"),
        ("١٥٠٣٥٥٥٠١٤٤", "١٥٠٣٥٥٥٠١٤٤"),
    ],
)
def test_a_number_gets_its_plus_only_when_it_clearly_has_a_country_code(number: Any, expected: str) -> None:
    assert person(phone_numbers=[{"number": number}]).phone == expected


@pytest.mark.parametrize(
    ("status", "setting", "expected"),
    [
        ("subscribed", False, True),
        ("subscribed", UNSET, True),
        ("unsubscribed", False, False),
        ("unsubscribed", UNSET, UNSET),
        ("bouncing", False, UNSET),
        ("previous bounce", False, UNSET),
        (None, False, UNSET),
        ("", False, UNSET),
        (["subscribed"], False, UNSET),
    ],
)
def test_the_status_of_a_number_says_whether_it_may_be_texted(status: Any, setting: Any, expected: Any) -> None:
    made = person(setting, phone_numbers=[{"number": "15035550144", "status": status}])
    assert made.sms_opt_in is expected


def test_a_phone_status_without_a_number_says_nothing() -> None:
    """They send it for people who have no phone at all."""
    made = person(phone_numbers=[{"primary": True, "number_type": "Mobile", "status": "unsubscribed"}])
    assert (made.phone, made.sms_opt_in) == (UNSET, UNSET)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("subscribed", True),
        ("unsubscribed", False),
        ("spam complaint", False),
        ("previous spam complaint", UNSET),
        ("bouncing", UNSET),
        ("previous bounce", UNSET),
        (None, UNSET),
        ({}, UNSET),
    ],
)
def test_the_status_of_an_address_says_whether_it_may_be_written_to(status: Any, expected: Any) -> None:
    assert email(status=status).email_opt_in is expected


def test_a_status_that_is_neither_yes_nor_no_is_kept_as_a_custom_field() -> None:
    assert email(status="bouncing").custom == {"email_status": "bouncing"}
    assert phone(status="previous bounce").custom == {"phone_status": "previous bounce"}
    assert email(status="subscribed").custom == {}


def test_a_custom_field_of_that_name_is_not_overwritten_by_a_status() -> None:
    made = person(
        email_addresses=[{"address": "rosa@example.org", "status": "bouncing"}], custom_fields={"email_status": "mine"}
    )
    assert made.custom == {"email_status": "mine"}


def test_the_primary_entry_is_taken_else_the_first_that_holds_anything() -> None:
    two = [{"address": "first@example.org"}, {"address": "second@example.org", "primary": True}]
    assert person(email_addresses=two).email == "second@example.org"
    assert person(email_addresses=[{"primary": False}, {"address": "third@example.org"}]).email == "third@example.org"
    assert person(email_addresses=[{"primary": True}, {"address": "fourth@example.org"}]).email == "fourth@example.org"


def test_the_country_they_make_up_for_people_without_an_address_is_not_knowledge() -> None:
    assert address(region="", country="US", location={"latitude": None}).country is UNSET
    assert address(country="us").country is UNSET
    assert address(country="CA").country == "CA", "nobody gets this one by default"
    assert address(postal_code="97201", country="us").country == "US"


@pytest.mark.parametrize(
    ("region", "country", "expected"),
    [
        ("Oregon", "US", "OR"),
        ("OR", "US", "OR"),
        ("or", "US", "OR"),
        ("NEW YORK", None, "NY"),
        ("District of Columbia", "US", "DC"),
        ("Ontario", "CA", "ON"),
        ("Québec", "CA", "QC"),
        ("Bavaria", "DE", "Bavaria"),
        ("WA", "AU", "WA"),
        ("Victoria", "AU", "Victoria"),
        ("wa", "AU", "wa"),
        ("Somewhere", "US", "Somewhere"),
    ],
)
def test_a_state_or_province_is_given_by_its_code_in_the_us_and_canada_only(
    region: str, country: str | None, expected: str
) -> None:
    assert address(region=region, country=country, postal_code="1").state == expected


def test_every_region_has_one_code_however_it_is_written() -> None:
    assert not US.keys() & CANADA.keys()
    for code, name in (*US.items(), *CANADA.items()):
        assert {region_code(text) for text in (code, name, code.lower(), name.lower(), name.upper())} == {code}


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("https://actionnetwork.org/api/v2/people/5a1f", "5a1f"),
        ("https://actionnetwork.org/api/v2/people/5a1f/", "5a1f"),
        ("https://actionnetwork.org/api/v2/people/5a1f?page=1", "5a1f"),
        ("5a1f", "5a1f"),
        ("", None),
        ("///", None),
    ],
)
def test_a_number_is_the_last_part_of_an_address(href: str, expected: str | None) -> None:
    assert number_in(href) == expected
