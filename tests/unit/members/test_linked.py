"""One counterpart, step by step: what comes back, what does not, and what is left alone."""

from collections.abc import Sequence

import msgspec

from groundswell.members.linked import SENT_MAX, Step, SyncRules, in_step, read
from groundswell.members.member import Link, Member, Value
from groundswell.members.merge import FieldRule
from groundswell.members.modes import MODES, ModeName


class Meeting:
    """A member and one counterpart. Every entry of the inbox has a number; what it sent is written when it is told."""

    def __init__(self, clear: bool = False, **modes: ModeName) -> None:
        self.rules = SyncRules("crm", "account", [FieldRule(f, MODES[mode], clear) for f, mode in modes.items()])
        self.member = Member(1, "+15035550144")
        self.link = Link("account", "7", 1, "synced")
        self.written: dict[int, float] = {}
        self.seq = 0

    def reads(self, at: float, **values: str | None) -> Step:
        self.link = read(self.link, values, at, self.written.get)
        return self._step()

    def edits(self, at: float, **values: str | None) -> Step:
        fields = {name: Value(value, at, "people") for name, value in values.items()}
        self.member = msgspec.structs.replace(self.member, fields=self.member.fields | fields)
        return self._step()

    def of(self, field: str) -> str | None:
        return self.member.fields[field].value

    def _step(self) -> Step:
        self.seq += 1
        self.member, (step,) = in_step(self.member, [(self.rules, self.link)], self.seq)
        self.link = step.link
        return step


def written(step: Step) -> dict[str, str | None]:
    return {edit.field: edit.after for edit in step.writes}


def under_way(link: Link, field: str) -> Sequence[str | None]:
    return [sent.value for sent in link.pending.get(field, ())]


def test_a_state_older_than_the_newest_that_was_seen_changes_nothing() -> None:
    two = Meeting(first_name="two_way")
    two.reads(20, first_name="Rosa")
    assert two.reads(10, first_name="Ken").edits == ()
    assert two.of("first_name") == "Rosa"


def test_what_we_wrote_and_read_back_causes_nothing() -> None:
    two = Meeting(first_name="two_way")
    two.reads(10, first_name=None)
    assert written(two.edits(20, first_name="Rosa")) == {"first_name": "Rosa"}
    assert two.reads(30, first_name="Rosa ").edits == ()
    assert (two.link.seen, two.link.base, two.link.pending) == ({"first_name": "Rosa "}, {"first_name": "Rosa"}, {})


def test_a_write_under_way_is_not_sent_again_and_a_later_one_may_go_over_it() -> None:
    two = Meeting(first_name="two_way")
    two.reads(10, first_name="Ada")
    assert written(two.edits(20, first_name="Rosa")) == {"first_name": "Rosa"}
    assert two.edits(21).edits == ()
    (write,) = two.edits(22, first_name="Ken").writes
    assert (write.before, write.awaited, write.after) == ("Ada", ("Rosa",), "Ken")


def test_the_echo_of_an_earlier_write_does_not_undo_a_later_edit() -> None:
    two = Meeting(first_name="two_way")
    two.reads(10, first_name="Ada")
    two.edits(20, first_name="Rosa")
    two.edits(25, first_name="Ken")
    assert two.reads(30, first_name="Rosa").edits == ()
    assert (two.of("first_name"), under_way(two.link, "first_name")) == ("Ken", ["Ken"])


def test_an_edit_taken_back_is_written_too_while_the_edit_is_under_way() -> None:
    two = Meeting(first_name="two_way")
    two.reads(10, first_name="Ada")
    two.edits(20, first_name="Rosa")
    assert written(two.edits(21, first_name="Ada")) == {"first_name": "Ada"}
    assert two.reads(30, first_name="Rosa").edits == ()
    assert two.of("first_name") == "Ada"


def test_somebody_who_was_there_first_is_held_against_our_edit_by_time() -> None:
    two = Meeting(first_name="two_way", last_name="two_way")
    two.reads(10, first_name="Ada", last_name="King")
    two.edits(20, first_name="Rosa")
    two.edits(40, last_name="Parks")
    step = two.reads(30, first_name="Ken", last_name="Luther")
    assert [(edit.field, edit.to, edit.rule) for edit in step.edits] == [
        ("first_name", "member", "newer_remote"),
        ("last_name", "remote", "newer_member"),
    ]


def test_what_is_known_to_be_written_and_is_gone_again_was_turned_back_by_somebody() -> None:
    two = Meeting(first_name="two_way")
    two.reads(10, first_name="Ada")
    two.edits(20, first_name="Rosa")
    assert two.reads(22, first_name="Ada").edits == ()  # it may not be written yet
    two.written[2] = 25
    assert two.reads(25, first_name="Ada").edits == ()  # nor then
    assert two.reads(30, first_name="Ada").edits[0].rule == "remote_changed"
    assert two.of("first_name") == "Ada"


