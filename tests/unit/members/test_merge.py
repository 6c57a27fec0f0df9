"""One field of a member and a counterpart: the table of modes, and what each rule promises."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import UNSET

from groundswell.members.member import Value
from groundswell.members.merge import FieldRule, Text, Verdict, merge
from groundswell.members.modes import MODES, Mode
from groundswell.members.values import normal

FIELD = "first_name"
names = st.sampled_from(["Rosa", "Ken", "Ada", None])
times = st.sampled_from([1.0, 2.0, 3.0])
modes = st.sampled_from(list(MODES.values()))


def verdict(mode: str, ours: str | None, theirs: str | None, base: Text = UNSET, *, ours_at: float = 1.0,
            theirs_at: float = 2.0, clear: bool = False) -> Verdict:  # fmt: skip
    return merge(FieldRule(FIELD, MODES[mode], clear), Value(ours, ours_at, "crm"), theirs, theirs_at, base)


@pytest.mark.parametrize(
    ("mode", "fills_member", "overwrites_member", "fills_remote", "overwrites_remote"),
    [
        ("to_remote", False, False, True, True),
        ("to_member", True, True, False, False),
        ("populate", True, False, True, False),
        ("populate_to_remote", True, False, True, True),
        ("populate_to_member", True, True, True, False),
        ("two_way", True, True, True, True),
    ],
)
def test_the_table_of_modes(
    mode: str, fills_member: bool, overwrites_member: bool, fills_remote: bool, overwrites_remote: bool
) -> None:
    assert (verdict(mode, None, "Rosa").member == "Rosa") == fills_member
    assert (verdict(mode, "Ken", "Rosa", "Ken").member == "Rosa") == overwrites_member
    assert (verdict(mode, "Rosa", None).remote == "Rosa") == fills_remote
    assert (verdict(mode, "Rosa", "Ken", "Ken").remote == "Rosa") == overwrites_remote


@pytest.mark.parametrize(
    ("mode", "winner"),
    [("two_way", "ours"), ("to_remote", "ours"), ("populate_to_remote", "ours"), ("to_member", "theirs"),
     ("populate_to_member", "theirs"), ("populate", "nobody")],
)  # fmt: skip
def test_at_first_contact_the_member_wins_but_where_the_mode_says_otherwise(mode: str, winner: str) -> None:
    said = verdict(mode, "Rosa", "Ken")
    assert (said.remote == "Rosa", said.member == "Ken") == (winner == "ours", winner == "theirs")


def test_when_both_were_edited_the_newer_edit_wins_and_ties_go_to_the_member() -> None:
    assert verdict("two_way", "Rosa", "Ken", "Ada", ours_at=1.0, theirs_at=2.0).member == "Ken"
    assert verdict("two_way", "Rosa", "Ken", "Ada", ours_at=3.0, theirs_at=2.0).remote == "Rosa"
    assert verdict("two_way", "Rosa", "Ken", "Ada", ours_at=2.0, theirs_at=2.0).remote == "Rosa"


def test_a_difference_that_is_no_change_is_left_alone() -> None:
    assert verdict("to_member", "Rosa", "Ken", "Ken").rule == "leave"
    assert verdict("to_remote", "Rosa", "Ken", "Rosa").rule == "leave"


def test_an_emptied_value_empties_the_other_only_where_the_field_says_so_and_the_side_may_overwrite() -> None:
    assert verdict("two_way", "Rosa", None, "Rosa", clear=True) == Verdict("cleared_remote", member=None, base=None)
    assert verdict("two_way", None, "Rosa", "Rosa", clear=True) == Verdict("cleared_member", remote=None, base="Rosa")
    assert verdict("populate_to_member", None, "Rosa", "Rosa", clear=True).member == "Rosa"
    assert verdict("two_way", "Rosa", None, "Rosa").remote == "Rosa"


@given(modes, names, names, st.one_of(names, st.just(UNSET)), times, times, st.booleans())
def test_no_mode_does_what_it_may_not(
    mode: Mode, ours: str | None, theirs: str | None, base: Text, ours_at: float, theirs_at: float, clear: bool
) -> None:
    said = merge(FieldRule(FIELD, mode, clear), Value(ours, ours_at, "crm"), theirs, theirs_at, base)
    assert said.member is UNSET or said.remote is UNSET
    if said.member is not UNSET:
        assert said.member == theirs  # no value is made up
        assert mode.overwrites_member if ours is not None else mode.fills_member
        assert said.member is not None or clear
    if said.remote is not UNSET:
        assert said.remote == ours
        assert mode.overwrites_remote if theirs is not None else mode.fills_remote
        assert said.remote is not None or clear
    if ours == theirs:
        assert (said.rule, said.base) == ("agree", ours)


@given(modes, names, names, st.one_of(names, st.just(UNSET)), times, times, st.booleans())
def test_doing_what_was_said_leaves_nothing_to_be_done(
    mode: Mode, ours: str | None, theirs: str | None, base: Text, ours_at: float, theirs_at: float, clear: bool
) -> None:
    how = FieldRule(FIELD, mode, clear)
    said = merge(how, Value(ours, ours_at, "crm"), theirs, theirs_at, base)
    if said.member is not UNSET:
        ours, ours_at = said.member, theirs_at
    if said.remote is not UNSET:
        theirs, theirs_at = said.remote, 9.0
    base = base if said.base is UNSET else said.base
    after = merge(how, Value(ours, ours_at, "crm"), theirs, theirs_at, base)
    assert (after.member, after.remote) == (UNSET, UNSET)


@given(st.text(), st.sampled_from(["zip", "country", "state", "city", "email", "first_name", "custom.x"]))
def test_normal_form_is_its_own_normal_form(text: str, field: str) -> None:
    once = normal(field, text)
    assume(once is None or len(once) < 200)
    assert normal(field, once) == once


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("email", "Rosa@Example.org", "rosa@example.org "),
        ("zip", "97201-1234", "97201"),
        ("zip", "K1A 0B1", "k1a0b1"),
        ("country", "United States", "us"),
        ("country", "usa", "US"),
        ("state", "Oregon", "OR"),
        ("city", "PORTLAND", "Portland"),
        ("first_name", "Rosa  Maria", " Rosa Maria"),
        ("custom.member", "True", "true"),
        ("first_name", "", None),
    ],
)
def test_values_that_say_the_same_are_the_same(field: str, one: str | None, other: str | None) -> None:
    assert normal(field, one) == normal(field, other)


def test_names_that_differ_in_letters_differ() -> None:
    assert normal("first_name", "rosa") != normal("first_name", "Rosa")
