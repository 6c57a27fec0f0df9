"""A member and a counterpart kept in step: what was read there, or changed here, to what each side gets."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import UNSET, Struct

from groundswell.members.member import Consent, Link, Member, Value
from groundswell.members.merge import FieldRule, Rule, merge
from groundswell.members.values import is_same, normal
from groundswell.members.words import consent_in

OPT_IN = "sms_opt_in"
"""In the state of a link: their word, as it stands there."""
WORDS: dict[Consent, str] = {"yes": "true", "no": "false"}
"""How an opt-in is written there."""


class SyncRules(Struct, frozen=True):
    """How one account is kept in step."""

    name: str
    """Of the sync; values that came from there carry it."""
    account: str
    fields: Sequence[FieldRule]
    writes_opt_in: bool = True


class Edit(Struct, frozen=True):
    """One field that one side gets, and by which rule."""

    field: str
    to: Literal["member", "remote"]
    before: str | None
    after: str | None
    rule: Rule
    awaited: tuple[str | None, ...] = ()
    """What else may be there by now: an earlier write that is still under way."""


class Step(Struct, frozen=True):
    """What came of it."""

    member: Member
    link: Link
    edits: Sequence[Edit] = ()

    @property
    def writes(self) -> list[Edit]:
        """What their system is to get."""
        return [edit for edit in self.edits if edit.to == "remote"]


def seen_state(
    rules: SyncRules,
    member: Member,
    link: Link,
    values: Mapping[str, str | None],
    at: float,
    written_at: float | None = None,
) -> Step:
    """Their system was read.

    Args:
        values: By canonical name, and OPT_IN; what is not in it was not said. None: empty there.
        at: When it was last modified, as they say.
        written_at: When what is pending is known to have been written; None: it may be under way still.
    """
    if at < link.remote_at:
        return Step(member, link)  # an older state that came late
    seen, base, pending = dict(link.seen), dict(link.base), dict(link.pending)
    for field, value in values.items():
        if field in pending:
            awaited = pending[field]
            if is_same(field, value, awaited):
                del pending[field]
            elif not is_same(field, value, seen.get(field)):
                del pending[field]  # somebody else was there: what we sent was not written, or written over
            elif written_at is not None and at > written_at:
                del pending[field]  # it was written, and turned back since
                base[field] = normal(field, awaited)
        seen[field] = value
    link = msgspec.structs.replace(link, seen=seen, base=base, pending=pending, remote_at=at)
    return _reconciled(rules, member, link)


def member_changed(rules: SyncRules, member: Member, link: Link) -> Step:
    """The member was changed from elsewhere."""
    return _reconciled(rules, member, link)


def _reconciled(rules: SyncRules, member: Member, link: Link) -> Step:
    fields, base, pending = dict(member.fields), dict(link.base), dict(link.pending)
    edits: list[Edit] = []
    for how in rules.fields:
        field = how.field
        if field not in link.seen:
            continue  # nobody ever said what stands there
        remote, known = link.seen[field], fields.get(field)
        verdict = merge(how, known, remote, link.remote_at, base.get(field, UNSET))
        if verdict.base is not UNSET:
            base[field] = verdict.base
        if verdict.member is not UNSET:
            before = None if known is None else known.value
            fields[field] = Value(verdict.member, link.remote_at, rules.name)
            edits.append(Edit(field, "member", before, verdict.member, verdict.rule))
            pending.pop(field, None)
        elif verdict.remote is not UNSET and not _is_pending(pending, field, verdict.remote):
            edits.append(_write(pending, field, remote, verdict.remote, verdict.rule))
        elif verdict.rule == "agree":
            pending.pop(field, None)
    if rules.writes_opt_in and OPT_IN in link.seen:
        edits += _opt_in(member, link.seen[OPT_IN], pending)
    if fields != member.fields:
        member = msgspec.structs.replace(member, fields=fields)
    if (base, pending) != (link.base, link.pending):
        link = msgspec.structs.replace(link, base=base, pending=pending)
    return Step(member, link, edits)


def _opt_in(member: Member, word: str | None, pending: dict[str, str | None]) -> list[Edit]:
    """Their word is made to say what the member said; nothing where the member said nothing."""
    wanted = WORDS.get(member.consent)
    if wanted is None or consent_in(word) == member.consent:
        pending.pop(OPT_IN, None)
        return []
    if _is_pending(pending, OPT_IN, wanted):
        return []
    return [_write(pending, OPT_IN, word, wanted, "member_changed")]


def _write(pending: dict[str, str | None], field: str, before: str | None, after: str | None, rule: Rule) -> Edit:
    awaited = (pending[field],) if field in pending else ()
    pending[field] = after
    return Edit(field, "remote", before, after, rule, awaited)


def _is_pending(pending: Mapping[str, str | None], field: str, value: str | None) -> bool:
    return field in pending and is_same(field, pending[field], value)
