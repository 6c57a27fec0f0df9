"""normalise_opt_in: true, false or unknown, and no word lost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from sample_records import applied, built, person_of, problem_with, records, shown, signature

from groundswell.record import Record

TRUE_WORDS = ["t", "true", "1", "y", "yes", "opt in", "opt-in"]
FALSE_WORDS = ["f", "false", "0", "n", "no", "opt out", "opt-out"]


def opt_in_of(word: Any, **settings: Any) -> Any:
    return person_of(applied(built("normalise_opt_in", **settings), signature(sms_opt_in=word))).sms_opt_in


@pytest.mark.parametrize("word", TRUE_WORDS)
def test_words_of_consent_are_true_in_any_case_and_spacing(word: str) -> None:
    for written in (word, word.upper(), word.title(), f"  {word}\t", word.replace(" ", " \n ")):
        assert opt_in_of(written) is True


@pytest.mark.parametrize("word", FALSE_WORDS)
def test_words_of_refusal_are_false_in_any_case_and_spacing(word: str) -> None:
    for written in (word, word.upper(), word.title(), f"  {word}\t", word.replace(" ", " \n ")):
        assert opt_in_of(written) is False


@pytest.mark.parametrize("word", ["TBD", "maybe", "optin", "yes please", "2", "-1", "ja", "none", "True.", "y" * 300])
def test_any_other_word_is_unknown_kept_and_counted(word: str) -> None:
    transform = built("normalise_opt_in")
    person = person_of(applied(transform, signature(sms_opt_in=word, email_opt_in="Y")))
    assert (person.sms_opt_in, person.email_opt_in) == (UNSET, True)
    assert person.custom == {"Shirt size": "M", "unknown_sms_opt_in": word}
    assert transform.counts == {"unknown_opt_in": 1}


def test_words_of_both_fields_are_kept_apart() -> None:
    person = person_of(applied(built("normalise_opt_in"), signature(sms_opt_in="a", email_opt_in="b", custom={})))
    assert person.custom == {"unknown_sms_opt_in": "a", "unknown_email_opt_in": "b"}


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_an_empty_opt_in_is_unknown_and_there_is_nothing_to_keep(empty: Any) -> None:
    transform = built("normalise_opt_in")
    person = person_of(applied(transform, signature(sms_opt_in=empty)))
    assert (person.sms_opt_in, person.custom, transform.counts) == (UNSET, {"Shirt size": "M"}, {})


@pytest.mark.parametrize("known", [True, False, UNSET])
def test_what_is_true_false_or_unknown_already_returns_the_same_record(known: Any) -> None:
    record = signature(sms_opt_in=known)
    assert applied(built("normalise_opt_in"), record) is record


def test_words_can_be_added() -> None:
    assert opt_in_of("SI ", true_words=["Sí", "si"]) is True
    assert opt_in_of("stop", false_words=["STOP"]) is False
    assert opt_in_of("yes", true_words=["si"], false_words=["stop"]) is True


def test_numbers_in_a_custom_field_are_words_too() -> None:
    transform = built("normalise_opt_in", fields=["custom.a", "custom.b", "custom.c", "custom.d"])
    person = person_of(applied(transform, signature(custom={"a": 1, "b": 0.0, "c": 2, "d": [1]})))
    assert person.custom == {"a": True, "b": False, "c": 2, "d": [1]}
    assert transform.counts == {"unknown_opt_in": 2}


def test_a_custom_field_keeps_its_own_unknown_words() -> None:
    record = signature(custom={"Text me": "perhaps", "Blank": None})
    assert applied(built("normalise_opt_in", fields=["custom.Text me", "custom.Blank"]), record) is record


@pytest.mark.parametrize(
    ("settings", "where", "says"),
    [
        ({"true_words": ["STOP"], "false_words": ["stop"]}, (), '"stop" would mean both true and false'),
        ({"true_words": ["opt  OUT"]}, (), '"opt out" would mean both true and false'),
        ({"false_words": [" "]}, (), "a word is empty"),
        ({"fields": ["email"]}, ("fields", 0), '"email" cannot hold an opt-in'),
        ({"fields": []}, ("fields",), "at least 1"),
        ({"keep_as": "custom.words"}, (), "is named twice"),
        ({"keep_as": "email"}, (), "keep_as is not a custom field"),
        ({"keep_as": "custon.{field}"}, (), 'did you mean "custom.sms_opt_in"?'),
        ({"fields": ["sms_opt_in", "custom.w"], "keep_as": "custom.w"}, (), '"custom.w" is named twice'),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: Any, where: tuple[Any, ...], says: str) -> None:
    location, message = problem_with("normalise_opt_in", **settings)
    assert location == where
    assert says in message


@given(records)
def test_normalising_twice_is_normalising_once_and_changes_no_input(record: Record) -> None:
    transform = built("normalise_opt_in", fields=["sms_opt_in", "email_opt_in", "custom.a", "action.fields.b"])
    before = shown(record)
    once = applied(transform, record)
    assert applied(transform, once) is once
    assert shown(record) == before
    assert (once is record) == (shown(once) == before)


@given(st.text(min_size=1) | st.sampled_from([*TRUE_WORDS, *FALSE_WORDS]))
def test_every_word_is_true_false_or_kept(word: str) -> None:
    person = person_of(applied(built("normalise_opt_in"), signature(sms_opt_in=word)))
    if person.sms_opt_in is UNSET:
        assert person.custom.get("unknown_sms_opt_in") == (word if word.strip() else None)
        assert " ".join(word.split()).lower() not in [*TRUE_WORDS, *FALSE_WORDS]
    else:
        assert " ".join(word.split()).lower() in (TRUE_WORDS if person.sms_opt_in else FALSE_WORDS)
