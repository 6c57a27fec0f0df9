"""A member and a counterpart kept in step: what was read there, or changed here, to what each side gets.

What is under way there counts as being there: the member is held against what will stand there, and a value that comes
back is known as ours. A field whose values keep coming back as others is left alone.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec
from msgspec import UNSET, Struct

from groundswell.members import opt_in
from groundswell.members.answers import NOTHING_SENT, Answer, WrittenAt, answer, answer_word
from groundswell.members.member import Link, Member, Sent, Value
from groundswell.members.merge import FieldRule, Rule, merge
from groundswell.members.opt_in import OPT_IN
from groundswell.members.values import is_same, normal

TURNS_MAX: Final = 3
"""Times in a row that what was written came back as something else; then the field is left alone."""
ROUNDS_MAX: Final = 10
"""In which counterparts answer each other's changes of the member."""
SENT_MAX: Final = 8
"""Values of one field under way at once. Of more, the oldest are forgotten: should one come back, it is an edit."""
DERIVED: Final = {"city": "zip", "state": "zip"}
"""Fields that vendors make of another one. Who writes them against that one only starts a fight."""


_NOTHING: Final = Answer()


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
    """What was there, as far as was seen."""
    after: str | None
    rule: Rule
    awaited: tuple[str | None, ...] = ()
    """What else may be there by now: earlier writes that are still under way."""


class Step(Struct, frozen=True):
    """What came of one link."""

    link: Link
    edits: Sequence[Edit] = ()

    @property
    def writes(self) -> list[Edit]:
        """What their system is to get."""
        return [edit for edit in self.edits if edit.to == "remote"]


def read(link: Link, values: Mapping[str, str | None], at: float, written_at: WrittenAt) -> Link:
    """The link, once their system was read; to be brought into step.

    Args:
        values: By canonical name, and OPT_IN; what is not in it was not said. None: empty there.
        at: When it was last modified, as they say. A state older than the newest that was seen came late, and says
            nothing.
    """
    if at < link.remote_at:
        return link
    known = link.seen
    if not link.pending and all(field in known and known[field] == value for field, value in values.items()):
        return link if at == link.remote_at else msgspec.structs.replace(link, remote_at=at)
    base, pending, turned = dict(link.base), dict(link.pending), dict(link.turned)
    lost = link.lost
    for field, source in DERIVED.items():
        if source in values and not is_same(source, values[source], known.get(source)):
            turned.pop(field, None)
    for field, value in values.items():
        is_derived = _is_derived(field, values, known)
        said = _answer(link, field, value, at, written_at, is_derived=is_derived)
        if said.sent:
            pending[field] = said.sent
        else:
            pending.pop(field, None)
        if said.agreed is not UNSET:
            base[field] = said.agreed
        if field == OPT_IN:
            lost = opt_in.lost(link, value, said.sent, at, written_at)[-SENT_MAX:]
        if said.is_turned:
            turned[field] = TURNS_MAX if is_derived else turned.get(field, 0) + 1
        elif field in turned and not is_same(field, value, known.get(field)):
            del turned[field]  # it was written as it is, or it is somebody's edit
    return msgspec.structs.replace(
        link, seen={**known, **values}, base=base, pending=pending, turned=turned, lost=lost, remote_at=at
    )


def in_step(member: Member, links: Sequence[tuple[SyncRules, Link]], seq: int) -> tuple[Member, list[Step]]:
    """Bring a member and counterparts into step: the member as they are then, and what came of each link.

    Nothing is written anywhere until no counterpart has anything more to say of the member.

    Args:
        seq: The entry of the inbox that made this necessary.
    """
    taken: list[list[Edit]] = [[] for _ in links]
    steps: list[Step] = []
    met = list(links)
    for _ in range(ROUNDS_MAX):
        before, steps = member, []
        for place, (rules, link) in enumerate(met):
            member, step = _reconciled(rules, member, link, seq)
            steps.append(step)
            if member is not before:
                given = [edit for edit in step.edits if edit.to == "member"]
                taken[place] += given
                base = {edit.field: step.link.base[edit.field] for edit in given}
                met[place] = (rules, msgspec.structs.replace(link, base=link.base | base))
        if member is before:
            break
    return member, [Step(step.link, (*edits, *step.writes)) for edits, step in zip(taken, steps, strict=True)]


def _answer(link: Link, field: str, value: str | None, at: float, written_at: WrittenAt, *, is_derived: bool) -> Answer:
    sent = link.pending.get(field)
    if not sent:
        return _NOTHING
    before = link.seen.get(field)
    if field == OPT_IN:
        return answer_word(value, before, sent, at, written_at)
    return answer(field, value, before, sent, at, written_at, is_derived=is_derived and at > link.remote_at)


def _is_derived(field: str, values: Mapping[str, str | None], known: Mapping[str, str | None]) -> bool:
    """Whether this was made of another field, which is there."""
    source = DERIVED.get(field)
    return source is not None and bool(values.get(source, known.get(source)))


# ---- what each side gets ----


def _reconciled(rules: SyncRules, member: Member, link: Link, seq: int) -> tuple[Member, Step]:
    seen, held, agreed, under_way = link.seen, member.fields, link.base, link.pending
    fields, base, pending, turned = held, agreed, under_way, link.turned
    edits: list[Edit] = []
    for how in rules.fields:
        field = how.field
        if field not in seen:
            continue  # nobody ever said what stands there
        known, sent = held.get(field), under_way.get(field, NOTHING_SENT)
        if sent:
            remote = sent[-1].value
            verdict = merge(how, known, remote, link.remote_at, normal(field, remote))
        else:
            remote = seen[field]
            ours = None if known is None else known.value
            if remote == ours and agreed.get(field, UNSET) == normal(field, ours):
                continue  # by far the most
            verdict = merge(how, known, remote, link.remote_at, agreed.get(field, UNSET))
        is_agreed = verdict.rule == "agree"
        if is_agreed and sent:
            continue  # they will have it, but have it not yet
        if turned.get(field, 0) >= TURNS_MAX and not is_agreed:
            continue
        if verdict.base is not UNSET and (field not in agreed or agreed[field] != verdict.base):
            base = {**base, field: verdict.base}
        if verdict.member is not UNSET:
            before = None if known is None else known.value
            fields = {**fields, field: Value(verdict.member, link.remote_at, rules.name)}
            edits.append(Edit(field, "member", before, verdict.member, verdict.rule))
        elif verdict.remote is not UNSET:
            pending = {**pending, field: (*sent, Sent(verdict.remote, seq))[-SENT_MAX:]}
            edits.append(_write(field, seen[field], verdict.remote, verdict.rule, sent))
    if rules.writes_opt_in and OPT_IN in seen:
        word = opt_in.wanted(member, link, TURNS_MAX)
        if word is not None:
            sent = pending.get(OPT_IN, NOTHING_SENT)
            pending = {**pending, OPT_IN: (*sent, Sent(word, seq))[-SENT_MAX:]}
            edits.append(_write(OPT_IN, seen[OPT_IN], word, "member_changed", sent))
    if fields is not held:
        member = msgspec.structs.replace(member, fields=fields)
    if base is not agreed or pending is not under_way:
        link = msgspec.structs.replace(link, base=base, pending=pending)
    return member, Step(link, edits)


def _write(field: str, before: str | None, after: str | None, rule: Rule, sent: Sequence[Sent]) -> Edit:
    return Edit(field, "remote", before, after, rule, tuple(one.value for one in sent))
