"""The compiled graph: where each record goes, once, and what becomes of those that fail."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.component import Arrival, Delivery
from groundswell.config.model import Component, Config, DaemonSettings, OpsSettings, Role, WebhooksSettings
from groundswell.errors import RecordError
from groundswell.members.book import Book, EmptyShelf
from groundswell.members.stage import Stage
from groundswell.record import Action, Person, Record, from_json
from groundswell.runtime.plan import Made, Plan
from groundswell.store.inbox import InboxEntry

NOW = 1_777_719_609_000
Change = Callable[[Record], Record | None]


class Reader:
    """A source whose arrivals hold {"city": ..., "phone": ...}."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read(self, arrival: Arrival) -> Record:
        seen = msgspec.json.decode(arrival.raw)
        if not isinstance(seen, dict):
            raise RecordError("it is not a JSON object")
        return Record(id=arrival.id, kind="action", source=self._name, person=Person(**seen), raw=seen)


class Step:
    """A transform that notes what it was given."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self.given: list[str] = []

    def apply(self, record: Record) -> Record | None:
        self.given.append(record.id)
        return self._change(record)


def keep(record: Record) -> Record:
    return record


def drop(_: Record) -> None:
    return None


def refuse(_: Record) -> Record:
    raise RecordError("it has no phone", "no_phone")


def break_down(record: Record) -> Record:
    raise ValueError(f"cannot make sense of {record.person}")


def tag(word: str) -> Change:
    """Notes where a record has been."""

    def change(record: Record) -> Record:
        tags = [*(record.action.tags if isinstance(record.action, Action) else []), word]
        return msgspec.structs.replace(record, action=Action(tags=tags))

    return change


def component(name: str, role: Role, *inputs: str) -> Component:
    return Component(name, role, f"test.{role}", None, inputs, Path())


def config_of(*components: Component) -> Config:
    return Config(
        daemon=DaemonSettings(),
        webhooks=WebhooksSettings(),
        ops=OpsSettings(),
        components={c.name: c for c in components},
        tests=(),
        files=(Path("pipeline.toml"),),
        hash="",
        directory=Path(),
    )


class Pipeline:
    """A plan and the steps in it."""

    def __init__(self, inputs: Mapping[str, list[str]], sinks: Mapping[str, list[str]], **changes: Change) -> None:
        """`changes` are the transforms, by name; sources are called in1, in2."""
        self.steps = {name: Step(change) for name, change in changes.items()}
        sources = [component(name, "source") for name in ("in1", "in2")]
        transforms = [component(name, "transform", *inputs[name]) for name in changes]
        config = config_of(*sources, *transforms, *(component(n, "sink", *given) for n, given in sinks.items()))
        self.plan = Plan(config, {name: Reader(name) for name in ("in1", "in2")}, self.steps)

    def process(self, *raws: object, source: str = "in1") -> Made:
        return self.plan.process([entry(n, raw, source) for n, raw in enumerate(raws, 1)], NOW, Book(EmptyShelf()))


def entry(seq: int, raw: object = None, source: str = "in1") -> InboxEntry:
    return InboxEntry(seq, source, NOW - 1_000, Arrival(f"test/{seq}", msgspec.json.encode(raw or {})))


def addressed(made: Made) -> list[tuple[str, int]]:
    return [(sink, seq) for sink, seq, _ in made.deliveries]


def way_of(delivery: Delivery) -> list[str]:
    action = from_json(delivery.body).action
    return action.tags if isinstance(action, Action) else []


def test_a_record_goes_through_transforms_in_order_to_each_sink() -> None:
    pipeline = Pipeline({"b": ["a"], "a": ["in1"]}, {"crm": ["b"], "log": ["a"]}, b=tag("b"), a=tag("a"))
    made = pipeline.process({"city": "Salem"})
    assert addressed(made) == [("crm", 1), ("log", 1)]
    assert [way_of(delivery) for _, _, delivery in made.deliveries] == [["a", "b"], ["a"]]


def test_a_delivery_says_who_it_is_about_and_never_holds_what_came() -> None:
    (delivery,) = [d for _, _, d in Pipeline({}, {"crm": ["in1"]}).process({"phone": "+15035550144"}).deliveries]
    assert (delivery.record_id, delivery.kind, delivery.lane, delivery.attempts) == (
        "test/1",
        "action",
        "+15035550144",
        0,
    )
    assert b"raw" not in delivery.body


def test_records_keep_their_order() -> None:
    made = Pipeline({}, {"crm": ["in1"], "log": ["in1"]}).process({}, {}, {})
    assert addressed(made) == [("crm", 1), ("log", 1), ("crm", 2), ("log", 2), ("crm", 3), ("log", 3)]


def test_a_record_is_counted_by_source_and_kind() -> None:
    assert Pipeline({}, {"crm": ["in1"]}).process({}, {}).processed == {("in1", "action"): 2}


def test_what_is_filtered_goes_no_further_and_is_counted() -> None:
    made = Pipeline({"f": ["in1"], "g": ["f"]}, {"crm": ["g"], "log": ["in1"]}, f=drop, g=tag("g")).process({}, {})
    assert addressed(made) == [("log", 1), ("log", 2)]
    assert (made.filtered, made.dead) == ({"f": 2}, [])


def test_at_the_end_of_a_diamond_a_record_arrives_once_through_the_first_input_written() -> None:
    pipeline = Pipeline(
        {"left": ["in1"], "right": ["in1"], "end": ["right", "left"]},
        {"crm": ["end"], "log": ["left", "end"]},
        left=tag("left"),
        right=tag("right"),
        end=tag("end"),
    )
    made = pipeline.process({})
    assert [(sink, way_of(d)) for sink, _, d in made.deliveries] == [("crm", ["right", "end"]), ("log", ["left"])]
    assert pipeline.steps["end"].given == ["test/1"]


def test_where_one_side_of_a_diamond_filters_the_other_is_taken() -> None:
    pipeline = Pipeline(
        {"left": ["in1"], "right": ["in1"], "end": ["right", "left"]},
        {"crm": ["end"]},
        left=tag("left"),
        right=drop,
        end=tag("end"),
    )
    assert [way_of(d) for _, _, d in pipeline.process({}).deliveries] == [["left", "end"]]


def test_a_transform_waits_for_all_its_inputs_wherever_they_are_written() -> None:
    inputs = {"end": ["deep", "in1"], "deep": ["middle"], "middle": ["in1"]}
    pipeline = Pipeline(inputs, {"crm": ["end"]}, end=tag("end"), deep=tag("deep"), middle=tag("middle"))
    assert [way_of(d) for _, _, d in pipeline.process({}).deliveries] == [["middle", "deep", "end"]]


def test_an_input_that_belongs_to_another_source_is_not_waited_for() -> None:
    inputs = {"other": ["in2"], "end": ["other", "in1"]}
    pipeline = Pipeline(inputs, {"crm": ["end"], "log": ["other"]}, other=tag("other"), end=tag("end"))
    assert [(s, way_of(d)) for s, _, d in pipeline.process({}).deliveries] == [("crm", ["end"])]
    by_other = pipeline.process({}, source="in2").deliveries
    assert [(s, way_of(d)) for s, _, d in by_other] == [("crm", ["other", "end"]), ("log", ["other"])]


@pytest.mark.parametrize("order", [("good", "bad"), ("bad", "good")])
def test_where_a_transform_fails_nothing_is_delivered_and_one_dead_letter_is_made(order: tuple[str, str]) -> None:
    changes = {"good": keep, "bad": refuse}
    pipeline = Pipeline(
        {"good": ["in1"], "bad": ["in1"]},
        {"crm": ["good"], "log": ["bad"], "all": ["in1"]},
        **{name: changes[name] for name in order},
    )
    made = pipeline.process({})
    assert made.deliveries == []
    (letter,) = made.dead
    assert (letter.stage, letter.component, letter.reason, letter.message) == (
        "process",
        "bad",
        "no_phone",
        "it has no phone",
    )
    assert (letter.inbox_seq, letter.record_id, letter.kind, letter.created_at) == (1, "test/1", "action", NOW)


def test_where_two_transforms_would_fail_there_is_one_dead_letter() -> None:
    # Two would be retried one by one, and each retry would deliver the record to every sink.
    made = Pipeline({"a": ["in1"], "b": ["in1"]}, {"crm": ["a"], "log": ["b"]}, a=refuse, b=refuse).process({})
    assert [letter.component for letter in made.dead] == ["a"]


def test_neighbours_of_a_failing_record_go_on() -> None:
    def refuse_second(record: Record) -> Record:
        return refuse(record) if record.id == "test/2" else record

    made = Pipeline({"a": ["in1"]}, {"crm": ["a"]}, a=refuse_second).process({}, {}, {})
    assert addressed(made) == [("crm", 1), ("crm", 3)]
    assert [letter.inbox_seq for letter in made.dead] == [2]


def test_what_the_source_cannot_read_is_a_dead_letter_of_the_source() -> None:
    made = Pipeline({}, {"crm": ["in1"]}).process([1, 2])
    (letter,) = made.dead
    assert (letter.component, letter.reason, letter.kind, made.deliveries) == ("in1", "unreadable", None, [])
    assert not made.processed


def test_a_defect_is_a_dead_letter_without_the_words_of_the_exception() -> None:
    (letter,) = Pipeline({"a": ["in1"]}, {"crm": ["a"]}, a=break_down).process({"city": "Rosaville"}).dead
    assert letter.reason == "defect"
    assert "ValueError" in letter.message
    assert "Rosaville" not in letter.message


def test_an_arrival_of_a_source_that_is_gone_waits_as_a_dead_letter() -> None:
    made = Pipeline({}, {"crm": ["in1"]}).process({}, source="gone")
    (letter,) = made.dead
    assert (letter.component, letter.reason, made.deliveries) == ("gone", "no_source", [])
    assert '"gone"' in letter.message


def test_a_source_nobody_takes_from_ends_there() -> None:
    made = Pipeline({}, {"crm": ["in1"]}).process({}, source="in2")
    assert (made.deliveries, made.dead) == ([], [])


# ---- steps that know the members ----


class Doubling(Stage):
    """Lets every record through twice, the second time under another id, and writes it to "remote"; "bad" fails."""

    def apply(self, record: Record, book: Book) -> Sequence[Record]:
        again = msgspec.structs.replace(record, id=f"{record.id}/again")
        book.write("remote", again)
        book.join("everybody", int(record.id.removeprefix("test/")))
        return [record, again]


def refuse_bad(record: Record) -> Record:
    if isinstance(record.person, Person) and record.person.city == "bad":
        raise RecordError("bad", "bad")
    return record


def staged(*raws: object) -> tuple[Made, Book]:
    parts = [
        component("in1", "source"),
        component("twice", "transform", "in1"),
        component("check", "transform", "twice"),
        component("crm", "sink", "check"),
    ]
    plan = Plan(config_of(*parts), {"in1": Reader("in1")}, {"twice": Doubling(), "check": Step(refuse_bad)})
    assert plan.knows_members
    book = Book(EmptyShelf())
    return plan.process([entry(n, raw) for n, raw in enumerate(raws, 1)], NOW, book), book


def test_all_that_comes_out_of_a_stage_goes_on_and_what_it_writes_is_addressed() -> None:
    made, book = staged({})
    assert [(sink, seq, delivery.record_id) for sink, seq, delivery in made.deliveries] == [
        ("crm", 1, "test/1"),
        ("crm", 1, "test/1/again"),
        ("remote", 1, "test/1/again"),
    ]
    assert book.changes.groups == {("everybody", 1): True}


def test_a_record_that_fails_further_on_takes_back_what_it_changed() -> None:
    made, book = staged({"city": "bad"}, {"city": "Salem"})
    assert [letter.record_id for letter in made.dead] == ["test/1"]
    assert {seq for _, seq, _ in made.deliveries} == {2}
    assert book.changes.groups == {("everybody", 2): True}


# ---- trace ----


def test_a_trace_shows_each_step_and_each_sink() -> None:
    pipeline = Pipeline({"a": ["in1"], "f": ["in1"]}, {"crm": ["a"], "log": ["f"]}, a=tag("a"), f=drop)
    traced = pipeline.plan.trace("in1", entry(1).arrival, Book(EmptyShelf()))
    assert list(traced) == ["in1", "a", "crm"]
    assert traced["crm"] == traced["a"]


def test_a_trace_ends_where_a_transform_refuses() -> None:
    pipeline = Pipeline({"a": ["in1"], "b": ["in1"]}, {"crm": ["b"]}, a=refuse, b=keep)
    traced = pipeline.plan.trace("in1", entry(1).arrival, Book(EmptyShelf()))
    assert list(traced) == ["in1", "a"]
    assert isinstance(traced["a"], RecordError)


NAMES = ("a", "b", "c", "d", "e")
CHANGES: dict[str, Callable[[str], Change]] = {
    "keep": lambda _: keep,
    "tag": tag,
    "drop": lambda _: drop,
    "refuse": lambda _: refuse,
}


@st.composite
def pipelines(draw: st.DrawFn) -> tuple[Pipeline, Mapping[str, list[str]], Mapping[str, list[str]], dict[str, str]]:
    """Any graph: transforms written in any order, each taking from sources and from those before it by name."""
    kinds = {name: draw(st.sampled_from(["keep", "tag", "tag", "drop", "refuse"])) for name in NAMES}
    inputs = {
        name: draw(st.lists(st.sampled_from(["in1", "in2", *NAMES[:place]]), min_size=1, max_size=3, unique=True))
        for place, name in enumerate(NAMES)
    }
    sinks = {
        name: draw(st.lists(st.sampled_from(["in1", *NAMES]), min_size=1, max_size=3, unique=True))
        for name in ("x", "y")
    }
    written = draw(st.permutations(NAMES))
    return Pipeline(inputs, sinks, **{name: CHANGES[kinds[name]](name) for name in written}), inputs, sinks, kinds


@given(pipelines())
def test_every_graph_does_what_its_definition_says_and_trace_agrees(
    drawn: tuple[Pipeline, Mapping[str, list[str]], Mapping[str, list[str]], dict[str, str]],
) -> None:
    pipeline, inputs, sinks, kinds = drawn
    failing = set()

    def result(name: str) -> list[str] | None:
        """The way a record took to the output of this component; None: it does not come out there."""
        if name.startswith("in"):
            return [] if name == "in1" else None
        given = first_of(inputs[name])
        if given is None or kinds[name] == "drop":
            return None
        if kinds[name] == "refuse":
            failing.add(name)
            return None
        return [*given, name] if kinds[name] == "tag" else given

    def first_of(names: list[str]) -> list[str] | None:
        return next((way for way in map(result, names) if way is not None), None)

    ways = {name: result(name) for name in NAMES}
    expected = {sink: way for sink, names in sinks.items() if (way := first_of(names)) is not None}
    made = pipeline.process({})
    traced = pipeline.plan.trace("in1", entry(1).arrival, Book(EmptyShelf()))
    if failing:
        (letter,) = made.dead
        assert letter.component in failing
        assert made.deliveries == []
        assert isinstance(traced[letter.component], RecordError)
        assert not set(traced) & set(sinks)
    else:
        assert {sink: way_of(delivery) for sink, _, delivery in made.deliveries} == expected
        assert made.dead == []
        assert set(traced) == {"in1"} | set(expected) | {name for name, way in ways.items() if way is not None}
    assert all(len(step.given) <= 2 for step in pipeline.steps.values())  # once in process, once in trace
