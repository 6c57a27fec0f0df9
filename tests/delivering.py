"""One sink's runner over a real state file, with a fake sink, in virtual time."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import anyio
from anyio.abc import TaskGroup

from groundswell.clock import milliseconds
from groundswell.component import Delivered, Delivery, Outcome
from groundswell.metrics import Metrics
from groundswell.runtime.delivery import SinkRunner
from groundswell.runtime.taps import Taps
from groundswell.settings import BatchSettings, SinkSettings
from groundswell.store.outbox import Processed
from groundswell.store.store import Store
from tests.virtual_time import VirtualClock, a_few_turns

Answer = Callable[[Sequence[Delivery]], Sequence[Outcome] | Exception]


def take_all(deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
    return [Delivered()] * len(deliveries)


class FakeSink:
    """Notes what it is handed, and answers as it is told to."""

    def __init__(self, answer: Answer = take_all) -> None:
        self.answer = answer
        self.calls: list[list[Delivery]] = []
        self.in_flight: list[Delivery] = []
        self.in_flight_max = 0
        self.is_slow = False
        """Whether it holds what it is handed until `let_go`."""
        self.is_closed = False
        self._let_go = anyio.Event()

    @property
    def ids(self) -> list[list[str]]:
        """The record ids of each call, in order."""
        return [[delivery.record_id for delivery in call] for call in self.calls]

    @property
    def taken(self) -> list[str]:
        """The record ids of all calls, one after another."""
        return [delivery.record_id for call in self.calls for delivery in call]

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        assert not self.is_closed
        self.calls.append(list(deliveries))
        lanes = [delivery.lane for delivery in (*self.in_flight, *deliveries)]
        assert len(set(lanes)) == len(lanes), "two deliveries of one lane at a time"
        self.in_flight += deliveries
        self.in_flight_max = max(self.in_flight_max, len(self.in_flight))
        try:
            if self.is_slow:
                await self._let_go.wait()
            answer = self.answer(deliveries)
        finally:
            for delivery in deliveries:
                self.in_flight.remove(delivery)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def let_go(self) -> None:
        """Answer what is held, and no longer hold what comes."""
        self.is_slow = False
        self._let_go.set()
        self._let_go = anyio.Event()

    async def aclose(self) -> None:
        self.is_closed = True


class Delivering:
    """A runner, and everything around it. Use `start` in the task group of the test."""

    def __init__(
        self,
        store: Store,
        sink: FakeSink,
        *,
        clock: VirtualClock | None = None,
        concurrency: int = 4,
        records: int = 1,
        wait_s: float = 0,
        give_up_after: timedelta = timedelta(days=3),
        records_max: int = 2_000,
        bytes_max: int = 2**20,
        seed: int = 1,
    ) -> None:
        self.store = store
        self.sink = sink
        self.clock = clock or VirtualClock()
        self.clock.settle = self.settle
        self.metrics = Metrics()
        self.taps = Taps()
        self._settings = SinkSettings(
            type="fake",
            inputs=["people"],
            concurrency=concurrency,
            batch=BatchSettings(records=records, wait=timedelta(seconds=wait_s)),
            give_up_after=give_up_after,
        )
        self._bounds = {"records_max": records_max, "bytes_max": bytes_max}
        self._random = Random(seed)
        self.runner: SinkRunner
        self.scope: anyio.CancelScope

    async def start(self, tasks: TaskGroup) -> None:
        """Run it, from what the state file says, until the group or `scope` is cancelled."""
        self.runner = SinkRunner(
            "crm",
            self.sink,
            self._settings,
            store=self.store,
            clock=self.clock,
            random=self._random,
            metrics=self.metrics,
            taps=self.taps,
            backlog=(await self.store.backlogs()).get("crm"),
            **self._bounds,
        )
        await tasks.start(self._run)
        await self.settle()

    async def _run(self, *, task_status: Any) -> None:
        with anyio.CancelScope() as self.scope:
            await self.runner.run(task_status=task_status)

    async def put(self, *deliveries: Delivery, settled: bool = True) -> list[int]:
        """Commit these and hand them to the runner; their numbers."""
        now = milliseconds(self.clock.now())
        made = [("crm", number, delivery) for number, delivery in enumerate(deliveries, 1)]
        pending = await self.store.process(Processed(now, None, made))
        self.runner.offer(pending)
        if settled:
            await self.settle()
        return [entry.seq for entry in pending]

    async def settle(self) -> None:
        """Return once nothing moves any more at this moment."""
        before: object = None
        quiet = 0
        while quiet < 4:
            await self.store.ping()
            await self.store.position()  # reads have their own queue
            await a_few_turns()
            lanes, tail = self.runner.lanes, self.runner.tail
            now = (len(self.sink.calls), self.runner.waiting, lanes.records, lanes.parked, len(tail), tail.is_behind)
            quiet = quiet + 1 if now == before else 0
            before = now

    def count(self, word: str) -> float:
        return self.metrics.totals().get("crm", {}).get(word, 0)


def delivery(record_id: str, lane: str | None = None, body: bytes = b"{}", kind: str = "action") -> Delivery:
    """An action; each its own lane unless said otherwise."""
    return Delivery(record_id, kind, lane or record_id, body)
