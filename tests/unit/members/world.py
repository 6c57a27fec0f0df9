"""A small world for the rules of members: systems that people edit, what is under way to and from them, one member."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from groundswell.members.consent import rule
from groundswell.members.linked import Edit, SyncRules, in_step, read
from groundswell.members.member import Consent, Link, Member, Value
from groundswell.members.merge import FieldRule
from groundswell.members.opt_in import OPT_IN, WORDS, heard
from groundswell.members.values import is_same, normal
from groundswell.members.words import consent_in


@dataclass
class Write:
    """What is on its way to one system: by field, what is to stand there, and over what."""

    values: dict[str, str | None]
    expected: dict[str, list[str | None]]
    seqs: list[int]
    is_retried: bool = False


@dataclass
class Snapshot:
    values: dict[str, str | None]
    at: float
    ours: set[str]
    """Fields that hold what the rules wrote there."""


@dataclass
class System:
    """Somebody's record at a vendor, and the way there and back."""

    name: str
    rules: SyncRules
    values: dict[str, str | None]
    modified: float
    place_of: Callable[[str], str] | None = None
    """What it makes of a ZIP code, whatever city was written."""
    link: Link | None = None
    outbox: list[Write] = field(default_factory=list)
    dead: list[Write] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    delivered: dict[int, float] = field(default_factory=dict)
    ours: set[str] = field(default_factory=set)
    """Fields that hold what the rules wrote there."""
    read_at: float = -1.0
    sent: int = 0

    def mode(self, name: str) -> FieldRule:
        return next(how for how in self.rules.fields if how.field == name)

    def edit(self, values: dict[str, str | None], now: float, *, is_ours: bool = False) -> None:
        self.values |= values
        self.ours = self.ours | set(values) if is_ours else self.ours - set(values)
        code = self.values.get("zip")
        if self.place_of is not None and normal("zip", code) is not None and {"zip", "city"} & set(values):
            assert code is not None
            self.values["city"] = self.place_of(code)
            self.ours.discard("city")
        self.modified = now

    def take(self, write: Write, now: float) -> None:
        """A write arrives: a field is written only over what was expected there."""
        due = {
            name: value
            for name, value in write.values.items()
            if not is_same(name, self.values[name], value)
            and any(is_same(name, self.values[name], one) for one in write.expected[name])
        }
        for name in due:
            if name != OPT_IN and normal(name, self.values[name]) is not None:
                how = self.mode(name)
                assert how.mode.overwrites_remote, f"{how.mode.name} went over what stood there"
        if due:
            self.edit(due, now, is_ours=not write.is_retried)
        self.delivered |= dict.fromkeys(write.seqs, now)

    def written_at(self, seq: int) -> float | None:
        is_under_way = any(seq in write.seqs for write in (*self.outbox, *self.dead))
        return None if is_under_way else self.delivered.get(seq)


TICK_S = 100.0
"""Between two events: more than clocks and stamps may be off."""


