"""How one field stands between a member and a counterpart: what the rules make of it now, for who asks why."""

from typing import Literal

from msgspec import UNSET, Struct

from groundswell.members.linked import TURNS_MAX
from groundswell.members.member import Link, Value
from groundswell.members.merge import FieldRule, Rule, merge
from groundswell.members.values import normal

State = Literal["not_kept", "unread", "alike", "under_way", "failed", "turned", "differs", "due_there", "due_here"]


class Standing(Struct, frozen=True):
    """How it stands."""

    state: State
    """not_kept: no sync keeps it in step. unread: what is there was never read. alike: both have the same, or both
    nothing. under_way, failed: a write. turned: what is written there does not stay. differs: and is left so.
    due_there, due_here: the next reading brings a change."""
    rule: Rule | None = None
    """By which rule it is due, or left."""
    has_agreed: bool = False
    """Whether they ever had the same."""
    is_edited_here: bool = False
    """Since then."""
    is_edited_there: bool = False


def standing(field: str, how: FieldRule | None, known: Value | None, link: Link) -> Standing:
    """How this field stands. `how` None: no sync keeps it."""
    if how is None:
        return Standing("not_kept")
    if field not in link.seen:
        return Standing("unread")
    if link.pending.get(field):
        return Standing("failed" if link.state == "error" else "under_way")
    seen, base = link.seen[field], link.base.get(field, UNSET)
    verdict = merge(how, known, seen, link.remote_at, base)
    if verdict.rule == "agree":
        return Standing("alike", has_agreed=True)
    has_agreed = base is not UNSET
    ours = normal(field, None if known is None else known.value)
    is_here, is_there = has_agreed and ours != base, has_agreed and normal(field, seen) != base
    if link.turned.get(field, 0) >= TURNS_MAX:
        state: State = "turned"
    elif verdict.member is not UNSET:
        state = "due_here"
    else:
        state = "differs" if verdict.remote is UNSET else "due_there"
    return Standing(state, verdict.rule, has_agreed, is_here, is_there)
