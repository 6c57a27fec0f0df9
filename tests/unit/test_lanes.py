"""Lanes: order per person, different people side by side, and honest counts, whatever happens in between."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from groundswell.component import Delivery
from groundswell.record import PERSON_FIELDS, UNSET, Person, Record, from_json, to_json
from groundswell.runtime.lanes import HELD_MS_MAX, LOADED_OF_LANE_MAX, PARKED_MAX, Lanes, Turn
from groundswell.store.outbox import Pending

NOW = 1_000_000


def person(record_id: str, **fields: Any) -> Record:
    return Record(id=record_id, kind="person", source="people", person=Person(**fields))


def pending(
    seq: int, lane: str, *, kind: str = "action", body: bytes = b"0123456789", attempts: int = 0, due: int = 0
) -> Pending:
    return Pending(seq, "crm", seq, Delivery(f"r/{seq}", kind, lane, body, attempts), NOW - 10_000 + seq, due)


def edit(seq: int, lane: str, **fields: Any) -> Pending:
    return pending(seq, lane, kind="person", body=to_json(person(f"r/{seq}", **fields)))


def lanes_with(*entries: Pending, records_max: int = 100, bytes_max: int = 10_000) -> Lanes:
    lanes = Lanes(records_max, bytes_max)
    lanes.add(entries, NOW)
    return lanes


def seqs(turns: list[Turn]) -> list[list[int]]:
    return [[entry.seq for entry in turn.pending] for turn in turns]


def counts(lanes: Lanes) -> tuple[int, int, int]:
    return lanes.records, lanes.bytes, lanes.parked


def test_one_turn_of_a_lane_at_a_time() -> None:
    lanes = lanes_with(pending(1, "rosa"), pending(2, "rosa"), pending(3, "sam"))
    turns = lanes.take(10)
    assert seqs(turns) == [[1], [3]]
    assert lanes.take(10) == []
    lanes.settled(turns[0])
    assert seqs(lanes.take(10)) == [[2]]


def test_what_gives_way_is_tried_again_after_what_stood_behind_it() -> None:
    lanes = lanes_with(pending(1, "rosa"), pending(2, "rosa"), pending(3, "sam"), pending(4, "rosa"))
    first, sam = lanes.take(10)
    assert lanes.gave_way(first)
    lanes.settled(sam)
    order = []
    while turns := lanes.take(10):
        order += [(turns[0].pending[0].seq, turns[0].delivery.attempts)]
        lanes.settled(turns[0])
    assert order == [(2, 0), (4, 0), (1, 1)]
    assert counts(lanes) == (0, 0, 0)


def test_those_that_wait_for_others_do_not_pass_each_other_for_ever() -> None:
    lanes = lanes_with(pending(1, "rosa"), pending(2, "rosa"), pending(3, "rosa"))
    (first,) = lanes.take(10)
    assert lanes.gave_way(first)
    (second,) = lanes.take(10)
    assert lanes.gave_way(second)
    (third,) = lanes.take(10)
    assert seqs([third]) == [[3]]
    lanes.settled(third)
    (first,) = lanes.take(10)
    assert (seqs([first]), first.delivery.attempts) == ([[1]], 1)
    assert not lanes.gave_way(first), "what is left waits itself"
    lanes.held(first, NOW + 1)
    assert counts(lanes) == (0, 0, 2)
    lanes.release_all()
    assert lanes.loading(10) == [1, 2]
    assert lanes.loaded([pending(1, "rosa"), pending(2, "rosa")]) == 0
    (first,) = lanes.take(10)
    assert lanes.gave_way(first), "they were held, and may pass each other again"


def test_nothing_is_given_way_to_where_nothing_stands() -> None:
    lanes = lanes_with(pending(1, "rosa"))
    (turn,) = lanes.take(1)
    assert not lanes.gave_way(turn)


def test_at_most_as_many_turns_as_asked_for() -> None:
    lanes = lanes_with(*(pending(seq, f"lane {seq}") for seq in range(1, 6)))
    assert (seqs(lanes.take(2)), seqs(lanes.take(2)), lanes.ready) == ([[1], [2]], [[3], [4]], 1)


def test_what_is_dropped_is_not_delivered_and_what_stands_behind_goes_on() -> None:
    lanes = lanes_with(pending(1, "rosa"), pending(2, "rosa"), pending(3, "sam"))
    assert lanes.drop({1, 3, 99}) == 2
    assert counts(lanes) == (1, 10, 0)
    assert seqs(lanes.take(10)) == [[2]]


def test_what_is_at_the_sink_is_beyond_recall_and_what_waits_behind_it_is_not() -> None:
    lanes = lanes_with(pending(1, "rosa"), pending(2, "rosa"))
    (turn,) = lanes.take(1)
    assert lanes.drop({1, 2}) == 1
    lanes.settled(turn)
    assert (counts(lanes), lanes.ready) == ((0, 0, 0), 0)


def test_what_is_gone_when_it_is_read_back_is_counted_and_its_lane_goes_on() -> None:
    lanes = lanes_with(pending(1, "rosa"), pending(2, "rosa"))
    (turn,) = lanes.take(1)
    lanes.held(turn, NOW + 1)
    assert lanes.drop({1}) == 0
    lanes.release_all()
    assert lanes.loading(10) == [1, 2]
    assert lanes.loaded([pending(2, "rosa")]) == 1
    assert seqs(lanes.take(10)) == [[2]]


def test_a_settled_lane_leaves_nothing_behind() -> None:
    lanes = lanes_with(pending(1, "rosa"))
    lanes.settled(lanes.take(1)[0])
    assert counts(lanes) == (0, 0, 0)
    assert not lanes._lanes


def test_a_turn_put_back_stays_first_and_next() -> None:
    lanes = lanes_with(pending(1, "rosa"), pending(2, "sam"), pending(3, "rosa"))
    lanes.put_back(lanes.take(1)[0])
    assert seqs(lanes.take(2)) == [[1], [2]]


def test_behind_a_held_turn_only_numbers_are_kept() -> None:
    lanes = lanes_with(pending(1, "rosa"), pending(2, "rosa"))
    lanes.held(lanes.take(1)[0], NOW + 5_000)
    lanes.add([pending(3, "rosa")], NOW)
    assert counts(lanes) == (0, 0, 3)
    assert (lanes.ready, lanes.next_due, lanes.wants_loading) == (0, NOW + 5_000, False)


def test_others_go_on_past_a_held_lane() -> None:
    lanes = lanes_with(pending(1, "rosa"), pending(2, "sam"))
    lanes.held(lanes.take(1)[0], NOW + 5_000)
    assert seqs(lanes.take(5)) == [[2]]


def test_a_held_lane_goes_on_in_order_when_its_time_has_come() -> None:
    lanes = lanes_with(pending(1, "rosa"), pending(2, "rosa"))
    lanes.held(lanes.take(1)[0], NOW + 5_000)
    lanes.release_due(NOW + 4_999)
    assert not lanes.wants_loading
    lanes.release_due(NOW + 5_000)
    assert lanes.loading(10) == [1, 2]
    lanes.add([pending(3, "rosa")], NOW)
    lanes.loaded([pending(1, "rosa", attempts=1), pending(2, "rosa")])
    turns = lanes.take(5)
    assert seqs(turns) == [[1]]
    assert turns[0].delivery.attempts == 1
    lanes.settled(turns[0])
    lanes.settled(lanes.take(1)[0])
    assert lanes.loading(10) == [3]


def test_release_all_asks_for_no_time() -> None:
    lanes = lanes_with(pending(1, "rosa"), pending(2, "sam"))
    for turn in lanes.take(2):
        lanes.held(turn, NOW + 10**9)
    lanes.release_all()
    assert sorted(lanes.loading(10)) == [1, 2]


def test_after_a_restart_a_delivery_that_waits_for_its_time_holds_its_lane() -> None:
    lanes = lanes_with(pending(1, "rosa", due=NOW + 5_000), pending(2, "rosa"), pending(3, "sam"))
    assert (counts(lanes), lanes.next_due) == ((1, 10, 2), NOW + 5_000)
    assert seqs(lanes.take(5)) == [[3]]


def test_a_time_due_in_a_year_was_written_by_a_wrong_clock() -> None:
    lanes = lanes_with(pending(1, "rosa", due=NOW + 365 * 86_400_000))
    assert lanes.next_due == NOW + HELD_MS_MAX


def test_what_did_not_come_with_a_load_is_asked_for_again_in_order() -> None:
    lanes = lanes_with(pending(1, "rosa"), pending(2, "rosa"), pending(3, "sam"))
    for turn in lanes.take(2):
        lanes.held(turn, NOW)
    lanes.release_all()
    assert lanes.loading(10) == [1, 2, 3]
    lanes.loaded([pending(1, "rosa")])
    assert (counts(lanes), lanes.ready) == ((1, 10, 2), 1)
    assert lanes.loading(10) == [3]
    lanes.loaded([pending(3, "sam")])
    for turn in lanes.take(5):
        lanes.settled(turn)
    assert lanes.loading(10) == [2]


def test_a_load_asks_for_no_more_than_there_is_room_for() -> None:
    lanes = lanes_with(*(pending(seq, "rosa") for seq in range(1, 8)))
    lanes.held(lanes.take(1)[0], NOW)
    lanes.release_all()
    assert lanes.loading(3) == [1, 2, 3]


def test_one_lane_takes_only_its_share_of_a_load() -> None:
    lanes = lanes_with(*(pending(seq, "rosa") for seq in range(1, 60)), pending(60, "sam"))
    for turn in lanes.take(2):
        lanes.held(turn, NOW)
    lanes.release_all()
    assert lanes.loading(100) == [*range(1, LOADED_OF_LANE_MAX + 1), 60]


def test_a_load_of_what_is_gone_lets_the_lane_go() -> None:
    lanes = lanes_with(pending(1, "rosa"))
    lanes.held(lanes.take(1)[0], NOW)
    lanes.release_all()
    lanes.loading(10)
    lanes.loaded([])
    assert (counts(lanes), lanes.wants_loading, lanes.ready) == ((0, 0, 0), False, 0)


def test_room_is_what_the_bounds_leave() -> None:
    lanes = lanes_with(pending(1, "rosa"), pending(2, "sam"), records_max=5, bytes_max=25)
    assert (lanes.room, lanes.bytes_room) == (3, 5)
    lanes.add([pending(3, "ada")], NOW)
    assert (lanes.room, lanes.room_to_load) == (0, 0)


def test_deliveries_at_the_sink_count_as_in_memory() -> None:
    lanes = lanes_with(pending(1, "rosa"), pending(2, "sam"), records_max=2)
    turns = lanes.take(2)
    assert (counts(lanes), lanes.room) == ((2, 20, 0), 0)
    lanes.settled(turns[0])
    assert (counts(lanes), lanes.room) == ((1, 10, 0), 1)


def test_with_too_many_parked_nothing_new_is_added_and_what_is_due_is_still_loaded() -> None:
    lanes = lanes_with(pending(1, "rosa"))
    lanes.held(lanes.take(1)[0], NOW)
    lanes.add([pending(seq, "rosa") for seq in range(2, PARKED_MAX + 1)], NOW)
    assert (lanes.parked, lanes.room, lanes.room_to_load) == (PARKED_MAX, 0, 100)


# ---- coalescing ----


def test_edits_of_one_person_that_wait_become_one_delivery() -> None:
    lanes = lanes_with(edit(1, "rosa", city="Portland", zip="97201"), edit(2, "rosa", city="Salem"))
    (turn,) = lanes.take(5)
    assert [entry.seq for entry in turn.pending] == [1, 2]
    assert from_json(turn.delivery.body) == person("r/2", city="Salem", zip="97201")
    assert (turn.delivery.record_id, turn.created_at) == ("r/2", turn.pending[0].created_at)


def test_two_people_who_share_a_phone_stay_two_deliveries_in_order() -> None:
    rosa, ken = {"ids": {"actionkit": "1"}}, {"ids": {"actionkit": "2"}}
    edits = [edit(1, "+1", city="Portland", **rosa), edit(2, "+1", **ken), edit(3, "+1", **ken), edit(4, "+1", **rosa)]
    lanes = lanes_with(*edits)
    order = []
    while turns := lanes.take(5):
        order += seqs(turns)
        lanes.settled(turns[0])
    assert order == [[1], [2, 3], [4]]


def test_an_action_between_two_edits_keeps_them_apart() -> None:
    lanes = lanes_with(edit(1, "rosa", city="Portland"), pending(2, "rosa"), edit(3, "rosa", city="Salem"))
    order = []
    while turns := lanes.take(5):
        order += seqs(turns)
        lanes.settled(turns[0])
    assert order == [[1], [2], [3]]


def test_an_edit_that_comes_while_another_is_at_the_sink_waits_for_it() -> None:
    lanes = lanes_with(edit(1, "rosa", city="Portland"))
    (turn,) = lanes.take(1)
    lanes.add([edit(2, "rosa", city="Salem")], NOW)
    assert lanes.take(1) == []
    lanes.settled(turn)
    assert seqs(lanes.take(1)) == [[2]]


def test_a_coalesced_turn_has_made_as_many_attempts_as_the_most_tried_of_it() -> None:
    first = edit(1, "rosa", city="Portland")
    first = Pending(1, "crm", 1, Delivery("r/1", "person", "rosa", first.delivery.body, 3), NOW)
    lanes = lanes_with(first, edit(2, "rosa", city="Salem"))
    (turn,) = lanes.take(1)
    assert turn.delivery.attempts == 3


def test_a_coalesced_turn_that_is_held_comes_back_as_its_parts() -> None:
    entries = [edit(1, "rosa", city="Portland"), edit(2, "rosa", zip="97201")]
    lanes = lanes_with(*entries)
    lanes.held(lanes.take(1)[0], NOW)
    lanes.release_all()
    assert lanes.loading(10) == [1, 2]
    lanes.loaded(entries)
    assert seqs(lanes.take(1)) == [[1, 2]]


texts = st.one_of(st.just(UNSET), st.none(), st.text("ab", min_size=1, max_size=2))
people = st.builds(
    Person,
    **dict.fromkeys(("first_name", "email", "city"), texts),
    sms_opt_in=st.sampled_from([UNSET, True, False]),
    custom=st.dictionaries(st.sampled_from(["shirt", "shoes"]), st.integers(0, 3)),
    ids=st.dictionaries(st.sampled_from(["actionkit", "action_network"]), st.sampled_from(["1", "2"])),
)


@given(st.lists(people, min_size=1, max_size=6))
def test_coalescing_keeps_the_newest_known_value_of_every_field(edits: list[Person]) -> None:
    bodies = [to_json(Record(id=f"r/{n}", kind="person", source="p", person=p)) for n, p in enumerate(edits, 1)]
    entries = [pending(n, "rosa", kind="person", body=body) for n, body in enumerate(bodies, 1)]
    lanes = lanes_with(*entries)
    (turn,) = lanes.take(1)
    edits = edits[: len(turn.pending)]
    got = from_json(turn.delivery.body).person
    assert isinstance(got, Person)
    for field in PERSON_FIELDS:
        known = [value for p in edits if (value := getattr(p, field)) is not UNSET]
        assert getattr(got, field) == (known[-1] if known else UNSET)
    for field in ("custom", "ids"):
        expected: dict[str, Any] = {}
        for p in edits:
            expected |= getattr(p, field)
        assert getattr(got, field) == expected


# ---- any order of anything ----


class AnyOrder(RuleBasedStateMachine):
    """Everything a feeder, a timer and workers may do, in any order, held against a simple model of the outbox."""

    @initialize(records_max=st.integers(1, 12), bytes_max=st.integers(1, 200))
    def start(self, records_max: int, bytes_max: int) -> None:
        self.records_max, self.bytes_max = records_max, bytes_max
        self.lanes = Lanes(records_max, bytes_max)
        self.now = NOW
        self.outbox: dict[int, Pending] = {}
        """All that is not settled, in order."""
        self.added: set[int] = set()
        self.out: list[Turn] = []
        self.asked: list[int] | None = None
        self.settled: dict[str, list[int]] = {}
        self.seq = 0

    def commit(self, lane: str, kind: str, due: int) -> Pending:
        self.seq += 1
        body = to_json(person(f"r/{self.seq}", city=f"city {self.seq}")) if kind == "person" else b"x" * (self.seq % 40)
        # Only what was tried before waits for a time, and only the first of a lane was.
        is_first = not any(entry.delivery.lane == lane for entry in self.outbox.values())
        entry = pending(self.seq, lane, kind=kind, body=body, due=self.now + due if is_first and due else 0)
        self.outbox[self.seq] = entry
        return entry

    @rule(
        new=st.lists(
            st.tuples(st.sampled_from("abc"), st.sampled_from(["person", "action"]), st.sampled_from([0, 0, 50])),
            max_size=4,
        )
    )
    def feeder_adds(self, new: list[tuple[str, str, int]]) -> None:
        room = max(0, self.lanes.room - len(self.asked or ()))  # what was asked for has its room already
        entries = [self.commit(*parts) for parts in new[:room]]
        self.added |= {entry.seq for entry in entries}
        self.lanes.add(entries, self.now)

    @rule(count=st.integers(1, 5))
    def worker_takes(self, count: int) -> None:
        turns = self.lanes.take(count)
        assert len(turns) <= count
        for turn in turns:
            assert turn.lane not in {other.lane for other in self.out}
            of_lane = [e for e in self.outbox.values() if e.delivery.lane == turn.lane]
            taken = list(turn.pending)
            assert [e.seq for e in taken] == [e.seq for e in of_lane[: len(taken)]]
            assert len(taken) == 1 or all(e.delivery.kind == "person" for e in taken)
            self.out.append(turn)

    @precondition(lambda self: self.out)
    @rule(which=st.integers(0, 10))
    def turn_is_settled(self, which: int) -> None:
        turn = self.out.pop(which % len(self.out))
        for entry in turn.pending:
            del self.outbox[entry.seq]
            self.settled.setdefault(turn.lane, []).append(entry.seq)
        self.lanes.settled(turn)

    @precondition(lambda self: self.out)
    @rule(which=st.integers(0, 10), wait=st.sampled_from([0, 10, 100]))
    def turn_is_held(self, which: int, wait: int) -> None:
        self.lanes.held(self.out.pop(which % len(self.out)), self.now + wait)

    @precondition(lambda self: self.out)
    @rule(which=st.integers(0, 10))
    def turn_is_put_back(self, which: int) -> None:
        self.lanes.put_back(self.out.pop(which % len(self.out)))

    @rule(passed=st.integers(0, 120))
    def timer_releases(self, passed: int) -> None:
        self.now += passed
        self.lanes.release_due(self.now)
        assert self.lanes.next_due is None or self.lanes.next_due > self.now

    @rule()
    def operator_releases_all(self) -> None:
        self.lanes.release_all()
        assert self.lanes.next_due is None

    @precondition(lambda self: self.asked is None and self.lanes.wants_loading and self.lanes.room_to_load)
    @rule()
    def feeder_begins_to_load(self) -> None:
        self.asked = self.lanes.loading(self.lanes.room_to_load)
        assert 0 < len(self.asked) <= self.lanes.room_to_load

    @precondition(lambda self: self.asked is not None)
    @rule(share=st.integers(1, 12))
    def feeder_has_loaded(self, share: int) -> None:
        assert self.asked is not None
        found = [self.outbox[seq] for seq in sorted(self.asked)]
        self.asked = None
        self.lanes.loaded(found[:share])

    @invariant()
    def counts_are_what_a_recount_says(self) -> None:
        if not hasattr(self, "lanes"):
            return
        at_sink = [entry for turn in self.out for entry in turn.pending]
        waiting = [entry for lane in self.lanes._lanes.values() for entry in lane.entries]
        parked = [seq for lane in self.lanes._lanes.values() for seq in lane.parked]
        in_memory = at_sink + waiting
        assert self.lanes.records == len(in_memory)
        assert self.lanes.bytes == sum(len(entry.delivery.body) for entry in in_memory)
        assert self.lanes.parked == len(parked)
        everywhere = [entry.seq for entry in in_memory] + parked + (self.asked or [])
        assert sorted(everywhere) == sorted(self.added & set(self.outbox))

    @invariant()
    def memory_is_within_its_bounds(self) -> None:
        if hasattr(self, "lanes"):
            assert self.lanes.records <= self.records_max

    @invariant()
    def no_order_is_broken(self) -> None:
        for done in getattr(self, "settled", {}).values():
            assert done == sorted(done)

    def teardown(self) -> None:
        if not hasattr(self, "lanes"):
            return
        if self.asked is not None:
            self.feeder_has_loaded(100)
        for turn in self.out:
            self.lanes.put_back(turn)
        self.out = []
        for _ in range(10_000):
            self.lanes.release_all()
            if self.lanes.wants_loading and self.lanes.room_to_load:
                self.lanes.loaded([self.outbox[seq] for seq in sorted(self.lanes.loading(self.lanes.room_to_load))])
            for turn in self.lanes.take(100):
                self.out = [turn]
                self.turn_is_settled(0)
            if not self.lanes._lanes:
                break
        assert self.outbox == {}
        assert counts(self.lanes) == (0, 0, 0)
        self.no_order_is_broken()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=100, stateful_step_count=50)


@pytest.mark.parametrize("kind", ["action", "donation", "refund", "cancellation"])
def test_only_states_of_a_person_are_coalesced_never_what_happened(kind: str) -> None:
    lanes = lanes_with(pending(1, "rosa", kind=kind), pending(2, "rosa", kind=kind))
    assert seqs(lanes.take(5)) == [[1]]
