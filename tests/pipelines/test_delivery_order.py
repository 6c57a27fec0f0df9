"""A sink that does anything it likes, a daemon that restarts at any moment: nothing lost, nothing out of order."""

import sqlite3
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random

import anyio
import anyio.abc
import anyio.lowlevel
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from groundswell.component import Delivered, Delivery, Outcome, Rejected, Retry, Skipped
from groundswell.errors import RateLimitedError, RejectedError, UnauthorizedError, UnavailableError
from groundswell.record import Person, Record, from_json, to_json
from groundswell.runtime.retry import LONGEST_WAIT_S
from groundswell.store.store import Store
from tests.delivering import Delivering, FakeSink
from tests.virtual_time import VirtualClock

LANES = ("rosa", "sam", "ada", "kai")


class Moody:
    """Answers by chance: takes, skips, refuses, goes away, asks to wait, forgets who we are."""

    def __init__(self, seed: int, mood: float) -> None:
        """`mood` is the share of calls and deliveries that go wrong."""
        self._random = Random(seed)
        self._mood = mood
        self.is_well = False
        self.took: list[Delivery] = []

    def __call__(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome] | Exception:
        if not self.is_well and self._random.random() < self._mood:
            return self._random.choice(
                [
                    UnavailableError("crm: away"),
                    RateLimitedError("crm: 429", self._random.choice([None, 0.0, 2.0, 40.0])),
                    UnauthorizedError("crm: 401"),
                    RejectedError("crm: 422") if len(deliveries) > 1 else UnavailableError("crm: away"),
                    ValueError("a defect"),
                ]
            )
        return [self._outcome(delivery) for delivery in deliveries]

    def _outcome(self, delivery: Delivery) -> Outcome:
        if not self.is_well and self._random.random() < self._mood:
            return self._random.choice(
                [
                    Retry(UnavailableError("crm: away")),
                    Retry(RateLimitedError("crm: 429", 3.0)),
                    Rejected("no", "crm: no"),
                ]
            )
        self.took.append(delivery)
        return Delivered() if self.is_well or self._random.random() < 0.8 else Skipped("same")


class Scenario(Struct):
    """What happens, all of it from hypothesis, so that a failure shrinks and can be run again."""

    seed: int
    mood: float
    concurrency: int
    records: int
    wait_s: float
    records_max: int
    steps: list[tuple[str, int]]


scenarios = st.builds(
    Scenario,
    seed=st.integers(0, 2**32),
    mood=st.sampled_from([0.0, 0.1, 0.4]),
    concurrency=st.integers(1, 4),
    records=st.integers(1, 5),
    wait_s=st.sampled_from([0.0, 2.0]),
    records_max=st.integers(1, 30),
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("actions"), st.integers(1, 12)),
            st.tuples(st.just("edits"), st.integers(1, 5)),
            st.tuples(st.just("time"), st.sampled_from([0, 1, 3, 50, 400])),
            st.tuples(st.just("restart"), st.just(0)),
            st.tuples(st.just("crash"), st.integers(0, 60)),
        ),
        max_size=14,
    ),
)


