"""A member and two or three systems, edited at random, with delays, reorderings, repeats and writes that fail."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import UNSET

from groundswell.members.linked import TURNS_MAX, SyncRules
from groundswell.members.member import Consent
from groundswell.members.merge import FieldRule
from groundswell.members.modes import MODES
from groundswell.members.opt_in import OPT_IN
from groundswell.members.values import is_same, normal
from groundswell.members.words import consent_in
from tests.unit.members.world import System, World

FIELDS = ("first_name", "custom.color", "zip", "city")
VALUES: dict[str, list[str | None]] = {
    "first_name": ["Rosa", "Ken", "Rosa ", "Ada", None, ""],
    "custom.color": ["red", "blue", "TRUE", "true", None],
    "zip": ["97201", "97201-1234", "10001", None],
    "city": ["Portland", "PORTLAND", "New York", None],
}
WORDS = ["true", "false", "Yes", "no", "TBD", None]

how = st.tuples(st.sampled_from(list(MODES.values())), st.booleans())
field_names = st.sampled_from(FIELDS)


class InStep(RuleBasedStateMachine):
    sides = 2
    world: World

    @initialize(data=st.data(), makes_places=st.booleans())
    def begin(self, data: st.DataObject, makes_places: bool) -> None:
        rules = []
        for number in range(self.sides):
            fields = [FieldRule(name, *data.draw(how, label=f"{number} {name}")) for name in FIELDS]
            rules.append(SyncRules(f"sync{number}", f"account{number}", fields))
        self.world = World(rules, makes_places)
        self.noes: list[tuple[float, System | None]] = []
        self.yeses: list[float] = [0.0]

    def system(self, number: int) -> System:
        return self.world.systems[number % self.sides]

    # ---- people ----

    @rule(number=st.integers(0, 2), name=field_names, data=st.data(), is_polled=st.booleans())
    def somebody_edits_there(self, number: int, name: str, data: st.DataObject, is_polled: bool) -> None:
        self.world.edit_system(self.system(number), name, data.draw(st.sampled_from(VALUES[name])))
        if is_polled:
            self.world.poll(self.system(number))

    @rule(name=field_names, data=st.data())
    def somebody_edits_the_member(self, name: str, data: st.DataObject) -> None:
        self.world.edit_member(name, data.draw(st.sampled_from(VALUES[name])))

    @rule(number=st.integers(0, 2), word=st.sampled_from(WORDS), is_polled=st.booleans())
    def somebody_sets_the_opt_in_there(self, number: int, word: str | None, is_polled: bool) -> None:
        system, said = self.system(number), consent_in(word)
        stands, was_ours = system.values[OPT_IN], OPT_IN in system.ours
        read_at = -1.0 if system.link is None else system.link.remote_at
        if self.is_expected(system, word):
            read_at = -1.0  # a write under way goes over it, as if nobody had been there
        # What nobody had read yet is gone.
        self.noes = [(at, where) for at, where in self.noes if where is not system or at <= read_at]
        self.world.edit_system(system, OPT_IN, word)
        if said == "yes":
            self.yeses.append(self.world.now)
        if said == "no" and self.is_noticeable(system, stands, word, was_ours):
            self.noes.append((self.world.now, system))
        if is_polled:
            self.world.poll(system)

    def is_noticeable(self, system: System, stands: str | None, word: str | None, was_ours: bool) -> bool:
        """Before the first contact it is a difference. Who turns a word there and back, unread, has changed nothing:
        neither a reading nor a write under way finds anything but what was expected."""
        if system.link is None or system.dead or consent_in(stands) == "no":
            return False
        if self.is_expected(system, word):
            return False
        return consent_in(system.link.seen[OPT_IN]) != "no" or was_ours

    def is_expected(self, system: System, word: str | None) -> bool:
        return any(word in write.expected.get(OPT_IN, ()) for write in (*system.outbox, *system.dead))

    @rule(said=st.sampled_from(["yes", "no"]))
    def they_say(self, said: Consent) -> None:
        at = self.world.tick()
        if said == "no":
            self.noes.append((at, None))
        else:
            self.yeses.append(at)
        self.world.say(said, at)

    # ---- the way ----

    @rule(number=st.integers(0, 2))
    def poll(self, number: int) -> None:
        self.world.poll(self.system(number))

    @rule(number=st.integers(0, 2), which=st.integers(0, 3), again=st.booleans())
    def a_state_arrives(self, number: int, which: int, again: bool) -> None:
        system = self.system(number)
        if system.snapshots:
            place = which % len(system.snapshots)
            snapshot = system.snapshots[place]
            if not again:
                del system.snapshots[place]
            self.world.arrive(system, snapshot)

    @rule(number=st.integers(0, 2), end=st.sampled_from(["delivered", "delivered", "dead", "retried", "coalesced"]))
    def a_write_ends(self, number: int, end: str) -> None:
        system = self.system(number)
        if end == "retried":
            if system.dead:
                self.world.retry(system)
        elif end == "coalesced":
            if len(system.outbox) > 1:
                self.world.coalesce(system)
        elif system.outbox:
            self.world.deliver(system) if end == "delivered" else self.world.fail(system)

    # ---- what must hold ----

    def it_comes_to_rest(self) -> None:
        self.world.calm_down()
        assert self.world.calm_down() == 0
        self.compare()
        self.opt_outs_are_kept()

    @rule(number=st.integers(-1, 2), name=st.sampled_from(["first_name", "custom.color"]), data=st.data())
    def one_edit_goes_as_far_as_the_modes_let_it(self, number: int, name: str, data: st.DataObject) -> None:
        self.it_comes_to_rest()
        value = data.draw(st.sampled_from(VALUES[name]))
        agreed = {system.name: system.link.base.get(name, UNSET) for system in self.world.systems if system.link}
        if number < 0:
            was = self.of_the_member(name)
            self.world.edit_member(name, value)
        else:
            was = self.system(number).values[name]
            self.world.edit_system(self.system(number), name, value)
        writes = self.world.calm_down()
        is_change = not is_same(name, was, value)
        assert writes <= (2 * self.sides if is_change else 0)
        if normal(name, value) is None or not is_change:
            return
        # Whoever comes back to what both last agreed on has changed nothing.
        if number < 0:
            for system in self.world.systems:
                may = system.mode(name).mode.overwrites_remote and not self.is_left(system, name)
                if may and agreed[system.name] != normal(name, value):
                    assert is_same(name, system.values[name], value)
        elif self.system(number).mode(name).mode.overwrites_member and agreed[self.system(number).name] != normal(
            name, value
        ):
            assert is_same(name, self.of_the_member(name), value)

    def of_the_member(self, name: str) -> str | None:
        known = self.world.member.fields.get(name)
        return None if known is None else known.value

    def is_left(self, system: System, name: str) -> bool:
        return system.link is not None and system.link.turned.get(name, 0) >= TURNS_MAX

    def compare(self) -> None:
        for system in self.world.systems:
            assert system.link is not None
            for field in system.rules.fields:
                name = field.field
                if field.mode.name == "two_way" and not self.is_left(system, name):
                    assert is_same(name, self.of_the_member(name), system.values[name])
            word = system.values[OPT_IN]
            if self.world.member.consent != "unknown" and not self.is_left(system, OPT_IN):
                assert consent_in(word) == self.world.member.consent

    def opt_outs_are_kept(self) -> None:
        if self.noes and max(at for at, _ in self.noes) > max(self.yeses):
            assert self.world.member.consent == "no"

    @invariant()
    def nothing_is_made_up(self) -> None:
        if not hasattr(self, "world"):
            return
        for name, known in self.world.member.fields.items():
            assert normal(name, known.value) in self.world.typed[name]
        for system in self.world.systems:
            for name, value in system.values.items():
                assert name == OPT_IN or value is None or normal(name, value) in self.world.typed[name]

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.it_comes_to_rest()


class InStepOfThree(InStep):
    sides = 3


TestTwoSides = InStep.TestCase
TestTwoSides.settings = settings(max_examples=60, stateful_step_count=40)
TestThreeSides = InStepOfThree.TestCase
TestThreeSides.settings = settings(max_examples=60, stateful_step_count=40)
