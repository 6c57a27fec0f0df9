"""map_fields: filling fields from other fields, constants and templates; renaming; dropping."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from sample_records import applied, built, json_values, person_of, problem_with, records, shown, signature

from groundswell.errors import RecordError
from groundswell.record import Action, Donation, Page, Person, Record
from groundswell.transforms.paths import parse_path


def filled(record: Record, /, empty: str = "clear", **fields: Any) -> Record:
    return applied(built("map_fields", fields=fields, empty=empty), record)


def test_a_field_is_copied_and_its_source_stays() -> None:
    record = filled(signature(), **{"custom.shirt_size": "custom.Shirt size"})
    assert person_of(record).custom == {"Shirt size": "M", "shirt_size": "M"}


def test_an_unknown_source_leaves_the_field_as_it_was() -> None:
    record = signature()
    assert filled(record, first_name="custom.Nickname") is record


def test_a_source_known_to_be_empty_empties_the_field() -> None:
    record = filled(signature(raw={"first": "", "last": None}), first_name="raw.first", last_name="raw.last")
    assert person_of(record).first_name is None
    assert person_of(record).last_name is None


def test_an_empty_source_counts_as_unknown_when_empty_is_ignored() -> None:
    record = signature(raw={"first": "", "zip": None})
    assert filled(record, empty="ignore", first_name="raw.first", zip="raw.zip") is record
    assert filled(record, first_name={"from": "raw.first", "empty": "ignore"}) is record
    cleared = filled(record, empty="ignore", first_name={"from": "raw.first", "empty": "clear"})
    assert person_of(cleared).first_name is None


@pytest.mark.parametrize(
    ("raw", "phone"),
    [
        ({"mobile": "1", "home": "2"}, "1"),
        ({"home": "2"}, "2"),
        ({"mobile": "", "home": "2"}, "2"),
        ({"mobile": None}, None),
        ({"home": ""}, None),
        ({}, "(503) 555-0144"),
    ],
)
def test_of_several_sources_the_first_that_holds_something_wins(raw: Any, phone: Any) -> None:
    for spec in ({"from": ["raw.mobile", "raw.home"]}, ["raw.mobile", "raw.home"]):
        assert person_of(filled(signature(raw=raw), phone=spec)).phone == phone


def test_a_constant_is_written_over_whatever_is_there() -> None:
    record = filled(signature(), country={"value": "US"}, zip={"value": ""}, kind={"value": "person"})
    assert (person_of(record).country, person_of(record).zip, record.kind) == ("US", None, "person")


def test_a_default_is_written_only_where_neither_source_nor_field_is_known() -> None:
    spec = {"from": "raw.country", "default": "US"}
    assert person_of(filled(signature(raw={}), country=spec)).country == "US"
    assert person_of(filled(signature(raw={"country": "CA"}), country=spec)).country == "CA"
    assert person_of(filled(signature(raw={}, country="CA"), country=spec)).country == "CA"
    assert person_of(filled(signature(raw={"country": None}), country=spec)).country is None
    assert person_of(filled(signature(raw={}, country=None), country=spec)).country is None
    assert person_of(filled(signature(), country={"default": "US"})).country == "US"


def test_a_default_also_fills_what_is_empty_when_empty_is_ignored() -> None:
    spec = {"from": "raw.country", "default": "US", "empty": "ignore"}
    assert person_of(filled(signature(raw={"country": ""}), country=spec)).country == "US"
    assert person_of(filled(signature(country=None), country=spec)).country == "US"
    assert person_of(filled(signature(country="CA"), country=spec)).country == "CA"


def test_a_template_puts_fields_into_text() -> None:
    template = "{first_name} {last_name} {{{custom.Shirt size}}} {raw.n} {raw.ok}"
    record = filled(signature(raw={"n": 2.5, "ok": True}), **{"custom.label": {"template": template}})
    assert person_of(record).custom["label"] == "Rosa Lee {M} 2.5 true"


def test_a_template_with_an_unknown_field_is_unknown() -> None:
    record = signature()
    template = {"template": "{first_name} {city}"}
    assert filled(record, **{"custom.label": template}) is record
    assert person_of(filled(record, **{"custom.label": {**template, "default": "?"}})).custom["label"] == "?"


def test_a_field_known_to_be_empty_leaves_its_place_in_a_template_empty() -> None:
    record = signature(first_name=None, last_name="Lee")
    assert (
        person_of(filled(record, **{"custom.label": {"template": "{first_name} {last_name}"}})).custom["label"] == "Lee"
    )
    assert person_of(filled(record, city={"template": " {first_name} "})).city is None


def test_fields_can_be_swapped_because_all_reading_comes_first() -> None:
    assert person_of(filled(signature(), first_name="last_name", last_name="first_name")).first_name == "Lee"
    swapped = applied(
        built("map_fields", rename={"custom.a": "custom.b", "custom.b": "custom.a"}), signature(custom={"a": 1, "b": 2})
    )
    assert person_of(swapped).custom == {"a": 2, "b": 1}


def test_a_renamed_field_moves() -> None:
    transform = built("map_fields", rename={"custom.shirt_size": "custom.Shirt size", "zip": "custom.Postcode"})
    record = applied(transform, signature(custom={"Shirt size": "M", "Postcode": "97202"}))
    assert person_of(record).custom == {"shirt_size": "M"}
    assert person_of(record).zip == "97202"
    assert applied(transform, record) is record


def test_a_chain_of_renames_does_not_run_into_itself() -> None:
    transform = built("map_fields", rename={"custom.b": "custom.a", "custom.c": "custom.b"})
    assert person_of(applied(transform, signature(custom={"a": 1, "b": 2}))).custom == {"b": 1, "c": 2}
    assert person_of(applied(transform, signature(custom={"b": 2}))).custom == {"c": 2}


def test_what_is_dropped_becomes_unknown() -> None:
    drop = ["phone", "custom.Shirt size", "ids.action_network", "action.tags", "action.referrer.*", "occurred_at"]
    record = applied(built("map_fields", drop=drop), signature())
    assert person_of(record).phone is UNSET
    assert (person_of(record).custom, person_of(record).ids, record.occurred_at) == ({}, {}, UNSET)
    assert isinstance(record.action, Action)
    assert (record.action.tags, record.action.referrer) == ([], {})


def test_dropping_all_custom_fields_keeps_those_that_are_filled() -> None:
    transform = built("map_fields", drop=["custom.*"], fields={"custom.shirt_size": "custom.Shirt size"})
    assert person_of(applied(transform, signature(custom={"Shirt size": "M", "Notes": "x"}))).custom == {
        "shirt_size": "M"
    }
    transform = built("map_fields", drop=["custom.*"], fields={"custom.size": {"from": "custom.Size", "default": "?"}})
    assert person_of(applied(transform, signature(custom={"size": "M"}))).custom == {"size": "?"}


def test_dropping_what_is_not_there_returns_the_same_record() -> None:
    bare = Record(id="vendor:thing/1", kind="person", source="signups")
    transform = built("map_fields", drop=["phone", "custom.*", "action.tags", "action.page.id", "ids.actionkit"])
    assert applied(transform, bare) is bare


def test_a_star_inside_a_name_is_a_star() -> None:
    record = applied(built("map_fields", drop=["custom.Email *"]), signature(custom={"Email *": "a", "Email 2": "b"}))
    assert person_of(record).custom == {"Email 2": "b"}


def test_parts_that_are_not_there_are_made_when_something_is_written_to_them() -> None:
    bare = Record(id="vendor:thing/1", kind="person", source="signups", raw={"page": "77ab", "amount": 25})
    fields = {"action.page.id": "raw.page", "donation.amount": "raw.amount", "email": {"value": "rosa@example.org"}}
    record = filled(bare, **fields)
    assert record.action == Action(page=Page(id="77ab"))
    assert record.donation == Donation(amount="25")
    assert person_of(record) == Person(email="rosa@example.org")


@pytest.mark.parametrize(
    ("target", "value", "held"),
    [
        ("zip", 97201, "97201"),
        ("zip", 97201.0, "97201"),
        ("custom.n", 97201.0, 97201.0),
        ("donation.amount", 25.5, "25.5"),
        ("city", True, "true"),
        ("city", "", None),
        ("sms_opt_in", True, True),
        ("sms_opt_in", "Yes", "Yes"),
        ("sms_opt_in", 1, "1"),
        ("custom.list", ["a", 1], ["a", 1]),
        ("custom.empty", "", None),
        ("ids.crm", 4411, "4411"),
        ("ids.action_network", "", UNSET),
        ("action.tags", ["a", 1, "", None], ["a", "1"]),
        ("action.tags", "one", ["one"]),
        ("action.tags", None, []),
        ("donation.recurring", "True", True),
        ("donation.recurring", 0, False),
        ("donation.recurring", None, None),
        ("occurred_at", "2026-05-02T13:00:09.5+02:00", "2026-05-02T11:00:09Z"),
        ("occurred_at", "2026-05-02", "2026-05-02T00:00:00Z"),
        ("occurred_at", 1777719609, "2026-05-02T11:00:09Z"),
        ("occurred_at", 1777719609000, "2026-05-02T11:00:09Z"),
        ("occurred_at", "", None),
        ("kind", "donation", "donation"),
    ],
)
def test_each_field_holds_what_it_can_hold(target: str, value: Any, held: Any) -> None:
    record = filled(signature(raw={"value": value}), **{target: "raw.value"})
    got = parse_path(target).get(record)
    assert (got, type(got)) == (held, type(held))
    assert filled(record, **{target: "raw.value"}) is record


@pytest.mark.parametrize(
    ("target", "value", "says"),
    [
        ("first_name", ["a"], "raw.value is a list, not one text"),
        ("email", {"a": 1}, "raw.value is an object, not one text"),
        ("sms_opt_in", [True], "raw.value is a list"),
        ("city", float("nan"), "raw.value is a number too large to write out"),
        pytest.param("city", 10**5000, "raw.value is a number too large to write out", id="huge"),
        ("action.tags", {"a": 1}, "raw.value is an object"),
        ("donation.recurring", "often", "raw.value is neither true nor false"),
        ("occurred_at", "yesterday", "raw.value is not a moment"),
        ("occurred_at", "20260502", "raw.value is not a moment"),
        ("occurred_at", True, "raw.value is not a moment"),
        ("occurred_at", 1e300, "raw.value is not a moment"),
        ("kind", "persn", "raw.value is not a kind of record"),
        ("kind", "", "raw.value is not a kind of record"),
    ],
)
def test_a_value_a_field_cannot_hold_fails_the_record_without_telling_the_value(
    target: str, value: Any, says: str
) -> None:
    with pytest.raises(RecordError, match=r"^tidy: cannot fill ") as failure:
        filled(signature(raw={"value": value}), **{target: "raw.value"})
    assert failure.value.reason == "bad_value"
    assert says in str(failure.value)
    assert f"the line for {target} in tidy" in str(failure.value)
    assert "often" not in str(failure.value)
    assert "persn" not in str(failure.value)


def test_a_list_in_a_template_fails_the_record() -> None:
    with pytest.raises(RecordError, match=r'a field in "Dear \{raw.a\}" is a list') as failure:
        filled(signature(raw={"a": []}), first_name={"template": "Dear {raw.a}"})
    assert failure.value.reason == "bad_value"


def test_one_is_not_true() -> None:
    record = signature(custom={"a": 1, "b": [1]}, raw={"a": True, "b": [True]})
    written = filled(record, **{"custom.a": "raw.a", "custom.b": "raw.b"})
    assert person_of(written).custom["a"] is True
    assert person_of(written).custom["b"][0] is True


def test_nesting_deeper_than_python_allows_is_copied_all_the_same() -> None:
    def nested() -> Any:
        value: Any = "x"
        for _ in range(5000):
            value = [value]
        return value

    record = signature(custom={"a": nested(), "b": nested()})
    assert filled(record, **{"custom.a": "custom.b"}) is record
    assert filled(record, **{"custom.c": "custom.a"}) is not record


@pytest.mark.parametrize(
    ("settings", "where", "says"),
    [
        ({}, (), "changes nothing; give fields, rename or drop"),
        ({"fields": {"frist_name": "raw.a"}}, ("fields", "frist_name", "[key]"), 'did you mean "first_name"?'),
        ({"fields": {"city": "raw"}}, ("fields", "city", "from", 0), "is not one field"),
        ({"fields": {"city": {"from": "zip", "value": 1}}}, ("fields", "city"), "has both from and value"),
        ({"fields": {"city": {}}}, ("fields", "city"), "does not say where the value is from"),
        ({"fields": {"city": 5}}, ("fields", "city"), "does not say where the value is from"),
        ({"fields": {"city": {"value": [1]}}}, (), 'the constant for "city" is a list'),
        ({"fields": {"kind": {"default": "persn"}}}, (), 'the constant for "kind" is not a kind of record'),
        ({"fields": {"city": {"template": "{stat}"}}}, ("fields", "city", "template"), 'did you mean "state"?'),
        ({"fields": {"city": {"template": "a } b"}}}, ("fields", "city", "template"), 'a stray "}" at character 3'),
        ({"fields": {"city": {"template": 1}}}, ("fields", "city", "template"), "is not a template"),
        ({"fields": {"id": "raw.id"}}, ("fields", "id", "[key]"), '"id" can only be read'),
        ({"rename": {"city": "raw.city"}}, ("rename", "city"), '"raw.city" can only be read'),
        ({"rename": {"custom.a": "kind"}}, ("rename", "custom.a"), "every record has a kind"),
        ({"fields": {"city": "zip"}, "rename": {"city": "state"}}, (), '"city" is filled by both fields and rename'),
        ({"drop": ["kind"]}, ("drop", 0), "every record has a kind"),
        ({"drop": ["action"]}, ("drop", 0), '"action" is not one field'),
        ({"drop": [1]}, ("drop", 0), "is not a field"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: Any, where: tuple[Any, ...], says: str) -> None:
    location, message = problem_with("map_fields", **settings)
    assert location == where
    assert says in message


slots = st.sampled_from(["custom.a", "custom.b", "custom.c", "custom.d"])


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), json_values, max_size=4),
    st.dictionaries(slots, slots, max_size=4),
    st.dictionaries(slots, slots, max_size=4),
    st.lists(slots, max_size=3),
)
def test_reading_comes_before_dropping_and_dropping_before_writing(
    custom: dict[str, Any], fields: dict[str, str], rename: dict[str, str], drop: list[str]
) -> None:
    rename = {new: old for new, old in rename.items() if new not in fields}
    if not (fields or rename or drop):
        return
    before = {f"custom.{name}": None if value == "" else value for name, value in custom.items()}
    read = {target: before[source] for target, source in {**fields, **rename}.items() if source in before}
    left = {name: value for name, value in before.items() if name not in drop and name not in rename.values()}
    record = applied(
        built("map_fields", fields=fields, rename=rename, drop=drop),
        Record(
            id="vendor:thing/1",
            kind="person",
            source="signups",
            person=Person(custom={k[7:]: v for k, v in before.items()}),
        ),
    )
    assert {f"custom.{name}": repr(value) for name, value in person_of(record).custom.items()} == {
        name: repr(value) for name, value in {**left, **read}.items()
    }


everything = st.sampled_from(
    [
        "first_name",
        "sms_opt_in",
        "custom.a",
        "ids.x",
        "action.tags",
        "action.page.id",
        "donation.recurring",
        "occurred_at",
        "kind",
    ]
)
sources = everything | st.sampled_from(
    ["raw.a", "raw.phones.0", "custom.phones", "id", "action.fields.b", "donation.recipients"]
)


@given(records, st.dictionaries(everything, sources, min_size=1), st.sampled_from(["clear", "ignore"]))
def test_any_mapping_of_any_record_makes_a_record_or_a_record_error(
    record: Record, fields: dict[str, str], empty: str
) -> None:
    before = shown(record)
    result = record
    with suppress(RecordError):  # and nothing else
        result = filled(record, empty=empty, **fields)
    for path in map(parse_path, fields):
        assert path.get(result) != "" or path.get(record) == "", "what had been empty may stay so"
    assert (result is record) == (shown(result) == before)
    assert shown(record) == before
