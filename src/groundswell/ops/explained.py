"""Why a member has what they have: each field held against every account, in sentences."""

from collections.abc import Mapping, Sequence
from typing import Final

from groundswell.members.linked import TURNS_MAX
from groundswell.members.member import Consent, Link, Member, Statement, Value
from groundswell.members.merge import FieldRule
from groundswell.members.modes import MODES
from groundswell.members.opt_in import OPT_IN
from groundswell.members.standing import Standing, State, standing
from groundswell.members.words import consent_in
from groundswell.ops.member_messages import FieldExplained, SideShown
from groundswell.ops.messages import moment
from groundswell.ops.place import SyncPart
from groundswell.store.people import Person
from groundswell.sync.settings import CANONICAL, SyncSettings

UNREAD: Final = "what is there was not read yet"
SENDING: Final = "is being written there, and counts as being there until it is read again"
FAILED: Final = "a write failed (`groundswell dead list`); it is not sent again until the value changes"
NOT_KEPT: Final = "no sync keeps this field in step with it (any more)"


def explained(person: Person, syncs: Mapping[str, SyncPart]) -> list[FieldExplained]:
    """Every field that the member or a linked account has, the usual ones first. `syncs`: by name."""
    member = person.member
    if member is None:
        return []
    links = [link for link in person.links if link.member == member.id]
    kept = {
        part.account: (name, part.settings)
        for name, part in syncs.items()
        if part.settings is not None and any(link.account == part.account for link in links)
    }
    names = {name for link in links for name in link.seen} | {*member.fields}
    names |= {name for _, settings in kept.values() for name in settings.fields}
    usual = [name for name in CANONICAL if name in names]
    others = sorted(names - {*usual, OPT_IN, _OWN})
    rows = [_field(name, member, links, kept, syncs) for name in (*usual, *others)]
    return [_phone(member), _consent(member, person.consents, links), *rows]


_OWN: Final = "sms_opt_in_at"
"""Beside the word for the opt-in in what was seen; no field."""
Kept = Mapping[str, tuple[str, SyncSettings]]
"""By account, the sync that keeps it in step."""


def _field(
    name: str, member: Member, links: Sequence[Link], kept: Kept, syncs: Mapping[str, SyncPart]
) -> FieldExplained:
    known = member.fields.get(name)
    sides = [_side(name, known, link, kept.get(link.account)) for link in links]
    if known is None:
        return FieldExplained(name, None, None, None, "nobody has said", sides)
    why = _why(name, known, syncs.get(known.source))
    return FieldExplained(name, known.value, known.source, moment(known.at * 1000), why, sides)


def _why(name: str, known: Value, sync: SyncPart | None) -> str:
    """Why the member has this value."""
    if sync is None:
        return f"{known.source} said so"
    settings = sync.settings
    if settings is None or name not in settings.fields:
        return f"it came from {sync.account}; the sync {known.source} no longer keeps this field in step"
    mode = MODES[settings.field(name).mode]
    if known.value is None:
        return f"it was emptied in {sync.account}, and the field says clear"
    if mode.name == "two_way":
        return f"{sync.account} had the newest edit; two_way takes it over"
    if mode.overwrites_member:
        return f"it stood in {sync.account}; {mode.name} takes over what changes there"
    if mode.fills_member:
        return (
            f"there was none, and it stood in {sync.account}; {mode.name} fills what is empty, and overwrites nothing"
        )
    return f"it came from {sync.account} before; {mode.name} takes nothing from there"


# ---- one account ----


def _side(name: str, known: Value | None, link: Link, kept: tuple[str, SyncSettings] | None) -> SideShown:
    settings = None if kept is None or name not in kept[1].fields else kept[1]
    how = None if settings is None else _rule(name, settings)
    found = standing(name, how, known, link)
    return SideShown(
        account=link.account,
        remote_id=link.remote_id,
        mode=None if how is None else how.mode.name,
        remote=None if settings is None else settings.remote_name(name),
        state=found.state,
        seen=link.seen.get(name),
        agreed=link.base.get(name),
        pending=[one.value for one in link.pending.get(name, ())],
        why=_why_so(found, how, known, link.seen.get(name), settings),
    )


