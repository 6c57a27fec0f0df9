"""What becomes of one field when a member and a counterpart differ: three-way, against what both had when they agreed.

A change is told from a difference: whoever still has what both had has not changed it. Only a change overwrites, and an
empty value never does, unless the field says `clear`.
"""

from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

from groundswell.members.member import Value
from groundswell.members.modes import Mode
from groundswell.members.values import normal

Rule = Literal[
    "agree", "fill_member", "fill_remote", "first_contact", "remote_changed", "member_changed", "newer_remote",
    "newer_member", "cleared_remote", "cleared_member", "leave",
]  # fmt: skip
Text = str | None | UnsetType
"""A value; None: empty; UNSET: nothing to be done, or never agreed."""


class FieldRule(Struct, frozen=True):
    """How one field is kept in step with one account."""

    field: str
    """By canonical name."""
    mode: Mode
    clear: bool = False
    """Whether an emptied value empties the other side, where it may overwrite."""


class Verdict(Struct, frozen=True):
    """What is to be done."""

    rule: Rule
    member: Text = UNSET
    """What the member gets."""
    remote: Text = UNSET
    """What is to be written there."""
    base: Text = UNSET
    """In normal form, what both sides are now taken to have agreed on."""


_LEAVE: Final = Verdict("leave")


def merge(how: FieldRule, member: Value | None, remote: str | None, remote_at: float, base: Text) -> Verdict:
    """Decide one field.

    Args:
        member: What the member has; None: nothing was ever known.
        remote: What their system has.
        remote_at: When that was edited, as they say.
        base: In normal form, what both had when they last agreed; UNSET: they never did.
    """
    ours = None if member is None else member.value
    our_form, their_form = normal(how.field, ours), normal(how.field, remote)
    if our_form == their_form:
        return Verdict("agree", base=our_form)
    is_first = base is UNSET
    is_ours_new, is_theirs_new = is_first or our_form != base, is_first or their_form != base
    mode = how.mode
    if their_form is None or our_form is None:
        return _with_a_gap(how, member, ours, remote, remote_at, their_form, is_first, is_ours_new, is_theirs_new)
    if is_first:
        if mode.overwrites_remote:
            return Verdict("first_contact", remote=ours, base=their_form)
        return Verdict("first_contact", member=remote, base=their_form) if mode.overwrites_member else _LEAVE
    ours_may = is_ours_new and mode.overwrites_remote
    theirs_may = is_theirs_new and mode.overwrites_member
    if ours_may and theirs_may:
        return _newer(member, ours, remote, remote_at, their_form)
    if ours_may:
        return Verdict("member_changed", remote=ours, base=their_form)
    return Verdict("remote_changed", member=remote, base=their_form) if theirs_may else _LEAVE


def _with_a_gap(
    how: FieldRule,
    member: Value | None,
    ours: str | None,
    remote: str | None,
    remote_at: float,
    their_form: str | None,
    is_first: bool,
    is_ours_new: bool,
    is_theirs_new: bool,
) -> Verdict:
    """One side has nothing. What became empty may empty the other, under `clear`; else it is filled."""
    mode = how.mode
    at = 0.0 if member is None else member.at
    if their_form is None:
        is_newest = not (is_ours_new and mode.overwrites_remote) or remote_at > at
        if how.clear and not is_first and is_theirs_new and mode.overwrites_member and is_newest:
            return Verdict("cleared_remote", member=None, base=None)
        return Verdict("fill_remote", remote=ours, base=None) if mode.fills_remote else _LEAVE
    is_newest = not (is_theirs_new and mode.overwrites_member) or remote_at <= at
    if how.clear and not is_first and is_ours_new and mode.overwrites_remote and is_newest:
        return Verdict("cleared_member", remote=None, base=their_form)
    return Verdict("fill_member", member=remote, base=their_form) if mode.fills_member else _LEAVE


def _newer(member: Value | None, ours: str | None, remote: str | None, remote_at: float, their_form: str) -> Verdict:
    """Both were edited: the newer edit wins, ties to the member."""
    if remote_at > (0.0 if member is None else member.at):
        return Verdict("newer_remote", member=remote, base=their_form)
    return Verdict("newer_member", remote=ours, base=their_form)
