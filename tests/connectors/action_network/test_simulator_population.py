"""People made from a seed and a number: the same each time, and found again by everything that names them."""

import uuid
from random import Random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.action_network.simulator.places import AREA_CODES
from groundswell.connectors.action_network.simulator.state.numbering import Numbering
from groundswell.connectors.action_network.simulator.state.population import Population

MILLION = Population(seed=3, size=1_000_000)
numbers = st.integers(0, MILLION.size - 1)


@given(number=st.integers(0, 2**122 - 1), seed=st.integers())
def test_a_number_comes_back_from_its_uuid(number: int, seed: int) -> None:
    numbering = Numbering(Random(seed))
    text = numbering.uuid_of(number)
    assert uuid.UUID(text).version == 4
    assert uuid.UUID(text).variant == uuid.RFC_4122
    assert str(uuid.UUID(text)) == text
    assert numbering.number_of(text) == number


@pytest.mark.parametrize(
    "text", ["", "people", "5a1f0c9e-3b7d-1e55-9a10-6c2f8e7b1d43", "5A1F0C9E-3B7D-4E55-9A10-6C2F8E7B1D43"]
)
def test_what_is_no_uuid_of_theirs_has_no_number(text: str) -> None:
    assert MILLION.number_of(text) is None


def test_uuids_that_were_given_out_to_nobody_lead_to_nobody() -> None:
    random = Random(1)
    strangers = [str(uuid.UUID(int=random.getrandbits(128), version=4)) for _ in range(1_000)]
    found = [MILLION.number_of(stranger) for stranger in strangers]
    assert all(number is not None and number >= MILLION.size for number in found)


@given(number=numbers)
def test_a_person_is_found_by_uuid_email_phone_and_identifier(number: int) -> None:
    person = MILLION.person(number)
    assert person == Population(seed=3, size=1_000_000).person(number)
    assert MILLION.number_of(person.uuid) == number
    assert person.email is not None or person.phone is not None
    if person.email is not None:
        assert MILLION.number_by_email(person.email) == number
        assert person.email.endswith("@example.org")
    if person.phone is not None:
        assert MILLION.number_by_phone(person.phone) == number
        assert person.phone[4:7] == "555"
    for identifier in person.identifiers:
        assert MILLION.number_by_identifier(identifier) == number


def test_nobody_is_found_by_what_nobody_has() -> None:
    assert MILLION.number_by_email("nobody@example.org") is None
    assert MILLION.number_by_email("rosa.okafor1000000@example.org") is None
    assert MILLION.number_by_phone("15035551212") is None
    assert MILLION.number_by_phone("") is None
    assert MILLION.number_by_identifier("memberdb:1") is None


def test_another_seed_has_other_people() -> None:
    other = Population(seed=4, size=1_000_000)
    assert other.uuid_of(0) != MILLION.uuid_of(0)
    assert [other.person(n).given_name for n in range(50)] != [MILLION.person(n).given_name for n in range(50)]


def test_the_first_twelve_thousand_numbers_are_those_set_aside_for_stories_and_all_are_valid() -> None:
    phones = [person.phone for person in map(MILLION.person, range(12_000)) if person.phone is not None]
    assert all("0100" <= phone[7:] <= "0199" for phone in phones)
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(f"+1{area}5550100", None)) for area in AREA_CODES)


@pytest.mark.parametrize("size", [1, 2, 77, 10_000, 1_000_000])
def test_dates_rise_with_the_number_and_nobody_changed_before_they_came(size: int) -> None:
    population = Population(seed=1, size=size)
    sample = range(0, size, max(1, size // 2_000))
    modified = [population.modified_of(number) for number in sample]
    created = [population.created_of(number) for number in sample]
    assert modified == sorted(modified)
    assert created == sorted(created)
    assert all(came <= changed for came, changed in zip(created, modified, strict=True))


@given(number=numbers)
def test_the_first_one_changed_at_a_moment_is_found(number: int) -> None:
    moment = MILLION.modified_of(number)
    first = MILLION.first_modified_at(moment)
    assert first <= number
    assert MILLION.modified_of(first) == moment
    assert first == 0 or MILLION.modified_of(first - 1) < moment


def test_uploads_leave_thousands_with_one_and_the_same_second() -> None:
    same = [MILLION.modified_of(number) for number in range(15_000, 20_000)]
    assert len(set(same)) == 1
