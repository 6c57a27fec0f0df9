"""What counts as a difference, and what is remembered for how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.connectors.action_network.writing.changes import country_for, differing, is_same, shown_in, to_send
from groundswell.connectors.action_network.writing.outgoing import likely_country, outgoing, person_body
from groundswell.connectors.common.recent import Recent
from groundswell.record import Person
from tests.connectors.action_network.people_drawn import people
from tests.virtual_time import VirtualClock


@pytest.mark.parametrize(
    ("name", "wanted", "there"),
    [
        ("email", "Rosa@Example.org", "rosa@example.org"),
        ("first_name", "Ana  Lucía", "Ana Lucía"),
        ("city", "PORTLAND", "Portland"),
        ("address1", "12 ALDER  ST", "12 Alder St"),
        ("zip", "97201-1234", "97201"),
        ("zip", "97201", "97201-1234"),
        ("zip", "M4C1M5", "M4C 1M5"),
        ("state", "Oregon", "OR"),
        ("country", "United States", "US"),
        ("language", "en-US", "en"),
        ("custom.x", "1 ", "1"),
        ("custom.x", None, None),
        ("first_name", None, ""),
    ],
)
def test_what_means_the_same_is_no_difference(name: str, wanted: str | None, there: str | None) -> None:
    assert is_same(name, wanted, there)
    assert is_same(name, there, wanted)


@pytest.mark.parametrize(
    ("name", "wanted", "there"),
    [
        ("first_name", "rosa", "Rosa"),
        ("phone", "15035550144", "15035550145"),
        ("zip", "97201", "97202-1234"),
        ("zip", "10115", None),
        ("state", "OR", "WA"),
        ("custom.x", "0", "1"),
        ("custom.x", "0", None),
        ("city", None, "Portland"),
    ],
)
def test_what_means_something_else_is_a_difference(name: str, wanted: str | None, there: str | None) -> None:
    assert not is_same(name, wanted, there)


def test_an_answer_without_a_person_shows_nobody() -> None:
    assert shown_in({}) is None
    assert shown_in({"identifiers": ["memberdb:4"], "given_name": "Rosa"}) is None


def test_a_default_country_is_no_place_but_no_difference_either() -> None:
    shown = shown_in({"identifiers": ["action_network:1"], "postal_addresses": [{"region": "", "country": "US"}]})
    assert shown is not None
    assert not shown.is_located
    assert differing({"country": "US"}, shown) == set()
    assert country_for({}, shown, "DE") == "DE"


def test_statuses_without_an_address_say_nothing() -> None:
    entries = [{"primary": True, "status": "unsubscribed"}]
    shown = shown_in({"identifiers": ["action_network:1"], "email_addresses": entries, "phone_numbers": entries})
    assert shown is not None
    assert (shown.email_status, shown.phone_status) == (None, None)


def test_with_one_part_of_an_address_go_all_that_are_wanted() -> None:
    wanted = {"first_name": "Rosa", "city": "Portland", "zip": "97201", "custom.x": "1"}
    assert to_send(wanted, {"zip"}) == {"city": "Portland", "zip": "97201"}
    assert to_send(wanted, {"first_name"}) == {"first_name": "Rosa"}
    assert to_send(wanted, set()) == {}


@given(people())
def test_a_person_as_they_were_sent_does_not_differ(person: Person) -> None:
    values = {name: value for name, value in outgoing(person).values.items() if value is not None}
    body = person_body(values, country=likely_country(values, "US")) | {"identifiers": ["action_network:1"]}
    shown = shown_in(body)
    assert shown is not None
    assert differing(values, shown) == set()


async def test_what_was_put_in_is_known_for_so_long() -> None:
    clock = VirtualClock()
    recent: Recent[str, int] = Recent(clock, most=10, for_s=60)
    recent.put("a", 1)
    assert recent.get("a") == 1
    await clock.advance(59)
    assert recent.get("a") == 1
    await clock.advance(1)
    assert recent.get("a") is None
    assert len(recent) == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans())), st.integers(1, 5))
def test_no_more_are_known_than_the_bound_and_they_are_the_latest(puts: list[tuple[int, bool]], most: int) -> None:
    recent: Recent[int, int] = Recent(VirtualClock(), most=most, for_s=60)
    latest: dict[int, int] = {}
    for place, (key, is_forgotten) in enumerate(puts):
        recent.put(key, place)
        latest.pop(key, None)
        latest[key] = place
        if len(latest) > most:
            del latest[next(iter(latest))]
        if is_forgotten:
            recent.forget(key)
            del latest[key]
    assert {key: recent.get(key) for key in range(10) if recent.get(key) is not None} == latest