def test_a_write_that_fails_is_not_sent_again_until_the_value_changes() -> None:
    two = Meeting(zip="two_way")
    two.reads(10, zip="97201")
    two.edits(20, zip="9")
    for at in range(30, 40):
        assert two.reads(at, zip="97201").edits == ()
    assert written(two.edits(50, zip="10001")) == {"zip": "10001"}


def test_a_system_that_keeps_nothing_is_left_alone_in_the_end() -> None:
    two = Meeting(first_name="two_way")
    writes = len(two.reads(10, first_name=None).writes) + len(two.edits(20, first_name="Rosa").writes)
    for at in range(30, 60):
        two.written = dict.fromkeys(range(two.seq + 1), at - 1)
        writes += len(two.reads(at, first_name=None).writes)
    assert writes == 3
    assert two.of("first_name") == "Rosa"
    two.reads(60, first_name="Ken")
    assert two.of("first_name") == "Ken"  # somebody's edit counts as ever


def test_what_they_make_of_a_zip_code_is_not_fought_over_until_the_zip_code_changes() -> None:
    two = Meeting(zip="two_way", city="two_way")
    two.reads(10, zip="97201", city="PORTLAND")
    assert written(two.edits(20, city="Lents")) == {"city": "Lents"}
    two.written[2] = 25
    assert two.reads(25, zip="97201", city="PORTLAND").edits == ()
    assert two.reads(30, zip="97201", city="Portland").edits == ()
    assert two.edits(31, city="Sellwood").edits == ()
    assert two.of("city") == "Sellwood"
    two.reads(40, zip="10001", city="New York")
    assert (two.of("zip"), two.of("city")) == ("10001", "New York")


def test_a_city_that_comes_with_our_zip_code_is_theirs_to_say() -> None:
    two = Meeting(zip="two_way", city="two_way")
    two.reads(10, zip="97201", city="Portland")
    two.edits(20, zip="10001", city="Brooklyn")
    assert two.reads(25, zip="10001", city="New York").edits == ()
    assert two.of("city") == "Brooklyn"


def test_without_a_zip_code_a_city_is_a_field_like_any_other() -> None:
    two = Meeting(zip="two_way", city="two_way")
    two.reads(10, zip=None, city="Portland")
    two.edits(20, city="Lents")
    two.reads(30, zip=None, city="Salem")
    assert two.of("city") == "Salem"


def test_nothing_is_written_that_another_counterpart_has_more_to_say_about() -> None:
    member = Member(1, "+15035550144", {"first_name": Value(None, 20, "people")})
    seen, base = {"first_name": "Rosa"}, {"first_name": "Rosa"}
    clears = SyncRules("a", "a", [FieldRule("first_name", MODES["two_way"], clear=True)])
    fills = SyncRules("b", "b", [FieldRule("first_name", MODES["populate"])])
    links = [Link(name, "7", 1, "synced", seen=seen, base=base) for name in ("a", "b")]
    after, steps = in_step(member, list(zip((clears, fills), links, strict=True)), 1)
    assert after.fields["first_name"].value == "Rosa"
    assert [step.writes for step in steps] == [[], []]


def test_two_who_may_both_overwrite_the_member_come_to_an_end() -> None:
    member = Member(1, "+15035550144", {"first_name": Value("Ada", 1, "people")})
    takes = [FieldRule("first_name", MODES["to_member"])]
    links = [
        Link(name, "7", 1, "synced", remote_at=at, seen={"first_name": value}, base={"first_name": "Ada"})
        for name, value, at in (("a", "Rosa", 10.0), ("b", "Ken", 20.0))
    ]
    met = [(SyncRules(link.account, link.account, takes), link) for link in links]
    after, steps = in_step(member, met, 1)
    again, _ = in_step(after, [(rules, step.link) for (rules, _), step in zip(met, steps, strict=True)], 2)
    assert (after.fields["first_name"].value, again) == ("Ken", after)


def test_what_is_under_way_is_bounded() -> None:
    two = Meeting(first_name="to_remote")
    two.reads(10, first_name=None)
    for number in range(3 * SENT_MAX):
        two.edits(20 + number, first_name=f"Rosa {number}")
    assert len(two.link.pending["first_name"]) == SENT_MAX


def test_what_a_state_does_not_say_stays_as_it_was() -> None:
    two = Meeting(first_name="two_way", last_name="two_way")
    two.reads(10, first_name="Rosa", last_name="Parks")
    two.reads(20, first_name="Ken")
    assert (two.of("last_name"), two.link.seen["last_name"]) == ("Parks", "Parks")
