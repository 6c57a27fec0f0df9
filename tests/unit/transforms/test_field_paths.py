"""Field paths: what a name in the configuration reads, writes, and says when there is no such field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from sample_records import json_values, records, shown, signature

from groundswell.record import PERSON_FIELDS, Donation, Record
from groundswell.transforms.changes import Change, Writer, setter
from groundswell.transforms.paths import parse_path, parse_table, parse_target

BARE = Record(id="vendor:thing/1", kind="person", source="signups")
GIFT = Record(
    id="vendor:thing/2",
    kind="donation",
    source="gifts",
    donation=Donation(amount="25.00", recurring=True, refcodes={"refcode": "may"}, fields={"T-shirt": "L"}),
)
ORIGINAL = {
    "phones": [{"number": "15035550144"}],
    "osdi:signature": {"person": {"name": "Rosa"}, "comments": ""},
    "a.b": {"0": "zero"},
    "nothing": None,
    "count": 3,
}
EVERY_FIELD = [
    *PERSON_FIELDS,
    "custom.Shirt size",
    "ids.action_network",
    *(f"action.{name}" for name in ("type", "source_code", "fields.comments", "referrer.website", "sponsor.title")),
    *(f"action.page.{name}" for name in ("id", "title", "type", "url")),
    *(f"donation.{name}" for name in ("amount", "currency", "period", "order_id", "lineitem_id", "recipient")),
    *(f"donation.{name}" for name in ("refcodes.refcode", "fields.T-shirt")),
    "occurred_at",
]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("first_name", "Rosa"),
        ("custom.Shirt size", "M"),
        ("ids.action_network", "5a1f0c9e"),
        ("action.type", "signature"),
        ("action.source_code", "may-email"),
        ("action.page.id", "77ab"),
        ("action.page.title", None),
        ("action.page.url", UNSET),
        ("action.fields.comments", "Save the bees"),
        ("action.tags", ["volunteer", "member"]),
        ("action.referrer.website", "https://example.org"),
        ("occurred_at", "2026-05-02T11:00:09Z"),
        ("id", "action_network:signature/c2f0"),
        ("kind", "action"),
        ("source", "signups"),
        ("city", UNSET),
        ("custom.Hat size", UNSET),
        ("donation.amount", UNSET),
        ("donation.refcodes.refcode", UNSET),
        ("raw.count", 3),
        ("raw.nothing", None),
        ("raw.missing", UNSET),
        ("raw.phones.0.number", "15035550144"),
        ("raw.phones.1.number", UNSET),
        ("raw.phones.number", UNSET),
        ('raw.phones."0".number', UNSET),
        ('raw."osdi:signature".person.name', "Rosa"),
        ("raw.osdi:signature.person.name", "Rosa"),
        ("raw.osdi:signature.comments", None),
        ("raw.osdi:signature.comments.0", UNSET),
        ('raw."a.b".0', "zero"),
        ("raw.count.digits", UNSET),
    ],
)
def test_a_path_reads_its_field(path: str, value: object) -> None:
    assert parse_path(path).get(signature(raw=ORIGINAL)) == value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("donation.amount", "25.00"),
        ("donation.recurring", True),
        ("donation.refcodes.refcode", "may"),
        ("donation.fields.T-shirt", "L"),
        ("donation.recipients", []),
        ("action.page.id", UNSET),
        ("email", UNSET),
    ],
)
def test_a_path_reads_a_donation(path: str, value: object) -> None:
    assert parse_path(path).get(GIFT) == value


@pytest.mark.parametrize("path", [*EVERY_FIELD, "raw.a", "donation.recurring"])
def test_a_field_of_a_part_that_is_not_there_is_unknown(path: str) -> None:
    assert parse_path(path).get(BARE) is UNSET


def test_everything_after_custom_is_one_name() -> None:
    path = parse_path("custom.What is 1.5 + 1: two?")
    assert path.get(signature(custom={"What is 1.5 + 1: two?": "no"})) == "no"


@pytest.mark.parametrize("path", EVERY_FIELD)
def test_what_is_written_to_a_path_is_read_back_from_it(path: str) -> None:
    target = parse_target(path)
    for record in (BARE, GIFT, signature()):
        assert target.get(setter(target)(record, "new")) == "new"
        writer = Writer([Change(target, lambda _: "new", str)])
        assert target.get(writer.write(record)) == "new"
        assert target.get(setter(target)(setter(target)(record, "new"), UNSET)) is UNSET


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("frist_name", "first_name"),
        ("First Name", "first_name"),
        ("given_name", "first_name"),
        ("person.email", "email"),
        ("person.custom.Shirt size", "custom.Shirt size"),
        ("Custom.Shirt size", "custom.Shirt size"),
        ("customs.Shirt.size", "custom.Shirt.size"),
        ("postal_code", "zip"),
        ("action.tag", "action.tags"),
        ("tags", "action.tags"),
        ("amount", "donation.amount"),
        ("page.id", "action.page.id"),
        ("action.comments", "action.fields.comments"),
        ("donation.refcode.a", "donation.refcodes.a"),
    ],
)
def test_an_unknown_field_is_refused_with_what_was_meant(path: str, meant: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse_path(path)
    assert str(refusal.value) == f'there is no field "{path}"; did you mean "{meant}"?'


def test_an_unknown_field_that_is_like_nothing_is_taken_for_a_custom_field() -> None:
    with pytest.raises(ValueError, match=r'a custom field is written "custom.Shirt size"'):
        parse_path("Shirt size")


@pytest.mark.parametrize("path", ["custom", "custom.", "action", "action.page", "donation", "person", "raw", "ids"])
def test_a_path_that_names_many_fields_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not one field; name one in it"):
        parse_path(path)


@pytest.mark.parametrize("path", ["raw..a", 'raw."a', 'raw.a."b"c', "raw.a.", 'raw.a"b'])
def test_a_raw_path_that_cannot_be_read_says_from_where(path: str) -> None:
    with pytest.raises(ValueError, match="cannot be read from character"):
        parse_path(path)


@pytest.mark.parametrize("path", ["", ".", " "])
def test_a_path_without_a_name_is_refused(path: str) -> None:
    with pytest.raises(ValueError):
        parse_path(path)


@pytest.mark.parametrize("path", ["id", "source", "raw.contact.email", "donation.recipients"])
def test_what_is_only_read_is_refused_as_a_target(path: str) -> None:
    with pytest.raises(ValueError, match="can only be read"):
        parse_target(path)


def test_a_star_names_a_whole_table_and_nothing_else() -> None:
    table = parse_table("custom.*")
    assert table is not None
    assert table.get(signature()) == {"Shirt size": "M"}
    assert parse_table("custom.Email *") is None
    assert parse_table("first_name*") is None
    assert parse_table("*") is None


@given(records, st.sampled_from([*EVERY_FIELD, "action.tags", "donation.recipients", "raw.a.0.b", "raw.phones.0"]))
def test_reading_never_fails(record: Record, path: str) -> None:
    parse_path(path).get(record)


@given(records, st.lists(st.tuples(st.sampled_from(EVERY_FIELD), json_values), max_size=6))
def test_many_changes_at_once_are_the_same_as_one_after_the_other(
    record: Record, wanted: list[tuple[str, object]]
) -> None:
    values = {parse_target(path): value for path, value in wanted}
    changes = [Change(target, lambda _, value=value: value, lambda value: value) for target, value in values.items()]
    one_by_one = record
    for target, value in values.items():
        one_by_one = setter(target)(one_by_one, value)
    assert shown(Writer(changes).write(record)) == shown(one_by_one)