def _why_so(
    found: Standing, how: FieldRule | None, known: Value | None, seen: str | None, settings: SyncSettings | None
) -> str:
    if how is None or settings is None:
        return NOT_KEPT
    why = _because(found, how, known, seen)
    return why if settings.enabled else f"{why}; the sync is switched off, so nothing changes"


def _rule(name: str, settings: SyncSettings) -> FieldRule:
    given = settings.field(name)
    return FieldRule(name, MODES[given.mode], given.clear)


def _because(found: Standing, how: FieldRule, known: Value | None, seen: str | None) -> str:
    mode = how.mode.name
    has_value = known is not None and known.value is not None
    plain: Mapping[State, str] = {
        "unread": UNREAD,
        "under_way": SENDING,
        "failed": FAILED,
        "turned": "what is written there comes back as something else, so it is left alone until it changes there",
        "due_there": f"the next change or reading writes it there: {mode}",
        "due_here": f"the next reading takes it over: {mode}",
    }
    if found.state == "alike":
        return "both have the same" if has_value else "neither has one"
    if found.state in plain:
        return plain[found.state]
    return (
        f"{_differs(found, mode, has_value=has_value, is_there=bool(seen and seen.strip()))}, so both stay as they are"
    )


def _differs(found: Standing, mode: str, *, has_value: bool, is_there: bool) -> str:
    """Why a difference stands."""
    if not is_there:
        return f"it is empty there, and {mode} writes nothing there"
    if not has_value:
        return f"the member has none, and {mode} takes nothing from there"
    if not found.has_agreed:
        return f"they differed when they met, and {mode} overwrites neither"
    if found.is_edited_here and found.is_edited_there:
        return f"both were edited since they agreed, and {mode} overwrites neither"
    if found.is_edited_here:
        return f"it was edited here since they agreed, and {mode} overwrites nothing there"
    return f"it was edited there since they agreed, and {mode} overwrites nothing here"


# ---- what has rules of its own ----


def _phone(member: Member) -> FieldExplained:
    why = "it is who the member is: linked by it, and never changed by either side"
    return FieldExplained("phone", member.phone, None, moment(member.created_at * 1000), why, [])


def _consent(member: Member, lines: Sequence[Statement], links: Sequence[Link]) -> FieldExplained:
    last = next((line for line in reversed(lines) if line.decision == "changed"), None)
    if last is None:
        why = "nobody has said" if member.consent == "unknown" else "the ledger no longer has the line"
    else:
        why = f"{last.source} said “{last.words}”, which means {last.said}; {_stands[last.said]}"
    at = moment(member.consent_at * 1000) if member.consent_at else None
    sides = [_word(member.consent, link) for link in links if OPT_IN in link.seen or link.pending.get(OPT_IN)]
    return FieldExplained(OPT_IN, member.consent, None if last is None else last.source, at, why, sides)


_stands: Final[Mapping[Consent, str]] = {
    "no": "it stands until they say yes at a later time",
    "yes": "it stands until they say no",
    "unknown": "it changes nothing",
}


def _word(consent: Consent, link: Link) -> SideShown:
    """What an account has for the opt-in."""
    seen, sent = link.seen.get(OPT_IN), link.pending.get(OPT_IN, ())
    state, why = _word_state(consent, consent_in(seen), link, is_sending=bool(sent), was_read=OPT_IN in link.seen)
    return SideShown(
        link.account, link.remote_id, None, None, state, seen, link.base.get(OPT_IN), [one.value for one in sent], why
    )


def _word_state(
    consent: Consent, theirs: Consent, link: Link, *, is_sending: bool, was_read: bool
) -> tuple[State, str]:
    if is_sending:
        return ("failed", FAILED) if link.state == "error" else ("under_way", SENDING)
    if not was_read:
        return "unread", UNREAD
    if theirs == consent:
        return "alike", "both mean the same" if consent != "unknown" else "it means neither yes nor no"
    if consent == "unknown":
        return "differs", "it counts only once it is read as news"
    if link.turned.get(OPT_IN, 0) >= TURNS_MAX:
        return "turned", "what is written there does not stay"
    return "due_there", "the member's word counts, and is to be written there"