class Run:
    """One scenario, run to its end."""

    def __init__(self, scenario: Scenario, store: Store) -> None:
        self._scenario = scenario
        self._store = store
        self._random = Random(scenario.seed)
        self._clock = VirtualClock()
        self.moody = Moody(scenario.seed, scenario.mood)
        self.made: list[Delivery] = []
        self.may_repeat: set[str] = set()
        """Records whose outcome was not on disk yet when it crashed."""

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            delivering = await self._started(tasks)
            for what, number in self._scenario.steps:
                if what == "time":
                    await self._clock.advance(number)
                elif what in ("actions", "edits"):
                    await delivering.put(*(self._new(what) for _ in range(number)))
                else:
                    await (delivering.runner.stop() if what == "restart" else self._crash(delivering, number))
                    delivering.scope.cancel()
                    await delivering.settle()
                    self._note_what_may_repeat()
                    delivering = await self._started(tasks)
            self.moody.is_well = True
            for _ in range(60):
                if delivering.runner.waiting == 0:
                    break
                await self._clock.advance(LONGEST_WAIT_S)
            assert delivering.runner.waiting == 0
            assert (delivering.runner.lanes.records, delivering.runner.lanes.parked) == (0, 0)
            tasks.cancel_scope.cancel()

    async def _started(self, tasks: anyio.abc.TaskGroup) -> Delivering:
        s = self._scenario
        delivering = Delivering(
            self._store,
            FakeSink(self.moody),
            clock=self._clock,
            concurrency=s.concurrency,
            records=s.records,
            wait_s=s.wait_s,
            records_max=s.records_max,
            seed=s.seed,
        )
        await delivering.start(tasks)
        return delivering

    async def _crash(self, delivering: Delivering, turns: int) -> None:
        """End it so many turns of the event loop after it was given work, wherever it is by then."""
        await delivering.put(*(self._new("actions") for _ in range(8)), settled=False)
        for _ in range(turns):
            await anyio.lowlevel.checkpoint()

    def _note_what_may_repeat(self) -> None:
        """What the sink took and nobody wrote down."""
        waiting = {str(row[0]) for row in rows(self._store, "SELECT record_id FROM outbox")}
        self.may_repeat |= {delivery.record_id for delivery in self.moody.took} & waiting

    def _new(self, what: str) -> Delivery:
        number = len(self.made) + 1
        lane = self._random.choice(LANES)
        field = self._random.choice(["city", "zip", "first_name"])
        kind = "action" if what == "actions" else "person"
        record = Record(id=f"r/{number}", kind=kind, source="s", person=Person(**{field: f"{field} {number}"}))  # type: ignore[arg-type]
        self.made.append(Delivery(record.id, kind, lane, to_json(record)))
        return self.made[-1]


def rows(store: Store, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(store.path)) as connection:
        return connection.execute(query).fetchall()


def number_of(delivery: Delivery) -> int:
    return int(delivery.record_id.removeprefix("r/"))


async def check(scenario: Scenario) -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with Store(Path(directory) / "groundswell.db") as store:
            run = Run(scenario, store)
            await run.run()
            outcomes = Counter(row[0] for row in rows(store, "SELECT outcome FROM deliveries"))
            dead = {str(row[0]) for row in rows(store, "SELECT record_id FROM dead_letters")}
            left = rows(store, "SELECT seq FROM outbox")
    assert left == []
    assert outcomes.total() == len(run.made)
    assert outcomes["dead"] == len(dead)

    taken = Counter(delivery.record_id for delivery in run.moody.took)
    for lane in LANES:
        of_lane = [delivery for delivery in run.moody.took if delivery.lane == lane]
        assert [number_of(d) for d in of_lane] == sorted(map(number_of, of_lane)), "out of order"
    for delivery in run.made:
        if delivery.kind == "action":
            expected = {0} if delivery.record_id in dead else {1}
            assert taken[delivery.record_id] in expected | ({2} if delivery.record_id in run.may_repeat else set())
    if not dead:
        nothing_known_of_a_person_is_lost(run)


def nothing_known_of_a_person_is_lost(run: Run) -> None:
    """Coalesced or not, who reads the edits in the order they came knows in the end what the last of them said."""
    for lane in LANES:
        assert known(d for d in run.moody.took if d.lane == lane) == known(d for d in run.made if d.lane == lane)


def known(deliveries: object) -> dict[str, object]:
    values: dict[str, object] = {}
    for delivery in deliveries:  # type: ignore[attr-defined]
        person = from_json(delivery.body).person
        if delivery.kind == "person" and isinstance(person, Person):
            fields = {name: getattr(person, name) for name in ("city", "zip", "first_name")}
            values |= {name: value for name, value in fields.items() if isinstance(value, str)}
    return values


@given(scenarios)
@settings(max_examples=40)
def test_whatever_the_sink_does_everything_is_delivered_once_and_in_order(scenario: Scenario) -> None:
    anyio.run(check, scenario)