class World:
    """One member, the systems they are in, and the clock: every event has a moment of its own."""

    def __init__(self, rules: list[SyncRules], places: bool = True) -> None:
        self.now = 100.0
        self.member = Member(1, "+15035550144")
        self.typed: dict[str, set[str | None]] = {}
        """Every value that somebody typed, or a system made, by field."""
        self.systems = [System(r.name, r, {**{how.field: None for how in r.fields}, OPT_IN: None}, 1.0) for r in rules]
        self.seq = 0
        if places:
            for number, system in enumerate(self.systems):
                system.place_of = lambda code, number=number: self._place(code, number)  # type: ignore[misc]

    def tick(self) -> float:
        self.now += TICK_S
        return self.now

    # ---- people ----

    def edit_system(self, system: System, name: str, value: str | None) -> None:
        self._type(name, value)
        system.edit({name: value}, self.tick())

    def edit_member(self, name: str, value: str | None) -> None:
        self._type(name, value)
        fields = {**self.member.fields, name: Value(value, self.tick(), "crm")}
        self.member = msgspec.structs.replace(self.member, fields=fields)
        self.seq += 1
        self._bring_into_step([system for system in self.systems if system.link is not None])

    def say(self, said: Consent, at: float) -> None:
        ruling = rule(self.member.consent, self.member.consent_at, said, at)
        self.member = msgspec.structs.replace(self.member, consent=ruling.consent, consent_at=ruling.at)
        self.seq += 1
        self._bring_into_step([system for system in self.systems if system.link is not None])

    def _type(self, name: str, value: str | None) -> None:
        self.typed.setdefault(name, {None}).add(normal(name, value))

    def _place(self, code: str, number: int) -> str:
        made = f"{normal('zip', code)}-town-{number}"
        self._type("city", made)
        return made

    # ---- the way there and back ----

    def poll(self, system: System) -> None:
        if system.modified > system.read_at:
            system.snapshots.append(Snapshot(dict(system.values), system.modified, set(system.ours)))
            system.read_at = system.modified

    def arrive(self, system: System, snapshot: Snapshot) -> None:
        link = system.link or Link(system.name, "1", self.member.id, "synced")
        contact = "member" if system.link is None and self.member.consent != "unknown" else None
        system.link = link
        self.seq += 1
        ruling = heard(self.member, link, snapshot.values[OPT_IN], snapshot.at, system.written_at, contact)
        before = self.member
        if ruling is not None:
            self.member = msgspec.structs.replace(self.member, consent=ruling.consent, consent_at=ruling.at)
        system.link = read(link, snapshot.values, snapshot.at, system.written_at)
        self._bring_into_step(
            [s for s in self.systems if s.link is not None and (s is system or self.member != before)]
        )

    def deliver(self, system: System) -> None:
        write = system.outbox.pop(0)
        system.take(write, self.tick())

    def fail(self, system: System) -> None:
        system.dead.append(system.outbox.pop(0))

    def retry(self, system: System) -> None:
        """A yes is none any more once they have said no."""
        write = system.dead.pop(0)
        write.is_retried = True
        if consent_in(write.values.get(OPT_IN)) == "yes" and self.member.consent == "no":
            write.values[OPT_IN] = WORDS["no"]
        system.outbox.append(write)

    def coalesce(self, system: System) -> None:
        """Two writes become one: what the later one says counts, field by field."""
        first, second = system.outbox[:2]
        both = Write(
            first.values | second.values,
            first.expected | second.expected,
            first.seqs + second.seqs,
            first.is_retried or second.is_retried,
        )
        system.outbox[:2] = [both]

    def calm_down(self) -> int:
        """Nobody edits; everything arrives. Returns the writes it took."""
        before = sum(system.sent for system in self.systems)
        for _ in range(60):
            for system in self.systems:
                while system.dead:
                    self.retry(system)
                while system.outbox:
                    self.deliver(system)
                self.poll(system)
                while system.snapshots:
                    self.arrive(system, system.snapshots.pop(0))
            if not any(s.outbox or s.modified > s.read_at for s in self.systems):
                return sum(system.sent for system in self.systems) - before
        raise AssertionError("it does not come to rest")

    # ---- the rules at work ----

    def _bring_into_step(self, systems: list[System]) -> None:
        """As the stage does: the one that was read; and all of them, if the member changed."""
        links = [(system.rules, system.link) for system in systems if system.link is not None]
        member, steps = in_step(self.member, links, self.seq)
        met = [system for system in self.systems if system.link is not None]
        if member != self.member and systems != met:
            self._bring_into_step(met)
            return
        self.member = member
        assert in_step(member, [(s.rules, step.link) for s, step in zip(systems, steps, strict=True)], 0)[0] == member
        for system, step in zip(systems, steps, strict=True):
            for edit in step.edits:
                self._hold_to_the_mode(system, edit)
            system.link = step.link
            if step.writes:
                values = {edit.field: edit.after for edit in step.writes}
                expected = {edit.field: [edit.before, *edit.awaited] for edit in step.writes}
                system.outbox.append(Write(values, expected, [self.seq]))
                system.sent += 1

    def _hold_to_the_mode(self, system: System, edit: Edit) -> None:
        """Every mode's promise, at every edit; and no value is made up."""
        if edit.field == OPT_IN:
            assert (edit.to, consent_in(edit.after)) == ("remote", self.member.consent)
            return
        how = system.mode(edit.field)
        mode = how.mode
        assert normal(edit.field, edit.after) in self.typed[edit.field]
        before = edit.awaited[-1] if edit.awaited else edit.before
        if normal(edit.field, edit.after) is None:
            assert how.clear
        is_empty = normal(edit.field, before) is None
        if edit.to == "member":
            assert mode.fills_member if is_empty else mode.overwrites_member
        else:
            assert mode.fills_remote if is_empty else mode.overwrites_remote
