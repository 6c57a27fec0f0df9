"""How a field stands, as somebody who asks why is told: what the rules would do, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.members.linked import TURNS_MAX, SyncRules, in_step
from groundswell.members.member import Link, LinkState, Member, Sent, Value
from groundswell.members.merge import FieldRule
from groundswell.members.modes import MODES, Mode
from groundswell.members.standing import Standing, standing

TEXTS = st.sampled_from([None, "", "Rosa", "rosa ", "Ken"])


def link_of(
    seen: dict[str, str | None], base: dict[str, str | None], state: LinkState = "synced", **more: object
) -> Link:
    return Link("kit", "1", 1, state, remote_at=50.0, seen=seen, base=base, **more)  # type: ignore[arg-type]


@given(
    st.sampled_from(list(MODES.values())),
    st.booleans(),
    st.none() | st.builds(Value, TEXTS, st.sampled_from([10.0, 50.0, 90.0]), st.just("kit")),
    TEXTS,
    st.none() | st.fixed_dictionaries({"first_name": TEXTS}),
)
def test_what_is_due_is_what_the_rules_do_next(
    mode: Mode, clear: bool, known: Value | None, seen: str | None, base: dict[str, str | None] | None
) -> None:
    how = FieldRule("first_name", mode, clear)
    link = link_of({"first_name": seen}, base or {})
    member = Member(1, "+15035550144", {} if known is None else {"first_name": known})
    found = standing("first_name", how, known, link)
    _, (step,) = in_step(member, [(SyncRules("kit", "kit", [how]), link)], 1)
    assert [edit.to for edit in step.edits] == {"due_here": ["member"], "due_there": ["remote"]}.get(found.state, [])
    assert found.state in ("due_here", "due_there", "alike", "differs")


@pytest.mark.parametrize(
    ("link", "state"),
    [
        (link_of({}, {}), "unread"),
        (link_of({"zip": "1"}, {}, pending={"zip": (Sent("2", 1),)}), "under_way"),
        (link_of({"zip": "1"}, {}, "error", pending={"zip": (Sent("2", 1),)}), "failed"),
        (link_of({"zip": "1"}, {"zip": "1"}, turned={"zip": TURNS_MAX}), "turned"),
        (link_of({"zip": "1"}, {"zip": "1"}, turned={"zip": TURNS_MAX - 1}), "due_there"),
        (link_of({"zip": "2"}, {"zip": "1"}, turned={"zip": TURNS_MAX}), "alike"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_writes_and_fields_that_nobody_read_are_told_apart(link: Link, state: str) -> None:
    assert standing("zip", FieldRule("zip", MODES["two_way"]), Value("2", 90.0, "signups"), link).state == state


def test_a_field_of_no_sync_is_kept_by_none() -> None:
    assert standing("zip", None, None, link_of({"zip": "1"}, {})) == Standing("not_kept")


@pytest.mark.parametrize(
    ("ours", "theirs", "here", "there"),
    [("a", "b", True, True), ("a", "x", True, False), ("x", "b", False, True)],
)
def test_who_edited_since_they_agreed_is_told(ours: str, theirs: str, here: bool, there: bool) -> None:
    found = standing(
        "zip", FieldRule("zip", MODES["populate"]), Value(ours, 1.0, "kit"), link_of({"zip": theirs}, {"zip": "x"})
    )
    assert (found.state, found.has_agreed, found.is_edited_here, found.is_edited_there) == (
        "differs",
        True,
        here,
        there,
    )
