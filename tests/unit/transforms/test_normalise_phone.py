"""normalise_phone: E.164, and nothing lost of what is no number. The fast path agrees with the library everywhere."""

from typing import Any

import phonenumbers
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from sample_records import applied, built, json_values, person_of, phones, problem_with, records, shown, signature

from groundswell.record import Record
from groundswell.transforms.nanp import REGIONS, nanp_reader
from groundswell.transforms.normalise_phone import e164, e164_reader

ASKED_THE_LIBRARY = "asked the library"
FAST = nanp_reader("US", otherwise=lambda text: ASKED_THE_LIBRARY)
READERS = {region: e164_reader(region) for region in (*REGIONS, "GB", "MX", "DE", "FR", "AU")}


def normalised(phone: Any, **settings: Any) -> Record:
    return applied(built("normalise_phone", **settings), signature(phone=phone))


@pytest.mark.parametrize(
    "written",
    [
        "(503) 555-0144",
        "503-555-0144",
        "503.555.0144",
        "5035550144",
        "15035550144",
        "1-503-555-0144",
        "+1 (503) 555 0144",
    ],
)
def test_ordinary_numbers_become_e164_without_asking_the_library(written: str) -> None:
    assert FAST(written) == "+15035550144"
    assert person_of(normalised(written)).phone == "+15035550144"


@pytest.mark.parametrize(
    "written",
    [
        "503-555-0144 ext. 12",
        "503-555-0144x12",
        "tel:+1-503-555-0144",
        "５０３５５５０１４４",
        "٥٠٣٥٥٥٠١٤٤",
        "1-503-555-O144 ",
        " 503 555 0144 ",
    ],
)
def test_odd_ways_of_writing_are_left_to_the_library(written: str) -> None:
    assert FAST(written) == ASKED_THE_LIBRARY
    assert READERS["US"](written) == e164(written, "US")


def test_an_extension_is_not_part_of_the_number() -> None:
    assert person_of(normalised("503-555-0144 ext. 12")).phone == "+15035550144"


def test_letters_are_read_as_on_a_dial() -> None:
    assert person_of(normalised("1-800-FLOWERS")).phone == "+18003569377"


def test_a_number_with_a_country_code_is_read_whatever_the_region() -> None:
    assert person_of(normalised("+44 20 7946 0018")).phone == "+442079460018"
    assert person_of(normalised("+1 503 555 0144", region="GB")).phone == "+15035550144"


def test_a_number_without_one_is_read_as_from_the_region() -> None:
    assert person_of(normalised("020 7946 0018", region="gb")).phone == "+442079460018"
    assert person_of(normalised("020 7946 0018")).phone is UNSET
    assert person_of(normalised("503-555-0144", region="GB")).phone is UNSET


@pytest.mark.parametrize(
    "written", ["call me", "555-0144", "123-555-0144", "+15035550", "0" * 300, "+٣", "503-055-0144"]
)
def test_an_unusable_number_leaves_phone_unknown_and_its_text_in_custom(written: str) -> None:
    transform = built("normalise_phone")
    person = person_of(applied(transform, signature(phone=written)))
    assert person.phone is UNSET
    assert person.custom == {"Shirt size": "M", "unusable_phone": written}
    assert transform.counts == {"unusable_phone": 1}


def test_the_field_that_keeps_unusable_numbers_can_be_named() -> None:
    assert person_of(normalised("x", keep_as="custom.Bad phone")).custom["Bad phone"] == "x"


def test_unknown_and_empty_phones_are_left_alone_and_not_counted() -> None:
    transform = built("normalise_phone")
    for record in (signature(phone=UNSET), signature(phone=None), Record(id="a", kind="page", source="s")):
        assert applied(transform, record) is record
    assert person_of(applied(transform, signature(phone="  "))).phone is None
    assert transform.counts == {}


def test_a_number_in_e164_returns_the_same_record() -> None:
    record = signature(phone="+15035550144")
    assert applied(built("normalise_phone"), record) is record


def test_other_fields_are_normalised_too_and_keep_what_is_no_number() -> None:
    transform = built("normalise_phone", fields=["phone", "custom.Work phone", "action.fields.cell", "custom.n"])
    custom = {"Work phone": "503 555 0145", "n": 5035550146}
    person = person_of(applied(transform, signature(custom=custom)))
    assert (person.phone, person.custom) == ("+15035550144", {"Work phone": "+15035550145", "n": "+15035550146"})
    record = signature(phone="+15035550144", custom={"Work phone": "none", "n": [1]})
    assert applied(transform, record) is record
    assert transform.counts == {"unusable_phone": 2}


