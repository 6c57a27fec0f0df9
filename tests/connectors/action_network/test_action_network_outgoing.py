"""A canonical person in their words."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from pydantic import TypeAdapter, ValidationError

from groundswell.connectors.action_network.people import person_of
from groundswell.connectors.action_network.writing.outgoing import (
    ADDRESS,
    FIELDS,
    OwnedFields,
    custom_text,
    digits_of,
    email_of,
    likely_country,
    outgoing,
    person_body,
)
from groundswell.places.countries import NAMES, country_code
from groundswell.record import Person
from tests.connectors.action_network.people_drawn import people

ROSA = Person(
    first_name="Rosa",
    last_name="Okafor",
    email="rosa@example.org",
    phone="+15035550144",
    address1="12 Alder St",
    address2="Apt 4",
    city="Portland",
    state="Oregon",
    zip="97201",
    country="United States",
    language="en-US",
    sms_opt_in=True,
    email_opt_in=True,
    custom={"Shirt size": "M", "is_member": True},
)


def test_a_whole_person_in_their_words() -> None:
    said = outgoing(ROSA, (*FIELDS, "custom.Shirt size", "custom.is_member"))
    assert said.left_out == {}
    assert person_body(said.values, email_status="unsubscribed", phone_status="subscribed") == {
        "given_name": "Rosa",
        "family_name": "Okafor",
        "email_addresses": [{"primary": True, "address": "rosa@example.org", "status": "unsubscribed"}],
        "phone_numbers": [{"primary": True, "number": "15035550144", "status": "subscribed"}],
        "postal_addresses": [
            {
                "primary": True,
                "address_lines": ["12 Alder St"],
                "locality": "Portland",
                "region": "OR",
                "postal_code": "97201",
                "country": "US",
            }
        ],
        "languages_spoken": ["en"],
        "custom_fields": {"Shirt size": "M", "is_member": "1"},
    }


def test_only_the_fields_that_are_ours_are_sent() -> None:
    said = outgoing(ROSA, ("first_name", "custom.Shirt size"))
    assert person_body(said.values) == {"given_name": "Rosa", "custom_fields": {"Shirt size": "M"}}


def test_custom_fields_are_not_sent_unless_they_are_named() -> None:
    assert "custom_fields" not in person_body(outgoing(ROSA).values)


def test_what_is_unknown_is_not_sent() -> None:
    assert outgoing(Person(email="rosa@example.org"), (*FIELDS, "custom.x")).values == {"email": "rosa@example.org"}
    assert person_body({}) == {}


def test_what_is_known_to_be_empty_is_sent_as_null_where_it_can_be() -> None:
    empty = dict.fromkeys(FIELDS)
    said = outgoing(Person(**empty, custom={"x": None}), (*FIELDS, "custom.x"))
    assert said.left_out == {}
    assert person_body(said.values) == {
        "given_name": None,
        "family_name": None,
        "postal_addresses": [
            {"primary": True, "address_lines": None, "locality": None, "postal_code": None, "country": "US"}
        ],
        "custom_fields": {"x": None},
    }


def test_a_status_goes_without_an_address_too() -> None:
    assert person_body({}, email_status="unsubscribed") == {
        "email_addresses": [{"primary": True, "status": "unsubscribed"}]
    }


@pytest.mark.parametrize(
    ("field", "value", "also"),
    [
        ("email", "rosa", set()),
        ("phone", "503 555 0144", set()),
        ("language", "English", set()),
        ("country", "Narnia", {"city"}),
        ("custom.sizes", ["S", "M"], set()),
    ],
)
def test_what_cannot_be_said_is_left_out_with_a_reason_that_does_not_show_it(
    field: str, value: Any, also: set[str]
) -> None:
    name = field.removeprefix("custom.")
    person = Person(first_name="Rosa", city="Portland", custom={name: value} if name != field else {})
    if name == field:
        person = msgspec.structs.replace(person, **{field: value})
    said = outgoing(person, (*FIELDS, "custom.sizes"))
    assert said.left_out.keys() == {field} | also
    assert all(str(value) not in why for why in said.left_out.values())
    assert said.values["first_name"] == "Rosa"


@pytest.mark.parametrize(
    ("values", "country"),
    [
        ({"state": "ON"}, "CA"),
        ({"zip": "m4c 1m5"}, "CA"),
        ({"zip": "97201"}, "US"),
        ({"zip": "97201", "country": "DE"}, "DE"),
        ({"state": "ON", "country": "US"}, "US"),
    ],
)
def test_an_address_without_a_country_is_not_sent_to_the_wrong_one(values: dict[str, str], country: str) -> None:
    assert likely_country(values, "US") == country
    assert likely_country({"state": "NT"}, "AU") == "AU"


def test_regions_elsewhere_stay_as_they_are() -> None:
    assert outgoing(Person(state="Washington", country="Australia")).values["state"] == "Washington"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("United States", "US"),
        (" usa ", "US"),
        ("uk", "GB"),
        ("Cote d’Ivoire".replace("’", "'"), "CI"),
        ("Korea, Republic of", "KR"),
        ("Trinidad & Tobago", "TT"),
        ("ch", "CH"),
        ("Narnia", None),
        ("", None),
    ],
)
def test_countries_by_name(name: str, code: str | None) -> None:
    assert country_code(name) == code


def test_every_country_is_found_by_its_name_and_its_code() -> None:
    for code, name in NAMES.items():
        assert country_code(name) == country_code(code.lower()) == code


@given(people())
def test_what_is_sent_reads_back_as_what_was_meant(person: Person) -> None:
    """Sent once more it is the same: the form they take is a fixed point."""
    values = {name: value for name, value in outgoing(person).values.items() if value is not None}
    country = likely_country(values, "US")
    again = outgoing(person_of(person_body(values, country=country), "1", UNSET)).values
    if not any(name in values for name in ADDRESS if name != "country"):
        values.pop("country", None)
        again.pop("country", None)
    elif "country" not in again:
        again["country"] = country
    assert again == {**values, **({"country": country} if any(name in values for name in ADDRESS) else {})}


@given(people())
def test_no_empty_text_is_ever_sent(person: Person) -> None:
    assert "" not in outgoing(person, (*FIELDS, "custom.Shirt size", "custom.is_member")).values.values()


@given(st.text(), st.text())
def test_any_text_is_an_address_or_number_they_can_take_or_none(email: str, phone: str) -> None:
    found = email_of(Person(email=email))
    assert found is None or (found == email.strip() and "@" in found and not any(c.isspace() for c in found))
    digits = digits_of(Person(phone=phone))
    assert digits is None or (digits.isdecimal() and 8 <= len(digits) <= 15)


@pytest.mark.parametrize(("value", "text"), [(True, "1"), (False, "0"), (3, "3"), ("  ", None), ({}, None)])
def test_custom_values_are_texts(value: Any, text: str | None) -> None:
    assert custom_text(value) == text


@pytest.mark.parametrize(
    ("fields", "fix"),
    [
        (["firstname"], "first_name"),
        (["custom."], "custom.NAME"),
        (["address2"], "address1"),
        (["sms_opt_in"], "resubscribe"),
    ],
)
def test_wrong_field_names_in_the_settings_say_what_there_is(fields: list[str], fix: str) -> None:
    with pytest.raises(ValidationError, match=fix):
        TypeAdapter(OwnedFields).validate_python(fields)
