"""Records: unknown is not empty, there and back, one person out of several states, and whose turn it is."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.component import Delivery
from groundswell.record import (
    KINDS,
    PERSON_FIELDS,
    UNSET,
    Action,
    Donation,
    Page,
    Person,
    Record,
    about_one,
    from_json,
    lane_of,
    merged,
    to_json,
    utc_stamp,
)

texts = st.one_of(st.just(UNSET), st.none(), st.text(min_size=1, max_size=8))
values = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=5))
tables = st.dictionaries(st.text(max_size=5), values, max_size=3)
people = st.builds(
    Person,
    **dict.fromkeys(PERSON_FIELDS, texts)
    | dict.fromkeys(("sms_opt_in", "email_opt_in"), st.sampled_from([UNSET, True, False])),
    custom=tables,
    ids=st.dictionaries(st.sampled_from(["actionkit", "action_network"]), st.text(min_size=1, max_size=5)),
)
actions = st.builds(
    Action,
    type=texts,
    page=st.one_of(st.just(UNSET), st.builds(Page, id=texts, title=texts, type=texts, url=texts)),
    fields=tables,
    tags=st.lists(st.text(max_size=4), max_size=3, unique=True),
    source_code=texts,
    referrer=tables,
    sponsor=tables,
)
donations = st.builds(Donation, amount=texts, recurring=st.sampled_from([UNSET, None, True, False]), refcodes=tables)
records = st.builds(
    Record,
    id=st.text(min_size=1, max_size=10),
    kind=st.sampled_from(KINDS),
    source=st.text(min_size=1, max_size=5),
    occurred_at=texts,
    person=st.one_of(st.just(UNSET), people),
    action=st.one_of(st.just(UNSET), actions),
    donation=st.one_of(st.just(UNSET), donations),
)


def person_record(number: int, person: Any, **parts: Any) -> Record:
    return Record(id=f"r/{number}", kind="person", source="people", person=person, **parts)


@given(records)
def test_a_record_comes_back_from_its_json_as_it_was(record: Record) -> None:
    assert from_json(to_json(record)) == record


@given(records)
def test_a_record_is_one_line_whatever_is_in_it(record: Record) -> None:
    assert b"\n" not in to_json(record)


def test_unknown_is_absent_and_empty_is_null() -> None:
    record = Record(id="r/1", kind="person", source="people", person=Person(first_name="Rosa", phone=None))
    assert to_json(record) == (
        b'{"id":"r/1","kind":"person","source":"people","person":{"first_name":"Rosa","phone":null}}'
    )


def test_what_came_is_never_written_down_with_the_record() -> None:
    record = Record(id="r/1", kind="action", source="signups", raw={"secret": "field"})
    assert to_json(record) == b'{"id":"r/1","kind":"action","source":"signups"}'
    assert record.raw == {"secret": "field"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"r/1","kind":"action"}',
        b'{"id":"r/1","kind":"dance","source":"s"}',
        b'{"id":"r/1","kind":"action","source":"s","colour":"red"}',
        b'{"id":"r/1","kind":"action","source":"s","person":{"first_name":7}}',
        b"[]",
        b"{",
    ],
)
def test_what_is_no_record_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        from_json(body)


# ---- one person out of several states ----


def merge(*states: Record) -> Record:
    return merged(states)


@given(records)
def test_merging_one_record_changes_nothing(record: Record) -> None:
    assert merge(record) == record


@given(people, people, people)
def test_merging_step_by_step_is_merging_at_once(a: Person, b: Person, c: Person) -> None:
    first, second, third = (person_record(n, person) for n, person in enumerate((a, b, c)))
    assert merge(merge(first, second), third) == merge(first, second, third)


@given(people, people)
def test_what_the_later_state_knows_wins_and_what_it_does_not_know_stays(before: Person, after: Person) -> None:
    person = merge(person_record(1, before), person_record(2, after)).person
    assert isinstance(person, Person)
    for field in PERSON_FIELDS:
        newest = getattr(after, field)
        assert getattr(person, field) == (getattr(before, field) if newest is UNSET else newest)
    assert person.custom == {**before.custom, **after.custom}
    assert person.ids == {**before.ids, **after.ids}


ROSA, KEN = "rosa@example.org", "ken@example.org"


@pytest.mark.parametrize(
    ("before", "after", "is_one"),
    [
        (Person(), Person(), True),
        (Person(email=ROSA), Person(email="ROSA@example.org"), True),
        (Person(email=ROSA), Person(email=KEN), False),
        (Person(email=ROSA), Person(email=None), True),
        (Person(email=ROSA), Person(), True),
        (Person(email=ROSA, ids={"actionkit": "1"}), Person(email=KEN, ids={"actionkit": "1"}), True),
        (Person(email=ROSA, ids={"actionkit": "1"}), Person(email=ROSA, ids={"actionkit": "2"}), False),
        (Person(email=ROSA, ids={"actionkit": "1"}), Person(email=ROSA, ids={"action_network": "a"}), True),
        (Person(email=ROSA, ids={"actionkit": "1"}), Person(email=KEN, ids={"action_network": "a"}), False),
    ],
)
def test_who_shares_a_phone_is_told_apart_by_number_then_by_email(before: Person, after: Person, is_one: bool) -> None:
    records = [person_record(1, before), person_record(2, after)]
    assert about_one(records) == records[: 1 + is_one]


def test_somebody_between_two_who_are_nobody_in_particular_does_not_make_them_one() -> None:
    records = [person_record(n, Person(email=email)) for n, email in enumerate((ROSA, UNSET, KEN))]
    assert about_one(records) == records[:2]


def test_a_known_emptiness_is_a_value_and_wins() -> None:
    person = merge(person_record(1, Person(zip="97201")), person_record(2, Person(zip=None))).person
    assert isinstance(person, Person)
    assert person.zip is None


def test_an_unknown_opt_in_never_covers_a_stop() -> None:
    person = merge(person_record(1, Person(sms_opt_in=False)), person_record(2, Person(city="Salem"))).person
    assert isinstance(person, Person)
    assert person.sms_opt_in is False


def test_a_merged_record_is_the_last_of_them_by_name() -> None:
    record = merge(
        person_record(1, Person(city="Salem"), occurred_at="2026-05-02T11:00:09Z"),
        person_record(2, UNSET, occurred_at="2026-05-02T12:00:00Z"),
    )
    assert (record.id, record.occurred_at, record.person) == ("r/2", "2026-05-02T12:00:00Z", Person(city="Salem"))


def test_tags_of_all_states_are_kept_once_and_in_order() -> None:
    record = merge(
        person_record(1, UNSET, action=Action(tags=["volunteer", "may"])),
        person_record(2, UNSET, action=Action(tags=["host", "may"], source_code="x")),
    )
    assert record.action == Action(tags=["volunteer", "may", "host"], source_code="x")


# ---- lanes ----


@pytest.mark.parametrize(
    ("person", "lane"),
    [
        (Person(phone="+15035550144", email="Rosa@Example.org", ids={"actionkit": "7"}), "+15035550144"),
        (Person(phone=None, email="Rosa@Example.org", ids={"actionkit": "7"}), "rosa@example.org"),
        (Person(email=None, ids={"actionkit": "7", "action_network": "8"}), "actionkit:7"),
        (Person(first_name="Rosa"), "r/1"),
        (UNSET, "r/1"),
    ],
)
def test_a_lane_is_the_surest_sign_of_who_it_is_about(person: Any, lane: str) -> None:
    assert lane_of(person_record(1, person)) == lane


# ---- delivery keys ----


def test_a_delivery_key_is_the_same_for_every_try_and_another_for_other_content() -> None:
    first = Delivery("r/1", "action", "rosa", b'{"a":1}')
    assert first.key == Delivery("r/1", "action", "elsewhere", b'{"a":1}', attempts=4).key
    assert first.key != Delivery("r/1", "action", "rosa", b'{"a":2}').key
    assert first.key != Delivery("r/2", "action", "rosa", b'{"a":1}').key


def test_a_delivery_key_tells_long_ids_apart_only_by_content_past_their_start() -> None:
    long = "x" * 64
    assert (
        Delivery(f"{long}a", "action", "l", b'{"id":"a"}').key != Delivery(f"{long}b", "action", "l", b'{"id":"b"}').key
    )


# ---- stamps ----


@pytest.mark.parametrize(
    ("moment", "stamp"),
    [
        (datetime(2026, 5, 2, 11, 0, 9, 999_999, tzinfo=UTC), "2026-05-02T11:00:09Z"),
        (datetime(2026, 5, 2, 4, 0, 9, tzinfo=timezone(timedelta(hours=-7))), "2026-05-02T11:00:09Z"),
        (datetime(2026, 5, 2, 11, 0, 9), "2026-05-02T11:00:09Z"),  # noqa: DTZ001 - a naive one is taken as UTC
        (datetime(999, 1, 2, tzinfo=UTC), "0999-01-02T00:00:00Z"),
    ],
)
def test_a_stamp_is_utc_in_whole_seconds(moment: datetime, stamp: str) -> None:
    assert utc_stamp(moment) == stamp