@pytest.mark.parametrize(
    ("wrong", "where", "says"),
    [
        ({"region": "USA"}, ("region",), 'did you mean "US"?'),
        ({"region": ""}, ("region",), "is not a region"),
        ({"fields": []}, ("fields",), "at least 1"),
        ({"fields": ["fhone"]}, ("fields", 0), 'did you mean "phone"?'),
        ({"fields": ["action.tags"]}, ("fields", 0), "cannot hold a phone number"),
        ({"keep_as": "email"}, ("keep_as",), '"email" is not a custom field'),
        ({"fields": ["custom.a"], "keep_as": "custom.a"}, (), "also one of fields"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: Any, where: tuple[Any, ...], says: str) -> None:
    location, message = problem_with("normalise_phone", **wrong)
    assert location == where
    assert says in message


def test_every_area_code_is_judged_as_the_library_judges_it() -> None:
    for area in range(200, 1000):
        for rest in ("2345678", "5550144", "1234567", "0001234", "9119999"):
            assert FAST(f"{area}{rest}") == e164(f"{area}{rest}", "US"), f"{area}{rest}"


_examples = [
    str(number.national_number)
    for region in REGIONS
    for kind in phonenumbers.PhoneNumberType.values()
    if (number := phonenumbers.example_number_for_type(region, kind)) is not None
]
_ten_digits = (
    st.sampled_from(_examples)
    | st.from_regex(r"[2-9][0-9]{9}", fullmatch=True)
    | st.builds(
        lambda known, rest: known[:4] + rest, st.sampled_from(_examples), st.from_regex(r"[0-9]{6}", fullmatch=True)
    )
    | st.from_regex(r"(5[0-9]{3}|8[0-9]{3}|9[0-9]{3}|7215|8001)[0-9]{6}", fullmatch=True)
)
_separators = st.sampled_from(["", "", "-", ".", " ", ") ", "/", " - ", "  ", "\u00a0", "+", "x", "\n", "*", "_"])
_prefixes = st.sampled_from(
    ["", "", "1", "+1", "+1 ", "1-", "1.", "011", "011 1", "+", "＋1", "(", "+1 (", "tel:", "1 1", "+44", "0"]
)
_suffixes = st.sampled_from(["", "", " ", ".", " x12", " ext 5", "#", ";ext=1", "/x1", "\n", "a", "5"])
_scripts = st.sampled_from(
    ["0123456789", "0123456789", "0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "߀߁߂߃߄߅߆߇߈߉"]
)


@st.composite
def _written_numbers(draw: st.DrawFn) -> str:
    digits = draw(_ten_digits)
    cut, second_cut = sorted((draw(st.integers(0, 10)), draw(st.integers(0, 10)))) if draw(st.booleans()) else (3, 6)
    parts = (digits[:cut], digits[cut:second_cut], digits[second_cut:])
    text = draw(_prefixes) + parts[0] + draw(_separators) + parts[1] + draw(_separators) + parts[2] + draw(_suffixes)
    return text.translate(str.maketrans("0123456789", draw(_scripts)))


@settings(max_examples=1000)
@given(_written_numbers() | phones | st.text(max_size=20), st.sampled_from([*["US"] * 20, *READERS]))
@example("+1٥٠٣٥٥٥٠١٤٤", "US")
@example("+15035٥٥٠١٤٤", "US")
@example("+15035550144\n", "US")
@example("2642351234", "AI")
@example("14155550144", "AI")
@example("1 (415) 555-0144", "AG")
def test_every_text_is_read_as_the_library_reads_it(text: str, region: str) -> None:
    assert READERS[region](text) == e164(text, region)


@given(
    _ten_digits, st.sampled_from(["", "1", "+1", "+1 ", "1-", "1."]), *[st.sampled_from(["", "-", ".", " ", " - "])] * 2
)
def test_ordinary_numbers_never_need_the_library(digits: str, prefix: str, first: str, second: str) -> None:
    assume(len(digits) == 10)  # Canada's 310 numbers have seven
    text = f"{prefix}{digits[:3]}{first}{digits[3:6]}{second}{digits[6:]}"
    assert FAST(text) == e164(text, "US")


@given(records | st.builds(lambda value: signature(phone="x", custom={"phones": value}), json_values))
def test_normalising_twice_is_normalising_once_and_changes_no_input(record: Record) -> None:
    transform = built(
        "normalise_phone", fields=["phone", "custom.phones", "action.page.id", "action.fields.Work phone"]
    )
    before = shown(record)
    once = applied(transform, record)
    assert applied(transform, once) is once
    assert shown(record) == before
    assert (once is record) == (shown(once) == before)


@given(records)
def test_what_phone_held_is_either_e164_or_kept(record: Record) -> None:
    transform = built("normalise_phone")
    held = getattr(record.person, "phone", UNSET)
    person: Any = applied(transform, record).person
    if not isinstance(held, str):
        assert person == record.person
    elif e164(held, "US"):
        assert person.phone == e164(held, "US")
    elif held.strip():
        assert (person.phone, person.custom["unusable_phone"]) == (UNSET, held)
        assert transform.counts["unusable_phone"] == 1
