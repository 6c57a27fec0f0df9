"""The store against a model of it: whatever happens in whatever order, each accepted record is in one place."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Awaitable
from contextlib import closing
from pathlib import Path
from typing import Literal, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from groundswell.component import Arrival, Delivery
from groundswell.record import Record, to_json
from groundswell.store.dead_letters import DeadLetter, Selection
from groundswell.store.inbox import Accept, InboxEntry, Replay
from groundswell.store.outbox import Processed, Settlement
from groundswell.store.retention import Purge
from groundswell.store.store import Store

R = TypeVar("R")
Place = Literal["inbox", "replays", "outbox", "process", "deliver", "done"]
"""Where the work on a record is: `process` and `deliver` are the two stages of dead letters."""

PLACES = {
    "inbox": "SELECT inbox.seq FROM inbox, progress WHERE name = 'processor' AND inbox.seq > progress.seq",
    "replays": "SELECT seq FROM replays",
    "outbox": "SELECT inbox_seq FROM outbox",
    "process": "SELECT inbox_seq FROM dead_letters WHERE stage = 'process'",
    "deliver": "SELECT inbox_seq FROM dead_letters WHERE stage = 'deliver'",
}
START = 1_777_000_000_000
BODY = to_json(Record("r/1", "action", "signups", occurred_at="2026-05-02T11:00:09Z"))


class AnyOrder(RuleBasedStateMachine):
    """Accept, process, settle, retry, drop, replay, purge and reopen, in any order."""

    @initialize()
    def start(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.now = START
        self.store: Store
        self.open()
        self.places: dict[int, Place] = {}
        self.ids: dict[int, str] = {}
        self.known: dict[str, int] = {}
        """Ids the inbox still has."""
        self.last_delivery = 0

    def open(self) -> None:
        async def opened() -> Store:
            return await Store(self.directory / "groundswell.db").open()

        self.store = self.runner.run(opened())

    def run(self, awaitable: Awaitable[R]) -> R:
        async def waited() -> R:
            return await awaitable

        return self.runner.run(waited())

    def write(self, verb: str, *arguments: object) -> object:
        async def written() -> object:
            return await getattr(self.store, verb)(*arguments)

        return self.runner.run(written())

    # ---- what may happen ----

    @rule(batches=st.lists(st.lists(st.integers(0, 25), max_size=5), min_size=1, max_size=3))
    def accept(self, batches: list[list[int]]) -> None:
        self.now += 1

        async def accepted() -> list[list[InboxEntry]]:
            waiting = [
                self.store.accept(
                    Accept("signups", self.now, [Arrival(f"r/{n}", b"{}") for n in numbers], str(self.now))
                )
                for numbers in batches
            ]
            return list(await asyncio.gather(*waiting))

        for numbers, entries in zip(batches, self.runner.run(accepted()), strict=True):
            expected = [id_ for id_ in dict.fromkeys(f"r/{n}" for n in numbers) if id_ not in self.known]
            assert [entry.arrival.id for entry in entries] == expected
            for entry in entries:
                assert entry.seq > max(self.ids, default=0)
                self.known[entry.arrival.id] = entry.seq
                self.ids[entry.seq] = entry.arrival.id
                self.places[entry.seq] = "inbox"
        assert self.run(self.store.cursor("signups")) == str(self.now)

    @precondition(lambda self: "inbox" in self.places.values())
    @rule(count=st.integers(1, 6), failing=st.integers(2, 7))
    def process(self, count: int, failing: int) -> None:
        entries = self.run(self.store.arrivals_after(self.run(self.store.position()), count, 2**40))
        assert [e.seq for e in entries] == [s for s, place in self.places.items() if place == "inbox"][:count]
        self.make(entries, failing, position=entries[-1].seq)

    @precondition(lambda self: "replays" in self.places.values())
    @rule(count=st.integers(1, 6), failing=st.integers(2, 7))
    def process_replays(self, count: int, failing: int) -> None:
        self.make(self.run(self.store.replays(count, 2**40)), failing, position=None)

    def make(self, entries: list[InboxEntry], failing: int, position: int | None) -> None:
        self.now += 1
        made, dead = [], []
        for entry in entries:
            fails = entry.seq % failing == 0
            self.places[entry.seq] = "process" if fails else "outbox"
            if fails:
                dead.append(DeadLetter("process", "tidy", "no", "no", entry.arrival.id, self.now, entry.seq))
            else:
                made.append(("crm", entry.seq, Delivery(entry.arrival.id, "action", "rosa", BODY)))
        replayed = [] if position is not None else [entry.seq for entry in entries]
        pending = self.write("process", Processed(self.now, position, made, dead, replayed))
        assert isinstance(pending, list)
        for delivery in pending:
            assert delivery.seq > self.last_delivery
            self.last_delivery = delivery.seq

    @precondition(lambda self: "outbox" in self.places.values())
    @rule(outcomes=st.lists(st.sampled_from(["delivered", "skipped", "coalesced", "retry", "dead"]), min_size=1))
    def settle(self, outcomes: list[str]) -> None:
        self.now += 1
        pending = self.run(self.store.pending_after("crm", 0, len(outcomes), 2**40))
        sorted_out: dict[str, list[object]] = {
            word: [] for word in ("delivered", "skipped", "coalesced", "retry", "dead")
        }
        for delivery, outcome in zip(pending, outcomes, strict=False):
            letter = DeadLetter(
                "deliver",
                "crm",
                "no",
                "no",
                self.ids[delivery.inbox_seq],
                self.now,
                delivery.inbox_seq,
                "a",
                "r",
                BODY,
            )
            what = {
                "skipped": (delivery.seq, "same"),
                "retry": (delivery.seq, delivery.delivery.attempts + 1, self.now + 5),
                "dead": (delivery.seq, letter),
            }.get(outcome, delivery.seq)
            sorted_out[outcome].append(what)
            if outcome != "retry":
                self.places[delivery.inbox_seq] = "deliver" if outcome == "dead" else "done"
        self.write("settle", Settlement(self.now, *sorted_out.values()))  # type: ignore[arg-type]

    @precondition(lambda self: {"process", "deliver"} & set(self.places.values()))
    @rule(component=st.sampled_from([None, "crm", "tidy"]))
    def retry_dead(self, component: str | None) -> None:
        self.write("retry_dead", Selection(component=component), self.now)
        for seq, place in self.places.items():
            if place == "process" and component in (None, "tidy"):
                self.places[seq] = "replays"
            if place == "deliver" and component in (None, "crm"):
                self.places[seq] = "outbox"
                self.last_delivery += 1

    @precondition(lambda self: {"process", "deliver"} & set(self.places.values()))
    @rule(component=st.sampled_from(["crm", "tidy"]))
    def drop_dead(self, component: str) -> None:
        self.write("drop_dead", Selection(component=component))
        stage = "deliver" if component == "crm" else "process"
        for seq, place in self.places.items():
            if place == stage:
                self.places[seq] = "done"

    @rule(which=st.sets(st.integers(0, 25)))
    def replay(self, which: set[int]) -> None:
        """Of what is done, and of what failed to be processed; more would be delivered twice, as was asked."""
        wanted = [
            seq
            for id_ in (f"r/{n}" for n in which)
            if (seq := self.known.get(id_)) is not None and self.places[seq] in ("done", "process")
        ]
        assert self.write("replay", Replay(ids=[self.ids[seq] for seq in wanted])) == len(wanted)
        for seq in wanted:
            self.places[seq] = "replays"

    @rule()
    def purge(self) -> None:
        self.now += 1
        before = self.places.copy()
        step: Purge | None = Purge(self.now)
        while step is not None:
            step = self.write("purge", step).next  # type: ignore[attr-defined]
        kept = set(self.numbers("SELECT seq FROM inbox"))
        for seq, place in before.items():
            if seq not in kept:
                assert place in ("outbox", "deliver", "done")  # what these need, they have with them
                if self.known.get(self.ids[seq]) == seq:
                    del self.known[self.ids[seq]]

    @rule()
    def reopen(self) -> None:
        self.run(self.store.close())
        self.open()

    # ---- what must hold ----

    def numbers(self, query: str) -> list[int]:
        with closing(sqlite3.connect(self.directory / "groundswell.db")) as connection:
            return [row[0] for row in connection.execute(query)]

    @invariant()
    def each_record_is_in_exactly_the_place_where_it_should_be(self) -> None:
        if not hasattr(self, "places"):
            return
        expected: dict[str, list[int]] = {place: [] for place in PLACES}
        for seq, place in self.places.items():
            if place != "done":
                expected[place].append(seq)
        found = {place: sorted(self.numbers(query)) for place, query in PLACES.items()}
        # A replay wanted of what failed before: its dead letter stands until it has been processed again.
        found["process"] = sorted(set(found["process"]) - set(found["replays"]))
        assert found == {place: sorted(seqs) for place, seqs in expected.items()}

    @invariant()
    def a_delivery_is_in_the_outbox_or_in_the_log(self) -> None:
        if hasattr(self, "places"):
            both = "SELECT count(*) FROM outbox JOIN deliveries USING (seq)"
            assert self.numbers(both) == [0]
            assert self.numbers("SELECT seq FROM newest_delivery") == [self.last_delivery]

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.run(self.store.close())
            self.runner.close()
            shutil.rmtree(self.directory)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=20, stateful_step_count=25)
